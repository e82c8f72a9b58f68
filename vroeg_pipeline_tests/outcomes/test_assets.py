"""The loop in whole runs: what was issued comes back, and later months know of it."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from dagster import serialize_value

from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.returned import (
    as_csv,
    attempts,
    case_ids,
    filled,
    hand_in,
    refusals,
    resaved,
    results,
    worklist,
)
from vroeg_pipeline_tests.kit.world import WHOLE, World, row

HELP = "(Budget)advies en/of quick fix"


def owing(world: World, month: str, *numbers: int) -> None:
    """Delivers rent arrears of a month, higher each month so that nothing is a repeat."""
    year, number = month.split("-")
    rows = [
        row(
            customer_reference=f"K{n}", house_number=str(n), reference_date=f"01-{number}-{year}",
            arrears_since="01-06-2020", amount_due=f"{int(year) % 100 * 100 + int(number)},00",
        )
        for n in numbers
    ]  # fmt: skip
    world.deliver("huur", month, rows)


def ended(world: World, month: str, results_of: dict[int, str], name: str = "einde.csv", received: str = "") -> None:
    ids = case_ids(world, month)
    hand_in(
        world,
        as_csv([{"case_id": ids[n], "end_result": end} for n, end in results_of.items()]),
        month=month,
        name=name,
        received=received,
    )


def aftercare(world: World, month: str) -> dict[int, bool]:
    entries = world.table("prioritised_worklists", where=f"month = '{month}-01'")
    return {int(e["address_key"].split("_")[1]): e["aftercare"] for e in entries}


@pytest.fixture
def town(world: World) -> World:
    world.agree("huur", valid_from="2020-01", delivery={"max_age_days": 40})
    return world


def test_the_loop_with_lists_that_were_issued(town: World, tmp_path: Path) -> None:
    owing(town, "2021-03", 1, 2, 3)
    town.make("2021-03", upto=WHOLE)
    told = {
        1: [
            {"contact_kind": "Huisbezoek", "reached": "Nee", "contacted_on": "12-03-2021"},
            {"attempt": 2, "contact_kind": "Telefoon", "reached": "Ja", "contacted_on": "15-03-2021", "end_result": HELP},
        ],
        2: [{"contact_kind": "Geroepen Achternaamzebra"}],
    }  # fmt: skip
    hand_in(town, resaved(filled(worklist(town), tmp_path / "lijst.xlsx", told), tmp_path), name="Achternaamzebra.xlsx")
    run = town.run("2021-03")
    assert attempts(town) == [
        (1, 1, "Huisbezoek", False, "12-03-2021", None), (1, 2, "Telefoon", True, "15-03-2021", None),
    ]  # fmt: skip
    assert results(town) == {1: HELP}
    statuses = {int(s["address_key"].split("_")[1]): s["ddas_status"] for s in town.table("signal_statuses")}
    assert statuses == {1: "Opgepakt", 2: "Opgepakt", 3: "Opgepakt"}
    (reply,) = town.home.outbox.rglob("terugmelding_*")
    assert reply.name.startswith("terugmelding_2021-03_")
    told_by_run = "".join(serialize_value(entry) for entry in town.instance.all_logs(run.run_id))
    assert not [word for word in ("zebra", *case_ids(town).values()) if word in told_by_run]
    checks = {c.check_name: c.passed for c in run.get_asset_check_evaluations()}
    assert checks["outcome_accounting"]
    assert checks["one_result_a_case"]
    before = attempts(town), results(town), refusals(town)
    town.make("2021-03", upto=WHOLE)
    assert (attempts(town), results(town), refusals(town)) == before
    takes_along(town)


def takes_along(town: World) -> None:
    """The lists as they stand, to take along; nothing of what was issued changes."""
    issued = worklist(town).read_bytes()
    said = vroeg(town.root, "worklists", "--month", "2021-03", "--by-street")
    assert said.returncode == 0, said.stderr
    assert "Wijkteam Noord: 3 addresses" in said.stdout
    stands = town.home.outbox / "2021-03" / "werklijst_2021-03_wijkteam-noord_stand.xlsx"
    # On one line, however long.
    assert f"addresses, {stands}\n" in said.stdout
    sheet = openpyxl.load_workbook(stands)["Werklijst"]
    header, *lines = [[cell.value for cell in line] for line in sheet.iter_rows(min_row=5)]
    told = [line[header.index("Vorige keer")] or None for line in lines]
    assert told == [f"15-03 telefoon, bereikt; in totaal 2 pogingen; {HELP}", None, None]
    assert sheet["A2"].value.startswith("Alle adressen die op ")
    said = vroeg(town.root, "worklists", "--month", "2021-03", "--forms", "--worklist", "wijkteam_noord")
    assert "Wijkteam Noord: 3 visits" in said.stdout
    assert (town.home.outbox / "2021-03" / "bezoekformulieren_2021-03_wijkteam-noord.xlsx").exists()
    for words, why in (
        (("--month", "2021-03", "--worklist", "noord"), "has no list noord; choose from wijkteam_noord"),
        (("--month", "2021-02"), "2021-02 has no worklists; run it first"),
    ):
        wrong = vroeg(town.root, "worklists", *words)
        assert (wrong.returncode, why in wrong.stderr) == (1, True)
    assert worklist(town).read_bytes() == issued


def test_who_was_helped_and_is_reported_again_is_marked(town: World) -> None:
    for month, numbers in (("2020-08", (1, 5)), ("2020-09", (2,)), ("2021-01", (3, 4, 6)), ("2021-03", range(1, 7))):
        owing(town, month, *numbers)
    town.make("2020-08", "2021-03", upto=("case_results", "worklist_files"))
    assert not any(aftercare(town, "2021-03").values())
    ended(town, "2020-08", {1: HELP})
    ended(town, "2020-09", {2: "Vervolghulp en/of verwijzing niet financieel"})
    ended(town, "2021-01", {3: HELP, 4: "Verwijzing zonder tussenkomst inwoner", 6: HELP})
    ended(
        town,
        "2021-01",
        {6: "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering"},
        "later.csv",
        "2021-03-01 10:00",
    )
    town.make("2020-08", "2021-03", upto=("case_results", "worklist_files"))
    # Help six months before, not seven; a referral without the resident is none; the last word counts.
    assert aftercare(town, "2021-03") == {1: False, 2: True, 3: True, 4: False, 5: False, 6: False}
    entries = town.table("prioritised_worklists", where="month = '2021-03-01'")
    told = {int(e["address_key"].split("_")[1]): "nazorg" in e["explanation"] for e in entries}
    assert told == aftercare(town, "2021-03")
    assert any("nazorg: kreeg hulp na de melding van 01-2021" in e["explanation"] for e in entries)
    assert {e["worklist"] for e in entries if e["aftercare"]} == {"budgetcoach"}

    # What counts as help is one setting, for the evaluation and for aftercare.
    town.settings(evaluation={"help_results": ["Verwijzing zonder tussenkomst inwoner"]})
    town.make("2021-03", upto=("case_results", "worklist_files"))
    assert aftercare(town, "2021-03") == {1: False, 2: False, 3: False, 4: True, 5: False, 6: False}

    town.settings(aftercare_months=7)
    town.make("2021-03", upto=("case_results", "worklist_files"))
    assert aftercare(town, "2021-03")[1]
    town.settings(aftercare_months=0)
    town.make("2021-03", upto=("case_results", "worklist_files"))
    assert not any(aftercare(town, "2021-03").values())


def test_a_range_in_one_run_is_the_same_as_month_by_month(town: World) -> None:
    for month in ("2021-01", "2021-02", "2021-03"):
        owing(town, month, 1, 2)
    town.make("2021-01", "2021-03", upto=("case_results", "worklist_files"))
    for month in ("2021-01", "2021-02"):
        ended(town, month, {1: HELP})
    # From nothing, in one run: the case is told to have ended before its worklist is made again.
    town.lose_warehouse()
    town.make("2021-01", "2021-03", upto=("case_results", "worklist_files"))
    in_one = [town.table(t) for t in ("case_results", "prioritised_worklists")]
    assert aftercare(town, "2021-02") == aftercare(town, "2021-03") == {1: True, 2: False}
    for month in ("2021-01", "2021-02", "2021-03"):
        town.make(month, upto=("case_results", "worklist_files"))
    assert [town.table(t) for t in ("case_results", "prioritised_worklists")] == in_one
