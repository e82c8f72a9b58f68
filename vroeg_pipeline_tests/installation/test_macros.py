"""How delivered text is read (DOMAIN §4, §5). How surnames are compared stands in `matches/test_same_names.py`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from vroeg_pipeline.formats.cells import BLANK
from vroeg_pipeline_tests.kit.world import World


def value(connection: duckdb.DuckDBPyConnection, expression: str, *parameters: object) -> object:
    return connection.execute(f"SELECT {expression}", list(parameters)).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100", "100.00"),
        ("100,5", "100.50"),
        ("1.234,56", "1234.56"),
        ("1234,56", "1234.56"),
        ("1.234.567,89", "1234567.89"),
        ("€ 1.234,56", "1234.56"),
        ("1.234,56 €", "1234.56"),
        ("€1 234,50", "1234.50"),
        ("\xa0100,00", "100.00"),
        ("0,005", "0.01"),
        ("74,994", "74.99"),
        ("74,995", "75.00"),
        ("1,005", "1.01"),
        ("0", "0.00"),
        ("-5,00", "-5.00"),
        ("1.234", "1234.00"),
        ("12.34", None),
        ("1.23.456", None),
        ("1234.567,00", None),
        ("1,234.56", None),
        ("12,", None),
        (",50", None),
        ("nihil", None),
        ("1e3", None),
        ("1_000", None),
        ("12,34,56", None),
        ("99999999999", None),
        # A comma that got lost, or two numbers in one cell, is never put together.
        ("350,00 12", None),
        ("350 00", None),
        ("1 234 5", None),
        ("1 234,56", "1234.56"),
        ("1\u202f234,56", "1234.56"),
        ("1.234 567", None),
        ("1.234,-", "1234.00"),
        ("350,--", "350.00"),
        ("EUR 1.234,56", "1234.56"),
        ("1.234,56 eur", "1234.56"),
        ("99,95 €", "99.95"),
        ("EUR 5 EUR", None),
        ("123,45-", "-123.45"),
        ("€ -5", "-5.00"),
        ("-5-", None),
        ("100,00\u200b", "100.00"),
        ("1\u00ad00,00", "100.00"),
    ],
)
def test_amount_with_a_comma(connection: duckdb.DuckDBPyConnection, text: str, amount: str | None) -> None:
    found = value(connection, "amount_of(?, ',', false)", text)
    assert found == (Decimal(amount) if amount else None)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,234.56", "1234.56"),
        ("1234.5", "1234.50"),
        ("1.234,56", None),
        ("1,23.4", None),
        ("12.34", "12.34"),
        ("1,234", "1234"),
        ("350.-", "350.00"),
        ("1,234.--", "1234.00"),
        ("EUR 1 234.50", "1234.50"),
    ],
)
def test_amount_with_a_point(connection: duckdb.DuckDBPyConnection, text: str, amount: str | None) -> None:
    found = value(connection, "amount_of(?, '.', false)", text)
    assert found == (Decimal(amount) if amount else None)


def test_a_number_cell_is_taken_as_such(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "amount_of('1234.565', ',', true)") == Decimal("1234.57")


@pytest.mark.parametrize(
    ("text", "typed", "amount"),
    [
        ("22050", False, "220.50"),
        ("22.050", False, "220.50"),
        ("€ 22 050", False, "220.50"),
        ("-7", False, "-0.07"),
        ("220,50", False, None),
        ("220,00", False, None),
        ("220,-", False, None),
        ("220.--", False, None),
        ("22.05", False, None),
        ("veel", False, None),
        ("22050", True, "220.50"),
        ("220.5", True, None),
        ("9999999999", True, "99999999.99"),
    ],
)
def test_whole_cents(connection: duckdb.DuckDBPyConnection, text: str, typed: bool, amount: str | None) -> None:
    found = value(connection, "cents_of(?, ',', ?)", text, typed)
    assert found == (Decimal(amount) if amount else None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("01-03-2021", date(2021, 3, 1)),
        ("2021-03-01T00:00:00Z", date(2021, 3, 1)),
        ("44256", date(2021, 3, 1)),
        ("44256.75", date(2021, 3, 1)),
        ("44256,75", date(2021, 3, 1)),
        ("0", None),
        ("20210301", None),
        ("2021-03-01", None),
        ("epoch", None),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
def test_date_in_one_of_the_agreed_formats(world: World, typed: bool, text: str, day: date | None) -> None:
    world.agree("drie", delivery={"date_format": ["%d-%m-%Y", "%Y-%m-%dT%H:%M:%SZ", "excel"]})
    with duckdb.connect() as made:
        world.installation.define_macros(made)
        agreed = world.installation.partners.agreements["drie"].delivery.dates
        expected = date(2021, 3, 1) if typed and text == "2021-03-01" else day
        assert value(made, "date_of(?, ?, ?)", text, agreed, typed) == expected


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("2021-07-31T22:00:00Z", "%Y-%m-%dT%H:%M:%SZ", date(2021, 8, 1)),
        ("2021-08-01T00:00:00Z", "%Y-%m-%dT%H:%M:%SZ", date(2021, 8, 1)),
        ("2021-12-31T22:59:59.999Z", "%Y-%m-%dT%H:%M:%S.%fZ", date(2021, 12, 31)),
        ("2021-12-31T23:00Z", "%Y-%m-%dT%H:%MZ", date(2022, 1, 1)),
        ("2021-07-31T22:00:00+00:00", "%Y-%m-%dT%H:%M:%S%z", date(2021, 8, 1)),
        ("2021-08-01T00:00:00+0200", "%Y-%m-%dT%H:%M:%S%z", date(2021, 8, 1)),
        ("2021-08-01T00:00:00-05:00", "%Y-%m-%dT%H:%M:%S%z", date(2021, 8, 1)),
        ("2021-07-31T22:00:00Z", "%Y-%m-%dT%H:%M:%S%z", date(2021, 8, 1)),
        ("2021-08-01T00:00:00", "%Y-%m-%dT%H:%M:%S%z", None),
        ("2021-08-01T00:00:00", "%Y-%m-%dT%H:%M:%S", date(2021, 8, 1)),
    ],
)
def test_a_moment_is_its_day_in_the_netherlands(world: World, text: str, date_format: str, day: date | None) -> None:
    world.agree("moment", delivery={"date_format": date_format})
    with duckdb.connect() as made:
        world.installation.define_macros(made)
        assert value(made, "date_of(?, ?, false)", text, date_format) == day


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("20210110", "%Y%m%d", date(2021, 1, 10)),
        ("2021110", "%Y%m%d", None),
        ("1012021", "%d%m%Y", None),
        ("20210110 9:05", "%Y%m%d %H:%M", date(2021, 1, 10)),
        ("2021110 09:05", "%Y%m%d %H:%M", None),
        ("20210110T090500Z", "%Y%m%dT%H%M%SZ", date(2021, 1, 10)),
        ("20210110090500+0100", "%Y%m%d%H%M%S%z", date(2021, 1, 10)),
        ("1-1-2021 9:05", "%d-%m-%Y %H:%M", date(2021, 1, 1)),
    ],
)
def test_digits_that_touch_are_all_there(world: World, text: str, date_format: str, day: date | None) -> None:
    world.agree("een", delivery={"date_format": date_format})
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'Europe/Amsterdam'")
        world.installation.define_macros(made)
        assert value(made, "date_of(?, ?, false)", text, date_format) == day


@pytest.mark.parametrize(
    ("text", "days"),
    [("69", 69), ("0", 0), ("6\u200b9", 69), ("-1", None), ("69,5", None), ("2021-03-01", None), ("123456", None)],
)
def test_days(connection: duckdb.DuckDBPyConnection, text: str, days: int | None) -> None:
    assert value(connection, "days_of(?)", text) == days


@pytest.mark.parametrize(
    ("text", "date_format", "day"),
    [
        ("01-03-2021", "%d-%m-%Y", date(2021, 3, 1)),
        ("1-3-2021", "%d-%m-%Y", date(2021, 3, 1)),
        ("01-03-21", "%d-%m-%Y", None),
        ("2021-03-01", "%d-%m-%Y", None),
        ("31-02-2021", "%d-%m-%Y", None),
        ("01-03-2021 12:00", "%d-%m-%Y", None),
        ("2021-03-01", "%Y-%m-%d", date(2021, 3, 1)),
        ("010321", "%d%m%y", date(2021, 3, 1)),
        # Without its zero it could be the tenth of December 2001.
        ("10121", "%d%m%y", None),
        ("10321", "%d%m%y", None),
        ("0103021", "%d%m%y", None),
        ("01-03-2021\x01", "%d-%m-%Y", None),
    ],
)
def test_date_in_the_agreed_format(
    connection: duckdb.DuckDBPyConnection, text: str, date_format: str, day: date | None
) -> None:
    assert value(connection, "date_of(?, ?, false)", text, date_format) == day


def test_a_date_cell_is_taken_as_such(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "date_of('2021-03-01', '%d-%m-%Y', true)") == date(2021, 3, 1)
    assert value(connection, "date_of('010321', '%d%m%y', true)") == date(2021, 3, 1)


@pytest.mark.parametrize(
    ("text", "flag"),
    [("ja", True), ("J", True), ("TRUE", True), ("1", True), ("X", True), ("nee", False), ("N", False), ("false", False),
     ("0", False), (None, False), ("misschien", None), ("jaa", None), ("2", None), ("ja\x01", None)],
)  # fmt: skip
def test_flag(connection: duckdb.DuckDBPyConnection, text: str | None, flag: bool | None) -> None:
    assert value(connection, "flag_of(?)", text) is flag


@pytest.mark.parametrize(("text", "kept"), [(" \t a b \r\n", "a b"), ("\xa0", None), ("", None), (None, None)])
def test_trimming(connection: duckdb.DuckDBPyConnection, text: str | None, kept: str | None) -> None:
    assert value(connection, "text_of(?)", text) == kept


def test_what_is_taken_off_a_text_leaves_nothing_of_a_row(connection: duckdb.DuckDBPyConnection) -> None:
    """Readers of files know it as `BLANK`."""
    every = "SELECT chr(code::INTEGER) AS sign FROM range({}, {}) AS codes (code)"
    signs = f"{every.format(1, 0xD800)} UNION ALL {every.format(0xE000, 0x110000)}"
    off = connection.execute(f"SELECT sign FROM ({signs}) WHERE text_of(sign) IS NULL").fetchall()
    assert {sign for (sign,) in off} == {*BLANK}


def test_amounts_are_shown_as_in_dutch(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "euro(1234567.5)") == "€ 1.234.567,50"


@pytest.mark.parametrize(
    ("written", "postcode"),
    [
        ("2021AB", "2021AB"),
        (" 2021 ab ", "2021AB"),
        ("2 0 2 1 a b", "2021AB"),
        ("2021\xa0AB", "2021AB"),
        ("0021AB", None),
        ("2021A", None),
        ("2021ABC", None),
        ("2021SA", None),
        ("2021 s d", None),
        ("2021 S S", None),
        ("2021AS", "2021AS"),
        ("2021-AB", None),
    ],
)
def test_postcodes(connection: duckdb.DuckDBPyConnection, written: str, postcode: str | None) -> None:
    (read,) = connection.execute("SELECT postcode_of(text_of(?))", [written]).fetchall()[0]
    assert read == postcode


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("\u200b\ufeff Jansen\u00a0\u2060", "Jansen"),
        ("\u3000Jansen\u202f", "Jansen"),
        ("\u00ad1003\u200e", "1003"),
        ('="00123"', "00123"),
        ('=" 00123 "', "00123"),
        ("'00123", "00123"),
        ("'t Hart", "'t Hart"),
        ("'s-Gravenhage", "'s-Gravenhage"),
        ("=x", "=x"),
        ("\u200b", None),
        ("\t\r\n ", None),
    ],
)
def test_text_is_what_its_writer_meant(connection: duckdb.DuckDBPyConnection, text: str, meant: str | None) -> None:
    assert value(connection, "text_of(?)", text) == meant


@pytest.mark.parametrize("text", ["#N/A", "#n/b", "#VERW!", "Jan\0sen", "Jan\x1fsen", "Jan\x85sen"])
def test_what_a_spreadsheet_or_a_control_character_spoils_is_no_text(
    connection: duckdb.DuckDBPyConnection, text: str
) -> None:
    assert value(connection, "is_damaged(text_of(?), false, false)", text) is True
    assert value(connection, "undamaged(text_of(?), [], 'phone')", text) is None


@pytest.mark.parametrize(
    ("text", "typed", "damaged"),
    [
        ("1,23457E+14", False, True),
        ("1.23457e+14", False, True),
        ("1E-05", False, True),
        ("12E3", False, False),
        ("E12345", False, False),
        ("1234567890123456", False, False),
        ("1234567890123456", True, True),
        ("123456789012345", True, False),
        ("2021-03-01", False, False),
    ],
)
def test_a_reference_that_excel_shortened(
    connection: duckdb.DuckDBPyConnection, text: str, typed: bool, damaged: bool
) -> None:
    assert value(connection, "is_damaged_number(?, ?)", text, typed) is damaged


def test_a_date_cell_is_no_reference(connection: duckdb.DuckDBPyConnection) -> None:
    assert value(connection, "is_damaged('2021-03-01', true, false)") is True
    assert value(connection, "is_damaged('2021-03-01', false, false)") is False


@pytest.mark.parametrize("text", ["epoch", "infinity", "-infinity", "now", "today"])
def test_a_word_is_no_date(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(connection, "date_of(?, '%d-%m-%Y', false)", text) is None


@pytest.mark.parametrize("text", ["3-de", "12-3", "12-3-21", "12 mei", "3/dec", "7:3"])
def test_what_is_still_a_house_number(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(connection, "number_and_rest(?).number", text) in ("3", "7", "12")


@pytest.mark.parametrize("text", ["2021\u200bAB", "2021\u2009AB", "\ufeff2021ab", "20 21 AB"])
def test_what_cannot_be_seen_is_no_part_of_a_postcode(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(connection, "postcode_of(?)", text) == "2021AB"


@pytest.mark.parametrize(
    "text",
    [
        "7.5", "7,5", "2021-12-03", "2021-12-03 00:00:00", "3-dec", "12-MRT", "12-3-2021", "1/2/1940", "7:30", "12:00:00",
        "7\x01", "0", "A",
    ],
)  # fmt: skip
def test_what_is_no_house_number(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert value(connection, "number_and_rest(?).number", text) == ""


def test_a_cell_that_was_no_text_is_left_out_where_it_may_be_absent(connection: duckdb.DuckDBPyConnection) -> None:
    for text, typed in (("2021-03-12", ["email"]), ("{...}", ["email:other"])):
        assert value(connection, "undamaged(text_of(?), ?, 'email')", text, typed) is None
        assert value(connection, "undamaged(text_of(?), ?, 'phone')", text, typed) == text
    assert value(connection, "undamaged(text_of('2'), ['email'], 'email')") == "2"
