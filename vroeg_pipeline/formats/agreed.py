"""Opens a file in the form that its agreement names, for who reads it and for who divides it over towns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from vroeg_pipeline.domain.layouts import FileForm, Layout
from vroeg_pipeline.formats.cells import Cell
from vroeg_pipeline.formats.csv import CsvFile, Dialect, csv_file
from vroeg_pipeline.formats.json import json_lines, json_records
from vroeg_pipeline.formats.records import blank_record, path_of, record_rows
from vroeg_pipeline.formats.xlsx import Sheet, xlsx_sheet
from vroeg_pipeline.formats.xml import xml_records


@dataclass(frozen=True)
class AgreedRecords:
    """The records of a file of JSON or XML. `headers`: those agreed; `own_name`: that of the element of a record."""

    records: Sequence[Mapping[str, object]]
    headers: Sequence[str]
    own_name: str

    def rows(self) -> Iterator[list[Cell]]:
        """The header, then a row a record."""
        return record_rows(self.records, self.headers, self.own_name)

    def blank(self) -> Mapping[str, object]:
        """A record without a value that has each name and path that any of them has."""
        return blank_record(self.records, self.headers, self.own_name)


def agreed_headers(layout: Layout) -> list[str]:
    """Each header or path from which something is read."""
    return [header for headers in layout.sources.values() for header in headers]


def agreed_csv(path: Path, form: FileForm, scratch: Path) -> AbstractContextManager[CsvFile]:
    """Its rows, to be read within the block. Raises UnreadableError."""
    dialect = Dialect(form.encoding, form.delimiter, lines_above=form.lines_above, has_header=not form.is_by_position)
    return csv_file(path, scratch, dialect)


def agreed_sheet(path: Path, layout: Layout, scratch: Path) -> AbstractContextManager[Sheet]:
    """The sheet with the delivery, to be read within the block. Raises UnreadableError, also when no sheet has the headers
    that were agreed.
    """
    form = layout.delivery
    wanted = {}
    if not form.is_by_position:
        # A field that is not asked for by one header alone may be under another.
        wanted = {h: len(hs) == 1 and field in layout.required for field, hs in layout.headers.items() for h in hs}
    return xlsx_sheet(path, form.sheet, scratch, wanted, form.lines_above)


def agreed_records(path: Path, layout: Layout) -> AgreedRecords:
    """Of JSON, JSONL or XML. Raises UnreadableError."""
    form, own_name = layout.delivery, ""
    records: Sequence[Mapping[str, object]]
    if form.format == "json":
        records = json_records(path, form.records_at)
    elif form.format == "jsonl":
        records = json_lines(path)
    else:
        records = xml_records(path, form.records_at or "")
        own_name = path_of(form.records_at)[-1] if form.records_at else ""
    return AgreedRecords(records, agreed_headers(layout), own_name)
