"""The delivery board: partners by months, a succession in one line.

Which state a month is in is decided in `deliveries.partner_month`; who reads the register and how the board looks stands
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from vroeg_pipeline.deliveries.partner_month import DeliveryState, PartnerMonth
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import add_months
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.notes import RegisteredFile, Silence, ToBeRemoved


@dataclass(frozen=True)
class Cell:
    """One partner in one month. `delivery`: the newest of the files that are its delivery, if any; `row_count`: of all of
    them; `questioned`: files on which somebody must decide; `refusals`: of the others; `first`: the file by which it is late
    or on time, none where what came only adds to what is still owed.
    """

    agreement: Agreement
    month: date
    state: DeliveryState
    delivery: RegisteredFile | None
    refusals: tuple[str, ...]
    row_count: int = 0
    questioned: int = 0
    first: RegisteredFile | None = None


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
    """All lines through the same months, as things stood at an aware moment, what alerts are silent about then, and
    what is removed within a week."""

    months: tuple[date, ...]
    lines: tuple[Line, ...]
    made_at: datetime
    silences: tuple[Silence, ...] = ()
    leaving: tuple[ToBeRemoved, ...] = ()


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
        of = PartnerMonth(agreement, month, files.get((agreement.partner, month), ()))
        facts = (of.delivery, of.refusals, of.row_count, len(of.questioned), of.first_usable)
        cells.append(Cell(agreement, month, of.state(now), *facts))
    owed = [cell for cell in cells if cell.state != DeliveryState.NOT_OWED]
    return tuple(owed or cells[-1:])
