"""Reads one delivery file, verbatim, into a table of a DuckDB connection (DOMAIN §4; why so: docs/adr/0007).

Knows what the formats share. What the cells mean is read by `macros.sql`, whether a file is usable besides its form by
`deliveries.intake`. A partner's file is not trusted: nothing outside it is read, memory and time are bounded, and no row
is lost or split without the file being refused. What is told of a file never quotes a cell, nor a header that was not
agreed: a file without a header has a person there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS, FLAG_FIELDS, header_name
from vroeg_pipeline.formats.cells import BLANK, NOTHING, Cell, Header, Kind, UnreadableError
from vroeg_pipeline.formats.csv import Dialect, csv_file, own_query, own_writer
from vroeg_pipeline.formats.drift import drift_of
from vroeg_pipeline.formats.hints import LOOKED_AT, how_headers_stand, where_headers_stand
from vroeg_pipeline.formats.json import is_empty_list, json_rows
from vroeg_pipeline.formats.xlsx import xlsx_sheet
from vroeg_pipeline.installation.home import temporary_file
from vroeg_pipeline.installation.statements import fetch_one

_BLANK_LOOK = 4_096


@dataclass(frozen=True)
class FileFormat:
    """The part of an agreement that a reader needs."""

    format: Literal["csv", "xlsx", "json"]
    encoding: str = "utf-8"
    delimiter: str = ";"
    sheet: str | None = None


@dataclass(frozen=True)
class ReadDelivery:
    """What became of a file. `detail` is one line without personal data, empty when there is nothing to tell; `row_count`
    is None when unreadable."""

    refusal: Literal["unreadable", "missing_columns"] | None
    detail: str
    row_count: int | None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()


def read_delivery(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    fmt: FileFormat,
    columns: Mapping[str, str],
    required: Collection[str],
    into: str,
    scratch: Path,
) -> ReadDelivery:
    """Reads a file into the temporary table `into`: row_number, a text column a canonical field, and `typed`.

    `columns` maps canonical fields to agreed headers, of which `required` may not be absent. Wholly empty rows are no
    rows and take no number. `typed` lists the fields that the file held as a number or date, and as `field:other` those
    that it held as a boolean (but for yes/no fields), an object, a list or a time (None for CSV). The table is made in
    any case, empty when the file is unreadable. `scratch` is a private folder for temporary files.
    """
    if _is_blank(path):
        _empty_table(con, into)
        return ReadDelivery("missing_columns", "the file is empty, so there is no header", 0)
    told, hint = "", None
    try:
        if fmt.format == "csv":
            header, count, hint = _read_csv(con, path, fmt, columns, required, into, scratch)
        elif fmt.format == "json":
            header, count, _ = _load_rows(con, enumerate(json_rows(path), start=1), columns, into, scratch)
        else:
            wanted = {header: field in required for field, header in columns.items()}
            with xlsx_sheet(path, fmt.sheet, scratch, wanted) as sheet:
                rows = enumerate(sheet.rows, start=sheet.first_row)
                header, count, first = _load_rows(con, rows, columns, into, scratch)
                hint = where_headers_stand(first, columns.values())
                told = sheet.told
        if header is not None:
            _refuse_second_header(con, header, columns, into)
    except UnreadableError as error:
        _empty_table(con, into)
        line = f" (line {error.line})" if error.line and "line" not in str(error) else ""
        return ReadDelivery("unreadable", f"{error}{line}", None)
    if header is None:
        _empty_table(con, into)
        if fmt.format == "json" and count == 0 and is_empty_list(path):
            return ReadDelivery(None, "", 0)
        return ReadDelivery("missing_columns", "there is no header", 0)
    lacking = [field for field in required if field not in header.positions]
    optional = tuple(field for field in columns if field not in header.positions and field not in required)
    if lacking:
        headers = ", ".join(f"{field} ('{columns[field]}')" if field in columns else field for field in lacking)
        if hint:
            return ReadDelivery("missing_columns", hint, count, optional, ())
        drift = drift_of(columns, [*lacking, *optional], header.unexpected, one_header=fmt.format != "json")
        renamed = "".join(f"; '{old}' seems to be called '{new}' now" for old, new in drift.renamed.items())
        return ReadDelivery("missing_columns", f"lacks {headers}{renamed}", count, optional, header.unexpected)
    return ReadDelivery(None, told, count, optional, header.unexpected)


def _is_blank(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_BLANK_LOOK)
        return not start.strip() and (len(start) < _BLANK_LOOK or not file.read().strip())


def _read_csv(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    fmt: FileFormat,
    columns: Mapping[str, str],
    required: Collection[str],
    into: str,
    scratch: Path,
) -> tuple[Header | None, int, str | None]:
    """The header, the number of rows, and where else the headers stand when it lacks a required one."""
    with csv_file(path, scratch, Dialect(fmt.encoding, fmt.delimiter)) as file:
        if file.header is None:
            return None, 0, None
        header = Header.of(file.header, columns)
        hint = None
        if any(field not in header.positions for field in required):
            hint = how_headers_stand(file.first_lines(LOOKED_AT), file.delimiter, columns.values())
        places = {field: header.positions.get(field) for field in CANONICAL_FIELDS}
        count = file.load(con, into, places, numbered=True)
        con.execute(f"ALTER TABLE {into} ADD COLUMN typed VARCHAR[]")
        return header, count, hint


def _load_rows(
    con: duckdb.DuckDBPyConnection,
    rows: Iterable[tuple[int, list[Cell]]],
    columns: Mapping[str, str],
    into: str,
    scratch: Path,
) -> tuple[Header | None, int, list[tuple[int, list[str]]]]:
    """Loads cells row by row, the first row with anything in it being the header; gives the first rows too."""
    header: Header | None = None
    first: list[tuple[int, list[str]]] = []
    count = 0
    with temporary_file(scratch) as normal:
        with normal.open("w", encoding="utf-8", newline="") as file:
            write = own_writer(file)
            try:
                for line, row in rows:
                    if not any(text and text.strip(BLANK) for text, _ in row):
                        continue
                    if len(first) < LOOKED_AT:
                        first.append((line, [text or "" for text, _ in row]))
                    if header is None:
                        header = Header.of([text or "" for text, _ in row], columns)
                        continue
                    count += 1
                    write(_normal_row(count, row, header))
            except UnicodeEncodeError:
                raise UnreadableError("holds half a character (a lone surrogate)") from None
        if header is None:
            return None, 0, []
        types = {"row_number": "INTEGER", **dict.fromkeys((*CANONICAL_FIELDS, "typed"), "VARCHAR")}
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} AS "
            f"SELECT * REPLACE (string_split(typed, ' ') AS typed) FROM ({own_query(normal, types)})"
        )
        (loaded,) = fetch_one(con, f"SELECT count(*) FROM {into}")
    if loaded != count:
        raise RuntimeError(f"{count} rows were written but {loaded} loaded")  # a bug of ours, never the file's
    return header, count, first


def _refuse_second_header(
    con: duckdb.DuckDBPyConnection, header: Header, columns: Mapping[str, str], into: str
) -> None:
    """Of two files that were put together the columns may stand in another order from the second header on."""
    fields = [field for field in CANONICAL_FIELDS if field in header.positions]
    agreed = {field: header_name(columns[field]) for field in fields}
    if "amount_due" not in agreed:
        return
    # Whatever its order, where an amount is due it has a header.
    rows = con.execute(
        f"SELECT row_number, {', '.join(fields)} FROM {into} WHERE amount_due IN $written",
        {"written": [*header.written]},
    ).fetchall()
    for number, *cells in rows:
        here = {field: header_name(cell or "") for field, cell in zip(fields, cells, strict=True)}
        if 2 * len({*here.values()} & {*agreed.values()}) >= len(fields) and here != agreed:
            raise UnreadableError(f"has its headers again in row {number}, in another order; send the files one by one")


def _normal_row(number: int, row: list[Cell], header: Header) -> list[str]:
    values, typed = [], []
    for field in CANONICAL_FIELDS:
        position = header.positions.get(field)
        text, kind = row[position] if position is not None and position < len(row) else NOTHING
        values.append(text or "")
        if kind is Kind.TEXT:
            continue
        if kind is Kind.UNSAVED:
            raise UnreadableError(
                f"has a formula without an outcome in row {number}; open it in Excel, save it and send it again"
            )
        if kind is Kind.TYPED:
            typed.append(field)
        elif kind is Kind.OTHER or field not in FLAG_FIELDS:
            typed.append(f"{field}:other")
    return [str(number), *values, " ".join(typed)]


def _empty_table(con: duckdb.DuckDBPyConnection, into: str) -> None:
    fields = ", ".join(f"{field} VARCHAR" for field in CANONICAL_FIELDS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into} (row_number INTEGER, {fields}, typed VARCHAR[])")
