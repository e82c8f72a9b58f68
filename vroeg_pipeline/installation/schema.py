"""The tables of the warehouse: made as the rooms say, brought up to date, and described for the UI.

Each room has its part of the schema in `<room>/schema.sql`: its tables, a column a line, and its views. What they mean
stands there once, in comments of one form:

* the meaning of a table or view in the comment lines directly above it;
* that of a column behind it or, where that line gets too long, in the comment lines directly above it, never in both;
* the meaning of a column of persons or doors ends with `Personal data.`;
* lines of one comment make one text; a comment with an empty line below it, or within a view, is for the reader alone.

COMMENT in the warehouse and what the UI shows of columns are derived from it, and so is what a warehouse of an earlier
version lacks.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from vroeg_pipeline.installation.statements import SCHEMA, quoted

if TYPE_CHECKING:
    import dagster as dg

# The rooms that the data goes through, in its order; a test compares it with the import contract. A view reads tables
# of its own room and of those before it.
STAGES = (
    "deliveries",
    "addresses",
    "signals",
    "quality",
    "matches",
    "worklists",
    "address_desk",
    "outcomes",
    "feedback",
    "ddas",
    "evaluation",
    "residents",
)

# A schema, table or view with the comment lines above it, or comment lines for the reader alone.
_PART = re.compile(
    r"""
    (?P<above>(?:--.*\n)*)
    (?P<statement>
        CREATE\ SCHEMA\ IF\ NOT\ EXISTS\ (?P<schema>\w+);\n
        | CREATE\ TABLE\ IF\ NOT\ EXISTS\ (?P<table>[\w.]+)\ \(\n(?P<columns>(?:\ {4}.*\n)+)\);\n
        | CREATE\ OR\ REPLACE\ VIEW\ (?P<view>[\w.]+)\ AS\n(?:.*\n)*?(?!\s*--).*;\n
        | \n
    )
    """,
    re.VERBOSE,
)
_COLUMN = re.compile(r"(?P<above>(?: {4}--.*\n)*) {4}(?P<name>\w+) (?P<type>[A-Z][^-\n]*?),?(?:  -- (?P<behind>.+))?\n")


# The last words of the meaning of a column that tells of a person or a door.
PERSONAL = "Personal data."
# How the UI marks such a column.
PERSONAL_TAG = "personal_data"
# What earlier versions filled and nothing uses any more.
_GONE = {"validated_signals": ("surname_key",)}


@dataclass(frozen=True)
class Column:
    """A column as its table declares it, and what it means."""

    name: str
    type: str
    meaning: str

    @property
    def is_personal(self) -> bool:
        """Whether it tells of a person or a door (DOMAIN §12), as its meaning says in its last words."""
        return self.meaning.endswith(PERSONAL)


@dataclass(frozen=True)
class Part:
    """A table, a view or (without columns and meaning) a schema, with the statement that makes it."""

    kind: str
    name: str
    meaning: str
    statement: str
    columns: Sequence[Column]


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables and views that are not there, and says what they mean.

    A table of an earlier version keeps its rows and gets the columns that it lacks behind its own, empty; of its own may be
    empty what may be so now, and those that are gone are taken away.
    """
    there: dict[str, dict[str, bool]] = {}
    for schema, table, column, is_nullable in connection.execute(
        "SELECT schema_name, table_name, column_name, is_nullable FROM duckdb_columns() "
        "WHERE database_name = current_database()"
    ).fetchall():
        there.setdefault(_name(schema, table), {})[column] = is_nullable
    statements = []
    for part in parts():
        statements.append(part.statement)
        known = there.get(part.name, {})
        if part.kind == "TABLE" and known:
            statements += [
                f"ALTER TABLE {part.name} ADD COLUMN {column.name} {column.type.removesuffix(' NOT NULL')};"
                for column in part.columns
                if column.name not in known
            ]
            statements += [
                f"ALTER TABLE {part.name} ALTER COLUMN {column.name} DROP NOT NULL;"
                for column in part.columns
                if not known.get(column.name, True) and not column.type.endswith(" NOT NULL")
            ]
            statements += [
                f"ALTER TABLE {part.name} DROP COLUMN {column};"
                for column in _GONE.get(part.name, ())
                if column in known
            ]
        if part.meaning:
            statements.append(f"COMMENT ON {part.kind} {part.name} IS {quoted(part.meaning)};")
        statements += [
            f"COMMENT ON COLUMN {part.name}.{column.name} IS {quoted(column.meaning)};" for column in part.columns
        ]
    connection.execute("\n".join(statements))


def fingerprint() -> str:
    """Of the whole schema: another one where anything in it is another."""
    return hashlib.sha256("".join(_texts().values()).encode()).hexdigest()


@cache
def described_tables() -> Mapping[str, tuple[str, dg.TableSchema]]:
    """Description and columns of each table, types as DuckDB names them."""
    import dagster as dg  # half a second, which nobody else here needs

    with duckdb.connect() as connection:
        # Each process that loads the definitions waits for it, so without views and meanings, which are known here.
        connection.execute("\n".join(part.statement for part in parts() if part.kind != "VIEW"))
        asked = (
            "SELECT schema_name, table_name, column_name, data_type, is_nullable FROM duckdb_columns() "
            "WHERE database_name = current_database()"
        )
        types = {
            (_name(schema, table), column): (kind, is_nullable)
            for schema, table, column, kind, is_nullable in connection.execute(asked).fetchall()
        }
    described = {}
    for table in (part for part in parts() if part.kind == "TABLE"):
        columns = []
        for column in table.columns:
            kind, is_nullable = types[table.name, column.name]
            tags = {PERSONAL_TAG: ""} if column.is_personal else {}
            constraints = dg.TableColumnConstraints(nullable=is_nullable)
            columns.append(dg.TableColumn(column.name, kind, column.meaning, constraints=constraints, tags=tags))
        described[table.name] = (table.meaning, dg.TableSchema(columns=columns))
    return described


def table_columns(table: str) -> Sequence[str]:
    """The columns of a table, in order; none where there is no such table."""
    return [column.name for part in parts() if (part.kind, part.name) == ("TABLE", table) for column in part.columns]


def view_queries() -> Mapping[str, str]:
    """The query of each view."""
    found = {part.name: part.statement for part in parts() if part.kind == "VIEW"}
    return {name: statement.partition(" AS\n")[2].rstrip().rstrip(";") for name, statement in found.items()}


@cache
def monthly_tables() -> Mapping[str, bool]:
    """The tables that hold months, and whether anything in them tells of a person or a door (DOMAIN §12)."""
    return {
        part.name: PERSONAL in part.meaning or any(column.is_personal for column in part.columns)
        for part in parts()
        if part.kind == "TABLE" and any(column.name == "month" for column in part.columns)
    }


@cache
def _texts() -> Mapping[str, str]:
    """Room to its part of the schema, in the order in which they are made."""
    package = importlib.resources.files("vroeg_pipeline")
    files = {room: package / room / SCHEMA for room in ("installation", *STAGES)}
    return {room: file.read_text(encoding="utf-8") for room, file in files.items() if file.is_file()}


@cache
def parts() -> Sequence[Part]:
    """All that the rooms make, in the order in which it is made."""
    return [part for room, text in _texts().items() for part in parsed(text, f"{room}/{SCHEMA}")]


def parsed(text: str, where: str) -> Iterator[Part]:
    """What a room's part of the schema makes.

    Raises ValueError for a table, view or column without a meaning or with two, and for what is written in another form.
    """
    for part, line in _matches(_PART, text, where, 1):
        for kind in ("schema", "table", "view"):
            if name := part[kind]:
                meaning = _text(part["above"])
                if kind != "schema" and not meaning:
                    raise ValueError(f"{where} line {line}: {name} has no meaning")
                first = line + part["above"].count("\n") + 1
                columns = [_column(*match, where) for match in _matches(_COLUMN, part["columns"] or "", where, first)]
                yield Part(kind.upper(), name, meaning, part["statement"], columns)


def _column(column: re.Match[str], line: int, where: str) -> Column:
    above, behind = _text(column["above"]), column["behind"] or ""
    if bool(above) == bool(behind):
        raise ValueError(f"{where} line {line}: {column['name']} has {'two meanings' if above else 'no meaning'}")
    return Column(column["name"], column["type"], above or behind)


def _text(comment: str) -> str:
    return " ".join(line.strip().removeprefix("--").strip() for line in comment.splitlines())


def _matches(pattern: re.Pattern[str], text: str, where: str, line: int) -> Iterator[tuple[re.Match[str], int]]:
    """The matches that make up the whole text, each with the line on which it begins."""
    place = 0
    while place < len(text):
        match = pattern.match(text, place)
        if match is None:
            raise ValueError(f"{where} line {line}: is not in the form that {__name__} explains")
        yield match, line
        place = match.end()
        line += match[0].count("\n")


def _name(schema: str, table: str) -> str:
    return table if schema == "main" else f"{schema}.{table}"
