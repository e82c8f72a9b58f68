"""Whatever a partner's program writes in a layout that was agreed is read back as it was (DOMAIN §4)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.cells import is_blank
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.formats.kinds import text_kind
from vroeg_pipeline_tests.formats.test_round_trip import (
    BOUNDS,
    COLUMNS,
    filled,
    json_text,
    json_value,
    kinds,
    row_of,
    text,
)
from vroeg_pipeline_tests.kit.examples import examples

# What no line end and no control character splits.
plain = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), max_size=8
)
# What begins as JSON, XML or a web page does is refused as such.
title = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30).filter(
    lambda line: text_kind(line.encode()) is None
)


class Reader:
    """Reads bytes by a layout: the outcome, the rows and what is typed in each."""

    def __init__(self, folder: Path) -> None:
        self.path, self.scratch = folder / "levering", folder / "scratch"
        self.connection = duckdb.connect()

    def __call__(
        self, content: bytes, form: dict[str, Any], columns: dict[str, Any]
    ) -> tuple[ReadDelivery, list[list[str]], list[list[str]]]:
        self.path.write_bytes(content)
        layout = Layout.model_validate({"delivery": form, "columns": columns})
        outcome = read_delivery(self.connection, self.path, layout, "delivered", self.scratch)
        fields = ", ".join(CANONICAL_FIELDS)
        found = self.connection.execute(f"SELECT {fields}, typed FROM delivered ORDER BY row_number").fetchall()
        return outcome, [[cell or "" for cell in row[:-1]] for row in found], [row[-1] or [] for row in found]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def as_csv(rows: Sequence[Sequence[str]], end: str) -> str:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator=end).writerows(rows)
    return written.getvalue()


@settings(max_examples=examples(100), **BOUNDS)
@given(
    rows=st.lists(row_of(text), min_size=1, max_size=6),
    titles=st.lists(title, max_size=5),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    packed=st.sampled_from([None, "gz", "zip"]),
    has_header=st.booleans(),
)
def test_a_csv_below_titles_or_without_a_header(
    read: Reader, rows: list[list[str]], titles: list[str], end: str, packed: str | None, has_header: bool
) -> None:
    form: dict[str, Any] = {"format": "csv", "packed": packed}
    if has_header:
        content = "".join(f"{line}{end}" for line in titles) + as_csv([[*COLUMNS.values()], *rows], end)
        form["header_row"] = len(titles) + 1
        columns: dict[str, Any] = dict(COLUMNS)
    else:
        content, form["header_row"] = as_csv(rows, end), 0
        columns = {field: at for at, field in enumerate(COLUMNS, start=1)}
    outcome, found, _ = read(pack(content.encode(), packed), form, columns)
    if not filled(rows) and not has_header:
        assert (outcome.refusal, found) == (None, [])
    else:
        assert (outcome.refusal, found, outcome.row_count) == (None, filled(rows), len(found))


def pack(content: bytes, packed: str | None) -> bytes:
    if packed == "gz":
        return gzip.compress(content, compresslevel=1, mtime=0)
    if packed == "zip":
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as container:
            container.writestr("levering.csv", content)
        return file.getvalue()
    return content


paths = st.lists(st.sampled_from(["a", "b", "client", "adres"]), max_size=3)


@settings(max_examples=examples(100), **BOUNDS)
@given(
    rows=st.lists(row_of(json_value), min_size=1, max_size=6),
    places=st.lists(paths, min_size=len(COLUMNS), max_size=len(COLUMNS)),
    within=st.lists(st.sampled_from(["signalen", "levering"]), max_size=2),
    one_a_line=st.booleans(),
)
def test_objects_in_objects(
    read: Reader, rows: list[list[Any]], places: list[list[str]], within: list[str], one_a_line: bool
) -> None:
    columns = {field: ".".join([*place, field]) for field, place in zip(COLUMNS, places, strict=True)}
    records: list[dict[str, Any]] = []
    for row in rows:
        record: dict[str, Any] = {}
        for field, place, value in zip(COLUMNS, places, row, strict=True):
            inside = record
            for name in place:
                inside = inside.setdefault(name, {})
            inside[field] = value
        records.append(record)
    if one_a_line:
        content, form = "\n".join(json.dumps(record) for record in records), {"format": "jsonl"}
    else:
        whole: Any = records
        for name in reversed(within):
            whole = {"n": 1, name: whole}
        content, form = json.dumps(whole), {"format": "json", "records_at": ".".join(within) or None}
    outcome, found, typed = read(content.encode(), form, columns)
    kept = [row for row in rows if not all(is_blank(json_text(cell)) for cell in row)]
    assert outcome.refusal is None
    assert found == [[json_text(cell) for cell in row] for row in kept]
    assert typed == [kinds(row) for row in kept]


@settings(max_examples=examples(100), **BOUNDS)
@given(
    rows=st.lists(row_of(plain), min_size=1, max_size=6),
    places=st.lists(paths, min_size=len(COLUMNS), max_size=len(COLUMNS)),
    attributes=st.lists(st.booleans(), min_size=len(COLUMNS), max_size=len(COLUMNS)),
    encoding=st.sampled_from(["utf-8", "utf-16", "us-ascii"]),
)
def test_elements_and_attributes(
    read: Reader, rows: list[list[str]], places: list[list[str]], attributes: list[bool], encoding: str
) -> None:
    where = [*zip(COLUMNS, places, attributes, strict=True)]
    columns = {
        field: ".".join([*place, f"@{field}" if is_attribute else field]) for field, place, is_attribute in where
    }
    root = ElementTree.Element("{urn:v}levering")
    for row in rows:
        record = ElementTree.SubElement(root, "{urn:v}signaal")
        for (field, place, is_attribute), value in zip(where, row, strict=True):
            inside = record
            for name in place:
                there = inside.find(name)
                inside = ElementTree.SubElement(inside, name) if there is None else there
            if is_attribute:
                inside.set(field, value)
            else:
                ElementTree.SubElement(inside, field).text = value
    content = ElementTree.tostring(root, encoding=encoding, xml_declaration=True)
    outcome, found, typed = read(content, {"format": "xml", "records_at": "levering.signaal"}, columns)
    assert outcome.refusal is None
    assert (found, [*filter(None, typed)]) == (filled(rows), [])


@settings(max_examples=examples(100), **BOUNDS)
@given(
    rows=st.lists(row_of(plain), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_fixed_widths(read: Reader, rows: list[list[str]], encoding: str, end: str) -> None:
    if encoding == "cp1252":
        rows = [[cell.encode("cp1252", "ignore").decode("cp1252") for cell in row] for row in rows]
    columns = {field: f"{8 * at + 1}-{8 * at + 8}" for at, field in enumerate(COLUMNS)}
    content = end.join("".join(cell.ljust(8) for cell in row) for row in rows)
    outcome, found, _ = read(content.encode(encoding), {"format": "fixed", "encoding": encoding}, columns)
    wanted = [[cell.strip() for cell in row] for row in rows if not all(map(is_blank, row))]
    if outcome.refusal == "unreadable":
        assert encoding == "cp1252"
        assert "UTF-8" in outcome.detail or "code page" in outcome.detail
    else:
        assert [[cell.strip() for cell in row] for row in found] == wanted
