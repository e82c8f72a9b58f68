"""Missing, refused and late are told apart, each by its own check on the partner's asset, each month for itself."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, row


def verdicts(world: World, month: str = "2021-03") -> dict[tuple[str, str], tuple[bool, str]]:
    """(partner, check) to (passed, what it says), of one run."""
    result = world.run(month)
    return {
        (e.asset_key.path[1], e.check_name): (e.passed, e.description or "")
        for e in result.get_asset_check_evaluations()
        if e.asset_key.path[0] == "deliveries"
    }


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
    assert verdicts(world) == {}


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
