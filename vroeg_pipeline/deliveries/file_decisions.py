"""What people decided of a partner's files: kept in the warehouse, followed by every run (DOMAIN §4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import duckdb

# (partner, SHA-256) to the last decision on that file of the month.
Decisions = Mapping[tuple[str, str], str]


class Decision(StrEnum):
    """What a file is, whatever its name and its references say."""

    REPLACEMENT = "replacement"
    ADDITION = "addition"
    REFUSED = "refused"


def decisions_of_month(connection: duckdb.DuckDBPyConnection) -> Decisions:
    """What holds of files of the month at work: of each the last decision."""
    rows = connection.execute(
        """
        SELECT partner, file_sha256, arg_max(decision, (decided_at, rowid)) FROM reference.delivery_decisions
        WHERE month = getvariable('month') GROUP BY partner, file_sha256
        """
    ).fetchall()
    return {(partner, sha256): decision for partner, sha256, decision in rows}


def note_decision(
    connection: duckdb.DuckDBPyConnection,
    of: tuple[date, str, str],
    decision: Decision,
    decided_by: str,
    reason: str,
    decided_at: datetime,
) -> None:
    """Stores a decision on a file: its month, partner and SHA-256. The next run of the month follows it.

    Earlier ones on the file stay, and hold no more. `decided_at` is aware.
    """
    connection.execute(
        "INSERT INTO reference.delivery_decisions VALUES (?, ?, ?, ?, ?, ?, ?)",
        [*of, decision, decided_by, reason, decided_at],
    )
