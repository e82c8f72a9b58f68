"""Writes the cells of one XLSX sheet, or of all, as CSV, in a process of its own: `formats.xlsx` sets its limits.

Imports as little as it can, so that it starts at once. Each cell is one character for its kind and its text: `s` text,
`n` a number, `d` a date, `b` yes or no; an empty cell is empty. Ends with status 3 when the sheet is not there.

Of all sheets each row begins with the sheet's name and the number of the row, and two kinds go before the others: `f` a
formula (with the value that was saved with it), `m` a part of merged cells that hold something.
"""

from __future__ import annotations

import csv
import datetime
import re
import sys
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

NO_SHEET = 3
# No sheet can have this name.
ALL_SHEETS = "*"

_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_CHUNK = 1 << 20

Marks = dict[int, dict[int, str]]


def cell(value: object) -> str:
    """A cell of calamine as its kind and text. A moment is its date, a whole number has no decimals."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "btrue" if value else "bfalse"
    if isinstance(value, float):
        return f"n{int(value)}" if value.is_integer() and abs(value) < 1e15 else f"n{value!r}"
    if isinstance(value, int):
        return f"n{value}"
    if isinstance(value, datetime.datetime):
        return f"d{value.date().isoformat()}"
    if isinstance(value, datetime.date):
        return f"d{value.isoformat()}"
    return f"s{value}"


def main(source: str, target: str, sheet: str) -> int:
    """Reads `source` and writes `target`; an empty `sheet` is the first one. Gives the exit status."""
    workbook = CalamineWorkbook.from_path(source)
    names = workbook.sheet_names
    if not names or (sheet not in ("", ALL_SHEETS) and sheet not in names):
        return NO_SHEET
    with open(target, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        if sheet == ALL_SHEETS:
            formulas = _formulas(source)
            for name in names:
                writer.writerows(_marked_rows(workbook.get_sheet_by_name(name), formulas.get(name, {})))
        else:
            rows = workbook.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=True)
            writer.writerows([cell(value) for value in row] for row in rows)
    return 0


def _marked_rows(sheet: CalamineSheet, marks: Marks) -> Iterator[list[str]]:
    """The rows of a sheet behind its name and their number, from 1 as people see it."""
    top, left = sheet.start or (0, 0)
    rows = [[""] * left + [cell(value) for value in row] for row in sheet.to_python(skip_empty_area=True)]
    for (first_row, first_column), (last_row, last_column) in sheet.merged_cell_ranges or []:
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
    found: dict[str, Marks] = {}
    with zipfile.ZipFile(source) as container:
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in ElementTree.fromstring(container.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        }
        for sheet in ElementTree.fromstring(container.read("xl/workbook.xml")).iter():  # noqa: S314
            if _local(sheet.tag) != "sheet":
                continue
            relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
            target = targets.get(relation, "")
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if part in container.namelist() and _has_formula(container, part):
                found[sheet.get("name", "")] = _formulas_of(container, part)
    return found


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
        for event, element in ElementTree.iterparse(stream, ("start", "end")):  # noqa: S314 no entities: xlsx looked
            name = _local(element.tag)
            if event == "start" and name == "row":
                row, column = int(element.get("r") or row + 2) - 1, -1
            elif event == "start" and name == "c":
                column = _column(element.get("r", "")) if element.get("r") else column + 1
            elif event == "end" and name == "f":
                marks.setdefault(row, {})[column] = "f"
            elif event == "end" and name == "row":
                element.clear()
    return marks


def _column(reference: str) -> int:
    """The column of a reference, from 0: C7 is 2."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:4]))
    except (CalamineError, ElementTree.ParseError, KeyError, MemoryError, UnicodeError, ValueError, OSError):
        sys.exit(1)
