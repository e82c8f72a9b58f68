"""A part of a delivered file in the form of the whole: the same lines above, header and columns, some of its rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import xlsxwriter

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.layouts import FileForm, Layout
from vroeg_pipeline.formats.cells import BLANK, Cell, Kind
from vroeg_pipeline.formats.csv import Dialect, csv_file
from vroeg_pipeline.formats.encodings import encoding_of
from vroeg_pipeline.formats.xlsx import xlsx_sheet

# The same rows give the same bytes, whenever they are written.
_ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class _Table:
    """`above`: what stands above the first row; `rows`: those with anything in them, in their order."""

    above: list[list[Cell]]
    rows: list[list[Cell]]


def check_divisible(form: FileForm, where: object) -> None:
    """Raises VroegError where files of this form cannot be divided."""
    if form.format not in ("csv", "xlsx") or form.packed:
        raise VroegError(
            "a front desk divides CSV and XLSX that are not packed", where=where, do="agree on one of them"
        )


def parts_of_file(
    path: Path, layout: Layout, scratch: Path, parts: Mapping[str, Collection[int]]
) -> Iterator[tuple[str, bytes]]:
    """Each part by its name, as bytes; `parts`: the numbers of its rows, from 1. A part without rows has the header alone.

    Raises UnreadableError as the readers of the formats do.
    """
    form = layout.delivery
    if form.format == "csv":
        yield from _csv_parts(path, form, scratch, parts)
        return
    wanted = {}
    if not form.is_by_position:
        # As the reader looks for the sheet.
        wanted = {h: len(hs) == 1 and field in layout.required for field, hs in layout.headers.items() for h in hs}
    with xlsx_sheet(path, form.sheet, scratch, wanted, form.lines_above) as sheet:
        table = _table(enumerate(sheet.rows, start=sheet.first_row), form, sheet.first_row - 1)
        for name, numbers in parts.items():
            yield name, _workbook(table, numbers, form, sheet.first_column - 1)


def _csv_parts(
    path: Path, form: FileForm, scratch: Path, parts: Mapping[str, Collection[int]]
) -> Iterator[tuple[str, bytes]]:
    encoding = encoding_of(path, form.encoding)
    dialect = Dialect(form.encoding, form.delimiter, lines_above=form.lines_above, has_header=not form.is_by_position)
    with csv_file(path, scratch, dialect) as file:
        above = file.first_lines(form.lines_above)
        if not above and file.delimiter != form.delimiter:
            above = [f"sep={file.delimiter}\r\n"]
        filled = [cells for _, cells in file.rows() if "".join(cells).strip(BLANK)]
        header, rows = ([], filled) if form.is_by_position else (filled[:1], filled[1:])
        for name, numbers in parts.items():
            text = io.StringIO(newline="")
            text.writelines(above)
            own = set(numbers)
            kept = [row for number, row in enumerate(rows, start=1) if number in own]
            csv.writer(text, delimiter=file.delimiter, lineterminator="\r\n").writerows([*header, *kept])
            yield name, text.getvalue().encode(encoding)


def _table(lines: Iterable[tuple[int, list[Cell]]], form: FileForm, blank_above: int) -> _Table:
    above: list[list[Cell]] = [[] for _ in range(min(blank_above, form.lines_above))]
    rows: list[list[Cell]] = []
    has_header = form.is_by_position
    for line, row in lines:
        if line <= form.lines_above:
            above.append(row)
        elif any(text and text.strip(BLANK) for text, _ in row):
            if has_header:
                rows.append(row)
            else:
                above.append(row)
                has_header = True
    return _Table(above, rows)


def _workbook(table: _Table, numbers: Collection[int], form: FileForm, first_column: int) -> bytes:
    content, own = io.BytesIO(), set(numbers)
    kept = [row for number, row in enumerate(table.rows, start=1) if number in own]
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": _ALWAYS})
        for _ in range(form.sheet - 1 if isinstance(form.sheet, int) else 0):
            workbook.add_worksheet()
        sheet = workbook.add_worksheet(form.sheet if isinstance(form.sheet, str) else None)
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for down, row in enumerate([*table.above, *kept]):
            for along, (text, kind) in enumerate(row, start=first_column):
                if text is None:
                    continue
                if kind is Kind.TYPED and _DAY.fullmatch(text):
                    sheet.write_datetime(down, along, date.fromisoformat(text), day)
                elif kind is Kind.TYPED:
                    sheet.write_number(down, along, float(text))
                elif kind is Kind.FLAG:
                    sheet.write_boolean(down, along, text == "true")
                elif kind is Kind.OTHER and text.startswith("#"):
                    sheet.write_formula(down, along, "=NA()", None, text)
                else:
                    sheet.write_string(down, along, text)
    return content.getvalue()
