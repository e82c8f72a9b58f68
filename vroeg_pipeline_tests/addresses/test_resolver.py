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
from vroeg_pipeline_tests.kit.sql import Resolve, Written, answers_to, as_written, load_register

CASES = yaml.safe_load(Path(__file__).with_name("address_cases.yaml").read_text(encoding="utf-8"))
REPAIRS = yaml.safe_load(Path(__file__).with_name("address_repair_cases.yaml").read_text(encoding="utf-8"))
one_connection = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def dwellings(lines: list[str]) -> list[tuple[str, int, str, str]]:
    parts = [line.split(" ") for line in lines]
    return [("2024AB", int(n), letter.strip("-"), addition.strip("-")) for n, letter, addition in parts]


@pytest.fixture(scope="module")
def answered() -> dict[str, dict[str, dict[str, Any]]]:
    """The answers to all cases of a group, by how they are written: one register is asked them together."""
    return {}


def cases_of(groups: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("group", "written"),
        [
            pytest.param(group, written, id=f"{group['about']}: {written}")
            for group in groups
            for written in group["cases"]
        ],
    )


@cases_of(CASES)
def test_case(request: pytest.FixtureRequest, answered: Any, group: dict[str, Any], written: str) -> None:
    if group["about"] not in answered:
        lines = [
            as_written("2024 ab", *(part.strip().replace("~", "") if "|" in line else part for part in line.split("|")))
            for line in group["cases"]
        ]
        answers = answers_to(request.getfixturevalue("connection"), dwellings(group["register"]), lines)
        answered[group["about"]] = dict(zip(group["cases"], answers, strict=True))
    found = answered[group["about"]][written]
    assert f"{found['address_key']} {found['address_status']}" == group["cases"][written]
    assert found["needs_review"] == (found["address_status"] in ("ambiguous", "unknown"))


def in_streets(lines: list[str]) -> list[tuple[object, ...]]:
    rows = []
    for line in lines:
        postcode, street, number, town = [*(part.strip() for part in line.split(",")), "Haarlem"][:4]
        digits, _, suffix = number.partition(" ")
        letter = suffix if len(suffix) == 1 and suffix.isalpha() else ""
        rows.append((postcode, int(digits), letter, "" if letter else suffix, "0392", street, town))
    return rows


@cases_of(REPAIRS)
def test_repair(request: pytest.FixtureRequest, answered: Any, group: dict[str, Any], written: str) -> None:
    if group["about"] not in answered:
        parts = [[part.strip().replace("~", "") for part in line.split("|")] for line in group["cases"]]
        lines = [
            as_written(postcode, number, street=street, city=town)
            for postcode, street, number, town in ([*line, "", "", ""][:4] for line in parts)
        ]
        answers = answers_to(request.getfixturevalue("connection"), in_streets(group["register"]), lines)
        answered[group["about"]] = dict(zip(group["cases"], answers, strict=True))
    found = answered[group["about"]][written]
    stage = found["address_stage"]
    assert f"{found['address_key'] or '~'} {found['address_status']} {stage}" == group["cases"][written]
    assert found["needs_review"] == (stage == "D")


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
Register = list[tuple[int, str]]
# Statements cost the same for one address as for many, so an example is one at each of these places. None of them is a
# typing error of another, in postcode or street.
PLACES = [
    (f"{1000 + 311 * number}{letter}{letter}", f"{letter}{letter.lower()}x")
    for number, letter in enumerate("ABCDEFGHIJKLMNOPQRTUVWXYZ")
]


def of_places(*case: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(*case), min_size=len(PLACES), max_size=len(PLACES))


def dwellings_of(registers: list[Register]) -> list[tuple[str, int, str, str, str, str]]:
    return [
        (postcode, number, "", suffix, "0392", f"{name}straat")
        for (postcode, name), register in zip(PLACES, registers, strict=True)
        for number, suffix in register
    ]


@one_connection
@given(
    of_places(
        registers, st.integers(1, 4), suffixes, st.sampled_from(["", " ", "-", "/", ".", ", ", " - "]), st.booleans()
    )
)
def test_separators_case_and_spaces_make_no_difference(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    plain, varied = [], []
    for (postcode, _), (_, number, suffix, between, lower) in zip(PLACES, cases, strict=True):
        # Two numbers need a separator to tell them apart, and one that does not make them a number with a part (7.5).
        separator = " " if suffix[:1].isdigit() and between in ("", ".") else between
        plain.append(as_written(postcode, f"{number} {suffix}"))
        varied.append(
            as_written(
                f"{postcode[:4]} {postcode[4:]} ".lower(), f"{number}{separator}{suffix.lower() if lower else suffix}"
            )
        )
    answers = answers_to(connection, dwellings_of([register for register, *_ in cases]), [*plain, *varied])
    compared = [(answer["address_key"], answer["address_status"]) for answer in answers]
    assert compared[len(plain) :] == compared[: len(plain)]


@one_connection
@given(of_places(registers, st.integers(1, 4), suffixes), st.randoms(use_true_random=False))
def test_the_order_of_the_register_makes_no_difference(
    connection: duckdb.DuckDBPyConnection, cases: Any, random: Any
) -> None:
    register = dwellings_of([register for register, *_ in cases])
    written = [as_written(place, f"{n} {suffix}") for (place, _), (_, n, suffix) in zip(PLACES, cases, strict=True)]
    answers = answers_to(connection, register, written)
    assert answers_to(connection, random.sample(register, len(register)), written) == answers


@one_connection
@given(of_places(registers, st.integers(1, 4), suffixes))
def test_what_is_found_is_a_dwelling_of_that_number(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    register = dwellings_of([register for register, *_ in cases])
    written = [as_written(place, f"{n} {suffix}") for (place, _), (_, n, suffix) in zip(PLACES, cases, strict=True)]
    answers = answers_to(connection, register, written)
    keys = {key for (key,) in connection.execute("SELECT address_key FROM reference.address_register").fetchall()}
    for (postcode, _), (_, number, _), found in zip(PLACES, cases, answers, strict=True):
        assert (found["address_key"] in keys) == (found["address_status"] in ("exact", "normalised"))
        assert found["address_key"].startswith(f"{postcode}_{number}_")


@one_connection
@given(of_places(st.integers(1, 99_999), suffixes))
def test_by_rule_a_key_written_out_gives_itself(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    written = [as_written(place, f"{n} {suffix}") for (place, _), (n, suffix) in zip(PLACES, cases, strict=True)]
    answers = answers_to(connection, [], written)
    written_out = [
        as_written(found["postcode"], str(found["house_number"]), found["house_letter"], found["house_number_addition"])
        for found in answers
    ]
    again = answers_to(connection, [], written_out)
    assert [found["address_key"] for found in again] == [found["address_key"] for found in answers]


@pytest.mark.parametrize("register", [[], [("2024AB", 12, "A", ""), ("2024AB", 12, "B", "")]])
@pytest.mark.parametrize(
    ("letter", "addition"),
    [
        ("", "2021-03-12"),
        ("", "2021-03-12 00:00:00"),
        ("", "3-mrt"),
        ("TRUE", ""),
        ("onwaar", ""),
        ("[]", ""),
        ("", "#N/B"),
    ],
)
def test_what_a_spreadsheet_made_of_a_letter_or_an_addition_is_no_door(
    resolve: Resolve, register: list[Any], letter: str, addition: str
) -> None:
    found = resolve(register, "2024AB", "12", letter, addition)
    assert (found["address_key"], found["address_status"]) == ("2024AB_12_?_", "ambiguous")
    assert '"reason":"damaged_suffix"' in found["address_evidence"]


def test_an_empty_register_is_no_register(connection: duckdb.DuckDBPyConnection, resolve: Resolve) -> None:
    load_register(connection, [])
    assert resolve([], "2024AB", "12")["address_status"] == "unchecked"


# What holds of all addresses with a street ---------------------------------------------------------------------------

# As above, but in each town streets and postcodes that are alike.
TOWNS = [
    *enumerate(("Kerk", "Zonnebloem", "Vondel", "Merel", "Opper", "Baljuw", "Tulpen", "Gasthuis", "Linde"), start=1)
]
places = st.tuples(st.sampled_from(["AB", "AC", "XY"]), st.integers(0, 2), st.integers(1, 3), suffixes)
registers_of_a_town = st.lists(places, min_size=1, max_size=8, unique_by=lambda place: (place[0], *place[2:]))
Place = tuple[str, int, int, str]


def of_towns(*case: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(registers_of_a_town, *case), min_size=len(TOWNS), max_size=len(TOWNS))


def postcode_in(town: int, which: str) -> str:
    """A postcode of the town, or what somebody makes of one: `O` for the zero, half of it, two letters exchanged."""
    if which in ("", "half"):
        return which and f"{town}0{town}4"
    if which in ("XY", "YX"):
        return f"{town}0{town % 9 + 1}1{which}"
    return f"{town}O{town}4AB" if which == "O" else f"{town}0{town}4{which}"


def street_in(name: str, which: int) -> str:
    return (f"{name}straat", f"Dr.A.{name}laan", f"IJ{name.lower()}laan")[which]


def dwellings_of_towns(cases: Any) -> list[tuple[object, ...]]:
    return [
        (postcode_in(town, postcode), number, "", suffix, "0392", street_in(name, street))
        for (town, name), (register, *_) in zip(TOWNS, cases, strict=True)
        for postcode, street, number, suffix in register
    ]


@one_connection
@given(of_towns(places, st.sampled_from(["", "half", "AD", "O", "YX"])))
def test_the_address_that_was_found_finds_itself(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    register = dwellings_of_towns(cases)
    written = [
        as_written(postcode_in(town, typed), f"{number} {suffix}", street=street_in(name, street))
        for (town, name), (_, (_, street, number, suffix), typed) in zip(TOWNS, cases, strict=True)
    ]
    answers = [found for found in answers_to(connection, register, written) if not found["needs_review"]]
    written_out = [
        as_written(
            found["postcode"], str(found["house_number"]), found["house_letter"], found["house_number_addition"],
            found["register_street"], found["register_city"],
        )
        for found in answers
    ]  # fmt: skip
    again = answers_to(connection, register, written_out) if answers else []
    assert [(found["address_key"], found["address_status"]) for found in again] == [
        (found["address_key"], "exact") for found in answers
    ]


@one_connection
@given(of_towns(places, st.sampled_from(["upper", "lower", "spaces", "dots"])))
def test_case_and_separators_of_all_fields_make_no_difference(
    connection: duckdb.DuckDBPyConnection, cases: Any
) -> None:
    plain, varied = [], []
    for (town, name), (_, (which, of_street, number, suffix), change) in zip(TOWNS, cases, strict=True):
        postcode, street = postcode_in(town, which), street_in(name, of_street)
        plain.append(as_written(postcode, f"{number} {suffix}", street=street))
        other = {
            "upper": (postcode, f"{number} {suffix}".upper(), street.upper()),
            "lower": (postcode.lower(), f"{number} {suffix}".lower(), street.lower()),
            "spaces": (f" {postcode[:4]} {postcode[4:]} ", f" {number}  {suffix} ", f"  {street.replace('.', '. ')} "),
            "dots": (postcode, f"{number}-{suffix}.", street.replace(".", " ")),
        }[change]
        varied.append(as_written(other[0], other[1], street=other[2]))
    answers = answers_to(connection, dwellings_of_towns(cases), [*plain, *varied])
    compared = [(answer["address_key"], answer["address_status"]) for answer in answers]
    assert compared[len(plain) :] == compared[: len(plain)]


@one_connection
@given(of_towns(places, suffixes, st.sampled_from(["", "half", "AD", "YX", None]), st.booleans()))
def test_another_suffix_never_merges(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    written = [
        as_written(
            postcode_in(town, there if typed is None else typed),
            f"{number} {suffix}",
            street=street_in(name, street) * with_street,
        )
        for (town, name), (_, (there, street, number, _), suffix, typed, with_street) in zip(TOWNS, cases, strict=True)
    ]
    answers = answers_to(connection, dwellings_of_towns(cases), written)
    for (_, _, suffix, *_), found in zip(cases, answers, strict=True):
        if not found["needs_review"]:
            ((dwelling, meaning),) = connection.execute(
                "SELECT suffix, meaning FROM dwellings WHERE address_key = ?", [found["address_key"]]
            ).fetchall()
            ((means,),) = connection.execute("SELECT meaning_of(suffix_of(?))", [suffix]).fetchall()
            assert dwelling == suffix or meaning == means


@settings(one_connection, max_examples=2)
@given(of_towns(st.lists(places, min_size=2, max_size=6)), st.randoms(use_true_random=False))
def test_an_address_is_answered_alike_in_any_company(
    connection: duckdb.DuckDBPyConnection, cases: Any, random: Any
) -> None:
    register = dwellings_of_towns(cases)

    def answers(lines: list[Written]) -> dict[Written, object]:
        asked = ("address_key", "address_status", "address_evidence")
        found = answers_to(connection, register, lines)
        return {line: [answer[name] for name in asked] for line, answer in zip(lines, found, strict=True)}

    of_town = [
        [as_written(postcode_in(town, p), f"{n} {x}", street=street_in(name, s)) for p, s, n, x in lines]
        for (town, name), (_, lines) in zip(TOWNS, cases, strict=True)
    ]
    written = [line for lines in of_town for line in lines]
    together = answers(written)
    assert answers(random.sample(written, len(written))) == together
    for lines in [*of_town, *([line] for line in random.choice(of_town))]:
        assert answers(lines) == {line: together[line] for line in lines}


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
@given(of_places(registers, st.integers(1, 4), suffixes))
def test_the_street_of_the_dwelling_changes_nothing(connection: duckdb.DuckDBPyConnection, cases: Any) -> None:
    written = [
        as_written(postcode, f"{number} {suffix}", street=street)
        for street_of in ("", "{}str.")
        for (postcode, name), (_, number, suffix) in zip(PLACES, cases, strict=True)
        for street in [street_of.format(name)]
    ]
    answers = answers_to(connection, dwellings_of([register for register, *_ in cases]), written)
    compared = [
        [found[name] for name in ("address_key", "address_status", "needs_review", "municipality")] for found in answers
    ]
    assert compared[len(PLACES) :] == compared[: len(PLACES)]
