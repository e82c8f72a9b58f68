"""Removing what is not kept any more on the command line (`vroeg retention`): counts by month, term and place, no names."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from vroeg_pipeline.domain.months import amsterdam_day, month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.retention.removal import remove_due, what_is_due


def remove(home: Home, out: Console, *, dry_run: bool) -> None:
    """Removes at once what is not kept any more today, announced or not, and prints it; `dry_run`: prints it alone.

    Raises VroegError when there is no warehouse, or another run holds the installation too long.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource.of(installation, out.print)
    day = amsterdam_day(installation.now())
    with warehouse.connect(read_only=True) as connection:
        due = what_is_due(connection, installation, day)
    if due:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("month", "term", "table or folder"):
            table.add_column(column, no_wrap=True)
        table.add_column("rows or files", justify="right")
        for each in due:
            table.add_row(month_text(each.month), each.kept, each.where, f"{each.count:,}")
        out.print(table)
    else:
        out.print("Nothing is kept longer than its term (retention in settings.yaml)")
    if dry_run:
        return
    with run_lock(home.run_lock, "vroeg retention", out.print, warehouse.lock_timeout_minutes * 60):
        removed = remove_due(warehouse, installation, day)
    if removed.due:
        out.print(f"Removed: {sum(each.count for each in removed.due):,} rows and files")
    if removed.rewritten:
        out.print("The warehouse was written anew, so that nothing of them is in its bytes")
