"""`vroeg doctor`: each thing that an installation stands on, right and wrong, and none hides another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from vroeg_pipeline.automation.health import HealthFinding
from vroeg_pipeline.cli.doctor import diagnosis, doubts
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline_tests.kit.world import World


def told(url: str) -> dict[str, Any]:
    return {"channels": {"team": {"urls": [url]}}}


MISTAKES: dict[str, tuple[str, Callable[[World], object], str]] = {
    "a setting": ("settings", lambda w: w.settings(lookback_months="veel"), "lookback_months"),
    "an agreement": ("agreements", lambda w: w.agree("water", type="Nat"), "agreements/water.yaml: field 'type'"),
    "a predecessor": ("names", lambda w: w.agree("water", succeeds=["huurr"]), "has no agreement; did you mean 'huur'?"),
    "a team's channel": (
        "names",
        lambda w: w.settings(alerts={"channels": {"noord": {"urls": ["json://x"], "worklists": ["wijkteam_nord"]}}}),
        "alerts.channels.noord: worklist 'wijkteam_nord', a list that no area has; did you mean 'wijkteam_noord'?",
    ),
    "a capacity": ("names", lambda w: w.settings(capacity={"wijkteam_nord": 3}), "did you mean 'wijkteam_noord'?"),
    "areas": ("names", lambda w: w.reference("areas.csv", "van,tot,lijst"), "areas.csv"),
    "no areas": ("names", lambda w: (w.home.reference / "areas.csv").unlink(), "no area has a team"),
    "no register": ("register", lambda w: (w.home.reference / "addresses.csv").unlink(), "there is no address register"),
    "rights": ("folder", lambda w: w.home.inbox.chmod(0o755), "can be read by others: inbox"),
    "a warehouse": ("encryption", lambda w: w.home.warehouse.write_bytes(b"no database" * 1000), "warehouse.duckdb"),
    "a channel": ("alerts", lambda w: w.settings(alerts=told("json://${NOT_SET}")), "NOT_SET is not set"),
}  # fmt: skip


@pytest.fixture
def town(world: World) -> World:
    world.agree("huur")
    world.register("2021AB,12,,")
    world.home.inbox.chmod(0o700)
    world.settings(alerts=told("json://localhost"))
    return world


def found(world: World) -> dict[str, HealthFinding]:
    return {finding.part: finding for finding in diagnosis(world.home)}


def test_what_is_set_up_right_is_said_to_be(town: World) -> None:
    wrong = {part: finding.said for part, finding in found(town).items() if not finding.healthy}
    assert wrong == {"services": "not healthy: daemon, worklists, warehouse; see: vroeg health"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_told_where_it_is(town: World, mistake: str) -> None:
    part, make, said = MISTAKES[mistake]
    make(town)
    assert not found(town)[part].healthy
    assert said in found(town)[part].said


def test_all_wrong_agreements_are_told(town: World) -> None:
    town.agree("water", type="Nat")
    town.agree("zorg", valid_from="ooit")
    said = found(town)["agreements"].said
    assert "agreements/water.yaml" in said
    assert "agreements/zorg.yaml" in said


def test_a_clock_that_stands_still_is_told(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = town.root / "clock"
    clock.write_text("2021-03-05T17:01:00+01:00")
    monkeypatch.setenv("VROEG_CLOCK", str(clock))
    assert "05-03-2021 17:01" in found(town)["clock"].said
    assert not found(town)["clock"].healthy


def test_what_is_meant_raises_no_doubt(town: World) -> None:
    town.agree("woonstichting", succeeds=["huur"])
    town.settings(capacity={"wijkteam_noord": 3, "budgetcoach": 2})
    assert doubts(town.installation) == []


def test_a_header_that_nothing_reads_is_told(town: World) -> None:
    town.settings(log={"user_header": "X-Forwarded-User"})
    town.home.dagster.mkdir()
    settings = town.home.dagster / "dagster.yaml"
    shutil.copy(CHECKOUT / "vroeg_pipeline/dagster.yaml", settings)
    assert doubts(town.installation) == []
    settings.write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    (said,) = doubts(town.installation)
    assert said == "settings.yaml: log.user_header is read by NamingRunCoordinator, which dagster.yaml does not name"
