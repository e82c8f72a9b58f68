"""What files say in another form than DOMAIN §4 has it means the same: units, days, dates, cells and constants."""

from __future__ import annotations

import gzip
import io
import json
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from vroeg_pipeline_tests.kit.world import REGISTER_HEADER, World

RIGHT = {
    "customer_reference": "K1",
    "surname": "Vries",
    "postcode": "2021AA",
    "house_number": "35",
    "amount_due": "220,50",
    "arrears_since": "01-01-2021",
    "reference_date": "01-03-2021",
}
COLUMNS = {field: field.title() for field in RIGHT}
HEADER = ";".join(COLUMNS.values())


def lines(*rows: dict[str, str], header: bool = True) -> bytes:
    """Rows with changes to a right one, as CSV; each its own customer."""
    written = [
        ";".join({**RIGHT, "customer_reference": f"K{at}", **row}.values()) for at, row in enumerate(rows, start=1)
    ]
    return "\n".join([HEADER] * header + written).encode()


def without(*fields: str, **more: Any) -> dict[str, Any]:
    return {**{field: header for field, header in COLUMNS.items() if field not in fields}, **more}


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A partner a layout."""
    world = World(tmp_path_factory.mktemp("layouts"))
    doors = [("Grutsingel", 35), ("Plein 1940-1945", 12), ("Grutsingel", 1940)]
    register = [f"{at:016d},{street},{number},,,2021AA,Haarlem,0392" for at, (street, number) in enumerate(doors)]
    world.reference("addresses.csv", REGISTER_HEADER, *register)

    def deliver(partner: str, content: bytes, *, name: str = "levering.csv", **changes: Any) -> None:
        world.agree(partner, **{"columns": COLUMNS, **changes})
        world.deliver(partner, "2021-03", content, name=name)

    amounts = ("22050", "220,50", "22.050", "")
    deliver("cents", lines(*({"amount_due": amount} for amount in amounts)), delivery={"unit": "cents"})
    objects = [
        {**RIGHT, "customer_reference": f"K{at}", "amount_due": cents} for at, cents in enumerate((22050, 220.5), 1)
    ]
    deliver(
        "numbers", json.dumps({"signalen": objects}).encode(), columns={field: field for field in RIGHT},
        delivery={"format": "json", "unit": "cents", "records_at": "signalen"},
    )  # fmt: skip
    days = ({"arrears_since": "59"}, {"arrears_since": "-59"}, {"arrears_since": ""}, {"arrears_since": "veel"},
            {"arrears_since": "59", "reference_date": ""}, {"arrears_since": "7"})  # fmt: skip
    deliver("days", lines(*days), columns=without("arrears_since", days_in_arrears="Arrears_Since"))
    dates = ({"arrears_since": "2021-01-01T00:00:00Z"}, {"arrears_since": "44197"}, {"arrears_since": "2021-01-01"})
    deliver("dates", lines(*dates), delivery={"date_format": ["%d-%m-%Y", "%Y-%m-%dT%H:%M:%SZ", "excel"]})
    deliver("no_serials", lines({"arrears_since": "44197"}), delivery={"date_format": ["%d-%m-%Y", "%Y-%m-%d"]})
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        page = workbook.add_worksheet()
        page.write_row(2, 0, COLUMNS.values())
        page.write_row(3, 0, [*list(RIGHT.values())[:5], 44197, "01-03-2021"])
    form = {"format": "xlsx", "date_format": ["%d-%m-%Y", "excel"], "header_row": 3}
    deliver("serials", book.getvalue(), name="levering.xlsx", delivery=form)
    cells = "Nummer;Naam;Adres;Plaats;Bedrag;Sinds\n" + "".join(
        f"K{at};{name};{address};2021 AA HAARLEM;220,50;01-01-2021\n"
        for at, (name, address) in enumerate(
            (('"Vries, J.P. de"', "Grutsingel 35"), ("Vries", "Plein 1940-1945 12"), ("Vries sr", "Grutsingel")),
            start=1,
        )
    )
    deliver(
        "cells", gzip.compress(cells.encode(), mtime=0), name="levering_20210301.csv.gz", delivery={"packed": "gz"},
        columns={"customer_reference": "Nummer", "amount_due": "Bedrag", "arrears_since": "Sinds"},
        constants={"crisis": "ja", "reference_date": 'from_name "%Y%m%d"'},
        split={"Naam": "{surname}, {initials} {prefix}", "Adres": "{street} {house_number}", "Plaats": "{postcode} {city}"},
    )  # fmt: skip
    deliver(
        "places", lines({}, header=False), delivery={"header_row": 0},
        columns={field: at for at, field in enumerate(RIGHT, start=1)},
    )  # fmt: skip
    deliver(
        "nameless", lines({}), name="levering.csv", columns=without("reference_date"),
        constants={"reference_date": 'from_name "%Y%m%d"'},
    )  # fmt: skip
    world.make("2021-03", upto="validated_signals")
    return world


# Partner, row, and the reasons for which it is rejected.
CASES: list[tuple[str, int, list[str]]] = [
    ("cents", 1, []),
    ("cents", 2, ["invalid_amount"]),
    ("cents", 3, []),
    ("cents", 4, ["missing_amount"]),
    ("numbers", 1, []),
    ("numbers", 2, ["invalid_amount"]),
    ("days", 1, []),
    ("days", 2, ["invalid_date"]),
    ("days", 3, ["missing_arrears_since"]),
    ("days", 4, ["invalid_date"]),
    ("days", 5, ["missing_reference_date"]),
    ("days", 6, ["too_few_days"]),
    ("dates", 1, []),
    ("dates", 2, []),
    ("dates", 3, ["invalid_date"]),
    ("no_serials", 1, ["invalid_date"]),
    ("serials", 1, []),
    ("cells", 1, []),
    ("cells", 2, []),
    ("cells", 3, ["invalid_house_number"]),
    ("places", 1, []),
]


@pytest.mark.parametrize(("partner", "number", "reasons"), CASES)
def test_what_is_right_is_the_same_signal(march: World, partner: str, number: int, reasons: list[str]) -> None:
    where = f"partner = '{partner}' AND row_number = {number}"
    assert [found["reasons"] for found in march.table("rejected_rows", where=where)] == ([reasons] if reasons else [])
    signals = march.table("validated_signals", where=where)
    assert len(signals) == (0 if reasons else 1)
    for signal in signals:
        assert (str(signal["amount_due"]), signal["surname"], signal["postcode"]) == ("220.50", "Vries", "2021AA")
        assert (signal["arrears_since"], signal["reference_date"]) == (date(2021, 1, 1), date(2021, 3, 1))
        assert signal["days_in_arrears"] == 59
        if (partner, number) != ("cells", 2):
            assert (signal["address_key"], signal["address_status"]) == ("2021AA_35__", "exact")


def test_every_row_is_counted(march: World) -> None:
    files = {file["partner"]: file for file in march.table("delivery_files")}
    for partner in {partner for partner, *_ in CASES}:
        file = files[partner]
        rejected = sum(1 for of, _, reasons in CASES if of == partner and reasons)
        rows = sum(1 for of, *_ in CASES if of == partner)
        assert (file["row_count"], file["rejected_count"]) == (rows, rejected)
        assert file["accepted_count"] == rows - rejected
        assert file["reference_date_max"] == date(2021, 3, 1)


def test_an_uncertain_door_is_looked_at(march: World) -> None:
    (signal,) = march.table("validated_signals", where="partner = 'cells' AND row_number = 2")
    assert signal["needs_review"]
    assert signal["crisis"]


def test_a_name_without_the_date_refuses_the_file(march: World) -> None:
    (file,) = march.table("delivery_files", where="partner = 'nameless'")
    assert (file["status"], file["refusal"]) == ("refused", "missing_columns")
    assert file["detail"].startswith("lacks in its name a date for reference_date (%Y%m%d)")
