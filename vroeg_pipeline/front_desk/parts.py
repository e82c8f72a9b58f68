"""A part of a delivered file in the form of the whole: the same lines above, header and columns, some of its rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

from vroeg_pipeline.domain.layouts import FileForm, Layout
from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.agreed import agreed_csv, agreed_records, agreed_sheet
from vroeg_pipeline.formats.cells import Cell, Kind, UnreadableError, is_blank, is_blank_row
from vroeg_pipeline.formats.encodings import AUTO, encoding_of
from vroeg_pipeline.formats.fixed import first_lines, fixed_lines, is_measured_in_bytes
from vroeg_pipeline.formats.packed import unpacked
from vroeg_pipeline.formats.records import Number, path_of

# The same rows give the same bytes, whenever they are written.
_ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_HALF = re.compile("[\ud800-\udfff]")
# A reader of XML makes a line feed of it, unless it is written so.
_KEPT_IN_XML = {"\r": "&#13;"}
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class _Table:
    """`above`: what stands above the first row; `rows`: those with anything in them, in their order."""

    above: list[list[Cell]]
    rows: list[list[Cell]]


def parts_of_file(
    path: Path, layout: Layout, scratch: Path, parts: Mapping[str, Collection[int]], max_mb: float
) -> Iterator[tuple[str, bytes]]:
    """Each part by its name, as bytes, packed as the whole is; `parts`: the numbers of its rows, from 1.

    A part without rows has the header alone. `max_mb`: what the file may be unpacked, in MiB. Raises UnreadableError as the
    readers of the formats do.
    """
    form = layout.delivery
    with unpacked(path, form.packed, scratch, max_mb) as file:
        if form.format == "csv":
            found = _csv_parts(file, form, scratch, parts)
        elif form.format == "xlsx":
            found = _workbooks(file, layout, scratch, parts)
        elif form.format == "fixed":
            found = _fixed_parts(file, layout, parts)
        else:
            found = _record_parts(file, layout, parts)
        for name, content in found:
            yield name, _packed(content, form)


def _packed(content: bytes, form: FileForm) -> bytes:
    """Without a moment, so that the same rows give the same bytes; with a name of ours, as a file can be called after a
    person."""
    if form.packed is None:
        return content
    if form.packed == "gz":
        return gzip.compress(content, mtime=0)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as container:
        member = zipfile.ZipInfo(f"levering.{'txt' if form.format == 'fixed' else form.format}")
        member.compress_type = zipfile.ZIP_DEFLATED
        container.writestr(member, content)
    return whole.getvalue()


def _encoded(text: str, path: Path, form: FileForm) -> bytes:
    """A part of the text in the file, in its encoding."""
    if form.encoding == AUTO:
        # What was found in the whole need not be found in a part of it; the mark of UTF-8 is.
        return text.encode("utf-8-sig")
    encoding = encoding_of(path, form.encoding)
    return ("\ufeff" * encoding.startswith(("utf-16", "utf-32")) + text).encode(encoding)


def _kept(rows: Iterable[_Row], numbers: Collection[int]) -> list[_Row]:
    own = set(numbers)
    return [row for number, row in enumerate(rows, start=1) if number in own]


def _csv_parts(
    path: Path, form: FileForm, scratch: Path, parts: Mapping[str, Collection[int]]
) -> Iterator[tuple[str, bytes]]:
    with agreed_csv(path, form, scratch) as file:
        above = file.first_lines(form.lines_above)
        if not above and file.delimiter != form.delimiter:
            above = [f"sep={file.delimiter}\r\n"]
        filled = [cells for _, cells in file.rows() if not all(map(is_blank, cells))]
        header, rows = filled[:1], filled[1:]
        if form.is_by_position:
            # How wide a file without a header is, its first rows say: those of a part too.
            width = len(file.header or [])
            header, rows = [], [[*cells[:width], *[""] * (width - len(cells))] for cells in filled]
        for name, numbers in parts.items():
            text = io.StringIO(newline="")
            text.writelines(above)
            csv.writer(text, delimiter=file.delimiter, lineterminator="\r\n").writerows(
                [*header, *_kept(rows, numbers)]
            )
            yield name, _encoded(text.getvalue(), path, form)


def _fixed_parts(path: Path, layout: Layout, parts: Mapping[str, Collection[int]]) -> Iterator[tuple[str, bytes]]:
    form = layout.delivery
    above = first_lines(path, form.encoding, form.lines_above)
    lines = fixed_lines(path, form.encoding, form.lines_above)
    longest = max(map(len, lines), default=0)
    for name, numbers in parts.items():
        kept = _kept(lines, numbers)
        if kept:
            # The longest line says which fields a file has. Blanks behind a line mean nothing.
            kept[0] = kept[0].ljust(longest)
        if is_measured_in_bytes(kept):
            kept[0] += " "
        yield name, _encoded("".join(f"{line}\r\n" for line in [*above, *kept]), path, form)


def _record_parts(path: Path, layout: Layout, parts: Mapping[str, Collection[int]]) -> Iterator[tuple[str, bytes]]:
    """Of JSON and XML: the records and what is in them. What stands around them goes to no town, as nobody reads it."""
    form = layout.delivery
    way = path_of(form.records_at) if form.records_at else []
    found = agreed_records(path, layout)
    cells = islice(found.rows(), 1, None)
    filled = [record for record, row in zip(found.records, cells, strict=True) if not is_blank_row(row)]
    # Before the records of a part, so that a name that none of them has is a column of it as it is one of the whole.
    blank = [found.blank()] if found.records else []
    for name, numbers in parts.items():
        kept = [*blank, *_kept(filled, numbers)]
        try:
            text = _xml(kept, way) if form.format == "xml" else _json(kept, way, is_lines=form.format == "jsonl")
        except RecursionError:
            raise UnreadableError(Fault.TOO_DEEP.said()) from None
        yield name, text.encode()


def _json(records: Sequence[Mapping[str, object]], way: Sequence[str], *, is_lines: bool) -> str:
    written = [_json_value(record) for record in records]
    if is_lines:
        return "".join(f"{record}\n" for record in written)
    before, behind = "".join(f"{{{json.dumps(name)}: " for name in way), "}" * len(way)
    return f"{before}[\n" + ",\n".join(written) + f"\n]{behind}\n"


def _json_value(value: object) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_json_value(name)}: {_json_value(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json_value, value)) + "]"
    # Half a character is no UTF-8, and can only be written as JSON writes it.
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


def _xml(records: Sequence[Mapping[str, object]], way: Sequence[str]) -> str:
    if len(way) == 1:
        # The root is the one record: it is there or not.
        records = records[-1:]
    before, behind = "".join(f"<{name}>" for name in way[:-1]), "".join(f"</{name}>" for name in reversed(way[:-1]))
    written = "\n".join(_xml_element(way[-1], record) for record in records)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{before}\n{written}\n{behind}\n'


def _xml_element(name: str, content: object) -> str:
    if isinstance(content, list):
        return "".join(_xml_element(name, each) for each in content)
    if not isinstance(content, Mapping):
        return f"<{name}>{_xml_text(content)}</{name}>"
    attributes = "".join(f" {key[1:]}={quoteattr(str(each or ''))}" for key, each in content.items() if key[0] == "@")
    within = "".join(_xml_element(key, each) for key, each in content.items() if key[0] not in "@#")
    return f"<{name}{attributes}>{_xml_text(content.get('#text'))}{within}</{name}>"


def _xml_text(text: object) -> str:
    return escape(str(text or ""), _KEPT_IN_XML)


def _workbooks(
    path: Path, layout: Layout, scratch: Path, parts: Mapping[str, Collection[int]]
) -> Iterator[tuple[str, bytes]]:
    form = layout.delivery
    with agreed_sheet(path, layout, scratch) as sheet:
        table = _table(enumerate(sheet.rows, start=sheet.first_row), form, sheet.first_row - 1)
        for name, numbers in parts.items():
            yield name, _workbook(table, numbers, form, sheet.first_column - 1)


def _table(lines: Iterable[tuple[int, list[Cell]]], form: FileForm, blank_above: int) -> _Table:
    above: list[list[Cell]] = [[] for _ in range(min(blank_above, form.lines_above))]
    rows: list[list[Cell]] = []
    has_header = form.is_by_position
    for line, row in lines:
        if line <= form.lines_above:
            above.append(row)
        elif not is_blank_row(row):
            if has_header:
                rows.append(row)
            else:
                above.append(row)
                has_header = True
    return _Table(above, rows)


def _workbook(table: _Table, numbers: Collection[int], form: FileForm, first_column: int) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": _ALWAYS})
        for _ in range(form.sheet - 1 if isinstance(form.sheet, int) else 0):
            workbook.add_worksheet()
        sheet = workbook.add_worksheet(form.sheet if isinstance(form.sheet, str) else None)
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        for down, row in enumerate([*table.above, *_kept(table.rows, numbers)]):
            for along, (text, kind) in enumerate(row, start=first_column):
                if text is None:
                    continue
                if kind is Kind.TYPED and _DAY.fullmatch(text):
                    sheet.write_datetime(down, along, date.fromisoformat(text), day)
                elif kind is Kind.TYPED:
                    sheet.write_number(down, along, float(text))
                elif kind is Kind.FLAG:
                    sheet.write_boolean(down, along, text == "true")
                elif kind is Kind.OTHER and text.startswith("#"):
                    sheet.write_formula(down, along, "=NA()", None, text)
                else:
                    sheet.write_string(down, along, text)
    return content.getvalue()
