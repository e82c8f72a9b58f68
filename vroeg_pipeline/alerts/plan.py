"""Which alerts are due: what is wrong now against what was told before (ARCHITECTURE decision 11).

Plain facts in, notices out. What counts as wrong with a delivery stands in `alerts.problems`, how a notice reads in
`alerts.messages`; looking and sending is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from vroeg_pipeline.alerts.facts import Facts, Solution
from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.months import AMSTERDAM, amsterdam_day, working_days_after
from vroeg_pipeline.installation.notes import AlertKey, Silence

# Somebody must be there to read a reminder.
REMINDER_TIME = time(9, 0)
_FIRST_RETRY, _LONGEST_RETRY = timedelta(minutes=1), timedelta(minutes=30)


class Phase(StrEnum):
    """Where a notice stands in the life of what it is about."""

    RAISED = "raised"
    REMINDER = "reminder"
    SOLVED = "solved"


@dataclass(frozen=True)
class Condition:
    """Something that is so at this moment and that somebody wants to hear of.

    `facts`: what the message tells; they may change while the condition stays the same. `subject`: a partner id, a sensor, a
    job. `occurrence` tells several of one kind, subject and month apart.
    """

    facts: Facts
    subject: str = ""
    month: date | None = None
    occurrence: str = ""

    @property
    def kind(self) -> AlertKind:
        return self.facts.kind

    @property
    def key(self) -> AlertKey:
        """What makes it the same condition as one that was told before."""
        return (self.kind.value, self.subject, str(self.month or ""), self.occurrence)


@dataclass(frozen=True)
class Notice:
    """One line of a message. `since`: when the condition was first told; moments are aware. `solution`: of a solved one."""

    phase: Phase
    condition: Condition
    at: datetime
    since: datetime
    solution: Solution | None = None


@dataclass(frozen=True)
class OpenProblem:
    """A problem that was told and is not solved."""

    condition: Condition
    since: datetime
    told_at: datetime


@dataclass(frozen=True)
class Book:
    """What was told so far. `begun` is None before the first look: what happened before it is not told as news."""

    begun: datetime | None = None
    problems: Mapping[AlertKey, OpenProblem] = field(default_factory=dict)
    events: frozenset[AlertKey] = frozenset()


@dataclass(frozen=True)
class Observed:
    """What a look found.

    `withheld`: partners and months of which nothing can be said now, as their files are still to be judged (a partner of
    None is all of them): their problems are neither raised nor solved. `solutions`: what to tell of a partner's month
    when a problem of it is solved. `silences`: what people asked to be silent about, those in force.
    """

    conditions: Sequence[Condition] = ()
    withheld: frozenset[tuple[str | None, date]] = frozenset()
    solutions: Mapping[tuple[str, date], Solution] = field(default_factory=dict)
    silences: Sequence[Silence] = ()

    def is_acknowledged(self, condition: Condition) -> bool:
        """Whether somebody has taken it on, so that nobody needs to be reminded."""
        return any(silence.key == condition.key for silence in self.silences)

    def can_tell(self, condition: Condition) -> bool:
        """Whether anything can and may be said of what the condition is about."""
        if is_muted(condition, self.silences):
            return False
        month = condition.month
        return month is None or not {(condition.subject, month), (None, month)} & self.withheld


def plan(
    book: Book, observed: Observed, now: datetime, *, from_month: date, reminder_working_days: int
) -> tuple[Book, list[Notice]]:
    """What to tell at the aware moment `now`, and the book after that.

    Nothing is told twice, but a reminder of a problem after so many working days, and a problem that comes back after it
    was solved. Problems and events of months before `from_month` are not news any more and get no reminder; that one of
    them is solved is told. What somebody acknowledged gets no reminder, and what is muted waits until it is not.
    """
    problems, events, notices = dict(book.problems), set(book.events), []
    seen = {condition.key: condition for condition in observed.conditions if observed.can_tell(condition)}
    for key, condition in seen.items():
        recent = condition.month is None or condition.month >= from_month
        if condition.facts.is_event:
            if key not in events and recent:
                events.add(key)
                if book.begun is not None:
                    notices.append(Notice(Phase.RAISED, condition, now, now))
        elif known := problems.get(key):
            due = _reminder_due(known.told_at, reminder_working_days) <= now and recent
            due = due and not observed.is_acknowledged(condition)
            problems[key] = replace(known, condition=condition, told_at=now if due else known.told_at)
            if due:
                notices.append(Notice(Phase.REMINDER, condition, now, known.since))
        elif recent:
            problems[key] = OpenProblem(condition, now, now)
            notices.append(Notice(Phase.RAISED, condition, now, now))
    for key, known in book.problems.items():
        if key not in seen and observed.can_tell(known.condition):
            del problems[key]
            solution = observed.solutions.get((known.condition.subject, known.condition.month or date.min))
            notices.append(Notice(Phase.SOLVED, known.condition, now, known.since, solution))
    return Book(book.begun or now, problems, frozenset(events)), notices


def is_muted(condition: Condition, silences: Iterable[Silence]) -> bool:
    """Whether any of the silences in force mutes it."""
    return any(silence.mutes(condition.kind.value, condition.subject) for silence in silences)


def _reminder_due(told_at: datetime, working_days: int) -> datetime:
    return datetime.combine(working_days_after(amsterdam_day(told_at), working_days), REMINDER_TIME, AMSTERDAM)


def is_quiet(now: datetime, hours: tuple[time, time] | None) -> bool:
    """Whether an aware moment falls in the quiet hours, by the Amsterdam clock; they may run past midnight."""
    if hours is None:
        return False
    (start, end), clock = hours, now.astimezone(AMSTERDAM).time()
    return start <= clock < end if start <= end else clock >= start or clock < end


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts in a row that failed: twice as long each time, half an hour at most."""
    return min(_FIRST_RETRY * (1 << min(attempts - 1, 10)), _LONGEST_RETRY)


def is_due(attempt: datetime | None, now: datetime) -> bool:
    """Whether it is time for the next attempt; one farther away than any was planned before the clock was set back."""
    return attempt is None or not timedelta() < attempt - now <= _LONGEST_RETRY
