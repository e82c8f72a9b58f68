"""Every layout in which partners and portals deliver, by the agreement alone (DOMAIN §4)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import stat
import tarfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.layouts import Layout, fields_of
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.formats.shaping import date_in_name

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
    assert outcome.detail == "1 row with the same headers on 1 other sheet was not read"
    outcome, _ = read(content, {"format": "xlsx", "sheet": 3})
    assert outcome.refusal == "unreadable"
    assert outcome.detail.startswith("has no sheet 3 that people see")


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


NESTED = {**COLUMNS, "surname": "client.naam", "postcode": "client.adres.postcode", "house_number": "client.huisnummer"}


def nested(**changes: Any) -> dict[str, Any]:
    """An object with objects in it, as RIS and others send it."""
    there = {h: c for h, c in zip(HEADERS, ROW, strict=True) if h in NESTED.values()}
    return {**there, "Client": {"naam": "Smit", "huisnummer": "35", "adres": {"Postcode": "2021AA"}}, **changes}


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_dotted_headers_lead_into_objects(read: Reader, kind: str) -> None:
    """Case nested_json."""
    client = nested()["Client"]
    records = [
        nested(),
        nested(**{"client.naam": "Letterlijk"}),
        nested(Client={**client, "adres": {}, "adres.postcode": "2022BB"}),
        nested(Client={**client, "naam": {"vol": "Smit"}}),
        nested(Client=None),
    ]
    text = json.dumps(records) if kind == "json" else "\r\n".join(json.dumps(record) for record in records) + "\n\n"
    outcome, rows = read(text, {"format": kind}, NESTED)
    assert (outcome.refusal, outcome.unexpected_columns) == (None, ())
    assert rows[:3] == [READ, {**READ, "surname": "Letterlijk"}, {**READ, "postcode": "2022BB"}]
    assert (rows[3]["surname"], rows[3]["typed"]) == ('{"vol": "Smit"}', ["surname:other"])
    assert rows[4] == {f: v for f, v in READ.items() if f not in ("surname", "postcode", "house_number")}


def test_what_was_not_agreed_is_not_flattened(read: Reader) -> None:
    outcome, _ = read(json.dumps([nested()]), {"format": "json"})
    assert (outcome.refusal, outcome.unexpected_columns) == ("missing_columns", ("Client",))
    outcome, rows = read(json.dumps([nested()]), {"format": "json"}, {**NESTED, "surname": "Client"})
    assert rows[0]["typed"] == ["surname:other"]


@pytest.mark.parametrize("records_at", ["signalen", "levering.signalen", "levering.Signalen.2026"])
def test_an_array_within_an_object(read: Reader, records_at: str) -> None:
    """Case wrapped_json."""

    def within(value: Any) -> str:
        for name in reversed(records_at.split(".")):
            value = {"versie": 1, name: value}
        return json.dumps(value)

    form = {"format": "json", "records_at": records_at}
    row = dict(zip(HEADERS, ROW, strict=True))
    assert read(within([row, row]), form)[1] == [READ, READ]
    outcome, rows = read(within([]), form)
    assert (outcome.refusal, outcome.row_count, rows) == (None, 0, [])
    for content, said in (
        (within(row), f"has no array of objects at '{records_at}'"),
        (within([1]), f"has no array of objects at '{records_at}'"),
        (json.dumps([row]), f"is an array; an object with an array at '{records_at}' was agreed"),
        ("{}", f"has nothing at '{records_at}', where an array of objects was agreed"),
    ):
        outcome, _ = read(content, form)
        assert outcome.refusal == "unreadable"
        assert outcome.detail.startswith(said)


def test_one_object_a_line(read: Reader) -> None:
    """Case json_lines."""
    line = json.dumps(
        {**dict(zip(HEADERS, ROW, strict=True)), "Bedrag": 120.50, "Plaats": "a\u2028b\x85c"}, ensure_ascii=False
    )
    columns = {**COLUMNS, "city": "Plaats"}
    outcome, rows = read(f"\ufeff{line}\n\n{line}\r\n", {"format": "jsonl"}, columns)
    one = {**READ, "amount_due": "120.5", "city": "a\u2028b\x85c", "typed": ["amount_due"]}
    assert (outcome.refusal, rows) == (None, [one, one])
    for content, said in (
        (f"{line}\n{line[:-1]}\n", "has no JSON object in line 2; one object a line was agreed"),
        (f"{line}\n1\n", "has no JSON object in line 2; one object a line was agreed"),
        (f"[{line}]", "is an array; one object a line was agreed (format json can be agreed)"),
    ):
        assert read(content, {"format": "jsonl"}, columns)[0].detail.startswith(said)
    assert "format jsonl can be agreed" in read(f"{line}\n{line}\n", {"format": "json"})[0].detail


def xml(*records: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    signals = f"<v:signalen>{''.join(records)}</v:signalen>"
    return f'{head}<v:levering xmlns:v="urn:v" soort="a"><kop><aantal>1</aantal></kop>{signals}</v:levering>'


XML = {"format": "xml", "records_at": "levering.signalen.signaal"}
IN_XML = {
    "customer_reference": "@id",
    "surname": "klant.naam",
    "postcode": "klant.adres.postcode",
    "house_number": "klant.adres.@nummer",
    "amount_due": "bedrag",
    "arrears_since": "sinds",
    "reference_date": "bedrag.@per",
}
SIGNAL = """
    <v:signaal id="C1"><klant><naam>Smit<!-- of Smits --></naam><adres nummer="35"><postcode> 2021AA
    </postcode></adres></klant><bedrag per="05-10-2026">220,50</bedrag><sinds>01-08-2026</sinds></v:signaal>
"""


def test_the_repeated_element_of_xml(read: Reader) -> None:
    outcome, rows = read(xml(SIGNAL, SIGNAL), XML, IN_XML)
    assert (outcome.refusal, outcome.unexpected_columns) == (None, ())
    assert [{field: value.strip() for field, value in row.items()} for row in rows] == [READ, READ]
    whole = {field: f"signaal.{path}" for field, path in IN_XML.items()}
    outcome, named = read(xml(SIGNAL, SIGNAL), XML, whole)
    assert (outcome.refusal, outcome.unexpected_columns, named) == (None, (), rows)
    for encoding in ("cp1252", "utf-16"):
        text = xml(SIGNAL.replace("Smit", "Müller"), head=f'<?xml version="1.0" encoding="{encoding}"?>')
        assert read(text.encode(encoding), XML, IN_XML)[1][0]["surname"] == "Müller"
    twice = SIGNAL.replace("<klant>", "<klant><naam>Bakker</naam>")
    assert read(xml(SIGNAL, twice), XML, IN_XML)[1][1]["typed"] == ["surname:other"]
    none = SIGNAL.replace(
        "<sinds>01-08-2026</sinds>", '<sinds xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
    )
    assert "arrears_since" not in read(xml(SIGNAL, none), XML, IN_XML)[1][1]
    assert read(xml(), XML, IN_XML)[0] == ReadDelivery(None, None, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (xml(SIGNAL)[:-10], "is no valid XML at line 4"),
        (xml(SIGNAL).replace("signalen", "meldingen"), "has no element 'levering.signalen.signaal', which was agreed"),
        (f'<!DOCTYPE x [<!ENTITY e "{SECRET}">]><x>&e;</x>', "declares a document type or entities"),
        ('<!DOCTYPE x SYSTEM "file:///etc/hostname"><x/>', "declares a document type or entities"),
        (
            '<?xml version="1.0" encoding="shift_jis"?><x/>',
            "is in an encoding that XML is not read in; save it as UTF-8",
        ),
        (
            '<?xml version="1.0" encoding="x-geheim"?><x/>',
            "is in an encoding that XML is not read in; save it as UTF-8",
        ),
        ("<a>" * 60 + "</a>" * 60, "is nested too deeply"),
        (CSV, "is a CSV, xml was agreed"),
        ('[{"a": 1}]', "is JSON, xml was agreed"),
        ("<!DOCTYPE html><html></html>", "is a web page, xml was agreed"),
        (xml(SIGNAL.replace("Smit", "Smit & Co")), "is no valid XML at line 2: write & as &amp; there"),
        (xml(SIGNAL.replace("Smit", "Smit&nbsp;sr")), "is no valid XML at line 2: write & as &amp; there"),
        (
            xml(SIGNAL).replace("Smit", "Müller").encode("cp1252"),
            "says in its first line that it is UTF-8, but is cp1252",
        ),
        (
            xml(SIGNAL.replace("Smit", "Müller"), head='<?xml version="1.0" encoding="iso-8859-1"?>').encode(),
            "says in its first line that it is iso-8859-1, but is UTF-8",
        ),
    ],
)
def test_xml_that_is_not_as_agreed_says_how(read: Reader, content: str, said: str) -> None:
    outcome, rows = read(content, XML, IN_XML)
    assert (outcome.refusal, rows) == ("unreadable", [])
    assert outcome.detail.startswith(said)


def test_a_table_of_xml_is_no_web_page(read: Reader) -> None:
    text = xml(SIGNAL, head="").replace("v:levering", "v:tablet").replace("<v:", "<").replace("</v:", "</")
    outcome, rows = read(text, {"format": "xml", "records_at": "tablet.signalen.signaal"}, IN_XML)
    assert (outcome.refusal, outcome.row_count, rows[0]["surname"]) == (None, 1, "Smit")


FIXED = {"customer_reference": "1-6", "surname": "naam", "postcode": "17-22", "house_number": "23-27"}
FIXED |= {"amount_due": "28-37", "arrears_since": "38-47", "reference_date": "48-57"}
FIXED_FORM = {"format": "fixed", "fields": {"naam": "7-16"}}


def fixed(*rows: list[str]) -> str:
    return "".join(
        "".join(c.ljust(n) for c, n in zip(row, (6, 10, 6, 5, 10, 10, 10), strict=True)) + "\r\n" for row in rows
    )


def test_fields_at_fixed_characters_of_a_line(read: Reader) -> None:
    odd = [*ROW[:1], "Müller", *ROW[2:]]
    for encoding in ("utf-8", "utf-8-sig", "cp1252", "utf-16"):
        text = f"KOP {SECRET}\r\n\r\n{fixed(ROW, odd)}\r\n{fixed(ROW)}\x1a"
        agreed = {**FIXED_FORM, "skip_rows": 1, "encoding": encoding.removesuffix("-sig")}
        outcome, rows = read(text.encode(encoding), agreed, FIXED)
        assert (outcome.refusal, outcome.row_count) == (None, 3)
        stripped = [{field: value.strip() for field, value in row.items()} for row in rows]
        assert stripped == [READ, {**READ, "surname": "Müller"}, READ]
    outcome, rows = read(fixed(ROW) + "C2    Jansen\n" + " " * 60 + "meer\n", FIXED_FORM, FIXED)
    assert outcome.row_count == 3
    assert {field: value.strip() for field, value in rows[1].items()} == {
        "customer_reference": "C2",
        "surname": "Jansen",
    }


@pytest.mark.parametrize("aside", ["", "niet afgesproken, en langer dan al het andere op de regel bij elkaar 2021AB"])
def test_rows_behind_each_other_in_a_line_are_not_lost(read: Reader, aside: str) -> None:
    """A file of records without line ends gave its first row and no other, and a line end that is lost took a row."""
    rows = [f"{row}{aside}" for row in fixed(ROW, [*ROW[:5], "31-12-2025", *ROW[6:]], ROW).splitlines()]
    assert read("\n".join(rows), FIXED_FORM, FIXED)[0].row_count == 3
    for content, line in (
        ("".join(rows), 1),
        (f"{rows[0]}\n{rows[1]}{rows[2]}", 2),
        ("\n".join([*rows * 9, rows[0] * 2]), 28),
    ):
        outcome, _ = read(content, FIXED_FORM, FIXED)
        assert outcome.refusal == "unreadable"
        assert outcome.detail.startswith(f"has several rows in line {line}, behind each other")


def test_dates_that_follow_each_other_are_no_other_row(read: Reader) -> None:
    aside = " " * 40 + "01-01-202031-12-2020" + " " * 30
    rows = [f"{row}{aside}" for row in fixed(ROW, ROW).splitlines()]
    assert read("\n".join(rows), FIXED_FORM, FIXED)[0].row_count == 2


def test_a_page_of_a_printer_shifts_nothing(read: Reader) -> None:
    outcome, rows = read(fixed(ROW) + "\f" + fixed(ROW), FIXED_FORM, FIXED)
    assert (outcome.row_count, rows[0]) == (2, rows[1])


def test_lines_that_cannot_be_of_that_form_are_refused(read: Reader) -> None:
    outcome, _ = read("C1    Jansen\n", FIXED_FORM, FIXED)
    assert outcome.refusal == "missing_columns"
    assert outcome.detail.startswith("lacks postcode ('17-22'), house_number ('23-27')")
    in_bytes = fixed(ROW) + fixed([*ROW[:1], "Müller", *ROW[2:]]).replace("Müller ", "Müller", 1)
    outcome, _ = read(in_bytes, FIXED_FORM, FIXED)
    assert outcome.detail.startswith("has its fields at fixed bytes, not characters")
    outcome, _ = read(fixed([*ROW[:1], "Müller", *ROW[2:]]).encode("cp1252"), FIXED_FORM, FIXED)
    assert outcome.detail == "is cp1252 or latin-1, utf-8 was agreed; save it as utf-8 and send it again (line 1)"


def packed_zip(members: dict[str, str], **changes: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as container:
        for name, text in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = changes.get("mode", stat.S_IFREG | 0o600) << 16
            container.writestr(info, text, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def test_the_one_file_in_a_packed_one(read: Reader, tmp_path: Path) -> None:
    """Cases gzipped and zipped."""
    book = workbook(tmp_path / "b.xlsx", (0, 0, [HEADERS, ROW]))
    for content, form in (
        (gzip.compress(CSV.encode(), mtime=0), {"format": "csv", "packed": "gz"}),
        (
            gzip.compress(CSV[:30].encode(), mtime=0) + gzip.compress(CSV[30:].encode(), mtime=0),
            {"format": "csv", "packed": "gz"},
        ),
        (gzip.compress(book, mtime=0), {"format": "xlsx", "packed": "gz"}),
        (packed_zip({"map/": "", "map/levering.csv": CSV}), {"format": "csv", "packed": "zip"}),
        (packed_zip({"a.csv": CSV, "__MACOSX/._a.csv": "x"}), {"format": "csv", "packed": "zip"}),
    ):
        outcome, rows = read(content, form)
        assert (outcome.refusal, rows) == (None, [READ])
    outcome, _ = read(gzip.compress(b"", mtime=0), {"format": "csv", "packed": "gz"})
    assert outcome.refusal == "missing_columns"
    assert outcome.detail.startswith("the file is empty, so there is no header")


TAR = io.BytesIO()
with tarfile.open(fileobj=TAR, mode="w") as archive:
    archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())


@pytest.mark.parametrize(
    ("packed", "content", "said"),
    [
        ("gz", CSV.encode(), "is not packed as .gz, which was agreed"),
        ("gz", packed_zip({"a.csv": CSV}), "is not packed as .gz, which was agreed"),
        ("zip", gzip.compress(CSV.encode(), mtime=0), "is not packed as .zip, which was agreed"),
        ("gz", gzip.compress(CSV.encode(), mtime=0)[:-9], "is a broken .gz file; pack it and send it again"),
        ("gz", gzip.compress(b"x" * 40, mtime=0)[:12] + b"\xff" * 30, "is a broken .gz file; pack it and send it again"),
        ("zip", packed_zip({"a.csv": CSV})[:-9], "is a broken .zip file; pack it and send it again"),
        ("zip", packed_zip({"a.csv": CSV, "b.csv": CSV}), "holds 2 files; pack the one file alone"),
        ("zip", b"PK", "is a broken .zip file; pack it and send it again"),
        ("zip", packed_zip({}), "holds 0 files; pack the one file alone"),
        ("zip", packed_zip({"a.csv": "/etc/hostname"}, mode=stat.S_IFLNK | 0o777), "holds a link and no file"),
        ("gz", gzip.compress(TAR.getvalue(), mtime=0), "holds a .tar; pack the one file alone"),
        ("gz", gzip.compress(b"\0" * 3_000_000, mtime=0), "is more than 2 MB when it is unpacked"),
        ("zip", packed_zip({"a.csv": "\0" * 3_000_000}), "is more than 2 MB when it is unpacked"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_not_one_packed_file_is_refused(read: Reader, packed: str, content: bytes, said: str) -> None:
    outcome, rows = read(content, {"format": "csv", "packed": packed}, max_mb=2)
    assert (outcome.refusal, rows) == ("unreadable", [])
    assert outcome.detail.startswith(said)


def split_of(read: Reader, pattern: str, cell: str, **more: Any) -> dict[str, str]:
    """What a cell gives by a pattern, with the other required fields in columns of their own."""
    fields = fields_of(pattern)
    columns = {**{field: header for field, header in COLUMNS.items() if field not in fields}, **more}
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerows([["Cel", *HEADERS], [cell, *ROW]])
    outcome, (row,) = read(text.getvalue(), {"format": "csv"}, columns, split={"Cel": pattern})
    assert outcome.refusal is None
    return {field: row[field] for field in fields if field in row}


@pytest.mark.parametrize(
    ("pattern", "cell", "found"),
    [
        ("{street} {house_number}", "Grutsingel 35", {"street": "Grutsingel", "house_number": "35"}),
        ("{street} {house_number}", " Grutsingel\xa035 bis ", {"street": "Grutsingel", "house_number": "35 bis"}),
        ("{street} {house_number}", "1e Hogeweg 12", {"street": "1e Hogeweg", "house_number": "12"}),
        ("{street} {house_number}", "Plein 1940-1945 12", {"street": "Plein", "house_number": "1940-1945 12"}),
        ("{street} {house_number}", "35", {"house_number": "35"}),
        ("{street} {house_number}", "Grutsingel", {"house_number": "Grutsingel"}),
        ("{street} {house_number}", "", {}),
        ("{postcode} {city}", "2021 AA HAARLEM", {"postcode": "2021 AA", "city": "HAARLEM"}),
        ("{postcode} {city}", "2021aa  Den Haag", {"postcode": "2021aa", "city": "Den Haag"}),
        ("{postcode} {city}", "2021AA", {"postcode": "2021AA"}),
        ("{postcode} {city}", "HAARLEM 2021AA", {"postcode": "HAARLEM 2021AA"}),
        ("{surname}, {initials} {prefix}", "Vries, J.P. de", {"surname": "Vries", "initials": "J.P.", "prefix": "de"}),
        ("{surname}, {initials} {prefix}", "Berg,A. van den", {"surname": "Berg", "initials": "A.", "prefix": "van den"}),
        ("{surname}, {initials} {prefix}", "Smit, J. P.", {"surname": "Smit", "initials": "J. P."}),
        ("{surname}, {initials} {prefix}", "Smit", {"surname": "Smit"}),
        ("{surname}, {initials} {prefix}", "Bakker bv", {"surname": "Bakker bv"}),
        ("{initials} {prefix} {surname}", "J.P. de Vries", {"initials": "J.P.", "prefix": "de", "surname": "Vries"}),
        ("{initials} {prefix} {surname}", "J. van der Berg", {"initials": "J.", "prefix": "van der", "surname": "Berg"}),
        ("{initials} {prefix} {surname}", "de Vries", {"prefix": "de", "surname": "Vries"}),
        ("{initials} {prefix} {surname}", "Vries", {"surname": "Vries"}),
        (
            "{street} {house_number}, {postcode} {city}",
            "Lange Veerstraat 3 rd, 2021AA Haarlem",
            {"street": "Lange Veerstraat", "house_number": "3 rd", "postcode": "2021AA", "city": "Haarlem"},
        ),
        ("{street} {house_number}, {postcode} {city}", "Postbus, Haarlem", {"house_number": "Postbus, Haarlem"}),
        ("{street} ({city})", "Grutsingel (Haarlem)", {"street": "Grutsingel", "city": "Haarlem"}),
        ("{initials} {prefix}", "d'", {"initials": "d'"}),
    ],
)  # fmt: skip
def test_a_cell_gives_several_fields(read: Reader, pattern: str, cell: str, found: dict[str, str]) -> None:
    """Cases one_column_address and full_name."""
    assert split_of(read, pattern, cell) == found


def test_a_column_goes_before_a_cell_that_is_split(read: Reader) -> None:
    pattern = "{street} {house_number}"
    assert split_of(read, pattern, "Laan 9", house_number="Huisnummer") == {"street": "Laan", "house_number": "35"}
    assert split_of(read, pattern, "Laan", house_number="Huisnummer") == {"street": "Laan", "house_number": "35"}
    assert split_of(read, pattern, "Laan 9", house_number="Extra") == {"street": "Laan", "house_number": "9"}


@pytest.mark.parametrize("unseen", ["", "\xa0", "\u3000", "\u200b", '"=""""" '])
def test_a_column_with_nothing_to_see_does_not(read: Reader, unseen: str) -> None:
    columns = {**COLUMNS, "house_number": "Nr"}
    content = f"Cel;Nr;{';'.join(HEADERS)}\nLaan 9;{unseen};{';'.join(ROW)}\n"
    _, (row,) = read(content, {"format": "csv"}, columns, split={"Cel": "{street} {house_number}"})
    assert (row["street"], row["house_number"]) == ("Laan", "9")


def test_what_a_whole_cell_was_goes_along(read: Reader) -> None:
    columns = {field: header for field, header in COLUMNS.items() if field not in ("surname", "house_number")}
    record = {**dict(zip(HEADERS, ROW, strict=True)), "Naam": ["Smit"], "Adres": 35, "Bedrag": 12.5}
    split = {"Naam": "{surname}, {initials}", "Adres": "{street} {house_number}"}
    outcome, rows = read(json.dumps([record]), {"format": "json"}, columns, split=split)
    assert (outcome.refusal, rows[0]["surname"], rows[0]["house_number"]) == (None, '["Smit"]', "35")
    assert sorted(rows[0]["typed"]) == ["amount_due", "house_number", "surname:other"]
    outcome, _ = read(
        json.dumps([{**record, "Adressen": 1}]).replace('Adres"', 'Straat"'), {"format": "json"}, columns, split=split
    )
    assert outcome.detail.startswith("lacks house_number ('Adres')")


def test_a_constant_is_in_every_row(read: Reader) -> None:
    columns = {field: header for field, header in COLUMNS.items() if field != "reference_date"}
    constants = {"crisis": "ja", "city": "'s-Gravenhage", "reference_date": 'from_name "%Y%m%d"'}
    written = {"crisis": "ja", "city": "'s-Gravenhage", "reference_date": "2026-10-05", "typed": ["reference_date"]}
    name = "signalen_20261005_v2.csv"
    outcome, rows = read(f"{CSV}{';'.join(ROW)}\n;;\n", {"format": "csv"}, columns, constants=constants, name=name)
    assert (outcome.refusal, rows) == (None, [{**READ, **written}] * 2)
    form = {"format": "csv", "date_format": "%d-%m-%Y"}
    for other in (f"{SECRET}.csv", "20261005-20261006.csv", "120261005.csv", "20261305.csv"):
        outcome, _ = read(CSV, form, columns, constants=constants, name=other)
        assert outcome.refusal == "missing_columns"
        assert "reference_date (%Y%m%d)" in outcome.detail
        assert ("two dates" in outcome.detail) is (other == "20261005-20261006.csv")


@pytest.mark.parametrize(
    ("name", "date_format"),
    [
        ("lev 05-10-2026.csv", "%d-%m-%Y"),
        ("lev_20261005T0830.csv", "%Y%m%dT%H%M"),
        ("2026-10-05 (2026-10-05).csv", "%Y-%m-%d"),
        ("wk41 051026.csv", "%d%m%y"),
        ("dag 2026278.csv", "%Y%j"),
    ],
)
def test_a_date_in_a_name(name: str, date_format: str) -> None:
    assert date_in_name(name, date_format) == date(2026, 10, 5)


def test_rows_above_and_nothing_below_are_no_header(read: Reader, tmp_path: Path) -> None:
    book = workbook(tmp_path / "b.xlsx", (0, 0, [["Overzicht"]]))
    for content, kind in ((book, "xlsx"), (b"Overzicht\n", "csv")):
        outcome, _ = read(content, {"format": kind, "header_row": 4})
        assert (outcome.refusal, outcome.row_count) == ("missing_columns", 0)
        assert outcome.detail.startswith("there is no header")
