"""Reads a sheet of an XLSX workbook of anyone, in a process with limits of memory and time (docs/adr/0007)."""

from __future__ import annotations

import csv
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from vroeg_pipeline.formats.cells import Cell, UnreadableError
from vroeg_pipeline.formats.xlsx_cells import NO_SHEET
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told, is_encrypted
from vroeg_pipeline.installation.home import temporary_file

_PARTS = 2_000
_DECOMPRESSED_BYTES = 512 * 1024 * 1024
_MEMORY_BYTES = 1536 * 1024 * 1024
_CPU_SECONDS = 120
_WALL_SECONDS = 300


def xlsx_rows(path: Path, sheet: str | None, scratch: Path) -> Iterator[list[Cell]]:
    """The rows of a sheet (None: the first). Raises UnreadableError as `xlsx_cells` does."""
    for row in xlsx_cells(path, sheet, scratch):
        yield [(cell[1:] or None, cell[0] in "nd") if cell else (None, False) for cell in row]


def xlsx_cells(path: Path, sheet: str | None, scratch: Path) -> Iterator[list[str]]:
    """The rows of a sheet (None: the first), read in a process with limits; how a cell is written: see `xlsx_cells`.

    Raises UnreadableError when the file is no workbook that can be read safely.
    """
    _check_container(path)
    with temporary_file(scratch) as cells:
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "vroeg_pipeline.formats.xlsx_cells", str(path), str(cells), sheet or ""],
                capture_output=True,
                timeout=_WALL_SECONDS,
                preexec_fn=_limit_process,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreadableError("takes too long to read") from None
        if done.returncode == NO_SHEET:
            raise UnreadableError(f"has no sheet '{sheet}'")
        if done.returncode != 0:
            raise UnreadableError("is no workbook that can be read within the limits of memory and time")
        with cells.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)


def _limit_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _check_container(path: Path) -> None:
    """Refuses what is no ZIP with a workbook, decompresses too large, or declares document types or entities."""
    declared = re.compile(
        rb"<\x00?!\x00?(D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E|E\x00?N\x00?T\x00?I\x00?T\x00?Y)", re.IGNORECASE
    )
    total = 0
    try:
        with broken_zip_told(), zipfile.ZipFile(path) as container:
            parts = container.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise UnreadableError("is no XLSX workbook")
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
