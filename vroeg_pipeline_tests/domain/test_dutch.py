"""Numbers with their words and names in a row, in Dutch."""

from __future__ import annotations

import pytest

from vroeg_pipeline.domain.dutch import in_a_row, in_dutch


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 regels"), (1, "1 regel"), (2, "2 regels"), (1_001, "1.001 regels"), (1_000_000, "1.000.000 regels")],
)
def test_one_is_one_and_all_else_is_several(number: int, said: str) -> None:
    assert in_dutch(number, "regel", "regels") == said


def test_names_are_said_in_a_row() -> None:
    assert [in_a_row(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == ["", "A", "A en B", "A, B en C"]
