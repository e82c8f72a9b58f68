"""The tables of the warehouse as Python knows them: which there are, and what they and their columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import dagster as dg
import duckdb

from vroeg_pipeline.installation.statements import sql


@cache
def described_tables() -> Mapping[str, tuple[str, dg.TableSchema]]:
    """Description and columns of each table, read back from the schema itself so that nothing is written twice."""
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
