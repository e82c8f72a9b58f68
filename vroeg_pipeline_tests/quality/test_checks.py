"""Missing, refused and late are told apart, each by its own check on the partner's asset, each month for itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.loader import LoadingContextForTest

from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.quality import checks
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, row

FEBRUARY = row(reference_date="01-02-2021", arrears_since="01-11-2020")
Verdicts = dict[tuple[str, str], tuple[bool, str]]


def of_partners(result: dg.ExecuteInProcessResult) -> Verdicts:
    """(partner, check) to (passed, what it says), of one run."""
    return {
        (e.asset_key.path[1], e.check_name): (e.passed, e.description or "")
        for e in result.get_asset_check_evaluations()
        if e.asset_key.path[0] == "deliveries"
    }


def verdicts(world: World, month: str = "2021-03") -> Verdicts:
    """Those that something was judged for."""
    found = of_partners(world.run(month))
    return {key: (passed, said) for key, (passed, said) in found.items() if ": not judged: " not in said}


def shown(world: World, partner: str, check: str) -> tuple[bool, str] | None:
    """What the UI shows of a check, or None where it says "Not evaluated": the last that was stored, where that is about
    the last materialization.
    """
    key = dg.AssetCheckKey(delivery_key(partner), check)
    record = world.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    is_shown = asyncio.run(record.targets_latest_materialization(LoadingContextForTest(world.instance)))
    if not (is_shown and record.evaluation):
        return None
    return record.evaluation.passed, record.evaluation.description or ""


def test_missing_refused_and_late_are_told_apart(world: World) -> None:
    for partner in ("op_tijd", "laat", "hersteld", "weg", "kapot"):
        world.agree(partner)
    world.deliver("op_tijd", "2021-03", [row()], received="2021-03-05 17:00")
    world.deliver("laat", "2021-03", [row()], received="2021-03-05 18:30")
    world.deliver("hersteld", "2021-03", [row()], name="eerst.csv")
    world.deliver("hersteld", "2021-03", [row(), row(customer_reference="K2")], received="2021-03-20 10:00")
    world.deliver("kapot", "2021-03", b"\xff\xfe")
    found = verdicts(world)
    assert {partner for (partner, check), (passed, _) in found.items() if check == "delivered" and not passed} == {
        "weg",
        "kapot",
    }
    assert found["weg", "delivered"][1].startswith("2021-03: nothing came. Due 05-03-2021 17:00")
    assert "what came was refused (unreadable)" in found["kapot", "delivered"][1]
    # A corrected file after the deadline does not make a partner late, and what never came has no lateness.
    assert {p: passed for (p, check), (passed, _) in found.items() if check == "on_time"} == {
        "op_tijd": True,
        "laat": False,
        "hersteld": True,
    }
    assert found["laat", "on_time"][1] == "2021-03: it came on 05-03-2021 18:30, due 05-03-2021 17:00."


def test_what_is_not_owed_is_not_judged(world: World) -> None:
    world.agree("weg", valid_until="2021-02")
    found = of_partners(world.run("2021-03"))
    assert found["weg", "delivered"] == (True, "2021-03: not judged: the agreement ended in 2021-02.")
    assert set(found.values()) == {found["weg", "delivered"]}


def test_nothing_is_missing_before_its_deadline(world: World) -> None:
    """Each month anew: one that was missing in the month before is not due yet in this one."""
    for partner in ("huur", "water", "kapot"):
        world.agree(partner)
    world.deliver("huur", "2021-02", [FEBRUARY])
    world.deliver("huur", "2021-03", [row()], received="2021-03-02 10:00")
    world.deliver("kapot", "2021-03", b"\xff\xfe", received="2021-03-02 10:00")
    world.now = moment("2021-03-05 17:00")
    world.run("2021-02", "2021-03")
    assert shown(world, "huur", "delivered") == (
        True,
        "2021-03: delivered. Due 05-03-2021 17:00, agreements/huur.yaml.",
    )
    not_due = "2021-03: not due until 05-03-2021 17:00; nothing came yet, agreements/water.yaml."
    assert shown(world, "water", "delivered") == (True, not_due)
    assert shown(world, "water", "on_time") == (True, "2021-03: not judged: there is no usable delivery.")
    # What came and cannot be used is told at once.
    assert shown(world, "kapot", "delivered") == (
        False, "2021-03: what came was refused (unreadable). Due 05-03-2021 17:00, agreements/kapot.yaml.",
    )  # fmt: skip
    world.now = moment("2021-03-05 17:01")
    world.run("2021-03")
    assert shown(world, "water", "delivered") == (
        False, "2021-03: nothing came. Due 05-03-2021 17:00, agreements/water.yaml.",
    )  # fmt: skip


def test_what_is_shown_is_the_newest_month(world: World) -> None:
    """Whatever is run, and in whatever order; what was wrong in an earlier month stays in the history."""
    world.agree("huur")
    world.agree("water")
    for partner, months in (("huur", ("2021-01", "2021-03")), ("water", ("2021-01", "2021-02"))):
        for month in months:
            day = f"01-{month[5:]}-2021"
            world.deliver(partner, month, [row(reference_date=day, arrears_since="01-11-2020")])
    world.run("2021-01", "2021-03")
    newest = {"huur": (True, "2021-03: delivered."), "water": (False, "2021-03: nothing came.")}

    def is_told() -> bool:
        told = {partner: shown(world, partner, "delivered") for partner in newest}
        return all(
            found and (found[0], found[1].split(" Due")[0]) == newest[partner] for partner, found in told.items()
        )

    assert is_told()
    # One that cannot be judged in the newest month says so, and passes.
    assert shown(world, "huur", "rows_as_usual") == (
        True, "2021-03: not judged: no two earlier months to compare with.",
    )  # fmt: skip
    world.run("2021-02")
    assert is_told()
    # A correction of an earlier month is materialized after the newest one, and the matching day runs only that.
    world.deliver("huur", "2021-01", [FEBRUARY, row()], name="opnieuw.csv", received="2021-03-06 10:00")
    world.run("2021-01", upto="delivery_files")
    world.run("2021-03")
    assert is_told()
    key = dg.AssetCheckKey(delivery_key("huur"), "delivered")
    history = world.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
    months = {r.evaluation.partition: r.evaluation.passed for r in history if r.evaluation and r.evaluation.partition}
    assert months == {"2021-01-01": True, "2021-02-01": False, "2021-03-01": True}


def test_what_is_stored_while_a_run_is_at_work_hides_no_verdict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the deadline passes meanwhile."""
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    missing = dg.AssetCheckEvaluation(
        asset_key=delivery_key("huur"), check_name="delivered", passed=False, partition="2021-03-01"
    )

    def passes(*_: object, **__: object) -> None:
        world.instance.report_runless_asset_event(missing)

    monkeypatch.setattr(checks, "remove_pages", passes)
    world.run("2021-03")
    assert shown(world, "huur", "delivered") == (
        True,
        "2021-03: delivered. Due 05-03-2021 17:00, agreements/huur.yaml.",
    )


def test_checks_executed_alone_look_at_the_newest_month(world: World) -> None:
    """As *Execute all* does on a partner, and on a table."""
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])

    def execute(*assets: str) -> dict[str, tuple[bool, str]]:
        location = build_defs(world.installation)
        wanted = dg.AssetSelection.checks_for_assets(*(dg.AssetKey(asset.split("/")) for asset in assets))
        job = dg.define_asset_job("alone", selection=wanted)
        alone = dg.Definitions.merge(location, dg.Definitions(jobs=[job])).resolve_job_def("alone")
        result = alone.execute_in_process(instance=world.instance, raise_on_error=False)
        assert result.success
        return {e.check_name: (e.passed, e.description or "") for e in result.get_asset_check_evaluations()}

    for asset in ("deliveries/huur", "validated_signals"):
        assert {said for _, said in execute(asset).values()} == {
            "not judged: no month of it was made yet, press Materialize and choose months."
        }
    world.run("2021-02", "2021-03")
    alone = execute("deliveries/huur", "validated_signals")
    assert alone["delivered"] == (True, "2021-03: delivered. Due 05-03-2021 17:00, agreements/huur.yaml.")
    assert alone["row_accounting"][1].startswith("2021-03: holds.")
    assert len(alone) == len(set(alone)) > 10


@pytest.mark.parametrize(
    ("working_day", "longest"), [(5, timedelta(days=40, hours=17)), (1, timedelta(days=34, hours=17))]
)
def test_the_freshness_lamp_is_that_of_the_agreement(world: World, working_day: int, longest: timedelta) -> None:
    world.agree("huur", delivery={"due_working_day": working_day})
    world.agree("weg", valid_until="2021-02")
    world.now = moment("2021-04-01 12:00")
    policies = {
        spec.key.path[1]: spec.freshness_policy
        for spec in build_defs(world.installation).resolve_all_asset_specs()
        if spec.key.path[0] == "deliveries"
    }
    expected = dg.FreshnessPolicy.time_window(fail_window=longest, warn_window=timedelta(days=34))
    assert policies == {"huur": expected, "weg": None}


def test_a_column_that_was_renamed_is_named(world: World) -> None:
    world.agree("huur")
    delivered = as_csv([row()]).replace(b"Initials", b"Initial").replace(b"Reminder_Sent", b"Wijk")
    world.deliver("huur", "2021-03", delivered)
    passed, said = verdicts(world)["huur", "columns_as_agreed"]
    assert not passed
    assert "'Initials' seems to be called 'Initial' now; 'Reminder_Sent' is gone; 'Wijk' is new" in said


def test_a_required_column_that_was_renamed_is_named_in_the_refusal(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", as_csv([row()]).replace(b"Amount_Due", b"Amount Due"))
    world.run("2021-03", upto="delivery_files")
    (file,) = world.table("delivery_files")
    assert file["refusal"] == "missing_columns"
    assert file["detail"] == "lacks amount_due ('Amount_Due'); 'Amount_Due' seems to be called 'Amount Due' now"
