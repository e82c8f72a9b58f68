"""What the inbox holds against what runs have already worked on: how a sensor knows without opening the warehouse.

In `taken_in/` a look at the inbox keeps which bytes a month has, and a run which of them it judged and issued. Not in
Dagster's storage, so that a lost cursor, a restart or purged runs neither process anything twice nor skip anything
(docs/adr/0009). What follows from it is decided in `automation.arrivals`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from vroeg_pipeline.domain.months import is_month, month_text, parse_month
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.resources.home import Home, private_folder, replacing
from vroeg_pipeline.resources.inbox import (
    CONFIRMATIONS,
    WITHDRAWALS,
    InboxFile,
    NotTakenError,
    content_of,
    list_month,
    list_slips,
)

_DELIVERY = "delivery"


@dataclass(frozen=True)
class WorkedOn:
    """What runs did with a month, as the content that they saw; None before the first time.

    `seen`: by the last intake. `judged`: when deliveries were last judged. `issued`: when worklists were last issued.
    """

    seen: Sequence[str] = ()
    judged: Sequence[str] | None = None
    issued: Sequence[str] | None = None


def is_news(content: Sequence[str], done: Sequence[str] | None) -> bool:
    """Whether the content holds what was not there when the work was done, or a withdrawal or confirmation is gone.

    A delivery that was taken away again is no news: its bytes are in the archive.
    """
    if done is None:
        return bool(content)
    slips_gone = any(f"/{_DELIVERY}/" not in line for line in set(done) - set(content))
    return slips_gone or not set(content) <= set(done)


def content_of_month(home: Home, month: date, settings: Settings, now: datetime) -> list[str]:
    """A line for each content in the month's folders, whatever the names: the same bytes twice are one (DOMAIN §4).

    Bytes are read only when a name, size or moment is another than at the last look. Unfinished files wait.
    """
    listings = [(_DELIVERY, list_month(home.inbox, month, settings.settle_seconds, now))]
    listings += [
        (kind, list_slips(home.inbox, kind, month, settings.settle_seconds, now))
        for kind in (WITHDRAWALS, CONFIRMATIONS)
    ]
    files = [(kind, file) for kind, listing in listings for file in listing.files]
    names = [f"{file.partner}/{kind}/{file.name}/{file.size}/{file.modified_ns}" for kind, file in files]
    fingerprint = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    path = _path(home, month, "look")
    known = _read(path)
    if known.get("names") == fingerprint:
        return list(known["content"])
    content = sorted({f"{file.partner}/{kind}/{_content(file, settings)}" for kind, file in files})
    if files:
        _write(path, {"names": fingerprint, "content": content})
    return content


def _content(file: InboxFile, settings: Settings) -> str:
    try:
        return content_of(file, settings.max_file_mb)
    except NotTakenError:
        # What cannot be read is known by its place, and changes with it.
        return hashlib.sha256(f"{file.name}/{file.size}/{file.modified_ns}".encode()).hexdigest()


def worked_on(home: Home, month: date) -> WorkedOn:
    """What runs noted of the month. A note that cannot be read counts as none: the month is worked on again."""
    known = _read(_path(home, month, "done"))
    return WorkedOn(known.get("seen", ()), known.get("judged"), known.get("issued"))


def months_worked_on(home: Home) -> set[date]:
    """The months of which a run took in deliveries, or found none."""
    names = (path.name.removesuffix(".done.json") for path in home.taken_in.glob("*.done.json"))
    return {parse_month(name) for name in names if is_month(name)}


def note_seen(home: Home, month: date, content: Sequence[str]) -> None:
    """Notes at the start of an intake what it is about to read. Only to be called by the run that holds the lock."""
    _write(_path(home, month, "done"), asdict(replace(worked_on(home, month), seen=content)))


def note_judged(home: Home, month: date) -> None:
    """Notes that the deliveries that were seen are judged."""
    done = worked_on(home, month)
    _write(_path(home, month, "done"), asdict(replace(done, judged=done.seen)))


def note_issued(home: Home, month: date) -> None:
    """Notes that the worklists of the deliveries that were seen are issued."""
    done = worked_on(home, month)
    _write(_path(home, month, "done"), asdict(replace(done, issued=done.seen)))


def _path(home: Home, month: date, what: str) -> Path:
    return home.taken_in / f"{month_text(month)}.{what}.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, note: dict[str, Any]) -> None:
    private_folder(path.parent)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(note), encoding="utf-8")
