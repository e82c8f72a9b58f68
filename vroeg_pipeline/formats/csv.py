"""The one door by which CSV comes in: deliveries, slips, returned lists, known clients, registers, addresses of anyone.

Nobody's CSV is trusted, and none loses a row: its encoding, line ends, `sep=` line, byte order mark and delimiter are
settled before anything parses it, no quote may swallow rows, and what DuckDB finds is compared with a count of our own.
DuckDB reads large files, but no quote that others wrote, nor a bare CR, behind which it loses a character: such files go
through Python's reader first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import duckdb

from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.cells import BLANK, UnreadableError, is_blank, is_blank_in_sql
from vroeg_pipeline.formats.encodings import blocks, decoded, encoding_of, errors_of, is_utf8, no_such_text, not_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.installation.home import temporary_file
from vroeg_pipeline.installation.statements import fetch_one, quoted

_DELIMITERS = ",;\t|"
_SEP_LINE = re.compile(r'"?sep=(.)\1*"?[\r\n]*', re.IGNORECASE)
_BLOCK = 1 << 22
_LONGEST_LINE = 64 * 1024 * 1024
_HEADER_WITHIN = 20
_END = "\x1eend"
# DOS writes it behind the last line.
_END_OF_FILE = "\x1a"

# A memo of some megabytes is no reason to refuse a file.
csv.field_size_limit(_LONGEST_LINE)


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written, as far as that was agreed.

    `delimiter`: None is guessed from the first line with anything on it, or the first that holds `header_word`. `strict`:
    for files of our own side, in which a row longer than the header and text behind a closing quote are mistakes too.
    `lines_above`: how many lines at the start are none of the table.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    header_word: str = ""
    strict: bool = False
    lines_above: int = 0
    has_header: bool = True


def csv_rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """(line on which it ends, cells) of each record of a file that fits in memory, empty ones included.

    Raises UnreadableError when it is no CSV of which every row can be told from the next.
    """
    refuse_other_kind(path, "csv")
    text = decoded(path, dialect.encoding).removeprefix("\ufeff")
    if dialect.strict and "\0" in text:
        raise UnreadableError(Fault.NUL_BYTES.said())
    delimiter, above, lines = _begin(io.StringIO(text, newline=""), dialect)
    for line, cells in _records(lines, delimiter, strict=dialect.strict):
        yield len(above) + line, cells


@contextmanager
def csv_file(path: Path, scratch: Path, dialect: Dialect) -> Iterator[CsvFile]:
    """A CSV of any length, checked, for DuckDB to read within the block. `scratch`: a private folder for our copies.

    Raises UnreadableError as `csv_rows` does, then or when it is read.
    """
    refuse_other_kind(path, "csv")
    with ExitStack() as copies:
        encoding = encoding_of(path, dialect.encoding)
        if not is_utf8(encoding):
            path = _transcoded(path, encoding, dialect.encoding, copies.enter_context(temporary_file(scratch)))
        scan = _scan(path)
        if scan is None:
            raise not_utf8(path, dialect.encoding)
        if dialect.strict and scan.has_nul:
            raise UnreadableError(Fault.NUL_BYTES.said())
        yield CsvFile(path, scan, dialect, scratch, copies)


class CsvFile:
    """A CSV and its `header`: the cells of the first row with anything in it, None where there is no such row.

    Where it has no header, these are as many empty cells as its first rows have columns.
    """

    def __init__(self, path: Path, scan: Scan, dialect: Dialect, scratch: Path, copies: ExitStack) -> None:
        self._path, self._dialect, self._scratch, self._copies = path, dialect, scratch, copies
        self.header: list[str] | None = None
        self._is_plain = scan.is_plain
        with self._open() as stream:
            self.delimiter, above, lines = _begin(stream, dialect)
            self._skip, rows_above = len(above), 0
            filled = ((line, cells) for line, cells in _records(lines, self.delimiter, strict=dialect.strict) if cells)
            if dialect.has_header:
                for line, cells in filled:
                    rows_above += 1
                    if not all(map(is_blank, cells)):
                        self.header = cells
                        self._skip += line
                        break
            elif first := [cells for _, cells in islice(filled, _HEADER_WITHIN)]:
                self.header = [""] * max(map(len, first))
        # With one column an empty line may be a row, and with none there are no rows.
        self._is_plain = scan.is_plain and len(self.header or []) > 1
        self._expected = scan.filled_lines - sum(1 for line in above if line.strip("\r\n")) - rows_above

    def first_lines(self, count: int) -> list[str]:
        """The first lines of the file as they are written."""
        with self._open() as stream:
            return [line for line, _ in zip(stream, range(count), strict=False)]

    def load(
        self,
        connection: duckdb.DuckDBPyConnection,
        into: str,
        columns: Mapping[str, int | None],
        *,
        numbered: bool = False,
    ) -> int:
        """Makes the temporary table `into` of the rows below the header, in their order; gives their number.

        `columns`: name to position; None gives a column of NULL. Where nothing stands it is NULL too. `numbered`: with a
        first column row_number, from 1, and without the rows that have nothing in any column of the file.
        """
        create = f"CREATE OR REPLACE TEMP TABLE {into} AS"
        if self._is_plain:
            try:
                return self._load_plain(connection, into, columns, numbered=numbered)
            except (duckdb.InvalidInputException, duckdb.ConversionException, _NotPlainError):
                pass  # Python's reader says what is wrong with which line, or reads it.
        query, expected = self._rewritten(columns, numbered=numbered)
        connection.execute(f"{create} {query}")
        (count,) = fetch_one(connection, f"SELECT count(*) FROM {into}")
        if count != expected:
            raise RuntimeError(f"{expected} rows were written but {count} loaded")  # a bug of ours, never the file's
        return int(count)

    def _load_plain(
        self, connection: duckdb.DuckDBPyConnection, into: str, columns: Mapping[str, int | None], *, numbered: bool
    ) -> int:
        create = f"CREATE OR REPLACE TEMP TABLE {into} AS"
        if not numbered:
            connection.execute(f"{create} SELECT {_selected(columns)} FROM {self._plain}")
            (found,) = fetch_one(connection, f"SELECT count(*) FROM {into}")
            self._compare(found)
            return int(found)
        whole = f"concat({', '.join(self._names)})"
        connection.execute(
            f"""
            {create} SELECT
                (row_number() OVER ())::INTEGER AS row_number,
                {_selected(columns)},
                CASE WHEN coalesce({is_blank_in_sql("c0")}, true) THEN {is_blank_in_sql(whole)} ELSE false END AS is_blank
            FROM {self._plain}
            """
        )
        found, has_blank = fetch_one(connection, f"SELECT count(*), coalesce(bool_or(is_blank), false) FROM {into}")
        self._compare(found)
        if has_blank:
            raise _NotPlainError  # DuckDB does not show what stands beyond the columns of the header
        connection.execute(f"ALTER TABLE {into} DROP COLUMN is_blank")
        return int(found)

    def query(self, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, int | None]) -> str:
        """A query for the same rows, for what is too large to be kept twice. To be run within the block."""
        if self._is_plain:
            try:
                (found,) = fetch_one(
                    connection, f"SELECT count(*) FROM (SELECT {_selected(columns)} FROM {self._plain})"
                )
                self._compare(found)
                return f"SELECT {_selected(columns)} FROM {self._plain}"
            except (duckdb.InvalidInputException, duckdb.ConversionException, _NotPlainError):
                pass  # as above
        return self._rewritten(columns, numbered=False)[0]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which it ends, cells) of the header and of each row below it, one by one. To be run within the block."""
        with self._open() as stream:
            _, above, lines = _begin(stream, replace(self._dialect, delimiter=self.delimiter))
            for line, cells in _records(lines, self.delimiter, strict=self._dialect.strict):
                if cells and self.header is not None and len(above) + line >= self._skip:
                    yield len(above) + line, cells

    def _compare(self, found: int) -> None:
        if found != self._expected:
            raise _NotPlainError

    def _open(self) -> io.TextIOWrapper:
        return self._path.open(encoding="utf-8-sig", newline="")

    @property
    def _names(self) -> list[str]:
        return [f"c{position}" for position in range(len(self.header or ()))]

    @property
    def _plain(self) -> str:
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in self._names)
        return f"""
            read_csv(
                {quoted(str(self._path))}, auto_detect = false, header = false, skip = {self._skip}, columns = {{{types}}},
                delim = {quoted(self.delimiter)}, quote = '', escape = '', null_padding = true,
                strict_mode = {str(self._dialect.strict).lower()}
            )
        """

    def _rewritten(self, columns: Mapping[str, int | None], *, numbered: bool) -> tuple[str, int]:
        """A query for a copy of what is wanted, and the number of its rows."""
        number = ["row_number"] if numbered else []
        if self.header is None:
            return f"SELECT {', '.join(f'NULL::VARCHAR AS {name}' for name in columns)} LIMIT 0", 0
        width = len(self.header)
        wanted = sorted({position for position in columns.values() if position is not None})
        copy = self._copies.enter_context(temporary_file(self._scratch))
        count = 0
        with copy.open("w", encoding="utf-8", newline="") as file:
            write = own_writer(file)
            for line, cells in self.rows():
                if line == self._skip or (numbered and all(map(is_blank, cells))):
                    continue
                if self._dialect.strict and any(cells[width:]):
                    raise UnreadableError(Fault.LONG_ROW.said(line=line), line)
                count += 1
                here = len(cells)
                write([count, *(cells[place] if place < here else "" for place in wanted)])
        places = {"row_number": "INTEGER", **{f"c{place}": "VARCHAR" for place in wanted}}
        selected = ", ".join([*number, _selected(columns)])
        return f"SELECT {selected} FROM ({own_query(copy, places)})", count


class _NotPlainError(Exception):
    """DuckDB found another number of rows than there are lines, or rows of which it does not show all."""


def own_writer(file: TextIO) -> Callable[[Iterable[object]], object]:
    """Writes the rows of a CSV that only `own_query` reads."""
    return csv.writer(file, delimiter=",", quoting=csv.QUOTE_ALL, lineterminator="\n").writerow


def own_query(path: Path, columns: Mapping[str, str]) -> str:
    """A query for the rows of a CSV that `own_writer` wrote; `columns`: name to type."""
    # Without buffer_size DuckDB takes sixteen times the longest line, 1 GiB, which is more than a register may have.
    return f"""
        SELECT * FROM read_csv(
            {quoted(str(path))}, auto_detect = false, header = false, columns = {dict(columns)}, delim = ',',
            quote = '"', escape = '"', new_line = '\\n', parallel = false, max_line_size = {_LONGEST_LINE},
            buffer_size = {_LONGEST_LINE}
        )
    """


def _selected(columns: Mapping[str, int | None]) -> str:
    return ", ".join(f"{'NULL::VARCHAR' if at is None else f'c{at}'} AS {name}" for name, at in columns.items())


@dataclass(frozen=True)
class Scan:
    """What the bytes of a UTF-8 file tell. `is_plain`: no quotes, each line ends in LF, or each in CRLF, and no mark stands
    behind the last."""

    is_plain: bool
    filled_lines: int
    has_nul: bool = False


def _scan(path: Path) -> Scan | None:
    """Looks at a file block by block; None when it is not UTF-8 text."""
    has_quotes, has_nul, has_mark, filled, returns, pairs, feeds = False, False, False, 0, 0, 0, 0
    for block in blocks(path):
        if not block.isascii():
            try:
                block.decode("utf-8")
            except UnicodeDecodeError:
                return None
        has_nul = has_nul or b"\0" in block
        has_quotes = has_quotes or b'"' in block
        has_mark = block.endswith(_END_OF_FILE.encode())
        lines = block.split(b"\n")
        filled += len(lines) - lines.count(b"") - lines.count(b"\r")
        feeds += len(lines) - 1
        returns += block.count(b"\r")
        pairs += block.count(b"\r\n")
    is_plain = not has_quotes and not has_mark and returns in (0, feeds) and returns == pairs
    return Scan(is_plain, filled, has_nul)


def _transcoded(path: Path, encoding: str, agreed: str, copy: Path) -> Path:
    """The copy, in UTF-8."""
    try:
        with (
            path.open(encoding=encoding, errors=errors_of(agreed), newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            while block := source.read(_BLOCK):
                target.write(block)
    except UnicodeError:
        raise no_such_text(agreed) from None
    return copy


def _begin(stream: Iterable[str], dialect: Dialect) -> tuple[str, list[str], Iterator[str]]:
    """The delimiter, the lines that are none of the table, and the others."""
    lines = iter(stream)
    first = next(lines, "")
    # Excel writes it for itself and shows no such line.
    said = _SEP_LINE.fullmatch(first)
    if not said:
        lines = chain([first], lines)
    above = [first] if said else []
    above += islice(lines, max(0, dialect.lines_above - len(above)))
    if said or dialect.delimiter:
        return said[1] if said else str(dialect.delimiter), above, lines
    ahead = [next(lines, "")]
    while not (ahead[-1].strip() and dialect.header_word in ahead[-1].casefold()) and (line := next(lines, "")):
        ahead.append(line)
    return max(_DELIMITERS, key=ahead[-1].count), above, chain(ahead, lines)


def _records(lines: Iterable[str], delimiter: str, *, strict: bool) -> Iterator[tuple[int, list[str]]]:
    """(line on which it ends, cells) of each record by RFC 4180, lenient about text behind a closing quote.

    A quote that is not part of the text goes on to the next one that is not, and takes the rows between them with it.
    Raises UnreadableError where that must have happened.
    """
    seen: list[str] = []

    def remembered() -> Iterator[str]:
        for text in chain(lines, [_END]):
            # Behind a mark in the middle, of a file that was put behind another, a quote would be a letter.
            if not seen and text.startswith('\ufeff"'):
                text = text[1:]
            text = text.removesuffix(_END_OF_FILE)
            if text:
                seen.append(text)
                yield text

    reader = csv.reader(remembered(), delimiter=delimiter, strict=strict)
    before, width, ended = 0, 0, False
    try:
        for number, cells in enumerate(reader):
            if ended:
                raise UnreadableError(Fault.MARK_IN_LINE.said(line=before), before)
            ended = cells == [_END] and len(seen) == 1
            if ended:
                continue
            if len(seen) > 1:
                if seen[-1] is _END:
                    raise _never_closed(before + 1)
                # Above a header may stand a title alone.
                if _swallows(cells, "".join(seen), delimiter, width if width > 1 else len(cells)):
                    raise UnreadableError(Fault.QUOTE_SWALLOWS.said(first=before + 1, last=reader.line_num), before + 1)
            if number < _HEADER_WITHIN:
                width = max(width, len(cells))
            before = reader.line_num
            seen.clear()
            yield before, cells
    except csv.Error as error:
        if seen and seen[-1] is _END:
            raise _never_closed(before + 1) from None
        raise UnreadableError(Fault.NO_CSV.said(line=reader.line_num, how=error), reader.line_num) from None
    if not ended:
        raise _never_closed(before + 1)


def _never_closed(line: int) -> UnreadableError:
    return UnreadableError(Fault.QUOTE_NEVER_CLOSED.said(line=line), line)


def _swallows(cells: list[str], written: str, delimiter: str, width: int) -> bool:
    """Whether a record of several lines holds more than its own row; `width`: the number of columns."""
    held = max((cell.count(delimiter) for cell in cells if "\n" in cell or "\r" in cell), default=-1)
    if held >= width - 1:
        return True
    while cells and not cells[-1].strip(BLANK):
        cells = cells[:-1]
    if len(cells) > width:
        return True
    blank_behind = re.compile(rf'"[ \t]+(?={re.escape(delimiter)}|[\r\n]|$)')
    try:
        list(csv.reader(io.StringIO(blank_behind.sub('"', written), newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False
