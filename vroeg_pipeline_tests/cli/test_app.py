"""`vroeg` as people type it: what it prints, how it fails, and that it teaches."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from datetime import date
from importlib import metadata
from pathlib import Path

import duckdb
import pytest
import typer

from vroeg_pipeline.cli.app import one_line_errors
from vroeg_pipeline.cli.run import _figures_of
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline_tests.kit.command import Running, vroeg
from vroeg_pipeline_tests.kit.world import World, row

MISTAKES = [
    (("run",), "which month?", "--month 2021-03"),
    (("run", "--month", "maart"), "maart", "2021-03"),
    (("run", "--month", "2021-13"), "2021-13", "2021-03"),
    (("run", "--from", "2021-01"), "which month?", "--to"),
    (("run", "--from", "2021-03", "--to", "2021-01"), "lies after", "swap"),
    (("run", "--month", "2021-01", "--all"), "which month?", "--all"),
    (("run", "--all"), "the inbox has no months", "vroeg sample"),
    (("run", "--month", "2021-03"), "there are no agreements", "vroeg sample"),
    (("sql", "SELECT 1"), "there is no warehouse yet", "vroeg run --month YYYY-MM"),
    (("sample", "--last", "2999-01"), "2999-01 is not over", "give --last"),
    (("status",), "there is no warehouse yet", "vroeg run --month YYYY-MM"),
    (("ddas", "--from", "2021-01-01", "--to", "2021-03-31"), "there is no warehouse yet", "vroeg run --month YYYY-MM"),
    (("ddas", "--from", "2021-01-15", "--to", "2021-03-31"), "2021-01-15", "give 2021-01-01"),
    (("ddas", "--from", "2021-01", "--to", "2021-03-30"), "2021-03-30", "give 2021-03-31"),
    (("ddas", "--from", "2021-03", "--to", "2021-01"), "lies after", "swap"),
    (("serve-ddas",), "does not say how CBS is answered", "add ddas.service"),
    (("evaluate",), "there is no warehouse yet", "vroeg run --month YYYY-MM"),
    (("evaluate", "--from", "2021-01"), "which months?", "--to"),
    (("evaluate", "--from", "2021-03", "--to", "2021-01"), "lies after", "swap"),
]


@pytest.mark.parametrize(("words", "what", "do"), MISTAKES)
def test_a_mistake_is_one_line_that_says_what_to_do(tmp_path: Path, words: tuple[str, ...], what: str, do: str) -> None:
    done = vroeg(tmp_path / "home", *words)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("Error:")
    assert what in done.stderr
    assert do in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["health", "alerts", "prepare", "sample", "status", "doctor"])
def test_a_home_that_is_no_folder_is_told_without_a_traceback(tmp_path: Path, command: str) -> None:
    home = tmp_path / "home"
    home.write_text("")
    done = vroeg(home, command)
    assert done.returncode == 1
    assert done.stderr.startswith("Error:")
    assert "Traceback" not in done.stderr
    assert str(home) in done.stderr + done.stdout.replace("\n", "")


@pytest.mark.parametrize("words", ["prepare", "health", "run --month 2021-03", "sample --overwrite"])
def test_a_home_that_cannot_be_written_is_told_without_a_traceback(world: World, words: str) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    assert vroeg(world.root, "prepare").returncode == 0
    folders = [path for path in (world.root, *world.root.rglob("*")) if path.is_dir()]
    for path in (*folders, *world.root.rglob("*.db")):
        path.chmod(0o500)
    # Root may write everywhere, but for one of whom that is taken.
    bound = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*bound, sys.executable, "-m", "vroeg_pipeline.cli.app", *words.split()],
        env={**os.environ, "VROEG_HOME": str(world.root), "COLUMNS": "300"}, capture_output=True, text=True,
    )  # fmt: skip
    for folder in folders:
        folder.chmod(0o700)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("Error:")
    assert "Traceback" not in done.stderr
    assert "VROEG_HOME" in done.stderr or str(world.root) in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["doctor"], "folder {home}: there is no such folder; check VROEG_HOME, or make a world: vroeg sample"),
        (["health"], "folder there is no folder {home}; check VROEG_HOME"),
        (["log", "show"], ""),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_of_a_home_that_is_not_there_only_that_is_told_and_nothing_is_made(
    tmp_path: Path, command: list[str], said: str
) -> None:
    home = tmp_path / "home"
    done = vroeg(home, *command, width=300)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    wrong = [" ".join(line.split()) for line in done.stdout.splitlines() if "✗" in line]
    assert wrong == ([f"✗ {said.format(home=home)}"] if said else [])
    assert not home.exists()


@pytest.mark.parametrize("command", ["doctor", "health"])
def test_of_a_home_that_cannot_be_written_each_part_is_told(world: World, command: str) -> None:
    world.agree("huur")
    world.make("2021-03", upto="delivery_files")
    rights = {path: path.stat().st_mode for path in (world.root, *world.root.rglob("*"))}
    for path in reversed(rights):
        path.chmod(rights[path] & 0o500)
    done = vroeg(world.root, command, width=300, bound=True)
    for path, mode in rights.items():
        path.chmod(mode)
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert "cannot be written" in lines["folder"]
    assert lines["agreements"].startswith("✓")
    assert lines["disk"].startswith("✓")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert {*rights} == {world.root, *world.root.rglob("*")}


def test_the_version_is_told() -> None:
    assert vroeg(Path("nowhere"), "--version").stdout == f"vroeg {metadata.version('vroeg-pipeline')}\n"


def test_a_month_out_of_reach_says_which_can_be_run(world: World) -> None:
    world.agree("huur", valid_from="2021-01")
    for month in ("2020-12", "2999-01"):
        done = vroeg(world.root, "run", "--month", month)
        assert done.returncode == 1
        assert "cannot be run" in done.stderr
        assert "choose from 2021-01" in done.stderr


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("2021-02", "2021-01 cannot be run; choose from 2021-02 (first_month of settings.yaml) to 20"),
        ("2999-01", "settings.yaml: first_month is 2999-01, which is yet to come; choose one up to 20"),
    ],
)
def test_why_the_first_month_is_the_first_is_told_as_it_is(world: World, first: str, said: str) -> None:
    world.agree("huur", valid_from="2020-01")
    world.settings(first_month=first)
    done = vroeg(world.root, "run", "--month", "2021-01")
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("break_it", "names"),
    [
        (lambda w: w.agree("huur", type="Huren"), ("agreements/huur.yaml", "type", "Huur")),
        (lambda w: w.agree("huur", delivery={"decimal": "komma"}), ("agreements/huur.yaml", "delivery.decimal")),
        (lambda w: (w.agree("huur"), w.settings(lookback_months="veel")), ("settings.yaml", "lookback_months")),
        (lambda w: (w.agree("huur"), w.settings(onbekend=1)), ("settings.yaml", "onbekend")),
        (lambda w: (w.agree("huur"), w.reference("areas.csv", "van,tot,lijst")), ("areas.csv",)),
        (lambda w: (w.agree("huur"), w.reference("addresses.csv", "a,b", "1,2")), ("addresses.csv",)),
    ],
)  # fmt: skip
def test_a_mistake_of_ours_names_file_and_field(world: World, break_it: object, names: tuple[str, ...]) -> None:
    break_it(world)  # type: ignore[operator]
    world.deliver("huur", "2021-03", [row()])
    done = vroeg(world.root, "run", "--month", "2021-03")
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.strip()]
    for name in names:
        assert name in error
    assert "Traceback" not in done.stdout + done.stderr


def test_help_teaches() -> None:
    commands = (
        "run",
        "sample",
        "status",
        "health",
        "doctor",
        "sql",
        "pages",
        "evaluate",
        "whatif",
        "ddas",
        "serve-ddas",
        "prepare",
        "dev",
    )
    for words in ((), *((command,) for command in commands), ("agreement", "try"), ("agreement", "new")):
        done = vroeg(Path("nowhere"), *words, "--help")
        assert done.returncode == 0
        assert "Usage:" in done.stdout
    run = vroeg(Path("nowhere"), "run", "--help").stdout
    assert "vroeg run --month 2021-03" in run
    assert "--from 2020-10 --to 2021-03" in run


def test_from_sample_to_status(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = vroeg(home, "sample", "--months", "3", "--signals", "60", "--last", "2020-12")
    assert made.returncode == 0, made.stderr
    assert "2020-10 to 2020-12" in made.stdout
    assert "warehouse" not in made.stdout
    again = vroeg(home, "sample")
    assert again.returncode == 1
    assert "--overwrite" in again.stderr

    with (home / "settings.yaml").open("a") as settings:
        settings.write("\nalerts: {channels: {team: {urls: ['json://${NOT_SET}']}}}\n")
    ran = vroeg(home, "run", "--all", width=80)
    assert ran.returncode == 0, ran.stderr
    for wanted in (
        "NOT_SET is not set in", "✓ delivery_files", "✓ worklist_files", "refused, unreadable", "checks hold", "recidivists",
        "On the worklists", "What teams returned", "budgetcoach", "wijkteam noord", "make dev",
    ):  # fmt: skip
        assert wanted in ran.stdout
    figures = [line.split() for line in ran.stdout.splitlines() if line.startswith("2020-1")]
    assert [line[0] for line in figures] == ["2020-10", "2020-11", "2020-12"] * 3
    assert all(len(line) < 81 for line in ran.stdout.splitlines() if line.startswith("2020-1"))

    evaluated = vroeg(home, "evaluate", "--from", "2020-10", "--to", "2020-12")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "reports" in evaluated.stdout
    to_look_at = [Path(line.partition(": ")[2]) for line in evaluated.stdout.splitlines()[-3:]]
    assert [path.parent.relative_to(home).as_posix() for path in to_look_at] == ["outbox", "outbox", "outbox/2020-12"]
    assert all(path.is_file() for path in to_look_at)
    assert "Oktober 2020 t/m december 2020" in to_look_at[0].read_text(encoding="utf-8")
    # What the checks of the same run said stands on the board, though nothing keeps it up to date here.
    assert "<h3>2020-12</h3><ul><li><b>deliveries/" in to_look_at[1].read_text(encoding="utf-8")
    none = vroeg(home, "evaluate", "--from", "2019-01", "--to", "2019-02")
    assert none.returncode == 1
    assert "nothing was run of this period" in none.stderr

    board = vroeg(home, "status", width=120)
    assert board.returncode == 0
    lines = {line.split("  ")[0]: line for line in board.stdout.splitlines()}
    assert "refused" in lines["Vattenfall"]
    assert "missing" in lines["Zorg en Zekerheid"]
    assert "late" in lines["Elan Wonen"]
    assert "on time" in lines["De Key → Pré Wonen"]
    only_last = vroeg(home, "status", "--months", "1").stdout
    assert "2020-12" in only_last
    assert "2020-11" not in only_last

    # All of it is over its term by now: shown, removed at once, and not run again.
    shown = vroeg(home, "retention", "--dry-run", width=120).stdout
    assert "2020-10  files     raw.delivery_rows" in shown
    assert shown == vroeg(home, "retention", "--dry-run", width=120).stdout
    removed = vroeg(home, "retention", width=120).stdout
    assert removed.startswith(shown.rstrip())
    assert "The warehouse was written anew, so that nothing of them is in its bytes" in removed
    assert "Nothing is kept longer than its term" in vroeg(home, "retention").stdout
    closed = vroeg(home, "run", "--month", "2020-11")
    assert closed.returncode == 1
    assert "2020-11 is closed, as its data was removed (retention): it is not run again" in closed.stderr
    # And the log knows who did what.
    said = vroeg(home, "log", "show", width=160).stdout
    for action in ("vroeg run", "vroeg retention", "export"):
        assert action in said
    assert "The log is whole" in vroeg(home, "log", "verify").stdout
    (month,) = (home / "log").glob("*.jsonl")
    month.write_text(month.read_text().replace("vroeg retention", "vroeg run", 1))
    altered = vroeg(home, "log", "verify")
    assert altered.returncode == 1
    assert f"log/{month.name} line " in altered.stderr

    over = vroeg(home, "sample", "--months", "1", "--signals", "60", "--last", "2020-10", "--overwrite", width=120)
    assert over.returncode == 0, over.stderr
    assert "The warehouse still has what was run before" in over.stdout


def test_ddas_says_in_one_line_what_it_wrote(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(), row(customer_reference="K2", objection="ja")])
    world.run("2021-03")
    never = vroeg(world.root, "ddas", "--from", "2021-02-01", "--to", "2021-03-31")
    assert never.returncode == 1
    assert never.stderr.strip() == "Error: never run: 2021-02; run them first: vroeg run --month 2021-02"
    words = ("ddas", "--from", "2021-03-01", "--to", "2021-03-31")
    assert "does not say who delivers for 0392, 0473" in vroeg(world.root, *words).stderr
    world.settings(ddas={"municipalities": {"0392": {"organisation": "Gemeente Haarlem"}}})
    done = vroeg(world.root, *words)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.strip().splitlines()
    path = world.home.outbox / "ddas-vroegsignalering-v1.2_2021-03.json"
    assert line == (
        f"Wrote {path}, DDAS v1.2, 2021-03: 1 signals; 1 cases; 0 contact attempts; 0 results; "
        "0 house numbers without their long addition; "
        "1 rejected rows left out (no address, or an objection)"
    )
    assert path.stat().st_mode & 0o077 == 0
    elsewhere = vroeg(world.root, *words, "--output", str(world.root.parent / "nowhere" / "file.json"))
    assert elsewhere.returncode == 1
    assert "--output" in elsewhere.stderr


def test_of_a_delivery_to_cbs_that_retention_would_not_find_it_is_said(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.make("2021-03", upto="worklist_issues")
    words = ("ddas", "--from", "2021-03", "--to", "2021-03", "--output")
    own = world.home.outbox / "ddas-vroegsignalering-v1.2_2021-03.json"
    (world.home.outbox / "2021-03").mkdir(exist_ok=True)
    places = {
        world.home.outbox / "cbs.json": True, world.root / own.name: True, own: False,
        world.home.outbox / "2021-03" / "cbs.json": False, world.root.parent / "cbs.json": False,
    }  # fmt: skip
    for place, stays in places.items():
        done = vroeg(world.root, *words, str(place))
        assert (done.returncode, place.exists()) == (0, True)
        assert (f"! {place} lies in the installation, and vroeg retention does not know it" in done.stderr) is stays


def test_a_run_that_somebody_stops_says_that_nothing_is_half_done(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    run = Running(world.root, "run", "--month", "2021-03", apart=True)
    for line in run.output:
        if "✓ delivery_files" in line:
            break
    run.interrupt()
    done = run.finished()
    assert done.returncode == 130
    assert done.stderr == "Stopped; nothing is half done, run it again\n"
    assert vroeg(world.root, "run", "--month", "2021-03").returncode == 0


def test_what_is_stopped_while_duckdb_is_at_a_statement_ends_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    def ask() -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with duckdb.connect() as connection:
            connection.execute("SELECT sum(hash(range)) FROM range(500000000)")

    monkeypatch.setenv("VROEG_HOME", str(tmp_path))
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        with pytest.raises(typer.Exit) as ended:
            one_line_errors(ask)()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "Stopped\n"


def test_prepare_makes_the_home_of_dagster_once(tmp_path: Path) -> None:
    assert vroeg(tmp_path / "home", "prepare").returncode == 0
    settings = tmp_path / "home" / "dagster" / "dagster.yaml"
    assert "enabled: false" in settings.read_text(encoding="utf-8")
    assert list((tmp_path / "home" / "dagster").rglob("*.db"))
    settings.write_text("# ours\n", encoding="utf-8")
    assert vroeg(tmp_path / "home", "prepare").returncode == 0
    assert settings.read_text(encoding="utf-8") == "# ours\n"


def test_nothing_is_written_outside_the_home(tmp_path: Path) -> None:
    """Neither in the temporary folder nor in the user's own."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    (elsewhere / "tmp").mkdir(parents=True)
    vroeg(home, "sample", "--months", "1", "--signals", "60", "--last", "2020-10")
    environment = {**os.environ, "VROEG_HOME": str(home), "HOME": str(elsewhere), "TMPDIR": str(elsewhere / "tmp")}
    command = [sys.executable, "-m", "vroeg_pipeline.cli.app", "run", "--all"]
    subprocess.run(command, env=environment, cwd=elsewhere, capture_output=True, timeout=200, check=True)
    assert sorted(path.name for path in elsewhere.rglob("*")) == ["tmp"]


@pytest.mark.parametrize("rights", [0o500, 0o000])
def test_a_folder_without_rights_is_told_in_a_line(world: World, rights: int) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.root.chmod(rights)
    done = vroeg(world.root, "run", "--month", "2021-03", bound=True)
    world.root.chmod(0o700)
    said = r"Error: (\S+)/[\w.]+: Permission denied; check VROEG_HOME, and that you may write there\n"
    told = re.fullmatch(said, done.stderr)
    assert told
    assert told[1] == str(world.root)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "words", [["alerts"], ["pages"], ["dpia"], ["subject", "list"], ["log", "verify"]], ids=" ".join
)
def test_of_a_mistyped_home_nothing_is_told_and_nothing_is_made_there(tmp_path: Path, words: list[str]) -> None:
    done = vroeg(tmp_path / "mistyped", *words)
    assert (done.returncode, done.stderr.strip()) == (
        1, f"Error: {tmp_path / 'mistyped'}: there is no installation; check VROEG_HOME"
    )  # fmt: skip
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize(
    ("place", "status", "said"),
    [
        ("/dev/null", 0, ""),
        ("/dev/full", 1, "Error: there is no room left where this is written; make room, and give it again\n"),
    ],
)
def test_what_the_terminal_cannot_take_is_no_traceback(world: World, place: str, status: int, said: str) -> None:
    """In its encoding there is no tick; or it is a file on a full disk."""
    world.agree("huur")
    world.make("2021-03", upto="delivery_files")
    own = {"VROEG_HOME": str(world.root), "COLUMNS": "200", "PYTHONIOENCODING": "latin-1"}
    with Path(place).open("w", encoding="utf-8") as taken:
        done = subprocess.run(
            [sys.executable, "-m", "vroeg_pipeline.cli.app", "status"], stdout=taken, stderr=subprocess.PIPE, text=True,
            check=False, env={**os.environ, **own},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (status, said)


def test_who_reads_goes_away_and_that_is_no_failure_of_the_command(world: World) -> None:
    world.agree("huur")
    reads, writes = os.pipe()
    os.close(reads)
    subprocess.run(
        [sys.executable, "-m", "vroeg_pipeline.cli.app", "subject", "list"], stdout=writes, stderr=subprocess.PIPE,
        check=False, env={**os.environ, "VROEG_HOME": str(world.root)},
    )  # fmt: skip
    os.close(writes)
    (line,) = read_log(world.home)
    assert (line["action"], line["result"], line["status"]) == (
        "vroeg subject list", "stopped, as who read it went away", "ok"
    )  # fmt: skip


def test_a_month_tells_how_many_partners_delivered_and_not_how_many_files_came(world: World) -> None:
    """What adds to a month is no delivery of its own, and to what is still owed none at all."""
    for partner in ("huur", "water"):
        world.agree(partner, delivery={"additions": "*spoed*"})
        world.deliver(partner, "2021-03", [row(customer_reference="S")], name="spoed.csv")
    world.deliver("huur", "2021-03", [row()])
    world.make("2021-03", upto="worklist_files")
    with world.warehouse.connect(read_only=True) as connection:
        found = _figures_of(connection, world.installation, [date(2021, 3, 1)])
    assert [delivered for _, delivered, *_ in found.made] == [1]


@pytest.mark.parametrize("more", [[], ["--worklist", "adresdesk"]], ids=["all", "that of the desk"])
def test_the_address_desk_keeps_its_one_file(world: World, more: list[str]) -> None:
    """No wijkteam has the address, so the desk has it alone."""
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(postcode="1000AA")])
    world.make("2021-03", upto="worklist_issues")
    done = vroeg(world.root, "worklists", "--month", "2021-03", *more, width=250)
    assert done.returncode == 1
    assert "what the address desk has is in a file of its own; open its adresdesk_*.xlsx" in done.stderr
    assert list(world.home.outbox.rglob("*.xlsx")) == []
