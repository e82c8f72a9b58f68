"""Extracts of the warehouse: files of their own with some of its tables, for who may not see all of it.

What tells of a person or a door says the schema alone. Without persons is not anonymous: a row stays that of one household.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb

from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.lineage import Origin, origins_in
from vroeg_pipeline.installation.statements import quoted

# Holds cells as partners wrote them, so that in any column anything can stand.
_VERBATIM = "raw."
_KEY = re.compile(r"Key: ([^.]+)\.")


def write_extract(
    connection: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, str], key: str | None = None
) -> None:
    """Writes a new DuckDB file with a table of each SELECT, by name (`reference.sources`); encrypted with a `key`."""
    # The smallest blocks there are, as most of these tables are small.
    options = ", ".join(["BLOCK_SIZE 16384", *([f"ENCRYPTION_KEY {quoted(key)}"] if key else [])])
    connection.execute(f"ATTACH {quoted(str(path))} AS extract ({options})")
    try:
        for name, select in tables.items():
            if "." in name:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS extract.{name.partition('.')[0]}")
            connection.execute(f"CREATE TABLE extract.{name} AS {select}")
    finally:
        connection.execute("DETACH extract")


def without_persons(connection: duckdb.DuckDBPyConnection, salt: str, partners: Collection[str]) -> Mapping[str, str]:
    """Each table and view that can be shown without persons, with the SELECT that does.

    Personal columns are left out. Where one is part of a key a pseudonym stands in its place, the same wherever the value is
    the same: SHA-256 with the `salt`, which must be as long as it is secret and used once, as addresses can be tried.
    """
    parts = [part for part in schema.parts() if part.kind in ("TABLE", "VIEW") and not part.name.startswith(_VERBATIM)]
    keys = {name for part in parts for found in _KEY.findall(part.meaning) for name in found.split(", ")}
    selects = {}
    for part in parts:
        personal = _personal_columns(part)
        names = [name for name, *_ in connection.execute(f"DESCRIBE {part.name}").fetchall()]
        shown = [
            _shown(name, salt, partners) if name in personal else name
            for name in names
            if name not in personal or name in keys
        ]
        selects[part.name] = f"SELECT {', '.join(shown)} FROM {part.name}"
    return selects


def _personal_columns(part: schema.Part) -> set[str]:
    """Of a view those that are made of a personal column."""
    if part.kind == "TABLE":
        return {column.name for column in part.columns if column.is_personal}
    marked = {
        Origin(table.name, column.name) for table in schema.parts() for column in table.columns if column.is_personal
    }
    origins = origins_in(schema.view_queries()[part.name])
    return {column for column, made_of in origins.items() if not marked.isdisjoint(made_of)}


def _shown(name: str, salt: str, partners: Collection[str]) -> str:
    pseudonym = f"sha256({quoted(salt)} || {name}::VARCHAR)[:16]"
    if name == "partner":
        # A folder of the inbox may have the name of anybody; those of `partners` name no person.
        known = ", ".join(map(quoted, partners)) or "NULL"
        pseudonym = f"CASE WHEN {name} IN ({known}) THEN {name} ELSE {pseudonym} END"
    return f"{pseudonym} AS {name}"
