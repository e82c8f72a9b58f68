"""Dagster on a real PostgreSQL: what Dagster forgets, one daemon, and what is said when the database cannot be used."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import serialize_value
from rich.console import Console

from vroeg_pipeline.automation.housekeeping import purge
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.cli.move_dagster import move
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.dagster_home import prepare_dagster_folder, prepare_dagster_home
from vroeg_pipeline.installation.dagster_postgres import PooledEventLog
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.town import ALONE
from vroeg_pipeline_tests.automation.test_housekeeping import APRIL, ARRIVED, MARCH, TABLE, arrivals, made, verdicts
from vroeg_pipeline_tests.cli.test_health import origin
from vroeg_pipeline_tests.installation.test_dagster_storage import SHIPPED
from vroeg_pipeline_tests.kit.live import environment
from vroeg_pipeline_tests.kit.postgres import PASSWORD, Server, postgres_server
from vroeg_pipeline_tests.kit.world import World
from vroeg_pipeline_tests.test_towns import forgets_a_town_whose_folder_is_gone

SETTINGS = Path(__file__).parents[2] / "deploy" / "postgresql" / "dagster.yaml"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


def environment_of(server: Server, database: str) -> dict[str, str]:
    return {
        "DAGSTER_PG_HOST": "127.0.0.1", "DAGSTER_PG_PORT": str(server.port), "DAGSTER_PG_USER": "vroeg",
        "DAGSTER_PG_PASSWORD": PASSWORD, "DAGSTER_PG_DB": database,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _environment_as_it_was() -> Iterator[None]:
    with environment():
        os.environ.pop("DAGSTER_HOME", None)
        yield


@pytest.fixture
def home(server: Server, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of which the settings name a database that is its own."""
    database = request.node.name.partition("[")[0]
    server.execute(f"CREATE DATABASE {database}")
    for name, value in environment_of(server, database).items():
        monkeypatch.setenv(name, value)
    return in_postgres(Home(tmp_path / "home"))


def in_postgres(home: Home) -> Home:
    home.dagster.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SETTINGS, home.dagster / "dagster.yaml")
    return home


def test_forgotten_runs_leave_what_came_and_was_judged(home: Home) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledEventLog)
        first, again, april = made(instance, MARCH), made(instance, MARCH), made(instance, APRIL)
        at_work = instance.add_run(dg.DagsterRun("month", tags=ALONE.tags_of_command_line)).run_id
        assert purge(instance, datetime.now(UTC) + timedelta(minutes=1)).runs == 3
        assert [run.run_id for run in instance.get_runs()] == [at_work]
        assert arrivals(instance) == [(APRIL, april), (MARCH, again), (MARCH, first)]
        assert instance.get_materialized_partitions(ARRIVED) == instance.get_materialized_partitions(TABLE)
        assert [r.run_id for r in instance.fetch_materializations(TABLE, limit=10).records] == [april, again]
        assert verdicts(instance) == {MARCH: again, APRIL: april}
        # Of the log of a run nothing is left but that.
        kinds = {e.dagster_event.event_type_value for e in instance.all_logs(first) if e.dagster_event}
        assert kinds == {"ASSET_MATERIALIZATION"}
        found = instance.get_run_by_id(at_work)
        assert found is not None
        assert found.remote_job_origin is not None


def test_a_town_that_is_gone_is_forgotten_here_too(home: Home, server: Server, tmp_path: Path) -> None:
    cooperation = Cooperation(tmp_path / "towns")
    shutil.copytree(home.dagster, cooperation.dagster)
    prepare_dagster_folder(cooperation.dagster, of_many=True)
    url = f"postgresql+psycopg2://vroeg:{PASSWORD}@127.0.0.1:{server.port}/{os.environ['DAGSTER_PG_DB']}"
    forgets_a_town_whose_folder_is_gone(cooperation, lambda: [url])


def test_one_daemon_of_a_database_wherever_it_runs(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    beat = DaemonHeartbeat(datetime.now(UTC).timestamp(), "SENSOR", "a", [])
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(beat)
        # Another machine: the same database and another folder.
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "other"))
        in_postgres(Home(tmp_path))
        with dg.DagsterInstance.get() as elsewhere, pytest.raises(SystemExit):
            elsewhere.add_daemon_heartbeat(beat)
        assert "a daemon of another machine is at work already; stop it first" in capsys.readouterr().err
        # A server that was started again has let go of it; the daemon takes it again.
        mine = "pid <> pg_backend_pid() AND datname = 'test_one_daemon_of_a_database_wherever_it_runs'"
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
        instance.add_daemon_heartbeat(beat)
        with dg.DagsterInstance.get() as elsewhere, pytest.raises(SystemExit):
            elsewhere.add_daemon_heartbeat(beat)
    with dg.DagsterInstance.get() as elsewhere:
        elsewhere.add_daemon_heartbeat(beat)


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What pages of runs, assets, checks and sensors show, and where sensors go on."""
    log = instance.event_log_storage
    keys = sorted(instance.all_asset_keys())
    return {
        "runs": [(r.storage_id, r.dagster_run, r.start_time, r.end_time) for r in instance.get_run_records()],
        "runs of a month": [r.run_id for r in instance.get_runs(dg.RunsFilter(tags={"dagster/partition": MARCH}))],
        "event tags": sorted(log.get_event_tags_for_asset(TABLE), key=str),
        "assets": sorted(
            (r.asset_entry.asset_key.to_string(), r.asset_entry.last_materialization_storage_id)
            for r in instance.get_asset_records(keys)
        ),
        "partitions": {key.to_string(): instance.get_materialized_partitions(key) for key in keys},
        "materializations": {
            key.to_string(): instance.fetch_materializations(key, limit=10).records for key in keys
        },
        "checks": log.get_asset_check_execution_history(dg.AssetCheckKey(TABLE, "whole"), limit=10),
        "sensors": instance.all_instigator_state(),
        "ticks": instance.get_ticks(SENSOR.instigator_origin_id, SENSOR.selector_id),
        "cursors": instance.daemon_cursor_storage.get_cursor_values({"a"}),
        "logs": {run.run_id: sorted(map(serialize_value, instance.all_logs(run.run_id))) for run in instance.get_runs()},
        "steps": {run.run_id: instance.get_run_step_stats(run.run_id) for run in instance.get_runs()},
    }  # fmt: skip


SENSOR = InstigatorState(
    origin("arrivals"), InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData(cursor="3")
)


def test_what_sqlite_had_is_shown_alike_and_goes_on(home: Home) -> None:
    settings = home.dagster / "dagster.yaml"
    settings.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        made(instance, MARCH), made(instance, MARCH), made(instance, APRIL)
        instance.add_instigator_state(SENSOR)
        instance.create_tick(
            TickData(SENSOR.instigator_origin_id, "arrivals", InstigatorType.SENSOR, TickStatus.SKIPPED, 1.5,
                     selector_id=SENSOR.selector_id, run_ids=[])
        )  # fmt: skip
        instance.daemon_cursor_storage.set_cursor_values({"a": "1"})
        before = shown(instance)
        assert len(before["runs of a month"]) == 2
        said = {event.user_message for run in instance.get_runs() for event in instance.all_logs(run.run_id)}
        assert {"at work on 2021-03-01", "at work on 2021-04-01"} <= said
    with pytest.raises(VroegError, match=r"dagster.yaml: names no PostgreSQL"):
        move(home, Console())
    in_postgres(home)
    move(home, Console())
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledEventLog)
        assert shown(instance) == before
        later = made(instance, APRIL)
        newest = instance.fetch_materializations(TABLE, limit=1).records[0]
        assert newest.run_id == later
        assert newest.storage_id > max(r.storage_id for r in before["materializations"][TABLE.to_string()])
        assert verdicts(instance)[APRIL] == later
    with pytest.raises(VroegError, match=r"has runs; give an empty one"):
        move(home, Console())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("DAGSTER_PG_PASSWORD", "wrong", "password authentication failed"),
     ("DAGSTER_PG_PORT", "1", "Connection refused"),
     ("DAGSTER_PG_DB", "nowhere", 'database "nowhere" does not exist'),
     ("DAGSTER_PG_USER", None, "DAGSTER_PG_USER is not set; put it in the environment"),
     ("DAGSTER_PG_PORT", "many", "DAGSTER_PG_PORT is no number")],
)  # fmt: skip
def test_a_database_that_cannot_be_used_is_told_in_a_line(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, said: str
) -> None:
    home = in_postgres(Home(tmp_path / "home"))
    for one, good in environment_of(server, "postgres").items():
        monkeypatch.setenv(one, good)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(VroegError, match=said) as told:
        prepare_dagster_home(home)
    assert "\n" not in str(told.value)
    assert PASSWORD not in str(told.value)


def test_tables_of_another_version_are_told(home: Home, server: Server) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        instance.get_runs_count()
    tables = Server(server.port, "test_tables_of_another_version_are_told")
    tables.execute("UPDATE alembic_version SET version_num = 'f495c27d5019'")
    with pytest.raises(VroegError, match=r"of another version of Dagster .*dagster instance migrate"):
        prepare_dagster_home(home)
    # What that command does.
    with dg.DagsterInstance.get() as instance:
        instance.upgrade()
    prepare_dagster_home(home)


def test_settings_that_do_not_say_how_are_told(tmp_path: Path) -> None:
    home = in_postgres(Home(tmp_path / "home"))
    settings = home.dagster / "dagster.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("postgres_db:", "postgres:"), encoding="utf-8")
    with pytest.raises(VroegError, match=r"compare it with deploy/postgresql/dagster.yaml"):
        prepare_dagster_home(home)


def test_health_tells_of_the_daemon_that_its_database_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.agree("huur")
    in_postgres(world.home)
    for name, value in environment_of(Server(1), "dagster").items():
        monkeypatch.setenv(name, value)
    told = {finding.part: finding for finding in findings(world.installation)}["daemon"]
    assert not told.healthy
    assert told.said.startswith("Dagster's database dagster at 127.0.0.1: cannot be used")
    assert PASSWORD not in told.said
