"""What `vroeg health` tells of a front desk, which has no daemon and no warehouse (docs/front-desk.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from vroeg_pipeline.automation.health import HealthFinding
from vroeg_pipeline.domain.months import add_months, amsterdam_day, moment_text, month_of, month_text
from vroeg_pipeline.domain.settings import FrontDesk
from vroeg_pipeline.front_desk.divide import Note, all_notes, is_followed
from vroeg_pipeline.front_desk.unread import told
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import DESK, DeskLook

# It looks each quarter of an hour (deploy/vroeg-front-desk.timer).
_LOOK_TOLERANCE = timedelta(hours=1)


def desk_findings(installation: Installation, desk: FrontDesk) -> Iterator[HealthFinding]:
    """Whether it looks, what waits, was refused, was given up, is read by nobody, was told back, and did not come."""
    now = installation.now()
    look = DESK.read(installation.home)
    notes = sorted(all_notes(installation.home), key=lambda note: datetime.fromisoformat(note.since))
    yield _look(look, now)
    yield _waiting(notes, desk)
    yield _of_state(notes, "refused files", "refused", "refused", "see outbox/ for what the sender is told")
    given_up = "rows given up, as their town was away"
    yield _of_state(notes, "undelivered rows", "undelivered", given_up, "ask the sender for the file again")
    said = told(look.unread, now, desk.wait_days) if look else []
    yield HealthFinding("unread files", not said, "; ".join(said) or "there are none")
    yield _told_back(notes)
    yield _deliveries(installation, notes, now)


def _look(look: DeskLook | None, now: datetime) -> HealthFinding:
    if look is None:
        return HealthFinding("front desk", False, "it never looked; start vroeg-front-desk.timer, or: vroeg front-desk")
    said = f"last look {moment_text(look.at)}"
    if now - look.at > _LOOK_TOLERANCE:
        said += ", that is more than an hour ago: see journalctl -u vroeg-front-desk"
    return HealthFinding(
        "front desk", not look.problems and now - look.at <= _LOOK_TOLERANCE, _with(said, look.problems)
    )


def _with(said: str, problems: Sequence[str]) -> str:
    return "; ".join([said, *problems])


def _waiting(notes: Iterable[Note], desk: FrontDesk) -> HealthFinding:
    said = []
    for note in notes:
        if note.is_gone or note.state not in ("waiting", "new"):
            continue
        since = datetime.fromisoformat(note.since)
        over = amsterdam_day(since + timedelta(days=desk.wait_days))
        towns = ", ".join(Path(town).name for town in note.waits)
        what = f"{note.undelivered} rows for {towns}" if towns else "not divided yet"
        said.append(f"{note.shown}: {what}, since {moment_text(since)}, given up on {over:%d-%m-%Y}")
    return HealthFinding("waiting files", not said, "; ".join(said) or "there are none")


def _of_state(notes: Sequence[Note], part: str, state: str, what: str, do: str) -> HealthFinding:
    """Those of this state that no other file of the sender followed."""
    said = [
        f"{note.shown}: {f'{note.undelivered} ' if note.undelivered else ''}{what}, it came {_moment(note.since)}"
        for note in notes
        if note.state == state and not is_followed(note, notes)
    ]
    return HealthFinding(part, not said, _with("; ".join(said), [do]) if said else "there are none")


def _moment(text: str) -> str:
    return moment_text(datetime.fromisoformat(text))


def _told_back(notes: Iterable[Note]) -> HealthFinding:
    """Of the last file of each sender. One of which no row is of a town here says that the desk knows no postcodes."""
    last = {note.sender: note for note in notes if note.state in ("divided", "waiting", "undelivered")}
    said = [f"{note.shown}: {note.told_back} of {note.row_count} rows" for note in last.values() if note.told_back]
    wrong = [note for note in last.values() if note.row_count and note.told_back == note.row_count]
    return HealthFinding("rows told back", not wrong, "; ".join(said) or "none of the last file of each sender")


def _deliveries(installation: Installation, notes: Sequence[Note], now: datetime) -> HealthFinding:
    """Of the newest month of which the deadline has passed, as the agreement of each has it."""
    agreements = installation.partners.agreements.values()
    in_parts = {agreement.partner for agreement in agreements if agreement.is_delivered_in_parts}
    came = {(note.sender, note.month) for note in notes if note.state != "refused" and not note.is_addition}
    came |= {(note.sender, note.month) for note in notes if note.is_addition and note.sender in in_parts}
    said = []
    for agreement in agreements:
        month = month_of(now) if agreement.due(month_of(now)) < now else add_months(month_of(now), -1)
        sender = agreement.delivered_by or agreement.partner
        if agreement.is_owed(month) and (sender, month_text(month)) not in came:
            said.append(f"{sender}: nothing for {month_text(month)}, due {moment_text(agreement.due(month))}")
    return HealthFinding("deliveries", not said, "; ".join(dict.fromkeys(said)) or "what is owed has come")
