"""`vroeg sql`: one question to the warehouse, which is only read; without persons unless they are asked for.

Without persons the question never comes near the warehouse: it is put to a file of its own, in which they are not.
"""

from __future__ import annotations

import csv
import json
import os
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Literal

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.extract import without_persons, write_extract
from vroeg_pipeline.installation.home import Home, temporary_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, account, log_done
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseError, WarehouseResource

Form = Literal["table", "csv", "json"]

_ROWS_SHOWN = 200
_WHAT_THERE_IS = (
    "'SHOW TABLES' and 'DESCRIBE validated_signals' tell what there is; persons are there with --personal alone"
)
# By these a text can name a table that does not stand in the question itself.
_NAMES_BY_TEXT = re.compile(r"\bquery(_table)?\b", re.IGNORECASE)
# What tells which version of the schema made the tables: with it nothing is made anew.
_SOURCES = "reference.sources"


def ask(home: Home, question: str, out: Console, problems: Console, *, form: Form, personal: bool) -> None:
    """Prints the answer to a SELECT. Before it is put the log has who asks, when, of which tables, whether with persons;
    never its text, as that can name one.

    Raises VroegError when it is no single SELECT, when it cannot be answered, and when there is no warehouse.
    """
    installation = Installation.load(home)
    _one_select(question)
    warehouse = WarehouseResource.of(installation, problems.print)
    with temporary_folder(home.scratch) as aside:
        try:
            with warehouse.connect(read_only=True) as connection:
                tables = without_persons(connection, secrets.token_hex(32), _partners(installation))
                named = _named(tables, question)
                asked = {"personal": personal, "tables": sorted(named)}
                now = installation.now()
                log_done(home, now, Done("vroeg sql", "warehouse", "asked", COMMAND_LINE, account(), now, asked))
                if personal:
                    _answer(connection, question, out, form)
                    return
                # Who only asks what there is gets all of them, empty.
                given = named or {name: f"{select} LIMIT 0" for name, select in tables.items()}
                given = {**given, _SOURCES: tables[_SOURCES]}
                write_extract(connection, Home(aside).warehouse, given, os.environ.get(ENCRYPTION_KEY))
            with WarehouseResource(home=str(aside)).connect(read_only=True) as connection:
                _answer(connection, question, out, form)
        except WarehouseError as error:
            raise VroegError(str(error).splitlines()[0], do=_WHAT_THERE_IS) from None


def _one_select(question: str) -> None:
    with duckdb.connect() as connection:
        try:
            kinds = [statement.type for statement in connection.extract_statements(question)]
        except duckdb.Error as error:
            raise VroegError(str(error).splitlines()[0], do="mend the question") from None
    if kinds != [duckdb.StatementType.SELECT]:
        raise VroegError("only questions can be asked", do="give one SELECT, FROM, SHOW, DESCRIBE or SUMMARIZE")


def _named(tables: Mapping[str, str], question: str) -> Mapping[str, str]:
    """The tables that the question names; all where it can make up a name."""
    return {
        name: select
        for name, select in tables.items()
        if _NAMES_BY_TEXT.search(question) or re.search(rf"\b{name.rpartition('.')[2]}\b", question, re.IGNORECASE)
    }


def _answer(connection: duckdb.DuckDBPyConnection, question: str, out: Console, form: Form) -> None:
    # No file is read or written, nothing attached or loaded, and none of that can be undone.
    connection.execute("SET enable_external_access = false; SET lock_configuration = true")
    result = connection.execute(question)
    columns = [column[0] for column in result.description]
    rows = iter(result.fetchone, None)
    if form == "csv":
        writer = csv.writer(out.file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    elif form == "json":
        answer = [dict(zip(columns, row, strict=True)) for row in rows]
        out.file.write(json.dumps(answer, default=str, ensure_ascii=False) + "\n")
    else:
        _show(columns, [[_shown(value) for value in row] for row in islice(rows, _ROWS_SHOWN)], out)
        if left := sum(1 for _ in rows):
            out.print(f"{left:,} more rows: --format csv has all")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _show(columns: Sequence[str], rows: Sequence[Sequence[str]], out: Console) -> None:
    """A table; where it would be wider than the terminal each row has a line a column, as values would be torn apart."""
    widths = [max(len(text) for text in texts) for texts in zip(columns, *rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= out.width:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(escape(column))
        for row in rows:
            table.add_row(*map(escape, row))
        out.print(table)
        return
    longest = max(map(len, columns))
    for row in rows:
        for column, text in zip(columns, row, strict=True):
            out.print(f"[bold]{escape(column.ljust(longest))}[/bold]  {escape(text)}".rstrip(), soft_wrap=True)
        out.print()


def _partners(installation: Installation) -> Collection[str]:
    return {*installation.partners.agreements, *installation.partners.senders}
