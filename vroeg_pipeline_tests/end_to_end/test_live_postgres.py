"""Towns live on PostgreSQL, Dagster's storage and the tables of each: what arrives is judged, who started a run is noted,
and a town whose database is away hinders no other.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from vroeg_pipeline.domain.months import AMSTERDAM, month_text
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.installation.test_dagster_postgres import environment_of, in_postgres
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.live import dagster_on, environment, wait_until
from vroeg_pipeline_tests.kit.postgres import Server, postgres_server
from vroeg_pipeline_tests.kit.world import World, row

# On a machine that does much else three services, two towns and a database take their time.
pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

# Before the matching day, so that what comes is judged and no more; in the month to come, so that a run that failed is not
# younger than half an hour and is tried again at the next tick.
_TODAY = datetime.now(AMSTERDAM).date()
_NOW = datetime.combine((_TODAY.replace(day=1) + timedelta(days=40)).replace(day=4), time(12), AMSTERDAM)
_MONTH = month_text(_NOW.date())
_SAYS = "the catalogue lets nobody in by that name and password; check user and PGPASSWORD, for the daemon too"


def with_towns(cooperation: Cooperation, server: Server) -> None:
    """Two, each with a database, a user and a password of its own, and of each a partner delivered."""
    for name in ("haarlem", "leiden"):
        home = cooperation.add(name)
        server.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'geheim van {name}'", f"CREATE DATABASE {name} OWNER {name}")
        home.secrets.write_text(f"PGPASSWORD=geheim van {name}\n", encoding="utf-8")
        home.secrets.chmod(0o600)
        world = World(home.root)
        catalogue = f"postgres:host=127.0.0.1 port={server.port} user={name} dbname={name}"
        world.settings(
            warehouse={"catalogue": catalogue, "data": str(cooperation.root / "tables"), "schema": name},
            log={"user_header": "X-Forwarded-User"}, watch_seconds=2 if name == "haarlem" else 10, settle_seconds=0,
        )  # fmt: skip
        world.agree("huur")
        dates = {"reference_date": f"01-{_NOW:%m-%Y}", "arrears_since": f"{_NOW - timedelta(days=60):%d-%m-%Y}"}
        world.deliver("huur", _MONTH, [row(customer_reference=name, **dates)])


def judged(home: Home) -> list[Any]:
    """The references of the signals of a town."""
    with WarehouseResource.of(Installation.load(home)).connect(read_only=True) as connection:
        return connection.execute("SELECT customer_reference FROM validated_signals").fetchall()


def test_what_arrives_is_judged_whichever_other_database_is_away_and_what_was_left_is_once_it_is_back(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # In a folder of a short name, as a socket's path has a limit.
    folder = tmp_path_factory.mktemp("pg")
    cooperation, clock = Cooperation(folder), folder / "clock"
    clock.write_text(_NOW.isoformat(), encoding="utf-8")
    with postgres_server() as server:
        with_towns(cooperation, server)
        server.execute("ALTER ROLE leiden NOLOGIN")
        settings = in_postgres(cooperation.home("haarlem")).dagster / "dagster.yaml"
        text = settings.read_text(encoding="utf-8").replace("max_concurrent_runs: 1", "max_concurrent_runs: 2")
        settings.write_text(text, encoding="utf-8")
        with (
            environment(
                VROEG_TOWNS=str(cooperation.root), VROEG_CLOCK=str(clock), **environment_of(server, "postgres")
            ),
            dagster_on(cooperation) as live,
        ):
            query = """query ($town: String!) {runsOrError(filter: {tags: [{key: "town", value: $town}]}) {... on Runs {
                results {id jobName status tags {key value}}}}}"""

            def ended(town: str, status: str) -> list[dict[str, Any]]:
                runs = live.ask(query, town=town)["runsOrError"]["results"]
                return [run for run in runs if run["status"] == status]

            wait_until("the run of what came", lambda: ended("haarlem", "SUCCESS"))
            run, *_ = wait_until("the run of leiden", lambda: ended("leiden", "FAILURE"))
            _, why = live.ended(run["id"])
            assert {line.partition("Error: ")[2].strip() for line in why} == {f"settings.yaml: warehouse: {_SAYS}"}

            def health() -> dict[str, str]:
                told = vroeg(cooperation.root, "towns", "health", VROEG_HOME="", width=2000).stdout
                of_town = {line.split()[1]: line for line in told.splitlines()}
                # Not at the moment at which it is tried again.
                return of_town if f"warehouse: settings.yaml: warehouse: {_SAYS}" in of_town["leiden"] else {}

            of_town = wait_until("the health of leiden", health)
            assert "it failed" not in of_town["leiden"]
            assert "warehouse" not in of_town["haarlem"]
            assert ended("haarlem", "FAILURE") == []

            server.execute("ALTER ROLE leiden LOGIN")
            wait_until("the run of what leiden left", lambda: ended("leiden", "SUCCESS"))
            for home in cooperation.homes():
                with environment(PGPASSWORD=f"geheim van {home.town}"):
                    assert judged(home) == [(home.town,)]

            live.session.headers["X-Forwarded-User"] = "a.jansen"
            run = live.launch("month", location="haarlem", partition=f"{_MONTH}-01")
            assert live.ended(run) == ("SUCCESS", [])
            (launched,) = [each for each in ended("haarlem", "SUCCESS") if each["jobName"] == "month"]
            assert {"key": "user", "value": "a.jansen"} in launched["tags"]
            assert list(cooperation.home("haarlem").outbox_of(_NOW.date()).glob(f"werklijst_{_MONTH}*"))
            # Nothing of it lies in files beside.
            assert not list(cooperation.root.glob("**/*.db")) + list(cooperation.root.glob("**/warehouse.duckdb"))
            found = live.ask("{instance {daemonHealth {allDaemonStatuses {daemonType required healthy}}}}")
            statuses = found["instance"]["daemonHealth"]["allDaemonStatuses"]
            assert [each["daemonType"] for each in statuses if each["required"] and not each["healthy"]] == []
