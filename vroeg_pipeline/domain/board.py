"""The delivery board: in which state each partner's delivery of a month is.

Plain facts in, one state out; who reads the register and how the board looks stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vroeg_pipeline.domain.agreements import Agreement


class DeliveryState(StrEnum):
    """Every partner and month is in exactly one of these."""

    ON_TIME = "on time"
    LATE = "late"
    MISSING = "missing"
    REFUSED = "refused"
    OUTDATED = "outdated"
    EXPECTED = "expected"
    NOT_OWED = "not owed"


@dataclass(frozen=True)
class RegisteredFile:
    """What the register says of a file; `received_at` is aware."""

    status: str
    refusal: str | None
    received_at: datetime
    reference_date_max: date | None


def delivery_state(agreement: Agreement, month: date, files: Sequence[RegisteredFile], now: datetime) -> DeliveryState:
    """The state of a partner's delivery for the month (its first day) at the moment `now` (aware).

    Outdated: the newest reference date is older than agreed, or nothing came but old bytes again. Late: the first
    usable file came after the deadline. Expected: nothing came, and the deadline is still ahead.
    """
    if not agreement.is_owed(month):
        return DeliveryState.NOT_OWED
    due = agreement.due(month)
    usable = [file for file in files if file.status in ("accepted", "superseded")]
    if usable:
        accepted = [file for file in files if file.status == "accepted"]
        newest = max((f.reference_date_max for f in accepted if f.reference_date_max), default=None)
        if newest and (due.date() - newest).days > agreement.delivery.max_age_days:
            return DeliveryState.OUTDATED
        on_time = min(file.received_at for file in usable) <= due
        return DeliveryState.ON_TIME if on_time else DeliveryState.LATE
    if files:
        only_old = all(file.refusal == "stale_copy" for file in files)
        return DeliveryState.OUTDATED if only_old else DeliveryState.REFUSED
    return DeliveryState.MISSING if now > due else DeliveryState.EXPECTED
