"""A file that nobody agreed on: what it is found to be, what it suggests, and that the reader then reads every row right."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.delivery import read_delivery
from vroeg_pipeline.formats.looked import NOTHING_NAMED, Named, look_at
from vroeg_pipeline.formats.proposals import Proposal, propose
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.samples import (
    ADDRESSED,
    HEADERS,
    IN_ONE_CELL,
    LAYOUTS,
    PEOPLE,
    in_cells,
    objects,
    workbook,
    written,
)  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


def suggested(folder: Path, content: bytes, name: str = "levering", named: Named = NOTHING_NAMED) -> Proposal:
    path = folder / name
    path.write_bytes(content)
    return propose(look_at(path, folder, 5, named), name, named)


def read(
    con: duckdb.DuckDBPyConnection, folder: Path, proposal: Proposal, name: str = "levering"
) -> list[dict[str, Any]]:
    """The rows by the real reader, under the proposal."""
    layout = Layout.model_validate(proposal.layout)
    done = read_delivery(con, folder / name, layout, "rows", folder, name=name)
    assert done.refusal is None, done
    names = [column[0] for column in con.execute("SELECT * FROM rows ORDER BY row_number").description]
    return [dict(zip(names, row, strict=True)) for row in con.fetchall()]


def as_written(rows: Sequence[Mapping[str, Any]], like: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """What was read, in the notation in which the people are written: numbers and dates may have been typed."""

    def text(row: Mapping[str, Any], field: str) -> str:
        value = str(row[field])
        if field in (row["typed"] or []) and field == "amount_due":
            return f"{float(value):,.2f}".translate(str.maketrans(",.", ".,"))
        if field in (row["typed"] or []):
            return "-".join(reversed(value.split("-")))
        return value

    return [{field: text(row, field) for field in like[0]} for row in rows]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_file_suggests_reads_every_row_right(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, layout: str
) -> None:
    content, form = LAYOUTS[layout]
    proposal = suggested(tmp_path, content)
    assert proposal.lacking == ()
    assert {option: proposal.delivery.get(option) for option in form} == form
    people = PEOPLE[:1] if layout == "xml of one" else PEOPLE
    assert as_written(read(con, tmp_path, proposal), people) == people


def test_a_cell_of_several_fields_is_split(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    rows = [{**row, "surname": f"{row['surname']}, J.P. de"} for row in IN_ONE_CELL]
    proposal = suggested(tmp_path, written(rows, {**ADDRESSED, "surname": "Naam"}).encode())
    assert proposal.split == {
        "Naam": "{surname}, {initials} {prefix}",
        "Adres": "{street} {house_number}",
        "Postcode plaats": "{postcode} {city}",
    }
    first = read(con, tmp_path, proposal)[0]
    found = [first[field] for field in ("surname", "initials", "prefix", "street", "house_number", "postcode", "city")]
    assert found == ["Vries", "J.P.", "de", "Grutsingel", "35", "2021AA", "HAARLEM"]


def test_a_whole_address_and_a_name_in_another_order(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    headers = {field: header for field, header in ADDRESSED.items() if field != "place"} | {"surname": "Naam huurder"}
    rows = [
        {**row, "surname": f"J.P. de {row['surname']}", "address": f"{row['address']}, {row['place']}"}
        for row in IN_ONE_CELL
    ]
    proposal = suggested(tmp_path, written(rows, headers).encode())
    assert proposal.lacking == ()
    first = read(con, tmp_path, proposal)[0]
    found = [first[field] for field in ("surname", "initials", "prefix", "street", "house_number", "postcode", "city")]
    assert found == ["Vries", "J.P.", "de", "Grutsingel", "35", "2021AA", "HAARLEM"]


def changed(field: str, *values: str, header: str | None = None) -> bytes:
    rows = [{**row, field: value} for row, value in zip(PEOPLE, values, strict=False)]
    return written(rows, {**HEADERS, **({field: header} if header else {})}).encode()


def test_cents_are_said_and_never_silent(tmp_path: Path) -> None:
    proposal = suggested(tmp_path, changed("amount_due", "22050", "123456", "9995"))
    assert proposal.delivery["unit"] == "cents"
    assert any("taken for cents" in text and "ask" in text for text in proposal.told)
    by_name = suggested(tmp_path, changed("amount_due", "220", "130", "95", header="Bedrag in centen"))
    assert by_name.delivery["unit"] == "cents"
    assert any("the header says so" in text for text in by_name.told)


@pytest.mark.parametrize("amounts", [("220", "130", "95"), ("22050,00", "123456,00", "9995,00")])
def test_euro_is_no_cents(tmp_path: Path, amounts: tuple[str, ...]) -> None:
    proposal = suggested(tmp_path, changed("amount_due", *amounts))
    assert proposal.delivery.get("unit", "euro") == "euro"
    assert not any("cents" in text for text in proposal.told)


@pytest.mark.parametrize(
    ("amounts", "decimal"),
    [
        (("220.50", "1,234.56", "99.95"), "."),
        (("220,50", "1.234,56", "99,95"), ","),
        (("€ 220,-", "€ 1.234,-", "99"), ","),
    ],
)
def test_the_decimal_mark_is_seen(tmp_path: Path, amounts: tuple[str, ...], decimal: str) -> None:
    assert suggested(tmp_path, changed("amount_due", *amounts)).delivery["decimal"] == decimal


@pytest.mark.parametrize(
    ("dates", "formats"),
    [
        (("2021-01-01", "2020-11-28", "2020-12-13"), ["%d-%m-%Y", "%Y-%m-%d"]),
        (("01/01/2021", "28/11/2020", "13/12/2020"), ["%d-%m-%Y", "%d/%m/%Y"]),
        (("01/01/2021", "11/28/2020", "12/13/2020"), ["%d-%m-%Y", "%m/%d/%Y"]),
        (("2021-01-01T00:00:00Z", "28-11-2020", "13-12-2020"), ["%d-%m-%Y", "%Y-%m-%dT%H:%M:%SZ"]),
        (("20210101", "20201128", "20201213"), ["%d-%m-%Y", "%Y%m%d"]),
        (("44197", "44163", "44178"), ["%d-%m-%Y", "excel"]),
        (("01-01-21", "28-11-20", "13-12-20"), ["%d-%m-%Y", "%d-%m-%y"]),
    ],
)
def test_the_formats_of_dates_are_seen(tmp_path: Path, dates: tuple[str, ...], formats: list[str]) -> None:
    assert sorted(suggested(tmp_path, changed("arrears_since", *dates)).delivery["date_format"]) == sorted(formats)


def test_one_wrong_date_suggests_no_format(tmp_path: Path) -> None:
    proposal = suggested(tmp_path, changed("arrears_since", "01-01-2021", "onbekend", "13-12-2020"))
    assert proposal.delivery["date_format"] == "%d-%m-%Y"


def test_days_stand_in_place_of_a_date(tmp_path: Path) -> None:
    proposal = suggested(tmp_path, changed("arrears_since", "59", "90", "31", header="Aantal dagen achterstand"))
    assert proposal.lacking == ()
    assert proposal.columns["days_in_arrears"] == "Aantal dagen achterstand"
    assert "arrears_since" not in proposal.columns


def test_values_are_stronger_than_a_header(tmp_path: Path) -> None:
    """A column of dates is no amount, whatever stands above it."""
    rows = [{**row, "invoice": "01-02-2021"} for row in PEOPLE]
    headers = {**HEADERS, "amount_due": "Saldo per peildatum", "invoice": "Vordering"}
    proposal = suggested(tmp_path, written(rows, headers).encode())
    assert proposal.columns["amount_due"] == "Saldo per peildatum"
    assert proposal.columns["reference_date"] == "Peildatum"
    crisis = suggested(
        tmp_path, written([{**row, "crisis": "01-02-2021"} for row in PEOPLE], {**HEADERS, "crisis": "Crisis"}).encode()
    )
    assert "crisis" not in crisis.columns
    assert "'Crisis' is named like crisis, but its values are others: it is left out" in crisis.told


def test_a_required_field_is_not_left_without_its_column(tmp_path: Path) -> None:
    proposal = suggested(tmp_path, changed("house_number", "zie bijlage", "zie bijlage", "7"))
    assert (proposal.columns["house_number"], proposal.lacking) == ("Huisnummer", ())
    assert any("'Huisnummer' is named like house_number, but most" in text for text in proposal.told)
    dates = suggested(tmp_path, changed("amount_due", "01-02-2021", "01-02-2021", "01-02-2021"))
    assert dates.lacking == ("amount_due",)


def with_column(header: str, *values: str) -> bytes:
    rows = [{**row, "more": value} for row, value in zip(PEOPLE, values, strict=True)]
    return written(rows, {**HEADERS, "more": header}).encode()


def test_words_for_yes_and_no_are_looked_at(tmp_path: Path) -> None:
    known = suggested(tmp_path, with_column("Crisis J/N", "J", "", "N"))
    assert (known.columns["crisis"], known.told) == ("Crisis J/N", ())
    other = suggested(tmp_path, with_column("Ontruiming", "Ja", "Yes", "Nee"))
    assert other.columns["crisis"] == "Ontruiming"
    assert any("'Ontruiming' has words for yes or no that are not read" in text for text in other.told)


def test_an_address_without_a_number_is_a_street(tmp_path: Path) -> None:
    proposal = suggested(tmp_path, with_column("Adres", "Grutsingel", "Plein 1940-1945", "Kerkstraat"))
    assert (proposal.columns["street"], proposal.split) == ("Adres", {})


def test_without_a_header_optional_fields_are_known_too(tmp_path: Path) -> None:
    rows = (
        "1001;J.P.;van;Dijk;Grutsingel;35;A;2021AA;HAARLEM;0612345678;a@b.example;01-02-1980;1.220,50;01-01-2021;01-03-2021",
        "1002;P.;;Smit;Kerkstraat;7;;2021AB;HAARLEM;;;13-12-1975;220,50;13-01-2021;01-03-2021",
    )
    order = (
        "customer_reference", "initials", "prefix", "surname", "street", "house_number", "house_letter", "postcode", "city",
        "phone", "email", "birth_date", "amount_due", "arrears_since", "reference_date",
    )  # fmt: skip
    proposal = suggested(tmp_path, "\n".join(rows).encode())
    assert proposal.columns == {field: str(at) for at, field in enumerate(order, start=1)}


def test_the_date_in_the_name_of_a_file_stands_in(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    headers = {field: header for field, header in HEADERS.items() if field != "reference_date"}
    name = "export_20210305_v2.csv"
    proposal = suggested(tmp_path, written(PEOPLE, headers).encode(), name)
    assert proposal.lacking == ()
    assert [row["reference_date"] for row in read(con, tmp_path, proposal, name)] == ["2021-03-05"] * 3
    assert suggested(tmp_path, written(PEOPLE, headers).encode()).lacking == ("reference_date",)


def test_a_column_of_partners_makes_a_sender(tmp_path: Path) -> None:
    headers = {"partner": "Instantie", **HEADERS}
    several = [{**row, "partner": name} for row, name in zip(PEOPLE, ("PWN", "Ymere", "PWN"), strict=True)]
    proposal = suggested(tmp_path, written(several, headers).encode())
    assert (proposal.partner_column, proposal.lacking) == ("Instantie", ())
    assert any("names 2 partners" in text for text in proposal.told)
    one = suggested(tmp_path, written([{**row, "partner": "PWN"} for row in PEOPLE], headers).encode())
    assert one.partner_column is None


def test_of_several_sheets_and_arrays_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    page = [[*HEADERS.values()], *in_cells(PEOPLE)]
    proposal = suggested(tmp_path, workbook({"Uitleg": [["Lees dit"]], "Noord": page, "Zuid": page}))
    assert proposal.delivery["sheet"] == 2
    assert "sheet 2 is taken, the first with known headers; sheet 3 has known headers too" in proposal.told
    arrays = {"fouten": [{"code": 1}], "signalen": objects(PEOPLE), "meldingen": objects(PEOPLE)}
    proposal = suggested(tmp_path, json.dumps(arrays).encode())
    assert proposal.delivery["records_at"] == "signalen"
    assert any("2 arrays have known names" in text for text in proposal.told)


def test_headers_that_are_no_terms_can_be_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    strange = {field: f"KOLOM_{at}X" for at, field in enumerate(HEADERS)}
    content = written(PEOPLE, strange).encode()
    alone = suggested(tmp_path, content)
    assert alone.delivery["header_row"] == 0
    assert any("--column" in text for text in alone.told)
    proposal = suggested(tmp_path, content, named=Named(strange))
    assert as_written(read(con, tmp_path, proposal), PEOPLE) == PEOPLE


def test_a_name_around_the_rows_that_is_no_term_is_kept_hidden(tmp_path: Path) -> None:
    content = json.dumps({"Jansen": {"signalen": objects(PEOPLE)}}).encode()
    assert suggested(tmp_path, content).hidden == {"records_at"}
    assert suggested(tmp_path, content, named=Named(records_at="Jansen.signalen")).hidden == frozenset()


def in_fixed_widths(people: Sequence[Mapping[str, str]]) -> str:
    return "".join(
        f"{p['customer_reference']:<10}{p['surname'] + ', J.':<20}{p['postcode']:<7}{'Grutsingel':<24}{p['house_number']:<8}"
        f"{p['amount_due']:>12}{p['arrears_since']}{p['reference_date']}\n"
        for p in people
    )


FIXED = {
    "customer_reference": "1-10", "postcode": "31-37", "street": "38-61", "house_number": "62-68", "amount_due": "69-81",
    "arrears_since": "82-91", "reference_date": "92-101",
}  # fmt: skip


def test_fixed_widths_are_found_by_what_stands_in_them(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Fields that touch each other too, and room for what is longer than in the sample."""
    proposal = suggested(tmp_path, in_fixed_widths(PEOPLE).encode())
    assert (proposal.columns, proposal.split) == (FIXED, {"11-30": "{surname}, {initials} {prefix}"})
    assert any("check the characters from-to of each" in text for text in proposal.told)
    longer = [{**PEOPLE[0], "surname": "Vreeswijk-Ruijs", "amount_due": "123.456,78", "house_number": "12345"}]
    (tmp_path / "levering").write_bytes(in_fixed_widths(longer).encode())
    (row,) = read(con, tmp_path, proposal)
    assert [row[field].strip() for field in ("surname", "amount_due", "house_number")] == [
        "Vreeswijk-Ruijs", "123.456,78", "12345",
    ]  # fmt: skip


def test_fixed_widths_below_their_names(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    headers = ("Klantnummer", "Achternaam", "Postcode", "Huisnr", "Bedrag", "Sinds", "Peildatum")
    names = dict(zip(PEOPLE[0], headers, strict=True))
    lines = [
        f"{p['customer_reference']:<16}{p['surname']:<20}{p['postcode']:<10}{p['house_number']:<8}{p['amount_due']:>12}  "
        f"{p['arrears_since']:<12}{p['reference_date']:<10}\n"
        for p in (names, *PEOPLE)
    ]
    proposal = suggested(tmp_path, "".join(lines).encode())
    assert (proposal.delivery["skip_rows"], proposal.lacking) == (1, ())
    found = [
        {field: text.strip() for field, text in row.items()}
        for row in as_written(read(con, tmp_path, proposal), PEOPLE)
    ]
    assert found == PEOPLE


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b" \n ", "is empty"),
        (b"%PDF-1.7 \n", "PDF"),
        (b"een tekst\nzonder kolommen\n", "no columns"),
        (b"[]", "is an empty array"),
        (b"[1, 2]", "is no array of objects"),
        (b'{"a": ', "stops in the middle"),
        (b"<a><b></a>", "no valid XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "document type"),
        (b"PK\x03\x04 no zip", "no whole workbook"),
        (gzip.compress(b"a;b\n", mtime=0)[:-9], "broken .gz"),
        (b'Klantnummer;"Achternaam;Postcode\n1;2;3\n', "quote"),
    ],
)
def test_what_no_agreement_can_describe_is_said(tmp_path: Path, content: bytes, how: str) -> None:
    with pytest.raises(UnreadableError, match=how):
        suggested(tmp_path, content)


@settings(max_examples=examples(60))
@given(
    rows=st.lists(st.lists(st.text(max_size=12), min_size=1, max_size=8), min_size=1, max_size=6),
    delimiter=st.sampled_from(";,\t|"),
)
def test_of_any_table_no_cell_is_told(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    """And none makes it fail but with words for people."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([f"x{cell}Q" for cell in row] for row in rows)
    try:
        proposal = suggested(tmp_path_factory.mktemp("any"), text.getvalue().encode("utf-8", "replace"))
    except UnreadableError as error:
        said = str(error)
    else:
        said = " ".join([*proposal.told, *proposal.columns.values(), *proposal.split])
    for row in rows:
        for cell in row:
            assert f"x{cell}Q" not in said
