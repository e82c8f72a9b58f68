"""Worklists: tiers, order, routing, capacity, deadlines, issues (DOMAIN §9)."""

from __future__ import annotations

from datetime import date
from typing import Any

import openpyxl
import pytest

from vroeg_pipeline.worklists.assets import told_partners
from vroeg_pipeline_tests.kit.world import World, row


def at(number: int, **changes: str) -> dict[str, str]:
    return row(**{"house_number": str(number), "customer_reference": f"K{number}", **changes})


def entries(world: World, month: str = "2021-03") -> dict[int, dict[str, Any]]:
    """House number to entry."""
    found = world.table("prioritised_worklists", where=f"month = '{month}-01'")
    return {int(e["address_key"].split("_")[1]): e for e in found}


@pytest.fixture
def town(world: World) -> World:
    """Two landlords, water and energy."""
    world.agree("huur")
    world.agree("huur_twee")
    world.agree("water", type="Water")
    world.agree("licht", type="Energie")
    return world


def test_tiers_and_first_actions(town: World) -> None:
    town.deliver("huur", "2021-03", [at(1), at(2), at(3)])
    town.deliver("huur_twee", "2021-03", [at(2)])
    town.deliver("licht", "2021-03", [at(1), at(4)])
    town.deliver(
        "water", "2021-03",
        [at(4), at(5, amount_due="500,00"), at(6, amount_due="499,99"), at(7, crisis="ja"),
         at(8, amount_due="250,00"), at(8, customer_reference="K8b", amount_due="250,00")],
    )  # fmt: skip
    town.make("2021-03", upto="prioritised_worklists")
    found = {number: (e["tier"], e["tier_name"], e["action"], e["worklist"]) for number, e in entries(town).items()}
    team, light = "wijkteam_noord", "lichte_opvolging"
    assert found == {
        7: (0, "crisis", "home_visit", team),
        1: (1, "rent_enriched", "home_visit", team),
        2: (1, "rent_enriched", "home_visit", team),  # two landlords count
        3: (2, "rent", "home_visit", team),
        4: (3, "multiple", "phone", team),
        5: (4, "single_high", "phone", light),
        8: (4, "single_high", "phone", light),  # of the address, not of a signal
        6: (5, "single", "letter", light),
    }
    why = {e["tier_name"]: e["explanation"].partition("; ")[0] for e in entries(town).values()}
    assert why == {
        "crisis": "Crisis: afsluiting of ontruiming aangekondigd",
        "rent_enriched": "Huurachterstand en meer dan één partner",
        "rent": "Huurachterstand",
        "multiple": "Achterstand bij meer dan één partner",
        "single_high": "Eén partner, hoog bedrag",
        "single": "Eén partner",
    }
    for entry in entries(town).values():
        assert "\n" not in entry["explanation"]


def test_order_within_a_list(town: World) -> None:
    older = "01-12-2020"
    town.deliver(
        "huur", "2021-03",
        [at(1), at(2, amount_due="200"), at(3, arrears_since=older), at(4), at(5), at(6, crisis="ja"), at(44)],
    )  # fmt: skip
    town.deliver("licht", "2021-03", [at(4), at(5)])
    town.deliver("water", "2021-03", [at(5)])
    town.make("2021-03", upto="prioritised_worklists")
    by_rank = sorted(entries(town).values(), key=lambda e: e["rank"])
    # crisis; three partners before two; then the longest arrear, the highest amount, the key (as text)
    assert [int(e["address_key"].split("_")[1]) for e in by_rank] == [6, 5, 4, 3, 2, 1, 44]
    assert [e["rank"] for e in by_rank] == [1, 2, 3, 4, 5, 6, 7]


def test_routing(town: World) -> None:
    town.register(*[f"2021AB,{n},," for n in range(1, 9)], "2021AB,9,A,", "2021AB,9,B,", "2026ZZ,1,,", "2027AA,70,,")
    town.deliver("huur", "2021-02", [at(n, reference_date="01-02-2021") for n in (1, 9)])
    town.deliver("water", "2021-02", [at(2, reference_date="01-02-2021", crisis="ja")])
    town.deliver(
        "huur", "2021-03", [at(1, amount_due="150"), at(3), at(9, amount_due="150"), at(70, postcode="2027AA")]
    )
    town.deliver("water", "2021-03", [at(2, amount_due="150", crisis="ja"), at(4), at(71, postcode="2027AA")])
    town.make("2021-02", "2021-03", upto="prioritised_worklists")
    found = {number: (e["worklist"], e["action"]) for number, e in entries(town).items()}
    assert found == {
        1: ("budgetcoach", "home_visit"),
        2: ("budgetcoach", "home_visit"),  # a recidivist whatever the tier, crisis included
        3: ("wijkteam_noord", "home_visit"),
        4: ("lichte_opvolging", "letter"),
        9: ("adresdesk", "check_address"),  # ambiguous: never guessed, though reported before
        70: ("adresdesk", "check_address"),  # in no area
        71: ("adresdesk", "check_address"),  # not in the register
    }


def test_the_ends_of_an_area_belong_to_it(town: World) -> None:
    town.reference("areas.csv", "postcode_from,postcode_to,worklist", "2021AB,2021AD,team_a", "2021AD,2021AF,team_b")
    town.deliver(
        "huur",
        "2021-03",
        [at(n, postcode=p) for n, p in enumerate(("2021AA", "2021AB", "2021AD", "2021AF", "2021AG"), 1)],
    )
    town.make("2021-03", upto="prioritised_worklists")
    assert [e["worklist"] for _, e in sorted(entries(town).items())] == [
        "adresdesk",
        "team_a",
        "team_a",
        "team_b",
        "adresdesk",
    ]


def test_capacity_and_contact_policy(town: World) -> None:
    town.settings(
        capacity={"wijkteam_noord": 2, "budgetcoach": 0, "lichte_opvolging": 0},
        contact_policy={"2021-02": {"home_visits": False}},
    )
    town.deliver(
        "huur", "2021-02", [at(1, reference_date="01-02-2021"), at(9, reference_date="01-02-2021", amount_due="90")]
    )
    town.deliver("huur", "2021-03", [at(9), at(2), at(3, crisis="ja"), at(4, amount_due="900")])
    town.deliver("water", "2021-03", [at(5), at(6, amount_due="600")])
    town.make("2021-02", "2021-03", upto="prioritised_worklists")
    assert {(e["action"], e["over_capacity"]) for e in entries(town, "2021-02").values()} == {("phone", False)}
    found = {number: (e["worklist"], e["action"], e["over_capacity"]) for number, e in entries(town).items()}
    assert found == {
        3: ("wijkteam_noord", "home_visit", False),
        4: ("wijkteam_noord", "home_visit", False),
        2: ("wijkteam_noord", "phone", True),
        9: ("budgetcoach", "phone", True),
        6: ("lichte_opvolging", "phone", False),
        5: ("lichte_opvolging", "letter", False),
    }


def test_capacity_holds_for_crisis_too(town: World) -> None:
    town.settings(capacity={"wijkteam_noord": 1})
    town.deliver("huur", "2021-03", [at(1, crisis="ja", amount_due="900"), at(2, crisis="ja")])
    town.make("2021-03", upto="prioritised_worklists")
    assert [(e["action"], e["over_capacity"]) for _, e in sorted(entries(town).items())] == [
        ("home_visit", False),
        ("phone", True),
    ]


def test_deadlines_count_from_the_earliest_delivery(town: World) -> None:
    town.deliver("huur", "2021-03", [at(1), at(2), at(3)], received="2021-03-04 23:30")
    town.deliver("water", "2021-03", [at(1), at(2, crisis="ja"), at(4, crisis="ja")], received="2021-03-05 09:00")
    town.deliver("licht", "2021-03", [at(2, crisis="ja")], received="2021-03-08 09:00")
    town.make("2021-03", upto="prioritised_worklists")
    assert {number: e["deadline"] for number, e in entries(town).items()} == {
        1: date(2021, 4, 1),  # 28 days after 4 March, the Amsterdam day
        3: date(2021, 4, 1),
        2: date(2021, 3, 10),  # three working days after Friday 5 March: of the crisis signals, not of the rent
        4: date(2021, 3, 10),
    }


def test_known_clients_are_flagged_and_not_removed(town: World) -> None:
    town.register("2021AB,1,,RD", "2021AB,1,,ZW", "2021AB,2,,", "2021AB,3,,")
    town.reference(
        "known_clients.csv", "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to",
        "2021 ab,1,,rood,wijkteam", "2021AB,1 rd,,,schulddienst", "2021AB,1,,RD,wijkteam", "2021AB,1,,,ambigu",
        "2021AB,2,,,", "2021AB,3,,B,onbekend", ",,,,x",
    )  # fmt: skip
    town.deliver(
        "huur", "2021-03", [row(house_number="1 rd"), at(2), at(3), row(house_number="1", customer_reference="K9")]
    )
    town.make("2021-03", upto="prioritised_worklists")
    found = {e["address_key"]: e["known_to"] for e in town.table("prioritised_worklists")}
    assert found == {
        "2021AB_1__RD": "schulddienst, wijkteam",
        "2021AB_2__": None,
        "2021AB_3__": None,
        "2021AB_1_?_": None,
    }


def issues(world: World) -> list[tuple[str, int, str, str]]:
    rows = world.table("worklist_issues", "worklist, issue, address_key")
    return [(r["worklist"], r["issue"], r["address_key"].split("_")[1], r["change"]) for r in rows]


def outbox(world: World) -> list[str]:
    return sorted(path.name for path in world.home.outbox.rglob("werklijst*.xlsx"))


def test_only_what_changed_is_issued(town: World) -> None:
    town.deliver("huur", "2021-03", [at(1), at(2)])
    town.deliver("water", "2021-03", [at(5), at(6)])
    town.make("2021-03", upto="worklist_files")
    first = [
        ("lichte_opvolging", 1, "5", "added"), ("lichte_opvolging", 1, "6", "added"),
        ("wijkteam_noord", 1, "1", "added"), ("wijkteam_noord", 1, "2", "added"),
    ]  # fmt: skip
    assert issues(town) == first
    files = outbox(town)
    town.make("2021-03", upto="worklist_files")
    assert (issues(town), outbox(town)) == (first, files)  # nothing changed, nothing issued

    # Late: address 5 moves to the team's list, 7 comes, 1 gets another rank; 2 is withdrawn by its landlord.
    town.deliver("licht", "2021-03", [at(5), at(1), at(7)], received="2021-03-20 09:00")
    town.slip("huur", "2021-03", "withdrawals", "K2")
    town.make("2021-03", upto="worklist_files")
    assert [i for i in issues(town) if i not in first] == [
        ("lichte_opvolging", 2, "5", "withdrawn"), ("lichte_opvolging", 2, "7", "added"),
        ("wijkteam_noord", 2, "2", "withdrawn"), ("wijkteam_noord", 2, "5", "added"),
    ]  # fmt: skip
    assert len(outbox(town)) == len(files) + 2
    (town.home.inbox / "huur/2021-03/withdrawals/lijst.csv").unlink()
    town.make("2021-03", upto="worklist_files")
    assert [i for i in issues(town) if i[1] == 3] == [("wijkteam_noord", 3, "2", "added")]


def test_issues_are_numbered_per_month_and_list(town: World) -> None:
    town.deliver("huur", "2021-02", [at(1, reference_date="01-02-2021")])
    town.deliver("huur", "2021-03", [at(2)])
    town.make("2021-02", "2021-03", upto="worklist_issues")
    town.deliver("licht", "2021-03", [at(3), at(1)], received="2021-03-20 09:00")
    town.make("2021-02", "2021-03", upto="worklist_issues")
    numbers = {(str(r["month"])[:7], r["worklist"]): r["issue"] for r in town.table("worklist_issues", "issue")}
    assert numbers == {
        ("2021-02", "wijkteam_noord"): 1,
        ("2021-03", "wijkteam_noord"): 1,
        ("2021-03", "budgetcoach"): 1,
        ("2021-03", "lichte_opvolging"): 1,
    }


def test_a_list_of_one_municipality_names_the_missing_partners_of_that_one(world: World) -> None:
    world.agree("huur", municipalities=["0392"])
    world.agree("water", municipalities=["0392", "0473"])
    partners = list(world.installation.partners.agreements.values())
    lists = ("0392_budgetcoach", "0473_budgetcoach", "budgetcoach")
    assert [told_partners(partners, name) for name in lists] == [["Huur", "Water"], ["Water"], ["Huur", "Water"]]


def test_the_file_says_what_the_table_says(town: World) -> None:
    town.deliver(
        "huur",
        "2021-03",
        [at(1, surname="=Formule", initials="A.", phone="+31600000000", email="a@b.example"), at(2, amount_due="900")],
    )
    town.make("2021-03", upto="worklist_files")
    (path,) = (p for p in town.home.outbox.rglob("werklijst*.xlsx"))
    sheet = openpyxl.load_workbook(path)["Werklijst"]
    assert sheet["A1"].value == "Werklijst Wijkteam Noord – maart 2021"
    missing = "Niet ontvangen deze maand: Huur Twee, Licht, Water"
    assert sheet["A3"].value == missing
    lines = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=6, max_row=7)]
    assert [line[4].split("\n")[0] for line in lines] == ["2", "1"]
    assert lines[1][5] == "A. =Formule"
    assert lines[1][6:8] == ["+31600000000", "a@b.example"]
    assert lines[1][11] == "Huur €\u00a0100,00"
