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


def delivered(tables: Tables) -> None:
    """Two partners delivered: of `huur` a signal and a rejected row."""
    for partner in ("huur", "water"):
        tables.delivery(partner)
        tables.signal(partner, customer_reference="ab1")
    tables.rejected("outdated", customer_reference="001002")


def test_what_was_withdrawn_and_is_of_a_delivered_row_matches(tables: Tables) -> None:
    delivered(tables)
    tables.world.slip("huur", "2021-03", "withdrawals", "\u200bab1 ", '"=""001002"""', "\u200b")
    tables.world.slip("huur", "2021-03", "confirmations", "ab1")
    tables.world.slip("huur", "2021-02", "withdrawals", "9999")
    tables.world.slip("licht", "2021-03", "withdrawals", "9999")  # its delivery is still to come
    tables.world.slip("water", "2021-03", "withdrawals", "9999", name="lijst.csv.part")
    assert said(tables, "slips_match") is None


def test_a_withdrawal_that_matches_nothing_is_told(tables: Tables) -> None:
    """Case a43: leading zeros lost, another case, a reference of another partner or that nobody has; twice is once."""
    delivered(tables)
    tables.world.slip("huur", "2021-03", "withdrawals", "ab1", "1002", "AB1", "9999", "9999 ", '"=""9999"""')
    tables.world.slip("water", "2021-03", "withdrawals", "001002")
    tables.world.slip("water", "2021-03", "confirmations", "ab1", "x")
    assert said(tables, "slips_match") == (
        "references that match nothing that was delivered (huur, withdrawals: 3 of 4; water, confirmations: 1 of 2; "
        "water, withdrawals: 1 of 1): ask the partner, else doors are rung for nothing"
    )


def test_a_list_that_cannot_be_used_fails_the_check_too(tables: Tables) -> None:
    delivered(tables)
    tables.world.deliver("huur", "2021-03", b"referentie\nab1\n", folder="withdrawals")
    assert said(tables, "slips_match") == (
        "lists that cannot be used (1 × huur, withdrawals: lacks the header customer_reference; write it above the "
        "references): ask the partner, else "
        "doors are rung for nothing"
    )


def test_a_reference_that_is_garbled_spoils_itself_alone(tables: Tables) -> None:
    delivered(tables)
    tables.world.deliver("huur", "2021-03", b"customer_reference\nab1\n00\x001002\n", folder="withdrawals")
    assert str(said(tables, "slips_match")).startswith(
        "references that match nothing that was delivered (huur, withdrawals: 1 of 2)"
    )


def test_what_excel_saves_as_unicode_text_is_read(tables: Tables) -> None:
    """Case a43: a list in UTF-16 held nobody back."""
    delivered(tables)
    text = "klant\tcustomer_reference\r\nx\tab1\r\n"
    tables.world.deliver("huur", "2021-03", text.encode("utf-16"), folder="withdrawals")
    assert said(tables, "slips_match") is None
    assert tables.query("SELECT partner, customer_reference FROM withdrawals") == [
        {"partner": "huur", "customer_reference": "ab1"}
    ]
