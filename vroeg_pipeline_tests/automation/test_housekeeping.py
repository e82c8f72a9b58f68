"""Old runs and ticks go; what came and was judged of a month stays, as the pages show it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from vroeg_pipeline.automation.housekeeping import housekeeping_job, purge, purge_before
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.town import ALONE, Town
from vroeg_pipeline_tests.cli.test_health import origin
from vroeg_pipeline_tests.kit.world import World

MONTHS = dg.MonthlyPartitionsDefinition(start_date="2021-01-01")
ARRIVED = dg.AssetKey(["deliveries", "huur"])
TABLE = dg.AssetKey("signals")
MARCH, APRIL = "2021-03-01", "2021-04-01"


def signals_of(town: Town) -> dg.AssetsDefinition:
    """A table, its check, and a delivery that came with it."""

    @dg.asset(
        key=town.key(TABLE), partitions_def=MONTHS, check_specs=[dg.AssetCheckSpec("whole", asset=town.key(TABLE))]
    )
    def signals(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None] | dg.AssetCheckEvaluation]:
        month = context.partition_key
        context.log.info(f"at work on {month}")
        context.log_event(dg.AssetMaterialization(town.key(ARRIVED), partition=month, metadata={"run": context.run_id}))
        yield dg.Output(None, "result")
        yield dg.Output(None, next(iter(signals.check_specs_by_output_name)))
        yield dg.AssetCheckEvaluation(  # type: ignore[misc]
            asset_key=town.key(TABLE), check_name="whole", passed=True, partition=month, description=context.run_id
        )

    return signals


@pytest.fixture
def instance(world: World) -> Iterator[dg.DagsterInstance]:
    world.agree("huur")
    prepare_dagster_home(world.home)
    with dg.DagsterInstance.get() as found:
        yield found
    os.environ.pop("DAGSTER_HOME", None)


def made(instance: dg.DagsterInstance, month: str, town: Town = ALONE) -> str:
    return dg.materialize([signals_of(town)], partition_key=month, instance=instance, tags=town.tags).run_id


def arrivals(instance: dg.DagsterInstance) -> list[tuple[str | None, object]]:
    records = instance.fetch_materializations(ARRIVED, limit=10).records
    return [
        (r.partition_key, r.asset_materialization.metadata["run"].value) for r in records if r.asset_materialization
    ]


def verdicts(instance: dg.DagsterInstance) -> dict[str | None, str]:
    records = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(TABLE, "whole"), limit=10)
    evaluations = [
        r.event.dagster_event.event_specific_data for r in reversed(records) if r.event and r.event.dagster_event
    ]
    return {e.partition: e.description for e in evaluations if isinstance(e, dg.AssetCheckEvaluation)}


def test_what_came_and_was_judged_stays(instance: dg.DagsterInstance, world: World) -> None:
    first, again, april, last = (
        made(instance, MARCH),
        made(instance, MARCH),
        made(instance, APRIL),
        made(instance, APRIL),
    )
    logs, printed = world.home.dagster / "history" / "runs", world.home.dagster / "storage"
    assert len(list(logs.glob("*-*.db"))) == 4
    assert {first, last} <= {path.name for path in printed.iterdir()}
    assert purge(instance, datetime.now(UTC) + timedelta(seconds=5)).runs == 4
    assert instance.get_runs() == []
    assert list(logs.glob("*-*.db*")) == []
    assert {first, again, april, last} & {path.name for path in printed.iterdir()} == set()

    # All that came; of tables and checks the last of each month.
    assert arrivals(instance) == [(APRIL, last), (APRIL, april), (MARCH, again), (MARCH, first)]
    assert (
        instance.get_materialized_partitions(ARRIVED) == instance.get_materialized_partitions(TABLE) == {MARCH, APRIL}
    )
    assert [record.run_id for record in instance.fetch_materializations(TABLE, limit=10).records] == [last, again]
    assert verdicts(instance) == {MARCH: again, APRIL: last}

    # And it goes on.
    later = made(instance, MARCH)
    assert [run.run_id for run in instance.get_runs()] == [later]
    assert instance.all_logs(later)
    assert verdicts(instance) == {MARCH: later, APRIL: last}


def test_what_is_young_or_at_work_stays(instance: dg.DagsterInstance) -> None:
    run_id = made(instance, MARCH)
    at_work = instance.create_run_for_job(housekeeping_job).run_id
    assert purge(instance, datetime.now(UTC) - timedelta(minutes=1)).runs == 0
    assert instance.all_logs(run_id)
    assert purge(instance, datetime.now(UTC) + timedelta(minutes=1)).runs == 1
    assert [run.run_id for run in instance.get_runs()] == [at_work]


def test_ticks_and_what_they_printed_go(instance: dg.DagsterInstance, world: World) -> None:
    now = datetime.now(UTC)
    state = InstigatorState(
        origin("arrivals"), InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, SensorInstigatorData()
    )
    instance.add_instigator_state(state)
    printed = world.home.dagster / "storage" / "__repository__" / "arrivals"
    printed.mkdir(parents=True)
    for days in (40, 20):
        at = (now - timedelta(days=days)).timestamp()
        instance.create_tick(
            TickData(state.instigator_origin_id, "arrivals", InstigatorType.SENSOR, TickStatus.SUCCESS, at,
                     selector_id=state.selector_id, run_ids=[])
        )  # fmt: skip
        (printed / f"{days}.err").touch()
        os.utime(printed / f"{days}.err", (at, at))
    assert purge(instance, now - timedelta(days=30)).tick_logs == 1
    left = instance.get_ticks(state.instigator_origin_id, state.selector_id)
    assert [round((now.timestamp() - tick.timestamp) / 86400) for tick in left] == [20]
    assert [path.name for path in printed.iterdir()] == ["20.err"]


def test_another_storage_is_left_alone() -> None:
    """Dagster's own would lose the arrivals of a run with it."""
    with dg.DagsterInstance.ephemeral() as other, pytest.raises(RuntimeError, match="another storage"):
        purge(other, datetime.now(UTC))


def test_the_job_keeps_whole_months_and_clears_leftovers(instance: dg.DagsterInstance, world: World) -> None:
    left = world.home.taken_in / ".1-0-abcdefgh.tmp"
    left.parent.mkdir()
    left.touch()
    world.settings(keep_runs_months=3)
    before = purge_before(world.installation)
    assert before.day == 1
    assert timedelta(days=88) < datetime.now(UTC) - before < timedelta(days=125)
    run_id = made(instance, MARCH)
    result = housekeeping_job.execute_in_process(instance=instance, resources={"installation": world.installation})
    assert result.success
    assert instance.has_run(run_id)
    assert not left.exists()
