"""Reads one delivery file, verbatim, into a table of a DuckDB connection (DOMAIN §4; why so: docs/adr/0007).

Knows formats and how they are broken. What the cells mean is read by `macros.sql`, whether a file is usable besides
its form by `deliveries.intake`. A partner's file is not trusted: nothing outside it is read, memory and time are bounded,
and no row is lost or split without the file being refused. What is told of a file never quotes a cell, nor a header that
was not agreed: a file without a header has a person there.
"""

from __future__ import annotations

import csv
import io
import json
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import duckdb

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.formats.drift import drift_of
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told, is_encrypted
from vroeg_pipeline.installation.home import temporary_file
from vroeg_pipeline.installation.statements import fetch_one, quoted

# What counts as nothing at the edges of a text; the same as in the macro text_of.
BLANK = " \t\n\v\f\r\xa0"

_XLSX_PARTS = 2_000
_XLSX_DECOMPRESSED_BYTES = 512 * 1024 * 1024
_XLSX_MEMORY_BYTES = 1536 * 1024 * 1024
_XLSX_CPU_SECONDS = 120
_XLSX_WALL_SECONDS = 300
_LONGEST_NUMBER = 40
_BLANK_LOOK = 4_096

Cell = tuple[str | None, bool]


@dataclass(frozen=True)
class FileFormat:
    """The part of an agreement that a reader needs."""

    format: Literal["csv", "xlsx", "json"]
    encoding: str = "utf-8"
    delimiter: str = ";"
    sheet: str | None = None


@dataclass(frozen=True)
class ReadDelivery:
    """What became of a file. `detail` is one line without personal data; `row_count` is None when unreadable."""

    refusal: Literal["unreadable", "missing_columns"] | None
    detail: str
    row_count: int | None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()


class UnreadableError(Exception):
    """The file's form is broken; the text says how, without its content."""


@dataclass(frozen=True)
class _Header:
    """The headers of a file against the agreed ones. `positions`: canonical field to column."""

    positions: Mapping[str, int]
    width: int
    unexpected: tuple[str, ...]

    @classmethod
    def of(cls, headers: Sequence[str], agreed: Mapping[str, str]) -> _Header:
        found = [header.strip(BLANK).casefold() for header in headers]
        positions = {}
        for field, header in agreed.items():
            wanted = header.strip(BLANK).casefold()
            if found.count(wanted) > 1:
                raise UnreadableError(f"the column '{header}' is there twice; which one is meant is not guessed")
            if wanted in found:
                positions[field] = found.index(wanted)
        known = set(positions.values())
        unexpected = tuple(h.strip(BLANK) for i, h in enumerate(headers) if i not in known and h.strip(BLANK))
        return cls(positions, len(headers), unexpected)


def read_delivery(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    fmt: FileFormat,
    columns: Mapping[str, str],
    required: Collection[str],
    into: str,
    scratch: Path,
) -> ReadDelivery:
    """Reads a file into the temporary table `into`: row_number, a text column a canonical field, and `typed`.

    `columns` maps canonical fields to agreed headers, of which `required` may not be absent. Wholly empty rows are no
    rows and take no number. `typed` lists the fields that the file held as a number or date (None for CSV). The table
    is made in any case, empty when the file is unreadable. `scratch` is a private folder for temporary files.
    """
    if _is_blank(path):
        _empty_table(con, into)
        return ReadDelivery("missing_columns", "the file is empty, so there is no header", 0)
    try:
        if fmt.format == "csv":
            header, count = _read_csv(con, path, fmt, columns, into, scratch)
        else:
            rows = _json_rows(path) if fmt.format == "json" else _xlsx_rows(path, fmt.sheet, scratch)
            header, count = _load_rows(con, rows, columns, into, scratch)
    except UnreadableError as error:
        _empty_table(con, into)
        return ReadDelivery("unreadable", str(error), None)
    if header is None:
        _empty_table(con, into)
        if fmt.format == "json" and count == 0 and _is_empty_list(path):
            return ReadDelivery(None, "no rows", 0)
        return ReadDelivery("missing_columns", "there is no header", 0)
    lacking = [field for field in required if field not in header.positions]
    optional = tuple(field for field in columns if field not in header.positions and field not in required)
    if lacking:
        headers = ", ".join(f"{field} ('{columns[field]}')" if field in columns else field for field in lacking)
        drift = drift_of(columns, [*lacking, *optional], header.unexpected, one_header=fmt.format != "json")
        renamed = "".join(f"; '{old}' seems to be called '{new}' now" for old, new in drift.renamed.items())
        return ReadDelivery("missing_columns", f"lacks {headers}{renamed}", count, optional, header.unexpected)
    return ReadDelivery(None, "read", count, optional, header.unexpected)


def _is_blank(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_BLANK_LOOK)
        return not start.strip() and (len(start) < _BLANK_LOOK or not file.read().strip())


# CSV ----------------------------------------------------------------------------------------------------------------


def _read_csv(
    con: duckdb.DuckDBPyConnection, path: Path, fmt: FileFormat, columns: Mapping[str, str], into: str, scratch: Path
) -> tuple[_Header | None, int]:
    data = path.read_bytes()
    try:
        text = data.decode(fmt.encoding)
    except UnicodeDecodeError:
        raise UnreadableError(f"is not {fmt.encoding} text") from None
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise UnreadableError("holds NUL bytes")
    if '"' in text:
        # With quotes DuckDB silently swallows what follows one that is never closed, so Python reads these files.
        return _load_rows(con, quoted_rows(text, fmt.delimiter), columns, into, scratch)
    lines = text.splitlines() if _only_plain_line_ends(text) else re.split(r"\r\n|\r|\n", text)
    first = next((number for number, line in enumerate(lines) if line.strip(BLANK + fmt.delimiter)), None)
    if first is None:
        return None, 0
    header = _Header.of(lines[first].split(fmt.delimiter), columns)
    expected = sum(1 for line in lines[first + 1 :] if line)
    del data, lines
    if fmt.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig", "ascii"):
        count = _load_plain(con, path, fmt.delimiter, header, first + 1, expected, into)
    else:
        with temporary_file(scratch) as transcoded:
            transcoded.write_text(text, encoding="utf-8", newline="")
            count = _load_plain(con, transcoded, fmt.delimiter, header, first + 1, expected, into)
    if count is None:
        return _load_rows(con, quoted_rows(text, fmt.delimiter), columns, into, scratch)
    return header, count


def _only_plain_line_ends(text: str) -> bool:
    # str.splitlines also splits at these, DuckDB and Python's csv do not; it is much faster than a pattern, though.
    return not any(c in text for c in "\v\f\x1c\x1d\x1e\x85\u2028\u2029")


def _load_plain(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    delimiter: str,
    header: _Header,
    skip: int,
    expected: int,
    into: str,
) -> int | None:
    """Lets DuckDB read a file without quotes. None when it does not find each line once: then Python reads it."""
    if header.width == 1:
        return None
    names = [f"c{i}" for i in range(header.width)]
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    blank = "' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)"
    fields = ", ".join(
        f"c{header.positions[f]} AS {f}" if f in header.positions else f"NULL::VARCHAR AS {f}" for f in CANONICAL_FIELDS
    )
    # A CASE, as an AND would work out both for every row.
    all_blank = f"trim(concat({', '.join(names)}), {blank}) = ''"
    blank_row = f"CASE WHEN trim(c0, {blank}) = '' THEN {all_blank} WHEN c0 IS NULL THEN {all_blank} ELSE false END"
    try:
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {into} AS
            SELECT
                (row_number() OVER ())::INTEGER AS row_number,
                {fields},
                NULL::VARCHAR[] AS typed,
                {blank_row} AS is_blank
            FROM read_csv(
                {quoted(str(path))}, auto_detect = false, header = false, skip = {skip}, columns = {{{types}}},
                delim = {quoted(delimiter)}, quote = '', escape = '', null_padding = true, strict_mode = false
            )
            """
        )
        found, count = fetch_one(con, f"SELECT count(*), count(*) FILTER (WHERE NOT is_blank) FROM {into}")
        if found != expected:
            return None
        if count < found:
            con.execute(
                f"""
                CREATE OR REPLACE TEMP TABLE {into} AS
                SELECT * REPLACE ((row_number() OVER (ORDER BY row_number))::INTEGER AS row_number)
                FROM {into} WHERE NOT is_blank
                """
            )
        con.execute(f"ALTER TABLE {into} DROP COLUMN is_blank")
        return int(count)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return None


def quoted_rows(text: str, delimiter: str) -> Iterator[list[Cell]]:
    """The rows of a CSV text by RFC 4180, lenient about text behind a closing quote, strict about an open one."""
    end = "\x1eend"
    ended = False
    reader = csv.reader(io.StringIO(f"{text}\n{end}\n", newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if ended:
                raise UnreadableError("goes on behind its end")
            # Python's reader takes a quote that is never closed as one long cell; then the end is not a row.
            ended = row == [end]
            if not ended:
                yield [(cell, False) for cell in row]
    except csv.Error as error:
        raise UnreadableError(f"is no valid CSV at line {reader.line_num} ({error})") from None
    if not ended:
        raise UnreadableError("has a quote that is never closed")


# JSON ---------------------------------------------------------------------------------------------------------------


class _Number(str):
    """A JSON number as it is written."""


def _is_empty_list(path: Path) -> bool:
    return re.fullmatch(rb"(\xef\xbb\xbf)?\s*\[\s*\]\s*", path.read_bytes()) is not None


def _json_rows(path: Path) -> Iterator[list[Cell]]:
    """The header (every key of any object) and then a row an object."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableError("is not UTF-8 text") from None
    if not text.strip():
        return
    try:
        content = json.loads(
            text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant, object_pairs_hook=_unique_keys
        )
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is no valid JSON at line {error.lineno}") from None
    except RecursionError:
        raise UnreadableError("is nested too deeply") from None
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise UnreadableError("is no array of objects")
    keys: dict[str, str] = {}
    for item in content:
        for key in item:
            keys.setdefault(key.strip(BLANK).casefold(), key)
    if not keys:
        return
    yield [(key, False) for key in keys.values()]
    for item in content:
        folded = {key.strip(BLANK).casefold(): value for key, value in item.items()}
        yield [_json_cell(folded.get(key)) for key in keys]


def _no_constant(name: str) -> object:
    raise UnreadableError(f"holds {name}, which is no JSON")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({key.strip(BLANK).casefold() for key, _ in pairs}) < len(pairs):
        raise UnreadableError("an object has a field twice; which one is meant is not guessed")
    return dict(pairs)


def _json_cell(value: object) -> Cell:
    if value is None:
        return None, False
    if isinstance(value, bool):
        return str(value).lower(), False
    if isinstance(value, _Number):
        return plain_number(value), True
    if isinstance(value, str):
        return value, False
    return json.dumps(value, ensure_ascii=False), False


def plain_number(text: str) -> str:
    """A number without exponent, and without decimals where they are zero: 12.0 is 12, 1e3 is 1000."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        return text
    if number == number.to_integral_value():
        return (
            f"{number.to_integral_value():f}".replace("-0", "0") if number == 0 else f"{number.to_integral_value():f}"
        )
    return f"{number:f}"


# XLSX ---------------------------------------------------------------------------------------------------------------


def _xlsx_rows(path: Path, sheet: str | None, scratch: Path) -> Iterator[list[Cell]]:
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
                timeout=_XLSX_WALL_SECONDS,
                preexec_fn=_limit_process,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreadableError("takes too long to read") from None
        if done.returncode == 3:
            raise UnreadableError(f"has no sheet '{sheet}'")
        if done.returncode != 0:
            raise UnreadableError("is no workbook that can be read within the limits of memory and time")
        with cells.open(encoding="utf-8", newline="") as file:
            yield from csv.reader(file)


def _limit_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_XLSX_MEMORY_BYTES, _XLSX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_XLSX_CPU_SECONDS, _XLSX_CPU_SECONDS))
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
            if len(parts) > _XLSX_PARTS:
                raise UnreadableError(f"has more than {_XLSX_PARTS} parts")
            for part in parts:
                if is_encrypted(part):
                    raise UnreadableError("is protected by a password")
                tail = b""
                with container.open(part) as stream:
                    while chunk := stream.read(1 << 20):
                        total += len(chunk)
                        if total > _XLSX_DECOMPRESSED_BYTES:
                            raise UnreadableError("decompresses to more than can be read")
                        if declared.search(tail + chunk):
                            raise UnreadableError("declares a document type or entities")
                        tail = chunk[-40:]
    except BrokenZipError as error:
        raise UnreadableError(f"is no whole ZIP container ({error})") from None


# What all formats share ---------------------------------------------------------------------------------------------


def _load_rows(
    con: duckdb.DuckDBPyConnection, rows: Iterable[list[Cell]], columns: Mapping[str, str], into: str, scratch: Path
) -> tuple[_Header | None, int]:
    """Loads cells row by row, the first row with anything in it being the header."""
    header: _Header | None = None
    count = 0
    with temporary_file(scratch) as normal:
        with normal.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=",", quoting=csv.QUOTE_ALL, lineterminator="\n")
            try:
                for row in rows:
                    if not any(text and text.strip(BLANK) for text, _ in row):
                        continue
                    if header is None:
                        header = _Header.of([text or "" for text, _ in row], columns)
                        continue
                    count += 1
                    writer.writerow(_normal_row(count, row, header))
            except UnicodeEncodeError:
                raise UnreadableError("holds half a character (a lone surrogate)") from None
        if header is None:
            return None, 0
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in ("row_number", *CANONICAL_FIELDS, "typed"))
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {into} AS
            SELECT * REPLACE (row_number::INTEGER AS row_number, string_split(typed, ' ') AS typed)
            FROM read_csv(
                {quoted(str(normal))}, auto_detect = false, header = false, columns = {{{types}}}, delim = ',',
                quote = '"', escape = '"', new_line = '\\n', parallel = false, max_line_size = {64 * 1024 * 1024}
            )
            """
        )
        (loaded,) = fetch_one(con, f"SELECT count(*) FROM {into}")
    if loaded != count:
        raise RuntimeError(f"{count} rows were written but {loaded} loaded")  # a bug of ours, never the file's
    return header, count


def _normal_row(number: int, row: list[Cell], header: _Header) -> list[str]:
    values, typed = [], []
    for field in CANONICAL_FIELDS:
        position = header.positions.get(field)
        text, is_typed = row[position] if position is not None and position < len(row) else (None, False)
        if text and "\0" in text:
            raise UnreadableError("holds NUL characters")
        values.append(text or "")
        if is_typed:
            typed.append(field)
    return [str(number), *values, " ".join(typed)]


def _empty_table(con: duckdb.DuckDBPyConnection, into: str) -> None:
    fields = ", ".join(f"{field} VARCHAR" for field in CANONICAL_FIELDS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into} (row_number INTEGER, {fields}, typed VARCHAR[])")
