"""Towns on one live Dagster: what comes for one is worked on there and nowhere else, and one that is wrong hinders none."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline_tests.kit.live import Live, dagster_on, environment, wait_until
from vroeg_pipeline_tests.kit.world import World, row

pytestmark = pytest.mark.live

_LOCATIONS = """{workspaceOrError {... on Workspace {locationEntries {name locationOrLoadError {
    __typename ... on PythonError {causes {message}}}}}}}"""
_RUNS = """{runsOrError(filter: {tags: [{key: "town", value: "haarlem"}]}) {... on Runs {results {status jobName}}}}"""


@pytest.fixture(scope="module")
def cooperation(tmp_path_factory: pytest.TempPathFactory) -> Cooperation:
    """Two towns with a partner each, of whom one delivered, and a third with an agreement that never was right."""
    made = Cooperation(tmp_path_factory.mktemp("towns"))
    for name in ("haarlem", "leiden", "gouda"):
        world = World(made.add(name).root)
        world.settings(watch_seconds=2, settle_seconds=0)
        world.agree("huur")
    (made.home("gouda").agreements / "huur.yaml").write_text("type: Huur\n", encoding="utf-8")
    World(made.home("haarlem").root).deliver("huur", "2021-03", [row()])
    return made


@pytest.fixture(scope="module")
def live(cooperation: Cooperation) -> Iterator[Live]:
    clock = cooperation.root / "clock"
    clock.write_text("2021-03-04T12:00:00+01:00", encoding="utf-8")
    with environment(VROEG_CLOCK=str(clock)), dagster_on(cooperation) as found:
        yield found


def locations(live: Live) -> dict[str, str]:
    """What the UI shows of each town: that it is loaded, or why not."""
    entries = live.ask(_LOCATIONS)["workspaceOrError"]["locationEntries"]
    why = {e["name"]: e["locationOrLoadError"].get("causes", ()) for e in entries}
    return {name: causes[-1]["message"] if causes else "loaded" for name, causes in why.items()}


def server_of(cooperation: Cooperation, town: str) -> int:
    """The process whose socket is that of the town; 0 while there is none."""
    door = (cooperation.dagster / f"{town}.sock").stat()
    found = [p for p in cooperation.dagster.glob(f"{town}.*.sock") if p.stat().st_ino == door.st_ino]
    return int(found[0].name.split(".")[1]) if found else 0


def test_towns_work_side_by_side(live: Live, cooperation: Cooperation) -> None:
    shown = locations(live)
    assert (shown["haarlem"], shown["leiden"]) == ("loaded", "loaded")
    assert "agreements/huur.yaml: field" in shown["gouda"]
    assets = {tuple(n["assetKey"]["path"]) for n in live.ask("{assetNodes {assetKey {path}}}")["assetNodes"]}
    assert {("haarlem", "deliveries", "huur"), ("leiden", "deliveries", "huur")} <= assets
    assert {path[0] for path in assets} == {"haarlem", "leiden"}

    def ended() -> list[dict[str, str]]:
        runs: list[dict[str, str]] = live.ask(_RUNS)["runsOrError"]["results"]
        return [run for run in runs if run["status"] in ("SUCCESS", "FAILURE")]

    assert wait_until("the run of what came", ended) == [{"status": "SUCCESS", "jobName": "intake"}]
    haarlem = World(cooperation.home("haarlem").root)
    with haarlem.warehouse.connect(read_only=True) as connection:
        assert connection.execute("SELECT partner, status FROM delivery_files").fetchall() == [("huur", "accepted")]
    assert not cooperation.home("leiden").warehouse.exists()
    assert len(live.ask("{runsOrError {... on Runs {results {id}}}}")["runsOrError"]["results"]) == 1


def test_servers_come_and_go_by_themselves(live: Live, cooperation: Cooperation) -> None:
    """One that is killed is there again, one whose agreements changed is replaced, one that is added is shown, one that is
    removed ends and is not, and all end with the process that started them, also when it is killed.
    """
    leiden, haarlem, gouda = (server_of(cooperation, town) for town in ("leiden", "haarlem", "gouda"))
    os.kill(leiden, signal.SIGKILL)
    World(cooperation.home("gouda").root).agree("huur")
    World(cooperation.add("delft").root).agree("huur")
    wait_until("the server of leiden", lambda: server_of(cooperation, "leiden") not in (0, leiden), 30)
    reload = """mutation {reloadRepositoryLocation(repositoryLocationName: "gouda") {
        ... on WorkspaceLocationEntry {locationOrLoadError {__typename}}}}"""

    def is_loaded() -> bool:
        found = live.ask(reload)["reloadRepositoryLocation"]["locationOrLoadError"]["__typename"]
        return bool(found == "RepositoryLocation")

    wait_until("gouda", is_loaded, 30)
    wait_until("the end of its first server", lambda: not is_there(gouda), 30)
    assert server_of(cooperation, "haarlem") == haarlem

    leiden = server_of(cooperation, "leiden")
    cooperation.remove("leiden")
    wait_until("the end of leiden", lambda: not is_there(leiden), 30)
    # Nobody has to reload anything in the UI.
    wait_until("what the UI shows", lambda: locations(live).keys() == {"delft", "gouda", "haarlem"}, 60)
    assert locations(live)["delft"] == "loaded"
    assert cooperation.home("leiden").hash_key.exists()

    left = [haarlem, server_of(cooperation, "gouda")]
    os.kill(int(Path(f"/proc/{haarlem}/stat").read_text().rpartition(")")[2].split()[1]), signal.SIGKILL)
    wait_until("the end of all", lambda: not any(map(is_there, left)), 30)


def is_there(process: int) -> bool:
    """Whether it is at work; one that ended and that nobody waits for is not."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
