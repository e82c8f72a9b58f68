"""Encryption at rest and permissions (DOMAIN §12, docs/adr/0002)."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from functools import partial
from io import StringIO
from itertools import takewhile
from pathlib import Path

import pytest
from rich.console import Console

from vroeg_pipeline.cli.rekey import OLD_KEY, rekey
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, clear_leftovers
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.full_disk import files_of_at_most
from vroeg_pipeline_tests.kit.killed import killed_at_event, killed_at_random
from vroeg_pipeline_tests.kit.world import World, row

MARKER = "Onversleuteldzichtbaar"


def plain_in(world: World) -> list[str]:
    """Files that hold the marker in plain bytes, besides those that are meant to: inbox, archive and outbox."""
    meant = {world.home.inbox, world.home.archive, world.home.outbox}
    return [
        path.name
        for path in world.root.rglob("*")
        if path.is_file() and not meant & set(path.parents) and MARKER.encode() in path.read_bytes()
    ]


def test_with_a_key_nothing_stands_in_plain_text(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.agree("huur")
    rows = [row(surname=MARKER, house_number=str(n), customer_reference=f"K{n}") for n in range(1, 200)]
    world.deliver("huur", "2021-03", rows)
    monkeypatch.setenv(ENCRYPTION_KEY, "een sleutel met een ' erin")
    world.run("2021-03")
    assert len(world.table("prioritised_worklists")) == 199
    assert plain_in(world) == []
    monkeypatch.setenv(ENCRYPTION_KEY, "een andere sleutel")
    with pytest.raises(VroegError, match=f"the encryption key does not fit.*check {ENCRYPTION_KEY}"):
        world.table("validated_signals")
    monkeypatch.delenv(ENCRYPTION_KEY)
    with pytest.raises(VroegError, match=f"is encrypted; set {ENCRYPTION_KEY}"):
        world.table("validated_signals")


def test_a_key_changes_from_none_to_one_to_another_and_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(surname=MARKER)])
    world.run("2021-03", upto="validated_signals")
    before, mode = world.table("validated_signals"), world.home.warehouse.stat().st_mode
    assert before

    def changed(old: str | None, new: str | None) -> str:
        for name, key in ((OLD_KEY, old), (ENCRYPTION_KEY, new)):
            if key:
                monkeypatch.setenv(name, key)
            else:
                monkeypatch.delenv(name, raising=False)
        said = StringIO()
        rekey(world.home, Console(file=said, width=200))
        assert world.table("validated_signals") == before
        assert world.home.warehouse.stat().st_mode == mode
        return said.getvalue().splitlines()[0]

    assert changed(None, "een") == "The warehouse is encrypted with the new key"
    assert plain_in(world) == []
    assert changed("een", "tw'ee") == "The warehouse is encrypted with the new key"
    assert plain_in(world) == []
    # As after a kill, or by mistake.
    assert changed("een", "tw'ee") == "The warehouse has that key already"
    with pytest.raises(VroegError, match=f"neither {ENCRYPTION_KEY} nor {OLD_KEY} opens it"):
        changed("fout", "drie")
    with (
        files_of_at_most(8192),
        pytest.raises(VroegError, match=r"cannot be written anew .*; look how full the disk is"),
    ):
        changed("tw'ee", "drie")
    assert changed("tw'ee", None) == "The warehouse is not encrypted any more"
    assert plain_in(world) == ["warehouse.duckdb"]
    assert not list(world.root.glob(".*.tmp*"))


def key_changed(home: Home) -> None:
    rekey(home, Console(file=StringIO()))


def test_killed_at_any_moment_the_key_is_the_old_or_the_new_and_a_second_time_ends_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENCRYPTION_KEY, "oud")
    with WarehouseResource(home=str(world.root)).connect() as connection:
        connection.execute(
            f"INSERT INTO repeat_signals SELECT DATE '2021-03-01', '{MARKER}' || i, '' FROM range(5000) t(i)"
        )
    wanted, kept = world.table("repeat_signals"), tmp_path / "kept"
    shutil.copytree(world.root, kept)
    monkeypatch.setenv(OLD_KEY, "oud")

    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        shutil.rmtree(world.root)
        shutil.copytree(kept, world.root)
        monkeypatch.setenv(ENCRYPTION_KEY, "nieuw")
        killed = at(partial(key_changed, world.home))
        key_changed(world.home)
        assert world.table("repeat_signals") == wanted
        clear_leftovers(world.home)
        assert sorted(path.name for path in world.root.glob("*ware*")) == ["warehouse.duckdb", "warehouse.lock"]
        assert not list(world.root.glob(".*"))
        assert plain_in(world) == []
        return killed

    events = range(0, 400, examples(3, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 2
    assert sum(is_killed(partial(killed_at_random, number, 0.4)) for number in range(examples(2, by_night=15))) >= 1


def test_without_a_key_it_would_be_seen(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(surname=MARKER)])
    world.run("2021-03", upto="validated_signals")
    assert plain_in(world) == ["warehouse.duckdb"]


def test_a_key_for_a_plain_warehouse_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with WarehouseResource(home=str(world.root)).connect():
        pass
    monkeypatch.setenv(ENCRYPTION_KEY, "x")
    with pytest.raises(VroegError, match="the file is not encrypted"):
        world.table("validated_signals")


def test_what_holds_people_is_for_the_owner_alone(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.home.inbox.chmod(0o755)
    with WarehouseResource(home=str(world.root)).connect() as connection:
        connection.execute("CREATE TABLE x AS SELECT range FROM range(100000)")  # makes a write-ahead log
        wal = world.root / "warehouse.duckdb.wal"
        assert not wal.exists() or stat.S_IMODE(wal.stat().st_mode) == 0o600
    world.run("2021-03")
    for path in (world.home.inbox, world.home.archive, world.home.outbox, world.home.quality, world.home.scratch):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for folder in (world.home.archive, world.home.outbox, world.home.quality):
        for path in folder.rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE(world.home.warehouse.stat().st_mode) == 0o600
