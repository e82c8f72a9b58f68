"""Finds out what a file is that nobody agreed on yet: how it is written, where its headers stand, the first of its cells.

It is read by the same readers as a delivery is. What is found is the form of an agreement; nothing of the file's content
is told here.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.domain.terms import is_known, meanings_of
from vroeg_pipeline.formats.cells import (
    NOTHING,
    Cell,
    Kind,
    UnreadableError,
    WrongEncodingError,
    is_blank,
    is_blank_row,
)
from vroeg_pipeline.formats.csv import Dialect, csv_file
from vroeg_pipeline.formats.encodings import AUTO, blocks, encoding_of, wide_encoding
from vroeg_pipeline.formats.fixed import fixed_lines
from vroeg_pipeline.formats.hints import LOOKED_AT
from vroeg_pipeline.formats.json import json_content, json_lines, json_records
from vroeg_pipeline.formats.kinds import JSON, XML, text_kind
from vroeg_pipeline.formats.packed import unpacked
from vroeg_pipeline.formats.records import cell_of, leaves_of, path_of, value_at
from vroeg_pipeline.formats.spans import spans_of
from vroeg_pipeline.formats.values import is_value
from vroeg_pipeline.formats.xlsx import xlsx_sheet
from vroeg_pipeline.formats.xml import xml_paths, xml_records
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told

# So many rows are looked at for what stands in each column.
_SAMPLE = 2_000
_DELIMITERS = ";,\t|"
_SEP_LINE = "sep="
_OF_DOS = "cp850"
_SHEETS = 30
# A row is one of headers when so many of its cells can each mean another field, and none looks like a value.
_FEWEST_HEADERS = 3
_DEEPEST = 6
_MOSTLY = 0.8
# Lines of fixed widths have so many characters.
_NARROWEST, _WIDEST = 40, 2_000


@dataclass(frozen=True)
class Column:
    """A column with the cells that were looked at. `header`: as an agreement names it, a position where there is none."""

    header: str
    meanings: Mapping[str, int]
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Looked:
    """What a file is. `form`: the options of `delivery` that say so. `told`: what a person is to know, without its content;
    `hidden`: the options that hold a name that is no term, so that it is not to be repeated."""

    form: dict[str, Any]
    columns: tuple[Column, ...]
    has_header: bool
    told: tuple[str, ...] = ()
    hidden: frozenset[str] = field(default_factory=frozenset)

    @property
    def recognised(self) -> int:
        """How many different things its headers can mean."""
        return _recognised(column.meanings for column in self.columns) if self.has_header else 0


@dataclass(frozen=True)
class Named:
    """What a person said of a file: fields to their headers, and where the records of JSON and XML are."""

    columns: Mapping[str, str] = field(default_factory=dict)
    records_at: str | None = None

    def meanings_of(self, header: str) -> Mapping[str, int]:
        """What a header can mean: as was said, else by the terms."""
        folded = header_name(header)
        said = {meaning: 100 for meaning, named in self.columns.items() if header_name(named) == folded}
        return said or meanings_of(header)


NOTHING_NAMED = Named()


def look_at(path: Path, scratch: Path, max_mb: float, named: Named = NOTHING_NAMED) -> Looked:
    """What a file is, by its bytes alone. `scratch`: a private folder; `max_mb`: what it may be unpacked, in MiB.

    Raises UnreadableError where it is no file of rows that an agreement can describe.
    """
    packed = _packed(path)
    with unpacked(path, packed, scratch, max_mb) as file:
        looked = _look(file, scratch, named)
    return replace(looked, form={**looked.form, "packed": packed}) if packed else looked


def _packed(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        return "gz"
    return "zip" if start == b"PK\x03\x04" and not _is_office(path) else None


def _is_office(path: Path) -> bool:
    names: set[str] = set()
    with suppress(BrokenZipError), broken_zip_told(), zipfile.ZipFile(path) as container:
        names = {name.replace("\\", "/").casefold() for name in container.namelist()}
    return not names or bool({"[content_types].xml", "content.xml"} & names) or any(n.startswith("xl/") for n in names)


def _look(path: Path, scratch: Path, named: Named) -> Looked:
    with path.open("rb") as file:
        start = file.read(4_096)
    if not start.strip():
        raise UnreadableError(Fault.EMPTY.said())
    if start.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        return _look_at_workbook(path, scratch, named)
    kind = text_kind(start)
    if kind == JSON or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        return _look_at_json(path, named)
    if kind not in (None, JSON, XML):
        raise UnreadableError(Fault.NO_TABLE.said(found=kind))
    if kind == XML or start.lstrip().startswith(b"<!"):
        return _look_at_xml(path, named)
    return _look_at_csv(path, scratch, named)


# CSV


def _look_at_csv(path: Path, scratch: Path, named: Named) -> Looked:
    encoding, told = _encoding(path)
    with csv_file(path, scratch, Dialect(encoding, ";")) as file:
        first = file.first_lines(LOOKED_AT * 2)
    said = first[0].strip().strip('"')[len(_SEP_LINE) :][:1] if _says_sep(first) else ""
    at, delimiter = _header_line(first, said or _DELIMITERS, named)
    form: dict[str, Any] = {"format": "csv", "encoding": encoding}
    if at is None:
        delimiter = said or _likely_delimiter(first)
        if delimiter in ("", ",") and _is_fixed(first):
            return _look_at_fixed(path, encoding, told, named)
        if not delimiter:
            raise UnreadableError(Fault.NO_COLUMNS.said())
        form |= {"header_row": 0, "delimiter": delimiter}
    else:
        above = any(line.strip() for line in first[1 if said else 0 : at])
        form |= {"delimiter": delimiter} | ({"header_row": at + 1} if above else {})
    dialect = Dialect(
        encoding, delimiter, lines_above=at or 0 if "header_row" in form else 0, has_header=at is not None
    )
    with csv_file(path, scratch, dialect) as file:
        rows = [row for _, row in islice(file.rows(), _SAMPLE + 1) if not all(map(is_blank, row))]
    cells = [[(text, Kind.TEXT) for text in row] for row in rows]
    told += [] if at is not None else _maybe_headers(cells)
    return Looked(form, _columns(cells, named, has_header=at is not None), at is not None, tuple(told))


def _encoding(path: Path) -> tuple[str, list[str]]:
    # Plain letters are the same in each encoding: what the partner writes an é in is not known yet.
    if wide_encoding(path) is None and all(block.isascii() for block in blocks(path)):
        return AUTO, []
    try:
        found = encoding_of(path, AUTO)
    except WrongEncodingError as error:
        if "code page of DOS" in str(error):
            return _OF_DOS, [
                f"the letters are those of DOS or an old Mac: encoding {_OF_DOS} is proposed, check é and ë"
            ]
        raise
    return ("utf-16" if found.startswith("utf-16") else found), []


def _says_sep(lines: Sequence[str]) -> bool:
    return bool(lines) and lines[0].strip().strip('"').casefold().startswith(_SEP_LINE)


def _header_line(lines: Sequence[str], delimiters: str, named: Named) -> tuple[int | None, str]:
    """The line of the headers, from 0, and the delimiter between them."""
    best: tuple[int, int, str] | None = None
    for delimiter in delimiters:
        for at, line in enumerate(lines[:LOOKED_AT]):
            found = _recognised_row(_split(line, delimiter), named)
            if found and (best is None or found > best[0]):
                best = (found, at, delimiter)
    return (best[1], best[2]) if best else (None, delimiters[0])


def _split(line: str, delimiter: str) -> list[str]:
    with suppress(csv.Error):
        return next(csv.reader(io.StringIO(line.strip("\r\n"), newline=""), delimiter=delimiter), [])
    return []


def _likely_delimiter(lines: Sequence[str]) -> str:
    """The one of which most lines have the same number, and many; empty where there is none."""
    best, chosen = 1, ""
    for delimiter in _DELIMITERS:
        counts = Counter(len(_split(line, delimiter)) for line in lines if line.strip())
        width, times = counts.most_common(1)[0] if counts else (1, 0)
        if width > best and 2 * times >= sum(counts.values()):
            best, chosen = width, delimiter
    return chosen


def _look_at_fixed(path: Path, encoding: str, told: Sequence[str], named: Named) -> Looked:
    """Lines of fixed widths, perhaps below one with their names."""
    lines = fixed_lines(path, encoding, 0)[: _SAMPLE + 1]
    form: dict[str, Any] = {"format": "fixed", "encoding": encoding}
    has_names = _recognised_row(re.split(r"\s{2,}", lines[0].strip()), named) > 0
    names = lines[0] if has_names else ""
    form |= {"skip_rows": 1} if has_names else {}
    rows = lines[1:] if has_names else lines
    columns = [
        Column(
            f"{first + 1}-{last}",
            named.meanings_of(_seen(names[first:last])) if has_names else {},
            [(row[first:last], Kind.TEXT) for row in rows],
        )
        for first, last in spans_of(rows, names)
    ]
    said = (
        "fields were found where the lines are blank: check the characters from-to of each, and what lies between them"
    )
    return Looked(form, tuple(columns), has_names, (*told, said))


def _is_fixed(lines: Sequence[str]) -> bool:
    """Whether most lines are as long as each other, with gaps in them."""
    filled = [line.strip("\r\n") for line in lines if line.strip()]
    length, times = Counter(map(len, filled)).most_common(1)[0]
    if max(map(len, filled)) > _WIDEST or len(filled) < 2 or length < _NARROWEST:
        return False
    return times >= _MOSTLY * len(filled) and all("  " in line for line in filled)


# Workbooks


def _look_at_workbook(path: Path, scratch: Path, named: Named) -> Looked:
    """The first sheet that people see with known headers; without any the first with rows."""
    found: list[tuple[int, Looked]] = []
    missing = 0
    for position in range(1, _SHEETS + 1):
        try:
            with xlsx_sheet(path, position, scratch, {}) as sheet:
                first = [(line, [*row]) for line, row in enumerate(islice(sheet.rows, _SAMPLE), start=sheet.first_row)]
                looked = _sheet(first, sheet.first_column, named)
        except UnreadableError as error:
            if not str(error).startswith("has no sheet"):
                raise
            missing += 1
            # A tab may be a chart; behind two of them there is no sheet more.
            if missing > 2:
                break
            continue
        found += [(position, looked)] if looked else []
    if not found:
        raise UnreadableError(Fault.NO_ROWS_IN_SHEETS.said())
    with_headers = [(position, looked) for position, looked in found if looked.has_header]
    position, chosen = (with_headers or found)[0]
    if len(found) > 1 or position > 1:
        chosen = replace(chosen, form={**chosen.form, "sheet": position})
    if len(with_headers) > 1:
        others = ", ".join(str(other) for other, _ in with_headers[1:])
        told = f"sheet {position} is taken, the first with known headers; sheet {others} has known headers too"
        chosen = replace(chosen, told=(*chosen.told, told))
    return chosen


def _sheet(rows: Sequence[tuple[int, list[Cell]]], first_column: int, named: Named) -> Looked | None:
    filled = [(line, row) for line, row in rows if not is_blank_row(row)]
    if not filled:
        return None
    scores = [_recognised_row([text or "" for text, _ in row], named) for _, row in filled[:LOOKED_AT]]
    form: dict[str, Any] = {"format": "xlsx"}
    if not max(scores):
        cells = [row for _, row in filled]
        columns = _columns(cells, named, has_header=False, first=first_column)
        return Looked({**form, "header_row": 0}, columns, has_header=False, told=_maybe_headers(cells))
    at = scores.index(max(scores))
    form |= {"header_row": filled[at][0]} if at else {}
    return Looked(form, _columns([row for _, row in filled[at:]], named, has_header=True), True)


# Records


def _look_at_json(path: Path, named: Named) -> Looked:
    if at := named.records_at:
        return _of_records({"format": "json", "records_at": at}, json_records(path, at), named)
    content = json_content(path)
    if isinstance(content, list):
        if not content or not all(isinstance(item, dict) for item in content):
            raise UnreadableError((Fault.NO_ARRAY if content else Fault.EMPTY_ARRAY).said())
        return _of_records({"format": "json"}, content, named)
    arrays = _arrays(content) if isinstance(content, dict) else ()
    found = [_of_records({"format": "json", "records_at": at}, records, named) for at, records in arrays]
    return _best(found, "array") if found else _of_records({"format": "jsonl"}, json_lines(path), named)


def _look_at_xml(path: Path, named: Named) -> Looked:
    if at := named.records_at:
        return _of_records({"format": "xml", "records_at": at}, xml_records(path, at), named)
    found = [
        _of_records({"format": "xml", "records_at": at}, xml_records(path, at), named)
        for at in xml_paths(path, _DEEPEST)
    ]
    if not found:
        raise UnreadableError(Fault.EMPTY_ELEMENTS.said())
    # An element within a record has fewer of its fields, one around it has them in lists or one level further away.
    found.sort(key=lambda looked: looked.form["records_at"].count("."), reverse=True)
    return _best(found, "element")


def _best(found: Sequence[Looked], what: str) -> Looked:
    best = max(found, key=lambda looked: looked.recognised)
    fitting = [looked for looked in found if looked.recognised >= _FEWEST_HEADERS]
    if what == "array" and len(fitting) > 1:
        best = fitting[0]
        told = f"{len(fitting)} arrays have known names; the first of them is taken"
        best = replace(best, told=(*best.told, told))
    if not all(is_known(name) for name in best.form["records_at"].split(".")):
        best = replace(best, hidden=frozenset({"records_at"}))
    return best


def _arrays(content: Mapping[str, object], path: tuple[str, ...] = ()) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Each array of objects within objects, with its path."""
    for name, value in content.items():
        here = (*path, name)
        if isinstance(value, dict) and len(here) < _DEEPEST:
            yield from _arrays(value, here)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            yield ".".join(here), value


def _of_records(form: dict[str, Any], records: Sequence[Mapping[str, object]], named: Named) -> Looked:
    sample = records[:_SAMPLE]
    paths: dict[tuple[str, ...], None] = {}
    for record in sample:
        paths.update(dict.fromkeys(leaves_of(record, _DEEPEST)))
    columns = tuple(
        Column(header, named.meanings_of(header), [cell_of(value_at(record, path_of(header))) for record in sample])
        for header in dict.fromkeys(_seen(".".join(path)) for path in paths)
    )
    return Looked(form, columns, has_header=True)


# All


def _columns(rows: Sequence[Sequence[Cell]], named: Named, *, has_header: bool, first: int = 1) -> tuple[Column, ...]:
    """The columns of rows of which the first is the header, or that have none; `first`: the position of the first one."""
    if not rows:
        return ()
    header = [text or "" for text, _ in rows[0]] if has_header else []
    rows = rows[1:] if has_header else rows
    width = len(header) if has_header else max(map(len, rows))
    found = []
    for at in range(width):
        cells = [row[at] if at < len(row) else NOTHING for row in rows]
        name = _seen(header[at]) if has_header else str(at + first)
        if name:
            found.append(Column(name, named.meanings_of(name) if has_header else {}, cells))
    return tuple(found)


def _seen(header: str) -> str:
    """A header as people see it, which is all that counts when it is compared."""
    return " ".join("".join(c for c in header if unicodedata.category(c) != "Cf").split())


def _recognised_row(cells: Sequence[str], named: Named) -> int:
    """How many different things the cells can mean as headers; 0 where they are none."""
    found = _recognised([named.meanings_of(cell) for cell in cells])
    return found if found >= _FEWEST_HEADERS and not any(map(is_value, cells)) else 0


def _recognised(found: Iterable[Mapping[str, int]]) -> int:
    return len({max(meanings, key=meanings.__getitem__) for meanings in found if meanings})


def _maybe_headers(rows: Sequence[Sequence[Cell]]) -> tuple[str, ...]:
    """What is to be said where the first row looks like headers of which none is a known term."""
    values = [sum(1 for text, _ in row if is_value(text or "")) for row in rows[:2]]
    if len(values) < 2 or values[0] or values[1] < 2:
        return ()
    return ("the first row may hold headers, but no known terms; name them with --column FIELD=HEADER",)
