"""Months, Dutch working days, deadlines (DOMAIN §3)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vroeg_pipeline.domain import months as m
from vroeg_pipeline.domain.errors import VroegError

some_month = st.dates(date(2000, 1, 1), date(2100, 12, 31)).map(lambda d: d.replace(day=1))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2021, 4, 2), True),  # Good Friday
        (date(2021, 4, 5), False),  # Easter Monday
        (date(2021, 5, 5), True),  # Liberation Day outside a lustrum year
        (date(2020, 5, 5), False),
        (date(2025, 5, 5), False),
        (date(2021, 4, 27), False),  # King's Day
        (date(2014, 4, 26), False),  # moved to Saturday, as the 27th was a Sunday
        (date(2025, 4, 28), True),
        (date(2021, 5, 13), False),  # Ascension Day
        (date(2021, 5, 24), False),  # Whit Monday
        (date(2020, 12, 25), False),
        (date(2021, 1, 1), False),
        (date(2021, 3, 6), False),  # Saturday
        (date(2021, 3, 8), True),
    ],
)
def test_dutch_working_days(day: date, works: bool) -> None:
    assert m.is_working_day(day) is works


@pytest.mark.parametrize(
    ("month", "number", "day"),
    [
        (date(2021, 3, 1), 5, date(2021, 3, 5)),
        (date(2021, 1, 1), 5, date(2021, 1, 8)),  # New Year's Day is a Friday
        (date(2021, 5, 1), 7, date(2021, 5, 11)),  # 5 May 2021 is a working day
        (date(2020, 5, 1), 3, date(2020, 5, 6)),  # 5 May 2020 is not
        (date(2021, 2, 1), 23, date(2021, 2, 26)),  # fewer working days than that: the last one
    ],
)
def test_working_day_of_month(month: date, number: int, day: date) -> None:
    assert m.working_day_of_month(month, number) == day


def test_working_days_count_from_the_next_day() -> None:
    assert m.working_days_after(date(2021, 3, 5), 3) == date(2021, 3, 10)  # a Friday: Monday is the first
    assert m.working_days_after(date(2021, 4, 1), 3) == date(2021, 4, 7)  # over Easter, Good Friday counting


@pytest.mark.parametrize(("month", "hour_utc"), [(date(2021, 3, 1), 16), (date(2021, 7, 1), 15)])
def test_due_at_five_in_amsterdam_summer_and_winter(month: date, hour_utc: int) -> None:
    assert m.delivery_due(month, 5).astimezone(UTC).hour == hour_utc


def test_matching_at_six() -> None:
    assert m.matching_moment(date(2021, 3, 1), 7) == datetime(2021, 3, 9, 6, tzinfo=m.AMSTERDAM)


def test_a_moment_belongs_to_the_amsterdam_day() -> None:
    late_evening = datetime(2021, 2, 28, 23, 30, tzinfo=UTC)
    assert m.amsterdam_day(late_evening) == date(2021, 3, 1)
    assert m.month_of(late_evening) == date(2021, 3, 1)


@given(some_month, st.integers(-300, 300))
def test_adding_months_can_be_undone(month: date, count: int) -> None:
    assert m.add_months(m.add_months(month, count), -count) == month


@given(some_month, st.integers(0, 60))
def test_months_between_holds_both_ends(month: date, count: int) -> None:
    found = m.months_between(month, m.add_months(month, count))
    assert len(found) == count + 1
    assert found == sorted(set(found))


@given(some_month)
def test_a_month_is_read_as_it_is_written(month: date) -> None:
    assert m.parse_month(m.month_text(month)) == month


@pytest.mark.parametrize("text", ["2021-13", "2021-3", "03-2021", "2021-03-01", "", "٢٠٢١-٠٣"])
def test_what_is_no_month_is_said_so(text: str) -> None:
    assert not m.is_month(text)
    with pytest.raises(VroegError, match="is not a month; write it as YYYY-MM"):
        m.parse_month(text)
