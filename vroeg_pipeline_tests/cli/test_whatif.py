"""`vroeg whatif`: the same lists as a run under the other settings makes, without touching anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from vroeg_pipeline.cli.whatif import compare
from vroeg_pipeline.domain.settings import Settings, parse_settings
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.world import World, month

COLUMNS = "address_key, worklist, rank, tier, action, deadline, over_capacity, is_recidivist, explanation"
OTHERS: list[dict[str, Any]] = [
    {"high_amount": 150, "capacity": {"wijkteam_noord": 2}, "contact_policy": {"2020-12": {"home_visits": True}}},
    {"lookback_months": 1, "repeat_months": 1, "mortgage_is_housing": True, "contact_policy": {"home_visits": False}},
    {"thresholds": {"Energie": {"min_amount": 300}, "Huur": {"min_days": 45}}, "below_threshold": "light_track"},
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("tried") / "home")
    world.sample(seed=5, months=3, signals=90, register=None, overwrite=True)
    world.make("2020-10", "2020-12", upto="worklist_files")
    return world


def lists(world: World, settings: Settings, table: str) -> list[tuple[Any, ...]]:
    with world.warehouse.connect(read_only=True) as connection:
        compare(connection, world.installation, settings, month("2020-12"))
        return connection.execute(f"SELECT {COLUMNS} FROM {table} ORDER BY ALL").fetchall()


@pytest.mark.parametrize("other", OTHERS, ids=["of the month", "of earlier months", "of rows"])
def test_it_is_what_a_run_under_those_settings_makes(finished: World, tmp_path: Path, other: dict[str, Any]) -> None:
    settings = parse_settings(yaml.safe_dump(other), "other.yaml")
    tried = lists(finished, settings, "list_after")
    again = finished.copied(tmp_path / "home")
    again.settings(**other)
    again.make("2020-10", "2020-12", upto="prioritised_worklists")
    made = again.query(f"SELECT {COLUMNS} FROM prioritised_worklists WHERE month = '2020-12-01' ORDER BY ALL")
    assert tried == [tuple(entry.values()) for entry in made]
    assert tried != lists(finished, finished.installation.settings, "list_before")


def test_under_its_own_settings_nobody_moves(finished: World) -> None:
    own = finished.installation.settings
    before = lists(finished, own, "list_before")
    assert before == lists(finished, own, "list_after") == lists(finished, own, "list_now")


def test_the_command_tells_numbers_and_touches_nothing(finished: World, tmp_path: Path) -> None:
    def bytes_of() -> dict[str, str]:
        files = [finished.store, *finished.store.rglob("*"), *finished.home.outbox.rglob("*.xlsx")]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}

    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(OTHERS[1]), encoding="utf-8")
    before = bytes_of()
    done = vroeg(finished.root, "whatif", "--settings", str(other), "--month", "2020-12", width=140)
    assert (done.returncode, done.stderr) == (0, "")  # nothing was changed since it was run, so nothing is warned of
    assert bytes_of() == before
    assert "Nothing was changed" in done.stdout
    assert "budgetcoach" in done.stdout
    entries = finished.query(
        "SELECT worklist, count(*) AS n FROM prioritised_worklists WHERE month = '2020-12-01' GROUP BY 1"
    )
    lines = {words[0]: words[1:] for words in map(str.split, done.stdout.splitlines()) if len(words) == 9}
    for entry in entries:
        was, will, came, left, *_ = (int(number) for number in lines[entry["worklist"]])
        assert was == entry["n"]
        assert will - was == came - left
    keys = finished.query("SELECT DISTINCT address_key, postcode FROM validated_signals")
    assert not [value for key in keys for value in key.values() if value in done.stdout]


def test_a_change_since_the_month_was_run_is_told_apart(finished: World, tmp_path: Path) -> None:
    again = finished.copied(tmp_path / "home")
    again.settings(high_amount=1)
    done = vroeg(again.root, "whatif", "--settings", str(again.home.settings), "--month", "2020-12")
    assert done.returncode == 0, done.stderr
    assert "run 2020-12 again" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("content", "asked", "said"),
    [
        ("high_amount: veel", "2020-12", "other.yaml: field 'high_amount'"),
        ("high_amount: 1", "2021-07", "2021-07 has no worklists"),
        ("high_amount: 1", "juli", "YYYY-MM"),
    ],
)
def test_mistakes_are_one_line(finished: World, tmp_path: Path, content: str, asked: str, said: str) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(content, encoding="utf-8")
    done = vroeg(finished.root, "whatif", "--settings", str(other), "--month", asked)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
