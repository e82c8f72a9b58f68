"""Closed months: those of which something was removed, and those that would need it (DOMAIN §14). They are not run again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb

from vroeg_pipeline.domain.months import add_months, month_text
from vroeg_pipeline.domain.retention import Kept
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import CLOSED

CLOSED_SAID = "is closed, as its data was removed (retention): it is not run again, and its tables stay as they are"


def closed_months(connection: duckdb.DuckDBPyConnection, settings: Settings) -> frozenset[date]:
    """The months (first days) that are not run again, by what the warehouse says was removed."""
    removed = connection.execute("SELECT DISTINCT month, kept FROM reference.removals").fetchall()
    own = {month for month, kept in removed if kept in (Kept.FILES, Kept.REJECTED, Kept.SIGNALS)}
    # Repeats and aftercare look so many months back for signals.
    needed = max(settings.repeat_months, settings.aftercare_months)
    later = range(1, needed + 1)
    return frozenset(own | {add_months(month, n) for month, kept in removed if kept == Kept.SIGNALS for n in later})


def noted_closed(home: Home) -> frozenset[date]:
    """The same for who may not open the warehouse: as the last removal noted it."""
    note = CLOSED.read(home)
    return frozenset(note.months if note else ())


def closed_text(months: Iterable[date]) -> str:
    """One line on months that are asked for and closed."""
    named = ", ".join(map(month_text, sorted(months)))
    return f"{named} {CLOSED_SAID}"
