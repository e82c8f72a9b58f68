"""What the inbox holds against what runs have already worked on: how a sensor knows without opening the warehouse.

In `taken_in/` a look at the inbox keeps which bytes a month has, and a run which of them it judged and issued. Not in
Dagster's storage, so that a lost cursor, a restart or purged runs neither process anything twice nor skip anything
(docs/adr/0009). What follows from it is decided in `automation.arrivals`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta

from vroeg_pipeline.deliveries.inbox import (
    CONFIRMATIONS,
    WITHDRAWALS,
    InboxFile,
    NotTakenError,
    content_of,
    list_month,
    list_returned,
    list_slips,
)
from vroeg_pipeline.domain.agreements import ADDRESS_DESK, OUTCOMES
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import DECIDED, DONE, LOOK, Decided, Look, WorkedOn

_DELIVERY, DECISIONS, _OUTCOME, _DECIDED = "delivery", "decisions", "outcome", "decided"
# A delivery in a folder that has no agreement: once it has one, it is news.
_STRAY = "stray"
# What was taken away again once it was read is no news: its bytes are in the archive.
_KEPT = tuple(f"/{kind}/" for kind in (_DELIVERY, _STRAY, DECISIONS, _OUTCOME, _DECIDED))
# A file that was begun longer ago is not on its way any more.
_LONGEST_UPLOAD = timedelta(hours=1)


def is_news(content: Sequence[str], done: Sequence[str] | None) -> bool:
    """Whether the content holds what was not there when the work was done, or a withdrawal or confirmation is gone."""
    if done is None:
        return bool(content)
    slips_gone = any(not any(kind in line for kind in _KEPT) for line in set(done) - set(content))
    return slips_gone or not set(content) <= set(done)


def without_outcomes(content: Iterable[str]) -> list[str]:
    """The content that bears on deliveries: what teams returned is none of their judgement."""
    return [line for line in content if f"/{_OUTCOME}/" not in line]


def content_of_month(installation: Installation, month: date) -> list[str]:
    """A line for each content in the month's folders, whatever the names: the same bytes twice are one (DOMAIN §4).

    Bytes are read only when a name, size or moment is another than at the last look. Unfinished files wait. What people
    decided of files is content too: a run has to follow it.
    """
    home, settings, now = installation.home, installation.settings, installation.now()
    listings = [(_DELIVERY, list_month(home.inbox, month, settings.settle_seconds, now))]
    listings += [
        (kind, list_slips(home.inbox, kind, month, settings.settle_seconds, now))
        for kind in (WITHDRAWALS, CONFIRMATIONS)
    ]
    listings.append((DECISIONS, list_returned(home.inbox, ADDRESS_DESK, settings.settle_seconds, now, month)))
    listings.append((_OUTCOME, list_returned(home.inbox, OUTCOMES, settings.settle_seconds, now, month)))
    files = [(kind, file) for kind, listing in listings for file in listing.files]
    names = [f"{file.partner}/{kind}/{file.name}/{file.size}/{file.modified_ns}" for kind, file in files]
    fingerprint = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    known = LOOK.read(home, month)
    decided = _decided(home, month)
    if known and known.names == fingerprint:
        content = known.content
    else:
        content = sorted({f"{file.partner}/{kind}/{_content(file, settings)}" for kind, file in files})
        if files:
            LOOK.write(home, month, Look(fingerprint, content))
    return sorted({*(_by_agreement(line, installation.partners) for line in content), *decided})


def _by_agreement(line: str, partners: Partners) -> str:
    folder, kind, content = line.split("/")
    return line if kind != _DELIVERY or partners.is_known(folder) else f"{folder}/{_STRAY}/{content}"


def _decided(home: Home, month: date) -> list[str]:
    noted = DECIDED.read(home, month) or Decided()
    now = (f"{d.partner}/{_DECIDED}/{d.decision}/{d.decided_at.astimezone(UTC).isoformat()}" for d in noted.decisions)
    return [*noted.lines, *now]


def _content(file: InboxFile, settings: Settings) -> str:
    try:
        return content_of(file, settings.max_file_mb)
    except NotTakenError:
        # What cannot be read is known by its place, and changes with it.
        return hashlib.sha256(f"{file.name}/{file.size}/{file.modified_ns}".encode()).hexdigest()


def worked_on(home: Home, month: date) -> WorkedOn:
    """What runs noted of the month. A note that cannot be read counts as none: the month is worked on again."""
    return DONE.read(home, month) or WorkedOn()


def months_worked_on(home: Home) -> set[date]:
    """The months of which a run took in deliveries, or found none."""
    return DONE.months(home)


def still_to_be_judged(installation: Installation, month: date) -> set[str]:
    """The partners from whom something lies in the month's folders that no run has judged, or that is on its way."""
    home, now = installation.home, installation.now()
    judged = set(worked_on(home, month).judged or ())
    content = without_outcomes(content_of_month(installation, month))
    news = {line.split("/")[0] for line in content if line not in judged}
    unfinished = list_month(home.inbox, month, installation.settings.settle_seconds, now).unfinished
    return news | {file.partner for file in unfinished if file.received_at > now - _LONGEST_UPLOAD}


def note_seen(home: Home, month: date, content: Sequence[str]) -> None:
    """Notes at the start of an intake what it is about to read. Only to be called by the run that holds the lock."""
    DONE.write(home, month, replace(worked_on(home, month), seen=content))


def note_judged(home: Home, month: date) -> None:
    """Notes that the deliveries that were seen are judged."""
    done = worked_on(home, month)
    DONE.write(home, month, replace(done, judged=done.seen))


def note_issued(home: Home, month: date) -> None:
    """Notes that the worklists of the deliveries that were seen are issued."""
    done = worked_on(home, month)
    DONE.write(home, month, replace(done, issued=done.seen))
