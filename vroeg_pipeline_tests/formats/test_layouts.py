"""Every layout in which partners and portals deliver, by the agreement alone (DOMAIN §4, docs/agreements.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery

# The required fields and one more, as a partner calls them.
COLUMNS = {
    "customer_reference": "Klantnummer",
    "surname": "Achternaam",
    "postcode": "Postcode",
    "house_number": "Huisnummer",
    "amount_due": "Bedrag",
    "arrears_since": "Ontstaansdatum",
    "reference_date": "Peildatum",
}
HEADERS = list(COLUMNS.values())
ROW = ["C1", "Smit", "2021AA", "35", "220,50", "01-08-2026", "05-10-2026"]
READ = dict(zip(COLUMNS, ROW, strict=True))
CSV = f"{';'.join(HEADERS)}\n{';'.join(ROW)}\n"
SECRET = "Geheimzinnig"


class Reader:
    """Reads a file by a layout, and gives the outcome and what is in each row."""

    def __init__(self, folder: Path) -> None:
        self.path, self.scratch = folder / "levering", folder / "scratch"
        self.connection = duckdb.connect()

    def __call__(
        self, content: bytes | str, form: dict[str, Any], columns: dict[str, Any] | None = None, **more: Any
    ) -> tuple[ReadDelivery, list[dict[str, Any]]]:
        self.path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options = {name: more.pop(name) for name in ("name", "max_mb") if name in more}
        layout = Layout.model_validate({"delivery": form, "columns": columns or COLUMNS, **more})
        outcome = read_delivery(self.connection, self.path, layout, "delivered", self.scratch, **options)
        result = self.connection.execute("FROM delivered ORDER BY row_number")
        names = [column[0] for column in result.description]
        assert names == ["row_number", *DELIVERED_FIELDS, "typed"]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        assert [row.pop("row_number") for row in found] == list(range(1, len(found) + 1))
        assert not self.scratch.exists() or list(self.scratch.iterdir()) == []
        assert SECRET not in outcome.detail
        return outcome, [{field: value for field, value in row.items() if value} for row in found]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def workbook(path: Path, *sheets: tuple[int, int, list[list[Any]]], hidden: int | None = None) -> bytes:
    """`sheets`: first row and column from 0, and the rows."""
    with xlsxwriter.Workbook(str(path)) as book:
        for number, (top, left, rows) in enumerate(sheets):
            page = book.add_worksheet()
            for at, row in enumerate(rows):
                page.write_row(top + at, left, row)
            if number == hidden:
                page.hide()
    return path.read_bytes()


TITLES = f"Overzicht vroegsignalen\nPeildatum;{SECRET}\n\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", [{"header_row": 4}, {"skip_rows": 3}])
def test_lines_above_the_header_are_no_rows(read: Reader, form: dict[str, int], end: str) -> None:
    """Case ris_export."""
    for text in (TITLES + CSV, TITLES + CSV.replace("Smit", '"Smit"'), TITLES.replace("zicht", '"zicht') + CSV):
        outcome, rows = read(text.replace("\n", end), {"format": "csv", **form})
        assert (outcome.refusal, outcome.row_count, rows) == (None, 1, [READ])


def test_the_line_of_the_separator_is_a_line_as_an_editor_counts(read: Reader) -> None:
    form = {"format": "csv", "header_row": 3}
    outcome, rows = read(f"sep=,\nTitel\n{CSV.replace(',', '.').replace(';', ',')}", form)
    assert (outcome.refusal, rows) == (None, [{**READ, "amount_due": "220.50"}])
    assert read(f"\ufeffsep=;\nTitel\n{CSV}", form)[1] == [READ]


@pytest.mark.parametrize("left", [0, 2])
def test_rows_above_the_header_of_a_sheet_are_none(read: Reader, tmp_path: Path, left: int) -> None:
    content = workbook(tmp_path / "b.xlsx", (0, left, [["Overzicht"], ["Peildatum", SECRET], [], HEADERS, ROW]))
    for form in ({"header_row": 4}, {"skip_rows": 3}):
        outcome, rows = read(content, {"format": "xlsx", **form})
        assert (outcome.refusal, rows) == (None, [READ])


def test_the_number_in_the_refusal_is_the_one_to_agree(read: Reader, tmp_path: Path) -> None:
    book = workbook(tmp_path / "b.xlsx", (2, 0, [["Overzicht"], HEADERS, ROW]))
    for content, kind, line in ((f"sep=;\n{TITLES}{CSV}", "csv", 5), (TITLES + CSV, "csv", 4), (book, "xlsx", 4)):
        outcome, _ = read(content, {"format": kind})
        assert outcome.detail.startswith(f"the headers stand on line {line}; they have to stand above all else, unless")
        assert f"header_row: {line} is agreed" in outcome.detail
        outcome, rows = read(content, {"format": kind, "header_row": line})
        assert (outcome.refusal, rows) == (None, [READ])
        outcome, _ = read(content, {"format": kind, "header_row": line + 1})
        assert (outcome.refusal, outcome.detail) == (
            "missing_columns",
            f"the headers stand on line {line}; header_row: {line + 1} was agreed",
        )


POSITIONS = {field: number for number, field in enumerate(COLUMNS, start=1)}


def test_columns_are_known_by_their_position_where_there_is_no_header(read: Reader, tmp_path: Path) -> None:
    """Case no_header."""
    line = ";".join(ROW)
    form = {"format": "csv", "header_row": 0}
    for text, count in (
        (line, 1),
        (f"\n{line}\n\n;;\n{line}\n", 2),
        (f"sep=;\r\n{line}\r\n", 1),
        (f'"C1"{line[2:]}', 1),
    ):
        outcome, rows = read(text, form, POSITIONS)
        assert (outcome.refusal, outcome.unexpected_columns, rows) == (None, (), [READ] * count)
    for left in (0, 3):
        content = workbook(tmp_path / "b.xlsx", (1, left, [ROW, ROW]))
        at = {field: position + left for field, position in POSITIONS.items()}
        outcome, rows = read(content, {"format": "xlsx", "header_row": 0}, at)
        assert (outcome.refusal, rows) == (None, [READ] * 2)


def test_a_row_may_be_shorter_but_not_all_of_them(read: Reader) -> None:
    form = {"format": "csv", "header_row": 0}
    outcome, rows = read(f"C1;Jansen\n{';'.join(ROW)}\n", form, POSITIONS)
    assert (outcome.refusal, rows) == (None, [{"customer_reference": "C1", "surname": "Jansen"}, READ])
    outcome, _ = read(f"C1;{SECRET}\n", form, POSITIONS)
    assert outcome.refusal == "missing_columns"
    assert outcome.detail.startswith("lacks postcode ('3'), house_number ('4')")


def test_a_sheet_by_its_position_among_those_that_people_see(read: Reader, tmp_path: Path) -> None:
    other = [HEADERS, [*ROW[:1], "Ander", *ROW[2:]]]
    content = workbook(tmp_path / "b.xlsx", (0, 0, other), (0, 0, other), (0, 0, [HEADERS, ROW]), hidden=1)
    outcome, rows = read(content, {"format": "xlsx", "sheet": 2})
    assert (outcome.refusal, rows) == (None, [READ])
    assert outcome.detail == "1 rows with the same headers on 1 other sheets were not read"
    outcome, _ = read(content, {"format": "xlsx", "sheet": 3})
    assert (outcome.refusal, outcome.detail) == ("unreadable", "has no sheet 3")


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_the_first_header_that_the_file_has_counts(read: Reader, tmp_path: Path, kind: str) -> None:
    columns = {**COLUMNS, "surname": ["Achternaam", "Naam"], "city": ["Woonplaats", "Plaats"]}
    headers, row = ["Naam" if header == "Achternaam" else header for header in HEADERS], ROW
    for also in (False, True):
        if also:
            headers, row = [*headers, "achternaam "], [*ROW, "Smits"]
        content: bytes | str
        if kind == "csv":
            content = f"{';'.join(headers)}\n{';'.join(row)}\n"
        elif kind == "json":
            content = "[{" + ",".join(f'"{h}": "{c}"' for h, c in zip(headers, row, strict=True)) + "}]"
        else:
            content = workbook(tmp_path / "b.xlsx", (0, 0, [headers, row]))
        outcome, rows = read(content, {"format": kind}, columns)
        assert (outcome.refusal, outcome.missing_optional, outcome.unexpected_columns) == (None, ("city",), ())
        assert rows == [{**READ, "surname": "Smits" if also else "Smit"}]
    outcome, _ = read(CSV.replace("Achternaam", "Familienaam"), {"format": "csv"}, columns)
    assert outcome.detail.startswith("lacks surname ('Achternaam')")
