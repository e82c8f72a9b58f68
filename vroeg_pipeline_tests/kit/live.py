"""A webserver with its daemon for a test, and how to ask it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from vroeg_pipeline.cli.dev import services
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.dagster_home import CODE_LOCATION
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.listeners import free_port

LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": CODE_LOCATION}


@dataclass(frozen=True)
class Live:
    """A webserver with its daemon, and as whom it is asked."""

    url: str
    home: Home
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a GraphQL query; fails on its errors."""
        answer = self.session.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=30
        ).json()
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def launch(
        self,
        job: str,
        assets: Sequence[str] = (),
        checks: Sequence[tuple[str, str]] = (),
        *,
        location: str = CODE_LOCATION,
        **tags: str,
    ) -> str:
        """Starts a run as a button of the UI does, and gives its id. `assets` come with all their checks; `checks` are asset
        and name; with neither it is the whole job, as from the Launchpad. `tags`: `partition`, or
        `asset_partition_range_start` and `asset_partition_range_end`.
        """
        checks = [*checks, *((asset, check["name"]) for asset in assets for check in self.checks(asset))]
        chosen = {
            "assetSelection": [_key(asset) for asset in assets],
            "assetCheckSelection": [{"assetKey": _key(asset), "name": name} for asset, name in checks],
        }
        return self._launched(
            "launchPipelineExecution(executionParams: $parameters)",
            "ExecutionParams!",
            {
                "selector": {
                    **LOCATION,
                    "repositoryLocationName": location,
                    "jobName": job,
                    **(chosen if assets or checks else {}),
                },
                "runConfigData": "{}",
                "mode": "default",
                "executionMetadata": {
                    "tags": [{"key": f"dagster/{key}", "value": value} for key, value in tags.items()]
                },
            },
        )

    def execute(self, asset: str, *names: str) -> str:
        """Starts checks of an asset as its buttons *Execute* and *Execute all* (no names) do."""
        checks = [check for check in self.checks(asset) if check["name"] in names or not names]
        assert {check["canExecuteIndividually"] for check in checks} == {"CAN_EXECUTE"}
        (job, *_) = [job for job in checks[0]["jobNames"] if all(job in check["jobNames"] for check in checks)]
        return self.launch(job, checks=[(asset, check["name"]) for check in checks])

    def execute_again(self, run: str) -> str:
        """Starts a failed run again *from failure*."""
        return self._launched(
            "launchPipelineReexecution(reexecutionParams: $parameters)",
            "ReexecutionParams!",
            {"parentRunId": run, "strategy": "FROM_FAILURE"},
        )

    def report(self, asset: str, check: str, *, passed: bool) -> None:
        """Reports what a check says, as *Report evaluation* does."""
        told = self.ask(
            """mutation ($told: ReportAssetCheckEvaluationsParams!) {told: reportAssetCheckEvaluations(eventParams: $told)
                {__typename}}""",
            told={"assetKey": _key(asset), "checkName": check, "passed": passed, "description": "by telephone"},
        )["told"]
        assert told["__typename"] == "ReportAssetCheckEvaluationsSuccess"

    def wipe(self, asset: str) -> None:
        """Forgets all that was made of an asset, as *Wipe* does."""
        wiped = self.ask(
            "mutation ($of: [PartitionsByAssetSelector!]!) {wiped: wipeAssets(assetPartitionRanges: $of) {__typename}}",
            of=[{"assetKey": _key(asset)}],
        )["wiped"]
        assert wiped["__typename"] == "AssetWipeSuccess"

    def _launched(self, mutation: str, kind: str, parameters: dict[str, Any]) -> str:
        launch = f"launched: {mutation} {{__typename ... on LaunchRunSuccess {{run {{id}}}}}}"
        launched = self.ask(f"mutation ($parameters: {kind}) {{{launch}}}", parameters=parameters)["launched"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["id"])

    def ended(self, run: str) -> tuple[str, list[str]]:
        """How a run ended, once it did, and the last line of why each step failed."""
        query = """query ($run: ID!) {runOrError(runId: $run) {... on Run {status eventConnection(limit: 5000) {events {
            ... on ExecutionStepFailureEvent {error {message causes {message}}}}}}}}"""

        def found() -> tuple[str, list[str]] | None:
            of = self.ask(query, run=run)["runOrError"]
            errors = [event["error"] for event in of["eventConnection"]["events"] if event.get("error")]
            said = [[error["message"], *(cause["message"] for cause in error["causes"])][-1] for error in errors]
            return (of["status"], said) if of["status"] in ("SUCCESS", "FAILURE", "CANCELED") else None

        status, said = wait_until(f"run {run}", found)
        return str(status), list(said)

    def checks(self, asset: str) -> list[dict[str, Any]]:
        """The checks of an asset as its page shows them; `shown` is what the newest says."""
        node = self.ask(
            """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {assetChecksOrError {
                ... on AssetChecks {checks {name jobNames canExecuteIndividually
                shown: executionForLatestMaterialization {status evaluation {description}}}}}}}}""",
            key=_key(asset),
        )["assetNodeOrError"]
        return list(node["assetChecksOrError"]["checks"])


def _key(asset: str) -> dict[str, Any]:
    return {"path": asset.split("/")}


def wait_until(what: str, met: Callable[[], Any], seconds: float = 120) -> Any:
    """What `met` gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := met():
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds:g} seconds for {what}")


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables of the environment for the length of the block."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def read_only_on(home: Home) -> Iterator[Live]:
    """One more webserver of an installation, on which nothing can be started, once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "vroeg_pipeline.cli.app", "service", "webserver", "--with-parent", "--read-only"]
    with subprocess.Popen([*command, "--port", str(port)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, env={**os.environ, "VROEG_HOME": str(home.root)}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            found = Live(f"http://127.0.0.1:{port}", home)
            wait_until("the webserver that is read-only", lambda: answers(found))
            yield found
        finally:
            process.kill()  # it has no child, and nothing of its own to keep


@contextmanager
def dagster_on(of: Home | Cooperation) -> Iterator[Live]:
    """Webserver and daemon of an installation, or of many, once they answer."""
    port = free_port()
    with services(of, port, output=subprocess.DEVNULL):
        found = Live(f"http://127.0.0.1:{port}", Home(of.root))
        wait_until("the webserver", lambda: answers(found), 300)  # it waits for the code of each town
        yield found


def answers(live: Live) -> bool:
    """Whether its webserver is there."""
    try:
        return bool(live.ask("{version}")["version"])
    except requests.ConnectionError:
        return False
