"""What was told and what waits to be told, in one file that survives restarts (`alerts.json`).

A notice is written down for each of its recipients before anything is sent, and struck out once it is handed over: a
channel that is down, or a process that is killed, loses nothing. One that is killed between the two sends once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from vroeg_pipeline.alerts.plan import Book, Condition, Notice, OpenProblem, Phase
from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, read_text, replacing
from vroeg_pipeline.installation.locking import run_lock

LOCK_SECONDS = 20


@dataclass(frozen=True)
class Waiting:
    """What waits for one recipient. `attempts`: in a row that failed, with the reason of the last."""

    notices: tuple[Notice, ...] = ()
    attempts: int = 0
    next_attempt: datetime | None = None
    failing_since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class AlertState:
    """The book, and what waits by recipient."""

    book: Book = field(default_factory=Book)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)


@contextmanager
def alert_lock(home: Home, wait_seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Held by who plans and sends, so that nobody else sends the same.

    Raises VroegError when another one does not finish within `wait_seconds`.
    """
    private_folder(home.alerts.parent)
    with run_lock(home.alerts.with_suffix(".lock"), "another look at the alerts", lambda _: None, wait_seconds):
        yield


def read_alerts(home: Home) -> AlertState:
    """The state as it was left.

    Raises VroegError when the file is there and cannot be read: an empty book would tell everything again.
    """
    if not home.alerts.exists():
        return AlertState()
    try:
        found = json.loads(read_text(home.alerts))
        problems = [_problem(each) for each in found["problems"]]
        return AlertState(
            Book(
                _moment(found["begun"]),
                {problem.condition.key: problem for problem in problems},
                frozenset((kind, subject, month, occurrence) for kind, subject, month, occurrence in found["events"]),
            ),
            {recipient: _waiting(each) for recipient, each in found["waiting"].items()},
        )
    except (ValueError, KeyError, TypeError):
        raise VroegError(
            "is damaged", where=home.alerts, do="remove it; what is wrong now is then told once more"
        ) from None


def write_alerts(home: Home, state: AlertState) -> None:
    """Puts the state in place of the older one."""
    content = {
        "begun": state.book.begun,
        "problems": [asdict(problem) for problem in state.book.problems.values()],
        "events": sorted(state.book.events),
        "waiting": {recipient: asdict(each) for recipient, each in state.waiting.items()},
    }
    with replacing(home.alerts) as temporary:
        temporary.write_text(json.dumps(content, default=_as_text), encoding="utf-8")


def _as_text(value: object) -> str:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"no text for {type(value).__name__}")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _condition(found: dict[str, Any]) -> Condition:
    month = date.fromisoformat(found["month"]) if found["month"] else None
    return Condition(AlertKind(found["kind"]), found["subject"], month, found["occurrence"], found["facts"])


def _problem(found: dict[str, Any]) -> OpenProblem:
    since, told_at = (datetime.fromisoformat(found[name]) for name in ("since", "told_at"))
    return OpenProblem(_condition(found["condition"]), since, told_at)


def _waiting(found: dict[str, Any]) -> Waiting:
    notices = tuple(
        Notice(
            Phase(notice["phase"]),
            _condition(notice["condition"]),
            datetime.fromisoformat(notice["at"]),
            datetime.fromisoformat(notice["since"]),
        )
        for notice in found["notices"]
    )
    return Waiting(
        notices, found["attempts"], _moment(found["next_attempt"]), _moment(found["failing_since"]), found["reason"]
    )
