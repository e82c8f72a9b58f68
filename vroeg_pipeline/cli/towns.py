"""Many towns on the command line (`vroeg towns`): which are served, and whether each is well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.deliveries.worked_on import months_worked_on, worked_on
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.cooperation import Cooperation, enter
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation


def add(name: str, out: Console) -> None:
    """Makes a town's installation and has it served; raises as `Cooperation.add` does."""
    home = Cooperation.from_environment().add(name)
    out.print(f"{name} is served, from {escape(str(home.root))}. Put there what is its own:")
    out.print(
        "  agreements/, reference/, settings.yaml (docs/agreements.md), environment with its secrets (docs/towns.md)"
    )
    out.print(f"  and a copy of {home.hash_key.name} elsewhere: without it no back-up is whole")
    out.print(f"Its commands: vroeg --town {name} …")
    out.print("A daemon at work and the UI know it in a minute.")


def remove(name: str, out: Console) -> None:
    """Has the town served no more; raises as `Cooperation.remove` does."""
    home = Cooperation.from_environment().remove(name)
    out.print(f"{name} is served no more: nothing of it starts by itself. A run that is at work ends.")
    out.print(
        f"Its data stays in {escape(str(home.root))}; what is kept there is still to be removed in time (DOMAIN §14):"
    )
    out.print("  move it away with its hash.key, to be an installation by itself (VROEG_HOME), or destroy it")
    out.print("  once the folder is gone, all that Dagster noted of it goes the next night, by a town that is left")
    out.print(f"  vroeg towns add {name} has it served again")


def show_towns(out: Console) -> None:
    """Prints the towns that are served."""
    cooperation = Cooperation.from_environment()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("town", "last month with worklists", "folder"):
        table.add_column(column, overflow="fold")
    for home in cooperation.homes():
        made = [month for month in months_worked_on(home) if worked_on(home, month).issued is not None]
        table.add_row(home.root.name, month_text(max(made)) if made else "none", escape(str(home.root)))
    out.print(table if table.row_count else "No towns yet: vroeg towns add NAME")


def show_health_of_towns(out: Console) -> None:
    """Prints a line a town.

    Raises VroegError when one of them is not healthy, after printing all.
    """
    cooperation = Cooperation.from_environment()
    table, unhealthy = Table(box=None, pad_edge=False, show_header=False), []
    for home in cooperation.homes():
        if said := _wrong_with(home):
            unhealthy.append(home.root.name)
        table.add_row("[red]✗[/]" if said else "[green]✓[/]", home.root.name, escape(said or "all is well"))
    out.print(table if table.row_count else "No towns yet: vroeg towns add NAME")
    if unhealthy:
        raise VroegError(f"not healthy: {', '.join(unhealthy)}", do="vroeg --town NAME health tells all of one")


def _wrong_with(home: Home) -> str:
    """What is not healthy about a town; empty where all is well. What hinders one is said of it alone."""
    try:
        with _entered(home):
            found = list(findings(Installation.load_or_last_good(home)))
    except (VroegError, OSError) as error:
        return str(error)
    return "; ".join(f"{finding.part}: {finding.said}" for finding in found if not finding.healthy)


@contextmanager
def _entered(home: Home) -> Iterator[None]:
    before = dict(os.environ)
    try:
        enter(home)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
