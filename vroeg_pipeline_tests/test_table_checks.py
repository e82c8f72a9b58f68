"""Every check of a table can fail: each rule is broken on purpose, and its check says how often."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from vroeg_pipeline.definitions import CHECKS
from vroeg_pipeline.installation.statements import fetch_one, sql
from vroeg_pipeline_tests.kit.returned import as_csv, case_ids, hand_in
from vroeg_pipeline_tests.kit.world import World, month, row

# What breaks a check, by table and check.
_DOUBLE = "INSERT INTO {table} FROM {table} LIMIT 1"
_BREAKS = {
    (
        "prioritised_worklists",
        "no_list_holds_two_municipalities",
    ): "UPDATE address_matches SET for_municipality = '0392'",
    ("delivery_files", "one_delivery_a_partner"): "UPDATE delivery_files SET status = 'accepted'",
    ("validated_signals", "row_accounting"): "DELETE FROM validated_signals WHERE row_number = 1",
    ("rejected_rows", "every_row_has_a_reason"): "UPDATE rejected_rows SET reasons = []",
    ("address_matches", "every_signal_counts_once"): "UPDATE address_matches SET signal_count = signal_count + 1",
    ("recidivism_history", "every_match_has_a_history"): "DELETE FROM recidivism_history",
    ("prioritised_worklists", "nobody_is_lost"): "DELETE FROM prioritised_worklists WHERE rank = 1",
    ("prioritised_worklists", "ranks_without_gaps"): "UPDATE prioritised_worklists SET rank = rank + 1",
    ("prioritised_worklists", "no_empty_priority"): "UPDATE prioritised_worklists SET explanation = ' '",
    ("worklist_issues", "teams_know_their_list"): "DELETE FROM worklist_issues",
    ("address_desk", "no_review_is_forgotten"): "DELETE FROM address_desk",
    ("worklist_files", "every_issue_is_written"): "DELETE FROM worklist_files",
    ("contact_attempts", "outcome_accounting"): "DELETE FROM contact_attempts",
    ("case_results", "one_result_a_case"): "UPDATE case_results SET address_key = 'elsewhere'",
    ("contacted_signals", "what_was_contacted_stays"): "DELETE FROM contact_attempts",
    ("evaluation_deliveries", "totals_are_those_of_the_tables"): "UPDATE evaluation_deliveries SET rejected_count = 7",
    ("evaluation_signals", "totals_are_those_of_the_tables"): "UPDATE evaluation_signals SET in_report = NOT in_report",
    ("evaluation_reports", "totals_are_those_of_the_tables"): "UPDATE evaluation_reports SET end_result = NULL",
    ("evaluation_contacts", "totals_are_those_of_the_tables"): "UPDATE evaluation_contacts SET attempts = attempts + 1",
}


TABLE_CHECKS = [check for check in CHECKS if isinstance(check.breaches, str)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A month with every kind of row in it."""
    world = World(tmp_path_factory.mktemp("finished") / "home")
    world.agree("huur")
    arrear = row(reference_date="01-02-2021", amount_due="200", arrears_since="01-11-2020")
    world.deliver("huur", "2021-02", [arrear])
    later = row(reference_date="01-03-2021", amount_due="200", arrears_since="01-11-2020")
    others = [row(customer_reference=f"K{n}", house_number=str(n)) for n in range(20, 24)]
    world.deliver("huur", "2021-03", [row()], name="eerder.csv", received="2021-03-02 10:00")
    unclear = row(customer_reference="K30", house_number="30 A", house_letter="B")
    world.deliver("huur", "2021-03", [later, *others, unclear, row(amount_due="1")])
    world.run("2021-02", "2021-03")
    known, told = case_ids(world), {"contact_kind": "Brief", "contacted_on": "12-03-2021"}
    result = {"end_result": "Inwoner is overleden"}
    outcomes = [{"case_id": known[20], **told, **result}, {"case_id": known[21], **told}, {"case_id": "0", **result}]
    hand_in(world, as_csv(outcomes))
    world.slip("huur", "2021-03", "withdrawals", "K21", received="2021-03-28 10:00")
    world.run("2021-03")
    return world


def breaches(world: World, check_number: int, breaking: str | None) -> int:
    with world.warehouse.connect() as connection:
        connection.begin()
        if breaking:
            connection.execute(breaking)
        world.installation.define_macros(connection)
        connection.execute("SET VARIABLE month = ?", [month("2021-03")])
        (found,) = fetch_one(connection, str(TABLE_CHECKS[check_number].breaches))
        connection.rollback()
    return int(found)


@pytest.mark.parametrize(
    "number", range(len(TABLE_CHECKS)), ids=lambda n: f"{TABLE_CHECKS[n].asset}-{TABLE_CHECKS[n].name}"
)
def test_it_holds_and_can_fail(finished: World, number: int) -> None:
    check = TABLE_CHECKS[number]
    if finished.query(f"SELECT count(*) AS n FROM {check.asset} WHERE month = '2021-03-01'")[0]["n"] == 0:
        raise AssertionError(f"{check.asset} has no rows to break")
    breaking = _BREAKS.get((check.asset, check.name), _DOUBLE.format(table=f"{check.asset}"))
    if breaking.startswith("INSERT"):
        breaking = breaking.replace(f"FROM {check.asset}", f"FROM {check.asset} WHERE month = '2021-03-01'")
    assert breaches(finished, number, None) == 0
    assert breaches(finished, number, breaking) > 0


def test_the_newest_event_of_a_table_tells_what_its_columns_are_made_of(finished: World) -> None:
    def told(table: str) -> list[dict[str, dg.MetadataValue[object]]]:
        records = finished.instance.fetch_materializations(dg.AssetKey(table), limit=3).records
        return [dict(record.asset_materialization.metadata) for record in records if record.asset_materialization]

    newest, *_, first = told("address_matches")
    lineage = newest["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage)
    assert lineage.deps_by_column["total_amount"] == [dg.TableColumnDep("validated_signals", "amount_due")]
    assert "dagster/column_lineage" not in first
    reasons = told("rejected_rows")[0]["reasons by partner"]
    assert isinstance(reasons, dg.TableMetadataValue)
    assert [dict(record.data) for record in reasons.records] == [
        {"partner": "huur", "reason": reason, "rows": 1, "of": 7}
        for reason in ("below_threshold", "duplicate_in_delivery")
    ]


def test_a_failed_blocking_check_stops_the_worklists(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
    lossy = "SELECT * FROM ({rows}\n) WHERE rank > 1"
    broken = {"prioritised_worklists": lossy.format(rows=sql("prioritised_worklists"))}
    result = world.run("2021-03", succeeds=False, statements=broken)
    assert not result.success
    failed = {evaluation.check_name for evaluation in result.get_asset_check_evaluations() if not evaluation.passed}
    assert failed == {"nobody_is_lost", "ranks_without_gaps"}
    materialized = {event.asset_key for event in result.get_asset_materialization_events()}
    assert dg.AssetKey("prioritised_worklists") in materialized
    assert dg.AssetKey("worklist_issues") not in materialized
    assert not list(Path(world.home.outbox).rglob("*.xlsx"))


def test_in_a_range_each_month_has_its_own_verdict(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-02", [row(reference_date="01-02-2021", arrears_since="01-11-2020")])
    world.run("2021-01", "2021-03")
    key = dg.AssetCheckKey(dg.AssetKey(["deliveries", "huur"]), "delivered")
    records = world.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    by_month = {
        record.event.dagster_event.asset_check_evaluation_data.partition: (
            record.event.dagster_event.asset_check_evaluation_data.passed
        )
        for record in records
        if record.event and record.event.dagster_event
    }
    wanted = {"2021-01-01": False, "2021-02-01": True, "2021-03-01": False}
    assert {month: passed for month, passed in by_month.items() if month} == wanted
