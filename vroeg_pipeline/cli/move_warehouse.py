"""The tables from the file to a DuckLake, or back (`vroeg move-warehouse`, docs/server.md)."""

from __future__ import annotations

from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.lake import WHERE
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.warehouse import WarehouseResource


def move(home: Home, out: Console, *, to_file: bool) -> None:
    """Copies all rows to where the settings say that the tables are, or from there into `warehouse.duckdb`, compares each
    table by number and hash, and removes what they were copied from: it holds people, and nothing would reach it any more.

    Raises VroegError when the settings name no DuckLake, there is nothing to move or something in its place, or a run is at
    work.
    """
    installation = Installation.load(home)
    lake = WarehouseResource.of(installation, out.print)
    if lake.lake is None:
        raise VroegError("there is no warehouse in the settings", where=home.settings, do="see docs/server.md")
    file = WarehouseResource(home=str(home.root), lock_timeout_minutes=lake.lock_timeout_minutes)
    source, target = (lake, file) if to_file else (file, lake)
    with run_lock(home.run_lock, "vroeg move-warehouse", out.print, lake.lock_timeout_minutes * 60):
        counts = target.take_from(source)
        if to_file:
            lake.empty()
        else:
            home.warehouse.unlink()
    out.print(f"{sum(counts.values()):,} rows of {len(counts)} tables are the same in both, and are here now: ", end="")
    out.print(
        f"{home.warehouse}; take warehouse out of {home.settings.name}" if to_file else f"{WHERE} ({lake.lake.data})"
    )
    out.print("Start the services again")
