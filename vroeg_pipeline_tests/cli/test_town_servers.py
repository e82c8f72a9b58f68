"""Processes of many towns, with servers that only listen: one that cannot begin is tried again later, and hinders none."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vroeg_pipeline.cli import service, town_servers
from vroeg_pipeline.cli.town_servers import Servers
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.locking import answers


def listening(home: Home, door: Path) -> None:
    """Serves a town, but for one that notes that it was tried."""
    if not home.agreements.is_dir():
        raise VroegError("there is no such folder", where=home.agreements)
    if home.town == "gouda":
        with (home.root / "tried").open("a", encoding="utf-8") as tried:
            tried.write(".")
        raise RuntimeError("cannot begin")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(door))
        server.listen()
        time.sleep(60)


def test_one_that_cannot_begin_is_tried_again_later_and_a_new_one_takes_the_place_of_the_former_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(town_servers, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(town_servers, "_AGAIN_SECONDS", 0.2)
    cooperation = Cooperation(tmp_path)
    haarlem, gouda = (cooperation.add(name) for name in ("haarlem", "gouda"))
    cooperation.dagster.mkdir()
    door = cooperation.dagster / "haarlem.sock"
    servers = Servers(cooperation, listening, Home.agreement_texts)

    lines: list[str] = []

    def said() -> str:
        lines.append(capfd.readouterr().err)
        return "".join(lines)

    def look_until(met: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < deadline
            servers.look()
            time.sleep(0.02)

    try:
        look_until(lambda: answers(door))
        look_until(lambda: (gouda.root / "tried").exists())
        began = time.monotonic()
        look_until(lambda: (gouda.root / "tried").read_text("utf-8") == "...")
        # Twice as long after the first time, and twice that after the second.
        assert time.monotonic() - began > 0.2 * (2 + 4) - 0.1

        for change in (haarlem.secrets, haarlem.agreements / "huur.yaml"):
            before = door.stat().st_ino
            change.write_text("A=1\n", encoding="utf-8")

            def is_another(before: int = before) -> bool:
                assert answers(door)
                return door.stat().st_ino != before

            look_until(is_another)

        # A folder that is away is that town's own, and what it had goes on.
        haarlem.root.rename(tmp_path / "away")
        inode = door.stat().st_ino
        look_until(lambda: "haarlem: its code server ended" in said())
        assert answers(door)
        assert door.stat().st_ino == inode
    finally:
        servers.stop()
    assert not door.exists()
    assert "gouda: cannot begin\n" in said()


def test_what_cannot_be_read_of_a_town_hinders_no_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town_servers, "_LOOK_SECONDS", 0.0)
    cooperation = Cooperation(tmp_path)
    haarlem = cooperation.add("haarlem")
    cooperation.dagster.mkdir()
    door = cooperation.dagster / "haarlem.sock"
    servers = Servers(cooperation, listening, Home.agreement_texts)
    deadline = time.monotonic() + 20
    try:
        while not answers(door):
            assert time.monotonic() < deadline
            servers.look()
            time.sleep(0.02)
        # As of a disk that gives errors: it is there, and not to be read.
        haarlem.secrets.mkdir()
        for _ in range(3):
            servers.look()
        assert answers(door)
    finally:
        servers.stop()


def test_the_webserver_waits_for_each_town_and_goes_on_without_one_that_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "_NEXT_SECONDS", 0.2)
    monkeypatch.setattr(service, "_START_SECONDS", 0.2)
    doors = [tmp_path / f"{town}.sock" for town in ("haarlem", "gouda")]
    with pytest.raises(VroegError, match="no code server answers"):
        service.wait_for_code(doors)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(doors[0]))
        server.listen()
        service.wait_for_code(doors)
    assert capfd.readouterr().err == "No code server answers for gouda\n"


def test_a_town_whose_folder_is_away_does_not_begin_with_an_empty_one(tmp_path: Path) -> None:
    home = Cooperation(tmp_path).add("haarlem")
    home.agreements.rmdir()
    with pytest.raises(VroegError, match="there is no such folder"):
        service.serve_town(home, tmp_path / "haarlem.sock")
