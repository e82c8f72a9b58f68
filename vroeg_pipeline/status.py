"""The delivery board on the command line: partners by months, as the register of deliveries has it."""

from __future__ import annotations

from datetime import date

from rich.console import Console
from rich.table import Table

from vroeg_pipeline.domain.board import DeliveryState, RegisteredFile, delivery_state
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text, months_between
from vroeg_pipeline.resources.home import Home
from vroeg_pipeline.resources.installation import Installation
from vroeg_pipeline.resources.warehouse import WarehouseResource

_STYLES = {
    DeliveryState.ON_TIME: "green",
    DeliveryState.LATE: "yellow",
    DeliveryState.MISSING: "bold red",
    DeliveryState.REFUSED: "red",
    DeliveryState.OUTDATED: "magenta",
    DeliveryState.EXPECTED: "cyan",
    DeliveryState.NOT_OWED: "dim",
}


_NAME_WIDTH, _MONTH_WIDTH = 18, 14


def show_board(home: Home, months: int | None, out: Console, problems: Console) -> None:
    """Prints the state of each partner's delivery in the last months that were run.

    Raises VroegError when there is no warehouse, or no month in it yet.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource(
        home=str(home.root), lock_timeout_minutes=installation.settings.lock_timeout_minutes
    ).announcing(problems.print)
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            """
            SELECT partner, month, status, refusal, received_at, reference_date_max, row_count
            FROM delivery_files ORDER BY received_at
            """
        ).fetchall()
    if not rows:
        raise VroegError("no month has been run yet", do="start with: vroeg run --month YYYY-MM")
    files: dict[tuple[str, date], list[RegisteredFile]] = {}
    row_counts: dict[tuple[str, date], int] = {}
    for partner, month, status, refusal, received_at, reference_date_max, row_count in rows:
        files.setdefault((partner, month), []).append(RegisteredFile(status, refusal, received_at, reference_date_max))
        if status == "accepted":
            row_counts[partner, month] = row_count
    run = [month for _, month in files]
    fitting = max(1, (out.width - _NAME_WIDTH) // _MONTH_WIDTH)
    shown = months_between(min(run), max(run))[-(months or min(12, fitting)) :]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("partner", no_wrap=True)
    for month in shown:
        table.add_column(month_text(month), no_wrap=True)
    now = installation.now()
    for partner, agreement in installation.partners.agreements.items():
        cells = []
        for month in shown:
            state = delivery_state(agreement, month, files.get((partner, month), []), now)
            rows_text = f" {row_counts[partner, month]:,}" if (partner, month) in row_counts else ""
            cells.append(f"[{_STYLES[state]}]{state}{rows_text}[/]")
        table.add_row(agreement.name, *cells)
    out.print(table)
    strangers = sum(1 for (partner, _), found in files.items() if partner not in installation.partners.agreements)
    if strangers:
        out.print(f"\nFolders of partners without an agreement, by month: {strangers}")
    out.print(
        "\nBy the register of deliveries as of the last run of each month; the number is the rows of the delivery."
    )
