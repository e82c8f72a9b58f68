"""Sample files of the same three people in every layout in which partners deliver, for who looks what a file is."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import xlsxwriter

HEADERS = {
    "customer_reference": "Klantnummer",
    "surname": "Achternaam",
    "postcode": "Postcode",
    "house_number": "Huisnummer",
    "amount_due": "Openstaand bedrag",
    "arrears_since": "Vervaldatum oudste nota",
    "reference_date": "Peildatum",
}
PEOPLE = [
    {
        "customer_reference": f"K{at:04d}",
        "surname": surname,
        "postcode": postcode,
        "house_number": number,
        "amount_due": amount,
        "arrears_since": since,
        "reference_date": "05-03-2021",
    }
    for at, (surname, postcode, number, amount, since) in enumerate(
        (
            ("Vries", "2021AA", "35", "220,50", "01-01-2021"),
            ("Müller", "2021 AB", "7 a", "1.234,56", "28-11-2020"),
            ("Bakker", "2041BC", "112", "99,95", "13-12-2020"),
        ),
        start=1,
    )
]


def written(rows: Sequence[Mapping[str, str]], headers: Mapping[str, str] = HEADERS, delimiter: str = ";") -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    if headers:
        writer.writerow(headers.values())
    writer.writerows([row[field] for field in headers or row] for row in rows)
    return text.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        day = made.add_format({"num_format": "dd-mm-yyyy"})
        for name, rows in sheets.items():
            page = made.add_worksheet(name)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    page.write(at, column, value, *([day] if isinstance(value, date) else []))
    return book.getvalue()


def packed_zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as container:
        container.writestr("levering.csv", content)
    return file.getvalue()


def in_cells(rows: Sequence[Mapping[str, str]]) -> list[list[Any]]:
    """With numbers and dates as a spreadsheet has them."""

    def day(text: str) -> date:
        return date(*map(int, reversed(text.split("-"))))

    return [
        [
            row["customer_reference"], row["surname"], row["postcode"], row["house_number"],
            float(row["amount_due"].replace(".", "").replace(",", ".")), day(row["arrears_since"]),
            day(row["reference_date"]),
        ]
        for row in rows
    ]  # fmt: skip


def objects(rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "id": row["customer_reference"],
            "client": {
                "naam": row["surname"],
                "adres": {"postcode": row["postcode"], "huisnummer": row["house_number"]},
            },
            "bedrag": row["amount_due"],
            "ontstaansdatum": row["arrears_since"],
            "signaaldatum": row["reference_date"],
        }
        for row in rows
    ]


def as_xml(rows: Sequence[Mapping[str, str]]) -> bytes:
    signals = "".join(
        f'<signaal id="{row["customer_reference"]}"><klant><naam>{row["surname"]}</naam>'
        f'<adres nummer="{row["house_number"]}"><postcode>{row["postcode"]}</postcode></adres></klant>'
        f"<bedrag>{row['amount_due']}</bedrag><ontstaansdatum>{row['arrears_since']}</ontstaansdatum>"
        f"<peildatum>{row['reference_date']}</peildatum></signaal>"
        for row in rows
    )
    header = "<kop><datum>05-03-2021</datum></kop>"
    return f'<levering xmlns="urn:x">{header}<signalen>{signals}</signalen></levering>'.encode()


TITLES = "Overzicht vroegsignalen\r\nGemaakt op;05-03-2021\r\n\r\n"
ADDRESSED = {
    **{field: HEADERS[field] for field in ("customer_reference", "surname")},
    "address": "Adres", "place": "Postcode plaats",
    **{field: HEADERS[field] for field in ("amount_due", "arrears_since", "reference_date")},
}  # fmt: skip
IN_ONE_CELL = [
    {**row, "address": f"Grutsingel {row['house_number']}", "place": f"{row['postcode']} HAARLEM"} for row in PEOPLE
]

# What is delivered, and the options that say what it is.
LAYOUTS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "cp1252": (written(PEOPLE).encode("cp1252"), {"format": "csv", "encoding": "cp1252", "delimiter": ";"}),
    "utf-8 with a mark": (written(PEOPLE).encode("utf-8-sig"), {"encoding": "utf-8"}),
    "a comma": (written(PEOPLE, delimiter=",").encode(), {"delimiter": ",", "decimal": ","}),
    "a sep line": (("sep=|\r\n" + written(PEOPLE, delimiter="|")).encode(), {"delimiter": "|"}),
    "utf-16 with titles": (
        (TITLES.replace(";", "\t") + written(PEOPLE, delimiter="\t")).encode("utf-16"),
        {"encoding": "utf-16", "delimiter": "\t", "header_row": 4},
    ),
    "sep line and titles": (("sep=;\r\n" + TITLES + written(PEOPLE)).encode(), {"header_row": 5}),
    "workbook": (workbook({"Blad1": [[*HEADERS.values()], *in_cells(PEOPLE)]}), {"format": "xlsx"}),
    "second sheet with titles": (
        workbook(
            {
                "Uitleg": [["Lees dit eerst"]],
                "Signalen": [["Overzicht"], ["Peildatum", "05-03-2021"], [], [*HEADERS.values()], *in_cells(PEOPLE)],
            }
        ),
        {"format": "xlsx", "sheet": 2, "header_row": 4},
    ),
    "array": (json.dumps(objects(PEOPLE)).encode(), {"format": "json"}),
    "wrapped": (
        json.dumps({"kop": {"aantal": 3}, "levering": {"signalen": objects(PEOPLE)}}).encode(),
        {"format": "json", "records_at": "levering.signalen"},
    ),
    "an object a line": ("\n".join(map(json.dumps, objects(PEOPLE))).encode(), {"format": "jsonl"}),
    "xml": (as_xml(PEOPLE), {"format": "xml", "records_at": "levering.signalen.signaal"}),
    "xml of one": (as_xml(PEOPLE[:1]), {"format": "xml", "records_at": "levering.signalen.signaal"}),
    "gzip": (gzip.compress(written(PEOPLE).encode(), mtime=0), {"format": "csv", "packed": "gz"}),
    "zip": (packed_zip(written(PEOPLE).encode()), {"format": "csv", "packed": "zip"}),
    "no header": (written(PEOPLE, {}).encode(), {"format": "csv", "header_row": 0}),
    "no header in a workbook": (workbook({"Blad1": in_cells(PEOPLE)}), {"format": "xlsx", "header_row": 0}),
    "address in one cell": (written(IN_ONE_CELL, ADDRESSED).encode(), {"format": "csv"}),
}
