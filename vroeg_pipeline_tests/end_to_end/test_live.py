"""A live Dagster on the sample world: webserver and daemon, asked over GraphQL and looked at in headless Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from vroeg_pipeline.automation.housekeeping import purge
from vroeg_pipeline.cli.run import run_months
from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.browser import Browser, chromium
from vroeg_pipeline_tests.kit.live import LOCATION, Live, dagster_on, environment, read_only_on, wait_until
from vroeg_pipeline_tests.kit.login import OPERATOR, READER, login_keys, nginx

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Three months of the sample world, run from the command line's own function, then opened in the UI."""
    home = Home(tmp_path_factory.mktemp("live") / "home")
    make_world(home, months=3, signals=120)
    with home.settings.open("a", encoding="utf-8") as settings:
        settings.write("\nlog: {user_header: X-Forwarded-User}\n")
    months = [parse_month(text) for text in ("2020-10", "2020-11", "2020-12")]
    with environment(VROEG_HOME=str(home.root)):
        run_months(home, months, Console(quiet=True))
        with dagster_on(home) as found:
            yield found


def test_the_location_loads_with_its_assets(live: Live) -> None:
    nodes = live.ask(
        """{assetNodes {assetKey {path} groupName description kinds isPartitioned
            assetChecksOrError {... on AssetChecks {checks {name description}}}}}"""
    )["assetNodes"]
    by_key = {"/".join(node["assetKey"]["path"]): node for node in nodes}
    assert {"deliveries/pre_wonen", "delivery_files", "validated_signals", "worklist_files"} <= set(by_key)
    assert all(node["description"] for node in nodes)
    partner = by_key["deliveries/pre_wonen"]
    names = {check["name"] for check in partner["assetChecksOrError"]["checks"]}
    assert {"delivered", "few_rows_rejected", "columns_as_agreed"} <= names
    assert all(check["description"] for check in partner["assetChecksOrError"]["checks"])


def test_a_month_without_a_delivery_is_a_hole(live: Live) -> None:
    query = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
        assetPartitionStatuses {... on TimePartitionStatuses {ranges {status startKey endKey}}}}}}"""

    def filled(partner: str) -> list[tuple[str, str]]:
        node = live.ask(query, key={"path": ["deliveries", partner]})["assetNodeOrError"]
        ranges = node["assetPartitionStatuses"]["ranges"]
        return [(r["startKey"], r["endKey"]) for r in ranges if r["status"] == "MATERIALIZED"]

    assert filled("pre_wonen") == [("2020-10-01", "2020-12-01")]
    assert filled("vattenfall") == [("2020-10-01", "2020-10-01"), ("2020-12-01", "2020-12-01")]


def test_checks_are_told_by_month(live: Live) -> None:
    """What was wrong in a month stays in the history; what is shown is the newest one."""
    executions = live.ask(
        """query ($key: AssetKeyInput!) {assetCheckExecutions(assetKey: $key, checkName: "delivered", limit: 20)
            {status partition evaluation {success severity description targetMaterialization {timestamp}}}}""",
        key={"path": ["deliveries", "vattenfall"]},
    )["assetCheckExecutions"]
    by_month = {e["partition"]: e["evaluation"] for e in executions}
    assert {month: said["success"] for month, said in by_month.items()} == {
        "2020-10-01": True, "2020-11-01": False, "2020-12-01": True,
    }  # fmt: skip
    assert "unreadable" in by_month["2020-11-01"]["description"]
    assert {month for month, said in by_month.items() if said["targetMaterialization"]} == {"2020-10-01", "2020-12-01"}
    for partner in ("vattenfall", "pre_wonen", "de_key"):
        shown = [check["shown"] for check in live.checks(f"deliveries/{partner}")]
        assert all(check["evaluation"]["description"].startswith("2020-12: ") for check in shown)
    statuses = {check["name"]: check["shown"]["status"] for check in live.checks("deliveries/vattenfall")}
    assert statuses["delivered"] == "SUCCEEDED"
    assert set(statuses.values()) <= {"SUCCEEDED", "FAILED"}


def test_the_run_of_the_command_line_is_there(live: Live) -> None:
    runs = live.ask("{runsOrError {... on Runs {results {status tags {key value} repositoryOrigin {repositoryName}}}}}")
    run = runs["runsOrError"]["results"][-1]
    assert run["status"] == "SUCCESS"
    assert {"key": "months", "value": "2020-10 to 2020-12"} in run["tags"]


def test_the_daemon_runs_a_month_that_an_operator_asks_for_and_nobody_else_can(live: Live, tmp_path: Path) -> None:
    """Through the login of deploy/nginx, whose name for the operator reaches the log (DOMAIN §14)."""
    statuses = live.ask("{instance {daemonHealth {allDaemonStatuses {daemonType required healthy}}}}")
    assert statuses["instance"]["daemonHealth"]["allDaemonStatuses"]
    with read_only_on(live.home) as only_read:
        behind = tuple(int(each.url.rpartition(":")[2]) for each in (live, only_read))
        with nginx(login_keys(tmp_path), behind, "login-certificate.conf") as login:
            operator, reader = (
                Live(f"https://localhost:{login.port}", live.home, login.session(who)) for who in ("operator", "reader")
            )
            assert len(reader.checks("deliveries/pre_wonen")) > 2
            with pytest.raises(AssertionError, match="UnauthorizedError"):
                reader.launch("month", partition="2020-12-01")
            run = operator.launch("month", partition="2020-12-01")
    assert live.ended(run) == ("SUCCESS", [])
    by = {line["details"]["run"]: line for line in read_log(live.home) if line["action"] == "run"}
    assert (by[run]["origin"], by[run]["actor"]) == ("UI", OPERATOR)
    assert READER not in {line["actor"] for line in by.values()}


@pytest.fixture(scope="module")
def browser(live: Live) -> Iterator[Browser]:
    with chromium(live.url) as opened:
        yield opened


PAGES = {
    "groups": ("/asset-groups", ("reference", "deliveries", "signals", "matches", "quality", "worklists")),
    "graph": (
        "/assets/worklist_files?view=lineage&lineageScope=upstream&lineageDepth=10",
        ("vattenfall", "delivery_files", "validated_signals", "recidivism_history", "worklist_files"),
    ),
    "partner": ("/assets/deliveries/vattenfall?view=partitions", ("vattenfall", "Materialized (2)")),
    "checks": ("/assets/deliveries/vattenfall?view=checks", ("delivered", "few_rows_rejected", "columns_as_agreed")),
    "worklists": ("/assets/prioritised_worklists?view=overview", ("Crisis first", "DOMAIN §9", "home_visit")),
    "runs": ("/runs", ("Success", "month")),
    "run": ("/runs/{run}", ("worklist_files", "check_signals", "check_deliveries")),
}


@pytest.mark.parametrize("page", PAGES)
def test_it_shows_in_a_browser(live: Live, browser: Browser, page: str) -> None:
    path, texts = PAGES[page]
    run = live.ask("{runsOrError {... on Runs {results {runId}}}}")["runsOrError"]["results"][-1]["runId"]
    try:
        browser.open(path.replace("{run}", run), *texts)
    finally:
        browser.keep(page)


def test_what_runs_by_itself_is_on(live: Live) -> None:
    repository = live.ask(
        """query ($selector: RepositorySelector!) {repositoryOrError(repositorySelector: $selector) {... on Repository {
            sensors {name sensorState {status}} schedules {name executionTimezone scheduleState {status}}}}}""",
        selector=LOCATION,
    )["repositoryOrError"]
    assert {s["name"]: s["sensorState"]["status"] for s in repository["sensors"]} == {
        "arrivals": "RUNNING",
        "alerts": "RUNNING",
    }
    schedules = repository["schedules"]
    assert {s["name"]: s["scheduleState"]["status"] for s in schedules} == dict.fromkeys(
        ("housekeeping", "retention", "worklists"), "RUNNING"
    )
    assert {s["executionTimezone"] for s in schedules} == {"Europe/Amsterdam"}


def test_the_lamp_of_a_partner_is_lit(live: Live) -> None:
    """What arrived a moment ago is fresh; a partner whose agreement ended has no lamp."""
    query = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
        freshnessStatusInfo {freshnessStatus}}}}"""

    def lamp(partner: str) -> str | None:
        node = live.ask(query, key={"path": ["deliveries", partner]})["assetNodeOrError"]
        return node["freshnessStatusInfo"] and str(node["freshnessStatusInfo"]["freshnessStatus"])

    assert wait_until("the lamp", lambda: lamp("pre_wonen") not in (None, "UNKNOWN") and lamp("pre_wonen")) == "HEALTHY"
    assert lamp("de_key") is None


def test_the_watch_on_the_watcher_sees_the_daemon(live: Live) -> None:
    def healthy() -> set[str]:
        said = vroeg(live.home.root, "health", "--json").stdout
        return {finding["part"] for finding in json.loads(said)["findings"] if finding["healthy"]}

    # The worklists of this month were not made: the sample world lies in the past.
    wanted = {
        "daemon",
        "sensor arrivals",
        "sensor alerts",
        "alerts",
        "schedule worklists",
        "schedule housekeeping",
        "warehouse",
    }
    wait_until(f"{wanted}", lambda: wanted <= healthy(), 60)


def test_a_file_that_is_dropped_into_the_inbox_fills_its_month(live: Live) -> None:
    """The redelivery of a month that was refused: it and the month after it run, and its partition is there."""
    good = next((live.home.inbox / "vattenfall" / "2020-10").glob("*.jsonl"))
    dropped = live.home.inbox / "vattenfall" / "2020-11" / "opnieuw.jsonl"
    dropped.write_bytes(good.read_bytes().replace(b"2020", b"2019"))

    def filled() -> bool:
        query = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
            partitionStats {numMaterialized}}}}"""
        node = live.ask(query, key={"path": ["deliveries", "vattenfall"]})["assetNodeOrError"]
        return bool(node["partitionStats"]["numMaterialized"] == 3)

    wait_until("the partition of 2020-11", filled)

    def finished() -> bool:
        runs = live.ask("{runsOrError {... on Runs {results {status tags {key value}}}}}")["runsOrError"]["results"]
        months = [run for run in runs if {"key": "months", "value": "2020-11 to 2020-12"} in run["tags"]]
        return len(months) == 1 and months[0]["status"] == "SUCCESS"

    wait_until("one run over both months", finished)


def test_pages_show_what_came_once_its_runs_are_gone(live: Live, browser: Browser) -> None:
    query = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
        partitionStats {numMaterialized} assetMaterializations {partition timestamp label}}}}"""

    def shown(asset: str) -> dict[str, object]:
        node = live.ask(query, key={"path": asset.split("/")})["assetNodeOrError"]
        # Of a table the last of each month is kept.
        last = {each["partition"]: each for each in reversed(node["assetMaterializations"])}
        return {"filled": node["partitionStats"], "last": last, "checks": live.checks(asset)}

    assets = ("deliveries/vattenfall", "deliveries/pre_wonen", "validated_signals", "prioritised_worklists")
    before = {asset: shown(asset) for asset in assets}
    assert all(each["last"] and each["checks"] for each in before.values())
    with dg.DagsterInstance.get() as instance:
        assert purge(instance, datetime.now(UTC) + timedelta(minutes=1)).runs > 0
    assert live.ask("{runsOrError {... on Runs {results {runId}}}}")["runsOrError"]["results"] == []
    assert {asset: shown(asset) for asset in assets} == before
    for page, text in {"partitions": "Materialized (3)", "checks": "delivered"}.items():
        browser.open(f"/assets/deliveries/pre_wonen?view={page}", "pre_wonen", text)
        browser.keep(f"purged-{page}")


def test_an_agreement_that_is_added_is_there_by_itself(live: Live) -> None:
    """Nobody reloads anything, and the daemon goes on."""
    text = (live.home.agreements / "pre_wonen.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("succeeds")]
    added = "\n".join(lines).replace("partner: pre_wonen", "partner: nieuw")
    (live.home.agreements / "nieuw.yaml").write_text(added, encoding="utf-8")

    def keys() -> set[str]:
        nodes = live.ask("{assetNodes {assetKey {path}}}")["assetNodes"]
        return {"/".join(node["assetKey"]["path"]) for node in nodes}

    wait_until("its asset", lambda: "deliveries/nieuw" in keys(), 60)
