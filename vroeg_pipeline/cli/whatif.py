"""`vroeg whatif`: what the worklists of a month would have been under other settings, in numbers.

Nothing is written: the warehouse is opened to be read, and what the other settings make of it lies in temporary tables. No
address is shown; priority is for people to change, not for what came back to change by itself.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.settings import Settings, parse_settings
from vroeg_pipeline.installation.home import Home, read_text
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, sql, temporary_step
from vroeg_pipeline.installation.warehouse import CATALOG, WarehouseResource
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows
from vroeg_pipeline.worklists.routing import set_routing

# Under other values of these the earlier months would have been others too: what is a repeat depends on them.
_OF_EARLIER_MONTHS = ("mortgage_is_housing", "lookback_months", "repeat_months")
# Under other values of these the rows that partners delivered are judged anew.
_OF_ROWS = ("thresholds", "below_threshold")
_EARLIER_TABLES = ("address_matches", "repeat_signals", "recidivism_history")
_NOWHERE = "on no list"

# What differs before anything is tried: settings, areas or known clients were changed since the month was run.
# By name, as EXCEPT compares columns by their place, and the table has another order than the statement.
_STALE = "SELECT count(*) FROM (SELECT {columns} FROM list_now EXCEPT SELECT {columns} FROM list_before)"
_MOVES = f"""
SELECT
    coalesce(before.worklist, '{_NOWHERE}') AS from_list, coalesce(before.tier_name, '') AS from_tier,
    coalesce(after.worklist, '{_NOWHERE}') AS to_list, coalesce(after.tier_name, '') AS to_tier, count(*) AS addresses
FROM list_before AS before FULL JOIN list_after AS after USING (address_key)
WHERE before.worklist IS DISTINCT FROM after.worklist OR before.tier IS DISTINCT FROM after.tier
GROUP BY ALL ORDER BY addresses DESC, from_list, from_tier, to_list, to_tier
"""
_LISTS = """
SELECT
    worklist,
    count(was.address_key) AS before, count(will.address_key) AS after,
    count(*) FILTER (WHERE was.address_key IS NULL) AS came, count(*) FILTER (WHERE will.address_key IS NULL) AS left,
    count(*) FILTER (WHERE was.action = 'home_visit') AS visits_before,
    count(*) FILTER (WHERE will.action = 'home_visit') AS visits_after,
    count(*) FILTER (WHERE will.place < was.place) AS up, count(*) FILTER (WHERE will.place > was.place) AS down
FROM ({before}) AS was FULL JOIN ({after}) AS will USING (worklist, address_key)
GROUP BY worklist ORDER BY worklist
"""
# The place among those who are on the list before and after: who comes or goes moves nobody else.
_PLACES = """
SELECT entry.*, CASE WHEN other.address_key IS NOT NULL THEN row_number() OVER (
    PARTITION BY entry.worklist, other.address_key IS NOT NULL ORDER BY entry.rank) END AS place
FROM {own} AS entry LEFT JOIN {other} AS other USING (worklist, address_key)
"""


def what_if(home: Home, settings: Path, month: date, out: Console, problems: Console) -> None:
    """Prints who would move where under the settings of that file, by list and tier.

    Raises VroegError when the settings are wrong, or the month has no worklists.
    """
    installation = Installation.load(home)
    other = parse_settings(read_text(settings), settings.name)
    warehouse = WarehouseResource.of(installation, problems.print)
    with warehouse.connect(read_only=True) as connection:
        compare(connection, installation, other, month)
        columns = ", ".join(name for name, *_ in connection.execute("DESCRIBE list_now").fetchall())
        (stale,) = fetch_one(connection, _STALE.format(columns=columns))
        moves = connection.execute(_MOVES).fetchall()
        places = {
            "before": _PLACES.format(own="list_before", other="list_after"),
            "after": _PLACES.format(own="list_after", other="list_before"),
        }
        lists = connection.execute(_LISTS.format(**places)).fetchall()
    _print(month, settings, lists, moves, out)
    if stale:
        problems.print(
            f"[yellow]![/yellow] {stale:,} entries would change under the settings and reference data of now too: run "
            f"{month_text(month)} again to see the other settings alone"
        )


def compare(connection: duckdb.DuckDBPyConnection, installation: Installation, other: Settings, month: date) -> None:
    """Makes the temporary tables `list_before` (as it is), `list_now` (as a run would make it now) and `list_after` (under
    the other settings).

    Raises VroegError when the month has no worklists.
    """
    stored = f"{CATALOG}.main"
    installation.set_month(connection, month)
    listed = f"FROM {stored}.prioritised_worklists WHERE month = getvariable('month')"
    temporary_step(connection, "list_before", listed)
    if connection.execute("FROM list_before LIMIT 1").fetchone() is None:
        do = f"run it first: {installation.home.command} run --month {month_text(month)}"
        raise VroegError(f"{month_text(month)} has no worklists", do=do)
    _make_list(connection, installation, month, "list_now")
    # By the agreements as they are written: those of the installation have its own thresholds.
    partners = installation.home.load_partners().under(other.thresholds)
    tried = Installation(installation.home, partners, other, installation.now)

    def differs(*names: str) -> bool:
        return any(getattr(other, name) != getattr(installation.settings, name) for name in names)

    if differs(*_OF_ROWS, *_OF_EARLIER_MONTHS):
        months = connection.execute(
            f"SELECT DISTINCT month FROM {stored}.address_matches WHERE month <= ? ORDER BY month", [month]
        ).fetchall()
        if differs(*_OF_ROWS):
            _judge_rows_anew(connection, tried)
        for table in _EARLIER_TABLES:
            # Under its own name, so that the statements of the pipeline read it in place of the stored one.
            temporary_step(connection, table, f"FROM {stored}.{table} LIMIT 0")
        for (earlier,) in months:
            tried.set_month(connection, earlier)
            temporary_step(connection, "moved_addresses")
            for table in _EARLIER_TABLES:
                if table == "recidivism_history":
                    remember(connection, tried)
                insert_rows(connection, f"temp.{table}", sql(table))
    _make_list(connection, tried, month, "list_after")


def _judge_rows_anew(connection: duckdb.DuckDBPyConnection, tried: Installation) -> None:
    """Makes a temporary `validated_signals` in place of the stored one; a month whose rows were removed stays as it was."""
    stored = f"{CATALOG}.main.validated_signals"
    temporary_step(connection, "validated_signals", f"FROM {stored}")
    months = connection.execute("SELECT DISTINCT month FROM raw.delivery_rows ORDER BY month").fetchall()
    for (month,) in months:
        tried.set_month(connection, month)
        load_slips(connection, tried, month)
        define_address_macros(connection, tried)
        judge_delivered_rows(connection, tried.home)
        connection.execute("DELETE FROM temp.validated_signals WHERE month = getvariable('month')")
        insert_rows(connection, "temp.validated_signals", sql("validated_signals"))


def _make_list(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, name: str) -> None:
    installation.define_macros(connection)
    installation.set_month(connection, month)
    set_routing(connection, installation)
    temporary_step(connection, name, sql("prioritised_worklists"))


def _print(
    month: date, settings: Path, lists: list[tuple[object, ...]], moves: list[tuple[object, ...]], out: Console
) -> None:
    out.print(
        f"[bold]{month_text(month)} under {settings.name}[/bold], beside the worklists as they are. Nothing was changed."
    )
    columns = ("list", "before", "after", "came", "left", "visits before", "visits after", "up", "down")
    out.print(_table(columns, lists, text_columns=1))
    out.print("[dim]up, down: among those who stay on the list[/dim]\n")
    if not moves:
        out.print("Nobody moves to another list or tier.")
        return
    out.print("[bold]Who moves where[/bold], in addresses")
    out.print(_table(("from list", "tier", "to list", "tier", "addresses"), moves, text_columns=4))


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]], text_columns: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < text_columns else "right", no_wrap=number < text_columns)
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return table
