"""Writes the cells of one XLSX sheet, or of all, as CSV, in a process of its own with limits of memory and time.

Imports as little as it can, so that it starts at once. Each cell is one character for its kind and its text: `s` text,
`n` a number, `d` a date, `b` yes or no, `o` another thing (a time), `u` a formula without a saved value; an empty cell is
empty. Ends with status 3 when the sheet is not there, with 4 when a part of the workbook is not, with 5
when a part of it is broken, with 6 when memory or disk do not suffice, and with 7 after a mistake of ours: its class and
place stand on the standard output then.

Of one sheet it says on its standard output, as JSON, how many rows were hidden, and how many rows with the same headers
other sheets have. Of all sheets each row begins with the sheet's name and the number of the row, and two kinds go before
the others: `f` a formula (with the value that was saved with it), `m` a part of merged cells that hold something.
"""

from __future__ import annotations

import csv
import datetime
import json
import re
import resource
import sys
import traceback
import zipfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import IO
from xml.etree import ElementTree

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.formats.xlsx_parts import (
    UNSAVED,
    BrokenPartError,
    NoPartError,
    Parts,
    broken_part_told,
    prepared,
)

NO_SHEET = 3
NO_PART = 4
BROKEN = 5
LIMITS = 6
OURS = 7
# No sheet can have this name.
ALL_SHEETS = "*"
# Nor this: a position from 1 among the sheets that people see.
_POSITION = re.compile(r"\?([0-9]+)")

_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})[0-9]{1,7}")
_ROW = re.compile(r"[1-9][0-9]{0,6}")
_CHUNK = 1 << 20
_HEADER_WITHIN = 20
_LONGEST_NUMBER = 1e40

Marks = dict[int, dict[int, str]]
Rows = list[list[str]]


def cell(value: object) -> str:
    """A cell of calamine as its kind and text. A moment is its date, a whole number has no decimals.

    A number has the fifteen digits that Excel shows: what stands behind them is how computers count.
    """
    # By its class, the most frequent ones first: it is asked for each cell.
    kind = type(value)
    if kind is str:
        return ("u" if value == UNSAVED else f"s{value}") if value else ""
    if value is None:
        return ""
    if kind is float:
        return _number(value)  # type: ignore[arg-type]
    if kind is datetime.date:
        return f"d{value}"
    if kind is datetime.datetime:
        return f"d{value.date()}"  # type: ignore[attr-defined]
    if kind is bool:
        return "btrue" if value else "bfalse"
    return f"n{value}" if kind is int else f"o{value}"


def _number(value: float) -> str:
    text = f"{value:.15g}"
    if "e" not in text and text != "-0":
        return f"n{text}"
    if value.is_integer() and abs(value) < _LONGEST_NUMBER:
        return f"n{int(value)}"
    return f"n{Decimal(text):f}"


def main(source: str, target: str, sheet: str, wanted: str = "{}", rows_above: str = "0") -> int:
    """Reads `source` and writes `target`; an empty `sheet` is the first that people see with the wanted headers.

    `wanted`: JSON, header to whether it may not be absent, empty where there are none. `rows_above`: how many rows stand
    above the header. Gives the exit status.
    """
    above = int(rows_above)
    path, hidden_rows = prepared(source, f"{target}.xlsx", marks_unsaved=sheet != ALL_SHEETS)
    with broken_part_told():
        workbook = CalamineWorkbook.from_path(path)
    names = workbook.sheet_names
    with open(target, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        if sheet == ALL_SHEETS:
            formulas = _formulas(source)
            for name in names:
                if _is_table(workbook, name):
                    writer.writerows(_marked_rows(_page(workbook, name), formulas.get(name, {})))
            return 0
        chosen, others = _chosen(workbook, sheet, json.loads(wanted), above)
        if chosen is None:
            return NO_SHEET
        page = _page(workbook, chosen)
        top, left = page.start or (0, 0)
        hidden = hidden_rows.get(chosen, set())
        # A hidden header hides no row.
        filled, unseen = int(wanted == "{}"), 0
        for number, values in enumerate(_values(page), start=top + 1):
            row = list(map(cell, values))
            writer.writerow(row)
            is_filled = number > above and any(row)
            unseen += is_filled and filled > 0 and number in hidden
            filled += is_filled
    told = {
        "first_row": top + 1, "first_column": left + 1, "hidden_rows": unseen, "other_sheets": len(others),
        "other_rows": sum(others),
    }  # fmt: skip
    print(json.dumps(told))  # noqa: T201
    return 0


def _chosen(
    workbook: CalamineWorkbook, agreed: str, wanted: dict[str, bool], above: int
) -> tuple[str | None, list[int]]:
    """The sheet to read, and the number of rows of each other sheet that people see with the wanted headers."""
    seen = [name for name in workbook.sheet_names if _is_table(workbook, name, visible=True)]
    if position := _POSITION.fullmatch(agreed):
        tabs = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        chosen = next((name for name in tabs[int(position[1]) - 1 :][:1] if name in seen), None)
    elif agreed:
        alike = [name for name in workbook.sheet_names if header_name(name) == header_name(agreed)]
        chosen = agreed if agreed in alike else next(iter(alike), None)
    else:
        chosen = seen[0] if len(seen) == 1 else None
    if (agreed and chosen is None) or len({*seen, chosen}) <= 1:
        return chosen, []
    found: dict[str, tuple[int, int]] = {}
    others = []
    required = {header_name(header) for header, must in wanted.items() if must}
    known = {header_name(header) for header in wanted}
    for name in seen:
        if name == chosen:
            continue
        rows = _filled(_page(workbook, name), above)
        first = [{header_name(str(value)) for value in row} for row in islice(rows, _HEADER_WITHIN)]
        if first and required and required <= first[0]:
            if chosen is None:
                chosen = name
            elif count := len(first) - 1 + sum(1 for _ in rows):
                others.append(count)
        found[name] = (max((len(known & headers) for headers in first), default=0), bool(first))
    return chosen or max(found, key=lambda name: found[name], default=None), others


def _is_table(workbook: CalamineWorkbook, name: str, *, visible: bool = False) -> bool:
    data = workbook.sheets_metadata[workbook.sheet_names.index(name)]
    return data.typ == SheetTypeEnum.WorkSheet and (not visible or data.visible == SheetVisibleEnum.Visible)


def _page(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    with broken_part_told():
        return workbook.get_sheet_by_name(name)


def _values(sheet: CalamineSheet) -> Sequence[Sequence[object]]:
    with broken_part_told():
        return sheet.to_python(skip_empty_area=True)


def _filled(sheet: CalamineSheet, above: int) -> Iterator[Sequence[object]]:
    top = sheet.start[0] if sheet.start else 0
    for row in islice(_values(sheet), max(0, above - top), None):
        if any(value not in (None, "") for value in row):
            yield row


def _marked_rows(sheet: CalamineSheet, marks: Marks) -> Iterator[list[str]]:
    """The rows of a sheet behind its name and their number, from 1 as people see it."""
    top, left = sheet.start or (0, 0)
    rows = [[""] * left + [cell(value) for value in row] for row in _values(sheet)]
    with broken_part_told():
        merged = sheet.merged_cell_ranges or []
    for (first_row, first_column), (last_row, last_column) in merged:
        inside = top <= first_row < top + len(rows) and first_column < len(rows[first_row - top])
        if not inside or not rows[first_row - top][first_column]:
            continue
        for row in range(first_row, min(last_row, top + len(rows) - 1) + 1):
            for column in range(first_column, min(last_column, len(rows[0]) - 1) + 1):
                marks.setdefault(row, {}).setdefault(column, "m")
    for row in range(top, max([top + len(rows), *(marked + 1 for marked in marks)])):
        cells = rows[row - top] if row < top + len(rows) else []
        for column, mark in marks.get(row, {}).items():
            cells += [""] * (column + 1 - len(cells))
            cells[column] = mark + cells[column][1:]
        yield [sheet.name, str(row + 1), *cells]


def _formulas(source: str) -> dict[str, Marks]:
    """Where formulas stand, by sheet, row and column from 0: the library gives only the values saved with them."""
    with zipfile.ZipFile(source) as container:
        return {
            name: _formulas_of(container, part)
            for name, part in Parts(container).sheets().items()
            if _has_formula(container, part)
        }


def _has_formula(container: zipfile.ZipFile, part: str) -> bool:
    tail = b""
    with container.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            if _FORMULA.search(tail + chunk):
                return True
            tail = chunk[-40:]
    return False


def _formulas_of(container: zipfile.ZipFile, part: str) -> Marks:
    marks: Marks = {}
    row, column = -1, -1
    with container.open(part) as stream:
        for event, element in _elements(stream):
            name = element.tag.rsplit("}", 1)[-1]
            if event == "start" and name == "row":
                row, column = _row(element.get("r") or str(row + 2)), -1
            elif event == "start" and name == "c":
                column = _column(element.get("r", "")) if element.get("r") else column + 1
            elif event == "end" and name == "f":
                marks.setdefault(row, {})[column] = "f"
            elif event == "end" and name == "row":
                element.clear()
    return marks


def _elements(stream: IO[bytes]) -> Iterator[tuple[str, ElementTree.Element]]:
    found = ElementTree.iterparse(stream, ("start", "end"))  # noqa: S314 no entities: xlsx looked
    while True:
        with broken_part_told():
            event = next(found, None)
        if event is None:
            return
        yield event


def _row(number: str) -> int:
    """The number of a row, from 0."""
    if not _ROW.fullmatch(number):
        raise BrokenPartError("a row without a number")
    return int(number) - 1


def _column(reference: str) -> int:
    """The column of a reference, from 0: C7 is 2."""
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise BrokenPartError("a cell without a place")
    number = 0
    for letter in found[1].upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _said_of(error: Exception) -> str:
    """Its class and where it was raised; never its text, which may quote a cell."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.name} ({place.filename.rpartition('/')[2]}, line {place.lineno})"


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Sets the limits of this process, before it opens anything of a sender."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    try:
        _limit(*map(int, sys.argv[1:3]))
        sys.exit(main(*sys.argv[3:]))
    except NoPartError:
        sys.exit(NO_PART)
    except BrokenPartError:
        sys.exit(BROKEN)
    except (MemoryError, OSError):
        sys.exit(LIMITS)
    except Exception as error:
        print(_said_of(error))  # noqa: T201
        sys.exit(OURS)
