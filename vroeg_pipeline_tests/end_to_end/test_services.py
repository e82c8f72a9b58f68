"""`vroeg dev` and its processes, as people start, stop and lose them: nothing is left behind, and nothing runs twice."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.listeners import free_port
from vroeg_pipeline_tests.kit.live import environment, wait_until
from vroeg_pipeline_tests.kit.world import World


def of_home(home: Path) -> set[int]:
    """The processes that work on an installation, by their environment."""
    mark, found = f"VROEG_HOME={home}".encode(), set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:
                continue  # it ended, or is somebody else's
    return found


@pytest.fixture
def dev(world: World) -> Iterator[subprocess.Popen[str]]:
    """`vroeg dev` with all its processes, in a session of its own as a terminal has one."""
    world.agree("huur")
    process = subprocess.Popen(
        [sys.executable, "-m", "vroeg_pipeline.cli.app", "dev", "--port", str(free_port())],
        env={**os.environ, "VROEG_HOME": str(world.root)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        wait_until("the end of all", lambda: not of_home(world.root), 60)


@pytest.mark.live
@pytest.mark.parametrize(("how", "at"), [("SIGTERM", 4), ("SIGHUP", 5), ("SIGKILL", 5)])
def test_nothing_is_left(dev: subprocess.Popen[str], world: World, how: str, at: int) -> None:
    """A service that is stopped (while it starts), a closed terminal, and a kill: all go, the code server's own too."""
    assert dev.stdout
    assert "Dagster UI: http://localhost:" in dev.stdout.readline()
    wait_until(f"{at} processes", lambda: len(of_home(world.root)) >= at, 60)
    dev.send_signal(getattr(signal, how))
    wait_until("the end of all", lambda: not of_home(world.root) - {dev.pid}, 60)
    said, _ = dev.communicate()
    assert dev.returncode == (-signal.SIGKILL if how == "SIGKILL" else 0)
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_a_wrong_port_is_refused_in_one_line(world: World) -> None:
    world.agree("huur")
    with socket.create_server(("127.0.0.1", 0)) as used:
        taken = str(used.getsockname()[1])
        for port, what in {
            "drieduizend": "is no port", "0": "is no port", "70000": "is no port", taken: "cannot be used",
        }.items():  # fmt: skip
            for command in (("dev",), ("service", "webserver")):
                done = vroeg(world.root, *command, "--port", port)
                assert (done.returncode, done.stdout) == (1, "")
                (line,) = done.stderr.splitlines()
                assert line.startswith("Error: ")
                assert what in line
                assert port in line
    assert "is no port" in vroeg(world.root, "serve-ddas", "--port", "70000").stderr


def test_a_second_daemon_is_refused(world: World) -> None:
    """Whoever starts it: by the command, or by Dagster's own, whose threads beat before they do anything else."""
    world.agree("huur")
    assert vroeg(world.root, "prepare").returncode == 0
    with environment(DAGSTER_HOME=str(world.home.dagster)), dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(world.now.timestamp(), "SENSOR", "first", errors=[]))
        for command in (("dev", "--port", str(free_port())), ("service", "daemon")):
            done = vroeg(world.root, *command)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"a daemon (process {os.getpid()}, since" in done.stderr
            assert "is at work already; stop it first" in done.stderr
        with dg.DagsterInstance.get() as second:
            beat = DaemonHeartbeat(world.now.timestamp() + 60, "SENSOR", "second", errors=[])
            with pytest.raises(SystemExit):
                second.add_daemon_heartbeat(beat)
        assert instance.get_daemon_heartbeats()["SENSOR"].daemon_id == "first"
    with environment(DAGSTER_HOME=str(world.home.dagster)), dg.DagsterInstance.get() as after:
        after.add_daemon_heartbeat(beat)
        assert after.get_daemon_heartbeats()["SENSOR"].daemon_id == "second"
