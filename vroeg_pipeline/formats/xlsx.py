"""Reads the sheets of an XLSX workbook of anyone, in a process with limits of memory and time (docs/adr/0007)."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vroeg_pipeline.domain.dutch import in_dutch
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.formats.cells import NOTHING, Cell, Kind, UnreadableError
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.xlsx_cells import ALL_SHEETS, BROKEN, LIMITS, NO_PART, NO_SHEET, OURS
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told, is_encrypted
from vroeg_pipeline.installation.home import temporary_file

_KINDS = {
    "s": Kind.TEXT, "n": Kind.TYPED, "d": Kind.TYPED, "b": Kind.FLAG, "o": Kind.OTHER, "u": Kind.UNSAVED,
}  # fmt: skip
_PARTS = 2_000
_DECOMPRESSED_BYTES = 512 * 1024 * 1024
_MEMORY_BYTES = 1536 * 1024 * 1024
_CPU_SECONDS = 120
_WALL_SECONDS = 300


@dataclass(frozen=True)
class Sheet:
    """The rows of a sheet, and what people who see the workbook might not expect of them.

    `first_row`, `first_column`: where they begin, from 1 as people count.
    """

    rows: Iterator[list[Cell]]
    first_row: int
    first_column: int
    hidden_rows: int
    other_sheets: int
    other_rows: int

    @property
    def told(self) -> Said | None:
        """The same in words; None when there is nothing."""
        parts, in_dutch_too = [], []
        if self.hidden_rows:
            rows = f"{self.hidden_rows} hidden or filtered row" + ("" if self.hidden_rows == 1 else "s")
            parts.append(f"{rows} {'was' if self.hidden_rows == 1 else 'were'} read too")
            in_dutch_too.append(
                in_dutch(self.hidden_rows, "verborgen regel is ook gelezen", "verborgen regels zijn ook gelezen")
            )
        if self.other_rows:
            rows = f"{self.other_rows} row" + ("" if self.other_rows == 1 else "s")
            sheets = f"{self.other_sheets} other sheet" + ("" if self.other_sheets == 1 else "s")
            parts.append(
                f"{rows} with the same headers on {sheets} {'was' if self.other_rows == 1 else 'were'} not read"
            )
            sheets = in_dutch(self.other_sheets, "ander werkblad", "andere werkbladen")
            in_dutch_too.append(
                in_dutch(self.other_rows, "regel", "regels")
                + f" op {sheets} "
                + ("is" if self.other_rows == 1 else "zijn")
                + " niet gelezen"
            )
        return Said("; ".join(parts), "; ".join(in_dutch_too)) if parts else None


@contextmanager
def xlsx_sheet(
    path: Path, sheet: str | int | None, scratch: Path, wanted: Mapping[str, bool], rows_above: int = 0
) -> Iterator[Sheet]:
    """A sheet, to be read within the block: the agreed one, else the first that people see with the headers.

    `sheet`: its name, or its position from 1 among those that people see. `wanted`: header to whether it may not be
    absent, empty where there are none. `rows_above`: how many rows stand above the header. Raises UnreadableError as
    `xlsx_cells` does.
    """
    _check_container(path)
    with temporary_file(scratch) as cells:
        agreed = f"?{sheet}" if isinstance(sheet, int) else sheet or ""
        told = json.loads(_run(path, cells, agreed, json.dumps(dict(wanted)), str(rows_above)))
        rows = ([(cell[1:] or None, _KINDS[cell[0]]) if cell else NOTHING for cell in row] for row in _written(cells))
        yield Sheet(rows, **told)


def xlsx_cells(path: Path, scratch: Path) -> Iterator[list[str]]:
    """The rows of all sheets, read in a process with limits; how a cell is written: see `formats.xlsx_cells`.

    Raises UnreadableError when the file is no workbook that can be read safely.
    """
    _check_container(path)
    with temporary_file(scratch) as cells:
        _run(path, cells, ALL_SHEETS)
        yield from _written(cells)


def _run(path: Path, cells: Path, sheet: str, *more: str) -> str:
    copy = cells.with_name(f"{cells.name}.xlsx")
    # The process limits itself: code of ours between fork and exec may hang where other threads are at work.
    limits = (str(_MEMORY_BYTES), str(_CPU_SECONDS))
    program = [sys.executable, "-m", "vroeg_pipeline.formats.xlsx_cells", *limits, str(path), str(cells), sheet, *more]
    try:
        done = _ended(program)
    except subprocess.TimeoutExpired:
        raise UnreadableError(Fault.WORKBOOK_TOO_HEAVY.said()) from None
    finally:
        copy.unlink(missing_ok=True)
    if done.returncode == NO_SHEET:
        if sheet.startswith("?"):
            raise UnreadableError(Fault.NO_SHEET_AT.said(sheet=sheet[1:]))
        raise UnreadableError(Fault.NO_SHEET.said(sheet=f"'{sheet}'") if sheet else Fault.NO_VISIBLE_SHEET.said())
    if done.returncode == NO_PART:
        raise UnreadableError(Fault.NO_WORKBOOK.said())
    if done.returncode == BROKEN:
        raise UnreadableError(Fault.BROKEN_WORKBOOK.said())
    if done.returncode == LIMITS or done.returncode < 0:
        raise UnreadableError(Fault.WORKBOOK_TOO_HEAVY.said())
    if done.returncode != 0:
        # Of its error output nothing may be said: that quotes cells.
        what = done.stdout.strip() if done.returncode == OURS else f"it ended with status {done.returncode}"
        raise RuntimeError(f"the process that reads workbooks is broken: {what}")
    return done.stdout


def _written(cells: Path) -> Iterator[list[str]]:
    with cells.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _ended(program: list[str]) -> subprocess.CompletedProcess[str]:
    """The process at its end. What takes too long is tried once more: a heavy file runs out of CPU seconds long before,
    so it was this machine that was too busy."""
    try:
        return _run_once(program)
    except subprocess.TimeoutExpired:
        return _run_once(program)


def _run_once(program: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(program, capture_output=True, timeout=_WALL_SECONDS, check=False, text=True)  # noqa: S603


def _check_container(path: Path) -> None:
    """Refuses what is no ZIP with a workbook, decompresses too large, or declares document types or entities."""
    refuse_other_kind(path, "xlsx")
    declared = re.compile(
        rb"<\x00?!\x00?(D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E|E\x00?N\x00?T\x00?I\x00?T\x00?Y)", re.IGNORECASE
    )
    total = 0
    try:
        with broken_zip_told(), zipfile.ZipFile(path) as container:
            parts = container.infolist()
            if len(parts) > _PARTS:
                raise UnreadableError(Fault.UNSAFE_WORKBOOK.said(how=f"more than {_PARTS} parts"))
            for part in parts:
                if is_encrypted(part):
                    raise UnreadableError(Fault.HAS_PASSWORD.said())
                tail = b""
                with container.open(part) as stream:
                    while chunk := stream.read(1 << 20):
                        total += len(chunk)
                        if total > _DECOMPRESSED_BYTES:
                            raise UnreadableError(Fault.WORKBOOK_TOO_HEAVY.said())
                        if declared.search(tail + chunk):
                            raise UnreadableError(Fault.UNSAFE_WORKBOOK.said(how="a document type or entities"))
                        tail = chunk[-40:]
    except BrokenZipError:
        with path.open("rb") as file:
            is_begun = file.read(2) == b"PK"
        raise UnreadableError((Fault.HALF_A_WORKBOOK if is_begun else Fault.NO_WORKBOOK).said()) from None
