"""Webserver and daemon with Dagster's storage in PostgreSQL: what arrives is judged, and who started a run is noted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.installation.test_dagster_postgres import environment_of, in_postgres
from vroeg_pipeline_tests.kit.live import dagster_on, environment, wait_until
from vroeg_pipeline_tests.kit.postgres import postgres_server

pytestmark = pytest.mark.live


def test_what_arrives_is_judged_and_who_starts_a_run_is_noted(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_world(home, months=1, signals=60)
    with home.settings.open("a", encoding="utf-8") as settings:
        settings.write("\nlog: {user_header: X-Forwarded-User}\n")
    in_postgres(home)
    with (
        postgres_server() as server,
        environment(VROEG_HOME=str(home.root), **environment_of(server, "postgres")),
        dagster_on(home) as live,
    ):
        query = "{runsOrError {... on Runs {results {jobName status tags {key value}}}}}"

        def judged() -> bool:
            runs = live.ask(query)["runsOrError"]["results"]
            return bool(runs) and {run["status"] for run in runs} == {"SUCCESS"}

        wait_until("the run of what came", judged)
        asked = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
            partitionStats {numMaterialized}}}}"""
        node = live.ask(asked, key={"path": ["deliveries", "vattenfall"]})["assetNodeOrError"]
        assert node["partitionStats"]["numMaterialized"] == 1
        live.session.headers["X-Forwarded-User"] = "a.jansen"
        assert live.ended(live.launch("month", partition="2020-10-01")) == ("SUCCESS", [])
        runs = live.ask(query)["runsOrError"]["results"]
        by = [run["jobName"] for run in runs if {"key": "user", "value": "a.jansen"} in run["tags"]]
        assert by == ["month"]
        assert list(home.outbox_of(date(2020, 10, 1)).glob("werklijst_2020-10*"))
        # Nothing of it lies in files beside.
        assert not list(home.dagster.glob("**/*.db"))
        found = live.ask("{instance {daemonHealth {allDaemonStatuses {daemonType required healthy}}}}")
        statuses = found["instance"]["daemonHealth"]["allDaemonStatuses"]
        assert [each["daemonType"] for each in statuses if each["required"] and not each["healthy"]] == []
