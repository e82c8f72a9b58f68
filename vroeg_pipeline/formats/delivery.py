"""Reads one delivery file, verbatim, into a table of a DuckDB connection (DOMAIN §4; why so: docs/adr/0007).

Knows what the formats share. What the cells mean is read by `macros.sql`, whether a file is usable besides its form by
`deliveries.judged_files`. A partner's file is not trusted: nothing outside it is read, memory and time are bounded, and no
row is lost or split without the file being refused. What is told of a file never quotes a cell, nor a header that was not
agreed: a file without a header has a person there.
"""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS, DELIVERED_FIELDS, FLAG_FIELDS, header_name
from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE, Layout, from_name
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.formats.agreed import agreed_csv, agreed_headers, agreed_records, agreed_sheet
from vroeg_pipeline.formats.cells import NOTHING, Cell, Header, Kind, UnreadableError, is_blank_row
from vroeg_pipeline.formats.csv import own_query, own_writer
from vroeg_pipeline.formats.drift import drift_of, named_or_numbered
from vroeg_pipeline.formats.fixed import fixed_lines
from vroeg_pipeline.formats.hints import LOOKED_AT, goes_on_with_a_row, how_headers_stand, where_headers_stand
from vroeg_pipeline.formats.packed import unpacked
from vroeg_pipeline.formats.shaping import NoDateInNameError, shape
from vroeg_pipeline.installation.home import temporary_file
from vroeg_pipeline.installation.statements import fetch_one, quoted

_BLANK_LOOK = 4_096
# For an example of a name.
_SOME_DAY, _A_FILE = date(2021, 3, 1), "levering"
# The position of a column that the file has not.
_NOWHERE = sys.maxsize
# Looking up a member of an enum for each cell takes longer than what is done with it.
_TEXT, _TYPED = Kind.TEXT, Kind.TYPED


@dataclass(frozen=True)
class ReadDelivery:
    """What became of a file. `said` is one line without personal data, None when there is nothing to tell; `row_count`
    is None when unreadable."""

    refusal: Literal["unreadable", "missing_columns"] | None
    said: Said | None
    row_count: int | None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """The same in English, empty when there is nothing to tell."""
        return self.said.english if self.said else ""


@dataclass(frozen=True)
class _Loaded:
    """What a reader made of a file. `hint`: where the headers stand instead, or why there are none; `told`: what is to be
    known besides; `is_empty_list`: the file says that there are no rows."""

    header: Header | None
    count: int
    hint: Said | None = None
    told: Said | None = None
    is_empty_list: bool = False


def read_delivery(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    layout: Layout,
    into: str,
    scratch: Path,
    *,
    name: str = "",
    max_mb: float = 50,
) -> ReadDelivery:
    """Reads a file into the temporary table `into`: row_number, a text column each of DELIVERED_FIELDS, PARTNER_IN_FILE
    where the layout has a `partner_column`, and `typed`.

    Wholly empty rows are no rows and take no number. `typed` lists the fields that the file held as a number or date, and
    as `field:other` those that it held as a boolean (but for yes/no fields), an object, a list or a time (None for CSV).
    The table is made in any case, empty when the file is unreadable. `scratch` is a private folder for temporary files,
    `name` the name with which the file came, `max_mb` what it may be unpacked, in MiB.
    """
    try:
        with unpacked(path, layout.delivery.packed, scratch, max_mb) as file:
            loaded = _load(con, file, layout, into, scratch)
        if loaded.header is not None:
            if goes_on_with_a_row(loaded.header):
                raise UnreadableError(Fault.ROW_BEHIND_HEADERS.said())
            _refuse_second_header(con, loaded.header, into)
            shape(con, layout, into, name)
    except UnreadableError as error:
        _empty_table(con, layout, into)
        return ReadDelivery("unreadable", _with_line(error), None)
    except NoDateInNameError as error:
        return ReadDelivery("missing_columns", _about_name(layout, error.found), loaded.count)
    if loaded.header is None:
        _empty_table(con, layout, into)
        if loaded.is_empty_list:
            return ReadDelivery(None, None, 0)
        return ReadDelivery("missing_columns", loaded.hint or Fault.NO_HEADER.said(), 0)
    return _judged(layout, loaded, loaded.header)


def _with_line(error: UnreadableError) -> Said:
    said = error.said
    if not error.line or "line" in said.english:
        return said
    return Said(f"{said.english} (line {error.line})", f"{said.dutch} (regel {error.line})")


def _about_name(layout: Layout, found: int) -> Said:
    dates = {field: from_name(constant) for field, constant in layout.constants.items()}
    formats = {field: date_format for field, date_format in dates.items() if date_format}
    fields = ", ".join(f"{field} ({date_format})" for field, date_format in formats.items())
    if found:
        return Fault.TWO_DATES_IN_NAME.said(fields=fields)
    example = "_".join(f"{_SOME_DAY:{date_format}}" for date_format in dict.fromkeys(formats.values()))
    return Fault.NO_DATE_IN_NAME.said(fields=fields, example=f"{_A_FILE}_{example}")


def _load(con: duckdb.DuckDBPyConnection, path: Path, layout: Layout, into: str, scratch: Path) -> _Loaded:
    form = layout.delivery
    if _is_blank(path):
        return _Loaded(None, 0, Fault.EMPTY.said())
    if form.format == "csv":
        return _read_csv(con, path, layout, into, scratch)
    if form.format == "xlsx":
        return _read_xlsx(con, path, layout, into, scratch)
    if form.format == "fixed":
        return _read_fixed(con, path, layout, into, scratch)
    found = agreed_records(path, layout)
    if not found.records:
        return _Loaded(None, 0, is_empty_list=True)
    return _load_rows(con, enumerate(found.rows(), start=1), layout, into, scratch)


def _judged(layout: Layout, loaded: _Loaded, header: Header) -> ReadDelivery:
    """Whether all is there that was agreed."""
    found = {*header.positions, *layout.constants}
    found |= {field for field, headers in layout.headers.items() if {*headers} & _split_headers(layout, header)}
    wanted = {**layout.headers, **_partner(layout)}
    lacking = [field for field in (*layout.required, *_partner(layout)) if field not in found]
    optional = tuple(field for field in layout.headers if field not in found and field not in layout.required)
    unexpected = tuple(
        named_or_numbered(each, at + 1, agreed_headers(layout))
        for at, each in header.unexpected.items()
        if not layout.is_ignored(each)
    )
    if not lacking:
        return ReadDelivery(None, loaded.told, loaded.count, optional, unexpected)
    if loaded.hint:
        return ReadDelivery("missing_columns", loaded.hint, loaded.count, optional, ())
    one_header = layout.delivery.has_one_header
    drift = drift_of(wanted, [*lacking, *optional], unexpected, one_header=one_header)
    renamed = Said(
        "".join(f"; '{old}' seems to be called '{new}' now" for old, new in drift.renamed.items()),
        "".join(f"; '{old}' lijkt nu '{new}' te heten" for old, new in drift.renamed.items()),
    )
    said = Fault.LACKS.said(
        fields=", ".join(f"{field} ('{wanted[field][0]}')" if field in wanted else field for field in lacking),
        headers=", ".join(f"'{wanted[field][0]}'" if field in wanted else field for field in lacking),
        renamed=renamed,
    )
    return ReadDelivery("missing_columns", said, loaded.count, optional, unexpected)


def _split_headers(layout: Layout, header: Header) -> set[str]:
    """The headers of cells that are split, as far as the file has them."""
    return {written for number, written in enumerate(layout.split) if f"split_{number}" in header.positions}


def _partner(layout: Layout) -> dict[str, tuple[str, ...]]:
    return {PARTNER_IN_FILE: (layout.partner_column,)} if layout.partner_column is not None else {}


def _columns(layout: Layout) -> tuple[str, ...]:
    """The text columns of the table as it is read: what cells are split of stands there as a whole."""
    return (*DELIVERED_FIELDS, *(source for source in layout.sources if source not in DELIVERED_FIELDS))


def _is_blank(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_BLANK_LOOK)
        is_all = len(start) < _BLANK_LOOK
        return not start.removeprefix(codecs.BOM_UTF8).strip() and (is_all or not file.read().strip())


def _read_csv(con: duckdb.DuckDBPyConnection, path: Path, layout: Layout, into: str, scratch: Path) -> _Loaded:
    form = layout.delivery
    above = form.lines_above
    with agreed_csv(path, form, scratch) as file:
        if file.header is None:
            return _Loaded(None, 0)
        hint = None
        if form.is_by_position:
            header = _by_position(layout, len(file.header))
        else:
            header = Header.of(file.header, layout.sources)
            first = file.first_lines(above + LOOKED_AT)
            hint = how_headers_stand(first, file.delimiter, file.header, agreed_headers(layout), above)
        places = {source: header.positions.get(source) for source in _columns(layout)}
        count = file.load(con, into, places, numbered=True)
        con.execute(f"ALTER TABLE {into} ADD COLUMN typed VARCHAR[]")
        return _Loaded(header, count, hint)


def _by_position(layout: Layout, width: int, first_column: int = 1) -> Header:
    """The columns of a file without a header, of which the first is this one, from 1."""
    return Header.by_position(width, {source: int(at[0]) - first_column for source, at in layout.sources.items()})


def _read_xlsx(con: duckdb.DuckDBPyConnection, path: Path, layout: Layout, into: str, scratch: Path) -> _Loaded:
    with agreed_sheet(path, layout, scratch) as sheet:
        rows = enumerate(sheet.rows, start=sheet.first_row)
        loaded = _load_rows(con, rows, layout, into, scratch, first_column=sheet.first_column)
        return replace(loaded, told=sheet.told)


def _read_fixed(con: duckdb.DuckDBPyConnection, path: Path, layout: Layout, into: str, scratch: Path) -> _Loaded:
    form = layout.delivery
    spans = [layout.span_of(headers[0]) for headers in layout.sources.values()]
    lines = fixed_lines(path, form.encoding, form.lines_above, spans)
    longest = max(map(len, lines), default=0)
    found = {
        source: at for at, (source, span) in enumerate(zip(layout.sources, spans, strict=True)) if span[0] <= longest
    }
    # The whole line stands behind its fields, as a row with anything else on it is not empty.
    rows: Iterable[list[Cell]]
    rows = ([(line[first - 1 : last], Kind.TEXT) for first, last in (*spans, (1, len(line)))] for line in lines)
    header = Header.by_position(len(spans), found)
    return _load_rows(con, enumerate(rows, start=form.lines_above + 1), layout, into, scratch, header=header)


def _load_rows(
    con: duckdb.DuckDBPyConnection,
    rows: Iterable[tuple[int, list[Cell]]],
    layout: Layout,
    into: str,
    scratch: Path,
    *,
    first_column: int = 1,
    header: Header | None = None,
) -> _Loaded:
    """Loads cells row by row, the first row with anything in it below the agreed lines being the header."""
    form, columns = layout.delivery, _columns(layout)
    above = form.lines_above
    places: list[tuple[str, int]] = []
    first: list[tuple[int, list[str]]] = []
    count = 0
    with temporary_file(scratch) as normal:
        with normal.open("w", encoding="utf-8", newline="") as file:
            write = own_writer(file)
            try:
                for line, row in rows:
                    if is_blank_row(row):
                        continue
                    if len(first) < LOOKED_AT:
                        first.append((line, [text or "" for text, _ in row]))
                    if line <= above:
                        continue
                    if header is None and not form.is_by_position:
                        header = Header.of([text or "" for text, _ in row], layout.sources)
                        continue
                    if not places:
                        header = header or _by_position(layout, len(row), first_column)
                        places = [(column, header.positions.get(column, _NOWHERE)) for column in columns]
                    count += 1
                    write(_normal_row(count, row, places))
                if header is not None:
                    "".join(header.written).encode()
            except UnicodeEncodeError:
                raise UnreadableError(Fault.HALF_A_CHARACTER.said()) from None
        if header is None:
            return _Loaded(None, 0)
        types = {"row_number": "INTEGER", **dict.fromkeys((*columns, "typed"), "VARCHAR")}
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {into} AS "
            f"SELECT * REPLACE (string_split(typed, ' ') AS typed) FROM ({own_query(normal, types)})"
        )
        (loaded,) = fetch_one(con, f"SELECT count(*) FROM {into}")
    if loaded != count:
        raise RuntimeError(f"{count} rows were written but {loaded} loaded")  # a bug of ours, never the file's
    hint = None
    if form.has_one_header and not form.is_by_position:
        hint = where_headers_stand(first, header.written, agreed_headers(layout), form.lines_above)
    return _Loaded(header, count, hint)


def _refuse_second_header(con: duckdb.DuckDBPyConnection, header: Header, into: str) -> None:
    """Of two files that were put together the columns may stand in another order from the second header on."""
    fields = [field for field in CANONICAL_FIELDS if field in header.positions]
    agreed = {field: header_name(header.written[header.positions[field]]) for field in fields if header.written}
    if "amount_due" not in agreed:
        return
    # Whatever its order, where an amount is due it has a header.
    # As a text in the statement: a parameter makes DuckDB import pandas.
    written = quoted(json.dumps([text for text in header.written if text.strip()]))
    rows = con.execute(
        f"SELECT row_number, {', '.join(fields)} FROM {into} "
        f"WHERE amount_due IN (SELECT unnest(from_json({written}, '[\"VARCHAR\"]')))"
    ).fetchall()
    for number, *cells in rows:
        here = {field: header_name(cell or "") for field, cell in zip(fields, cells, strict=True)}
        if 2 * len({*here.values()} & {*agreed.values()}) >= len(fields) and here != agreed:
            raise UnreadableError(Fault.HEADERS_AGAIN.said(row=number))


def _normal_row(number: int, row: list[Cell], places: Sequence[tuple[str, int]]) -> list[str]:
    """`places`: each column with its position in the row."""
    values, typed = [str(number)], []
    width = len(row)
    for field, position in places:
        text, kind = row[position] if position < width else NOTHING
        values.append(text or "")
        if kind is _TEXT:
            continue
        if kind is _TYPED:
            typed.append(field)
        elif kind is Kind.UNSAVED:
            raise UnreadableError(Fault.UNSAVED_FORMULA.said(row=number))
        elif kind is Kind.OTHER or field not in FLAG_FIELDS:
            typed.append(f"{field}:other")
    values.append(" ".join(typed))
    return values


def _empty_table(con: duckdb.DuckDBPyConnection, layout: Layout, into: str) -> None:
    fields = ", ".join(f"{field} VARCHAR" for field in (*DELIVERED_FIELDS, *_partner(layout)))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into} (row_number INTEGER, {fields}, typed VARCHAR[])")
