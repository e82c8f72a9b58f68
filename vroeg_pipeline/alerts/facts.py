"""What each kind of alert tells: texts and numbers without personal data (DOMAIN §12), one dataclass a kind.

A new kind is an `AlertKind`, a dataclass here that stands in `Facts`, its words in `alerts.messages` (mypy says which lack)
and the look that finds it. Moments and months are written as people read them, Amsterdam time. The names of fields stand in
`alerts.json`: a field that comes later has a default, so that what an older release wrote is still read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from vroeg_pipeline.domain.alerts import AlertKind
from vroeg_pipeline.domain.reasons import REFUSALS_IN_DUTCH
from vroeg_pipeline.installation.notes import Finding, Issue


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """`name`: of the partner that it is about, if any. `is_event`: it happens and is over; the others last until solved."""

    is_event: ClassVar[bool] = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class _Asked(_Facts):
    """What a partner can mend: how its contact is reached, and whom a letter to it greets.

    `sender`: who sends the file for it and is asked instead, if anybody.
    """

    contact: str
    addressee: str
    sender: str = ""


@dataclass(frozen=True, kw_only=True)
class Missing(_Asked):
    """Owed, and nothing usable came by the deadline. `refusals`: of what did come; `refusals_in_dutch`: the same as
    precisely as it is known."""

    kind: Literal[AlertKind.MISSING] = AlertKind.MISSING
    due: str
    refusals: tuple[str, ...]
    refusals_in_dutch: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """In Dutch, as precisely as it is known."""
        return "; ".join(self.refusals_in_dutch or [REFUSALS_IN_DUTCH[refusal] for refusal in self.refusals])


@dataclass(frozen=True, kw_only=True)
class Late(_Facts):
    """The first usable file came after the deadline."""

    is_event: ClassVar[bool] = True
    kind: Literal[AlertKind.LATE] = AlertKind.LATE
    due: str
    received: str
    hours: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Refused(_Asked):
    """A file that cannot be used, and that no usable one followed."""

    kind: Literal[AlertKind.REFUSED] = AlertKind.REFUSED
    received: str
    refusal: str
    detail: str
    detail_in_dutch: str = ""

    @property
    def why(self) -> str:
        """In Dutch, as precisely as it is known."""
        return self.detail_in_dutch or REFUSALS_IN_DUTCH[self.refusal]


@dataclass(frozen=True, kw_only=True)
class Questioned(_Asked):
    """A file that would replace the delivery, but lacks too many of its references: so many, of so many; never which."""

    kind: Literal[AlertKind.QUESTIONED] = AlertKind.QUESTIONED
    received: str
    lacking: int
    references: int


@dataclass(frozen=True, kw_only=True)
class Stray(_Facts):
    """Files in folders without an agreement: refused too, and only counted, as a folder may have any name."""

    kind: Literal[AlertKind.REFUSED] = AlertKind.REFUSED
    files: int


@dataclass(frozen=True, kw_only=True)
class Outdated(_Asked):
    """Old bytes came again, the newest reference date is too old, or too many rows are.

    `age`: days from the newest reference date to the deadline, `most`: as agreed. `percentage`: of rows that are outdated.
    """

    kind: Literal[AlertKind.OUTDATED] = AlertKind.OUTDATED
    old_bytes: bool
    newest: str | None
    age: int | None
    most: int
    percentage: int


@dataclass(frozen=True, kw_only=True)
class Volume(_Asked):
    """The number of rows is not as agreed, or not as usual."""

    kind: Literal[AlertKind.VOLUME] = AlertKind.VOLUME
    said: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Drift(_Asked):
    """The columns are not as agreed."""

    kind: Literal[AlertKind.DRIFT] = AlertKind.DRIFT
    said: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class CheckFailed(_Facts):
    """Another check of a delivery or of a table does not hold."""

    kind: Literal[AlertKind.CHECK_FAILED] = AlertKind.CHECK_FAILED
    check: str
    said: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunFailed(_Facts):
    """A run failed. `months`: its partition keys; `failed_at`: seconds since 1970; `run`: as people read `run_id`.

    `by_hand`: somebody started it; the others were started by a sensor or schedule, which try again.
    """

    kind: Literal[AlertKind.RUN_FAILED] = AlertKind.RUN_FAILED
    job: str
    run: str
    run_id: str
    months: tuple[str, ...]
    failed_at: float
    step: str = ""
    by_hand: bool = False


@dataclass(frozen=True, kw_only=True)
class Automation(_Facts):
    """A sensor or schedule does not work."""

    kind: Literal[AlertKind.AUTOMATION] = AlertKind.AUTOMATION
    said: str


@dataclass(frozen=True, kw_only=True)
class Disk(_Facts):
    """The disk is filling."""

    kind: Literal[AlertKind.DISK] = AlertKind.DISK
    said: str


@dataclass(frozen=True, kw_only=True)
class Mistaken(_Facts):
    """An agreement or the settings cannot be read, and the last good ones are in force."""

    kind: Literal[AlertKind.AGREEMENTS] = AlertKind.AGREEMENTS
    said: str


@dataclass(frozen=True, kw_only=True)
class ToBeRemoved(_Facts):
    """Of a month so many rows and files are removed from that day on, as these terms are over (DOMAIN §14)."""

    is_event: ClassVar[bool] = True
    kind: Literal[AlertKind.RETENTION] = AlertKind.RETENTION
    day: str
    terms: tuple[str, ...]
    count: int


@dataclass(frozen=True, kw_only=True)
class TooLate(_Facts):
    """So many files came for a month that is closed (DOMAIN §14)."""

    kind: Literal[AlertKind.RETENTION] = AlertKind.RETENTION
    files: int


@dataclass(frozen=True, kw_only=True)
class MonthDone(_Facts):
    """The worklists of a month are made, or made again with another issue; figures as in `installation.notes.Made`."""

    is_event: ClassVar[bool] = True
    kind: Literal[AlertKind.MONTH_DONE] = AlertKind.MONTH_DONE
    signals: int
    addresses: int
    recidivists: int
    missing: tuple[str, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, kw_only=True)
class Crisis(_Facts):
    """An issue of a worklist has so many addresses more where a cut-off or eviction was announced."""

    is_event: ClassVar[bool] = True
    kind: Literal[AlertKind.CRISIS] = AlertKind.CRISIS
    worklist: str
    issue: int
    addresses: int


@dataclass(frozen=True, kw_only=True)
class Returned(_Facts):
    """A file that a team returned went back to it, or so many rows of it did; `reply`: the file in the outbox to be mended.
    `worklist`: the team's; empty where it is not known.
    """

    is_event: ClassVar[bool] = True
    kind: Literal[AlertKind.RETURNED] = AlertKind.RETURNED
    worklist: str
    received: str
    rows: int
    is_refused: bool
    reply: str


# The kinds of `domain.alerts.ASKED_OF_PARTNERS`.
AskedOfPartner = Missing | Refused | Questioned | Outdated | Volume | Drift
Facts = (
    AskedOfPartner
    | Late
    | Stray
    | CheckFailed
    | RunFailed
    | Automation
    | Disk
    | Mistaken
    | ToBeRemoved
    | TooLate
    | MonthDone
    | Crisis
    | Returned
)


@dataclass(frozen=True)
class Solution:
    """The delivery that a partner has now that a problem of its month is solved."""

    received: str
    rows: int
