"""How the assets of this location look and behave alike: partitions, names, column descriptions, reported counts.

What a stage does stands in its own module.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import dagster as dg
import duckdb

from vroeg_pipeline.domain.months import TIME_ZONE
from vroeg_pipeline.installation.statements import sql

# One run for a range of months: a late month re-runs itself and every later one (docs/adr/0004).
ONE_RUN = dg.BackfillPolicy.single_run()
# Characters of the longest bar.
_BAR = 24


def monthly_partitions(first_month: date) -> dg.MonthlyPartitionsDefinition:
    """The signalling months from `first_month` up to and including the current one (DOMAIN §3)."""
    return dg.MonthlyPartitionsDefinition(start_date=f"{first_month:%Y-%m-%d}", timezone=TIME_ZONE, end_offset=1)


def months_of(context: dg.AssetExecutionContext) -> list[date]:
    """The months this run is asked for, oldest first."""
    return sorted(date.fromisoformat(key) for key in context.partition_keys)


@cache
def _described_tables() -> dict[str, tuple[str, dg.TableSchema]]:
    """Description and columns of each table, read back from `schema.sql` itself so that nothing is written twice."""
    with duckdb.connect() as connection:
        connection.execute(sql("schema"))
        tables = connection.execute("SELECT schema_name, table_name, comment FROM duckdb_tables()").fetchall()
        columns = connection.execute(
            """
            SELECT schema_name, table_name, column_name, data_type, comment, is_nullable
            FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index
            """
        ).fetchall()
    described = {}
    for schema, table, comment in tables:
        name = table if schema == "main" else f"{schema}.{table}"
        described[name] = (
            str(comment),
            dg.TableSchema(
                columns=[
                    dg.TableColumn(c, t, comment, constraints=dg.TableColumnConstraints(nullable=bool(nullable)))
                    for (s, of_table, c, t, comment, nullable) in columns
                    if (s, of_table) == (schema, table)
                ]
            ),
        )
    return described


def table_metadata(table: str) -> dict[str, object]:
    """What the UI shows of a table: its columns with their meaning, and where it lies."""
    return {
        "dagster/column_schema": _described_tables()[table][1],
        "dagster/table_name": f"warehouse.{table if '.' in table else f'main.{table}'}",
    }


def table_description(table: str, rule: str) -> str:
    """The table's own comment, followed by the rule that fills it."""
    return f"{_described_tables()[table][0]}\n\n{rule}"


def month_key(month: date) -> str:
    """The partition key of a month."""
    return f"{month:%Y-%m-%d}"


def counted(counts: Mapping[str, int]) -> str:
    """Counts by reason in one line, for people."""
    return ", ".join(f"{count} × {reason}" for reason, count in sorted(counts.items())) or "nothing"


def counts_by(connection: duckdb.DuckDBPyConnection, table: str, expression: str) -> dict[str, int]:
    """How many rows of the connection's month have each value of an expression; NULL is left out."""
    rows = connection.execute(
        f"SELECT value, count(*) FROM (SELECT {expression} AS value FROM {table} WHERE month = getvariable('month')) "
        "WHERE value IS NOT NULL GROUP BY value"
    ).fetchall()
    return {str(value): count for value, count in rows}


def report(
    context: dg.AssetExecutionContext, month: date, counts: Mapping[str, object], asset: str | None = None
) -> None:
    """Puts a month's figures on the materialization of that month, also in a run over several (DOMAIN §12: counts,
    partner ids and months only).
    """
    context.add_asset_metadata(counts, asset_key=asset, partition_key=month_key(month))


def bars(rows: Sequence[tuple[str, int, int]]) -> str:
    """A picture of (name, count, highest count) as a Markdown table, for the UI."""
    lines = ["| | rows | |", "|---|--:|---|"]
    lines += [
        f"| {name} | {count:,} | {'█' * round(_BAR * count / highest) if highest else ''} |"
        for name, count, highest in rows
    ]
    return "\n".join(lines)


def row_count(rows: int) -> dict[str, int]:
    """The number of rows of a partition under the name that the UI plots."""
    return {"dagster/partition_row_count": rows}
