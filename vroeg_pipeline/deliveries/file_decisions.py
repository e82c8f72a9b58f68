"""What people decided of a partner's files: followed by every run (DOMAIN §4).

Kept in the warehouse and as a note beside the inbox. Either is made whole from the other: all else in the warehouse can be
made again from what came, this cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum

import duckdb

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import DECIDED, Decided, FileDecision

# (partner, SHA-256) to the last decision on that file of the month.
Decisions = Mapping[tuple[str, str], str]


class Decision(StrEnum):
    """What a file is, whatever its name and its references say."""

    REPLACEMENT = "replacement"
    ADDITION = "addition"
    REFUSED = "refused"


def decisions_of_month(connection: duckdb.DuckDBPyConnection, home: Home, month: date) -> Decisions:
    """What holds of files of the month at work: of each the last decision. Brings warehouse and note up to each other."""
    rows = connection.execute(
        """
        SELECT partner, file_sha256, decision, decided_by, reason, decided_at FROM reference.delivery_decisions
        WHERE month = getvariable('month') ORDER BY decided_at, rowid
        """
    ).fetchall()
    stored = [FileDecision(*row) for row in rows]
    noted = DECIDED.read(home, month) or Decided()
    not_stored = _beyond(noted.decisions, stored)
    for decision in not_stored:
        _store(connection, month, decision)
    every = sorted([*stored, *not_stored], key=lambda decision: decision.decided_at)
    if _beyond(stored, noted.decisions):
        # Those of earlier releases stood there as lines alone.
        DECIDED.write(home, month, Decided((), tuple(every)))
    return {(each.partner, each.file_sha256): each.decision for each in every}


def _beyond(these: Iterable[FileDecision], those: Iterable[FileDecision]) -> list[FileDecision]:
    """What those lack of these, in their order; at one moment the same may have been decided more than once."""
    left = Counter(those)
    lacking = []
    for each in these:
        if left[each]:
            left[each] -= 1
        else:
            lacking.append(each)
    return lacking


def note_decision(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    of: tuple[date, str, str],
    decision: Decision,
    decided_by: str,
    reason: str,
    decided_at: datetime,
) -> None:
    """Keeps a decision on a file: its month, partner and SHA-256. The next run of the month follows it.

    Earlier ones on the file stay, and hold no more. `decided_at` is aware.
    """
    month, partner, file_sha256 = of
    decided = FileDecision(partner, file_sha256, decision.value, decided_by, reason, decided_at)
    noted = DECIDED.read(home, month) or Decided()
    # The note first: what a killed command has put there the next run stores.
    DECIDED.write(home, month, Decided(noted.lines, (*noted.decisions, decided)))
    _store(connection, month, decided)


def _store(connection: duckdb.DuckDBPyConnection, month: date, decided: FileDecision) -> None:
    connection.execute(
        "INSERT INTO reference.delivery_decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            month, decided.partner, decided.file_sha256, decided.decision, decided.decided_by, decided.reason,
            decided.decided_at,
        ],
    )  # fmt: skip
