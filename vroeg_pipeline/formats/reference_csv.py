"""The reference CSVs of an installation: UTF-8, a comma, a header (DOMAIN §13).

They are ours, not a partner's: a mistake in them stops the run with a line that says where it stands.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import read_text
from vroeg_pipeline.installation.statements import quoted


def csv_select(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> str:
    """A query for the columns of a reference CSV (UTF-8, comma, header) as text; optional ones that it lacks are NULL.

    Raises VroegError when it lacks a column. Run it within `csv_errors`.
    """
    try:
        with source.open(encoding="utf-8-sig") as file:
            header = next(csv.reader([file.readline()]), [])
    except UnicodeDecodeError:
        raise VroegError("is not UTF-8 text", where=source.name, do="save it as UTF-8") from None
    names = [name.strip().lower() for name in header]
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    positions = {name: f"c{i}" for i, name in reversed(list(enumerate(names)))}
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    wanted = ", ".join(f"{positions.get(column, 'NULL::VARCHAR')} AS {column}" for column in (*columns, *optional))
    return f"""
        SELECT {wanted} FROM read_csv(
            {quoted(str(source))}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
            columns = {{{types}}}, null_padding = true, parallel = false
        )
    """


@contextmanager
def csv_errors(source: Path) -> Iterator[None]:
    """Makes an error in a CSV one that names the line. DuckDB quotes it, and it may hold a person's address."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = source.name + (f" line {line[1]}" if line else "")
        raise VroegError("cannot be read as CSV", where=where, do="mend that line") from None


def small_table(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """(line number, row) of a small reference CSV, cells trimmed; empty where the file is absent, as are the cells of
    an optional column that it lacks.
    """
    if not source.exists():
        return []
    reader = csv.DictReader(read_text(source).splitlines())
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    lacking = [column for column in columns if column not in reader.fieldnames]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    rows = [(reader.line_num, {c: (row.get(c) or "").strip() for c in (*columns, *optional)}) for row in reader]
    return [(line, row) for line, row in rows if any(row.values())]
