"""What came out of a month, as noted by the run that made it: verdicts of the checks, figures. Alerts read it here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date

from vroeg_pipeline.alerts.problems import Issue, Made, NotedVerdict
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import read_note, write_note

_VERDICTS, _MADE = "verdicts", "made"


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
