"""The delivery board: in which state each partner's delivery of a month is.

Plain facts in, one state out; who reads the register and how the board looks stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vroeg_pipeline.domain.agreements import Agreement, Partners
from vroeg_pipeline.domain.months import add_months

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


@dataclass(frozen=True)
class RegisteredFile:
    """What the register says of a file; `received_at` is aware. `outdated_rows`: only of an accepted one."""

    status: str
    refusal: str | None
    received_at: datetime
    reference_date_max: date | None
    row_count: int | None = None
    outdated_rows: int | None = None
    detail: str | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it is or was the delivery of its month (DOMAIN §4)."""
        return self.status in ("accepted", "superseded")

    @property
    def share_outdated(self) -> float:
        """The share of its rows that are outdated (DOMAIN §5); 0 where there are too few to say."""
        rows = self.row_count or 0
        return (self.outdated_rows or 0) / rows if rows >= FEWEST_ROWS else 0.0


def is_outdated(agreement: Agreement, month: date, file: RegisteredFile) -> bool:
    """Whether an accepted delivery is outdated: its newest reference date, or too large a share of its rows."""
    newest = file.reference_date_max
    too_old = newest is not None and (agreement.due(month).date() - newest).days > agreement.delivery.max_age_days
    return too_old or file.share_outdated > MOST_OUTDATED


def delivery_state(agreement: Agreement, month: date, files: Sequence[RegisteredFile], now: datetime) -> DeliveryState:
    """The state of a partner's delivery for the month (its first day) at the moment `now` (aware).

    Outdated: the newest reference date or too large a share of the rows is older than agreed, or nothing came but old
    bytes again. Late: the first usable file came after the deadline. Expected: nothing came, and the deadline is still
    ahead.
    """
    if not agreement.is_owed(month):
        return DeliveryState.NOT_OWED
    due = agreement.due(month)
    usable = [file for file in files if file.is_usable]
    if usable:
        if any(is_outdated(agreement, month, file) for file in files if file.status == "accepted"):
            return DeliveryState.OUTDATED
        on_time = min(file.received_at for file in usable) <= due
        return DeliveryState.ON_TIME if on_time else DeliveryState.LATE
    if files:
        only_old = all(file.refusal == "stale_copy" for file in files)
        return DeliveryState.OUTDATED if only_old else DeliveryState.REFUSED
    return DeliveryState.MISSING if now > due else DeliveryState.EXPECTED


@dataclass(frozen=True)
class Cell:
    """One partner in one month. `delivery`: the file that is its delivery, if any; `refusals`: of the others."""

    agreement: Agreement
    month: date
    state: DeliveryState
    delivery: RegisteredFile | None
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """A partner, or partners of which one took over the other, oldest first, through the months."""

    agreements: tuple[Agreement, ...]
    cells: Mapping[date, tuple[Cell, ...]]

    @property
    def name(self) -> str:
        return " → ".join(agreement.name for agreement in self.agreements)

    def has_seam(self, month: date) -> bool:
        """Whether the month is the first in which a partner that was taken over delivers no more."""
        return any(a.valid_until and add_months(a.valid_until, 1) == month for a in self.agreements[:-1])


@dataclass(frozen=True)
class Board:
    """All lines through the same months, as things stood at an aware moment."""

    months: tuple[date, ...]
    lines: tuple[Line, ...]
    made_at: datetime


def make_board(
    partners: Partners,
    files: Mapping[tuple[str, date], Sequence[RegisteredFile]],
    months: Sequence[date],
    now: datetime,
) -> Board:
    """The board from the register (`files` by partner and month). A succession is one line (DOMAIN §7)."""
    lines = []
    taken_over = {partner for agreement in partners.agreements.values() for partner in agreement.succeeds}
    for last in (a for a in partners.agreements.values() if a.partner not in taken_over):
        ancestors = [row for row in partners.ancestry() if row[0] == last.partner and row[1] in partners.agreements]
        agreements = tuple(partners.agreements[a] for _, a, _ in sorted(ancestors, key=lambda row: (-row[2], row[1])))
        cells = {month: _cells(agreements, month, files, now) for month in months}
        lines.append(Line(agreements, cells))
    return Board(tuple(months), tuple(lines), now)


def _cells(
    agreements: Sequence[Agreement],
    month: date,
    files: Mapping[tuple[str, date], Sequence[RegisteredFile]],
    now: datetime,
) -> tuple[Cell, ...]:
    cells = []
    for agreement in agreements:
        own = files.get((agreement.partner, month), ())
        delivery = next((file for file in own if file.status == "accepted"), None)
        refusals = tuple(sorted({file.refusal for file in own if file.refusal}))
        cells.append(Cell(agreement, month, delivery_state(agreement, month, own, now), delivery, refusals))
    owed = [cell for cell in cells if cell.state != DeliveryState.NOT_OWED]
    return tuple(owed or cells[-1:])
