"""Signalling months, Dutch working days and the deadlines that follow from them (DOMAIN §3).

Everything here takes dates and gives dates; nothing reads the clock. All moments are in Europe/Amsterdam.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import holidays

from vroeg_pipeline.domain.errors import VroegError

TIME_ZONE = "Europe/Amsterdam"
AMSTERDAM = ZoneInfo(TIME_ZONE)
DELIVERY_DUE_TIME = time(17, 0)
MATCHING_TIME = time(6, 0)

_MONTH = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


def is_month(text: str) -> bool:
    """Whether a folder name or key is a signalling month, `YYYY-MM`."""
    return _MONTH.fullmatch(text) is not None


def parse_month(text: str) -> date:
    """The first day of a month written as `YYYY-MM`.

    Raises VroegError when it is written otherwise.
    """
    found = _MONTH.fullmatch(text.strip())
    if not found:
        raise VroegError(f"'{text}' is not a month", do="write it as YYYY-MM, for example 2021-03")
    return date(int(found[1]), int(found[2]), 1)


def month_text(month: date) -> str:
    """A month as `YYYY-MM`, as it stands in folder names and on the command line."""
    return f"{month:%Y-%m}"


def add_months(month: date, count: int) -> date:
    """The first day of the month that lies `count` months after (or, when negative, before) `month`."""
    years, index = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, index + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """Every month from `first` up to and including `last`, oldest first."""
    months = []
    while first <= last:
        months.append(first)
        first = add_months(first, 1)
    return months


def last_day_of(month: date) -> date:
    """The last day of a month."""
    return add_months(month, 1) - timedelta(days=1)


def whole_months(first: str, last: str) -> list[date]:
    """The months from one day or month up to and including another, written as `2021-01-01` or `2021-01`.

    Raises VroegError when they are no whole months, or none: signals belong to a month, not to a day.
    """
    ends = []
    for text, day_of in ((first, lambda month: month), (last, last_day_of)):
        month = parse_month(text.strip()[:7])
        if text.strip() not in (month_text(month), f"{day_of(month)}"):
            raise VroegError(
                f"'{text}' is not where a month begins or ends", do=f"give {day_of(month)}, or {month_text(month)}"
            )
        ends.append(month)
    if months := months_between(*ends):
        return months
    raise VroegError(f"--from {first} lies after --to {last}", do="swap them")


def month_of(moment: datetime) -> date:
    """The signalling month in which an aware moment falls, by the Amsterdam calendar."""
    return amsterdam_day(moment).replace(day=1)


def amsterdam_day(moment: datetime) -> date:
    """The Amsterdam calendar day of an aware moment."""
    return moment.astimezone(AMSTERDAM).date()


def moment_text(moment: datetime) -> str:
    """An aware moment by the Amsterdam clock, as people read it: `05-03-2021 17:00`."""
    return f"{moment.astimezone(AMSTERDAM):%d-%m-%Y %H:%M}"


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    # The package counts Good Friday as a public holiday in some of its releases; DOMAIN §3 has it as a working day.
    named = holidays.country_holidays("NL", years=year, language="en_US")
    return frozenset(day for day, name in named.items() if name != "Good Friday")


def is_working_day(day: date) -> bool:
    """Monday to Friday, except Dutch public holidays. Good Friday is a working day (DOMAIN §3)."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def _days_after(day: date) -> Iterator[date]:
    while True:
        day += timedelta(days=1)
        yield day


def working_day_of_month(month: date, number: int) -> date:
    """The `number`-th working day of a month; the month's last one where it has fewer."""
    days = (month + timedelta(days=later) for later in range(31))
    *_, found = islice((day for day in days if day.month == month.month and is_working_day(day)), number)
    return found


def working_days_after(day: date, count: int) -> date:
    """The `count`-th working day after `day`; the day itself does not count (DOMAIN §9)."""
    for later in _days_after(day):
        if is_working_day(later):
            count -= 1
            if count == 0:
                return later
    raise AssertionError("unreachable: the calendar has no end")


def delivery_due(month: date, due_working_day: int) -> datetime:
    """When a delivery for `month` is due: 17:00 Amsterdam time on the agreed working day (DOMAIN §3)."""
    return datetime.combine(working_day_of_month(month, due_working_day), DELIVERY_DUE_TIME, AMSTERDAM)


def _utc(moments: Iterable[datetime]) -> list[datetime]:
    return [moment.astimezone(UTC) for moment in moments]


@cache
def longest_waits(due_working_day: int) -> tuple[timedelta, timedelta]:
    """The longest waits between on-time deliveries, over the years around now: from one deadline to the next, and from
    the first moment of a month to the deadline of the next.
    """
    months = [date(year, month, 1) for year in range(2020, 2060) for month in range(1, 13)]
    dues = [delivery_due(month, due_working_day) for month in months]
    starts = [datetime.combine(month, time(), AMSTERDAM) for month in months]
    # In UTC, as a wait over the change to summer time is an hour shorter than the clocks say.
    waits = [(later - due).total_seconds() for due, later in zip(_utc(dues), _utc(dues[1:]), strict=False)]
    longest = [(later - start).total_seconds() for start, later in zip(_utc(starts), _utc(dues[1:]), strict=False)]
    return timedelta(seconds=max(waits)), timedelta(seconds=max(longest))


def matching_moment(month: date, matching_working_day: int) -> datetime:
    """When the worklists of `month` are made: 06:00 Amsterdam time on the matching working day (DOMAIN §3)."""
    return datetime.combine(working_day_of_month(month, matching_working_day), MATCHING_TIME, AMSTERDAM)
