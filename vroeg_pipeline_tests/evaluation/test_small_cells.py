"""No small count can be told from what is shown; and not everything is hidden."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from vroeg_pipeline.evaluation.small_cells import SMALLEST_SHOWN, Counts, hidden_cells

Cell = tuple[object, object]


def grid(rows: list[list[int]]) -> tuple[dict[Cell, int], list[tuple[Cell, list[Cell]]]]:
    """A table with totals of rows, columns and all."""
    height, width = len(rows), len(rows[0])
    values: dict[Cell, int] = {(r, c): rows[r][c] for r in range(height) for c in range(width)}
    sums: list[tuple[Cell, list[Cell]]] = []
    for r in range(height):
        values[r, "all"] = sum(rows[r])
        sums.append(((r, "all"), [(r, c) for c in range(width)]))
    for c in [*range(width), "all"]:
        values["all", c] = sum(values[r, c] for r in range(height))
        sums.append((("all", c), [(r, c) for r in range(height)]))
    sums.append((("all", "all"), [("all", c) for c in range(width)]))
    return values, sums


def test_a_lone_small_cell_takes_the_smallest_other_with_it() -> None:
    values = {"all": 20, "a": 2, "b": 7, "c": 11}
    assert hidden_cells(values, [("all", ["a", "b", "c"])]) == {"a", "b"}


def test_two_small_cells_whose_sum_is_small_take_a_third() -> None:
    values = {"all": 20, "a": 1, "b": 2, "c": 17}
    assert hidden_cells(values, [("all", ["a", "b", "c"])]) == {"a", "b", "c"}
    values = {"all": 27, "a": 4, "b": 3, "c": 20}
    assert hidden_cells(values, [("all", ["a", "b", "c"])]) == {"a", "b"}


def test_a_small_complement_is_protected_though_nobody_prints_it() -> None:
    counts: Counts[str] = Counts()
    counts.put("reports", 10)
    counts.put("reached", 8)
    counts.rest("reports", ["reached"], "not reached")
    assert counts.hidden() == {"reached"}


def test_zeros_and_what_is_large_enough_stay() -> None:
    values = {"all": 30, "a": 0, "b": 5, "c": 25}
    assert hidden_cells(values, [("all", ["a", "b", "c"])]) == set()
    assert hidden_cells({"a": 4, "b": 5}, []) == {"a"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=2, max_size=3))
def test_whoever_tries_every_table_that_fits_cannot_tell_a_small_cell(rows: list[list[int]]) -> None:
    """The reader as a second implementation: all whole-number tables that agree with what is shown."""
    values, sums = grid(rows)
    hidden = hidden_cells(values, sums)
    inner = [key for key in values if "all" not in key]
    small = [key for key, value in values.items() if 0 < value < SMALLEST_SHOWN]
    assert set(small) <= hidden
    assert all(values[key] > 0 for key in hidden)
    reach = 14
    ways = [range(1, reach) if key in hidden else (values[key],) for key in inner]
    if len([way for way in ways if len(way) > 1]) > 4:
        return  # too many tables to try; the rule is the same for larger ones
    could_be_large = set()
    for choice in product(*ways):
        tried = dict(zip(inner, choice, strict=True))
        for total, parts in sums:
            tried[total] = sum(tried[part] for part in parts)
        if all(tried[key] == values[key] for key in values if key not in hidden) and all(tried[key] for key in hidden):
            could_be_large |= {key for key in small if tried[key] >= SMALLEST_SHOWN}
    assert could_be_large == set(small)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=3, max_size=5))
def test_a_table_of_large_numbers_is_left_alone(rows: list[list[int]]) -> None:
    values, sums = grid([[0 if cell < 5 else cell for cell in row] for row in rows])
    assert hidden_cells(values, sums) == set()
