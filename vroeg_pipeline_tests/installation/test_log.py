"""The log tells who did what, and shows when it was altered or cut (DOMAIN §14)."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from vroeg_pipeline.cli.log import show
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.log import (
    COMMAND_LINE,
    SUBJECT,
    SUBJECT_TYPE,
    Done,
    lines_when_whole,
    log_done,
    one_trace,
    read_log,
    remove_before,
    subject_id,
    what_is_wrong_with,
)
from vroeg_pipeline.installation.notes import DONE, WorkedOn
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline_tests.kit.full_disk import files_of_at_most
from vroeg_pipeline_tests.kit.killed import killed_at_event
from vroeg_pipeline_tests.kit.world import World, moment, row

MONTHS = ("2021-03", "2021-04")


def done(what: str, when: datetime) -> Done:
    return Done("vroeg run", what, "done", COMMAND_LINE, "tester", when)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two months of three lines."""
    made = Home(tmp_path / "home")
    for month in MONTHS:
        for number in range(3):
            log_done(made, moment(f"{month}-03 10:00"), done(f"{month} {number}", moment(f"{month}-03 09:00")))
    return made


def lines(home: Home, month: str) -> list[str]:
    return (home.log / f"{month}.jsonl").read_text(encoding="utf-8").splitlines()


def put(home: Home, month: str, kept: list[str]) -> None:
    (home.log / f"{month}.jsonl").write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def test_a_line_says_who_did_what_when(home: Home) -> None:
    line = json.loads(lines(home, "2021-03")[0])
    assert (line["time"], line["start_time"]) == ("2021-03-03T09:00:00.000000Z", "2021-03-03T08:00:00.000000Z")
    assert (line["action"], line["object"], line["result"]) == ("vroeg run", "2021-03 0", "done")
    assert (line["origin"], line["actor"], line["status"]) == (COMMAND_LINE, "tester", "ok")
    assert line["attributes"] == {"dpl.core.processing_activity_id": "vroegsignalering/vroeg-run"}
    assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home.log, *home.log.iterdir()))
    assert lines_when_whole(home) == 6 == len(list(read_log(home)))


def test_a_line_is_shown_on_one_line_whatever_the_width(home: Home) -> None:
    path = "outbox/2021-04/partners/zorg_en_zekerheid/leveringsrapport_zorg_en_zekerheid_2021-04.xlsx"
    noon = moment("2021-04-04 12:00")
    log_done(home, noon, replace(done(path, noon), action="export"))
    shown = io.StringIO()
    show(home, 2, Console(file=shown, width=40))
    header, first, last = shown.getvalue().splitlines()
    assert last.endswith(f"  {path}")
    assert header.index("action") == first.index("vroeg run") == last.index("export")


def test_who_it_is_about_is_a_keyed_hash(home: Home) -> None:
    now, somebody = moment("2021-05-03 10:00"), "Kanariegeel 1980-01-02"
    for subject in (somebody, somebody, "another"):
        log_done(home, now, replace(done("a", now), subject=subject))
    first, second, other = (json.loads(line)["attributes"] for line in lines(home, "2021-05"))
    assert first == second != other
    assert first[SUBJECT] == subject_id(hash_key(home), somebody) != keyed_hash(hash_key(home), somebody)
    assert first["dpl.core.data_subject_id_type"] == SUBJECT_TYPE
    assert "Kanarie" not in (home.log / "2021-05.jsonl").read_text(encoding="utf-8")
    assert lines_when_whole(home) == 9


def test_what_belongs_together_has_one_trace(home: Home) -> None:
    now = moment("2021-05-03 10:00")
    with one_trace():
        log_done(home, now, done("a", now), done("b", now))
        log_done(home, now, done("c", now))
    log_done(home, now, done("d", now))
    first, second, third, other = (json.loads(line)["trace_id"] for line in lines(home, "2021-05"))
    assert first == second == third != other
    assert what_is_wrong_with(home) is None


def test_what_was_altered_or_removed_is_named(home: Home) -> None:
    march, april = (lines(home, month) for month in MONTHS)
    put(home, "2021-03", [march[0], march[1].replace("tester", "iemand"), march[2]])
    assert what_is_wrong_with(home) == "log/2021-03.jsonl line 2 was altered, or the key is another one"
    put(home, "2021-03", [march[0], march[2]])
    assert what_is_wrong_with(home) == "before log/2021-03.jsonl line 2 something was removed"
    put(home, "2021-03", [march[0], "x", march[2]])
    assert what_is_wrong_with(home) == "log/2021-03.jsonl line 2 was altered: it is no line of a log"
    put(home, "2021-03", march[1:])
    assert what_is_wrong_with(home) == "before log/2021-03.jsonl line 1 something was removed"
    put(home, "2021-03", march)
    put(home, "2021-04", april[:1])
    assert what_is_wrong_with(home) == "at the end 2 lines were removed"
    (home.log / "2021-04.jsonl").unlink()
    assert what_is_wrong_with(home) == "at the end 3 lines were removed"
    # What comes after it does not hide it.
    now = moment("2021-05-03 10:00")
    log_done(home, now, done("a", now))
    assert what_is_wrong_with(home) == "before log/2021-05.jsonl line 1 something was removed"
    (home.log / "2021-05.jsonl").unlink()
    put(home, "2021-04", april)
    head = (home.log / "head.json").read_text()
    (home.log / "head.json").write_text(head.replace('"begins": ""', '"begins": "2022-01"'))
    assert what_is_wrong_with(home) == "log/head.json was altered, or the key is another one"
    (home.log / "head.json").unlink()
    assert what_is_wrong_with(home) == "log/head.json is gone, which tells where the log ends"


def test_a_clock_that_was_set_back_is_no_alteration(home: Home) -> None:
    now = moment("2021-02-04 10:00")
    log_done(home, now, done("a", now))
    assert lines_when_whole(home) == 7
    assert len(lines(home, "2021-04")) == 4


def test_a_kill_between_a_line_and_the_head_breaks_nothing(home: Home) -> None:
    head = (home.log / "head.json").read_bytes()
    now = moment("2021-04-04 10:00")
    log_done(home, now, done("a", now), done("b", now))
    (home.log / "head.json").write_bytes(head)
    assert lines_when_whole(home) == 8
    log_done(home, now, done("c", now))
    assert lines_when_whole(home) == 9


@pytest.mark.parametrize(("room", "whole"), [(0, 6), (100, 6), (1000, 7)])
def test_a_line_that_a_full_disk_broke_off_is_none(home: Home, room: int, whole: int) -> None:
    now, size = moment("2021-04-04 10:00"), (home.log / "2021-04.jsonl").stat().st_size
    with files_of_at_most(size + room), pytest.raises(OSError, match="File too large"):
        log_done(home, now, *(done("a\u2028b", now) for _ in range(3)))
    assert lines_when_whole(home) == whole
    log_done(home, now, done("c", now))
    assert lines_when_whole(home) == whole + 1 == len(list(read_log(home)))


def test_months_whose_term_is_over_go_and_the_rest_stays_whole(home: Home) -> None:
    assert remove_before(home, "2021-03") == 0
    assert remove_before(home, "2021-04") == 1
    assert lines_when_whole(home) == 3
    log_done(home, moment("2021-04-05 10:00"), done("a", moment("2021-04-05 10:00")))
    assert lines_when_whole(home) == 4
    assert remove_before(home, "2022-01") == 1
    assert lines_when_whole(home) == 0
    log_done(home, moment("2022-04-05 10:00"), done("a", moment("2022-04-05 10:00")))
    assert lines_when_whole(home) == 1


def test_killed_at_any_step_of_removing_months_the_log_is_whole(home: Home, tmp_path: Path) -> None:
    now, before = moment("2021-05-03 10:00"), tmp_path / "before"
    log_done(home, now, done("a", now))
    shutil.copytree(home.root, before)
    counts = []
    for event in range(100):
        shutil.rmtree(home.root)
        shutil.copytree(before, home.root)
        killed = killed_at_event(event, partial(remove_before, home, "2021-05"))
        counts.append(lines_when_whole(home))
        # A clock that was set back begins no file of a month that goes.
        log_done(home, moment("2021-03-30 10:00"), done("b", now))
        assert lines_when_whole(home) == counts[-1] + 1 == len(list(read_log(home)))
        remove_before(home, "2021-05")
        assert lines_when_whole(home) == 2
        assert [path.name for path in home.log.glob("*.jsonl")] == ["2021-05.jsonl"]
        if not killed:
            break
    assert not killed
    assert counts == sorted(counts, reverse=True)
    # Before the head says so, between that and the files, and when all is done.
    assert (counts[0], counts[-1]) == (7, 1)
    assert counts.count(1) > 2


def test_a_run_and_what_it_writes_are_logged_without_anybody(world: World) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [row(surname="Kanariegeel", phone="0611122233")])
    world.run("2021-03", upto="worklist_files")
    found = list(read_log(world.home))
    (run,) = (line for line in found if line["action"] == "run")
    assert (run["object"], run["origin"], run["actor"]) == ("2021-03-01", "UI", "unknown user of the UI")
    assert run["details"]["job"] == "month"
    written = {line["object"] for line in found if line["action"] == "export"}
    assert written == {
        path.relative_to(world.root).as_posix() for path in world.home.outbox.rglob("*") if path.is_file()
    }
    assert any(name.endswith(".xlsx") for name in written)
    assert "Kanarie" not in str(found)
    assert what_is_wrong_with(world.home) is None


@pytest.mark.parametrize("spoilt", [None, "{}", '{"begins": "9999-12"}'])
@pytest.mark.parametrize("is_of_one_file", [True, False])
def test_a_log_without_its_head_does_not_heal(home: Home, spoilt: str | None, is_of_one_file: bool) -> None:
    cut = MONTHS[0] if is_of_one_file else MONTHS[1]
    put(home, cut, lines(home, cut)[:1])
    if is_of_one_file:
        (home.log / f"{MONTHS[1]}.jsonl").unlink()
    head = home.log / "head.json"
    head.unlink() if spoilt is None else head.write_text(spoilt)
    # Nor does what is removed by its term seal it.
    remove_before(home, "2021-04")
    assert what_is_wrong_with(home)
    now = moment("2021-05-03 10:00")
    log_done(home, now, done("a", now))
    log_done(home, now, done("b", now))
    lost = "before log/2021-05.jsonl line 1 log/head.json was lost: lines may have been removed there"
    assert what_is_wrong_with(home) == lost
    assert [line["object"] for line in read_log(home)][-3:] == ["log/head.json", "a", "b"]
    # Without that line it is not whole either.
    whole = lines(home, "2021-05")
    put(home, "2021-05", whole[1:])
    assert what_is_wrong_with(home) == "before log/2021-05.jsonl line 1 something was removed"
    put(home, "2021-05", whole)
    remove_before(home, "2021-05")
    assert what_is_wrong_with(home) == lost
    log_done(home, moment("2021-06-03 10:00"), done("c", now))
    remove_before(home, "2021-06")
    assert lines_when_whole(home) == 1


def test_a_log_whose_folder_was_removed_is_told_and_does_not_heal(home: Home) -> None:
    shutil.rmtree(home.log)
    gone = "log/ holds nothing, though months were run or commands logged"
    assert what_is_wrong_with(home) == gone
    with pytest.raises(VroegError, match=gone):
        show(home, 2, Console(file=io.StringIO()))
    now = moment("2021-05-03 10:00")
    log_done(home, now, done("a", now))
    lost = "before log/2021-05.jsonl line 1 log/head.json was lost: lines may have been removed there"
    assert what_is_wrong_with(home) == lost


def test_an_installation_with_runs_has_a_log_and_one_without_need_not(world: World) -> None:
    assert what_is_wrong_with(world.home) is None
    DONE.write(world.home, date(2021, 3, 1), WorkedOn())
    assert what_is_wrong_with(world.home) == "log/ holds nothing, though months were run or commands logged"
    # A run that was killed before its line is no loss.
    log_done(world.home, world.now, done("a", world.now))
    assert what_is_wrong_with(world.home) is None


def test_killed_at_any_step_of_the_first_line_the_log_is_whole(tmp_path: Path) -> None:
    now = moment("2021-05-03 10:00")
    for event in range(100):
        home = Home(tmp_path / str(event))
        killed = killed_at_event(event, partial(log_done, home, now, done("a", now)))
        log_done(home, now, done("b", now))
        assert lines_when_whole(home) in {1, 2}
        if not killed:
            break
    assert not killed
