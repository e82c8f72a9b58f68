"""What a killed process leaves goes at the next start; what a living one is writing stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vroeg_pipeline.installation.home import (
    Home,
    clear_leftovers,
    replacing,
    temporary_file,
    temporary_folder,
    temporary_path,
)

# Writes in every place and way that we do, says so, and waits until it is killed.
_WRITER = """
import duckdb, sys, time
from contextlib import ExitStack
from pathlib import Path
from vroeg_pipeline.installation.home import *
home, stack = Home(Path(sys.argv[1])), ExitStack()
for folder in (home.root, home.taken_in, home.quality / "data_docs", home.outbox / "2021-03", home.archive / "huur",
               home.ddas_answers, home.scratch, home.dagster):
    stack.enter_context(temporary_file(folder))
    stack.enter_context(replacing(folder / "whole.json"))
(stack.enter_context(temporary_folder(home.scratch)) / "in_it").touch()
temporary_path(home.scratch).mkdir()
half_written_anew = duckdb.connect(temporary_path(home.root))
half_written_anew.execute("CREATE TABLE names AS SELECT 'Kanariegeel' AS name")
print("written", flush=True)
time.sleep(60)
"""


def temporary_in(root: Path) -> set[Path]:
    return {path for path in root.rglob(".*.tmp*") if "inbox" not in path.parts}


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    upload = home.inbox / "huur" / "2021-03" / ".levering.csv.tmp"
    upload.parent.mkdir(parents=True)
    upload.touch()
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(home.root)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "written\n"
        there = temporary_in(home.root)
        assert len(there) == 20
        assert [path for path in there if path.name.endswith(".tmp.wal")]
        with temporary_file(home.taken_in) as ours, replacing(home.outbox / "page.html") as page:
            clear_leftovers(home)
            assert temporary_in(home.root) == {*there, ours, page}
            writer.kill()
            writer.wait()
            clear_leftovers(home)
            assert temporary_in(home.root) == {ours, page}
    assert upload.exists()
    assert (home.outbox / "page.html").exists()


def test_a_number_that_another_process_got_since_saves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with temporary_file(home.scratch) as ours:
        reused = ours.with_name(f".{os.getpid()}-1-abcdefgh.tmp")
        reused.touch()
        clear_leftovers(home)
        assert list(home.scratch.iterdir()) == [ours]


def test_what_another_machine_is_writing_stays_a_day_or_until_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two machines may share the folder, as with the tables in PostgreSQL; no process of one is known on the other."""
    home, here = Home(tmp_path), socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: f"{here}-elsewhere")
    with temporary_file(home.taken_in) as theirs, replacing(home.outbox / "page.html") as page:
        monkeypatch.setattr(socket, "gethostname", lambda: here)
        (home.dagster).mkdir()
        of_sockets = home.dagster / theirs.name
        of_sockets.touch()
        with temporary_file(home.taken_in) as ours:
            clear_leftovers(home)
            assert temporary_in(home.root) == {theirs, page, of_sockets, ours}
            clear_leftovers(home, of_all_machines=True)
            assert temporary_in(home.root) == {ours}
        page.touch()
    left = home.taken_in / theirs.name
    left.touch()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    clear_leftovers(home)
    assert temporary_in(home.root) == set()


def test_what_earlier_releases_left_goes_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    (home.scratch / "spill").mkdir(parents=True)
    (home.taken_in).mkdir()
    (home.taken_in / ".abcd1234.tmp").touch()
    clear_leftovers(home)
    assert len(list(home.scratch.iterdir())) == len(list(home.taken_in.iterdir())) == 1
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    clear_leftovers(home)
    assert list(home.scratch.iterdir()) == list(home.taken_in.iterdir()) == []


def test_a_folder_of_the_machine_is_cleared_by_the_next_that_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / ".1-0-abcdefgh-vroeg.tmp"
    left.mkdir()
    (left / "rows").touch()
    with temporary_folder() as ours, temporary_folder() as other:
        assert set(tmp_path.iterdir()) == {ours, other}
    assert list(tmp_path.iterdir()) == []


def test_another_program_may_leave_a_name_unused(tmp_path: Path) -> None:
    assert not temporary_path(tmp_path).exists()
    assert temporary_path(tmp_path) != temporary_path(tmp_path)
