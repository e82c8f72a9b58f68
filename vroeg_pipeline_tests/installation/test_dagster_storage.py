"""Dagster's storage kept open: the same files and contents as its own, and nothing lost when a process is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.dagster_storage import OpenEventLog
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.town import ALONE

SHIPPED = Path(sys.modules["vroeg_pipeline"].__path__[0]) / "dagster.yaml"
# As the version before this storage put it there.
OLDER = """\
# Dagster's instance settings, put into a fresh Dagster home by `vroeg` and `make dev`; yours to change there.
# Nothing calls home.
telemetry:
  enabled: false
nux:
  enabled: false

# One run at a time: the others wait in the queue, where the UI shows them, instead of at the warehouse's lock.
concurrency:
  runs:
    max_concurrent_runs: 1

# The lamps on partners' assets.
freshness:
  enabled: true

# A run whose process was killed is marked failed, and its place in the queue is free again.
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
  free_slots_after_run_end_seconds: 60
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = Home(tmp_path / "home")
    yield home
    os.environ.pop("DAGSTER_HOME", None)


@dg.asset
def numbers() -> None:
    """Of no meaning."""


def materialize(instance: dg.DagsterInstance) -> str:
    return dg.materialize([numbers], instance=instance).run_id


def events(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [e.dagster_event.event_type_value for e in instance.all_logs(run_id) if e.dagster_event]


def test_a_fresh_home_keeps_its_storage_open(home: Home) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        run_id = materialize(instance)
        assert isinstance(instance.event_log_storage, OpenEventLog)
        log = home.dagster / "history" / "runs" / f"{run_id}.db"
        # Still open: its log of writes lies beside it.
        assert Path(f"{log}-wal").exists()
        assert {"PIPELINE_START", "ASSET_MATERIALIZATION", "PIPELINE_SUCCESS"} <= set(events(instance, run_id))
    assert not Path(f"{log}-wal").exists()
    assert sqlite3.connect(log).execute("SELECT count(*) FROM event_logs").fetchone()[0] > 5


def test_many_runs_are_read_with_few_files_open(home: Home) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        runs = [materialize(instance) for _ in range(6)]
        said = [events(instance, run_id) for run_id in runs]
        logs = home.dagster / "history" / "runs"
        assert len(list(logs.glob("*.db-wal"))) <= 4
    assert len({tuple(sorted(one)) for one in said}) == 1


def test_an_older_home_goes_on_and_is_read_alike(home: Home) -> None:
    home.dagster.mkdir(parents=True)
    changed = f"{OLDER}\n# Ours.\n"
    (home.dagster / "dagster.yaml").write_text(changed, encoding="utf-8")
    prepare_dagster_home(home)
    assert (home.dagster / "dagster.yaml").read_text(encoding="utf-8") == changed
    with dg.DagsterInstance.get() as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLog)
        before = materialize(instance)
        said = events(instance, before)
    (home.dagster / "dagster.yaml").write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, OpenEventLog)
        assert events(instance, before) == said
        after = materialize(instance)
        records = instance.fetch_materializations(numbers.key, limit=10).records
        assert [record.run_id for record in records] == [after, before]


def test_settings_that_nobody_changed_are_renewed(home: Home) -> None:
    home.dagster.mkdir(parents=True)
    (home.dagster / "dagster.yaml").write_text(OLDER, encoding="utf-8")
    prepare_dagster_home(home)
    found = yaml.safe_load((home.dagster / "dagster.yaml").read_text(encoding="utf-8"))
    assert found["storage"]["custom"]["class"] == "OpenSqliteStorage"


KILLED = """
import os, signal, sys
import dagster as dg

@dg.op
def dies(context):
    context.log.info("the last words")
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(executor_def=dg.in_process_executor)
def deadly():
    dies()

deadly.execute_in_process(instance=dg.DagsterInstance.get(), run_id=sys.argv[1])
"""


def test_a_killed_run_stays_visible_to_its_last_event(home: Home) -> None:
    prepare_dagster_home(home)
    run_id = "11111111-2222-3333-4444-555555555555"
    died = subprocess.run([sys.executable, "-c", KILLED, run_id], capture_output=True, timeout=200, check=False)
    assert died.returncode == -signal.SIGKILL
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.STARTED
        assert "STEP_START" in events(instance, run_id)
        assert [e.user_message for e in instance.all_logs(run_id)][-1] == "the last words"
        # What the daemon does with it.
        instance.report_run_failed(run)
        found = instance.get_run_by_id(run_id)
        assert found is not None
        assert found.status == dg.DagsterRunStatus.FAILURE


def test_wiping_closes_the_files_and_starts_anew(home: Home) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        materialize(instance)
        instance.wipe()
        assert instance.get_runs_count() == 0
        run_id = materialize(instance)
        assert "PIPELINE_SUCCESS" in events(instance, run_id)


def test_a_run_of_the_command_line_has_the_origin_that_the_timeline_wants(home: Home) -> None:
    prepare_dagster_home(home)
    with dg.DagsterInstance.get() as instance:
        for name, tags in (("month", ALONE.tags_of_command_line), ("other", {})):
            instance.add_run(dg.DagsterRun(name, run_id=name, tags=tags))
        origins = {name: instance.get_run_by_id(name) for name in ("month", "other")}
        found = {name: run.remote_job_origin for name, run in origins.items() if run}
    assert found["other"] is None
    origin = found["month"]
    assert origin is not None
    assert origin.job_name == "month"
    assert origin.repository_origin.repository_name == "__repository__"
    assert origin.repository_origin.code_location_origin.location_name == "vroeg_pipeline.definitions"
