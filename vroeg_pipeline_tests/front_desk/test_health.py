"""`vroeg health` on a front desk: each part healthy and not, at any moment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vroeg_pipeline.automation.health import HealthFinding
from vroeg_pipeline.cli.app import app
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.front_desk.divide import divide
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline_tests.kit.world import World, moment, row

OF_ALL = ["agreements", "disk", "front desk", "waiting files", "refused files", "undelivered rows", "unread files",
          "rows told back", "deliveries"]  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> World:
    world = World(tmp_path / "desk")
    world.agree("stroom", valid_from="2021-03", municipalities=["0392", "0473"], delivery={"additions": "*spoed*"})
    towns = {"0392": str(tmp_path / "haarlem"), "0473": str(tmp_path / "zandvoort")}
    for folder in towns.values():
        Path(folder, "inbox").mkdir(parents=True)
    world.settings(front_desk={"towns": towns, "wait_days": 10})
    return world


def found(world: World, at: str) -> dict[str, HealthFinding]:
    return {finding.part: finding for finding in findings(Installation.load(world.home, lambda: moment(at)))}


def unhealthy(world: World, at: str) -> dict[str, str]:
    return {part: finding.said for part, finding in found(world, at).items() if not finding.healthy and part != "disk"}


def looks(world: World, at: str) -> None:
    divide(Installation.load(world.home, lambda: moment(at)), lambda _: None)


def deliver(world: World, *postcodes: str, name: str = "levering.csv", received: str = "2021-03-03 10:00") -> None:
    rows: Sequence[dict[str, str]] = [
        row(customer_reference=f"K{n}", postcode=code) for n, code in enumerate(postcodes)
    ]
    world.deliver("stroom", "2021-03", rows, name=name, received=received)


def test_one_that_never_looked_or_not_of_late_is_told(desk: World) -> None:
    assert list(found(desk, "2021-03-01 10:00")) == OF_ALL
    assert unhealthy(desk, "2021-03-01 10:00")["front desk"].startswith("it never looked")
    looks(desk, "2021-03-01 10:00")
    assert unhealthy(desk, "2021-03-01 11:00") == {}
    assert list(unhealthy(desk, "2021-03-01 11:01")) == ["front desk"]


def test_what_waits_is_told_since_when_and_what_was_given_up_until_it_came_again(desk: World) -> None:
    deliver(desk, "2021AB", "2041AA")
    zandvoort = desk.root.parent / "zandvoort/inbox"
    zandvoort.rename(zandvoort.with_name("away"))
    looks(desk, "2021-03-03 12:00")
    looks(desk, "2021-03-04 12:00")
    said = unhealthy(desk, "2021-03-04 12:00")
    assert list(said) == ["front desk", "waiting files"]
    assert "1 rows of zandvoort not delivered yet" in said["front desk"]
    assert said["waiting files"].endswith("1 rows for zandvoort, since 03-03-2021 12:00, given up on 13-03-2021")
    looks(desk, "2021-03-13 12:00")
    looks(desk, "2021-03-13 12:15")
    said = unhealthy(desk, "2021-03-13 12:15")
    assert list(said) == ["undelivered rows"]
    assert "1 rows given up, as their town was away, it came 03-03-2021 12:00" in said["undelivered rows"]
    zandvoort.with_name("away").rename(zandvoort)
    deliver(desk, "2021AB", "2041AA")
    looks(desk, "2021-03-14 12:00")
    assert unhealthy(desk, "2021-03-14 12:00") == {}


def test_a_refused_file_is_told_until_a_later_one_is_divided(desk: World) -> None:
    desk.deliver("stroom", "2021-03", b"\x00\x01", name="kapot.csv", received="2021-03-03 10:00")
    looks(desk, "2021-03-03 12:00")
    said = unhealthy(desk, "2021-03-03 12:00")
    assert list(said) == ["front desk", "refused files"]
    assert "refused, it came 03-03-2021 12:00" in said["refused files"]
    deliver(desk, "2021AB")
    looks(desk, "2021-03-14 12:00")
    assert unhealthy(desk, "2021-03-14 12:00") == {}


def test_what_nobody_reads_is_told(desk: World) -> None:
    desk.deliver("mevrouw Kanarie", "2021-03", [row()], received="2021-03-03 10:00")
    looks(desk, "2021-03-03 12:00")
    said = unhealthy(desk, "2021-03-03 12:00")
    assert list(said) == ["front desk", "unread files"]
    assert said["unread files"].startswith("inbox: 1 file of a sender without an agreement")
    assert "Kanarie" not in str(said)


def test_a_file_without_a_row_of_any_town_is_told(desk: World) -> None:
    deliver(desk, "2021AB", "1011AB")
    looks(desk, "2021-03-03 12:00")
    assert found(desk, "2021-03-03 12:00")["rows told back"].said.endswith(": 1 of 2 rows")
    assert unhealthy(desk, "2021-03-03 12:00") == {}
    deliver(desk, "1011AB", "1011AC")
    looks(desk, "2021-03-04 12:00")
    assert list(unhealthy(desk, "2021-03-04 12:00")) == ["rows told back"]


def test_a_file_that_did_not_come_is_told_from_its_deadline_on(desk: World) -> None:
    # What adds is not the delivery of the month.
    deliver(desk, "2021AB", name="spoed.csv")
    looks(desk, "2021-03-05 16:50")
    assert unhealthy(desk, "2021-03-05 16:59") == {}
    said = unhealthy(desk, "2021-03-05 17:01")
    assert said == {"deliveries": "stroom: nothing for 2021-03, due 05-03-2021 17:00"}
    deliver(desk, "2021AB", "2041AA", received="2021-03-05 17:00")
    looks(desk, "2021-03-05 17:10")
    assert unhealthy(desk, "2021-03-05 17:10") == {}
    # Until the deadline of the next month it is about this one.
    looks(desk, "2021-04-02 10:00")
    assert unhealthy(desk, "2021-04-02 10:00") == {}
    looks(desk, "2021-05-01 10:00")
    assert list(unhealthy(desk, "2021-05-01 10:00")) == ["deliveries"]


def test_the_command_tells_it_as_json_and_by_its_exit_status(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VROEG_HOME", str(desk.root))
    done = CliRunner().invoke(app, ["health", "--json"])
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert (said["healthy"], [finding["part"] for finding in said["findings"]]) == (False, OF_ALL)
