"""The kinds of alerts, and in which languages: what the settings name. Which are due is planned in `alerts.plan`."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Language = Literal["en", "nl"]


class AlertKind(StrEnum):
    """What an alert is about; `settings.yaml` says who gets which."""

    MISSING = "missing"
    LATE = "late"
    REFUSED = "refused"
    QUESTIONED = "questioned"
    OUTDATED = "outdated"
    VOLUME = "volume"
    DRIFT = "drift"
    CHECK_FAILED = "check_failed"
    RUN_FAILED = "run_failed"
    AUTOMATION = "automation"
    DISK = "disk"
    AGREEMENTS = "agreements"
    MONTH_DONE = "month_done"
    CRISIS = "crisis"
    RETURNED = "returned"
    RETENTION = "retention"


# What a partner can mend, so what its contact may be asked.
ASKED_OF_PARTNERS = (
    AlertKind.MISSING,
    AlertKind.REFUSED,
    AlertKind.QUESTIONED,
    AlertKind.OUTDATED,
    AlertKind.VOLUME,
    AlertKind.DRIFT,
)
