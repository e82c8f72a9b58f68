"""A back-up holds all of an installation, and what was cut, altered or has another key takes the place of nothing."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import IO

import pytest
from dagster._core.storage.schedules import SqliteScheduleStorage
from rich.console import Console

from vroeg_pipeline.alerts.sensor import look
from vroeg_pipeline.cli.backup import back_up, restore, try_restoring
from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import DAEMON_LOCK
from vroeg_pipeline.installation.home import Home, private_folder
from vroeg_pipeline.installation.installation import CLOCK
from vroeg_pipeline.installation.locking import hold, is_held, run_lock
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, lines_when_whole, log_done
from vroeg_pipeline.installation.notes import BACK_UPS
from vroeg_pipeline.installation.requests import Asked, Identity, Request, all_requests, keep_request
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline_tests.cli.test_app import vroeg
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.full_disk import files_of_at_most
from vroeg_pipeline_tests.kit.killed import killed_at_event, killed_at_random
from vroeg_pipeline_tests.kit.listeners import webhook
from vroeg_pipeline_tests.kit.world import World, moment, row

NOW = moment("2021-03-20 10:00")
CANARY = "Kanariegeel"


@pytest.fixture(autouse=True)
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the commands take for now."""
    path = tmp_path / "clock"
    path.write_text(NOW.isoformat(), encoding="ascii")
    monkeypatch.setenv(CLOCK, str(path))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where back-ups go."""
    return private_folder(tmp_path / "back-ups")


@pytest.fixture
def town(world: World) -> World:
    """No month was run; a file, a row, a line of the log."""
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(surname=CANARY)])
    with WarehouseResource(home=str(world.root)).connect() as connection:
        connection.execute(f"INSERT INTO repeat_signals VALUES (DATE '2021-03-01', '{CANARY}', 'b')")
    log_done(world.home, NOW, Done("vroeg run", "2021-03", "done", COMMAND_LINE, "tester", NOW))
    return world


def said_by(command: Callable[[Console], None]) -> str:
    said = io.StringIO()
    command(Console(file=said, width=400))
    return said.getvalue()


def backed_up(world: World, target: Path) -> Path:
    said_by(partial(back_up, world.home, target))
    (found,) = target.iterdir()
    return found


def restored(home: Home, source: Path, *, overwrite: bool = False, new_hash_key: bool = False) -> str:
    return said_by(lambda out: restore(home, source, out, overwrite=overwrite, new_hash_key=new_hash_key))


def new_home(world: World, name: str = "new") -> Home:
    """Another one, with the key of the first."""
    home = Home(private_folder(world.root.parent / name))
    shutil.copy(world.home.hash_key, home.hash_key)
    return home


def files_of(home: Home) -> dict[str, tuple[int, int, bytes]]:
    """All files but what no back-up has, and what tells of back-ups; with their permissions, moment and bytes."""
    left_out = {home.warehouse.name, home.run_lock.name, home.hash_key.name, "back_ups.json", ".lock"}
    files = (path for path in home.root.rglob("*") if path.is_file() and path.name not in left_out)
    return {
        path.relative_to(home.root).as_posix(): (path.stat().st_mode, path.stat().st_mtime_ns, path.read_bytes())
        for path in files
    }


def test_a_restored_installation_has_the_same_and_issues_nothing_twice(world: World, target: Path) -> None:
    upto = ("worklist_files", "refused_outcomes", "ddas_delivery", "partner_feedback")
    with webhook() as hook:
        world.agree("huur")
        world.agree("water", type="Water", valid_from="2021-03")
        world.settings(alerts={"channels": {"engineers": {"urls": [hook.url]}}})
        world.deliver("huur", "2021-03", [row(), row(customer_reference="K2", house_number="14")])
        world.deliver("outcomes", "2021-03", b"geen werklijst", name="lijst.csv")
        world.now = NOW
        ticks = SqliteScheduleStorage.from_local(str(private_folder(target.parent / "ticks")))
        ticks.register_instance(world.instance)
        world.instance._schedule_storage = ticks
        world.run("2021-03", upto=upto)
        assert {notice.condition.kind.value for notice in look(world.installation, world.instance).told} >= {"missing"}
        assert backed_up(world, target).stat().st_mode & 0o077 == 0
        copy = World(new_home(world).root, now=NOW)
        shutil.rmtree(copy.home.reference)
        for folder in (copy.home.agreements, copy.home.inbox):
            folder.rmdir()
        assert restored(copy.home, target).startswith("Restored as of 20-03-2021 10:00: ")
        assert files_of(copy.home) == files_of(world.home)
        query = "SELECT schema_name || '.' || table_name AS name FROM duckdb_tables() WHERE NOT temporary"
        tables = [each["name"] for each in world.query(query)]
        assert "main.worklist_issues" in tables

        def there(of: World) -> dict[str, list[object]]:
            with WarehouseResource(home=str(of.root)).connect(read_only=True) as connection:
                found = {t: connection.execute(f"FROM {t} ORDER BY ALL").fetchall() for t in tables}
            return {t: rows for t, rows in found.items() if t != "reference.sources"}

        before, issued = there(world), {name for name in files_of(world.home) if name.startswith("outbox")}
        assert there(copy) == before
        assert any("terugmelding" in name for name in issued)
        copy.run("2021-03", upto=upto)
        assert copy.table("worklist_issues") == world.table("worklist_issues")
        assert {name for name in files_of(copy.home) if name.startswith("outbox")} == issued
        assert lines_when_whole(copy.home) > lines_when_whole(world.home)
        messages = len(hook.messages)
        assert look(copy.installation, world.instance).sent == {}
        assert len(hook.messages) == messages > 0


def test_an_encrypted_warehouse_makes_encrypted_back_ups(
    town: World, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = backed_up(town, target)
    assert CANARY.encode() in plain.read_bytes()
    assert hash_key_bytes(town) not in plain.read_bytes()
    plain.unlink()
    town.home.warehouse.unlink()
    monkeypatch.setenv(ENCRYPTION_KEY, "een sleutel met een ' erin")
    with WarehouseResource(home=str(town.root)).connect() as connection:
        connection.execute(f"INSERT INTO repeat_signals VALUES (DATE '2021-03-01', '{CANARY}', 'b')")
    made = backed_up(town, target)
    content = made.read_bytes()
    assert not any(word.encode() in content for word in (CANARY, "huur.yaml", "2021-03", "ustar"))
    assert hash_key_bytes(town) not in content
    home = new_home(town)
    for key, said in (("een andere", "the encryption key is another one"), ("", f"is encrypted; set {ENCRYPTION_KEY}")):
        monkeypatch.setenv(ENCRYPTION_KEY, key)
        with pytest.raises(VroegError, match=said):
            restored(home, target)
        assert [path.name for path in home.root.iterdir() if path != home.run_lock] == ["hash.key"]
    monkeypatch.setenv(ENCRYPTION_KEY, "een sleutel met een ' erin")
    restored(home, target)
    assert files_of(home) == files_of(town.home)
    assert CANARY.encode() not in home.warehouse.read_bytes()
    assert World(home.root).table("repeat_signals") == town.table("repeat_signals")
    for at in (0, 20, 40, len(content) // 2, len(content) - 1):
        made.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(VroegError):
            restored(new_home(town, f"altered{at}"), target)
    made.write_bytes(content[:-1])
    with pytest.raises(VroegError, match=r"altered or cut|another one"):
        restored(new_home(town, "cut"), target)


def hash_key_bytes(world: World) -> bytes:
    return world.home.hash_key.read_bytes().strip()


def test_what_is_not_whole_is_refused_and_nothing_is_half_restored(town: World, target: Path) -> None:
    made = backed_up(town, target)
    content, home = made.read_bytes(), new_home(town)

    def refused(changed: bytes, said: str) -> None:
        made.write_bytes(changed)
        with pytest.raises(VroegError, match=said) as error:
            restored(home, target)
        assert len(str(error.value).splitlines()) == 1
        assert CANARY not in str(error.value)
        assert [path.name for path in home.root.iterdir() if path != home.run_lock] == ["hash.key"]

    refused(b"", "is no back-up, or was cut or altered")
    refused(b"x" * 3000, "is no back-up, or was cut or altered")
    for share in (0.1, 0.5, 0.9):
        refused(content[: int(len(content) * share)], "cut")
    refused(content.replace(CANARY.encode(), b"Kanarierood", 1), r"1 of its \d+ files are not as they were")
    refused(content.replace(b'"made_at": "2021', b'"made_at": "2020'), "it was altered, or made with another hash.key")
    refused(content.replace(b"huur.yaml", b"hu/r.yaml"), "cut or altered")
    refused(content.replace(b"back_up.json", b"back_op.json"), "the list of its files is missing")
    for changed in (b'"made_at": "2x21', b'"made_at"= "2021'):
        refused(content.replace(b'"made_at": "2021', changed), "the list of its files cannot be read")
    refused(with_member(content, "../out"), "holds what no back-up holds")
    # What nobody listed does not come along.
    made.write_bytes(with_member(content, "agreements/more.yaml"))
    restored(home, target)
    assert files_of(home) == files_of(town.home)
    with pytest.raises(VroegError, match="there is no back-up"):
        restored(home, target.parent / "elsewhere", overwrite=True)


def with_member(content: bytes, name: str) -> bytes:
    """A tar with one file more, in front."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo(name if name.startswith("..") else "agreements")
        member.type, member.mode = tarfile.REGTYPE if name.startswith("..") else tarfile.DIRTYPE, 0o700
        tar.addfile(member)
        if not name.startswith(".."):
            tar.addfile(tarfile.TarInfo(name))
        with tarfile.open(fileobj=io.BytesIO(content)) as old:
            for each in old:
                if each.name != "agreements":
                    tar.addfile(each, old.extractfile(each) if each.isreg() else None)
    return made.getvalue()


def test_another_hash_key_or_none_is_told_and_a_lost_one_is_no_end(town: World, target: Path) -> None:
    keep_request(town.home, Request(1, Asked.OBJECT, "Tester", "gevraagd", NOW, "", (Identity("k"),)))
    backed_up(town, target)
    home = new_home(town)
    home.hash_key.unlink()
    with pytest.raises(
        VroegError, match=r"hash.key is kept apart from a back-up, and is not here; put .*--new-hash-key"
    ):
        restored(home, target)
    home.hash_key.write_text("ab" * 32, encoding="ascii")
    with pytest.raises(VroegError, match=r"altered, or made with another hash.key; put .*--new-hash-key"):
        restored(home, target)
    said = restored(home, target, new_hash_key=True)
    assert "Its log is not whole: log/head.json was altered, or the key is another one" in said
    assert "put the former hash.key back" in said
    assert files_of(home) == files_of(town.home)


def test_an_installation_is_overwritten_only_when_asked_and_log_and_requests_go_on(town: World, target: Path) -> None:
    backed_up(town, target)
    with pytest.raises(VroegError, match=r"there is an installation; empty it but for hash.key, .* or --overwrite"):
        restored(town.home, target)
    wanted = files_of(town.home)
    log_done(town.home, NOW, Done("vroeg sql", "", "done", COMMAND_LINE, "tester", NOW))
    for number, kind in ((1, Asked.ERASE), (2, Asked.OBJECT)):
        later = NOW + timedelta(hours=1)
        keep_request(town.home, Request(number, kind, "Tester", "gevraagd", later, "", (Identity("k"),)))
    town.agree("later")
    town.deliver("huur", "2021-03", b"later")
    with WarehouseResource(home=str(town.root)).connect() as connection:
        connection.execute("DELETE FROM repeat_signals")
    said = restored(town.home, target, overwrite=True)
    assert "Who was erased by these requests is there again: 1; erase them again" in said
    # Who overwrites cannot take away what was logged or asked since.
    assert lines_when_whole(town.home) == 2
    assert len(all_requests(town.home)) == 2

    def others(files: Mapping[str, object]) -> Mapping[str, object]:
        return {name: file for name, file in files.items() if "log/" not in name and name != "requests.json"}

    assert others(files_of(town.home)) == others(wanted)
    assert len(town.table("repeat_signals")) == 1
    (town.home.log / "2021-03.jsonl").write_text("", encoding="utf-8")
    restored(town.home, target, overwrite=True)
    assert lines_when_whole(town.home) == 1


def test_what_is_at_work_is_waited_for_or_told(town: World, target: Path) -> None:
    town.settings(lock_timeout_minutes=0.001)
    with run_lock(town.home.run_lock, "run 1234", print, 1), pytest.raises(VroegError, match="waiting for run 1234"):
        backed_up(town, target)
    assert list(target.iterdir()) == []
    with pytest.raises(VroegError, match="lies in the installation itself"):
        said_by(partial(back_up, town.home, town.home.outbox))
    with pytest.raises(VroegError, match=r"cannot be written .*; give another folder"):
        said_by(partial(back_up, town.home, target / "not there"))
    descriptor = hold(private_folder(town.home.dagster) / DAEMON_LOCK, "a daemon")
    try:
        # Not for a back-up.
        backed_up(town, target)
        with pytest.raises(VroegError, match=r"a daemon .* is at work; stop the services first"):
            restored(town.home, target, overwrite=True)
    finally:
        os.close(descriptor)


def test_nobody_logs_while_the_log_is_copied_and_nobody_runs(
    town: World, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added, held = tarfile.TarFile.addfile, {}

    def looked(tar: tarfile.TarFile, member: tarfile.TarInfo, content: IO[bytes] | None = None) -> None:
        locks = (town.home.log / ".lock", town.home.run_lock)
        held[member.name] = tuple(is_held(lock) for lock in locks)
        added(tar, member, content)

    monkeypatch.setattr(tarfile.TarFile, "addfile", looked)
    backed_up(town, target)
    # The head of it tells of as many lines as there are.
    of_log = {name: locks for name, locks in held.items() if name.startswith("log/")}
    assert {"log/head.json", "log/2021-03.jsonl"} <= of_log.keys()
    assert set(of_log.values()) == {(True, True)}
    assert {locks for name, locks in held.items() if not name.startswith("log")} == {(False, True)}


def test_what_partners_still_write_is_left_out(town: World, target: Path, clock: Path) -> None:
    town.settings(max_file_mb=1)
    being_written = town.deliver("huur", "2021-03", b"half", name="half.csv", received="2021-03-20 10:00")
    with town.deliver("huur", "2021-03", b"", name="huge.csv").open("wb") as huge:
        huge.truncate(2**40)
    clock.write_text((NOW + timedelta(seconds=5)).isoformat(), encoding="ascii")
    assert "Not in it: 2 files of the inbox" in said_by(partial(back_up, town.home, target))
    home = new_home(town)
    restored(home, target)
    assert [path.name for path in (home.inbox / "huur" / "2021-03").iterdir()] == ["levering.csv"]
    assert being_written.exists()


def test_an_inbox_that_lies_elsewhere_is_followed_and_no_link_in_it_is(town: World, target: Path) -> None:
    elsewhere, secret = town.root.parent / "sftp", town.root.parent / "secret"
    secret.write_text("Geheim", encoding="utf-8")
    town.home.inbox.rename(elsewhere)
    town.home.inbox.symlink_to(elsewhere)
    (elsewhere / "huur" / "2021-03" / "link.csv").symlink_to(secret)
    (elsewhere / "huur" / "2021-04").symlink_to(town.root.parent)
    os.mkfifo(elsewhere / "huur" / "2021-03" / "pipe.csv")
    made = backed_up(town, target)
    assert b"Geheim" not in made.read_bytes()
    home = new_home(town)
    restored(home, target)
    assert [path for path in home.inbox.rglob("*") if not path.is_dir()] == [
        home.inbox / "huur" / "2021-03" / "levering.csv"
    ]
    with pytest.raises(VroegError, match="inbox: is a link or a mount; take it away"):
        restored(town.home, target, overwrite=True)
    assert (elsewhere / "huur" / "2021-03" / "levering.csv").exists()


def test_a_back_up_is_tried_without_touching_anything(town: World, target: Path) -> None:
    made = backed_up(town, target)
    before = files_of(town.home)
    assert "can be restored" in said_by(lambda out: try_restoring(town.home, target, out))
    assert files_of(town.home) == before
    noted = BACK_UPS.read(town.home)
    assert noted
    assert (noted.tested_at, [each.path for each in noted.made]) == (NOW, [str(made)])
    made.write_bytes(made.read_bytes()[:-20000])
    with pytest.raises(VroegError, match="cut"):
        said_by(lambda out: try_restoring(town.home, target, out))
    assert not [path for path in town.root.iterdir() if path.name.startswith(".")]


def test_a_full_disk_is_one_line(town: World, target: Path) -> None:
    size = backed_up(town, target).stat().st_size
    home = new_home(town)
    for limit in (8192, size - 5000):
        with files_of_at_most(limit), pytest.raises(VroegError, match=r"cannot be written .*look how full the disk is"):
            said_by(partial(back_up, town.home, target))
    with files_of_at_most(8192), pytest.raises(VroegError, match=r"cannot be written .*look how full the disk is"):
        restored(home, target)
    assert len(list(target.iterdir())) == 1
    assert [path.name for path in home.root.iterdir() if path != home.run_lock] == ["hash.key"]


def test_their_age_is_told(town: World, target: Path) -> None:
    def said() -> tuple[bool, str]:
        (found,) = (each for each in findings(town.installation) if each.part == "back-ups")
        return found.healthy, found.said

    town.now = NOW
    assert said() == (True, "vroeg backup made none yet; others are not known here")
    made = backed_up(town, target)
    last = f"the last is of 20-03-2021 10:00, in {target}"
    assert said() == (True, f"{last}; restoring was tested never: vroeg restore DIR --test")
    said_by(lambda out: try_restoring(town.home, target, out))
    assert said() == (True, f"{last}; restoring was tested 20-03-2021 10:00")
    town.now = NOW + timedelta(days=8)
    assert said() == (False, f"{last}; that is more than 7 days ago; restoring was tested 20-03-2021 10:00")
    town.now = moment("2021-10-01 00:00")
    assert "1 of before 01-04-2021 hold what was removed since: remove them" in said()[1]
    made.unlink()
    assert "remove" not in said()[1]


def test_killed_at_any_moment_no_half_back_up_passes_for_whole(town: World, target: Path) -> None:
    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        for path in target.iterdir():
            path.unlink()
        killed = at(partial(said_by, partial(back_up, town.home, target)))
        for _ in target.glob("vroeg_*"):
            assert "can be restored" in said_by(lambda out: try_restoring(town.home, target, out))
        return killed

    events = range(0, 400, examples(5, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 3
    assert sum(is_killed(partial(killed_at_random, number, 0.3)) for number in range(examples(2, by_night=15))) >= 1
    said_by(partial(back_up, town.home, target))
    assert not list(town.home.scratch.iterdir())


def test_killed_at_any_moment_a_restore_ends_right_when_run_again(town: World, target: Path, tmp_path: Path) -> None:
    backed_up(town, target)
    wanted = files_of(town.home)
    town.agree("later")
    town.deliver("huur", "2021-02", b"later")
    kept = tmp_path / "kept"
    shutil.copytree(town.root, kept)
    refusals = 0

    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        nonlocal refusals
        shutil.rmtree(town.root)
        shutil.copytree(kept, town.root)
        before = files_of(town.home)
        killed = at(partial(restored, town.home, target, overwrite=True))
        # All as it was, all as it is to be, or nothing works.
        if town.home.restoring.exists():
            refusals += 1
            with pytest.raises(VroegError, match="a restore did not end; run it again: vroeg restore DIR"):
                WarehouseResource(home=str(town.root)).connect(read_only=True).__enter__()
            restored(town.home, target)
        else:
            now = {name: file for name, file in files_of(town.home).items() if not name.startswith(".")}
            assert now in (before, wanted)
            restored(town.home, target, overwrite=True)
        assert files_of(town.home) == wanted
        assert len(town.table("repeat_signals")) == 1
        assert lines_when_whole(town.home) == 1
        return killed

    events = range(0, 400, examples(15, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 3
    assert sum(is_killed(partial(killed_at_random, number, 0.5)) for number in range(examples(2, by_night=15))) >= 1
    assert refusals
    assert not [path for path in town.root.iterdir() if path.name.startswith(".")]


def test_the_commands_are_logged_and_what_is_half_restored_refuses_all(town: World, target: Path) -> None:
    assert vroeg(town.root, "backup", target).returncode == 0
    town.home.restoring.touch()
    for command in (("status",), ("service", "daemon")):
        done = vroeg(town.root, *command)
        assert (done.returncode, "a restore did not end" in done.stderr) == (1, True)
    assert vroeg(town.root, "restore", target).returncode == 0
    lines = [json.loads(line) for line in (town.home.log / "2021-03.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["vroeg run", "vroeg backup", "vroeg restore"]
    assert lines_when_whole(town.home) == 3
