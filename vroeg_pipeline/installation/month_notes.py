"""What came out of a month, as noted by the run that made it: verdicts of the checks, figures. Alerts read it here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import read_note, write_note

_VERDICTS, _MADE = "verdicts", "made"


@dataclass(frozen=True)
class NotedVerdict:
    """What a check said of a month, without personal data. `asset`: `deliveries/<partner>` or a table."""

    asset: str
    check: str
    passed: bool
    said: str
    findings: Sequence[Mapping[str, str]] = field(default_factory=tuple)

    @property
    def partner(self) -> str | None:
        """Whose delivery it is about, if any."""
        return self.asset.removeprefix("deliveries/") if self.asset.startswith("deliveries/") else None


@dataclass(frozen=True)
class Issue:
    """The last issue of a worklist, and how many addresses it added and withdrew."""

    worklist: str
    issue: int
    added: int
    withdrawn: int


@dataclass(frozen=True)
class Made:
    """What a run of the whole month came to: signals that are not held, addresses reported, reported before; the names of
    the partners it was made without; the last issue of each worklist.
    """

    signals: int
    addresses: int
    recidivists: int
    missing: Sequence[str]
    issues: Sequence[Issue]


def note_verdicts(home: Home, month: date, assets: Iterable[str], verdicts: Sequence[NotedVerdict]) -> None:
    """Notes the verdicts on these assets, in place of all older ones on them. Only by the run that holds the lock."""
    judged = set(assets)
    kept = [verdict for verdict in noted_verdicts(home, month) if verdict.asset not in judged]
    write_note(home, month, _VERDICTS, {"verdicts": [asdict(verdict) for verdict in (*kept, *verdicts)]})


def noted_verdicts(home: Home, month: date) -> list[NotedVerdict]:
    """All verdicts on the month that were noted last."""
    return [NotedVerdict(**verdict) for verdict in read_note(home, month, _VERDICTS).get("verdicts", ())]


def note_made(home: Home, month: date, made: Made) -> None:
    """Notes what the worklists of the month came to. Only by the run that holds the lock."""
    write_note(home, month, _MADE, asdict(made))


def noted_made(home: Home, month: date) -> Made | None:
    """What the worklists of the month came to; None when none were made."""
    note = read_note(home, month, _MADE)
    return Made(**{**note, "issues": [Issue(**issue) for issue in note["issues"]]}) if note else None
