"""Who is found, and what a restriction and an objection do until they are lifted (DOMAIN §14)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.requests import Asked, Request, all_requests, next_number
from vroeg_pipeline.residents.asking import ask, lift
from vroeg_pipeline.residents.erasing import forbidden
from vroeg_pipeline.residents.finding import Wanted, find_resident
from vroeg_pipeline_tests.kit.returned import filled, hand_in, worklist
from vroeg_pipeline_tests.kit.world import World, row

# At number 12 by two names, later at number 40.
MOVED = {"C-1 12", "C-1 40", "E-1 12", "E-9 40"}
JANSEN = Wanted(postcode="2021ab", number="12", surname="Jansen")


def found(world: World, wanted: Wanted) -> set[str]:
    """Reference and house number of every row that is of the resident."""
    with world.warehouse.connect(read_only=True) as connection:
        find_resident(connection, world.installation, wanted)
        rows = connection.execute(
            "SELECT DISTINCT concat_ws(' ', raw.customer_reference, raw.house_number) FROM raw.delivery_rows AS raw SEMI "
            "JOIN (SELECT unnest(place) FROM resident_places) USING (month, partner, file_sha256, row_number)"
        )
        return {each for (each,) in rows.fetchall()}


def asked(world: World, kind: Asked, wanted: Wanted = JANSEN) -> int:
    number = next_number(world.home)
    request = Request(number, kind, "Tester", "brief 7", world.now, "", ())
    ask(world.warehouse, world.installation, wanted, request)
    return number


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> World:
    """People with much the same names, at two doors."""
    world = World(tmp_path_factory.mktemp("town") / "home")
    for partner in ("corporatie", "energie"):
        world.agree(partner)
    rows = [
        row(customer_reference="C-1", surname="Jansen-de Vries", birth_date="01-02-1980"),
        row(customer_reference="C-2", surname="Jansen", birth_date="05-06-2001"),
        row(customer_reference="C-3", surname="Bakker"),
        row(customer_reference="C-4", surname="Jansen", house_number="14", birth_date="09-09-1950"),
        row(customer_reference="S-1", surname="Smit", house_number="30"),
        row(customer_reference="S-2", surname="Smit e/o Mulder", house_number="30"),
        row(customer_reference="S-3", surname="Mulder", house_number="30"),
        row(customer_reference="N-1", surname="Jansen", house_number="50 A"),
        row(customer_reference="N-2", surname="Jansen", house_number="50 B"),
        row(customer_reference="onbekend", surname="Jansen", house_number="16"),
        row(customer_reference="onbekend", surname="Jansen", house_number="18"),
        row(customer_reference="C-5", surname="Jansen", birth_date="01-02-1980", house_number="", postcode="2021AB"),
    ]
    world.deliver("corporatie", "2021-03", rows)
    world.deliver("energie", "2021-03", [row(customer_reference="E-1", surname="VRIES, de", birth_date="01-02-1980")])
    moved = row(customer_reference="C-1", surname="Jansen", house_number="40", reference_date="01-04-2021")
    world.deliver("corporatie", "2021-04", [moved])
    world.deliver("energie", "2021-04", [row(customer_reference="E-9", surname="Jansen", house_number="40")])
    world.make("2021-03", "2021-04", upto="rejected_rows")
    return world


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        # Whoever moved is known by the reference, and at the new door by the name.
        (Wanted(postcode="2021AB", number="12", surname="de Vries"), MOVED),
        (Wanted(postcode="2021 ab", number="12 A", birth_date=date(1980, 2, 1)), MOVED),
        (Wanted(partner="energie", reference="E-1"), MOVED),
        (Wanted(postcode="2021AB", number="12", surname="Jansen", birth_date=date(2001, 6, 5)), {"C-2 12"}),
        (Wanted(postcode="2021AB", number="12", surname="Bakker"), {"C-3 12"}),
        (Wanted(postcode="2021AB", number="14", surname="jansen"), {"C-4 14"}),
        # Who stands in a row with somebody is not found by it.
        (Wanted(postcode="2021AB", number="30", surname="Smit"), {"S-1 30", "S-2 30"}),
        # A reference that many have leads to nobody else.
        (Wanted(postcode="2021AB", number="16", surname="Jansen"), {"onbekend 16"}),
        (Wanted(postcode="2021AB", number="13", surname="Jansen"), set()),
        (Wanted(partner="energie", reference="C-1"), set()),
    ],
)
def test_who_is_found(town: World, wanted: Wanted, rows: set[str]) -> None:
    assert found(town, wanted) == rows


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(postcode="2021AB", number="12"), "several people live"),
        (Wanted(postcode="2021A", number="12", surname="Jansen"), "no postcode"),
        (Wanted(postcode="2021AB", number="huis", surname="Jansen"), "no house number"),
        (Wanted(surname="Jansen"), "found by --postcode"),
        (Wanted(partner="corporatie", reference="onbekend"), "several doors"),
        (
            Wanted(partner="Energie", reference="E-1"),
            "--partner: 'Energie' is no partner; choose from corporatie, energie$",
        ),
        (Wanted(postcode="2021AB", number="12", surname="Jansen", partner="x", reference="y"), "found by --postcode"),
    ],
)
def test_who_cannot_be_asked_for(town: World, wanted: Wanted, said: str) -> None:
    with pytest.raises(VroegError, match=said):
        found(town, wanted)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (
            Wanted(postcode="2021AB", number="12", surname="Jansen"),
            "people with different birth dates have this name there",
        ),
        (
            Wanted(postcode="2021AB", number="50", surname="Jansen"),
            "people behind different doors of that number have this name there",
        ),
        (Wanted(postcode="2021AB", number="12", surname="Jansen", birth_date=date(2001, 6, 5)), None),
        (Wanted(postcode="2021AB", number="14", surname="Jansen"), None),
        (Wanted(postcode="2021AB", number="30", surname="Smit"), None),
    ],
)
def test_who_can_be_several_people_is_said(town: World, wanted: Wanted, said: str | None) -> None:
    with town.warehouse.connect(read_only=True) as connection:
        assert find_resident(connection, town.installation, wanted).namesakes == said


def test_what_outlives_the_rows_as_delivered_is_found_by_its_reference(tmp_path: Path) -> None:
    world = World(tmp_path / "home")
    world.agree("corporatie")
    rejected = row(customer_reference="C-1", surname="Jansen", amount_due="1,00")
    world.deliver("corporatie", "2021-03", [rejected, row(customer_reference="C-2", surname="Jansen")])
    world.run("2021-03", upto="rejected_rows")
    with world.warehouse.connect() as connection:
        connection.execute("DELETE FROM raw.delivery_rows")
        for wanted, tables in (
            (Wanted(partner="corporatie", reference="C-1"), ["rejected_rows"]),
            (Wanted(postcode="2021AB", number="12", surname="Jansen"), ["validated_signals"]),
        ):
            held = find_resident(connection, world.installation, wanted).held
            assert [table for table, _, _ in held] == tables


def held(world: World) -> dict[str, str | None]:
    rows = world.query(
        "SELECT customer_reference AS r, held_reason AS h FROM validated_signals WHERE month = '2021-03-01'"
    )
    return {each["r"]: each["h"] for each in rows}


def test_a_restriction_goes_before_all_other_reasons_and_ends(world: World) -> None:
    world.agree("corporatie")
    world.agree("energie")
    rows = [row(customer_reference="C-1", surname="Jansen"), row(customer_reference="C-2", house_number="20")]
    world.deliver("corporatie", "2021-03", rows)
    # A postcode that the register mends means the same door.
    world.register("2021AB,12,,", "2021AB,20,,")
    astray = row(customer_reference="E-1", surname="Jansen", postcode="2021BA", street="Teststraat", city="Haarlem")
    world.deliver("energie", "2021-03", [astray])
    world.slip("corporatie", "2021-03", "withdrawals", "C-1")
    world.make("2021-03", upto="worklist_issues")
    assert held(world) == {"C-1": "withdrawn", "C-2": None, "E-1": None}
    key = world.query("SELECT DISTINCT address_key FROM validated_signals WHERE customer_reference = 'E-1'")[0]
    number = asked(world, Asked.RESTRICT)
    world.make("2021-03", upto="worklist_issues")
    assert held(world) == {"C-1": "restricted", "C-2": None, "E-1": "restricted"}
    assert key not in world.query("SELECT address_key FROM prioritised_worklists")
    assert world.query("SELECT change FROM worklist_issues WHERE issue = 2") == [{"change": "withdrawn"}]
    lift(world.installation, number, "Tester", "brief 8")
    world.make("2021-03", upto="worklist_issues")
    assert held(world) == {"C-1": "withdrawn", "C-2": None, "E-1": None}
    with pytest.raises(VroegError, match="lifted before"):
        lift(world.installation, number, "Tester", "brief 8")
    with pytest.raises(VroegError, match="no request 9"):
        lift(world.installation, 9, "Tester", "brief 8")


def test_an_objection_is_to_what_comes_later(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [row(surname="Jansen"), row(customer_reference="K2", house_number="20")])
    world.make("2021-03", upto="rejected_rows")
    asked(world, Asked.OBJECT)
    later = row(surname="Jansen", reference_date="01-04-2021")
    world.deliver("corporatie", "2021-04", [later])
    world.make("2021-03", "2021-04", upto="rejected_rows")
    assert held(world) == {"K1": None, "K2": None}
    assert world.query("SELECT reasons, ddas_status, postcode FROM rejected_rows") == [
        {"reasons": ["objection"], "ddas_status": "Niet opgepakt: andere reden", "postcode": None}
    ]
    # Nobody is named in what is kept of it.
    kept = world.home.requests.read_text(encoding="utf-8")
    assert "Jansen".casefold() not in kept.casefold()
    assert "2021AB" not in kept
    assert world.home.requests.stat().st_mode & 0o077 == 0


def test_requests_that_cannot_be_read_stop_a_run(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [row(surname="Jansen")])
    world.make("2021-03", upto="rejected_rows")
    asked(world, Asked.RESTRICT)
    key = world.home.hash_key.read_text()
    world.home.hash_key.write_text("ab" * 32)
    with pytest.raises(VroegError, match=r"former hash\.key"):
        all_requests(world.home)
    assert not world.run("2021-03", upto="rejected_rows", succeeds=False).success
    world.home.hash_key.write_text(key)
    world.home.requests.write_text("{}x")
    with pytest.raises(VroegError, match="back-up"):
        all_requests(world.home)


def test_an_open_case_and_a_restriction_forbid_to_erase(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [row(surname="Jansen")])
    world.make("2021-03", upto=("evaluation_reports", "worklist_files"))

    def reasons() -> list[str]:
        with world.warehouse.connect(read_only=True) as connection:
            return forbidden(connection, world.installation, find_resident(connection, world.installation, JANSEN))

    (open_case,) = reasons()
    assert open_case.startswith("a team has an open case of 2021-03")
    done = {"attempt": 1, "contact_kind": "Huisbezoek", "reached": "Ja", "contacted_on": "20-03-2021"}
    ended = filled(worklist(world), world.root / "terug.xlsx", {12: [{**done, "end_result": "Inwoner is overleden"}]})
    hand_in(world, ended)
    world.make("2021-03", upto="evaluation_reports")
    assert reasons() == []
    number = asked(world, Asked.RESTRICT)
    (restricted,) = reasons()
    assert restricted.startswith(f"request {number} asked to keep it")
