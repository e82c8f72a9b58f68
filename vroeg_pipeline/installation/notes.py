"""All notes beside the inbox: what runs tell those who may not open the warehouse (docs/adr/0009), and what was agreed.

One small JSON file a kind, and mostly a month, replaced as a whole; the kinds are listed at the end. A note that is gone or
cannot be read counts as none; what a later release added to one is left out. What is kept elsewhere stands where its
types live: the alert book (`alerts.json`) in `alerts.book`, verdicts beside their pages in `quality.judging`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from vroeg_pipeline.domain.months import is_month, moment_text, month_text, parse_month
from vroeg_pipeline.installation.home import Home, private_folder, replacing

N = TypeVar("N")
# How the name of an encrypted back-up ends.
SEALED = ".sealed"


@dataclass(frozen=True)
class RegisteredFile:
    """What the delivery register says of a file; `received_at` is aware. `outdated_rows`, `rejected_rows`: of an accepted
    one.
    `references_lacking`, `references_before`: of a questioned one, what it lacks of the delivery that stands.
    """

    status: str
    refusal: str | None
    received_at: datetime
    reference_date_max: date | None
    row_count: int | None = None
    outdated_rows: int | None = None
    detail: str | None = None
    is_addition: bool = False
    references_lacking: int | None = None
    references_before: int | None = None
    detail_in_dutch: str | None = None
    rejected_rows: int | None = None


@dataclass(frozen=True)
class RegisterNote:
    """The files of the month by partner, '' for those without an agreement."""

    files: Mapping[str, tuple[RegisteredFile, ...]]


@dataclass(frozen=True)
class Finding:
    """What came out for one measure, and what was expected. `how_far_off` is empty when it is as expected, or no number."""

    measure: str
    observed: str
    expected: str
    how_far_off: str = ""

    def __str__(self) -> str:
        off = f" ({self.how_far_off})" if self.how_far_off else ""
        return f"{self.measure} is {self.observed}, expected {self.expected}{off}"


@dataclass(frozen=True)
class NotedVerdict:
    """What a check said of a month, without personal data. `asset`: `deliveries/<partner>` or a table."""

    asset: str
    check: str
    passed: bool
    said: str
    findings: tuple[Finding, ...] = ()

    @property
    def partner(self) -> str | None:
        """Whose delivery it is about, if any."""
        room, _, partner = self.asset.rpartition("/")
        return partner if room == "deliveries" else None


@dataclass(frozen=True)
class VerdictsNote:
    """All verdicts on the month that were noted last."""

    verdicts: tuple[NotedVerdict, ...] = ()


@dataclass(frozen=True)
class Issue:
    """The last issue of a worklist, and how many addresses it added and withdrew; `crises`: of those that it added, where a
    cut-off or eviction was announced.
    """

    worklist: str
    issue: int
    added: int
    withdrawn: int
    crises: int = 0


@dataclass(frozen=True)
class Made:
    """What a run of the whole month came to: signals that are not held, addresses reported, reported before; the names of
    the partners it was made without; the last issue of each worklist.
    """

    signals: int
    addresses: int
    recidivists: int
    missing: tuple[str, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True)
class SentBack:
    """A file that a team returned and that went back to it: as a whole (`is_refused`), or some of its rows.

    `reply`: the name of the file in the outbox that says why. `worklist`: whose cases it told of; empty where none is known.
    """

    reply: str
    worklist: str
    received_at: datetime
    refused_rows: int
    is_refused: bool


@dataclass(frozen=True)
class SentBackNote:
    """All that went back of the month."""

    files: tuple[SentBack, ...] = ()


@dataclass(frozen=True)
class Look:
    """What a look at the month's folders found: `names` stands for the names, sizes and moments, `content` for the bytes."""

    names: str
    content: Sequence[str]


@dataclass(frozen=True)
class FileDecision:
    """What somebody decided of a partner's file, known by the SHA-256 of its bytes: replacement, addition or refused.
    `decided_at` is aware.
    """

    partner: str
    file_sha256: str
    decision: str
    decided_by: str
    reason: str
    decided_at: datetime


@dataclass(frozen=True)
class Decided:
    """What people decided of files of the month, oldest first: no run need have followed it yet, and a warehouse that is
    made anew has it from here. `lines`: what earlier releases kept instead.
    """

    lines: tuple[str, ...] = ()
    decisions: tuple[FileDecision, ...] = ()


@dataclass(frozen=True)
class WorkedOn:
    """What runs did with a month, as the content that they saw; None before the first time.

    `seen`: by the last intake. `judged`: when deliveries were last judged. `issued`: when worklists were last issued.
    """

    seen: Sequence[str] = ()
    judged: Sequence[str] | None = None
    issued: Sequence[str] | None = None


@dataclass(frozen=True)
class Agreed:
    """Agreements (by the name of the file without .yaml) and settings as they were written when all of them were right."""

    agreements: Mapping[str, str]
    settings: str | None


@dataclass(frozen=True)
class FirstSeen:
    """When each agreement was first seen, by partner; aware. None: before anything was noted of it."""

    partners: Mapping[str, datetime | None]


# What makes an alert the same as one told before: its kind, subject, month and occurrence.
AlertKey = tuple[str, str, str, str]


@dataclass(frozen=True)
class Silence:
    """What somebody (`by`) asked to be silent about: one open problem (`key`), or a kind, a partner or both.

    Moments are aware. `until`: None lasts until the problem is solved. `ended_at`: when it was solved, replaced
    or, by `ended_by`, lifted.
    """

    by: str
    at: datetime
    until: datetime | None = None
    key: AlertKey | None = None
    kind: str | None = None
    partner: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether it holds at an aware moment."""
        return self.ended_at is None and (self.until is None or now < self.until)

    def is_of(self, other: Silence) -> bool:
        """Whether both are about the same."""
        return (self.key, self.kind, self.partner) == (other.key, other.kind, other.partner)

    def mutes(self, kind: str, subject: str) -> bool:
        """Whether alerts of this kind and subject are muted by it."""
        return self.key is None and self.kind in (None, kind) and self.partner in (None, subject)

    def __str__(self) -> str:
        until = f"until {moment_text(self.until)}" if self.until else "until it is solved"
        if self.key:
            kind, subject, month, _ = self.key
            what = " ".join(part for part in (kind, subject, month[:7]) if part)
            return f"{what} is acknowledged {until} ({self.by}, {moment_text(self.at)})"
        what = " of ".join(part for part in (self.kind or "everything", self.partner) if part)
        return f"{what} is muted {until} ({self.by}, {moment_text(self.at)})"


@dataclass(frozen=True)
class Silences:
    """All that were ever asked for, oldest first."""

    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True)
class FiguresNote:
    """What the evaluation of a month shows: subject, part of it, what is counted, and the count; None where it is hidden."""

    shown: tuple[tuple[str, str, str, int | None], ...] = ()


@dataclass(frozen=True)
class Closed:
    """The months that are not run again, and what the key of the history is known by (`matches.remembered`); '' without."""

    months: tuple[date, ...] = ()
    key_check: str = ""


@dataclass(frozen=True)
class ToBeRemoved:
    """So many rows of a table, or files of a folder, of a month, whose term is over; `kept`: the name of the term."""

    month: date
    kept: str
    where: str
    count: int


@dataclass(frozen=True)
class Announcement:
    """At an aware moment (`at`) all was announced that is not kept any more on an Amsterdam day."""

    at: datetime
    day: date


@dataclass(frozen=True)
class Announced:
    """What is to be removed, as it was announced last, and the announcements by which it may be, oldest first."""

    announcements: tuple[Announcement, ...] = ()
    next: tuple[ToBeRemoved, ...] = ()


@dataclass(frozen=True)
class LogPlace:
    """Behind a line of the log: so many bytes of a file of it; '' before the first."""

    file: str = ""
    at: int = 0


@dataclass(frozen=True)
class LogBegun:
    """There is a log, since that aware moment (`at`) or before."""

    at: datetime


@dataclass(frozen=True)
class BackUp:
    """A back-up of the installation as it was at an aware moment, the file it is in, and its bytes."""

    made_at: datetime
    path: str
    size: int

    @property
    def is_sealed(self) -> bool:
        """Whether it is encrypted as a whole, as its name says."""
        return self.path.endswith(SEALED)


@dataclass(frozen=True)
class BackUps:
    """Those that were made and may be there still, oldest first. `tested_at`: when one could be restored last, for a test or
    in earnest; aware.
    """

    made: tuple[BackUp, ...] = ()
    tested_at: datetime | None = None


@dataclass(frozen=True)
class UnreadFile:
    """A file in the inbox of a front desk that nobody reads, and why; known by its place, size and moment alone (`key`).
    `since`: when it was first seen; `gone_at`: when its term was over. Both aware.
    """

    key: str
    why: str
    since: datetime
    gone_at: datetime | None = None


@dataclass(frozen=True)
class DeskLook:
    """The last look of a front desk, at an aware moment (`at`): what went wrong, a line each, and what it could not read."""

    at: datetime
    problems: tuple[str, ...] = ()
    unread: tuple[UnreadFile, ...] = ()


class Note(Generic[N]):
    """The one note of a kind that belongs to no month: `taken_in/<name>.json`."""

    def __init__(self, name: str, kind: type[N]) -> None:
        self._name, self._adapter = f"{name}.json", TypeAdapter(kind)

    def read(self, home: Home) -> N | None:
        """The note; None when there is none."""
        return _read(home.taken_in / self._name, self._adapter)

    def write(self, home: Home, note: N) -> None:
        """Puts the note in place of an older one."""
        _write(private_folder(home.taken_in) / self._name, self._adapter, note)


class Notes(Generic[N]):
    """The notes of one kind: `taken_in/<YYYY-MM>.<name>.json`."""

    def __init__(self, name: str, kind: type[N]) -> None:
        self._suffix, self._adapter = f".{name}.json", TypeAdapter(kind)

    def path(self, home: Home, month: date) -> Path:
        """Where the note of the month stands, or would."""
        return home.taken_in / f"{month_text(month)}{self._suffix}"

    def read(self, home: Home, month: date) -> N | None:
        """The note of the month; None when there is none."""
        return _read(self.path(home, month), self._adapter)

    def write(self, home: Home, month: date, note: N) -> None:
        """Puts the note in place of an older one. Only by the run that holds the lock."""
        private_folder(home.taken_in)
        _write(self.path(home, month), self._adapter, note)

    def months(self, home: Home) -> set[date]:
        """The months that have such a note."""
        names = (path.name.removesuffix(self._suffix) for path in home.taken_in.glob(f"*{self._suffix}"))
        return {parse_month(name) for name in names if is_month(name)}


def _read(path: Path, adapter: TypeAdapter[N]) -> N | None:
    try:
        return adapter.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _write(path: Path, adapter: TypeAdapter[N], note: N) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(adapter.dump_json(note))


REGISTER = Notes("register", RegisterNote)
VERDICTS = Notes("verdicts", VerdictsNote)
FIGURES = Notes("figures", FiguresNote)
MADE = Notes("made", Made)
SENT_BACK = Notes("sent_back", SentBackNote)
LOOK = Notes("look", Look)
DONE = Notes("done", WorkedOn)
DECIDED = Notes("decided", Decided)
CLOSED = Note("closed", Closed)
ANNOUNCED = Note("announced", Announced)
BACK_UPS = Note("back_ups", BackUps)
AGREED = Note("agreed", Agreed)
FIRST_SEEN = Note("first_seen", FirstSeen)
SILENCES = Note("silences", Silences)
LOG_BEGUN = Note("log_begun", LogBegun)
LOG_SENT = Note("log_sent", LogPlace)
DESK = Note("front_desk", DeskLook)


def note_verdicts(home: Home, month: date, assets: Iterable[str], verdicts: Sequence[NotedVerdict]) -> None:
    """Notes the verdicts on these assets, in place of all older ones on them."""
    judged = set(assets)
    kept = [verdict for verdict in noted_verdicts(home, month) if verdict.asset not in judged]
    VERDICTS.write(home, month, VerdictsNote((*kept, *verdicts)))


def noted_verdicts(home: Home, month: date) -> Sequence[NotedVerdict]:
    """All verdicts on the month that were noted last."""
    return (VERDICTS.read(home, month) or VerdictsNote()).verdicts
