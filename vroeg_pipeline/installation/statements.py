"""Small help for talking SQL to DuckDB. Knows no warehouse, no files of an installation and no Dagster."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import duckdb

# Rows that are fetched at once where a result is too long to be held.
_BATCH = 5_000
# Leaves room for Python, Dagster and Great Expectations within 2 GiB; what does not fit goes to the scratch folder.
MEMORY_LIMIT = "1200MB"
# For statements over ten million rows: what DuckDB takes beside its limit (sorting, hash tables) grows with them.
_MEMORY_LIMIT_FOR_LARGE = "900MB"

# A quoted text or name, which is kept, or what stands between words: white space and comments (none within another).
_QUOTED_OR_BETWEEN = re.compile(
    r"""(\b[eE]'(?:[^'\\]|\\.|'')*'|'[^']*'|"[^"]*"|(\$\w*\$).*?\2)|(?:\s|--[^\n]*|/\*.*?\*/)+""", re.DOTALL
)

# A room's part of the schema (`installation/schema.py`): the one `.sql` that many rooms have, and no statement.
SCHEMA = "schema.sql"


@cache
def _statements() -> Mapping[str, Traversable]:
    rooms = [room for room in importlib.resources.files("vroeg_pipeline").iterdir() if room.is_dir()]
    files = [file for room in rooms for file in room.iterdir() if file.name.endswith(".sql") and file.name != SCHEMA]
    return {file.name: file for file in files}


@cache
def sql(name: str) -> str:
    """The text of `<name>.sql`, in whichever room it stands: no two statements have one name.

    Its first lines say what it is for and what must be there before it runs: `Needs:` the variables, the temporary tables,
    and the files whose macros and views it uses, in this order (a test compares them with what it names).
    """
    return _statements()[f"{name}.sql"].read_text(encoding="utf-8")


def has_statement(name: str) -> bool:
    """Whether there is a statement of that name."""
    return f"{name}.sql" in _statements()


def without_comments(text: str) -> str:
    """SQL without its comments, and with one space where it has any."""
    return _QUOTED_OR_BETWEEN.sub(lambda found: found[1] or " ", text).strip()


def statements_hash(names: Iterable[str]) -> str:
    """SHA-256 of what statements say: another comment or line break is the same statement."""
    return hashlib.sha256("\n".join(without_comments(sql(name)) for name in names).encode()).hexdigest()


def statement_file(name: str) -> str:
    """Where the statement stands, from the top of the package: `matches/address_matches.sql`."""
    path = Path(str(_statements()[f"{name}.sql"]))
    return f"{path.parent.name}/{path.name}"


def catalog_of_tables(connection: duckdb.DuckDBPyConnection) -> str:
    """The catalogue in which the tables are, and no temporary one that has the name of one of them."""
    (path,) = fetch_one(connection, "SELECT coalesce(nullif(current_setting('search_path'), ''), current_database())")
    first = next(place for place in str(path).split(",") if not place.startswith("system."))
    return first.partition(".")[0].strip('"')


def quoted(text: str) -> str:
    """A text as an SQL literal, for the few statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def fetch_one(connection: duckdb.DuckDBPyConnection, query: str, parameters: object = None) -> tuple[Any, ...]:
    """The only row of a query that always has one."""
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError(f"no row from: {query[:80]}")
    return row


def streamed(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> Iterator[tuple[Any, ...]]:
    """The rows of a result of any length, a batch at a time. The next statement on the connection ends it."""
    result = connection.execute(query, list(parameters))
    while batch := result.fetchmany(_BATCH):
        yield from batch


def streamed_by_column(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> Iterator[dict[str, Any]]:
    """The same, each row by the names of its columns."""
    result = connection.execute(query, list(parameters))
    columns = [column[0] for column in result.description]
    while batch := result.fetchmany(_BATCH):
        for row in batch:
            yield dict(zip(columns, row, strict=True))


def rows_of(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[dict[str, Any]]:
    """All rows of a result, by the names of its columns."""
    return list(streamed_by_column(connection, query, parameters))


def is_made(connection: duckdb.DuckDBPyConnection, what: str, made_of: str) -> bool:
    """Whether the connection has it already, made of the same; if not it is taken to have it from now on."""
    fingerprint = hashlib.sha256(made_of.encode()).hexdigest()
    if fetch_one(connection, f"SELECT getvariable('{what}')") == (fingerprint,):
        return True
    connection.execute(f"SET VARIABLE {what} = ?", [fingerprint])
    return False


def temporary_step(connection: duckdb.DuckDBPyConnection, name: str, select: str | None = None) -> None:
    """Makes a temporary table of a SELECT, in place of one of that name: by the statement of its name, or another."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql(name) if select is None else select}")


def temporary_table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Makes a temporary table of a few rows, in place of one of that name; `columns` as in CREATE TABLE."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({columns})")
    if rows:
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def temporary_columns(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, tuple[str, Sequence[object]]]
) -> None:
    """Makes a temporary table of many rows, each column with its type and values.

    They go as one JSON text in the statement: row by row takes a hundred times as long, and parameters, lists and
    frames make DuckDB import pandas.
    """
    shape = json.dumps({column: [kind] for column, (kind, _) in columns.items()})
    values = json.dumps({column: list(values) for column, (_, values) in columns.items()})
    unnested = ", ".join(f"unnest(given.{column}) AS {column}" for column in columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS "
        f"SELECT {unnested} FROM (SELECT from_json({quoted(values)}, {quoted(shape)}) AS given)"
    )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.begin()
    try:
        yield
    except BaseException:
        # A fatal error may have ended the transaction already; the error that matters is the first.
        with suppress(duckdb.Error):
            connection.rollback()
        raise
    connection.commit()


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, select: str) -> int:
    """Adds the rows of a SELECT, its columns by name; gives their number."""
    (count,) = fetch_one(connection, f"INSERT INTO {table} BY NAME ({select})")
    return int(count)


@contextmanager
def less_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """For the block DuckDB spills earlier, so that millions of rows stay within the bounds of the process."""
    connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT_FOR_LARGE}'")
    try:
        yield
    finally:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
