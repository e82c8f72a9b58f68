"""Writes the cells of one XLSX sheet as CSV, in a process of its own: `resources.readers` sets its limits.

Imports as little as it can, so that it starts at once. Each cell is one character for its kind and its text: `s` text,
`n` a number, `d` a date, `b` yes or no; an empty cell is empty. Ends with status 3 when the sheet is not there.
"""

from __future__ import annotations

import csv
import datetime
import sys

from python_calamine import CalamineError, CalamineWorkbook

NO_SHEET = 3


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
    if not names or (sheet and sheet not in names):
        return NO_SHEET
    rows = workbook.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=True)
    with open(target, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([cell(value) for value in row] for row in rows)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:4]))
    except (CalamineError, MemoryError, UnicodeError, ValueError, OSError):
        sys.exit(1)
