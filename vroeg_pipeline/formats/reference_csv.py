"""The CSVs of our own side: reference files of an installation (DOMAIN §13), and addresses that a command is given.

A mistake in them stops the run or the command with a line that says where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.formats.cells import Header, UnreadableError, WrongEncodingError
from vroeg_pipeline.formats.csv import CsvFile, Dialect, csv_file, csv_rows

_OURS = Dialect(strict=True)


@contextmanager
def reference_csv(source: Path, scratch: Path) -> Iterator[CsvFile]:
    """A CSV of our own side for DuckDB to read within the block (UTF-8, a header). `scratch`: for our copies.

    Raises VroegError when it cannot be read, then or within the block, without a word of what is in it.
    """
    try:
        source.open("rb").close()
    except OSError as error:
        raise VroegError(f"cannot be read ({error.strerror})", where=source, do="check that it is there") from None
    with _our_mistake(source), csv_file(source, scratch, _OURS) as file:
        yield file


def wanted_columns(
    file: CsvFile, source: Path, columns: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, int | None]:
    """Where the columns stand; None for optional ones that it lacks.

    Raises VroegError when it lacks a column, or has one twice.
    """
    with _our_mistake(source):
        return _places(file.header or [], source, columns, optional)


def small_table(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """(line number, row) of a small reference CSV, cells trimmed; empty where the file is absent, as are the cells of
    an optional column that it lacks.

    Raises VroegError as `reference_csv` does, and when it lacks a column.
    """
    if not source.exists():
        return []
    with _our_mistake(source):
        rows = csv_rows(source, Dialect())
        places = _places(next((cells for _, cells in rows if cells), []), source, columns, optional)
        named = [
            (line, {n: cells[at].strip() if at is not None and at < len(cells) else "" for n, at in places.items()})
            for line, cells in rows
        ]
    return [(line, row) for line, row in named if any(row.values())]


def _places(
    header: Sequence[str], source: Path, columns: Sequence[str], optional: Sequence[str]
) -> dict[str, int | None]:
    found: Mapping[str, int] = Header.of(header, {name: (name,) for name in (*columns, *optional)}).positions
    lacking = [column for column in columns if column not in found]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    return {name: found.get(name) for name in (*columns, *optional)}


@contextmanager
def _our_mistake(source: Path) -> Iterator[None]:
    try:
        yield
    except WrongEncodingError:
        raise VroegError("is not UTF-8 text", where=source.name, do="save it as UTF-8") from None
    except UnreadableError as error:
        where = source.name + (f" line {error.line}" if error.line else "")
        raise VroegError(f"cannot be read as CSV: {error}", where=where, do="mend that line") from None
