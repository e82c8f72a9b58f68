"""Which door a delivered row comes to: decisions of the address desk, and side addresses (DOMAIN §6)."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline_tests.kit.sql import load_register

Dwelling = tuple[int, str]
dwellings = st.lists(
    st.tuples(st.integers(10, 13), st.sampled_from(["", "A", "RD", "ZW", "2", "HS"])), unique=True, max_size=8
)


def register_of(some: list[Dwelling]) -> list[tuple[object, ...]]:
    return [
        ("2021AB", number, "A" if suffix == "A" else "", "" if suffix == "A" else suffix) for number, suffix in some
    ]


def addressed(connection: duckdb.DuckDBPyConnection, house_number: str, surname: str = "Testman") -> dict[str, Any]:
    """What becomes of one delivered row."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE delivered_rows AS
        SELECT
            '2021AB' AS postcode, '2021 ab' AS postcode_text, NULL::VARCHAR AS street, ? AS house_number,
            NULL::VARCHAR AS house_letter, NULL::VARCHAR AS house_number_addition, NULL::VARCHAR AS city, ? AS surname
        """,
        [house_number, surname],
    )
    resolve_addresses(connection, "delivered_rows")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE desk_answers AS {sql('desk_answers')}")
    result = connection.execute(sql("addressed_rows"))
    names = [column[0] for column in result.description]
    (row,) = result.fetchall()
    return dict(zip(names, row, strict=True))


def override(connection: duckdb.DuckDBPyConnection, desk_id: str, decision: str, key: str | None) -> None:
    connection.execute("DELETE FROM reference.address_decisions")
    connection.execute(
        """
        INSERT INTO reference.address_decisions (file_sha256, row_number, desk_id, decision, address_key, decided_at)
        VALUES ('f', 1, ?, ?, ?, TIMESTAMPTZ '2021-03-10 10:00:00+01')
        """,
        [desk_id, decision, key],
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dwellings, dwellings, st.sampled_from(["address", "as_written"]), st.sampled_from(["12", "12 rd", "12A", "12-2"])
)
def test_a_decision_outlives_every_register(
    connection: duckdb.DuckDBPyConnection, some: list[Dwelling], more: list[Dwelling], decision: str, written: str
) -> None:
    load_register(connection, register_of(some))
    desk_id = addressed(connection, written)["desk_id"]
    override(connection, desk_id, decision, "2021AB_13__RD" if decision == "address" else None)
    before = addressed(connection, written)
    load_register(connection, register_of(list(dict.fromkeys([*some, *more]))))
    after = addressed(connection, written)
    told = ("address_key", "address_status", "needs_review", "address_stage", "desk_id")
    if decision == "as_written":
        told = told[2:]
        assert after["address_key"].startswith("2021AB_12_")
        assert "?" not in after["address_key"]
        assert after["address_status"] in {"unknown", after["resolver_status"]}
    assert [after[name] for name in told] == [before[name] for name in told]
    assert (after["address_stage"], after["needs_review"]) == ("desk", False)
    assert addressed(connection, written, "Ander")["address_stage"] != "desk"


def decide(connection: duckdb.DuckDBPyConnection, *decisions: tuple[str, str, str | None]) -> None:
    """Decisions in this order: on the writing with a surname, what, and which address."""
    connection.execute("DELETE FROM reference.address_decisions")
    for day, (surname, decision, key) in enumerate(decisions, start=1):
        connection.execute(
            """
            INSERT INTO reference.address_decisions (file_sha256, row_number, desk_id, decision, address_key, decided_at)
            VALUES (?, 1, ?, ?, ?, TIMESTAMPTZ '2021-03-10 10:00:00+01' + to_days(?))
            """,
            [f"f{day}", addressed(connection, "12", surname)["desk_id"], decision, key, day],
        )


ZW, RD = "2021AB_12__ZW", "2021AB_12__RD"


@pytest.mark.parametrize(
    ("decisions", "surname", "key"),
    [
        ([("Bakker-Jansen", "address", RD)], "Bakker", RD),
        ([("Bakker-Jansen", "address", RD)], "de Jansen", RD),
        ([("Bakker", "address", RD)], "Bakker-Jansen", RD),
        ([("de Vries", "address", RD)], "Vries, J.P. de", RD),
        ([("Smit e/o Mulder", "address", RD)], "Bakker", None),
        ([("Smit", "address", RD), ("Smit-Bakker", "address", RD)], "Bakker e/o Smit", RD),
        # Of two doors none is guessed, but what was decided on the very names goes first.
        ([("Smit", "address", RD), ("Mulder", "address", ZW)], "Smit e/o Mulder", None),
        ([("Smit e/o Mulder", "address", ZW), ("Smit", "address", RD)], "Smit e/o Mulder", ZW),
        ([("Smit e/o Mulder", "address", ZW), ("Smit", "address", RD)], "Smit", RD),
        ([("Smit", "address", RD), ("Smit-Bakker", "withdrawn", None)], "Smit-Bakker", None),
        ([("Smit", "address", RD), ("Smit-Bakker", "withdrawn", None)], "Smit", RD),
        ([("Smit", "address", RD), ("Smit-Bakker", "withdrawn", None)], "Bakker e/o Smit", RD),
        # That one cannot be found names no door.
        ([("Smit", "not_found", None), ("Smit-Bakker", "address", RD)], "Smit-Jansen", RD),
        ([("Smit", "address", RD), ("Smit-Bakker", "not_found", None)], "Smit-Bakker", None),
        ([("J.", "address", RD)], "j.", RD),
        ([("J.", "address", RD)], "K.", None),
    ],
)
def test_a_decision_holds_for_another_spelling_of_the_surname(
    connection: duckdb.DuckDBPyConnection, decisions: list[tuple[str, str, str | None]], surname: str, key: str | None
) -> None:
    load_register(connection, register_of([(12, "RD"), (12, "ZW")]))
    decide(connection, *decisions)
    found = addressed(connection, "12", surname)
    assert (found["address_key"] if found["address_stage"] == "desk" else None) == key
    assert found["needs_review"] is (key is None)


@pytest.fixture
def corner(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A dwelling on a corner, with a main address and a side address; and one next door."""
    load_register(connection, register_of([(10, ""), (11, ""), (12, "")]))
    connection.execute(
        """
        UPDATE reference.address_register SET
            adresseerbaar_object_id = CASE house_number WHEN 12 THEN '0392010000000002' ELSE '0392010000000001' END,
            nummeraanduiding_id = '03922000000000' || house_number,
            is_main = house_number <> 11
        """
    )
    return connection


def test_a_side_address_is_the_door_of_its_main_address(corner: duckdb.DuckDBPyConnection) -> None:
    side = addressed(corner, "11")
    assert (side["address_key"], side["side_address_key"]) == ("2021AB_10__", "2021AB_11__")
    assert (side["house_number"], side["address_status"], side["nummeraanduiding_id"]) == (
        10, "exact", "0392200000000010",
    )  # fmt: skip
    for written, key in (("10", "2021AB_10__"), ("12", "2021AB_12__")):
        found = addressed(corner, written)
        assert (found["address_key"], found["side_address_key"]) == (key, None)


def test_a_decision_for_a_side_address_comes_to_the_same_door(corner: duckdb.DuckDBPyConnection) -> None:
    override(corner, addressed(corner, "99")["desk_id"], "address", "2021AB_11__")
    assert addressed(corner, "99")["address_key"] == "2021AB_10__"
