"""Which alerts are due: told once, reminded of, solved; over random histories of arrivals (issue: exactly once)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vroeg_pipeline.alerts.facts import Late, Missing
from vroeg_pipeline.alerts.plan import (
    Book,
    Condition,
    Notice,
    Observed,
    Phase,
    is_quiet,
    plan,
    retry_after,
)
from vroeg_pipeline.alerts.problems import delivery_problems, solution_of
from vroeg_pipeline.deliveries.partner_month import DeliveryState, PartnerMonth
from vroeg_pipeline.domain.agreements import parse_agreement
from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.months import month_of
from vroeg_pipeline.installation.notes import NotedVerdict, RegisteredFile, Silence
from vroeg_pipeline_tests.kit.world import agreement, moment

MARCH, FEBRUARY = date(2021, 3, 1), date(2021, 2, 1)
_IS_MISSING = Missing(name="Huur", contact="", addressee="Huur", due="05-03-2021 17:00", refusals=())
MISSING = Condition(_IS_MISSING, "huur", MARCH)
LATE = Condition(Late(due="05-03-2021 17:00", received="05-03-2021 18:00", hours=1, rows=2), "huur", MARCH)
FRIDAY = moment("2021-03-05 17:01")


def look(
    book: Book,
    now: datetime,
    *conditions: Condition,
    withheld: frozenset[tuple[str | None, date]] = frozenset(),
    silences: Sequence[Silence] = (),
) -> tuple[Book, list[tuple[str, str]]]:
    observed = Observed(conditions, withheld, silences=silences)
    book, notices = plan(book, observed, now, from_month=FEBRUARY, reminder_working_days=3)
    return book, [(notice.phase.value, notice.condition.kind.value) for notice in notices]


def test_a_problem_is_told_once_reminded_of_and_solved() -> None:
    book, told = look(Book(), FRIDAY, MISSING)
    assert told == [("raised", "missing")]
    book, told = look(book, FRIDAY + timedelta(minutes=1), MISSING)
    assert told == []
    book, told = look(book, moment("2021-03-10 08:59"), MISSING)  # the third working day, before anybody is there
    assert told == []
    book, told = look(book, moment("2021-03-10 09:00"), MISSING)
    assert told == [("reminder", "missing")]
    book, told = look(book, moment("2021-03-10 09:01"), MISSING)
    assert told == []
    book, told = look(book, moment("2021-03-11 10:00"))
    assert told == [("solved", "missing")]
    assert look(book, moment("2021-03-11 10:01"))[1] == []


def test_what_somebody_took_on_gets_no_reminder_and_is_told_when_it_is_solved() -> None:
    taken_on = Silence("A. Bakker", FRIDAY, key=MISSING.key)
    book, _ = look(Book(), FRIDAY, MISSING)
    assert look(book, moment("2021-03-20 09:00"), MISSING, silences=[taken_on])[1] == []
    assert look(book, moment("2021-03-20 09:00"), MISSING)[1] == [("reminder", "missing")]
    assert look(book, moment("2021-03-20 09:00"), silences=[taken_on])[1] == [("solved", "missing")]


@pytest.mark.parametrize(
    ("kind", "partner", "is_muted"),
    [
        ("missing", None, True), (None, "huur", True), ("missing", "huur", True),
        ("late", None, False), (None, "water", False), ("missing", "water", False), ("late", "huur", False),
    ],
)  # fmt: skip
def test_what_is_muted_is_told_when_the_mute_ends(kind: str | None, partner: str | None, is_muted: bool) -> None:
    mute, told = Silence("A", FRIDAY, moment("2021-03-20 09:00"), kind=kind, partner=partner), [("raised", "missing")]
    book, first = look(Book(), FRIDAY, MISSING, silences=[mute])
    assert first == ([] if is_muted else told)
    book, after = look(book, FRIDAY + timedelta(minutes=1), MISSING)
    assert after == (told if is_muted else [])
    book, during = look(book, moment("2021-03-19 10:00"), silences=[mute])  # it was solved meanwhile
    assert during == ([] if is_muted else [("solved", "missing")])
    assert look(book, moment("2021-03-20 09:00"))[1] == ([("solved", "missing")] if is_muted else [])


def test_a_problem_that_comes_back_is_told_again() -> None:
    book, _ = look(Book(), FRIDAY, MISSING)
    book, _ = look(book, FRIDAY + timedelta(hours=1))
    assert look(book, FRIDAY + timedelta(hours=2), MISSING)[1] == [("raised", "missing")]


def test_what_cannot_be_told_now_is_neither_raised_nor_solved() -> None:
    for withheld in (frozenset({("huur", MARCH)}), frozenset({(None, MARCH)})):
        assert look(Book(), FRIDAY, MISSING, withheld=withheld)[1] == []
        book, _ = look(Book(), FRIDAY, MISSING)
        assert look(book, moment("2021-03-12 10:00"), withheld=withheld)[1] == []


def test_events_happen_once_and_are_not_solved() -> None:
    book, told = look(Book(begun=FRIDAY), FRIDAY, LATE)
    assert told == [("raised", "late")]
    book, told = look(book, FRIDAY + timedelta(days=9), LATE)
    assert told == []
    book, told = look(book, FRIDAY + timedelta(days=10))
    assert told == []
    assert look(book, FRIDAY + timedelta(days=11), LATE)[1] == []


def test_what_happened_before_the_first_look_is_no_news_but_what_is_wrong_is() -> None:
    book, told = look(Book(), FRIDAY, LATE, MISSING)
    assert told == [("raised", "missing")]
    assert look(book, FRIDAY + timedelta(hours=1), LATE, MISSING)[1] == []


def test_old_months_are_no_news_but_that_they_are_solved_is() -> None:
    old = Condition(_IS_MISSING, "huur", date(2021, 1, 1))
    assert look(Book(), FRIDAY, old)[1] == []
    book, _ = plan(Book(), Observed([old]), FRIDAY, from_month=old.month or MARCH, reminder_working_days=3)
    assert look(book, FRIDAY + timedelta(days=30), old)[1] == []
    assert look(book, FRIDAY + timedelta(days=31))[1] == [("solved", "missing")]


@pytest.mark.parametrize(
    ("clock", "hours", "quiet"),
    [
        ("2021-03-05 20:00", ("20:00", "07:00"), True),
        ("2021-03-05 06:59", ("20:00", "07:00"), True),
        ("2021-03-05 07:00", ("20:00", "07:00"), False),
        ("2021-07-05 19:59", ("20:00", "07:00"), False),
        ("2021-03-05 12:30", ("12:00", "13:00"), True),
        ("2021-03-05 13:00", ("12:00", "13:00"), False),
    ],
)
def test_quiet_hours_may_run_past_midnight(clock: str, hours: tuple[str, str], quiet: bool) -> None:
    start, end = (time.fromisoformat(hour) for hour in hours)
    assert is_quiet(moment(clock), (start, end)) is quiet
    assert not is_quiet(moment(clock), None)


def test_retries_wait_longer_each_time_but_never_long() -> None:
    waits = [retry_after(attempts).total_seconds() / 60 for attempts in (1, 2, 3, 6, 1000)]
    assert waits == [1, 2, 4, 30, 30]


AGREED = parse_agreement(yaml.safe_dump(agreement("huur")), "f", "huur")
ON_TIME, AFTER = moment("2021-03-05 17:00"), moment("2021-03-05 17:01")
RECENT = date(2021, 3, 1)


def file(
    status: str, at: datetime = ON_TIME, refusal: str | None = None, read_on: date = RECENT, outdated: int = 0
) -> RegisteredFile:
    return RegisteredFile(status, refusal, at, read_on, 20, outdated if status == "accepted" else None, "why")


def broken(*checks: str) -> list[NotedVerdict]:
    return [NotedVerdict("deliveries/huur", check, False, "so") for check in checks]


@pytest.mark.parametrize(
    ("files", "verdicts", "kinds"),
    [
        ([], [], ["missing"]),
        ([file("accepted")], [], []),
        ([file("accepted", AFTER)], [], ["late"]),
        ([file("accepted"), file("questioned", AFTER)], broken("replacement_is_whole"), ["questioned"]),
        ([file("accepted", AFTER), file("questioned")], [], ["late"]),
        ([file("superseded"), file("accepted", AFTER)], [], []),
        ([file("refused", refusal="unreadable")], broken("delivered"), ["missing", "refused"]),
        ([file("refused", refusal="unreadable"), file("accepted", AFTER)], [], ["late"]),
        ([file("accepted"), file("refused", AFTER, "missing_columns")], [], ["refused"]),
        ([file("refused", refusal="stale_copy")], [], ["missing", "outdated"]),
        ([file("accepted"), file("refused", AFTER, "stale_copy")], [], ["outdated"]),
        ([file("accepted", read_on=date(2021, 2, 18))], broken("reference_date_is_recent"), ["outdated"]),
        ([file("accepted", outdated=3)], broken("few_rows_outdated"), ["outdated"]),
        ([file("accepted", outdated=2)], [], []),
        ([file("accepted")], broken("rows_as_agreed", "rows_as_usual"), ["volume"]),
        ([file("accepted")], broken("columns_as_agreed"), ["drift"]),
        ([file("accepted")], broken("few_doubles", "few_rows_rejected"), ["check_failed", "check_failed"]),
        ([], broken("few_doubles"), ["missing"]),
    ],
)
def test_what_is_wrong_with_a_delivery(
    files: list[RegisteredFile], verdicts: list[NotedVerdict], kinds: list[str]
) -> None:
    found = delivery_problems(PartnerMonth(AGREED, MARCH, files), verdicts, moment("2021-03-20 12:00"))
    assert sorted(condition.kind.value for condition in found) == kinds


def test_before_the_deadline_nothing_is_missing_but_refused_is_told() -> None:
    refused = [file("refused", refusal="unreadable")]
    assert [c.kind for c in delivery_problems(PartnerMonth(AGREED, MARCH, refused), [], ON_TIME)] == [AlertKind.REFUSED]
    assert list(delivery_problems(PartnerMonth(AGREED, MARCH), [], ON_TIME)) == []


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, RegisteredFile]]:
    """Arrivals by hour of March: usable, refused, old bytes again; the newest usable one is the delivery."""
    arrivals = draw(
        st.lists(
            st.tuples(
                st.integers(0, 30 * 24),
                st.sampled_from(["usable", "unreadable", "missing_columns", "stale_copy", "outdated"]),
            ),
            max_size=6,
        )
    )
    start = moment("2021-03-01 00:00")
    history = []
    for hour, what in sorted(arrivals):
        status = "accepted" if what in ("usable", "outdated") else "refused"
        read_on = date(2021, 1, 1) if what == "outdated" else RECENT
        refusal = what if status == "refused" else None
        history.append((hour, file(status, start + timedelta(hours=hour), refusal, read_on)))
    return history


def files_at(history: list[tuple[int, RegisteredFile]], hour: int) -> list[RegisteredFile]:
    here = [each for arrived, each in history if arrived <= hour]
    usable = [each for each in here if each.status == "accepted"]
    return [
        RegisteredFile("superseded", None, f.received_at, f.reference_date_max, f.row_count)
        if f in usable and f is not usable[-1]
        else f
        for f in here
    ]


@given(history=histories(), looks=st.lists(st.integers(0, 60 * 24), min_size=1, max_size=40, unique=True))
def test_every_alert_is_told_exactly_once_over_any_history(
    history: list[tuple[int, RegisteredFile]], looks: list[int]
) -> None:
    """Whatever comes and whenever one looks: one state, problem and solution in turn, events once, nothing left out."""
    start, book = moment("2021-03-01 00:00"), Book(begun=moment("2021-02-28 00:00"))
    told: list[Notice] = []
    for hour in sorted(looks):
        now, of = start + timedelta(hours=hour), PartnerMonth(AGREED, MARCH, files_at(history, hour))
        state = of.state(now)
        found = list(delivery_problems(of, [], now))
        kinds = {condition.kind for condition in found}
        # The one state of the board never hides what is told, nor the other way round.
        assert (state == DeliveryState.MISSING) <= (AlertKind.MISSING in kinds)
        assert (state == DeliveryState.REFUSED) <= (AlertKind.REFUSED in kinds)
        assert (state == DeliveryState.OUTDATED) <= (AlertKind.OUTDATED in kinds)
        assert (state == DeliveryState.LATE) <= (AlertKind.LATE in kinds)
        assert (AlertKind.MISSING in kinds) <= (state not in (DeliveryState.ON_TIME, DeliveryState.LATE))
        assert len({condition.key for condition in found}) == len(found)
        solution = solution_of(of)
        observed = Observed(found, solutions={("huur", MARCH): solution} if solution else {})
        book, notices = plan(book, observed, now, from_month=month_of(start), reminder_working_days=3)
        told += notices
        assert {p.condition.key for p in book.problems.values()} == {c.key for c in found if not c.facts.is_event}
        again, nothing = plan(book, observed, now, from_month=month_of(start), reminder_working_days=3)
        assert (again, nothing) == (book, [])
    for key in {notice.condition.key for notice in told}:
        phases = [n.phase for n in told if n.condition.key == key and n.phase != Phase.REMINDER]
        assert phases == [Phase.RAISED if n % 2 == 0 else Phase.SOLVED for n in range(len(phases))]
    events = Counter(n.condition.key for n in told if n.condition.facts.is_event)
    assert all(count == 1 for count in events.values())
    raised = [n for n in told if n.phase == Phase.RAISED and not n.condition.facts.is_event]
    solved = [n for n in told if n.phase == Phase.SOLVED]
    assert len(raised) - len(solved) == len(book.problems)
