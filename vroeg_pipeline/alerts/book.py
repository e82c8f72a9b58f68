"""What was told and what waits to be told, in one file that survives restarts (`alerts.json`).

A notice is written down for each of its recipients before anything is sent, and struck out once it is handed over: a
channel that is down, or a process that is killed, loses nothing. One that is killed between the two sends once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from vroeg_pipeline.alerts.plan import Book, Notice, OpenProblem
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, read_text, replacing
from vroeg_pipeline.installation.locking import run_lock

_LOCK_SECONDS = 20


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


@dataclass(frozen=True)
class _Written:
    """The state as it stands in the file."""

    begun: datetime | None
    problems: Sequence[OpenProblem]
    events: Sequence[tuple[str, str, str, str]]
    waiting: Mapping[str, Waiting]


_WRITTEN = TypeAdapter(_Written)


@contextmanager
def alert_lock(home: Home) -> Iterator[None]:
    """Held by who plans and sends, so that nobody else sends the same.

    Raises VroegError when another one does not finish.
    """
    private_folder(home.alerts.parent)
    with run_lock(home.alerts.with_suffix(".lock"), "another look at the alerts", lambda _: None, _LOCK_SECONDS):
        yield


def read_alerts(home: Home) -> AlertState:
    """The state as it was left.

    Raises VroegError when the file is there and cannot be read: an empty book would tell everything again.
    """
    if not home.alerts.exists():
        return AlertState()
    try:
        found = _WRITTEN.validate_python(_as_now(json.loads(read_text(home.alerts))))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise VroegError(
            "is damaged", where=home.alerts, do="remove it; what is wrong now is then told once more"
        ) from None
    problems = {problem.condition.key: problem for problem in found.problems}
    return AlertState(Book(found.begun, problems, frozenset(found.events)), found.waiting)


def _as_now(found: Any) -> Any:
    """Brings up to date what older releases wrote: the kind beside the facts, and among them what solved the problem."""
    notices = [notice for each in found["waiting"].values() for notice in each["notices"]]
    for each in [*found["problems"], *notices]:
        condition, facts = each["condition"], each["condition"]["facts"]
        if "kind" in condition:
            facts["kind"] = condition["kind"]
            if "solved_by" in facts:
                each["solution"] = {"received": facts["solved_by"], "rows": facts["rows"]}
    return found


def write_alerts(home: Home, state: AlertState) -> None:
    """Puts the state in place of the older one."""
    book = state.book
    written = _Written(book.begun, list(book.problems.values()), sorted(book.events), state.waiting)
    with replacing(home.alerts) as temporary:
        temporary.write_bytes(_WRITTEN.dump_json(written))
