"""The one shape of an asset and of a check: a stage gets a `Month` and returns figures, a check says what breaks it.

What a stage does stands in its own room. Here is only what all of them share: partitions, one run for a range of months,
what the UI shows of a table, and how the figures of each month get to its materialization.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import TIME_ZONE, months_between
from vroeg_pipeline.installation.closed import closed_months, closed_text
from vroeg_pipeline.installation.home import Home, private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.lineage import Origin, column_origins
from vroeg_pipeline.installation.schema import described_tables
from vroeg_pipeline.installation.statements import (
    fetch_one,
    has_statement,
    is_made,
    statement_file,
    statements_hash,
    temporary_step,
)
from vroeg_pipeline.installation.town import Town, town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month

# Single-run backfills are marked beta in Dagster 1.13; docs/adr/0004 says why they are used all the same. Nobody who looks
# at the UI or the terminal can do anything about these lines.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# One run for a range of months: a late month re-runs itself and every later one (docs/adr/0004).
ONE_RUN = dg.BackfillPolicy.single_run()
# Characters of the longest bar.
_BAR = 24
# As many columns as one is said to be made of.
_MOST_ORIGINS = 5
# Bytes that partners delivered for a month, some 20,000 rows: one thread of DuckDB takes less processor time for them, and
# about as long as two (docs/benchmarks.md).
_SMALL_MONTH = 4 * 2**20
# The asset of each table that `made` was asked for.
_ASSET_OF: dict[str, str] = {}
_TEMPORARY = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'temp' AND comment IS NULL"
_TEMPORARY_BY_COLUMNS = """
    SELECT table_name FROM duckdb_columns() AS c WHERE database_name = 'temp'
    AND NOT EXISTS (FROM duckdb_views() AS v WHERE v.database_name = 'temp' AND v.view_name = c.table_name)
    GROUP BY table_name HAVING count(comment) = 0
"""

# What the UI shows of one asset in one month: counts, partner ids and months only (DOMAIN §12).
Figures = Mapping[str, Any]


def monthly_partitions(first_month: date) -> dg.MonthlyPartitionsDefinition:
    """The signalling months from `first_month` up to and including the current one (DOMAIN §3)."""
    return dg.MonthlyPartitionsDefinition(start_date=f"{first_month:%Y-%m-%d}", timezone=TIME_ZONE, end_offset=1)


def month_key(month: date) -> str:
    """The partition key of a month."""
    return f"{month:%Y-%m-%d}"


def months_asked(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> list[date]:
    """The months this run is asked for, oldest first; none where it names none, as when only checks are executed."""
    if isinstance(context, dg.AssetCheckExecutionContext):
        context = context.op_execution_context  # type: ignore[assignment]
    if not (context.has_partition_key or context.has_partition_key_range):
        return []
    asked = context.partition_key_range
    return months_between(date.fromisoformat(asked.start), date.fromisoformat(asked.end))


def months_of(context: dg.AssetExecutionContext) -> list[date]:
    """The months this run is asked for, oldest first.

    Raises VroegError when it names none, as a run from the Launchpad may.
    """
    if months := months_asked(context):
        return months
    raise VroegError(
        "this run names no month", do="press Materialize on the asset and choose months, or: vroeg run --month 2021-03"
    )


@dataclass(frozen=True)
class Step:
    """What a stage works with: an open connection to the warehouse, the installation, and Dagster's context."""

    connection: duckdb.DuckDBPyConnection
    installation: Installation
    context: dg.AssetExecutionContext

    @property
    def home(self) -> Home:
        """Where the installation lies."""
        return self.installation.home

    def step(self, name: str) -> None:
        """Makes the temporary table of that name with its statement."""
        temporary_step(self.connection, name, self.installation.statement(name))


@dataclass(frozen=True)
class Month(Step):
    """One month (its first day) of a stage, on a connection that knows it: `getvariable('month')` in SQL."""

    month: date

    @property
    def outbox(self) -> Path:
        """The month's folder of what goes out, made where absent."""
        return private_folder(self.home.outbox_of(self.month))

    def fill(self, *tables: str, then: str | None = None) -> dict[str, dict[str, Any]]:
        """Replaces the month in each table by the rows of the statement of its name, in one transaction with the statement
        `then`; gives the figures of each table: its number of rows.
        """
        selects = {table: self.installation.statement(table) for table in tables}
        counts = replace_month(self.connection, selects, then=then)
        return {table: row_count(rows) for table, rows in counts.items()}

    def counts(self, table: str, expression: str) -> str:
        """How many of the month's rows have each value of an expression, in one line; NULL is left out."""
        rows = self.connection.execute(
            f"SELECT value, count(*) FROM (SELECT {expression} AS value FROM {table} WHERE month = getvariable('month')) "
            "WHERE value IS NOT NULL GROUP BY value"
        ).fetchall()
        return counted({str(value): count for value, count in rows})

    def warn(self, said: str) -> None:
        """Says something about the month that somebody should look at."""
        self.context.log.warning(f"{self.month:%Y-%m}: {said}")


@contextmanager
def months_at_work(
    warehouse: WarehouseResource, installation: Installation, months: Iterable[date], context: Any = None
) -> Iterator[Iterator[Month]]:
    """One connection for all the months of a step, made ready for each in its turn; what a step leaves there is removed.
    Closed months are passed over, and one thread works on a small one.
    """
    with warehouse.connect() as connection:
        installation.define_macros(connection)
        closed = _closed(connection, installation)

        def each() -> Iterator[Month]:
            for month in months:
                if month in closed:
                    if context is not None:
                        context.log.warning(closed_text([month]))
                    continue
                installation.set_month(connection, month)
                _set_threads(connection, installation.home, month)
                with _own_temporary_tables(connection, warehouse):
                    yield Month(connection, installation, context, month)

        yield each()


def _closed(connection: duckdb.DuckDBPyConnection, installation: Installation) -> frozenset[date]:
    # No run removes anything from months that its other steps make.
    (known,) = fetch_one(connection, "SELECT getvariable('closed_months')")
    if known is None:
        known = sorted(closed_months(connection, installation.settings))
        connection.execute("SET VARIABLE closed_months = ?::DATE[]", [known])
    return frozenset(known)


def _set_threads(connection: duckdb.DuckDBPyConnection, home: Home, month: date) -> None:
    # Looked at once a month: the connection is that of the run.
    if not is_made(connection, "threads_set", f"{month}"):
        connection.execute("SET threads = 1" if _is_small(home, month) else "RESET threads")


def _is_small(home: Home, month: date) -> bool:
    size = 0
    # What is gone meanwhile or cannot be looked at is told by who reads it; here it is a matter of speed alone.
    with suppress(OSError):
        for folder in home.inbox.glob(f"*/{month:%Y-%m}"):
            size += sum((Path(place) / name).stat().st_size for place, _, names in os.walk(folder) for name in names)
    return size < _SMALL_MONTH


@contextmanager
def _own_temporary_tables(connection: duckdb.DuckDBPyConnection, warehouse: WarehouseResource) -> Iterator[None]:
    # All that a month is made ready with stays, and what has a comment (`addresses.lookup`): looked for once a connection.
    of_month, of_run, has_month = fetch_one(
        connection,
        "SELECT getvariable('tables_of_month'), getvariable('tables_of_run'), getvariable('month') IS NOT NULL",
    )
    if (before := of_month if has_month else of_run) is None:
        before = _temporary_tables(connection, warehouse)
        connection.execute(f"SET VARIABLE {'tables_of_month' if has_month else 'tables_of_run'} = ?", [before])
    yield
    for name in {*_temporary_tables(connection, warehouse)}.difference(before):
        connection.execute(f'DROP TABLE temp."{name}"')


def _temporary_tables(connection: duckdb.DuckDBPyConnection, warehouse: WarehouseResource) -> list[str]:
    # `duckdb_tables()` counts the rows of a DuckLake, which takes long; the columns of a file take five times as long.
    found = connection.execute(_TEMPORARY_BY_COLUMNS if warehouse.lake else _TEMPORARY)
    return [name for (name,) in found.fetchall()]


def made(
    name: str,
    rule: str,
    *,
    reads: Sequence[str | dg.AssetKey],
    group: str,
    table: str | None = None,
    statements: Sequence[str] | None = None,
    kinds: Iterable[str] = ("duckdb",),
) -> dg.AssetSpec:
    """The asset of a table of the warehouse (`table`, when it has another name than the asset), and the rule that fills it.

    `reads`: the assets whose tables its `statements` name (a test compares the two); without them, the one of its own name.
    """
    table = table or name
    _ASSET_OF[table] = name
    description, columns = described_tables()[table]
    statements = [name] if statements is None else statements
    return dg.AssetSpec(
        name,
        deps=reads,
        group_name=group,
        kinds=set(kinds),
        tags={"stage": group},
        description=f"{description}\n\n{rule}",
        code_version=_version(statements),
        metadata={
            "dagster/column_schema": columns,
            "dagster/table_name": f"warehouse.{table if '.' in table else f'main.{table}'}",
            "statements": [statement_file(statement) for statement in statements],
        },
    )


def written(
    name: str, rule: str, *, reads: Sequence[str], group: str, kinds: Iterable[str], statements: Sequence[str] = ()
) -> dg.AssetSpec:
    """The asset of files that are written anew by every run, and what they are; `reads` and `statements` as of `made`."""
    return dg.AssetSpec(
        name,
        deps=reads,
        group_name=group,
        kinds=set(kinds),
        tags={"stage": group},
        description=rule,
        code_version=_version(statements) if statements else None,
        metadata={"statements": [statement_file(statement) for statement in statements]},
    )


def page_link(installation: Installation, page: Path) -> dg.UrlMetadataValue | dg.PathMetadataValue:
    """A page of the installation: its address where `pages.url` is set, else its place in the installation."""
    place, url = page.relative_to(installation.home.root).as_posix(), installation.settings.pages.url
    return dg.MetadataValue.url(f"{url}/{place}") if url else dg.MetadataValue.path(place)


def kept_by_hand(name: str, description: str, kinds: Iterable[str] = ("csv",)) -> dg.AssetSpec:
    """A reference table that people keep; nothing here makes it."""
    return dg.AssetSpec(
        name, group_name="reference", kinds=set(kinds), tags={"stage": "reference"}, description=description
    )


def _version(statements: Iterable[str]) -> str:
    """Tells in the UI what was made by another version of its statements."""
    return statements_hash(statements)[:12]


Stage = Callable[[Month], Mapping[str, Figures]]


def monthly(
    *specs: dg.AssetSpec, name: str | None = None, last: bool = False
) -> Callable[[Stage], dg.AssetsDefinition]:
    """Makes a stage of a function: called for each month of a run, oldest first, it gives the figures of each asset.

    The step is called as the function, or `name`; the `last` one waits for all others that can be done. Its assets get
    their partitions in `definitions`.
    """

    def decorate(stage: Stage) -> dg.AssetsDefinition:
        own = [spec.merge_attributes(metadata=source_of(stage)) for spec in specs]

        def step(
            context: dg.AssetExecutionContext,
            warehouse: WarehouseResource,
            installation: dg.ResourceParam[Installation],
        ) -> Iterator[dg.MaterializeResult[None]]:
            wanted, town = months_of(context), town_of(installation.home)
            with months_at_work(warehouse, installation, wanted, context) as months:
                for of in months:
                    for asset, figures in stage(of).items():
                        # The UI reads the lineage of columns from the newest event alone.
                        told = {**figures, **lineage(asset, town)} if of.month == wanted[-1] else figures
                        context.add_asset_metadata(told, asset_key=town.key(asset), partition_key=month_key(of.month))
            for spec in own:
                yield dg.MaterializeResult(town.key(spec.key))

        step.__doc__ = stage.__doc__
        tags = {"dagster/priority": "-1"} if last else {}
        return dg.multi_asset(name=name or stage.__name__, specs=own, backfill_policy=ONE_RUN, op_tags=tags)(step)

    return decorate


def standing(spec: dg.AssetSpec) -> Callable[[Callable[[Step], Figures]], dg.AssetsDefinition]:
    """Makes a stage that belongs to no month of a function that gives its figures."""

    def decorate(stage: Callable[[Step], Figures]) -> dg.AssetsDefinition:
        def step(
            context: dg.AssetExecutionContext,
            warehouse: WarehouseResource,
            installation: dg.ResourceParam[Installation],
        ) -> dg.MaterializeResult[None]:
            with warehouse.connect() as connection, _own_temporary_tables(connection, warehouse):
                installation.define_macros(connection)
                return dg.MaterializeResult(metadata=dict(stage(Step(connection, installation, context))))

        step.__doc__ = stage.__doc__
        own = spec.merge_attributes(metadata=source_of(stage))
        return dg.multi_asset(name=stage.__name__, specs=[own])(step)

    return decorate


def lineage(asset: str, town: Town) -> dict[str, dg.TableColumnLineage]:
    """The columns of other assets that each column of an asset is made of, where a statement makes its table."""
    deps = {
        column: [dg.TableColumnDep(town.key(_ASSET_OF[o.table]), o.column) for o in origins if o.table in _ASSET_OF]
        for column, origins in _origins(asset).items()
    }
    known = {column: of for column, of in deps.items() if of}
    return {"dagster/column_lineage": dg.TableColumnLineage(known)} if known else {}


def with_origins(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with the columns of any table that each of its own is made of behind their meaning: the open-source UI draws
    no lineage of columns.
    """
    origins, schema = _origins(spec.key.to_user_string()), spec.metadata.get("dagster/column_schema")
    if not (origins and isinstance(schema, dg.TableSchema)):
        return spec
    columns = [
        dg.TableColumn(c.name, c.type, f"{c.description}{_from(origins.get(c.name, ()))}", c.constraints, c.tags)
        for c in schema.columns
    ]
    return spec.merge_attributes(metadata={"dagster/column_schema": dg.TableSchema(columns)})


def _origins(asset: str) -> Mapping[str, Sequence[Origin]]:
    table = next((table for table, made_by in _ASSET_OF.items() if made_by == asset), "")
    return column_origins(table) if has_statement(table) else {}


def _from(origins: Sequence[Origin]) -> str:
    told = [f"{origin.table}.{origin.column}" for origin in origins]
    more = [f"{len(told) - _MOST_ORIGINS} more"] if len(told) > _MOST_ORIGINS else []
    return f" From {', '.join([*told[:_MOST_ORIGINS], *more])}." if told else ""


def source_of(function: Callable[..., object]) -> dict[str, object]:
    """Where the UI sends who asks for the source: to the stage, not to this module."""
    code = function.__code__
    reference = dg.LocalFileCodeReference(
        file_path=code.co_filename, line_number=code.co_firstlineno, label=function.__name__
    )
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[reference])}


def observed(
    what: str, value: float, *, at_least: float | None = None, at_most: float | None = None
) -> dict[str, float]:
    """A number that a check looked at and the bounds it must lie within, under the names that the UI plots."""
    bounds = {f"{what}, at least": at_least, f"{what}, at most": at_most}
    return {what: round(value, 4), **{name: bound for name, bound in bounds.items() if bound is not None}}


@dataclass(frozen=True)
class Found:
    """What the function of a check found: `wrong` says what is wrong, if anything; `figures` as `observed` gives them."""

    wrong: str | None
    figures: Mapping[str, float]


@dataclass(frozen=True)
class MonthCheck:
    """What must hold of an asset in every month.

    `breaches`: a query for the number of times the month breaks the rule, or a function that finds what is wrong.
    A failed blocking check stops what comes after it in the run. `severity`: a warning, where teams can go on.
    """

    asset: str
    name: str
    rule: str
    breaches: str | Callable[[Month], Found]
    blocking: bool = False
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR

    def look(self, of: Month) -> tuple[str | None, dict[str, object]]:
        """What is wrong with the month, if anything, and the figures to show."""
        if callable(self.breaches):
            found = self.breaches(of)
        else:
            (breaches,) = fetch_one(of.connection, self.breaches)
            wrong = f"is broken {breaches} times" if breaches else None
            found = Found(wrong, observed("breaches", int(breaches), at_most=0))
        return found.wrong, {**found.figures, "month": f"{of.month:%Y-%m}"}


def keys_are_unique(table: str, *key: str) -> MonthCheck:
    """The check that stands for the primary key that DuckDB cannot have here (see the schema)."""
    columns = ", ".join(key)
    return MonthCheck(
        table,
        "keys_are_unique",
        f"No two rows of the month share {columns} (DOMAIN §11).",
        f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE month = getvariable('month') "
        f"GROUP BY {columns} HAVING count(*) > 1)",
        blocking=True,
    )


def counted(counts: Mapping[str, int]) -> str:
    """Counts by reason in one line, for people."""
    return ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items())) or "nothing"


def bars(rows: Sequence[tuple[str, int, int]]) -> str:
    """A picture of (name, count, highest count) as a Markdown table, for the UI."""
    lines = ["| | rows | |", "|---|--:|---|"]
    lines += [
        f"| {name} | {count:,} | {'█' * round(_BAR * count / highest) if highest else ''} |"
        for name, count, highest in rows
    ]
    return "\n".join(lines)


def row_count(rows: int) -> dict[str, Any]:
    """The number of rows of a partition under the name that the UI plots."""
    return {"dagster/partition_row_count": rows}
