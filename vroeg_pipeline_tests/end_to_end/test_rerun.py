"""Idempotent and as-of: again, later, corrected, failed halfway or killed, the tables come out the same (DOMAIN §3, §9)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline_tests.kit.command import Running, vroeg
from vroeg_pipeline_tests.kit.world import WHOLE, World, row

TABLES = (
    "delivery_files", "validated_signals", "rejected_rows", "address_matches", "recidivism_history", "repeat_signals",
    "prioritised_worklists", "raw.delivery_rows", "delivery_measures",
)  # fmt: skip
# What the last of them are made of are all of them.
UPTO = ("worklist_issues", "delivery_measures")
OCTOBER, NOVEMBER = date(2020, 10, 1), date(2020, 11, 1)


def tables(world: World) -> dict[str, list[dict[str, Any]]]:
    """Everything that must not depend on when and how often a month was run."""
    found = {name: world.table(name) for name in TABLES}
    issues = world.table("worklist_issues", "month, worklist, issue, address_key")
    found["worklist_issues"] = [{k: v for k, v in issue.items() if k != "issued_at"} for issue in issues]
    return found


def until(last: date, found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the months up to the last one, which know of no later one."""
    return {name: [row for row in rows if row["month"] <= last] for name, rows in found.items()}


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three months of the sample world, run one by one."""
    world = sample(tmp_path_factory.mktemp("lived_in") / "home")
    for month in ("2020-10", "2020-11", "2020-12"):
        world.run(month, upto=WHOLE)
    return world


def sample(root: Path) -> World:
    world = World(root)
    world.sample(months=3, signals=150)
    return world


def test_the_same_month_twice(lived_in: World) -> None:
    before, files = tables(lived_in), sorted(lived_in.home.outbox.rglob("*"))
    lived_in.run("2020-12", upto=WHOLE)
    assert tables(lived_in) == before
    assert sorted(lived_in.home.outbox.rglob("*")) == files


def test_an_old_month_later(lived_in: World) -> None:
    before = tables(lived_in)
    lived_in.run("2020-10", upto=UPTO)
    assert tables(lived_in) == before


def test_a_range_gives_what_single_months_give(lived_in: World, tmp_path: Path) -> None:
    world = sample(tmp_path / "home")
    world.run("2020-10", "2020-12", upto=UPTO)
    assert tables(world) == tables(lived_in)


def test_a_corrected_month_changes_the_later_ones(world: World) -> None:
    world.agree("huur")
    for month in ("2021-01", "2021-02"):
        world.deliver(
            "huur", month, [row(reference_date=f"01-{month[5:]}-2021", arrears_since="01-11-2020", amount_due="200")]
        )
    world.make("2021-01", "2021-02", upto="worklist_issues")
    assert [h["only_repeats"] for h in world.table("recidivism_history", "month")] == [False, True]
    correction = row(reference_date="01-01-2021", arrears_since="01-11-2020", amount_due="150")
    world.deliver("huur", "2021-01", [correction], received="2021-02-20 10:00")
    world.make("2021-01", "2021-02", upto="worklist_issues")
    assert [h["only_repeats"] for h in world.table("recidivism_history", "month")] == [False, False]
    assert [(i["worklist"], i["issue"]) for i in world.table("worklist_issues", "month")] == [
        ("wijkteam_noord", 1),
        ("budgetcoach", 1),
    ]


@pytest.mark.parametrize(
    "select",
    [
        "SELECT * FROM ({rows}\n) WHERE error('the insert fails')",
        "SELECT * REPLACE (DATE '2020-01-01' AS month) FROM ({rows}\n)",
    ],
)
def test_a_failing_insert_leaves_the_old_month(world: World, select: str) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.make("2021-03", upto=UPTO)
    before = tables(world)
    broken = {"address_matches": select.format(rows=sql("address_matches"))}
    result = world.run("2021-03", succeeds=False, statements=broken, upto=UPTO)
    assert "address_matches" in {event.step_key for event in result.filter_events(lambda event: event.is_step_failure)}
    assert tables(world) == before


def started(home: Path, *words: str) -> Running:
    """`vroeg` as a process of its own on the home."""
    return Running(home, *words, COLUMNS="200")


STEPS = ("delivery_files", "signals", "recidivism", "prioritised_worklists", "worklist_issues")


def test_killed_at_any_step_and_run_again(lived_in: World, tmp_path: Path) -> None:
    world = sample(tmp_path / "home")
    for step in STEPS:
        process = started(world.root, "run", "--from", "2020-10", "--to", "2020-11")
        for line in process.output:
            if f"✓ {step}" in line:  # the next step is at work
                break
        time.sleep(0.05)
        process.kill()
    last = vroeg(world.root, "run", "--from", "2020-10", "--to", "2020-11")
    assert last.returncode == 0, last
    assert tables(world) == until(NOVEMBER, tables(lived_in))
    names, expected = (
        {path.relative_to(home.outbox) for path in home.outbox.rglob("*")} for home in (world.home, lived_in.home)
    )
    assert names == {name for name in expected if name.parts[0] != "2020-12"}
    assert not list(world.home.archive.rglob("*.tmp"))


def test_two_runs_at_once_wait_for_each_other(tmp_path: Path, lived_in: World) -> None:
    world = sample(tmp_path / "home")
    first = started(world.root, "run", "--month", "2020-10")
    first.output.readline()
    second = started(world.root, "run", "--month", "2020-10")
    ended = [process.finished() for process in (first, second)]
    assert [process.returncode for process in ended] == [0, 0], ended
    assert any("waiting for run " in process.stdout and "to finish" in process.stdout for process in ended)
    assert tables(world) == until(OCTOBER, tables(lived_in))


_HOLDER = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_open(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another tool that has the warehouse open, until a line is sent to it or the block ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        yield holder
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.of_file
def test_a_tool_that_has_the_warehouse_open_is_waited_for(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.run("2021-03", upto="delivery_files")
    with held_open(world.home) as holder:
        run = started(world.root, "run", "--month", "2021-03")
        waiting = next((line for line in run.output if "waiting for warehouse.duckdb" in line), "")
        assert f"process {holder.pid} has open" in waiting
    ended = run.finished()
    assert ended.returncode == 0, ended


@pytest.mark.of_file
def test_waiting_ends_with_a_readable_line(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.run("2021-03", upto="delivery_files")
    world.settings(lock_timeout_minutes=0.005)
    with held_open(world.home) as holder:
        run = started(world.root, "run", "--month", "2021-03").finished()
    assert run.returncode == 1
    (error,) = [line for line in run.stdout.splitlines() if line.startswith("Error:")]
    assert f"waiting for warehouse.duckdb, which process {holder.pid} has open" in error
    assert "end what holds it" in error
    assert "Traceback" not in run.stdout


def test_the_lock_goes_with_a_killed_process(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    process = started(world.root, "run", "--month", "2021-03")
    for line in process.output:
        if "✓" in line:
            break
    process.kill()
    world.run("2021-03", upto="prioritised_worklists")
    assert len(world.table("prioritised_worklists")) == 1
