"""Addresses (DOMAIN §6): the table of cases beside this file, and what must hold of all addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.addresses.resolver import WRITTEN, resolve_addresses
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline_tests.kit.sql import Resolve, load_register

CASES = yaml.safe_load(Path(__file__).with_name("address_cases.yaml").read_text(encoding="utf-8"))
REPAIRS = yaml.safe_load(Path(__file__).with_name("address_repair_cases.yaml").read_text(encoding="utf-8"))
one_connection = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def dwellings(lines: list[str]) -> list[tuple[str, int, str, str]]:
    parts = [line.split(" ") for line in lines]
    return [("2024AB", int(n), letter.strip("-"), addition.strip("-")) for n, letter, addition in parts]


@pytest.mark.parametrize(
    ("register", "written", "expected"),
    [
        pytest.param(group["register"], written, expected, id=f"{group['about']}: {written}")
        for group in CASES
        for written, expected in group["cases"].items()
    ],
)
def test_case(resolve: Resolve, register: list[str], written: str, expected: str) -> None:
    number, *separate = [part.strip().replace("~", "") if "|" in written else part for part in written.split("|")]
    found = resolve(dwellings(register), "2024 ab", number, *separate)
    assert f"{found['address_key']} {found['address_status']}" == expected
    assert found["needs_review"] == (found["address_status"] in ("ambiguous", "unknown"))


def in_streets(lines: list[str]) -> list[tuple[object, ...]]:
    rows = []
    for line in lines:
        postcode, street, number, town = [*(part.strip() for part in line.split(",")), "Haarlem"][:4]
        digits, _, suffix = number.partition(" ")
        letter = suffix if len(suffix) == 1 and suffix.isalpha() else ""
        rows.append((postcode, int(digits), letter, "" if letter else suffix, "0392", street, town))
    return rows


@pytest.mark.parametrize(
    ("register", "written", "expected"),
    [
        pytest.param(group["register"], written, expected, id=f"{group['about']}: {written}")
        for group in REPAIRS
        for written, expected in group["cases"].items()
    ],
)
def test_repair(resolve: Resolve, register: list[str], written: str, expected: str) -> None:
    parts = [part.strip().replace("~", "") for part in written.split("|")]
    postcode, street, number, town = [*parts, "", "", ""][:4]
    found = resolve(in_streets(register), postcode, number, street=street, city=town)
    assert f"{found['address_key'] or '~'} {found['address_status']} {found['address_stage']}" == expected
    assert found["needs_review"] == (found["address_stage"] == "D")


@pytest.mark.parametrize("number", ["", "A12", "0", "100000", "123456", "-12", "onbekend", None])
def test_no_number_no_key(resolve: Resolve, number: str | None) -> None:
    found = resolve([], "2024AB", number)
    assert found["address_key"] is None
    assert (found["address_status"], found["needs_review"]) == ("unknown", True)


@pytest.mark.parametrize(
    "postcode", ["", "2024", "0024AB", "2024A", "2024SA", "2024SD", "2024 ss", "2024ABC", "2O24AB"]
)
def test_no_postcode_no_key(resolve: Resolve, postcode: str) -> None:
    assert resolve([], postcode, "12")["address_key"] is None


def test_the_register_gives_the_parts(resolve: Resolve) -> None:
    found = resolve([("2024AB", 12, "", "RD")], "2024AB", "12 rood")
    assert (found["house_number"], found["house_letter"], found["house_number_addition"]) == (12, "", "RD")
    assert (found["register_street"], found["register_city"]) == ("Teststraat", "Haarlem")


@pytest.mark.parametrize(
    ("register", "postcode", "number", "municipality"),
    [
        ([("2024AB", 12, "", "", "0473")], "2024AB", "12", "0473"),  # of the dwelling, not of the postcode
        ([("2024AB", 12, "", "", "0473")], "2024AB", "14", "0392"),  # unknown: of the postcode table
        ([("2024AB", 12, "A", "", "0473"), ("2024AB", 12, "B", "", "0473")], "2024AB", "12", "0473"),  # ambiguous
        ([("2024AB", 12, "", "", None)], "2024AB", "12", "0392"),  # the register does not say
        ([], "2042AB", "12", "0473"),
        ([], "9999ZZ", "12", None),
    ],
)
def test_municipality(
    resolve: Resolve, register: list[tuple[object, ...]], postcode: str, number: str, municipality: str | None
) -> None:
    assert resolve(register, postcode, number)["municipality"] == municipality


def test_two_entries_with_one_key_are_one_dwelling(world: Any, connection: duckdb.DuckDBPyConnection) -> None:
    from vroeg_pipeline.addresses.register import load_register as load_file
    from vroeg_pipeline_tests.kit.world import LATER

    world.register("2024AB,12,a,", "2024 ab,12,A,", "2024AB,0,,", ",5,,")
    loaded = load_file(connection, world.home, LATER)
    assert loaded is not None
    assert (loaded.dwellings, loaded.left_out) == (1, 3)


suffixes = st.sampled_from(
    ["", "A", "B", "A1", "A01", "HS", "1", "2", "II", "RD", "ZW", "BIS", "X9", "12", "012", "H", "R"]
)
registers = st.lists(st.tuples(st.integers(1, 4), suffixes), min_size=1, max_size=8, unique=True)


def as_dwellings(register: list[tuple[int, str]]) -> list[tuple[str, int, str, str]]:
    return [("2024AB", number, "", suffix) for number, suffix in register]


@one_connection
@given(registers, st.integers(1, 4), suffixes, st.sampled_from(["", " ", "-", "/", ".", ", ", " - "]), st.booleans())
def test_separators_case_and_spaces_make_no_difference(
    resolve: Resolve, register: list[tuple[int, str]], number: int, suffix: str, between: str, lower: bool
) -> None:
    # Two numbers need a separator to tell them apart, and one that does not make them a number with a part (7.5).
    separator = " " if suffix[:1].isdigit() and between in ("", ".") else between
    plain = resolve(as_dwellings(register), "2024AB", f"{number} {suffix}")
    varied = f"{number}{separator}{suffix.lower() if lower else suffix}"
    other = resolve(as_dwellings(register), "2024 ab ", varied)
    assert other["address_key"] == plain["address_key"]
    assert other["address_status"] == plain["address_status"]


@one_connection
@given(registers, st.integers(1, 4), suffixes, st.randoms(use_true_random=False))
def test_the_order_of_the_register_makes_no_difference(
    resolve: Resolve, register: list[tuple[int, str]], number: int, suffix: str, random: Any
) -> None:
    shuffled = random.sample(register, len(register))
    assert resolve(as_dwellings(register), "2024AB", f"{number} {suffix}") == resolve(
        as_dwellings(shuffled), "2024AB", f"{number} {suffix}"
    )


@one_connection
@given(registers, st.integers(1, 4), suffixes)
def test_what_is_found_is_a_dwelling_of_that_number(
    connection: duckdb.DuckDBPyConnection, resolve: Resolve, register: list[tuple[int, str]], number: int, suffix: str
) -> None:
    found = resolve(as_dwellings(register), "2024AB", f"{number} {suffix}")
    keys = {key for (key,) in connection.execute("SELECT address_key FROM reference.address_register").fetchall()}
    assert (found["address_key"] in keys) == (found["address_status"] in ("exact", "normalised"))
    assert found["address_key"].startswith(f"2024AB_{number}_")


@one_connection
@given(st.integers(1, 99_999), suffixes)
def test_by_rule_a_key_written_out_gives_itself(resolve: Resolve, number: int, suffix: str) -> None:
    found = resolve([], "2024AB", f"{number} {suffix}")
    again = resolve([], "2024AB", str(number), found["house_letter"], found["house_number_addition"])
    assert again["address_key"] == found["address_key"]


def test_an_empty_register_is_no_register(connection: duckdb.DuckDBPyConnection, resolve: Resolve) -> None:
    load_register(connection, [])
    assert resolve([], "2024AB", "12")["address_status"] == "unchecked"


# What holds of all addresses with a street ---------------------------------------------------------------------------

STREETS = ("Kerkstraat", "Dr.A.Kuyperlaan", "IJsselmeerlaan")
POSTCODES = ("2024AB", "2024AC", "2031XY")
places = st.tuples(st.sampled_from(POSTCODES), st.sampled_from(STREETS), st.integers(1, 3), suffixes)
towns = st.lists(places, min_size=1, max_size=8, unique_by=lambda place: (place[0], *place[2:]))
Place = tuple[str, str, int, str]


def as_register(town: list[Place]) -> list[tuple[object, ...]]:
    return [(postcode, number, "", suffix, "0392", street) for postcode, street, number, suffix in town]


@one_connection
@given(towns, places, st.sampled_from(["", "2024", "2024AD", "2O24AB", "2031YX"]))
def test_the_address_that_was_found_finds_itself(
    resolve: Resolve, town: list[Place], place: Place, postcode: str
) -> None:
    _, street, number, suffix = place
    found = resolve(as_register(town), postcode, f"{number} {suffix}", street=street)
    if not found["needs_review"]:
        again = resolve(
            as_register(town), found["postcode"], str(found["house_number"]), found["house_letter"],
            found["house_number_addition"], found["register_street"], found["register_city"],
        )  # fmt: skip
        assert (again["address_key"], again["address_status"]) == (found["address_key"], "exact")


@one_connection
@given(towns, places, st.sampled_from(["upper", "lower", "spaces", "dots"]))
def test_case_and_separators_of_all_fields_make_no_difference(
    resolve: Resolve, town: list[Place], place: Place, change: str
) -> None:
    postcode, street, number, suffix = place
    plain = resolve(as_register(town), postcode, f"{number} {suffix}", street=street)
    varied = {
        "upper": (postcode, f"{number} {suffix}".upper(), street.upper()),
        "lower": (postcode.lower(), f"{number} {suffix}".lower(), street.lower()),
        "spaces": (f" {postcode[:4]} {postcode[4:]} ", f" {number}  {suffix} ", f"  {street.replace('.', '. ')} "),
        "dots": (postcode, f"{number}-{suffix}.", street.replace(".", " ")),
    }[change]
    other = resolve(as_register(town), varied[0], varied[1], street=varied[2])
    assert (other["address_key"], other["address_status"]) == (plain["address_key"], plain["address_status"])


@one_connection
@given(towns, places, suffixes, st.sampled_from(["", "2024", "2024AD", "2031YX", None]), st.booleans())
def test_another_suffix_never_merges(
    connection: duckdb.DuckDBPyConnection,
    resolve: Resolve,
    town: list[Place],
    place: Place,
    suffix: str,
    postcode: str | None,
    with_street: bool,
) -> None:
    there, street, number, _ = place
    found = resolve(
        as_register(town), there if postcode is None else postcode, f"{number} {suffix}", street=street * with_street
    )
    if not found["needs_review"]:
        ((dwelling, meaning),) = connection.execute(
            "SELECT suffix, meaning FROM dwellings WHERE address_key = ?", [found["address_key"]]
        ).fetchall()
        ((written,),) = connection.execute("SELECT meaning_of(suffix_of(?))", [suffix]).fetchall()
        assert dwelling == suffix or meaning == written


@one_connection
@given(towns, st.lists(places, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_an_address_is_answered_alike_in_any_company(
    connection: duckdb.DuckDBPyConnection, town: list[Place], written: list[Place], random: Any
) -> None:
    load_register(connection, as_register(town))

    def answers(lines: list[Place]) -> dict[object, object]:
        rows = [(p, s, f"{n} {x}") for p, s, n, x in lines]
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE written (postcode VARCHAR, street VARCHAR, house_number VARCHAR, "
            "house_letter VARCHAR, house_number_addition VARCHAR, city VARCHAR)"
        )
        connection.executemany("INSERT INTO written (postcode, street, house_number) VALUES (?, ?, ?)", rows)
        resolve_addresses(connection, "written")
        found = connection.execute(
            "SELECT postcode_text, street_text, house_number_text, address_key, address_status, address_evidence "
            "FROM resolved_addresses"
        ).fetchall()
        return {row[:3]: row[3:] for row in found}

    together = answers(written)
    assert answers(random.sample(written, len(written))) == together
    assert {key: value for line in written for key, value in answers([line]).items()} == together


def test_each_writing_finds_its_own_answer_by_a_hash_join(connection: duckdb.DuckDBPyConnection) -> None:
    load_register(connection, [("2024AB", 12, "", "")])
    written = ("2024AB", "Teststraat", "12", "A", "HS", "Haarlem")
    others = [(*written[:at], other, *written[at + 1 :]) for at in range(6) for other in (None, "13")]
    connection.execute(f"CREATE TEMP TABLE written ({', '.join(f'{name} VARCHAR' for name in WRITTEN)})")
    connection.executemany("INSERT INTO written VALUES (?, ?, ?, ?, ?, ?)", [written, *others])
    resolve_addresses(connection, "written")
    answered = "SELECT count(*) FROM written INNER JOIN resolved_addresses AS answer ON same_address(written, answer)"
    assert fetch_one(connection, answered) == (1 + len(others),)
    _, plan = fetch_one(connection, f"EXPLAIN {answered}")
    assert "HASH_JOIN" in plan
    assert "NESTED_LOOP" not in plan


@one_connection
@given(registers, st.integers(1, 4), suffixes)
def test_the_street_of_the_dwelling_changes_nothing(
    resolve: Resolve, register: list[tuple[int, str]], number: int, suffix: str
) -> None:
    without = resolve(as_dwellings(register), "2024AB", f"{number} {suffix}")
    with_street = resolve(as_dwellings(register), "2024AB", f"{number} {suffix}", street="Teststr.")
    compared = ("address_key", "address_status", "needs_review", "municipality")
    assert [with_street[name] for name in compared] == [without[name] for name in compared]
