"""What became of one partner's delivery of one month: missing, late, usable, refused, outdated (DOMAIN §3, §4).

The one place that knows. Plain facts in, no warehouse and no clock. It stands in the first room that must know, the intake;
the board, checks, worklists, feedback, evaluation and alerts, which come later in the data, ask it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.reasons import REFUSALS_IN_DUTCH
from vroeg_pipeline.installation.notes import RegisteredFile

# One wrong row of three is a third of the delivery and says nothing, so with fewer rows than these no share is judged.
FEWEST_ROWS = 10
MOST_OUTDATED = 0.10


class DeliveryState(StrEnum):
    """Every partner and month is in exactly one of these."""

    ON_TIME = "on time"
    LATE = "late"
    MISSING = "missing"
    REFUSED = "refused"
    OUTDATED = "outdated"
    EXPECTED = "expected"
    NOT_OWED = "not owed"


def is_in_time(received_at: datetime, due_at: datetime | None) -> bool:
    """Whether something came by its deadline (both aware); what was not owed is never late."""
    return due_at is None or received_at <= due_at


@dataclass(frozen=True)
class PartnerMonth:
    """A partner and a month (its first day) with every file of it that the register has, in any order."""

    agreement: Agreement
    month: date
    files: Sequence[RegisteredFile] = ()

    @property
    def is_owed(self) -> bool:
        return self.agreement.is_owed(self.month)

    @property
    def is_told(self) -> bool:
        """Whether it is told what became of it: it is owed, or something usable came though nothing was owed yet."""
        return self.is_owed or (bool(self.usable) and self.agreement.is_active(self.month))

    @property
    def due(self) -> datetime:
        """The moment by which it must be in, Europe/Amsterdam."""
        return self.agreement.due(self.month)

    @property
    def usable(self) -> Sequence[RegisteredFile]:
        """The files that are or were its delivery, oldest first: with any of these the partner has delivered. A file that
        adds is one where all of them do; else the month is still owed (DOMAIN §4).
        """
        return [
            file
            for file in self._oldest_first("accepted", "superseded")
            if self.agreement.is_delivered_in_parts or not file.is_addition
        ]

    def _oldest_first(self, *statuses: str) -> list[RegisteredFile]:
        return sorted((file for file in self.files if file.status in statuses), key=lambda file: file.received_at)

    @property
    def accepted(self) -> Sequence[RegisteredFile]:
        """The files whose rows count, oldest first: the one that replaces and all that add."""
        return self._oldest_first("accepted")

    @property
    def questioned(self) -> Sequence[RegisteredFile]:
        """The files on which somebody must decide, oldest first: they lack too many references of the delivery, and no
        newer one took its place.
        """
        replacing = [file.received_at for file in self.accepted if not file.is_addition]
        questioned = self._oldest_first("questioned")
        return [file for file in questioned if all(file.received_at >= moment for moment in replacing)]

    @property
    def delivery(self) -> RegisteredFile | None:
        """The newest of the files whose rows count."""
        return self.accepted[-1] if self.accepted else None

    @property
    def row_count(self) -> int:
        """Data rows of the files that count."""
        return sum(file.row_count or 0 for file in self.accepted)

    @property
    def first_usable(self) -> RegisteredFile | None:
        """The file by which it is late or on time: a correction after the deadline makes nobody late."""
        return self.usable[0] if self.usable else None

    @property
    def refused(self) -> Sequence[RegisteredFile]:
        """The files that cannot be used, oldest first."""
        return self._oldest_first("refused")

    @property
    def refused_since(self) -> Sequence[RegisteredFile]:
        """Those of them that no usable file followed. What would have added is in none that came later, so it stays until
        a person decides that it is not needed.
        """
        last = self.usable[-1].received_at if self.usable else None
        return [
            file
            for file in self.refused
            if file.refusal != "refused_by_person" and (last is None or file.is_addition or file.received_at > last)
        ]

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why files were refused, each reason once."""
        return tuple(sorted({file.refusal for file in self.files if file.refusal}))

    @property
    def refusals_in_dutch(self) -> tuple[str, ...]:
        """The same for the partner, as precisely as it is known."""
        refused = (file for file in self.files if file.refusal)
        return tuple(dict.fromkeys(f.detail_in_dutch or REFUSALS_IN_DUTCH[str(f.refusal)] for f in refused))

    @property
    def is_open(self) -> bool:
        """Whether it is owed and nothing usable came, before or after the deadline."""
        return self.is_owed and not self.usable

    def is_missing(self, now: datetime) -> bool:
        """Whether it is still open at the aware moment `now`, after the deadline."""
        return self.is_open and not is_in_time(now, self.due)

    @property
    def is_late(self) -> bool:
        """Whether it is owed and its first usable file came after the deadline."""
        first = self.first_usable
        return self.is_owed and first is not None and not is_in_time(first.received_at, self.due)

    @property
    def reference_date(self) -> date | None:
        """The newest reference date of the rows that count, if they have any that can be read."""
        return max((file.reference_date_max for file in self.accepted if file.reference_date_max), default=None)

    @property
    def reference_date_age(self) -> int | None:
        """Days from the newest reference date to the deadline."""
        return (self.due.date() - self.reference_date).days if self.reference_date else None

    @property
    def is_too_old(self) -> bool:
        """Whether the newest reference date is older than agreed."""
        age = self.reference_date_age
        return age is not None and age > self.agreement.delivery.max_age_days

    @property
    def is_outdated(self) -> bool:
        """Whether its delivery is outdated: the newest reference date, or too large a share of the rows."""
        return self.is_too_old or self.share_outdated > MOST_OUTDATED

    @property
    def share_outdated(self) -> float:
        """The share of the rows that count that are outdated (DOMAIN §5); 0 where there are too few to say."""
        rows = self.row_count
        return sum(file.outdated_rows or 0 for file in self.accepted) / rows if rows >= FEWEST_ROWS else 0.0

    def state(self, now: datetime) -> DeliveryState:
        """The one state at the aware moment `now`.

        Outdated: see `is_outdated`, or nothing came but old bytes again. Expected: nothing came, and the deadline is still
        ahead.
        """
        if not self.is_told:
            return DeliveryState.NOT_OWED
        if self.usable:
            if self.is_outdated:
                return DeliveryState.OUTDATED
            return DeliveryState.LATE if self.is_late else DeliveryState.ON_TIME
        if self.refused:
            only_old = all(file.refusal == "stale_copy" for file in self.refused)
            return DeliveryState.OUTDATED if only_old else DeliveryState.REFUSED
        return DeliveryState.MISSING if self.is_missing(now) else DeliveryState.EXPECTED
