"""Reads the sheets of an XLSX workbook of anyone, in a process with limits of memory and time (docs/adr/0007)."""

from __future__ import annotations

import csv
import json
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
    def told(self) -> str:
        """The same in words; empty when there is nothing."""
        parts = []
        if self.hidden_rows:
            parts.append(f"{self.hidden_rows} hidden or filtered rows were read too")
        if self.other_rows:
            parts.append(
                f"{self.other_rows} rows with the same headers on {self.other_sheets} other sheets were not read"
            )
        return "; ".join(parts)


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
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "vroeg_pipeline.formats.xlsx_cells", str(path), str(cells), sheet, *more],
            capture_output=True,
            timeout=_WALL_SECONDS,
            preexec_fn=_limit_process,
            check=False,
            text=True,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError("takes too long to read") from None
    finally:
        copy.unlink(missing_ok=True)
    if done.returncode == NO_SHEET:
        which = f"has no sheet {sheet[1:]}" if sheet.startswith("?") else f"has no sheet '{sheet}'"
        raise UnreadableError(which if sheet else "has no sheet that people see")
    if done.returncode == NO_PART:
        raise UnreadableError("is no XLSX workbook")
    if done.returncode == BROKEN:
        raise UnreadableError("is a broken workbook; open it in Excel, save it and send it again")
    if done.returncode == LIMITS or done.returncode < 0:
        raise UnreadableError("is no workbook that can be read within the limits of memory and time")
    if done.returncode != 0:
        # Of its error output nothing may be said: that quotes cells.
        what = done.stdout.strip() if done.returncode == OURS else f"it ended with status {done.returncode}"
        raise RuntimeError(f"the process that reads workbooks is broken: {what}")
    return done.stdout


def _written(cells: Path) -> Iterator[list[str]]:
    with cells.open(encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


def _limit_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


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
                raise UnreadableError(f"has more than {_PARTS} parts")
            for part in parts:
                if is_encrypted(part):
                    raise UnreadableError("is protected by a password")
                tail = b""
                with container.open(part) as stream:
                    while chunk := stream.read(1 << 20):
                        total += len(chunk)
                        if total > _DECOMPRESSED_BYTES:
                            raise UnreadableError("decompresses to more than can be read")
                        if declared.search(tail + chunk):
                            raise UnreadableError("declares a document type or entities")
                        tail = chunk[-40:]
    except BrokenZipError as error:
        raise UnreadableError(f"is no whole ZIP container ({error})") from None
