"""The delivery board on the command line: partners by months, as the delivery register has it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from vroeg_pipeline.deliveries.partner_month import DeliveryState
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.quality.board import Cell
from vroeg_pipeline.quality.delivery_register import read_board

_STYLES = {
    DeliveryState.ON_TIME: "green",
    DeliveryState.LATE: "yellow",
    DeliveryState.MISSING: "bold red",
    DeliveryState.REFUSED: "red",
    DeliveryState.OUTDATED: "magenta",
    DeliveryState.EXPECTED: "cyan",
    DeliveryState.NOT_OWED: "dim",
}

_NAME_WIDTH, _MONTH_WIDTH = 20, 14


def show_board(home: Home, months: int | None, out: Console, problems: Console) -> None:
    """Prints the state of each partner's delivery in the last months that were run.

    Raises VroegError when there is no warehouse, or no month in it yet.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource.of(installation, problems.print)
    fitting = max(1, (out.width - _NAME_WIDTH) // _MONTH_WIDTH)
    with warehouse.connect(read_only=True) as connection:
        board, strangers = read_board(connection, installation, months or min(12, fitting))
    if not board.months:
        raise VroegError("no month has been run yet", do=f"start with: {home.command} run --month YYYY-MM")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("partner", max_width=_NAME_WIDTH)
    for month in board.months:
        table.add_column(month_text(month), no_wrap=True)
    for line in board.lines:
        table.add_row(line.name, *("\n".join(_shown(cell) for cell in line.cells[month]) for month in board.months))
    out.print(table)
    if strangers:
        out.print(f"\nFolders of partners without an agreement, by month: {strangers}")
    out.print("\nBy the delivery register as of the last run of each month; the number is the rows of the delivery.")


def _shown(cell: Cell) -> str:
    rows = f" {cell.row_count:,}" if cell.delivery else ""
    return f"[{_STYLES[cell.state]}]{cell.state}{rows}[/]" + ("\n[bold red]questioned[/]" if cell.questioned else "")
