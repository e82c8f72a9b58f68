"""Finds the rows of a returned worklist, verbatim: the sheets that are lists, their header, and the columns that count.

Not trusted, as no file from outside is: workbooks are read in a process with limits (`formats.xlsx`). Nothing is half
read: a list of which a header is gone, or rows that stand above their header or without one, refuse the whole file. What
the cells mean is read by `outcomes/outcome_rows.sql`.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vroeg_pipeline.formats.cells import BLANK, UnreadableError, is_blank
from vroeg_pipeline.formats.csv import Dialect, csv_rows
from vroeg_pipeline.formats.encodings import EXCEL
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.xlsx import xlsx_cells
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told
from vroeg_pipeline.outcomes.columns import ADDRESS_COLUMN, OUTCOME_COLUMNS, PICTURES, REFUSALS

# The fields of a row as it is read; each cell is one character for its kind and its text, as `xlsx_cells` writes them.
FIELDS = (*OUTCOME_COLUMNS, "address")
_TOLD_FIELDS = ("contact_kind", "reached", "contacted_on", "day_part", "end_result")

# Sheets of ours that are no list; `worklists.worklist_file` writes them.
_OTHER_SHEETS = ("Uitleg", "Lijsten", "Ingetrokken")
# So many of the headers in one row make it the header of a list, be it a damaged one.
_ENOUGH_HEADERS = 4
_CASE_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_PICTURE = re.compile(r"xl/(media|comments|threadedComments)", re.IGNORECASE)

# Name of the sheet, number of the row as people see it, whether anything is filled in, a cell for each of FIELDS.
OutcomeRow = tuple[str, int, bool, list[str]]


class RefusedError(Exception):
    """The file cannot be taken in: `refusal`, a key of REFUSALS, and `detail` in Dutch, for its team."""

    def __init__(self, refusal: str, about: str = "") -> None:
        super().__init__(refusal)
        self.refusal, self.detail = refusal, REFUSALS[refusal].format(about)


def remark_on(path: Path, name: str) -> str | None:
    """What its team must be told of a file that can be read all the same.

    Raises RefusedError when the file, or its name, says that it has macros.
    """
    parts: list[str] = []
    # One that is broken is refused when its rows are read.
    with suppress(BrokenZipError), broken_zip_told():
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as container:
                parts = container.namelist()
    if name.lower().endswith(".xlsm") or any(part.lower().endswith("vbaproject.bin") for part in parts):
        raise RefusedError("macros")
    return PICTURES if any(_PICTURE.match(part) for part in parts) else None


def outcome_rows(path: Path, scratch: Path) -> Iterator[OutcomeRow]:
    """The rows of every list in a workbook or CSV that have a Kenmerk or something filled in.

    Raises RefusedError when it is neither, or its headers are not those of a worklist.
    """
    try:
        with path.open("rb") as file:
            start = file.read(2)
        # Old workbooks and those with a password begin with D0CF.
        refuse_other_kind(path, "xlsx" if start in (b"PK", b"\xd0\xcf") else "csv")
        yield from _list_rows(xlsx_cells(path, scratch) if start == b"PK" else _csv_cells(path))
    except UnreadableError as error:
        raise RefusedError("unreadable", error.said.dutch) from None


def _csv_cells(path: Path) -> Iterator[list[str]]:
    for number, (_, cells) in enumerate(csv_rows(path, Dialect(EXCEL, header_word="kenmerk")), start=1):
        yield ["", str(number), *(f"s{cell}" if cell else "" for cell in cells)]


def _list_rows(rows: Iterator[list[str]]) -> Iterator[OutcomeRow]:
    """`rows`: each behind the name of its sheet and its number, sheet by sheet."""
    sheet, header, found = None, None, False
    for name, number, *cells in rows:
        if name != sheet:
            sheet, header = name, None
        if name in _OTHER_SHEETS:
            continue
        if header is None:
            header = _header_of(cells)
            found = found or header is not None
            if header is None and any(_CASE_ID.fullmatch(_text(cell)) for cell in cells):
                raise RefusedError("missing_columns", "boven regels met een kenmerk staat geen kopregel")
            continue
        given = [cells[at] if at is not None and at < len(cells) else "" for at in header]
        values = dict(zip(FIELDS, given, strict=True))
        if _folded(values["case_id"]) == OUTCOME_COLUMNS["case_id"].casefold():
            continue  # lists that were put below each other
        told = any(_text(values[field]) or values[field][:1] in ("f", "m") for field in _TOLD_FIELDS)
        if told or _text(values["case_id"]):
            yield name, int(number), told, given
    if not found:
        raise RefusedError("missing_columns", "er is geen kopregel")


def _header_of(cells: list[str]) -> list[int | None] | None:
    """The column of each of FIELDS when this row is the header of a list."""
    texts = [_folded(cell) for cell in cells]
    wanted = {field: header.casefold() for field, header in OUTCOME_COLUMNS.items()}
    if sum(header in texts for header in wanted.values()) < _ENOUGH_HEADERS:
        return None
    for field, header in wanted.items():
        if texts.count(header) != 1:
            how = "staat er twee keer" if header in texts else "ontbreekt"
            raise RefusedError("missing_columns", f"de kolom '{OUTCOME_COLUMNS[field]}' {how}")
    address = ADDRESS_COLUMN.casefold()
    return [*(texts.index(header) for header in wanted.values()), texts.index(address) if address in texts else None]


def _text(cell: str) -> str:
    return "" if is_blank(cell[1:]) else cell[1:].strip(BLANK)


def _folded(cell: str) -> str:
    return " ".join(cell[1:].split()).casefold()
