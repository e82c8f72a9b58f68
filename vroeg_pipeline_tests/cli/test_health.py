"""`vroeg health`: each part healthy and not, and no part hides another. The daemon itself: end_to_end/test_live.py."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from vroeg_pipeline.automation.health import HealthFinding
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.deliveries.worked_on import note_issued
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.notes import DONE
from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.cbs import Desk, keep
from vroeg_pipeline_tests.kit.certificates import pem, rsa_key
from vroeg_pipeline_tests.kit.world import World, moment, row


def found(world: World) -> dict[str, HealthFinding]:
    return {finding.part: finding for finding in findings(world.installation)}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The morning of the matching day, worklists made. To be copied."""
    world = World(tmp_path_factory.mktemp("worked") / "home", moment("2021-03-09 07:30"))
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.run("2021-03", upto=("delivery_board", "worklist_files"))
    return world


@pytest.fixture
def town(worked: World, tmp_path: Path) -> Iterator[World]:
    world = worked.copied(tmp_path / "home")
    prepare_dagster_home(world.home)
    yield world
    os.environ.pop("DAGSTER_HOME", None)


def test_worklists_are_due_on_the_matching_day(town: World) -> None:
    assert found(town)["worklists"].healthy
    town.now = moment("2021-04-12 06:59")  # the matching day of April is the twelfth
    assert found(town)["worklists"].healthy
    town.now = moment("2021-04-12 07:00")
    assert found(town)["worklists"] == HealthFinding(
        "worklists", False, "last month with worklists: 2021-03, due: 2021-04"
    )


def test_a_wrong_agreement_hides_nothing_else(town: World) -> None:
    assert found(town)["agreements"].healthy
    town.settings(matching_workday=3)
    said = json.loads(vroeg(town.root, "health", "--json").stdout)["findings"]
    wrong = {finding["part"]: finding["said"] for finding in said if not finding["healthy"]}
    assert wrong["agreements"].startswith("settings.yaml: field 'matching_workday' is not known, did you mean")
    assert "worklists" in {finding["part"] for finding in said}


def test_a_channel_without_its_address_is_told(town: World) -> None:
    town.settings(alerts={"channels": {"engineers": {"urls": ["json://${NOT_SET}"]}}})
    said = "settings.yaml, alerts, engineers/1: NOT_SET is not set in the environment; set it for the daemon too"
    assert found(town)["alerts"] == HealthFinding("alerts", False, said)
    # And at the start of what sends the alerts.
    town.home.dagster.joinpath("code.sock").mkdir()  # no server gets further than its start
    assert f"Warning: {said}" in vroeg(town.root, "service", "code").stderr


def test_the_warehouse_is_opened(town: World) -> None:
    assert found(town)["warehouse"].healthy
    with run_lock(town.home.run_lock, "run 1", print, 1):
        assert found(town)["warehouse"] == HealthFinding("warehouse", True, "a run is at work in it")
    town.home.warehouse.write_bytes(b"no database")
    broken = found(town)
    assert not broken["warehouse"].healthy
    assert broken["worklists"].healthy
    town.home.warehouse.unlink()
    assert "there is no warehouse yet" in found(town)["warehouse"].said


def test_a_full_disk_is_told(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(town)["disk"].healthy or shutil.disk_usage(town.root).free / shutil.disk_usage(town.root).total < 0.1
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100 * 2**30, 91 * 2**30, 9 * 2**30))
    assert found(town)["disk"] == HealthFinding("disk", False, "9.0 GiB free of 100.0")


def test_a_storage_that_cannot_be_read_hides_nothing_else(town: World) -> None:
    """As on a disk that is full."""
    with DagsterInstance.get() as instance:
        beat(instance, town.now)
    (town.home.dagster / "schedules" / "schedules.db").write_bytes(b"no database" * 1000)
    said = found(town)
    assert said["daemon"] == HealthFinding(
        "daemon", False, "what Dagster notes cannot be read (file is not a database); see the disk below"
    )
    assert {"disk", "worklists", "warehouse"} <= set(said)


def test_a_daemon_that_is_silent_is_told(town: World) -> None:
    assert found(town)["daemon"] == HealthFinding("daemon", False, "it has never run")
    with DagsterInstance.get() as instance:
        beat(instance, town.now)
    assert found(town)["daemon"].healthy
    town.now += timedelta(minutes=6)
    assert not found(town)["daemon"].healthy


def beat(instance: DagsterInstance, at: datetime) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "id", errors=[]))


def origin(name: str) -> RemoteInstigatorOrigin:
    target = LoadableTargetOrigin(module_name="vroeg_pipeline.definitions")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name="vroeg_pipeline.definitions")
    return RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)


@pytest.mark.parametrize(
    ("minutes_ago", "status", "healthy"),
    [(1, TickStatus.SUCCESS, True), (14, TickStatus.SKIPPED, True), (16, TickStatus.SKIPPED, False),
     (1, TickStatus.FAILURE, False)],
)  # fmt: skip
def test_a_sensor_that_fails_or_stands_still_is_told(
    town: World, minutes_ago: int, status: TickStatus, healthy: bool
) -> None:
    at = (town.now - timedelta(minutes=minutes_ago)).astimezone(UTC)
    state = InstigatorState(
        origin("arrivals"), InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE, SensorInstigatorData()
    )
    error = SerializableErrorInfo("it broke", [], None) if status == TickStatus.FAILURE else None
    with DagsterInstance.get() as instance:
        instance.add_instigator_state(state)
        instance.create_tick(
            TickData(state.instigator_origin_id, "arrivals", InstigatorType.SENSOR, status, at.timestamp(),
                     selector_id=state.selector_id, run_ids=[], error=error)
        )  # fmt: skip
    finding = found(town)["sensor arrivals"]
    assert finding.healthy is healthy
    assert ("it failed" in finding.said) is (status == TickStatus.FAILURE)


def test_what_is_turned_off_is_told(town: World) -> None:
    data = ScheduleInstigatorData("0 6 * * *", start_timestamp=town.now.timestamp())
    state = InstigatorState(origin("worklists"), InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, data)
    with DagsterInstance.get() as instance:
        instance.add_instigator_state(state)
    assert found(town)["schedule worklists"] == HealthFinding("schedule worklists", False, "it is turned off in the UI")


def test_what_cbs_is_answered_with_is_looked_at(world: World) -> None:
    assert not [part for part in found(world) if "DDAS" in part]
    desk = Desk(world)
    world.settings(ddas={"service": desk.settings()})
    world.now = moment("2021-04-01 12:00")
    certificates, answers = "DDAS certificates", "DDAS answers"
    assert [(f.part, f.healthy) for f in found(world).values() if "DDAS" in f.part] == [
        (certificates, True), (answers, True),
    ]  # fmt: skip

    ours = desk.issuing.issue("Gemeente", rsa_key("town"), until=moment("2021-05-01 12:00"))
    (desk.keys / "signing.pem").write_bytes(pem(ours, desk.issuing.certificate))
    assert found(world)[certificates].said == "keys/signing.pem ends on 01-05-2021 12:00: get a new one"
    world.now -= timedelta(minutes=1)
    assert found(world)[certificates].healthy
    world.now = moment("2021-05-01 12:00")
    assert "keys/signing.pem is past its time since" in found(world)[certificates].said
    desk.revoke(until=moment("2021-05-01 11:59"))
    (desk.keys / "network.pem").write_text("no certificate")
    (desk.keys / "roots.pem").unlink()
    said = found(world)[certificates].said
    assert "keys/issuing.crl does not hold any more" in said
    assert "roots.pem: cannot be read" in said
    assert "network.pem: holds no certificate" in said

    january, february, march = (date(2021, month, 1) for month in (1, 2, 3))
    for month in (january, february, march):
        note_issued(world.home, month)
    for month in (january, february):
        keep(world.home, month, [], alone=1)
    noted = DONE.path(world.home, february)
    later = noted.stat().st_mtime + 60
    os.utime(noted, (later, later))
    assert found(world)[answers] == HealthFinding(
        answers, False,
        "2021-03 has none; 2021-02 has some that are older than its last run; run it again: vroeg run --month",
    )  # fmt: skip
    with run_lock(world.home.run_lock, "run 1", print, 1):
        assert found(world)[answers].healthy


def test_the_command_says_it_for_people_and_monitors(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.run("2021-03")
    said = vroeg(world.root, "health")
    assert said.returncode == 1
    assert "✓  warehouse" in said.stdout
    assert "not healthy: daemon, worklists" in said.stderr
    answer = json.loads(vroeg(world.root, "health", "--json").stdout)
    assert answer["healthy"] is False
    assert {f["part"]: f["healthy"] for f in answer["findings"]} == {
        "daemon": False, "agreements": True, "worklists": False, "disk": answer["findings"][3]["healthy"],
            "warehouse": True, "alerts": True, "back-ups": True,
    }  # fmt: skip


def test_nothing_is_held_open(town: World) -> None:
    found(town)
    assert duckdb.connect(str(town.home.warehouse)).execute("SELECT 1").fetchall() == [(1,)]
