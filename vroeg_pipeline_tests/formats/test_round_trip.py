"""Whatever a partner's program writes, as CSV, JSON or XLSX, is read back as it was, or refused by name (DOMAIN §4)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS, FLAG_FIELDS
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.cells import is_blank
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline_tests.kit.examples import examples

COLUMNS = {field: field.replace("_", " ").title() for field in CANONICAL_FIELDS}
# Names and references as they come, with what hurts readers among them.
nasty = st.sampled_from([*" \";,\n\r\t\0\ufeff\x1e\x85é'=", "", "\r\n", "Ã¼"])
character = st.characters(exclude_categories=["Cs"])
text = st.one_of(
    st.text(character, max_size=12), st.lists(nasty | st.text(character, max_size=2), max_size=4).map("".join)
)

BOUNDS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


class Reader:
    """Reads bytes as a delivery."""

    def __init__(self, folder: Path) -> None:
        self.path, self.scratch = folder / "levering", folder / "scratch"
        self.connection = duckdb.connect()

    def __call__(self, content: bytes, **terms: Any) -> tuple[ReadDelivery, list[list[str]], list[list[str]]]:
        """The outcome, the rows and what is typed in each."""
        self.path.write_bytes(content)
        layout = Layout.model_validate({"delivery": terms, "columns": COLUMNS})
        outcome = read_delivery(self.connection, self.path, layout, "delivered", self.scratch)
        found = self.connection.execute(
            "SELECT * EXCLUDE (row_number, days_in_arrears) FROM delivered ORDER BY row_number"
        ).fetchall()
        return outcome, [[cell or "" for cell in row[:-1]] for row in found], [row[-1] or [] for row in found]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def filled(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(row) for row in rows if not all(map(is_blank, row))]


def is_utf8_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def row_of(cell: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """A row of a few cells with something in them: many short rows find more than one long one."""
    few = st.dictionaries(st.integers(0, len(CANONICAL_FIELDS) - 1), cell, max_size=5)
    return few.map(lambda cells: [cells.get(at, "") for at in range(len(CANONICAL_FIELDS))])


@settings(max_examples=examples(200), **BOUNDS)
@given(
    rows=st.lists(row_of(text), max_size=6),
    delimiter=st.sampled_from([";", ",", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    agreed=st.sampled_from(["same", "auto"]),
)
def test_a_csv_comes_back(
    read: Reader, rows: list[list[str]], delimiter: str, quoting: Any, end: str, encoding: str, agreed: str
) -> None:
    if encoding == "cp1252":
        rows = [[cell.encode("cp1252", "replace").decode("cp1252") for cell in row] for row in rows]
    written = io.StringIO(newline="")
    # Python's writer leaves a line end that is not its own without quotes.
    quoting = quoting if end == "\r\n" else csv.QUOTE_ALL
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([[*COLUMNS.values()], *rows])
    content = written.getvalue().encode(encoding)
    # Nobody can tell what is UTF-8 as well from what was meant as such.
    assume(encoding != "cp1252" or agreed == "same" or content.isascii() or not is_utf8_text(content))
    terms = {"encoding": encoding if agreed == "same" else "auto", "delimiter": delimiter}
    outcome, found, _ = read(content, format="csv", **terms)
    if outcome.refusal:
        assert outcome.refusal == "unreadable"
        assert encoding == "cp1252"
        assert "UTF-8" in outcome.detail or "code page" in outcome.detail
    else:
        assert (found, outcome.row_count) == (filled(rows), len(found))


json_value = st.one_of(text, st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.lists(text, max_size=2))


@settings(max_examples=examples(200), **BOUNDS)
@given(rows=st.lists(row_of(json_value), max_size=6), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
def test_json_comes_back(read: Reader, rows: list[list[Any]], ascii_only: bool, indent: int | None) -> None:
    objects = [dict(zip(COLUMNS.values(), row, strict=True)) for row in rows]
    outcome, found, typed = read(json.dumps(objects, ensure_ascii=ascii_only, indent=indent).encode(), format="json")
    assert outcome.refusal is None
    kept = [row for row in rows if not all(is_blank(json_text(cell)) for cell in row)]
    assert found == [[json_text(cell) for cell in row] for row in kept]
    assert typed == [kinds(row) for row in kept]


def json_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def kinds(row: Sequence[Any]) -> list[str]:
    found = []
    for field, value in zip(CANONICAL_FIELDS, row, strict=True):
        if isinstance(value, list) or (isinstance(value, bool) and field not in FLAG_FIELDS):
            found.append(f"{field}:other")
        elif isinstance(value, int) and not isinstance(value, bool):
            found.append(field)
    return found


# XML has no other control characters.
sheet_text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
sheet_value = st.one_of(
    sheet_text,
    sheet_text.map(lambda cell: f"a\n{cell}\tb"),
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.decimals(-(10**9), 10**9, places=2),
    st.dates(min_value=date(1901, 1, 1)),
)


@settings(max_examples=examples(25), **BOUNDS)
@given(rows=st.lists(row_of(sheet_value), max_size=12), shared=st.booleans())
def test_a_workbook_comes_back(read: Reader, rows: list[list[Any]], shared: bool) -> None:
    file = io.BytesIO()
    options = {"in_memory": True, "constant_memory": not shared, "strings_to_urls": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "dd-mm-yyyy"})
        sheet.write_row(0, 0, [*COLUMNS.values()])
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                write_cell(sheet, number, column, value, day)
    outcome, found, _ = read(file.getvalue(), format="xlsx")
    assert outcome.refusal is None
    assert found == filled([[sheet_shown(value) for value in row] for row in rows])


def write_cell(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, float(value))
    else:
        sheet.write_datetime(row, column, value, day)


def sheet_shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}".replace("-0", "0") if not value else f"{value.normalize():f}"
    return str(value).lower() if isinstance(value, bool) else str(value)
