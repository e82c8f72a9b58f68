"""Requests of residents as whoever handles them gives them (`vroeg subject`, DOMAIN §14)."""

from __future__ import annotations

import stat

import pytest

from vroeg_pipeline.installation.log import read_log, what_is_wrong_with
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.world import World, row
from vroeg_pipeline_tests.residents.test_erasing import files_with

WHO = ("--postcode", "2021AB", "--number", "12", "--surname", "Kanariegeel")
HANDLED = ("--by", "J. Tester", "--reason", "brief 7")


def test_a_request_is_counted_confirmed_done_and_found_again_without_a_name(world: World) -> None:
    world.agree("corporatie")
    own = row(surname="Kanariegeel", email="kanarie@example.org")
    world.deliver("corporatie", "2021-03", [own, row(customer_reference="K2", house_number="14")])
    assert vroeg(world.root, "run", "--month", "2021-03").returncode == 0
    found = vroeg(world.root, "subject", "find", *WHO, width=120)
    assert found.returncode == 0
    assert "validated_signals      2021-03     1" in found.stdout
    assert "files delivered        2021-03     1" in found.stdout
    assert "files of worklists     2021-03     1" in found.stdout
    assert "open case of 2021-03" in found.stdout
    refused = vroeg(world.root, "subject", "erase", *WHO, *HANDLED, "--yes")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: a team has an open case of 2021-03")
    assert "give --despite" in refused.stderr
    not_sure = vroeg(world.root, "subject", "restrict", *WHO, *HANDLED)
    assert not_sure.returncode == 1
    assert not (world.home.requests).exists()

    restricted = vroeg(world.root, "subject", "restrict", *WHO, *HANDLED, "--yes", width=120)
    assert restricted.returncode == 0, restricted.stderr
    assert "held back until this is lifted: request 1" in restricted.stdout
    assert world.query("SELECT held_reason FROM validated_signals ORDER BY 1") == [
        {"held_reason": "restricted"}, {"held_reason": None},
    ]  # fmt: skip
    assert world.query("SELECT change FROM worklist_issues WHERE issue = 2") == [{"change": "withdrawn"}]
    assert "asked to keep it" in vroeg(world.root, "subject", "erase", *WHO, *HANDLED, "--yes").stderr
    lifted = vroeg(world.root, "subject", "lift", "1", *HANDLED, width=120)
    assert lifted.returncode == 0
    assert "Lifted: request 1 (restrict)" in lifted.stdout
    erased = vroeg(world.root, "subject", "erase", *WHO, *HANDLED, "--despite", "FG, brief 8", "--yes", width=120)
    assert erased.returncode == 0, erased.stderr
    assert "counted and kept nowhere: request 2" in erased.stdout
    assert "Nothing is held" in vroeg(world.root, "subject", "find", *WHO).stdout
    # Dagster's home lies in it too.
    assert (world.root / "dagster").is_dir()
    assert files_with(world.root, "Kanariegeel", "kanarie@example.org") == []
    shown = vroeg(world.root, "subject", "list", width=160).stdout
    assert [line.split()[:2] for line in shown.splitlines()[1:]] == [["1", "restrict"], ["2", "erase"]]
    assert "despite: FG, brief 8" in shown
    assert what_is_wrong_with(world.home) is None
    lines = [line for line in read_log(world.home) if line["action"].startswith("subject ")]
    assert [(line["action"], line["object"]) for line in lines] == [
        ("subject find", ""), ("subject restrict", "request 1"), ("subject lift", "request 1"),
        ("subject erase", "request 2"), ("subject find", ""),
    ]  # fmt: skip
    # The same person is the same in the log, and nobody can tell who.
    assert len({line["attributes"]["dpl.core.data_subject_id"] for line in lines}) == 1
    said = "".join(path.read_text(encoding="utf-8") for path in world.home.log.glob("*.json*"))
    assert not any(word in said for word in ("Kanariegeel", "2021AB", "kanarie@example.org"))


@pytest.mark.parametrize("kept_from_us", ["log", "log/*.jsonl"])
@pytest.mark.parametrize(
    "words", [["subject", "find", *WHO], ["worklists", "--month", "2021-03"]], ids=lambda words: words[0]
)
def test_what_cannot_be_logged_is_neither_answered_nor_written(
    world: World, words: list[str], kept_from_us: str
) -> None:
    world.agree("corporatie")
    world.deliver("corporatie", "2021-03", [row(surname="Kanariegeel")])
    world.make("2021-03", upto="worklist_issues")
    (path,) = world.root.glob(kept_from_us)
    rights = stat.S_IMODE(path.stat().st_mode)
    path.chmod(rights & 0o500)
    done = vroeg(world.root, *words, bound=True)
    path.chmod(rights)
    said = f"Error: {world.home.log}: Permission denied; check VROEG_HOME, and that you may write there\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert list(world.home.outbox.rglob("*.xlsx")) == []
