"""Checks of signals that are no query alone: what breaks them, and what they say."""

from __future__ import annotations

import pytest

from vroeg_pipeline.definitions import CHECKS
from vroeg_pipeline_tests.kit.tables import Tables


def said(tables: Tables, check: str) -> str | None:
    """What is wrong with March, if anything."""
    (found,) = [each for each in CHECKS if each.name == check]
    return found.look(tables.at("2021-03"))[0]


@pytest.mark.parametrize(
    ("signals", "outside", "other", "wrong"),
    [
        (0, 3, 0, "3 of 3 rows lie outside the area"),
        (2, 4, 1, "4 of 7 rows lie outside the area"),
        (3, 3, 0, None),
        (2, 3, 1, None),
        (0, 2, 0, None),
        (0, 0, 3, None),
        (0, 0, 0, None),
    ],
)
def test_that_most_rows_lie_outside_the_area_is_no_green_run(
    tables: Tables, signals: int, outside: int, other: int, wrong: str | None
) -> None:
    for _ in range(signals):
        tables.signal()
    for number in range(outside):
        tables.rejected("below_threshold", "outside_area", partner=("huur", "water")[number % 2])
    for _ in range(other):
        tables.rejected("outdated")
    tables.rejected("outside_area", month="2021-02")
    found = said(tables, "few_outside_area")
    assert (found and found.split(":")[0]) == wrong
