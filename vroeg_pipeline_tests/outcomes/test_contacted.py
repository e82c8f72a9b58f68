"""What was contacted stays, whatever its partners say later (DOMAIN §10)."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline.ddas.contradictions import contradictions
from vroeg_pipeline.ddas.file import warehouse_totals
from vroeg_pipeline.evaluation.figures import set_evaluation
from vroeg_pipeline.feedback.files import feedback_paths
from vroeg_pipeline.installation.requests import Asked, Request, next_number
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.outcomes.contacted import find_cases, find_left_rows
from vroeg_pipeline.residents.asking import ask
from vroeg_pipeline.residents.finding import Wanted
from vroeg_pipeline_tests.kit.returned import as_csv, attempts, case_ids, hand_in, results
from vroeg_pipeline_tests.kit.tables import Tables, key_of
from vroeg_pipeline_tests.kit.world import World, moment, month, row

MARCH = "2021-03"
OTHER_DOOR = row(customer_reference="K2", house_number="14")
PAID = "Inwoner heeft zelf al betaald/betalingsregeling getroffen"
UPTO = ("ddas_delivery", "partner_feedback", "evaluation_page", "worklist_files")


@pytest.fixture(scope="module")
def contacted(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two signals at number 12 and one at 14; 12 was phoned twice and paid, told on the 20th. To be copied."""
    world = World(tmp_path_factory.mktemp("contacted") / "home")
    world.agree("huur")
    world.agree("water", type="Water")
    world.deliver("huur", MARCH, [row(), OTHER_DOOR])
    world.deliver("water", MARCH, [row(customer_reference="W1")])
    world.make(MARCH, upto=UPTO)
    call = {"case_id": case_ids(world)[12], "contact_kind": "Telefoon", "contacted_on": "15-03-2021"}
    told = [call, {**call, "attempt": "2", "reached": "Ja", "contacted_on": "16-03-2021", "end_result": PAID}]
    hand_in(world, as_csv(told), name="lijst.csv", received="2021-03-20 10:00")
    world.make(MARCH, upto=UPTO)
    return world


@pytest.fixture
def town(contacted: World, tmp_path: Path) -> World:
    return contacted.copied(tmp_path / "town")


def again(world: World, *rows: dict[str, str], at: str, partner: str = "huur") -> None:
    """Another file of the partner for the month, received on that day of it."""
    world.deliver(partner, MARCH, [*rows], name=f"levering_{at}.csv", received=f"2021-03-{at} 10:00")


def withdraw(world: World, *references: str, at: str = "25", partner: str = "huur") -> None:
    world.slip(partner, MARCH, "withdrawals", *references, name=f"in_{at}.csv", received=f"2021-03-{at} 10:00")


def told(world: World) -> dict[str, Any]:
    """What stands in the file for CBS and the feedback: by reference the status, the cases, what partners read."""
    (path,) = world.home.outbox_of(month(MARCH)).glob("ddas*.json")
    leveringen = json.loads(path.read_text())["leveringen"]
    signals = [signal for levering in leveringen for signal in levering["vroegsignalen"]]
    cases = [case for levering in leveringen for case in levering["vroegsignaalzaken"]]
    assert contradictions([*signals, *cases]) == {}
    key = hash_key(world.home)
    references = {keyed_hash(key, s["signal_id"]): s["customer_reference"] for s in world.table("signal_statuses")}
    return {
        "statuses": {references[signal["ID"]]: signal["status"] for signal in signals},
        "cases": sorted(
            (
                sorted(references[s["ID"]] for s in case["vroegsignalen"]),
                len(case["contactpogingen"]),
                case.get("resultaat"),
            )
            for case in cases
        ),
        "feedback": sorted(line for partner in ("huur", "water") for line in feedback(world, partner)),
        "evaluation": {
            r["end_result"] or "": r["reports"]
            for r in world.query(
                "SELECT end_result, sum(reports)::INTEGER AS reports FROM evaluation_reports "
                "WHERE kind = 'report' GROUP BY ALL"
            )
        },
        "attempts": attempts(world),
        "results": results(world),
    }


def feedback(world: World, partner: str) -> list[list[str]]:
    path: Path = feedback_paths(world.home, month(MARCH), partner)["csv"]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=";"))[1:]


def on_lists(world: World) -> list[str]:
    return sorted(entry["address_key"] for entry in world.table("prioritised_worklists"))


def all_hold(world: World, *others: str) -> None:
    """Makes the month, and what else is named, again; every check holds."""
    for each in (*others, MARCH):
        assert world.make(each, upto=UPTO) == []


def test_a_withdrawal_after_contact_takes_it_off_the_list_and_nothing_else(town: World) -> None:
    before = told(town)
    assert before["cases"] == [(["K1", "W1"], 2, PAID), (["K2"], 0, None)]
    withdraw(town, "K1")
    withdraw(town, "W1", partner="water")
    all_hold(town)
    assert on_lists(town) == ["2021AB_14__"]
    assert told(town) == before
    assert [(i["address_key"], i["change"]) for i in town.table("worklist_issues", where="issue = 2")] == [
        ("2021AB_12__", "withdrawn")
    ]


def test_one_of_two_that_is_withdrawn_stays_too(town: World) -> None:
    before = told(town)
    withdraw(town, "W1", partner="water")
    all_hold(town)
    assert on_lists(town) == ["2021AB_12__", "2021AB_14__"]
    assert told(town) == before


@pytest.mark.parametrize("takes_back", ["withdrawal", "another delivery"])
def test_who_owed_rent_when_contacted_is_counted_with_rent(town: World, takes_back: str) -> None:
    before = [town.table(name) for name in ("evaluation_reports", "evaluation_contacts")]
    assert {each["has_rent"] for table in before for each in table} == {True}
    if takes_back == "withdrawal":
        withdraw(town, "K1")
    else:
        again(town, OTHER_DOOR, at="26")
    all_hold(town)
    # By the water that is left.
    assert on_lists(town) == ["2021AB_12__", "2021AB_14__"]
    assert [each["has_rent"] for each in town.table("address_matches", "address_key")] == [False, True]
    assert [town.table(name) for name in ("evaluation_reports", "evaluation_contacts")] == before


def test_a_withdrawal_before_contact_or_without_is_another_reason(town: World) -> None:
    withdraw(town, "K1", at="19")
    withdraw(town, "K2")
    all_hold(town)
    after = told(town)
    other = "Niet opgepakt: andere reden"
    assert after["statuses"] == {"K1": other, "K2": other, "W1": "Opgepakt"}
    assert after["cases"] == [(["W1"], 2, PAID)]
    assert [line[:3] for line in after["feedback"]] == [["1", "K1", other], ["2", "K2", other]]
    assert on_lists(town) == ["2021AB_12__"]
    assert after["attempts"]


@pytest.mark.parametrize(
    "rows",
    [
        [OTHER_DOOR],
        [row(objection="ja"), OTHER_DOOR],
        [row(amount_due="10"), OTHER_DOOR],
        [row(postcode=""), OTHER_DOOR],
    ],
    ids=["without it", "with an objection", "below the threshold", "unreadable"],
)
def test_a_delivery_that_lacks_it_since_takes_nothing_back(town: World, rows: list[dict[str, str]]) -> None:
    before = told(town)
    again(town, *rows, at="26")
    withdraw(town, "W1", partner="water")
    all_hold(town)
    assert on_lists(town) == ["2021AB_14__"]
    assert told(town) == before
    town.deliver("huur", MARCH, [OTHER_DOOR], name="derde.csv", received="2021-03-28 10:00")
    all_hold(town)
    assert told(town) == before


def test_a_delivery_that_lacked_it_before_contact_counts(town: World) -> None:
    town.deliver("huur", MARCH, [OTHER_DOOR], name="tweede.csv", received="2021-03-19 10:00")
    all_hold(town)
    assert told(town)["cases"] == [(["K2"], 0, None), (["W1"], 2, PAID)]


def test_what_is_delivered_again_stands_for_what_was_there(town: World) -> None:
    again(town, row(amount_due="300,00"), OTHER_DOOR, at="26")
    all_hold(town)
    assert town.table("contacted_signals") == []
    assert told(town)["cases"] == [(["K1", "W1"], 2, PAID), (["K2"], 0, None)]


def test_made_anew_from_inbox_and_archive_it_is_the_same(town: World) -> None:
    before = told(town)
    withdraw(town, "K1")
    town.deliver(
        "water",
        MARCH,
        [row(customer_reference="W9", house_number="16")],
        name="tweede.csv",
        received="2021-03-26 10:00",
    )
    all_hold(town)
    after = told(town)
    assert after["cases"] == sorted([*before["cases"], (["W9"], 0, None)])
    town.lose_warehouse()
    all_hold(town)
    assert told(town) == after


def test_made_anew_a_case_that_was_replaced_before_it_was_told_of_is_known(town: World) -> None:
    case_id = case_ids(town)[14]
    again(town, row(), at="22")
    all_hold(town)
    late = {"case_id": case_id, "contact_kind": "Telefoon", "contacted_on": "21-03-2021", "end_result": PAID}
    hand_in(town, as_csv([late]), name="later.csv", received="2021-03-24 10:00")
    all_hold(town)
    before = told(town)
    town.lose_warehouse()
    all_hold(town)
    assert told(town) == before
    lists = {each["address_key"]: each["worklist"] for each in town.table("case_results")}
    assert lists["2021AB_14__"] == "onbekend"


@pytest.mark.parametrize(("day", "status"), [("15", "Niet opgepakt: andere reden"), ("25", "Opgepakt")])
def test_a_restriction_counts_against_contact_as_a_withdrawal_does(town: World, day: str, status: str) -> None:
    who = Wanted(postcode="2021AB", number=12, surname="Testman")
    request = Request(next_number(town.home), Asked.RESTRICT, "Tester", "brief", moment(f"2021-03-{day} 12:00"), "", ())
    ask(town.warehouse, town.installation, who, request)
    all_hold(town)
    assert on_lists(town) == ["2021AB_14__"]
    assert told(town)["statuses"] == {"K1": status, "K2": "Opgepakt", "W1": status}
    # What another delivery took away since was restricted all the same.
    again(town, OTHER_DOOR, at="26")
    all_hold(town)
    assert told(town)["statuses"].get("K1") == ("Opgepakt" if day == "25" else None)


def test_an_objection_in_an_addition_after_contact_takes_nothing_back(town: World) -> None:
    town.agree("huur", delivery={"additions": "*spoed*"})
    all_hold(town)
    before = told(town)
    town.deliver("huur", MARCH, [row(objection="ja")], name="spoed.csv", received="2021-03-26 10:00")
    withdraw(town, "W1", partner="water")
    all_hold(town)
    assert [r["reasons"] for r in town.table("rejected_rows")] == [["objection"], ["objection"]]
    assert on_lists(town) == ["2021AB_14__"]
    assert told(town) == before


def test_a_questioned_file_replaces_from_when_somebody_decided_so(town: World) -> None:
    others = [row(customer_reference=f"K{n}", house_number=str(n)) for n in range(20, 30)]
    again(town, row(), OTHER_DOOR, *others, at="05")
    town.deliver("huur", MARCH, [OTHER_DOOR], name="minder.csv", received="2021-03-07 10:00")
    town.make(MARCH, upto=UPTO)
    before = told(town)
    assert (["K1", "W1"], 2, PAID) in before["cases"]
    (questioned,) = (town.home.inbox / "huur" / MARCH).glob("minder.csv")
    town.decide("huur", MARCH, questioned, "replacement")
    all_hold(town)
    assert on_lists(town) == ["2021AB_12__", "2021AB_14__"]
    assert told(town)["cases"] == [(["K1", "W1"], 2, PAID), (["K2"], 0, None)]


def test_an_address_that_gets_another_key_takes_its_case_along(town: World) -> None:
    before = told(town)
    # From now on a register knows two dwellings at each number: which of them is meant is for the address desk. Number 14
    # was issued to a team and nothing more, and stays taken up too.
    town.register("2021AB,12,,HS", "2021AB,12,,BOV", "2021AB,14,,HS", "2021AB,14,,BOV")
    all_hold(town)
    assert on_lists(town) == ["2021AB_12_?_", "2021AB_14_?_"]
    assert {attempt["address_key"] for attempt in town.table("contact_attempts")} == {"2021AB_12_?_"}
    assert told(town) == before
    # What its partners say later takes nothing back; in a warehouse made anew nothing but the Kenmerk tells of the old key.
    withdraw(town, "K1")
    withdraw(town, "W1", partner="water")
    town.register("2021AB,12,,HS", "2021AB,12,,BOV", "2021AB,14,,")
    town.lose_warehouse()
    all_hold(town)
    assert on_lists(town) == ["2021AB_14__"]
    assert told(town) == before
    # Its second case is told of too, and then both have one address again: what was told last is how it ended.
    case_id = hashlib.sha256(b"2021-03|2021AB_12_?_").hexdigest()[:16]
    at_last = "Geen reactie na eerder contact"
    said = {"case_id": case_id, "contact_kind": "Brief", "contacted_on": "24-03-2021", "end_result": at_last}
    hand_in(town, as_csv([said]), name="later.csv", received="2021-03-26 10:00")
    (town.home.reference / "addresses.csv").unlink()
    all_hold(town)
    after = told(town)
    assert after["cases"] == [(["K1", "W1"], 3, at_last), (["K2"], 0, None)]
    assert after["evaluation"] == {at_last: 1, "": 1}
    assert (after["statuses"], after["feedback"]) == (before["statuses"], before["feedback"])
    assert {attempt["address_key"] for attempt in town.table("contact_attempts")} == {"2021AB_12__"}
    assert len(town.table("case_results")) == 2


def test_a_case_goes_where_most_of_its_signals_go_unless_one_of_them_stays(tables: Tables) -> None:
    """Of house numbers that are others now: 9 became 1 and 2, and 8 became 3 for one of its two signals."""
    stood = {9: [("K1", 1), ("K2", 1), ("K3", 2)], 8: [("K4", 3), ("K5", 8)], 7: [("elsewhere", 4)]}
    of = tables.at(MARCH)
    for before, signals in stood.items():
        for reference, now in signals:
            written = f"Straat {before} van {reference}"
            tables.signal(number=now, customer_reference=reference, written_address=written)
            former = [of.month, "huur", "K6" if reference == "elsewhere" else reference, written, key_of(before)]
            tables.connection.execute("INSERT INTO former_addresses VALUES (?, ?, ?, ?, ?)", former)
    find_left_rows(tables.connection, of.installation, of.month)
    find_cases(tables.connection, of.installation, of.month)
    assert tables.query("SELECT former_key, address_key FROM moved_cases") == [
        {"former_key": key_of(9), "address_key": key_of(1)}
    ]


def test_the_case_of_a_repeat_that_was_never_issued_is_known(tables: Tables) -> None:
    for of in ("2021-02", MARCH):
        tables.signal(month=of, arrears_since=month("2020-11"))
    tables.recidivism("2021-02", MARCH)
    assert len(tables.repeats()) == 1
    tables.told(month=MARCH, contact_kind="Telefoon", contacted_on=month(MARCH))
    of = tables.at(MARCH)
    find_left_rows(tables.connection, of.installation, of.month)
    assert find_cases(tables.connection, of.installation, of.month) == 0
    assert [case["address_key"] for case in tables.query("FROM known_cases")] == [key_of(1)]


def test_what_was_wrong_in_the_same_file_is_told_as_it_was(tables: Tables) -> None:
    """K1 was withdrawn after contact. Two other rows of its file and one of a later file have its reference."""
    unfounded = "Niet opgepakt: onterecht signaal"
    door = {"postcode": "2021AB", "house_number": 1, "house_letter": "", "house_number_addition": "", "amount_due": 10}
    tables.signal(held_reason="withdrawn")
    tables.rejected("below_threshold", customer_reference="K1", ddas_status=unfounded, **door)
    tables.rejected("objection", customer_reference="K1", ddas_status="Niet opgepakt: andere reden")
    tables.rejected("too_few_days", customer_reference="K1", ddas_status=unfounded, file_sha256="later", **door)
    columns = ", ".join(each["column_name"] for each in tables.query("FROM (DESCRIBE contacted_signals)"))
    tables.connection.execute(f"INSERT INTO contacted_signals BY NAME SELECT {columns} FROM validated_signals")
    told_back = tables.query("FROM signal_statuses WHERE address_key IS NULL ORDER BY row_number")
    assert [(each["row_number"], each["file_sha256"]) for each in told_back] == [
        (1000, "huur 2021-03"), (1001, "huur 2021-03"),
    ]  # fmt: skip
    totals = warehouse_totals(tables.connection, [month(MARCH)])
    assert (totals[f"signals, {unfounded}"], totals["euro"]) == (1, 110)


@pytest.mark.parametrize(
    ("contacted_on", "came_again", "days", "in_time"),
    [
        (date(2021, 3, 15), "2021-03-26 10:00", 12, True),
        (date(2021, 4, 10), "2021-04-20 10:00", 38, False),
        (date(2021, 3, 26), "2021-03-20 10:00", 6, True),
    ],
)
def test_who_was_contacted_before_another_delivery_is_counted_from_the_first(
    tables: Tables, contacted_on: date, came_again: str, days: int, in_time: bool
) -> None:
    tables.delivery(file_sha256="first", status="superseded")
    tables.delivered(file_sha256="first", customer_reference=" K1")
    tables.delivery(received_at=moment(came_again))
    tables.signal(received=came_again)
    tables.recidivism()
    tables.worklists()
    attempt = [
        "2021-03-01",
        "f" * 16,
        key_of(1),
        "wijkteam_noord",
        1,
        "Telefoon",
        None,
        contacted_on,
        None,
        moment(came_again),
        "0",
    ]
    tables.connection.execute(f"INSERT INTO contact_attempts VALUES ({', '.join('?' * len(attempt))})", attempt)
    of = tables.at("2021-03")
    set_evaluation(tables.connection, of.installation, of.month)
    of.fill("evaluation_reports")
    (report,) = tables.query("FROM evaluation_reports")
    assert (report["first_contact_days"], report["in_time"]) == (days, in_time)
