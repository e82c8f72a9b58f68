"""How long what is kept (DOMAIN §14): terms in months after the end of the signalling month."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from vroeg_pipeline.domain.months import add_months
from vroeg_pipeline.domain.reading import StrictModel

_LONGEST = 240


class Kept(StrEnum):
    """What has a term of its own."""

    FILES = "files"
    REJECTED = "rejected"
    SIGNALS = "signals"
    HISTORY = "history"
    LOG = "log"


class Retention(StrictModel):
    """Terms in months after the end of the signalling month. `history`: None is as long as `lookback_months`."""

    files: int = Field(default=6, ge=1, le=_LONGEST, description="inbox, archive, outbox and rows as delivered")
    rejected: int = Field(default=6, ge=1, le=_LONGEST, description="rejected rows and repeats")
    signals: int = Field(default=18, ge=1, le=_LONGEST, description="all else that names a person or a door")
    history: int | None = Field(default=None, ge=1, le=_LONGEST, description="what a later month must know, keyed")
    log: int = Field(default=24, ge=1, le=_LONGEST, description="who did what")

    @property
    def open_months(self) -> int:
        """After so many months something of a month is removed, and it is not run again."""
        return min(self.files, self.rejected, self.signals)


def kept_from(day: date, kept: Kept, terms: Retention, lookback_months: int) -> date:
    """The oldest month (its first day) of which it is kept on this Amsterdam day.

    The history outlives its term while a month that can still be run looks back to it: that gives the same answer again.
    """
    if kept is Kept.HISTORY:
        term = max(terms.history or lookback_months, lookback_months + terms.open_months)
    else:
        term = getattr(terms, kept.value)
    return add_months(day.replace(day=1), -term)
