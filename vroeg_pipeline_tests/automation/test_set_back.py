"""A clock that was set back, and the two nights on which the clock changes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.schedules import schedule_execution_time_iterator

from vroeg_pipeline.alerts.plan import is_due
from vroeg_pipeline.automation.arrivals import retention_schedule, worklists_schedule
from vroeg_pipeline.automation.health import tick_findings
from vroeg_pipeline.automation.housekeeping import housekeeping_schedule
from vroeg_pipeline.automation.set_back import forget_the_future
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.cli.service import end_when_set_back
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.town import ALONE
from vroeg_pipeline_tests.cli.test_health import beat, origin
from vroeg_pipeline_tests.kit.world import World, moment

NOW = datetime.now(UTC)
TO_COME = NOW + timedelta(days=30)


@pytest.fixture
def instance(world: World) -> Iterator[dg.DagsterInstance]:
    world.agree("huur")
    prepare_dagster_home(world.home)
    with dg.DagsterInstance.get() as found:
        yield found
    os.environ.pop("DAGSTER_HOME", None)


def noted(instance: dg.DagsterInstance, name: str, kind: InstigatorType, at: datetime) -> InstigatorState:
    """A sensor or schedule that ticked at a moment."""
    stamp = at.timestamp()
    data = (
        SensorInstigatorData(stamp, "key", 30, "cursor", stamp)
        if kind == InstigatorType.SENSOR
        else ScheduleInstigatorData("0 6 * * *", stamp - 86400, stamp)
    )
    state = InstigatorState(origin(name), kind, InstigatorStatus.DECLARED_IN_CODE, data)
    instance.add_instigator_state(state)
    tick = TickData(
        state.instigator_origin_id, name, kind, TickStatus.SKIPPED, stamp, selector_id=state.selector_id, run_ids=[]
    )
    instance.create_tick(tick)
    return state


def test_what_waits_for_a_moment_to_come_goes_on_from_now(instance: dg.DagsterInstance) -> None:
    waiting = noted(instance, "arrivals", InstigatorType.SENSOR, TO_COME)
    noted(instance, "worklists", InstigatorType.SCHEDULE, TO_COME)
    right = noted(instance, "alerts", InstigatorType.SENSOR, NOW - timedelta(seconds=20))
    said = {finding.part: finding for finding in tick_findings(instance, ALONE, NOW)}
    for part in ("sensor arrivals", "schedule worklists"):
        assert not said[part].healthy
        assert said[part].said.endswith("which is still to come: the clock was set back; start the daemon again")
    assert said["sensor alerts"].healthy

    assert forget_the_future(instance, NOW) == ["arrivals", "worklists"]
    states = {state.instigator_name: state.instigator_data for state in instance.all_instigator_state()}
    assert states["arrivals"] == SensorInstigatorData(NOW.timestamp(), "key", 30, "cursor", NOW.timestamp())
    assert states["worklists"] == ScheduleInstigatorData("0 6 * * *", NOW.timestamp(), NOW.timestamp())
    assert states["alerts"] == right.instigator_data
    assert instance.get_ticks(waiting.instigator_origin_id, waiting.selector_id) == []
    assert len(instance.get_ticks(right.instigator_origin_id, right.selector_id)) == 1
    assert forget_the_future(instance, NOW) == []


def test_a_heartbeat_to_come_is_told(instance: dg.DagsterInstance, world: World) -> None:
    beat(instance, TO_COME)
    (daemon,) = [finding for finding in findings(world.installation) if finding.part == "daemon"]
    assert not daemon.healthy
    assert "the clock was set back" in daemon.said


@pytest.mark.parametrize(("jump", "ends"), [(-61, True), (-59, False), (40 * 86400, False)])
def test_a_daemon_ends_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch, jump: float, ends: bool) -> None:
    """Not where a machine slept or the clock was put right by seconds: then it goes on."""
    clock, killed = {"at": 1_000_000.0}, []

    def wait(_: float) -> None:
        if clock["at"] != 1_000_000.0:
            raise StopIteration
        clock["at"] += jump

    monkeypatch.setattr(time, "time", lambda: clock["at"])
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(os, "kill", lambda process, number: killed.append((process, number)))
    is_set_back = threading.Event()
    with suppress(StopIteration):
        end_when_set_back(is_set_back)
    assert is_set_back.is_set() is ends
    assert killed == ([(os.getpid(), signal.SIGTERM)] if ends else [])


def test_a_channel_is_not_left_alone_until_then() -> None:
    minutes = {-1: True, 0: True, 1: False, 30: False, 31: True, 60 * 24 * 365: True}
    assert {n: is_due(NOW + timedelta(minutes=n), NOW) for n in minutes} == minutes
    assert is_due(None, NOW)


@pytest.mark.parametrize("before", ["2021-03-26 12:00", "2021-10-29 12:00"])
def test_schedules_tick_once_a_day_where_summer_time_begins_and_ends(world: World, before: str) -> None:
    """At the same time on the clock of Amsterdam, which has 23 or 25 hours on one of these days."""
    schedules = {
        "06:00": worklists_schedule(world.installation),
        "04:30": retention_schedule(),
        "05:00": housekeeping_schedule,
    }
    for at, schedule in schedules.items():
        assert isinstance(schedule.cron_schedule, str)
        ticks = schedule_execution_time_iterator(
            moment(before).timestamp(), schedule.cron_schedule, schedule.execution_timezone
        )
        found = [next(ticks).astimezone(AMSTERDAM) for _ in range(4)]
        first = moment(f"{before[:10]} {at}") + timedelta(days=1)
        assert [f"{tick:%Y-%m-%d %H:%M}" for tick in found] == [
            f"{first + timedelta(days=n):%Y-%m-%d %H:%M}" for n in range(4)
        ]
        assert len({tick.utcoffset() for tick in found}) == 2
