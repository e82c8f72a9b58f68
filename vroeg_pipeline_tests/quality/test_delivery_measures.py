"""What a delivery is in numbers, beside the months before it (the statement alone)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from vroeg_pipeline_tests.kit.tables import MARCH, Tables

BEFORE = ("2021-01", "2021-02")


def deliver(tables: Tables, month: str, *amounts: object, outside: int = 0, days: int = 60) -> None:
    """A delivery of ten rows: signals of these amounts, and rows outside the area."""
    tables.delivery(month=month)
    for number, amount in enumerate(amounts):
        tables.signal("huur", number + 1, month, amount_due=amount, days_in_arrears=days)
    for _ in range(outside):
        tables.rejected("outside_area", month=month)


def measured(tables: Tables, *months: str) -> dict[str, Any]:
    """What the last of these months is measured to be."""
    tables.measures(*months)
    (found,) = tables.query(f"FROM delivery_measures WHERE month = '{months[-1]}-01' AND partner = 'huur'")
    return found


def test_the_medians_are_compared_with_those_of_the_months_before(tables: Tables) -> None:
    deliver(tables, "2021-01", 100, 200, 300, days=40)
    deliver(tables, "2021-02", 240, days=60)
    deliver(tables, MARCH, 22_000, days=100)
    found = measured(tables, *BEFORE, MARCH)
    assert (found["median_amount"], found["amount_to_usual"]) == (Decimal("22000.00"), pytest.approx(100))
    assert (found["median_days"], found["days_to_usual"]) == (100, 2)


def test_one_month_is_no_habit(tables: Tables) -> None:
    deliver(tables, "2021-02", 200, outside=9)
    deliver(tables, MARCH, 22_000, outside=4)
    found = measured(tables, "2021-02", MARCH)
    assert (found["amount_to_usual"], found["days_to_usual"]) == (None, None)
    # Nothing is usual yet: the whole share counts.
    assert (found["share_outside_area"], found["outside_area_above_usual"]) == (0.4, 0.4)


def test_an_amount_that_was_read_as_cents_counts_though_its_row_was_rejected(tables: Tables) -> None:
    for month in BEFORE:
        deliver(tables, month, 200, 200)
    deliver(tables, MARCH)
    for amount in ("2.00", "2.10", "1.90"):
        tables.rejected("below_threshold", amount_due=amount)
    tables.rejected("invalid_amount", amount_due="-500")
    found = measured(tables, *BEFORE, MARCH)
    assert (found["median_amount"], found["amount_to_usual"]) == (Decimal("2.00"), pytest.approx(0.01))


def test_what_lies_outside_the_area_is_compared_with_what_is_usual(tables: Tables) -> None:
    deliver(tables, "2021-01", outside=3)
    deliver(tables, "2021-02", outside=5)
    deliver(tables, MARCH, outside=9)
    tables.rejected("invalid_amount")
    found = measured(tables, *BEFORE, MARCH)
    assert (found["share_outside_area"], found["outside_area_above_usual"]) == (0.9, pytest.approx(0.5))


def test_a_delivery_without_rows_is_measured_too(tables: Tables) -> None:
    tables.delivery(row_count=0, accepted_count=0, rejected_count=0)
    found = measured(tables, MARCH)
    unknown = ("median_amount", "median_days", "share_outside_area", "outside_area_above_usual", "share_rejected")
    assert [found[name] for name in unknown] == [None] * 5


@pytest.mark.parametrize(
    ("sent", "share"),
    [([True, False, False, False], 0.75), ([True], 0), ([None, None], None), ([None, False, True], 0.5), ([], None)],
)
def test_the_share_without_a_reminder_is_of_who_says_so(
    tables: Tables, sent: list[bool | None], share: float | None
) -> None:
    tables.delivery()
    for number, reminder_sent in enumerate(sent, start=1):
        tables.signal("huur", number, reminder_sent=reminder_sent)
    assert measured(tables, MARCH)["share_without_reminder"] == share


def names_of(tables: Tables, *names: str, field: str = "surname") -> tuple[int, int]:
    """How many rows with these names have an HTML entity, and how many a letter that was encoded twice."""
    tables.delivery()
    for name in names:
        tables.delivered(**{field: name})
    found = measured(tables, MARCH)
    return found["escaped_names"], found["twice_encoded_names"]


@pytest.mark.parametrize(
    "name",
    [
        "M&uuml;ller",
        "M&UUML;LLER",
        "M&Uuml;ller",
        "Jansen &amp; Zn",
        "Jos&#233;",
        "Jos&#xE9;",
        "&amp;uuml;",
        "O&apos;Hara",
    ],
)
def test_an_html_entity_in_a_name_is_counted(tables: Tables, name: str) -> None:
    assert names_of(tables, name, "Bakker") == (1, 0)


@pytest.mark.parametrize(
    "name",
    ["Bakker & Zn", "R&D;", "C&A; Mode", "V&D", "Jansen &Zn;", "Smit&", "&;", "&#;", "&uuml", "A & B; C", "Jansen; &"],
)
def test_a_sign_alone_is_no_html_entity(tables: Tables, name: str) -> None:
    assert names_of(tables, name) == (0, 0)


@pytest.mark.parametrize("reading", ["latin-1", "cp1252"])
@pytest.mark.parametrize(
    "name", ["Müller", "José", "ÅSTRÖM", "CÉLINE", "Łukasz", "Şahin", "Nguyễn", "’t Hart", "D´Arc"]
)
def test_a_letter_that_was_encoded_twice_is_counted(tables: Tables, name: str, reading: str) -> None:
    # A byte that cp1252 does not have stays what it is.
    bytes_of = [bytes([byte]) for byte in name.encode()]
    twice = "".join(b.decode(reading if b.decode(reading, "ignore") else "latin-1") for b in bytes_of)
    assert names_of(tables, twice, name) == (0, 1)


@pytest.mark.parametrize(
    "name",
    [
        "JOÃO",
        "Ã",
        "Â",
        "Å",
        "ÂGE",
        "Ångström",
        "São",
        "Müller",
        "SÃO PAULO",
        "Ä. de Vries",
        "Ã-Jansen",
        "Conceição",
        "Łoś",
    ],
)
def test_a_letter_that_looks_like_it_is_a_letter(tables: Tables, name: str) -> None:
    assert names_of(tables, name) == (0, 0)


@pytest.mark.parametrize("field", ["surname", "initials", "prefix", "street", "city"])
def test_names_of_people_streets_and_towns_are_looked_at(tables: Tables, field: str) -> None:
    assert names_of(tables, "R&eacute;gie", "CafÃ©", field=field) == (1, 1)


def test_a_letter_that_was_lost_is_counted(tables: Tables) -> None:
    assert names_of(tables, "M\ufffdller", "Muller") == (0, 1)


def test_only_the_delivery_of_the_month_is_looked_at(tables: Tables) -> None:
    tables.delivered(file_sha256="superseded", surname="M&uuml;ller")
    tables.delivered(month="2021-02", surname="M&uuml;ller")
    tables.delivered("water", surname="M&uuml;ller &amp; MÃ¼ller")
    tables.delivery("water")
    assert names_of(tables, "Bakker") == (0, 0)
    (water,) = tables.query("FROM delivery_measures WHERE partner = 'water'")
    assert (water["escaped_names"], water["twice_encoded_names"]) == (1, 1)
