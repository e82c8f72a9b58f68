"""Many towns in one folder: what is made, what is refused, and that no town has anything of another."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path

import dagster as dg
import pytest
import yaml

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.cooperation import (
    Cooperation,
    check_no_key_is_shared,
    enter,
    homes_of_environment,
    variables_of,
)
from vroeg_pipeline.installation.dagster_home import DAEMON_LOCK, prepare_dagster_home
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.locking import hold
from vroeg_pipeline.installation.log import UNKNOWN_USER
from vroeg_pipeline.installation.who_started import tags_of
from vroeg_pipeline_tests.installation.test_who_started import asked
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.live import environment
from vroeg_pipeline_tests.kit.world import World


@pytest.fixture
def cooperation(tmp_path: Path) -> Cooperation:
    made = Cooperation(tmp_path / "cooperation")
    for name in ("leiden", "haarlem"):
        made.add(name)
    return made


def test_each_town_has_its_own_folder_and_key_and_is_served(cooperation: Cooperation) -> None:
    homes = cooperation.homes()
    assert [home.town for home in homes] == ["haarlem", "leiden"] == cooperation.names()
    assert len({home.hash_key.read_text("ascii") for home in homes}) == 2
    for path in (cooperation.root, *cooperation.root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert {home.dagster for home in homes} == {cooperation.dagster}
    served = yaml.safe_load(cooperation.workspace.read_text(encoding="utf-8"))["load_from"]
    assert [each["grpc_server"]["location_name"] for each in served] == ["haarlem", "leiden"]
    assert len({each["grpc_server"]["socket"] for each in served}) == 2


def test_a_town_that_is_removed_keeps_its_folder_and_comes_back_as_it_was(cooperation: Cooperation) -> None:
    home = cooperation.home("haarlem")
    key = home.hash_key.read_bytes()
    (home.agreements / "huur.yaml").write_text("type: Huur\n", encoding="utf-8")
    assert cooperation.remove("haarlem") == home
    assert cooperation.names() == ["leiden"]
    cooperation.add("haarlem")
    assert (cooperation.names(), home.hash_key.read_bytes()) == (["haarlem", "leiden"], key)
    assert list(home.agreement_texts()) == ["huur"]


@pytest.mark.parametrize("name", ["Haarlem", "../x", "a b", "", "1e", "deliveries", "h" * 41, "code.sock"])
def test_a_name_that_does_not_fit_is_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(VroegError, match="is no name for a town"):
        Cooperation(tmp_path / "cooperation").add(name)
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_or_is_there_twice_is_told(cooperation: Cooperation) -> None:
    with pytest.raises(VroegError, match=r"'gouda'.*haarlem, leiden"):
        cooperation.remove("gouda")
    with pytest.raises(VroegError, match="served already"):
        cooperation.add("haarlem")
    cooperation.workspace.write_text("load_from: [python_module: x]", encoding="utf-8")
    with pytest.raises(VroegError, match="is no workspace of towns"):
        cooperation.names()


def test_a_folder_that_is_called_as_one_of_many_is_by_itself_without_a_workspace(tmp_path: Path) -> None:
    assert Home(tmp_path / "towns" / "haarlem").town == ""


def test_the_secrets_of_a_town_are_its_own(cooperation: Cooperation, monkeypatch: pytest.MonkeyPatch) -> None:
    home = cooperation.home("haarlem")
    secrets = home.secrets
    secrets.write_text("# keys\nVROEG_ENCRYPTION_KEY=a=b\n\nVROEG_HASH_KEY=0\n", encoding="utf-8")
    with pytest.raises(VroegError, match="can be read by others"):
        variables_of(home)
    secrets.chmod(0o600)
    assert variables_of(home) == {"VROEG_ENCRYPTION_KEY": "a=b", "VROEG_HASH_KEY": "0"}
    assert variables_of(cooperation.home("leiden")) == {}
    with environment():
        enter(home)
        for key in ("VROEG_HASH_KEY", "VROEG_ENCRYPTION_KEY"):
            with pytest.raises(VroegError, match=f"{key} is set for all towns"):
                check_no_key_is_shared()
            del os.environ[key]
    monkeypatch.delenv("VROEG_ENCRYPTION_KEY", raising=False)
    check_no_key_is_shared()
    secrets.write_text("export A=1\n", encoding="utf-8")
    with pytest.raises(VroegError, match="line 1 is not NAME=value"):
        variables_of(home)


def test_the_queue_runs_one_of_each_town_at_a_time(cooperation: Cooperation, tmp_path: Path) -> None:
    alone = Home(tmp_path / "alone")
    limits = []
    for home in (cooperation.home("haarlem"), alone):
        with environment():
            prepare_dagster_home(home)
        runs = yaml.safe_load((home.dagster / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]["runs"]
        limits.append(runs.get("tag_concurrency_limits"))
    assert limits == [[{"key": "town", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}], None]


def test_the_command_line_knows_the_town(cooperation: Cooperation) -> None:
    """By --town, or by its folder; without either nothing is done, in the checkout least of all."""

    def of_all(*words: str) -> subprocess.CompletedProcess[str]:
        return vroeg(cooperation.root, *words, VROEG_HOME="")

    with environment(VROEG_TOWNS=str(cooperation.root)):
        assert homes_of_environment() == cooperation.homes()
        listed = of_all("towns", "list")
        assert (listed.returncode, re.findall(r"^\w+", listed.stdout, re.M)) == (0, ["town", "haarlem", "leiden"])
        none = of_all("checks")
        assert (none.returncode, none.stderr) == (1, "Error: which town?; give it: vroeg --town NAME …\n")
        one = of_all("--town", "haarlem", "checks")
        told = "no check has judged anything yet; start with: vroeg --town haarlem run --month YYYY-MM"
        assert one.stderr == f"Error: {told}\n"
        assert (
            "there is no warehouse yet; start with: vroeg --town haarlem run"
            in of_all("--town", "haarlem", "status").stderr
        )
        assert "there is no town 'gouda'" in of_all("--town", "gouda", "checks").stderr
        clock = cooperation.root / "clock"
        clock.write_text("2021-03-04T12:00:00+01:00", encoding="utf-8")
        secrets = cooperation.home("haarlem").secrets
        secrets.write_text(f"VROEG_CLOCK={clock}\n", encoding="utf-8")
        secrets.chmod(0o600)
        health = of_all("towns", "health")
        # What stands in the environment of one town is not read by the next.
        assert health.stdout.count("clock:") == 1
        assert health.returncode == 1
        assert health.stdout.count("code server: none answers") == 2
        assert [line.split()[1] for line in health.stdout.splitlines() if line.startswith("✗")] == ["haarlem", "leiden"]


def test_a_folder_of_towns_that_is_not_there_is_told(tmp_path: Path) -> None:
    mistyped = tmp_path / "mistyped"
    with environment(VROEG_TOWNS=str(mistyped)):
        for words in (("towns", "health"), ("towns", "list"), ("--town", "haarlem", "status"), ("service", "daemon")):
            done = vroeg(tmp_path, *words, VROEG_HOME="")
            said = f"Error: {mistyped}: there is no such folder; check VROEG_TOWNS, or make it: vroeg towns add NAME\n"
            assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not mistyped.exists()


def test_a_town_is_restored_while_the_others_are_at_work_but_not_while_it_is(
    cooperation: Cooperation, tmp_path: Path
) -> None:
    home = cooperation.home("haarlem")
    home.secrets.touch(mode=0o600)
    World(home.root).agree("huur")

    def of_haarlem(*words: str) -> subprocess.CompletedProcess[str]:
        return vroeg(cooperation.root, "--town", "haarlem", *words, VROEG_HOME="")

    backups, door = tmp_path / "backups", cooperation.dagster / "haarlem.sock"
    backups.mkdir()
    cooperation.dagster.mkdir()
    daemon = hold(cooperation.dagster / DAEMON_LOCK, "a daemon")
    with environment(VROEG_TOWNS=str(cooperation.root)):
        made = of_haarlem("backup", str(backups))
        assert made.returncode == 0, made.stderr
        assert "Not in it: hash.key and environment" in made.stdout.replace("\n", " ")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(door))
            server.listen()
            refused = of_haarlem("restore", str(backups), "--overwrite")
            assert "vroeg towns remove haarlem" in refused.stderr
        restored = of_haarlem("restore", str(backups), "--overwrite")
        assert restored.returncode == 0, restored.stderr
    os.close(daemon)
    assert home.secrets.exists()


def test_the_header_of_the_proxy_counts_where_towns_agree_on_it(cooperation: Cooperation) -> None:
    """One that is wrong hinders no other; the proxy is one for all."""
    haarlem, leiden = cooperation.homes()
    haarlem.settings.write_text("log: {user_header: X-Forwarded-User}\n", encoding="utf-8")
    leiden.settings.write_text("log: 1\n", encoding="utf-8")
    with environment(VROEG_TOWNS=str(cooperation.root), VROEG_HOME=""), dg.DagsterInstance.ephemeral() as instance:
        request = asked(instance, ("X-Forwarded-User", "s.jansen"))
        assert tags_of(request) == {"user": "s.jansen"}
        leiden.settings.write_text("log: {user_header: X-User}\n", encoding="utf-8")
        assert tags_of(request) == {"user": UNKNOWN_USER}
