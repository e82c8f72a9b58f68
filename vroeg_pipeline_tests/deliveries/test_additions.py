"""Files that add up, and replacements that lost people (DOMAIN §4), from the inbox to the worklists."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from vroeg_pipeline_tests.kit.world import WHOLE, World, moment, month, row

MARCH = "2021-03"
MONTHLY, URGENT = "2021-03-03 10:00", "2021-03-15 09:00"
# Of who lives at the number that the reference has.
Row = dict[str, str]


def of(number: int, **changes: str) -> Row:
    """A valid row of customer and house number."""
    return row(**{"customer_reference": f"K{number}", "house_number": str(number), **changes})


@pytest.fixture
def licht(world: World) -> World:
    """A partner that sends a monthly file, and urgent ones that add to it."""
    world.agree("licht", type="Energie", delivery={"additions": "*SPOED*"})
    return world


def urgent(world: World, rows: list[Row], name: str = "licht_spoed.csv", received: str = URGENT) -> None:
    world.deliver("licht", MARCH, rows, name=name, received=received)


def statuses(world: World) -> dict[str, tuple[Any, ...]]:
    """File name to status, whether it adds, and its accepted and rejected rows."""
    return {
        file["file_name"]: (file["status"], file["adds"], file["accepted_count"], file["rejected_count"])
        for file in world.table("delivery_files")
    }


def signals(world: World) -> dict[str, dict[str, Any]]:
    """The signals by reference: each once."""
    found = world.table("validated_signals")
    assert len({signal["customer_reference"] for signal in found}) == len(found)
    return {signal["customer_reference"]: signal for signal in found}


def reasons(world: World) -> list[tuple[str, int, list[str]]]:
    """File name, row number and reasons of each rejected row."""
    names = {file["file_sha256"]: file["file_name"] for file in world.table("delivery_files")}
    rejected = world.table("rejected_rows")
    return sorted((names[each["file_sha256"]], each["row_number"], each["reasons"]) for each in rejected)


def test_an_urgent_file_in_the_month_adds_and_withdraws_nobody(licht: World) -> None:
    licht.now = moment("2021-03-12 10:00")
    licht.deliver("licht", MARCH, [of(number) for number in range(1, 6)], name="levering.csv")
    licht.make(MARCH, upto="worklist_issues")
    licht.now = moment("2021-03-16 10:00")
    urgent(licht, [of(9, crisis="ja", reference_date="14-03-2021", amount_due="20,00")])
    licht.make(MARCH, upto="worklist_issues")
    assert statuses(licht) == {"levering.csv": ("accepted", False, 5, 0), "licht_spoed.csv": ("accepted", True, 1, 0)}
    assert set(signals(licht)) == {"K1", "K2", "K3", "K4", "K5", "K9"}
    issues = licht.query("SELECT worklist, issue, change, count(*) FROM worklist_issues GROUP BY ALL ORDER BY ALL")
    assert [tuple(issue.values()) for issue in issues] == [
        ("lichte_opvolging", 1, "added", 5),
        ("wijkteam_noord", 1, "added", 1),
    ]
    (crisis,) = licht.table("prioritised_worklists", where="tier = 0")
    # Three working days after the day on which it came.
    assert (crisis["worklist"], crisis["deadline"]) == ("wijkteam_noord", date(2021, 3, 18))


def test_the_newest_row_counts_and_a_crisis_holds(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1, amount_due="100,00"), of(2, amount_due="10,00")])
    urgent(licht, [of(1, crisis="ja", amount_due="120,00")], "spoed_1.csv", "2021-03-08 09:00")
    urgent(licht, [of(1, amount_due="130,00"), of(2, amount_due="90,00")], "spoed_2.csv", "2021-03-10 09:00")
    licht.make(MARCH, upto="prioritised_worklists")
    assert reasons(licht) == [
        ("levering.csv", 1, ["replaced_by_later_file"]),
        ("levering.csv", 2, ["below_threshold"]),
        ("spoed_1.csv", 1, ["replaced_by_later_file"]),
    ]
    one, two = signals(licht)["K1"], signals(licht)["K2"]
    assert (float(one["amount_due"]), one["crisis"], float(two["amount_due"]), two["crisis"]) == (130, True, 90, False)
    places = {entry["address_key"]: entry for entry in licht.table("prioritised_worklists")}
    # The crisis counts from the file that said so first, the 28 days from the first with a row that broke no rule.
    assert (places["2021AB_1__"]["tier"], places["2021AB_1__"]["deadline"]) == (0, date(2021, 3, 11))
    assert places["2021AB_2__"]["deadline"] == date(2021, 4, 7)


def test_a_rejected_row_says_crisis_too_and_is_judged_by_its_own_flag(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1, amount_due="20,00")])
    urgent(licht, [of(1, crisis="ja", reference_date="")], "spoed_1.csv", "2021-03-08 09:00")
    urgent(licht, [of(1, crisis="ja")], "spoed_2.csv", "2021-03-10 09:00")
    licht.make(MARCH, upto="prioritised_worklists")
    assert [rejected for *_, rejected in reasons(licht)] == [["below_threshold"], ["missing_reference_date"]]
    (entry,) = licht.table("prioritised_worklists")
    assert (entry["tier"], entry["deadline"]) == (0, date(2021, 3, 11))


def test_the_deadline_runs_from_the_first_row_that_broke_no_rule(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1)])
    urgent(licht, [of(1, amount_due="110,00")], received="2021-03-29 09:00")
    licht.make(MARCH, upto="prioritised_worklists")
    (entry,) = licht.table("prioritised_worklists")
    assert entry["deadline"] == date(2021, 3, 31)
    assert signals(licht)["K1"]["received_at"] == moment("2021-03-29 09:00")


def test_an_objection_in_one_file_holds_for_all(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1), of(2)])
    urgent(licht, [of(1, objection="ja", amount_due="1,00"), of(2)])
    licht.make(MARCH, upto="validated_signals")
    assert reasons(licht) == [
        ("levering.csv", 1, ["objection"]),
        ("levering.csv", 2, ["replaced_by_later_file"]),
        ("licht_spoed.csv", 1, ["below_threshold", "objection"]),
    ]


def test_the_same_customer_twice_in_a_file_is_a_double_of_that_file_alone(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1, amount_due="100,00"), of(1, crisis="ja"), of(1, house_number="7")])
    urgent(licht, [of(1, amount_due="110,00"), of(1, amount_due="120,00")])
    licht.make(MARCH, upto="validated_signals")
    assert reasons(licht) == [
        ("levering.csv", 1, ["replaced_by_later_file"]),
        ("levering.csv", 2, ["duplicate_in_delivery"]),
        ("licht_spoed.csv", 2, ["duplicate_in_delivery"]),
    ]
    found = licht.table("validated_signals", "address_key")
    assert [(float(s["amount_due"]), s["crisis"]) for s in found] == [(110, True), (100, False)]


@pytest.mark.parametrize("damaged", ["#N/A", "#VERW!", "1,23457E+14"])
def test_what_a_spreadsheet_made_of_references_makes_two_people_no_one_customer(licht: World, damaged: str) -> None:
    others = [of(1, customer_reference=damaged), of(1, customer_reference=damaged, surname="Ander")]
    licht.deliver("licht", MARCH, others)
    urgent(licht, [of(1, customer_reference=damaged, surname="Derde", objection="ja")])
    licht.make(MARCH, upto="validated_signals")
    assert reasons(licht) == [
        ("levering.csv", 1, ["damaged_value"]),
        ("levering.csv", 2, ["damaged_value"]),
        ("licht_spoed.csv", 1, ["damaged_value", "objection"]),
    ]


def test_in_one_file_each_row_speaks_for_itself(licht: World) -> None:
    licht.deliver("licht", MARCH, [of(1), of(1, crisis="ja", objection="ja")])
    urgent(licht, [of(2)])
    licht.make(MARCH, upto="validated_signals")
    assert reasons(licht) == [("levering.csv", 2, ["objection", "duplicate_in_delivery"])]
    assert not signals(licht)["K1"]["crisis"]


def test_one_file_a_town(world: World) -> None:
    world.agree("zk", type="Zorg", delivery={"additions": "*", "max_days": 100})
    world.deliver("zk", MARCH, [of(1)], name="zk_0392.csv", received="2021-03-05 16:00")
    world.deliver("zk", MARCH, [of(2, postcode="2041AB")], name="zk_0473.csv", received="2021-03-08 10:00")
    world.make(MARCH, upto=WHOLE)
    assert statuses(world) == {"zk_0392.csv": ("accepted", True, 1, 0), "zk_0473.csv": ("accepted", True, 1, 0)}
    assert set(signals(world)) == {"K1", "K2"}
    (measured,) = world.table("delivery_measures")
    assert (measured["row_count"], measured["accepted_count"], measured["rejected_count"]) == (2, 2, 0)
    (delivery,) = world.table("evaluation_deliveries")
    assert (delivery["state"], delivery["row_count"]) == ("on time", 2)
    text = (world.home.outbox_of(month(MARCH)) / "partners" / "zk" / "bericht_zk_2021-03.txt").read_text(
        encoding="utf-8"
    )
    assert "- 05-03-2021 16:00: verwerkt als aanvulling\n- 08-03-2021 10:00: verwerkt als aanvulling" in text
    assert "ontvangen op 05-03-2021 16:00 uur" in text
    assert "te laat" not in text


def test_what_adds_is_no_delivery_where_a_monthly_file_is_owed(licht: World) -> None:
    urgent(licht, [of(1)], received="2021-03-02 09:00")
    licht.make(MARCH, upto=WHOLE)
    assert licht.table("delivery_measures") == []
    (delivery,) = licht.table("evaluation_deliveries")
    assert (delivery["state"], delivery["row_count"]) == ("missing", 1)
    assert set(signals(licht)) == {"K1"}


def test_which_files_add(licht: World) -> None:
    licht.agree("huur")
    licht.agree("later", valid_from="2021-04", delivery={"additions": "Spoed[0-9].csv"})
    licht.deliver("licht", MARCH, [of(1)], name="Eén SPOED.csv")
    licht.deliver("licht", MARCH, [of(1)], name="later_spoed.csv", received=URGENT)
    licht.deliver("licht", MARCH, b"\xff", name="stukspoed.csv")
    licht.deliver("licht", MARCH, [of(2)], name="gewoon.csv")
    licht.deliver("huur", MARCH, [of(3)], name="spoed.csv")
    licht.deliver("later", MARCH, [of(4)], name="SPOED1.CSV")
    licht.deliver("later", MARCH, [of(5)], name="spoed12.csv")
    licht.deliver("vreemd", MARCH, [of(6)], name="vreemd_spoed.csv")
    licht.make(MARCH, upto="delivery_files")
    assert {name: adds for name, (_, adds, *_) in statuses(licht).items()} == {
        "Eén SPOED.csv": True, "stukspoed.csv": True, "gewoon.csv": False, "spoed.csv": False, "SPOED1.CSV": True,
        "spoed12.csv": False, "vreemd_spoed.csv": None,
    }  # fmt: skip
