"""Reading files of every kind and brokenness (DOMAIN §4, docs/adr/0007)."""

from __future__ import annotations

import csv
import datetime
import errno
import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.formats.records import plain_number

COLUMNS = {field: field.replace("_", " ").title() for field in CANONICAL_FIELDS}
HEADER = ";".join(COLUMNS.values())
SECRET = "Geheimzinnig"


class Reader:
    """Reads bytes and gives the outcome and the rows."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        self.folder = folder
        self.scratch = folder / "scratch"

    def __call__(
        self, content: bytes | str, kind: str = "csv", ignored: Sequence[str] = (), **terms: Any
    ) -> tuple[ReadDelivery, list[dict[str, Any]]]:
        path = self.folder / "delivery"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        outcome = read_delivery(
            self.connection,
            path,
            Layout.model_validate(
                {"delivery": {"format": kind, **terms}, "columns": COLUMNS, "ignored_columns": ignored}
            ),
            "delivered",
            self.scratch,
        )
        result = self.connection.execute("FROM delivered ORDER BY row_number")
        names = [column[0] for column in result.description]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        assert not self.scratch.exists() or list(self.scratch.iterdir()) == []
        assert SECRET not in outcome.detail
        return outcome, rows


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.connection.close()


def line(reference: str, *, surname: str = "Proef") -> str:
    return f"{reference};{surname};J.;;;;;2021AB;Straat;12;;;Haarlem;100,00;01-01-2021;01-03-2021;;;;"


def references(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(row["row_number"], row["customer_reference"]) for row in rows]


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "with quotes"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_numbered_without_the_empty_ones(read: Reader, end: str, quoted: bool) -> None:
    lines = [HEADER, "", line("K1"), ";" * 19, " ; ;\t", line("K2") + ";te;veel", "K3;kort", "", ""]
    if quoted:
        lines[2] = line('"K1"')
    outcome, rows = read(end.join(lines))
    assert (outcome.refusal, outcome.row_count) == (None, 3)
    assert references(rows) == [(1, "K1"), (2, "K2"), (3, "K3")]
    assert rows[1]["reference_date"] == "01-03-2021"
    assert (rows[2]["surname"], rows[2]["postcode"], rows[2]["typed"]) == (
        "kort",
        None,
        None if not quoted else rows[2]["typed"],
    )


UNSEEN = ("\u200b", "\u3000", "\u202f\ufeff", "\x85\u00ad", "\u2028")


@pytest.mark.parametrize("last", ["K2", '"K2"'], ids=["plain", "with quotes"])
def test_what_nobody_sees_fills_no_row(read: Reader, last: str) -> None:
    empty = [f"{text};;{text}" for text in UNSEEN]
    lines = ["\u3000\u200b", HEADER, empty[0], line("K1"), *empty, line(last)]
    outcome, rows = read("\n".join(lines))
    assert (outcome.refusal, outcome.row_count) == (None, 2)
    assert references(rows) == [(1, "K1"), (2, "K2")]


def test_what_a_spreadsheet_writes_of_an_empty_text_fills_no_row(read: Reader) -> None:
    _, rows = read("\n".join([HEADER, '="";="";=" "', line("K1")]))
    assert references(rows) == [(1, "K1")]


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_nobody_sees_fills_no_row_of_other_formats(read: Reader, tmp_path: Path, unseen: str) -> None:
    filled = dict(zip(COLUMNS.values(), line("K1").split(";"), strict=True))
    objects = [dict.fromkeys(COLUMNS.values(), unseen), filled]
    assert references(read(json.dumps(objects), "json")[1]) == [(1, "K1")]
    assert references(read("\n".join(map(json.dumps, objects)), "jsonl")[1]) == [(1, "K1")]
    content = workbook(tmp_path / "b.xlsx", rows=[[unseen, unseen], line("K1").split(";"), ["", unseen]])
    assert references(read(content, "xlsx", sheet="Blad1")[1]) == [(1, "K1")]


@pytest.mark.parametrize("between", ["", ";", ";;;"])
def test_a_row_behind_the_headers_is_not_lost(read: Reader, between: str) -> None:
    """A file whose headers have no line end, with its first resident behind them."""
    outcome, _ = read("\n".join([HEADER + between + line("K1", surname=SECRET), line("K2")]))
    assert (outcome.refusal, outcome.detail[:28]) == ("unreadable", "has a row behind the headers")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_stands_among_the_headers_and_may_be_a_person_is_not_kept(read: Reader, kind: str) -> None:
    beside = {"t.n.v. Geheimzinnig": "x", "Wijk": "Noord"}
    filled = {**dict(zip(COLUMNS.values(), line("K1").split(";"), strict=True)), **beside}
    text = "\n".join(";".join(part) for part in (filled, filled.values()))
    outcome, _ = read(text if kind == "csv" else json.dumps([filled]), kind)
    assert outcome.unexpected_columns == (f"nr. {len(COLUMNS) + 1}", "Wijk")


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "with quotes"])
def test_a_row_with_something_beyond_the_header_is_a_row(read: Reader, quoted: bool) -> None:
    """Whatever else stands in the file: its sender sees that a row lacks all that was agreed."""
    behind = ";" * (HEADER.count(";") + 2) + "zie bijlage"
    _, rows = read("\n".join([HEADER, line("K1"), behind, line('"K2"' if quoted else "K2")]))
    assert [(number, reference or "") for number, reference in references(rows)] == [(1, "K1"), (2, ""), (3, "K2")]


def test_text_is_kept_verbatim(read: Reader) -> None:
    _, rows = read(f"{HEADER}\n{line(' K1 ', surname='=1+1 ')}\n")
    assert (rows[0]["customer_reference"], rows[0]["surname"]) == (" K1 ", "=1+1 ")


def test_quotes_hold_delimiters_line_ends_and_quotes(read: Reader) -> None:
    _, rows = read(
        f"{HEADER}\n{line('K1', surname=chr(34) + 'a;b' + chr(10) + chr(34) * 2 + 'c' + chr(34))}\n{line('K2')}\n"
    )
    assert rows[0]["surname"] == 'a;b\n"c'
    assert references(rows) == [(1, "K1"), (2, "K2")]


@pytest.mark.parametrize(
    ("content", "terms"),
    [
        (HEADER.encode() + b"\n" + line("K1", surname='"open').encode() + b"\n" + line("K2").encode(), {}),
        (HEADER.encode() + "\nK1;é".encode("cp1252"), {}),
        ((HEADER + f"\n{SECRET}").encode("utf-16"), {}),
        (HEADER.encode() + f";Surname\n{SECRET}".encode(), {}),
        (HEADER.encode() + b"; surname \n", {}),
        (b'"' + b"x" * 300_000, {}),
        (b"[1]", {"kind": "json"}),
        (b'{"Surname": "x"}', {"kind": "json"}),
        (b'[{"Surname": "x"}', {"kind": "json"}),
        (b'[{"Surname": "x", "surname ": "y"}]', {"kind": "json"}),
        (b"[" * 200_000, {"kind": "json"}),
        (b'[{"Surname": NaN}]', {"kind": "json"}),
        (b'[{"Surname": "\\ud800"}]', {"kind": "json"}),
        (b'[{"Surname": "a", "geheim \\ud800": 1}]', {"kind": "json"}),
        (b'[{"geheim \\ud800": null}]', {"kind": "json"}),
        (b"\xff\xfe[\x00]\x00", {"kind": "json"}),
        (b"Customer Reference;Surname\n", {"kind": "xlsx"}),
        (b"PK\x03\x04", {"kind": "xlsx"}),
    ],
)
def test_what_cannot_be_read_is_refused(read: Reader, content: bytes, terms: dict[str, str]) -> None:
    outcome, rows = read(content, **terms)
    assert (outcome.refusal, outcome.row_count, rows) == ("unreadable", None, [])
    assert outcome.detail


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
@pytest.mark.parametrize("content", [b"", b"  \n\n", b"\n" * 10_000])
def test_an_empty_file_has_no_header(read: Reader, kind: str, content: bytes) -> None:
    outcome, _ = read(content, kind)
    assert (outcome.refusal, outcome.row_count) == ("missing_columns", 0)


def test_a_header_and_no_rows_is_a_delivery_of_nothing(read: Reader) -> None:
    for content, kind in ((HEADER, "csv"), (HEADER + "\r\n", "csv"), ("\ufeff" + HEADER, "csv"), (" [ ] ", "json")):
        outcome, rows = read(content, kind)
        assert (outcome.refusal, outcome.row_count, rows) == (None, 0, [])


def test_headers_are_compared_trimmed_and_without_case(read: Reader) -> None:
    outcome, rows = read("\ufeff" + HEADER.upper().replace(";", " ; ") + ";Regio;\n" + line("K1") + ";Noord\n")
    assert (outcome.refusal, outcome.unexpected_columns) == (None, ("Regio",))
    assert references(rows) == [(1, "K1")]


@pytest.mark.parametrize("header", [HEADER, HEADER.replace("Surname", "Naam")], ids=["whole", "lacks a column"])
def test_what_may_be_there_besides_is_nothing_unexpected(read: Reader, header: str) -> None:
    outcome, _ = read(f"{header};regio ;Wijk\n{line('K1')};Noord;1\n", ignored=["Regio", "Opmerking"])
    lacking = () if header == HEADER else ("Naam",)
    assert outcome.unexpected_columns == (*lacking, "Wijk")


def test_missing_columns_are_named_by_agreement_and_never_by_the_file(read: Reader) -> None:
    outcome, _rows = read(f"{SECRET};0612345678\nK1;x\n")
    assert (outcome.refusal, outcome.row_count) == ("missing_columns", 1)
    assert "surname ('Surname')" in outcome.detail
    without_city = HEADER.replace("City", "Plaats")
    outcome, _ = read(f"{without_city}\n{line('K1')}\n")
    assert (outcome.refusal, outcome.missing_optional, outcome.unexpected_columns) == (None, ("city",), ("Plaats",))


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16"])
def test_other_encodings(read: Reader, encoding: str) -> None:
    for surname in ("Bërg", '"B;ërg"'):
        _, rows = read(f"{HEADER}\n{line('K1', surname=surname)}\n".encode(encoding), encoding=encoding)
        assert rows[0]["surname"] == surname.strip('"')


def test_a_separator_that_only_python_knows_splits_no_row(read: Reader) -> None:
    _, rows = read(f"{HEADER}\n{line('K1', surname='a' + chr(0x2028) + 'b' + chr(0x85) + chr(0x0B))}\n{line('K2')}\n")
    assert references(rows) == [(1, "K1"), (2, "K2")]


def test_many_rows_keep_their_order(read: Reader) -> None:
    count = 150_000
    outcome, _ = read(HEADER + "\n" + "\n".join(line(f"K{number}") for number in range(1, count + 1)))
    assert outcome.row_count == count
    wrong = read.connection.execute("SELECT count(*) FROM delivered WHERE customer_reference <> 'K' || row_number")
    assert wrong.fetchall() == [(0,)]


cell = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(cell, min_size=20, max_size=20), max_size=6), st.sampled_from([";", ",", "\t", "|"]))
def test_what_is_written_comes_back(read: Reader, rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(COLUMNS.values())
    writer.writerows(rows)
    outcome, found = read(text.getvalue(), delimiter=delimiter)
    kept = [row for row in rows if any(value.strip(" \t\n\v\f\r\xa0") for value in row)]
    assert outcome.refusal is None
    assert [[row[field] or "" for field in CANONICAL_FIELDS] for row in found] == kept


def test_json_numbers_are_taken_as_they_are_written(read: Reader) -> None:
    content = """[
        {"Customer Reference": 12.0, "Amount Due": 1e3, "Surname": true, "Street": null,
         "Extra": {"a": 1}, "City": {"b": [2]}},
        {}, {"Surname": "  "},
        {"House Number": 12, "Amount Due": 100.005, "surname": "x", "Postcode": 1e999999}
    ]"""
    outcome, rows = read(content, "json")
    assert (outcome.row_count, outcome.unexpected_columns) == (2, ("Extra",))
    assert (rows[0]["customer_reference"], rows[0]["amount_due"], rows[0]["surname"]) == ("12", "1000", "true")
    assert rows[0]["city"] == '{"b": ["2"]}'
    assert rows[0]["typed"] == ["customer_reference", "surname:other", "city:other", "amount_due"]
    assert (rows[1]["amount_due"], rows[1]["surname"], rows[1]["postcode"]) == ("100.005", "x", "1e999999")


@pytest.mark.parametrize(
    ("text", "plain"),
    [("12.0", "12"), ("1e3", "1000"), ("-0.0", "0"), ("0.10", "0.10"), ("1E-2", "0.01"), ("1e999999", "1e999999")],
)
def test_plain_numbers(text: str, plain: str) -> None:
    assert plain_number(text) == plain


def workbook(path: Path, *, sheet: str = "Blad1", rows: list[list[object]] | None = None) -> bytes:
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("Toelichting").write_string(0, 0, "leeg")
    page = book.add_worksheet(sheet)
    page.write_row(2, 1, list(COLUMNS.values()))
    day = book.add_format({"num_format": "dd-mm-yyyy"})
    for number, values in enumerate(rows or [], start=4):
        for column, value in enumerate(values, start=1):
            if isinstance(value, datetime.datetime):
                page.write_datetime(number, column, value, day)
            else:
                page.write(number, column, value)
    book.close()
    return path.read_bytes()


def test_xlsx_cells_are_taken_as_such(read: Reader, tmp_path: Path) -> None:
    moment = datetime.datetime(2021, 3, 1, 12, 30)  # noqa: DTZ001
    row: list[object] = [
        4711,
        "Pröef",
        "=1+1",
        None,
        None,
        "0600",
        None,
        "2021AB",
        "St",
        12,
        None,
        None,
        "H",
        1234.565,
        moment,
        "01-03-2021",
        True,
    ]
    outcome, rows = read(workbook(tmp_path / "b.xlsx", rows=[row]), "xlsx", sheet="Blad1")
    assert outcome.row_count == 1
    found = rows[0]
    assert (found["customer_reference"], found["house_number"], found["amount_due"]) == ("4711", "12", "1234.565")
    assert (found["arrears_since"], found["reference_date"], found["crisis"]) == ("2021-03-01", "01-03-2021", "true")
    assert found["typed"] == ["customer_reference", "initials", "house_number", "amount_due", "arrears_since"]
    assert found["initials"] == "0"  # a formula is its stored value, never worked out


def test_an_absent_sheet_is_said_so(read: Reader, tmp_path: Path) -> None:
    outcome, _ = read(workbook(tmp_path / "b.xlsx"), "xlsx", sheet="Achterstanden")
    assert outcome.refusal == "unreadable"
    assert outcome.detail.startswith("has no sheet 'Achterstanden'")


def rebuilt(source: bytes, path: Path, replacements: dict[str, bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, replacements.get(name, old.read(name)))
        for name in replacements.keys() - set(old.namelist()):
            new.writestr(name, replacements[name])
    return path.read_bytes()


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
_CORNERS = _SHEET % b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
_ENTITY = (
    b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    + _SHEET % b'<row r="1"><c r="A1" t="str"><v>&e;</v></c></row>'
)


@pytest.mark.parametrize(
    "replacements",
    [
        {"xl/worksheets/sheet1.xml": _CORNERS},
        {"xl/worksheets/sheet1.xml": _ENTITY},
        {"xl/worksheets/sheet1.xml": _ENTITY.decode().encode("utf-16")},
        {"xl/media/bomb.bin": b"\0" * (520 * 1024 * 1024)},
        {"xl/worksheets/sheet1.xml": b'<worksheet><sheetData><row r="1"><c r'},
        {f"xl/part{n}.xml": b"" for n in range(2_001)},
    ],
    ids=["two far apart cells", "external entity", "entity in UTF-16", "bomb", "cut off", "too many parts"],
)
def test_hostile_workbooks_are_refused(read: Reader, tmp_path: Path, replacements: dict[str, bytes]) -> None:
    content = rebuilt(workbook(tmp_path / "b.xlsx"), tmp_path / "h.xlsx", replacements)
    outcome, rows = read(content, "xlsx")
    assert (outcome.refusal, rows) == ("unreadable", [])
    assert os.uname().nodename not in outcome.detail


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_with_damaged_bytes_is_refused_wherever_they_are(read: Reader, tmp_path: Path, method: int) -> None:
    path = tmp_path / "whole.xlsx"
    with zipfile.ZipFile(path, "w", method) as container:
        container.writestr("xl/workbook.xml", bytes(range(256)) * 40)
    whole = path.read_bytes()
    start = 30 + len("xl/workbook.xml")
    for at in range(start, start + 24):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        outcome, _ = read(bytes(damaged), "xlsx")
        assert outcome.refusal == "unreadable", at


def test_what_our_own_disk_cannot_do_is_not_the_senders_mistake(
    read: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile, "ZipFile", broken)
    with pytest.raises(OSError, match="Input/output error"):
        read(b"PK", "xlsx")


def test_a_zip_without_a_workbook(read: Reader, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as container:
        container.writestr("readme.txt", "x")
    outcome, _ = read((tmp_path / "x.zip").read_bytes(), "xlsx")
    assert outcome.detail == "is packed (.zip); unpack it and send the file that is in it, or agree 'packed: zip'"


def test_what_is_no_workbook_at_all_is_not_called_a_half(read: Reader) -> None:
    assert read(b"Dit is geen lijst", "xlsx")[0].detail.startswith("is no XLSX workbook")


def test_a_truncated_workbook(read: Reader, tmp_path: Path) -> None:
    content = workbook(tmp_path / "b.xlsx", rows=[["K1"] * 10] * 50)
    outcome, _ = read(content[: len(content) // 2], "xlsx")
    assert outcome.refusal == "unreadable"


def test_json_of_everything_at_once(read: Reader) -> None:
    objects = [dict(zip(COLUMNS.values(), line(f"K{n}").split(";"), strict=True)) for n in range(1, 51)]
    outcome, rows = read(json.dumps(objects), "json")
    assert outcome.row_count == 50
    assert references(rows)[-1] == (50, "K50")


@pytest.mark.parametrize(
    ("twice", "refusal"),
    [
        ('"Opm": 1, "opm": 2', None),
        ('"X": {"A": 1, "a ": 2}', None),
        ('"Surname": "A", "SURNAME ": "B"', "unreadable"),
    ],
)
def test_json_may_have_twice_what_nobody_agreed(read: Reader, twice: str, refusal: str | None) -> None:
    rest = {name: "1" for name in COLUMNS.values() if "Surname" not in twice or name != "Surname"}
    outcome, rows = read(f"[{json.dumps(rest)[:-1]}, {twice}}}]", "json")
    assert (outcome.refusal, len(rows)) == (refusal, 0 if refusal else 1)


@pytest.mark.parametrize(
    ("within", "refusal"),
    [
        ('{"naam": "A", "Naam": "B"}', "unreadable"),
        ('{"naam": "A", "tel": 1, "tel": 2}', None),
        ('{"naam": "A"}, "klant": {}', "unreadable"),
    ],
)
def test_json_may_have_twice_what_no_agreed_path_goes_through(tmp_path: Path, within: str, refusal: str | None) -> None:
    layout = Layout.model_validate({"delivery": {"format": "json"}, "columns": {**COLUMNS, "surname": "klant.naam"}})
    rest = json.dumps(dict.fromkeys(COLUMNS.values(), "1"))
    path = tmp_path / "delivery"
    path.write_text(f'[{rest[:-1]}, "klant": {within}}}]', encoding="utf-8")
    with duckdb.connect() as connection:
        outcome = read_delivery(connection, path, layout, "delivered", tmp_path / "scratch")
    assert outcome.refusal == refusal


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_control_character_in_json_spoils_its_value_alone(read: Reader, kind: str) -> None:
    filled = dict(zip(COLUMNS.values(), line("K1", surname="AAA").split(";"), strict=True))
    written = json.dumps([filled] if kind == "json" else filled).replace("AAA", "A\x01\x00A")
    outcome, rows = read(written, kind)
    assert (outcome.refusal, rows[0]["surname"]) == (None, "A\x01\x00A")


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "xml"])
def test_a_file_of_a_byte_order_mark_is_empty(read: Reader, kind: str) -> None:
    terms = {"records_at": "a"} if kind == "xml" else {}
    assert read(b"\xef\xbb\xbf", kind, **terms)[0].refusal == "missing_columns"


def test_rows_that_melted_refuse_the_file_and_the_line_is_told(read: Reader) -> None:
    """Case a06d: of three rows one was accepted, under the name of another."""
    lines = [line("K1", surname='"t Hart'), line("K2", surname=SECRET), line("K3", surname='"s-Graveland')]
    outcome, rows = read("\r\n".join([HEADER, *lines]))
    assert (outcome.refusal, outcome.row_count, rows) == ("unreadable", None, [])
    assert (
        outcome.detail
        == "has a quote in line 2 that swallows the rows down to line 4; write a quote within a text twice, or leave it out"
    )


def test_a_bare_return_among_other_line_ends_takes_no_letter(read: Reader) -> None:
    """Case a14: the row behind it had the reference 003 in place of 1003."""
    outcome, rows = read(f"{HEADER}\r\n{line('1001')}\n{line('1002')}\r{line('1003')}\n")
    assert (outcome.row_count, references(rows)) == (3, [(1, "1001"), (2, "1002"), (3, "1003")])


@pytest.mark.parametrize("above", ["sep=;\r\n", "\ufeffsep=;\r\n"])
def test_the_line_that_excel_writes_for_itself_is_no_header(read: Reader, above: str) -> None:
    outcome, rows = read(f"{above}{HEADER}\r\n{line('K1')}\r\n")
    assert (outcome.refusal, references(rows)) == (None, [(1, "K1")])


AGREED = list(COLUMNS.values())
BELOW = "the headers stand on line {}; they have to stand above all else, unless header_row: {} is agreed"
NOBODY = f"{SECRET} {SECRET}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            f"Achterstanden\n{NOBODY}\n\n{HEADER}\n{line('K1')}\n",
            BELOW.format(4, 4),
        ),
        (
            f"Achterstanden{';' * 19}\r\n{HEADER}\r\n{line('K1')}\r\n",
            BELOW.format(2, 2),
        ),
        (f"{','.join(AGREED)}\nK1,{SECRET}\n", "the delimiter is ',', ';' was agreed; with ',' the headers are there"),
        (f"{chr(9).join(AGREED)}\n", "the delimiter is a tab, ';' was agreed; with a tab the headers are there"),
        (
            f"{NOBODY}\n{'|'.join(AGREED)}\n",
            "the delimiter is '|', ';' was agreed; with '|' the headers are there on line 2",
        ),
        (
            f'"{HEADER}"\n"{line("K1")}"\n',
            "each line stands in quotes as a whole; write quotes around cells alone, with ';' between them",
        ),
        (
            f'"{",".join(AGREED)}"\n"K1,{SECRET}"\n',
            "each line stands in quotes as a whole; write quotes around cells alone, with ',' between them",
        ),
        (f"{HEADER}\n{line('K1')}\n".replace(";", "~"), "has one column alone: no ';' stands between cells"),
        (f"{SECRET};K1;2021AA;12;100,00;01-01-2021;01-03-2021\n", "there are no headers: the first row holds values"),
    ],
)
def test_where_the_headers_are_is_said(read: Reader, content: str, said: str) -> None:
    """Cases a09 and a20."""
    outcome, _ = read(content)
    assert outcome.refusal == "missing_columns"
    assert outcome.detail.startswith(said)
    assert SECRET not in outcome.said.dutch


def test_the_row_of_the_headers_is_said_of_a_workbook_too(read: Reader, tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet()
        page.write(1, 0, NOBODY)
        page.write_row(4, 0, AGREED)
    outcome, _ = read(path.read_bytes(), "xlsx")
    assert outcome.detail == BELOW.format(5, 5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}\n{"a": 2}\n', "is one object a line; an array of objects was agreed: [{…}, {…}]"),
        (
            '{"@odata.context": "x", "value": [{}]}',
            "is an object with an array in 'value'; the array alone was agreed: ",
        ),
        (f'{{"{SECRET}": [{{}}]}}', "is an object with an array in one of its fields; the array alone was agreed: "),
        (f'{{"{SECRET}": 1}}', "is one object; an array of objects was agreed: "),
        ("[{}, 1]", "is no array of objects"),
        ('[{"a": "1', "stops in the middle of the JSON, in line 1"),
        ('[{"a": 1}]\n[{"a": 2}]', "holds several JSON texts behind each other"),
        ("[{'a': 1}]", "is no valid JSON at line 1, character 3"),
        ('[{"a": 1},\n', "stops in the middle of the JSON, in line 2, as if it was cut off on the way"),
    ],
)
def test_what_is_no_array_says_what_it_is(read: Reader, content: str, said: str) -> None:
    """Case c07."""
    outcome, _ = read(content, "json")
    assert (outcome.refusal, outcome.detail[: len(said)]) == ("unreadable", said)


def test_a_second_header_in_another_order_refuses_the_file(read: Reader) -> None:
    """Files put behind each other: from there on a name would be taken for initials."""
    fields = [*COLUMNS.values()]
    fields[1], fields[2] = fields[2], fields[1]
    again = ";".join(fields)
    outcome, _ = read(f"{HEADER}\n{line('K1')}\n\ufeff{again}\n{line('K2')}\n")
    assert (
        outcome.detail
        == "has its headers again in row 2 below the headers, in another order; send the files one by one"
    )
    outcome, rows = read(f"{HEADER}\n{line('K1')}\n\ufeff{HEADER}\n{line('K2')}\n")
    assert (outcome.refusal, [row["customer_reference"] for row in rows][::2]) == (None, ["K1", "K2"])


def test_json_in_another_encoding_says_in_which(read: Reader) -> None:
    text = '[{"Surname": "Müller"}]'
    assert (
        read(text.encode("cp1252"), "json")[0].detail
        == "is cp1252 or latin-1, UTF-8 was agreed; save it as UTF-8 and send it again (line 1)"
    )
    wide = read(text.encode("utf-16"), "json")[0].detail
    assert wide.startswith("is UTF-16 (Excel: 'Unicode text'), UTF-8 was agreed")


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_who_a_row_is_of_stands_beside_it(tmp_path: Path, kind: str) -> None:
    form = {"delivery": {"format": kind}, "columns": COLUMNS, "partner_column": "Instantie"}
    layout = Layout.model_validate(form)
    headers, cells = [*COLUMNS.values(), "Instantie"], [*line("K1").split(";"), "PWN "]
    path = tmp_path / "levering"
    if kind == "csv":
        path.write_text(f"{';'.join(headers)}\n{';'.join(cells)}\n", encoding="utf-8")
    elif kind == "json":
        path.write_text(json.dumps([dict(zip(headers, cells, strict=True))]), encoding="utf-8")
    else:
        with xlsxwriter.Workbook(str(path)) as book:
            page = book.add_worksheet()
            page.write_row(0, 0, headers)
            page.write_row(1, 0, cells)
    with duckdb.connect() as connection:
        outcome = read_delivery(connection, path, layout, "delivered", tmp_path)
        found = connection.execute("SELECT customer_reference, partner_in_file FROM delivered").fetchall()
        path.write_text(f"{HEADER}\n{line('K1')}\n", encoding="utf-8")
        without = read_delivery(
            connection, path, Layout.model_validate({**form, "delivery": {"format": "csv"}}), "x", tmp_path
        )
    assert (outcome.refusal, outcome.unexpected_columns, found) == (None, (), [("K1", "PWN ")])
    assert (without.refusal, without.detail) == ("missing_columns", "lacks partner_in_file ('Instantie')")
