"""The delivery to CBS of a small world: what is told of each signal and report, and of nobody more than that."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from vroeg_pipeline.ddas.answers import opened_answers
from vroeg_pipeline.ddas.file import differences, is_bsn, unnamed_said, warehouse_totals, write_ddas
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.schema import parts
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline_tests.kit.returned import as_csv, case_ids, hand_in
from vroeg_pipeline_tests.kit.world import World, moment, month, row

MUNICIPALITIES = {
    "0392": {"organisation": "Gemeente Haarlem", "kvk_number": "12345678"},
    "0473": {"organisation": "Gemeente Zandvoort", "contacts": [{"name": "Team", "email": "team@zandvoort.example"}]},
}
LETTER = {"contact_kind": "Brief", "contacted_on": "11-03-2021"}
ADDRESS = {"street": "Straatzebra", "surname": "Naamzebra", "phone": "0600987654", "email": "zebra@voorbeeld.example"}


@pytest.fixture
def town(world: World) -> World:
    """Two partners, and settings to deliver on behalf of two municipalities."""
    world.agree("huur", municipalities=["0392", "0473"])
    world.agree("water", type="Water", municipalities=["0473", "0392"])
    world.settings(ddas={"municipalities": MUNICIPALITIES})
    return world


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A month of two signals, to be looked at."""
    world = World(tmp_path_factory.mktemp("finished") / "home")
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
    world.make("2021-03", upto="ddas_delivery")
    return world


def delivered(world: World, text: str = "2021-03") -> dict[str, Any]:
    """The file of the month."""
    (path,) = world.home.outbox_of(month(text)).glob("ddas*.json")
    assert path.stat().st_mode & 0o077 == 0
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def signals(world: World) -> dict[int, dict[str, Any]]:
    """The signals of the month by row number; the world has one partner that delivered."""
    found = [signal for levering in delivered(world)["leveringen"] for signal in levering["vroegsignalen"]]
    key = hash_key(world.home)
    numbers = {keyed_hash(key, s["signal_id"]): s["row_number"] for s in world.table("signal_statuses")}
    return {numbers[signal["ID"]]: signal for signal in found}


def put(world: World, statement: str) -> None:
    with world.warehouse.connect() as connection:
        connection.execute(statement)


def test_what_is_told_of_a_signal(town: World) -> None:
    about = {**ADDRESS, "amount_due": "100,50", "birth_date": "29-02-1996", "house_number": "12 A", "crisis": "ja"}
    town.deliver("huur", "2021-03", [row(customer_reference="Kenmerkzebra", **about)])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    file = delivered(town)
    assert {key: file[key] for key in file if key != "leveringen"} == {
        "startdatumLevering": "2021-03-01",
        "einddatumLevering": "2021-03-31",
        "aanleverdatumEnTijd": "2022-01-01T00:00:00Z",
        "codeGegevensleverancier": "vroeg-pipeline 0.1.0",
    }
    haarlem, zandvoort = file["leveringen"]
    assert (haarlem["teller"], haarlem["gemeentecode"]) == (1, "0392")
    assert haarlem["aanleverendeOrganisatie"] == {"naam": "Gemeente Haarlem", "kvk-nummer": "12345678"}
    assert (zandvoort["teller"], zandvoort["vroegsignalen"], zandvoort["vroegsignaalzaken"]) == (2, [], [])
    (signal,) = haarlem["vroegsignalen"]
    (stored,) = town.table("validated_signals")
    assert signal == {
        "ID": keyed_hash(hash_key(town.home), stored["signal_id"]),
        "crisissignaal": True,
        "warmeOverdracht": False,
        "bedrag": 101,
        "ontstaansdatum": "2021-01-01",
        "signaaldatum": "2021-03-03",
        "status": "Opgepakt",
        "signaalpartner": {"type": "Huur"},
        "client": {
            "geboortedatum": "1996-02-29",
            "postcode": "2021AB",
            "huisnummer": "12",
            "huisnummertoevoeging": "A",
        },
    }
    assert haarlem["vroegsignaalzaken"] == [
        {
            "matchingsdatum": "2021-03-09",
            "startdatumMatchingperiode": "2021-03-01",
            "datumOpgepakt": "2022-01-01",
            "einddatumMatchingperiode": "2021-03-31",
            "vroegsignalen": [{"ID": signal["ID"]}],
            "contactpogingen": [],
        }
    ]
    assert "zebra" not in json.dumps(file)
    assert "0600987654" not in json.dumps(file)


def test_attempts_and_results_come_with_their_report(town: World) -> None:
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
    town.deliver("water", "2021-03", [row(customer_reference="W1")])
    later, town.now = town.now, moment("2021-03-13 06:30")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    town.now = later
    case = {"case_id": case_ids(town)[12], "end_result": "Geen reactie na eerder contact"}
    visit = {"contact_kind": "Huisbezoek", "reached": "Ja", "contacted_on": "15-03-2021", "day_part": "Avond"}
    call = {"contact_kind": "Telefoon", "contacted_on": "12-03-2021"}
    told = [{**case, **visit, "attempt": "2"}, {**case, **call, "attempt": "1"}]
    told.append({**call, "case_id": case_ids(town)[14], "contacted_on": "20-03-2021"})
    hand_in(town, as_csv(told), name="lijst.csv")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    haarlem = delivered(town)["leveringen"][0]
    of_address = {s["ID"]: s["status"] for s in haarlem["vroegsignalen"]}
    picked_up, waiting = sorted(haarlem["vroegsignaalzaken"], key=lambda case: -len(case["vroegsignalen"]))
    assert picked_up["contactpogingen"] == [
        {"soort": "Telefoon", "datum": "2021-03-12"},
        {"soort": "Huisbezoek", "bereikt": True, "datum": "2021-03-15", "dagdeel": "Avond"},
    ]
    assert picked_up["resultaat"] == "Geen reactie na eerder contact"
    assert picked_up["datumOpgepakt"] == "2021-03-12"
    assert [of_address[s["ID"]] for s in picked_up["vroegsignalen"]] == ["Opgepakt", "Opgepakt"]
    assert "resultaat" not in waiting
    # It came on a worklist before somebody phoned, the other one after.
    assert [attempt["datum"] for attempt in waiting["contactpogingen"]] == ["2021-03-20"]
    assert waiting["datumOpgepakt"] == "2021-03-13"
    assert [of_address[s["ID"]] for s in waiting["vroegsignalen"]] == ["Opgepakt"]


def test_signals_that_were_not_picked_up_say_why(town: World) -> None:
    earlier = row(reference_date="01-02-2021", arrears_since="01-11-2020")
    town.deliver("huur", "2021-02", [earlier])
    town.deliver(
        "huur",
        "2021-03",
        [
            row(arrears_since="01-11-2020"),
            row(customer_reference="K2", amount_due="10", house_number="14"),
            row(customer_reference="K3", postcode="2051AB"),
            row(customer_reference="K4", house_number="16"),
            row(customer_reference="K5", objection="ja"),
            row(customer_reference="K6", amount_due="10", objection="ja"),
            row(customer_reference="K7", postcode="", amount_due="10"),
            row(customer_reference="K8", amount_due="veel"),
            row(customer_reference="K9", house_number="18", arrears_since="01-05-2021"),
        ],
    )
    town.slip("huur", "2021-03", "withdrawals", "K4")
    result = town.run("2021-02", "2021-03", upto=("ddas_delivery", "worklist_files"))
    # Who objected is told of to nobody; what has no address cannot be told; what cannot be read is no signal.
    assert {number: signal["status"] for number, signal in signals(town).items()} == {
        1: "Niet opgepakt: herhaalde melding",
        2: "Niet opgepakt: onterecht signaal",
        3: "Persoon is geen inwoner (meer) in de gemeente",
        4: "Niet opgepakt: andere reden",
        9: "Niet opgepakt: onterecht signaal",
    }
    # An arrear that begins after the signal came is none; the rest is told.
    assert {number for number, signal in signals(town).items() if "ontstaansdatum" not in signal} == {9}
    assert signals(town)[3]["client"] == {"postcode": "2051AB", "huisnummer": "12"}
    (case,) = delivered(town)["leveringen"][0]["vroegsignaalzaken"]
    assert case["resultaat"] == "Niet opgepakt: herhaalde melding"
    told = [e for e in result.get_asset_materialization_events() if e.asset_key.path == ["ddas_delivery"]]
    untold = {e.partition: e.materialization.metadata["rejected rows left out"].value for e in told}
    assert untold == {"2021-02-01": 0, "2021-03-01": 3}
    nothing_kept = town.query(
        "SELECT postcode, birth_date FROM rejected_rows WHERE list_contains(reasons, 'objection')"
    )
    assert {tuple(r.values()) for r in nothing_kept} == {(None, None)}


def test_a_report_is_not_divided_over_municipalities(town: World) -> None:
    # Nobody knows the municipality of 9999ZZ; the one partner begins with Haarlem, the other with Zandvoort.
    town.reference("areas.csv", "postcode_from,postcode_to,worklist", "9999AA,9999ZZ,wijkteam_noord")
    town.deliver("huur", "2021-03", [row(postcode="9999ZZ")])
    town.deliver("water", "2021-03", [row(postcode="9999ZZ"), row(postcode="2042AB")])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    haarlem, zandvoort = delivered(town)["leveringen"]
    assert [len(levering["vroegsignalen"]) for levering in (haarlem, zandvoort)] == [2, 1]
    assert [len(case["vroegsignalen"]) for case in haarlem["vroegsignaalzaken"]] == [2]


def test_what_lies_at_the_address_desk_is_not_taken_up_yet(town: World) -> None:
    town.register("2021AB,12,,")
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="99")])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert {number: signal["status"] for number, signal in signals(town).items()} == {
        1: "Opgepakt",
        2: "Nog niet opgepakt",
    }
    (case,) = delivered(town)["leveringen"][0]["vroegsignaalzaken"]
    assert [reference["ID"] for reference in case["vroegsignalen"]] == [signals(town)[1]["ID"]]
    # Its list has no Kenmerk, which follows from month and address.
    case_id = hashlib.sha256(b"2021-03|2021AB_99__").hexdigest()[:16]
    hand_in(town, as_csv([{"case_id": case_id, **LETTER}]), name="lijst.csv")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert signals(town)[2]["status"] == "Opgepakt"
    assert {case["datumOpgepakt"] for case in delivered(town)["leveringen"][0]["vroegsignaalzaken"]} == {
        "2022-01-01",
        "2021-03-11",
    }


def test_a_case_was_matched_when_its_newest_signal_had_come(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.deliver("water", "2021-03", [row(customer_reference="W1")], received="2021-03-20 10:00")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    (case,) = delivered(town)["leveringen"][0]["vroegsignaalzaken"]
    assert (case["matchingsdatum"], len(case["vroegsignalen"])) == ("2021-03-20", 2)


def test_an_id_says_nothing_and_stays_what_it_is(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    first = delivered(town)
    (signal,) = first["leveringen"][0]["vroegsignalen"]
    assert re.fullmatch(r"[0-9a-f]{32}", signal["ID"])
    assert town.home.hash_key.stat().st_mode & 0o777 == 0o600
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert delivered(town) == first


def test_a_long_addition_is_cut_where_letter_and_addition_are_told_apart(town: World) -> None:
    long = ("37A-BIS1", "12 kamer 204", "12 appartement B", "14 A", "16 A-12")
    town.deliver(
        "huur", "2021-03", [row(customer_reference=f"K{n}", house_number=written) for n, written in enumerate(long)]
    )
    result = town.run("2021-03", upto=("ddas_delivery", "worklist_files"))
    told = [signals(town)[number]["client"].get("huisnummertoevoeging") for number in range(1, 6)]
    assert told == [None, None, None, "A", "A12"]
    (metadata,) = [
        e.materialization.metadata
        for e in result.get_asset_materialization_events()
        if e.asset_key.path == ["ddas_delivery"]
    ]
    assert metadata["house numbers without their long addition"].value == 3
    town.register("2021AB,37,A,BIS1")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert signals(town)[1]["client"]["huisnummertoevoeging"] == "A"


def test_a_bsn_only_where_configured_and_then_alone(town: World) -> None:
    town.deliver("huur", "2021-03", [row(birth_date="29-02-1996"), row(customer_reference="K2", house_number="14")])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    (first, second) = (s["signal_id"] for s in town.table("validated_signals", "row_number"))
    town.reference("burgerservicenummers.csv", "signal_id,burgerservicenummer", f"{first},111222333")
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert "111222333" not in json.dumps(delivered(town))
    town.settings(ddas={"municipalities": MUNICIPALITIES, "bsn": True})
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    assert signals(town)[1]["client"] == {"burgerservicenummer": "111222333"}
    assert signals(town)[2]["client"] == {"postcode": "2021AB", "huisnummer": "14"}
    town.reference("burgerservicenummers.csv", "signal_id,burgerservicenummer", f"{second},111222334")
    for wrong, said in (("111222334", "line 2"), (None, "is not there")):
        if wrong is None:
            (town.home.reference / "burgerservicenummers.csv").unlink()
        with pytest.raises(VroegError, match=said) as error:
            write(town)
        assert "111222334" not in str(error.value)


@pytest.mark.parametrize(
    ("number", "good"), [("111222333", True), ("111222334", False), ("000000000", False), ("1112223", False)]
)
def test_a_bsn_passes_the_test_of_eleven(number: str, good: bool) -> None:
    assert is_bsn(number) is good


def write(world: World, first: str = "2021-03") -> None:
    with world.warehouse.connect() as connection:
        write_ddas(connection, world.installation, [month(first)], world.root / "delivery.json")


def test_a_municipality_that_is_not_named_is_told_by_its_code(town: World) -> None:
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2", postcode="2042AB")])
    town.settings(ddas={"municipalities": {"0392": MUNICIPALITIES["0392"]}})
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    named, unnamed = delivered(town)["leveringen"]
    assert named["aanleverendeOrganisatie"]["naam"] == MUNICIPALITIES["0392"]["organisation"]
    assert (unnamed["gemeentecode"], unnamed["aanleverendeOrganisatie"]["naam"]) == ("0473", "Gemeente 0473")
    assert [len(levering["vroegsignalen"]) for levering in (named, unnamed)] == [1, 1]
    said = unnamed_said(town.installation)
    assert said is not None
    assert "0473" in said
    assert "0392" not in said


def test_cbs_is_answered_with_what_stands_in_the_file(town: World) -> None:
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
    town.deliver("water", "2021-03", [row(customer_reference="W1")])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    with opened_answers(town.home, [month("2021-03")], ["0392", "0473"]) as answers:
        page = answers.page(1, None, 50_000)
    for levering in delivered(town)["leveringen"]:
        signals, cases = (json.loads(f"[{','.join(texts)}]") for texts in page.rows[levering["gemeentecode"]])
        assert sorted(signals, key=json.dumps) == sorted(levering["vroegsignalen"], key=json.dumps)
        assert sorted(cases, key=json.dumps) == sorted(levering["vroegsignaalzaken"], key=json.dumps)
    assert (page.signals, page.cases) == (3, 2)


def test_a_setting_that_is_wrong_stops_only_this_file(town: World) -> None:
    town.deliver("huur", "2021-03", [row()])
    town.settings(ddas={"municipalities": MUNICIPALITIES, "bsn": True})
    result = town.run("2021-03")
    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed]
    assert "totals_equal_the_warehouse" in failed
    with pytest.raises(VroegError, match=r"ddas\.bsn is on"):
        write(town)
    assert not list(town.home.outbox.rglob("ddas*"))
    with (
        pytest.raises(VroegError, match="could not be delivered"),
        opened_answers(town.home, [month("2021-03")], ["0392"]),
    ):
        pass


def test_a_warehouse_that_does_not_fit_together_is_not_delivered(town: World) -> None:
    town.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
    town.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    put(town, "DELETE FROM validated_signals WHERE row_number = 2")
    with pytest.raises(VroegError, match="do not fit together"):
        write(town)


@pytest.fixture(scope="module")
def all_statuses(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A month with signals of every status, of which one was withdrawn after contact; to be looked at."""
    world = World(tmp_path_factory.mktemp("statuses") / "home")
    world.agree("huur")
    world.register("2021AB,12,,", "2021AB,14,,", "2021AB,16,,", "2021AB,18,,", "2021AB,20,,")
    since = {"arrears_since": "01-11-2020"}
    world.deliver("huur", "2021-02", [row(reference_date="01-02-2021", **since)])
    numbers = {"K2": "14", "K3": "16", "K4": "18", "K5": "20", "K6": "99", "K8": "16"}
    rows = [row(**since), *(row(customer_reference=of, house_number=number) for of, number in numbers.items())]
    world.deliver("huur", "2021-03", [*rows, row(customer_reference="K7", house_number="20", amount_due="10")])
    world.slip("huur", "2021-03", "withdrawals", "K2", "K8")
    world.make("2021-02", "2021-03", upto=("ddas_delivery", "worklist_files"))
    known = case_ids(world)
    told = [{**LETTER, "case_id": known[16], "end_result": "Inwoner is overleden"}, {**LETTER, "case_id": known[18]}]
    hand_in(world, as_csv(told), name="lijst.csv", received="2021-03-20 10:00")
    world.slip("huur", "2021-03", "withdrawals", "K4", name="later.csv", received="2021-03-25 10:00")
    world.make("2021-03", upto=("ddas_delivery", "worklist_files"))
    return world


def test_the_totals_are_those_of_a_month_with_every_status(all_statuses: World) -> None:
    write(all_statuses)
    with all_statuses.warehouse.connect() as connection:
        totals = warehouse_totals(connection, [month("2021-03")])
    assert {what.removeprefix("signals, "): number for what, number in totals.items() if "signals, " in what} == {
        "Inwoner is overleden": 1,
        "Niet opgepakt: andere reden": 2,
        "Niet opgepakt: herhaalde melding": 1,
        "Niet opgepakt: onterecht signaal": 1,
        "Nog niet opgepakt": 1,
        "Opgepakt": 2,
    }


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("WHEN signal.held_reason IS NOT NULL THEN", "WHEN false THEN"),
        ("WHEN repeated.signal_id IS NOT NULL THEN", "WHEN false THEN"),
        ("'Inwoner al bekend bij schuldhulpverlening', 'Inwoner is overleden',", ""),
        ("WHEN taken_up.address_key IS NOT NULL THEN 'Opgepakt'", "WHEN true THEN 'Opgepakt'"),
        ("CASE WHEN kept.signal_id IS NULL THEN signal.held_reason END", "signal.held_reason"),
        ("signal.held_reason IS NULL AND (", "("),
        ("    UNION\n    SELECT\n        month,\n        address_key\n    FROM issued_to_teams\n", ""),
        ("LEFT JOIN repeat_signals AS repeated", "INNER JOIN repeat_signals AS repeated"),
        ("WHERE row.ddas_status IS NOT NULL;", "WHERE false;"),
        ("'Niet opgepakt: herhaalde melding'\n", "'Niet opgepakt: andere reden'\n"),
    ],
)
def test_the_totals_are_not_those_of_the_view_that_the_file_is_made_of(
    all_statuses: World, said: str, instead: str
) -> None:
    """Whatever is changed in what is told of signals, the file does not add up any more."""
    (view,) = [part.statement for part in parts() if part.name == "signal_statuses"]
    assert said in view
    with all_statuses.warehouse.connect() as connection:
        connection.begin()
        connection.execute(view.replace(said, instead, 1))
        with pytest.raises(VroegError, match="do not fit together"):
            write_ddas(connection, all_statuses.installation, [month("2021-03")], all_statuses.root / "delivery.json")
        connection.rollback()


@pytest.mark.parametrize(
    ("breaking", "what"),
    [
        ("DELETE FROM validated_signals WHERE row_number = 2", "signals, Niet opgepakt: andere reden"),
        ("UPDATE address_matches SET signal_count = 2", "signals, Opgepakt"),
        ("DELETE FROM worklist_issues", "cases"),
        ("UPDATE validated_signals SET amount_due = amount_due + 1", "euro"),
        (
            "INSERT INTO contact_attempts SELECT month, 'c', address_key, 'w', 1, 'Brief', true, month, NULL, now(), 'f' "
            "FROM address_matches",
            "contact attempts",
        ),
        ("UPDATE recidivism_history SET only_repeats = true", "results"),
    ],
)
def test_the_check_of_the_totals_can_fail(finished: World, breaking: str, what: str) -> None:
    with finished.warehouse.connect() as connection:
        before = warehouse_totals(connection, [month("2021-03")])
        connection.begin()
        connection.execute(breaking)
        assert what in differences(before, warehouse_totals(connection, [month("2021-03")]))
        connection.rollback()
