"""What goes by itself, and that it is announced first (DOMAIN §14)."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from vroeg_pipeline.alerts.problems import retention as retention_alerts
from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, lines_when_whole, log_done
from vroeg_pipeline.installation.notes import ANNOUNCED, Announced, Announcement
from vroeg_pipeline.retention.assets import may_go
from vroeg_pipeline_tests.kit.world import World, moment, row


def announcement(at: str, day: str) -> Announcement:
    return Announcement(moment(f"{at} 04:30"), date.fromisoformat(day))


@pytest.mark.parametrize(
    ("today", "until"),
    [
        ("2021-08-07", None),
        ("2021-08-08", "2021-08-08"),
        ("2021-08-09", "2021-08-09"),
        # The daemon did not run for a month: what was over since was not announced.
        ("2021-09-20", "2021-08-09"),
    ],
)
def test_only_what_was_announced_a_week_ago_may_go(today: str, until: str | None) -> None:
    told = Announced((announcement("2021-08-01", "2021-08-08"), announcement("2021-08-02", "2021-08-09")))
    assert may_go(told, date.fromisoformat(today)) == (date.fromisoformat(until) if until else None)


def run_retention(world: World, day: str) -> dg.ExecuteInProcessResult:
    world.now = moment(f"{day} 04:30")
    job = build_defs(world.installation).resolve_job_def("retention")
    return job.execute_in_process(instance=world.instance)


def test_it_goes_by_itself_a_week_after_it_was_announced(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-01", [row(surname="Verdwijn")])
    for log_of in ("2019-07", "2019-08"):
        at = moment(f"{log_of}-20 10:00")
        log_done(world.home, at, Done("vroeg run", log_of, "done", COMMAND_LINE, "tester", at))
    world.now = moment("2021-02-20 10:00")
    world.make("2021-01", upto="validated_signals")
    found, alerts, logs = [], [], []
    for day in ("2021-07-20", "2021-07-25", "2021-08-01", "2021-08-02"):
        result = run_retention(world, day)
        (made,) = result.asset_materializations_for_node("removal")
        left = world.query("SELECT count(*)::INTEGER AS rows FROM raw.delivery_rows")[0]["rows"]
        alerts.append([c.key for c in retention_alerts(ANNOUNCED.read(world.home) or Announced(), {})])
        logs.append((world.home.log / "2019-07.jsonl").exists())
        found.append((day, left, made.metadata["rows and files to be removed"].value))
        assert "Verdwijn" not in str(made.metadata)
    assert [(day, left) for day, left, _ in found] == [
        ("2021-07-20", 1), ("2021-07-25", 1), ("2021-08-01", 0), ("2021-08-02", 0),
    ]  # fmt: skip
    # The log has a term as well, and what is left of it is whole.
    assert logs == [True, True, False, False]
    assert lines_when_whole(world.home) > 1
    assert (world.home.log / "2019-08.jsonl").exists()
    # Told once, and what comes later for the month is another thing to tell.
    announced = [("retention", "", "", told) for told in ("2019-07 log", "2021-01 files, rejected")]
    assert alerts == [[], announced, [], []]
    (late,) = retention_alerts(Announced(), {date(2021, 1, 1): 2})
    assert late.key == ("retention", "", "", "2021-01")
    assert [count > 0 for *_, count in found] == [False, True, False, False]
    assert [evaluation.passed for evaluation in result.get_asset_check_evaluations()] == [True]
    assert (world.home.inbox / "corporatie").exists()
    assert not (world.home.inbox / "corporatie" / "2021-01").exists()
    # Whoever turns the schedule off, or has an old installation: it is told until it is gone.
    with world.warehouse.connect() as connection:
        connection.execute("UPDATE reference.removals SET is_rewritten = false")
        connection.execute("INSERT INTO repeat_signals VALUES (DATE '2021-01-01', 'a', 'b')")
    with world.warehouse.connect() as connection:
        assert connection.execute("SELECT count(*) FROM repeat_signals").fetchone() == (1,)
    world.now = moment("2021-08-20 10:00")
    job = build_defs(world.installation).resolve_job_def("retention")
    alone = job.execute_in_process(instance=world.instance, op_selection=["retention_terms_are_kept"])
    (check,) = alone.get_asset_check_evaluations()
    assert not check.passed
    assert check.description == (
        "1 rows and files of 2021-01 are over their term; what was removed may still be in the bytes of the warehouse: "
        "vroeg retention removes it."
    )
