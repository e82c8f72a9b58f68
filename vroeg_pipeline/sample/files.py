"""Writes rows as an agreement says that its partner does: in every layout that can be agreed (docs/agreements.md)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from xml.etree import ElementTree

import xlsxwriter

from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE, FileForm, Layout, fields_of, from_name

Row = Mapping[str, str]
# Above the headers, as reports and portals write it.
_TITLES = ("Overzicht betalingsachterstanden", "Vertrouwelijk: alleen voor vroegsignalering")


def file_name(partner: str, month: date, layout: Layout, read_on: date) -> str:
    """What the partner calls its file of a month; with the day on which it read its books where the name has to say so."""
    form = layout.delivery
    ending = "txt" if form.format == "fixed" else form.format
    in_name = next(filter(None, map(from_name, layout.constants.values())), None)
    when = f"{read_on:{in_name}}" if in_name else f"{month:%Y%m}"
    return f"{partner}_{when}.{ending}" + (f".{form.packed}" if form.packed else "")


def file_of(layout: Layout, rows: Sequence[Row], *, renamed: Mapping[str, str], extra: Mapping[str, str]) -> bytes:
    """The bytes of a file with these rows. `renamed`: headers that the partner changed without a word; `extra`: columns
    that were not agreed, with what stands in each row.
    """
    columns = [(renamed.get(headers[0], headers[0]), f"{{{field}}}") for field, headers in layout.columns.items()]
    columns += [*layout.split.items(), *extra.items()]
    if layout.partner_column is not None:
        columns.insert(0, (layout.partner_column, f"{{{PARTNER_IN_FILE}}}"))
    headers = [header for header, _ in columns]
    lines = [[_cell(pattern, row) for _, pattern in columns] for row in (_in_units(layout, row) for row in rows)]
    return _packed(layout.delivery, _WRITERS[layout.delivery.format](layout, headers, lines))


def _cell(pattern: str, row: Row) -> str:
    fields = fields_of(pattern)
    cell = pattern.format_map({field: row.get(field, "") for field in fields})
    # What is absent leaves nothing of its separators behind.
    return cell.strip(" ,") if len(fields) > 1 else cell


def _in_units(layout: Layout, row: Row) -> Row:
    """With amounts in cents, and days in place of a date, where these are agreed and it can be done."""
    form, changed = layout.delivery, dict(row)
    digits = row["amount_due"].replace("." if form.decimal == "," else ",", "").replace(form.decimal, "")
    if form.unit == "cents" and digits.isdigit():
        changed["amount_due"] = digits
    if "days_in_arrears" in layout.columns:
        since, read_on = (day_of(row[field], form.written_date) for field in ("arrears_since", "reference_date"))
        changed["days_in_arrears"] = str((read_on - since).days) if since and read_on else row["arrears_since"]
    return changed


def day_of(text: str, date_format: str) -> date | None:
    """The day that a text means; None when it is none."""
    try:
        return datetime.strptime(text, date_format).date()  # noqa: DTZ007
    except ValueError:
        return None


def _table(form: FileForm, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    for number in range(form.lines_above):
        yield [_TITLES[number]] if number < len(_TITLES) else []
    if form.header_row != 0:
        yield headers
    yield from lines


def _csv(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delivery.delimiter, lineterminator="\r\n")
    writer.writerows(_table(layout.delivery, headers, lines))
    # What Excel calls Unicode text, where nobody agreed on an encoding.
    encoding = "utf-16" if layout.delivery.encoding == "auto" else layout.delivery.encoding
    return text.getvalue().encode(encoding, "replace")


def _fixed(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    spans = [layout.span_of(header) for header in headers]
    text = []
    for line in _table(layout.delivery.model_copy(update={"header_row": 0}), headers, lines):
        here = ""
        for (start, end), cell in sorted(zip(spans, line, strict=False)):
            here = here.ljust(start - 1) + cell[: end - start + 1]
        text.append(here.ljust(max(end for _, end in spans)))
    return "".join(f"{line}\r\n" for line in text).encode(layout.delivery.encoding, "replace")


def _records(headers: Sequence[str], lines: Sequence[Sequence[str]], amount: str) -> list[dict[str, Any]]:
    """Objects in objects, by the paths that the headers are."""
    records = []
    for line in lines:
        record: dict[str, Any] = {}
        for header, cell in zip(headers, line, strict=True):
            *objects, name = header.split(".")
            into = record
            for step in objects:
                into = into.setdefault(step, {})
            into[name] = _json_value(cell, is_amount=header == amount)
        records.append(record)
    return records


def _json_value(cell: str, *, is_amount: bool) -> object:
    # As real systems do: whole amounts as numbers now and then, nothing as null.
    if is_amount and cell.replace(",", "").isdigit():
        return float(cell.replace(",", "."))
    return cell if cell.strip() else None


def _json(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    content: Any = _records(headers, lines, layout.columns["amount_due"][0])
    for name in reversed((layout.delivery.records_at or "").split(".")):
        content = {name: content} if name else content
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _jsonl(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    records = _records(headers, lines, layout.columns["amount_due"][0])
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()


def _xml(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    root_name, *around, record_name = str(layout.delivery.records_at).split(".")
    root = parent = ElementTree.Element(root_name)
    for name in around:
        parent = ElementTree.SubElement(parent, name)
    for line in lines:
        record = ElementTree.SubElement(parent, record_name)
        for header, cell in zip(headers, line, strict=True):
            *path, name = header.split(".")
            element = record
            for step in path:
                found = element.find(step)
                element = ElementTree.SubElement(element, step) if found is None else found
            if name.startswith("@"):
                element.set(name[1:], cell)
            elif cell.strip():
                ElementTree.SubElement(element, name).text = cell
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode()


def _xlsx(layout: Layout, headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    form, file = layout.delivery, io.BytesIO()
    fields = {headers[0]: field for field, headers in layout.columns.items()}
    workbook = xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "dd-mm-yyyy"})
    workbook.set_properties({"created": datetime(2020, 1, 1)})  # noqa: DTZ001 the same bytes for the same seed
    workbook.add_worksheet("Toelichting").write_string(0, 0, "De achterstanden staan op het volgende blad.")
    sheet = workbook.add_worksheet(form.sheet if isinstance(form.sheet, str) else "Blad1")
    for number, line in enumerate(_table(form, headers, lines)):
        for column, cell in enumerate(line):
            field = fields.get(headers[column], "") if column < len(headers) else ""
            day = day_of(cell, form.written_date) if field in ("arrears_since", "reference_date") else None
            if day:
                sheet.write_datetime(number, column, datetime(day.year, day.month, day.day))  # noqa: DTZ001
            elif field == "amount_due" and "," in cell and cell.replace(".", "").replace(",", "").isdigit():
                sheet.write_number(number, column, float(cell.replace(".", "").replace(",", ".")))
            elif field == "house_number" and cell.isdigit():
                sheet.write_number(number, column, int(cell))
            elif cell:
                sheet.write_string(number, column, cell)
    workbook.close()
    return file.getvalue()


_WRITERS = {"csv": _csv, "fixed": _fixed, "json": _json, "jsonl": _jsonl, "xml": _xml, "xlsx": _xlsx}


def _packed(form: FileForm, content: bytes) -> bytes:
    # Without the moment of packing: the same bytes for the same seed.
    if form.packed == "gz":
        return gzip.compress(content, mtime=0)
    if form.packed == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as container:
            container.writestr(zipfile.ZipInfo("levering.csv"), content)
        return file.getvalue()
    return content
