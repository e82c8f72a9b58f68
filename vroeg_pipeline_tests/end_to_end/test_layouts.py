"""The same rows delivered in every layout give the same tables (docs/agreements.md)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import pytest
import xlsxwriter

from vroeg_pipeline_tests.kit.world import World

FIELDS = (
    "customer_reference", "surname", "initials", "postcode", "street", "house_number", "city", "amount_due", "arrears_since",
    "reference_date", "crisis",
)  # fmt: skip
MONTHS = ("2021-02", "2021-03")
# All that later steps read of a delivery, the repeats being what they know of it in another month.
TABLES = {
    "delivery_files": "FROM delivery_files",
    "validated_signals": "FROM validated_signals",
    "rejected_rows": "FROM rejected_rows",
    "repeat_signals": "SELECT month, partner, customer_reference FROM repeat_signals JOIN validated_signals "
    "USING (month, signal_id)",
}
# What is of the bytes, and what a layout cannot lack or have besides.
OF_THE_FILE = {"partner", "file_sha256", "file_name", "size_bytes", "signal_id", "unexpected_columns"}

Row = Sequence[str]
Form = tuple[bytes, dict[str, Any]]


def rows(month: str) -> list[Row]:
    """Right rows and wrong ones, of customers who come again and one who does not."""
    year, number = month.split("-")
    right = [
        "K0",
        "Vries",
        "J.P.",
        "2021AA",
        "Grutsingel",
        "1",
        "Haarlem",
        "220,50",
        "01-01-2020",
        f"01-{number}-{year}",
        "nee",
    ]
    changes: list[dict[int, str]] = [
        {}, {1: "Müller"}, {5: "12 hs"}, {10: "ja"}, {7: "20,00"}, {7: "veel"}, {7: "0"}, {3: "2021"}, {8: "31-02-2020"},
        {9: "01-01-2020"}, {1: ""}, {5: ""}, {8: f"28-01-{year}"}, {3: "2061AB"}, {10: "?"}, {0: ""}, {7: "1234,56"},
    ]  # fmt: skip
    made = []
    for at, change in enumerate(changes):
        row = [*right]
        row[0], row[5] = f"K{at}", str(at + 1)
        for place, value in change.items():
            row[place] = value
        made.append(row)
    made.append([*right[:5], "99", *right[6:]] if month == MONTHS[0] else [*right])
    return made


def as_csv(table: Sequence[Row], delimiter: str = ";") -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=delimiter).writerows(table)
    return written.getvalue().encode()


def as_workbook(*sheets: Sequence[Row]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for table in sheets:
            page = book.add_worksheet()
            for number, row in enumerate(table):
                for column, cell in enumerate(row):
                    page.write_string(number, column, cell)
    return file.getvalue()


def objects(table: Sequence[Row]) -> list[dict[str, str]]:
    return [dict(zip(FIELDS, row, strict=True)) for row in table]


def usual(table: list[Row]) -> Form:
    return as_csv([FIELDS, *table]), {"delivery": {"format": "csv"}}


def below_titles(table: list[Row]) -> Form:
    content = b'sep=,\r\nOverzicht "signalen"\r\n\r\n' + as_csv([FIELDS, *table], ",")
    return content, {"delivery": {"format": "csv", "header_row": 4}}


def by_place_and_packed(table: list[Row]) -> Form:
    columns = {field: at for at, field in enumerate(FIELDS, start=1)}
    return gzip.compress(as_csv(table), mtime=0), {
        "delivery": {"format": "csv", "header_row": 0, "packed": "gz"},
        "columns": columns,
    }


def workbook(table: list[Row]) -> Form:
    content = as_workbook([["Toelichting"]], [["Overzicht"], [], FIELDS, *table])
    return content, {"delivery": {"format": "xlsx", "sheet": 2, "skip_rows": 2}}


def nested(table: list[Row]) -> Form:
    records = [
        {"id": r["customer_reference"], "wie": {"naam": r["surname"]}, "meer": {"adres": r}} for r in objects(table)
    ]
    columns = {field: f"meer.adres.{field}" for field in FIELDS} | {"customer_reference": "id", "surname": "wie.naam"}
    form = {"delivery": {"format": "json", "records_at": "levering.signalen"}, "columns": columns}
    return json.dumps({"levering": {"signalen": records}}).encode(), form


def one_a_line(table: list[Row]) -> Form:
    return "\n".join(map(json.dumps, objects(table))).encode(), {"delivery": {"format": "jsonl"}}


def elements(table: list[Row]) -> Form:
    root = ElementTree.Element("levering")
    for record in objects(table):
        signal = ElementTree.SubElement(root, "signaal", {"customer_reference": record["customer_reference"]})
        for field in FIELDS[1:]:
            ElementTree.SubElement(signal, field).text = record[field]
    form = {"delivery": {"format": "xml", "records_at": "levering.signaal"}}
    return ElementTree.tostring(root), {
        **form,
        "columns": {f: f for f in FIELDS} | {"customer_reference": "@customer_reference"},
    }


def fixed(table: list[Row]) -> Form:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as container:
        info = zipfile.ZipInfo("levering.txt")
        container.writestr(info, "\r\n".join("".join(c.ljust(12) for c in row) for row in table).encode("cp1252"))
    columns = {field: f"{12 * at + 1}-{12 * at + 12}" for at, field in enumerate(FIELDS)}
    return file.getvalue(), {"delivery": {"format": "fixed", "encoding": "cp1252", "packed": "zip"}, "columns": columns}


def in_one_cell(table: list[Row]) -> Form:
    headers = ("Nummer", "Naam", "Adres", "Plaats", "Bedrag", "Sinds", "Peildatum", "Crisis")
    lines = [
        (r["customer_reference"], f"{r['surname']}, {r['initials']}" if r["surname"] else "",
         f"{r['street']} {r['house_number']}" if r["house_number"] else "", f"{r['postcode']} {r['city']}",
         r["amount_due"], r["arrears_since"], r["reference_date"], r["crisis"])
        for r in objects(table)
    ]  # fmt: skip
    return as_csv([headers, *lines]), {
        "delivery": {"format": "csv"},
        "columns": {"customer_reference": "Nummer", "amount_due": ["Saldo", "Bedrag"], "arrears_since": "Sinds",
                    "reference_date": "Peildatum", "crisis": "Crisis"},
        "split": {"Naam": "{surname}, {initials}", "Adres": "{street} {house_number}", "Plaats": "{postcode} {city}"},
    }  # fmt: skip


def in_cents(table: list[Row]) -> Form:
    cents = [[*row[:7], row[7].replace(",", "") if "," in row[7] else row[7], *row[8:]] for row in table]
    constants = {"city": "Haarlem"}
    columns = {field: field for field in FIELDS if field != "city"}
    dates = [f if f.startswith("31") else f"{f[6:]}-{f[3:5]}-{f[:2]}T00:00:00Z" for f in (row[8] for row in cents)]
    cents = [[*row[:8], day, *row[9:]] for row, day in zip(cents, dates, strict=True)]
    form = {"format": "csv", "unit": "cents", "date_format": ["%d-%m-%Y", "%Y-%m-%dT%H:%M:%SZ"]}
    return as_csv([FIELDS, *cents]), {"delivery": form, "columns": columns, "constants": constants}


LAYOUTS: list[Callable[[list[Row]], Form]] = [
    below_titles, by_place_and_packed, workbook, nested, one_a_line, elements, fixed, in_one_cell, in_cents,
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A landlord a layout, each with the same rows, and a supplier of energy as ever. To be looked at."""
    made = World(tmp_path_factory.mktemp("layouts") / "home")
    for layout in (usual, *LAYOUTS):
        for month in MONTHS:
            content, form = layout(rows(month))
            made.agree(layout.__name__, **{"columns": {field: field for field in FIELDS}, **form})
            made.deliver(layout.__name__, month, content, name="levering")
    made.agree("licht", type="Energie", columns={field: field for field in FIELDS})
    made.deliver("licht", MONTHS[1], as_csv([FIELDS, *rows(MONTHS[1])[:8]]))
    made.make(*MONTHS, upto="repeat_signals")
    return made


def of(world: World, partner: str) -> dict[str, list[tuple[str, ...]]]:
    """What is known of the deliveries of a partner."""
    found = {}
    for name, query in TABLES.items():
        told = world.query(f"FROM ({query}) WHERE partner = '{partner}'")
        found[name] = sorted(tuple(repr(v) for c, v in row.items() if c not in OF_THE_FILE) for row in told)
    return found


@pytest.fixture(scope="module")
def expected(world: World) -> dict[str, list[tuple[str, ...]]]:
    return of(world, "usual")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_layout_changes_nothing(
    world: World, expected: dict[str, list[tuple[str, ...]]], layout: Callable[[list[Row]], Form]
) -> None:
    assert min(len(rows) for rows in expected.values()) > 1
    assert of(world, layout.__name__) == expected
