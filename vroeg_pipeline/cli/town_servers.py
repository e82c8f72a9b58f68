"""The code servers of many towns: one process each, forked from one that has imported everything (docs/adr/0033).

What is imported is shared until somebody writes to it, so a town costs what it loads itself. This process never loads a
town, starts no thread and speaks no gRPC, none of which lives through a fork; a town that cannot be loaded says so in its
own process, and what ends is started again.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from dagster import DagsterInstance

# What tells a code server to end, and no public module has.
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import working_day_of_month
from vroeg_pipeline.domain.partners import parse_partners
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.cooperation import Cooperation, check_no_key_is_shared
from vroeg_pipeline.installation.dagster_home import CODE_LOCK, code_socket
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import answers, hold, is_held

_LOOK_SECONDS = 5.0
_WAIT_SECONDS = 0.2
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
# A server that ended is started again after a moment; one that ends soon each time after twice as long as before.
_AGAIN_SECONDS, _SOON_SECONDS, _LONGEST_SECONDS = 2.0, 60.0, 60.0

# Makes this process the code server of a town at a socket, until it ends.
Serve = Callable[[Home, Path], None]
# What makes a town's location another one.
Loaded = Callable[[Home], object]


@dataclass
class Server:
    """A process that serves a town. `line`: closed or written to, it ends after the runs that are at work in it."""

    pid: int
    door: Path
    line: int
    loaded: object
    began: float
    answers: bool = False


@dataclass
class _Town:
    """A town that is served, and what is known of it."""

    home: Home
    server: Server | None = None
    # What takes its place once it answers.
    next: Server | None = None
    not_before: float = 0.0
    failures: int = 0


def serve_towns(cooperation: Cooperation, serve: Serve, loaded: Loaded, *, with_parent: bool) -> None:
    """Serves each town of the cooperation, those that are added later too, until this process is told to end; `with_parent`:
    or until its standard input is closed.

    Raises VroegError when another process does, or a key is set for all towns.
    """
    check_no_key_is_shared()
    descriptor = hold(cooperation.dagster / CODE_LOCK, "a code server")
    for stale in cooperation.dagster.glob("*.sock"):
        stale.unlink()
    _prepare(cooperation)
    servers = Servers(cooperation, serve, loaded)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            servers.look()
            # No thread waits for it here, as none lives through a fork.
            if with_parent and select.select([0], [], [], 0)[0] and not os.read(0, 1024):
                return
            time.sleep(_WAIT_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        servers.stop()
        os.close(descriptor)


def _prepare(cooperation: Cooperation) -> None:
    """Imports and makes what every town needs, and keeps the garbage collector from writing to it. DuckDB is not opened, as
    its threads would be lost.
    """
    # By name, as nothing here uses them.
    for module in ("dagster._cli.api", "dagster._grpc.server", "grpc._server", "grpc._interceptor"):
        importlib.import_module(module)
    with DagsterInstance.get() as instance:
        # Makes the tables of an empty storage, which towns that begin at once would break.
        instance.get_runs_count()
    # What is made of our own statements alone is kept in memory.
    working_day_of_month(date(2021, 1, 1), 1)
    nobody = Installation(Home(cooperation.root / "nobody"), parse_partners(()), Settings())
    build_defs(nobody).get_repository_def()
    gc.collect()
    gc.freeze()


class Servers:
    """The processes, by town."""

    def __init__(self, cooperation: Cooperation, serve: Serve, loaded: Loaded) -> None:
        self._cooperation, self._serve, self._loaded = cooperation, serve, loaded
        self._towns: dict[str, _Town] = {}
        # They still have a run to end.
        self._retired: list[Server] = []
        self._looked = 0.0
        self._at_once = os.cpu_count() or 1

    def look(self) -> None:
        """Starts, replaces, and ends what has to be."""
        self._reap()
        self._open_doors()
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._follow_workspace()
            self._follow_changes()
        self._start(now)

    def _follow_workspace(self) -> None:
        try:
            names = self._cooperation.names()
        except VroegError as error:
            _say(f"{error}; the towns of before are served")
            return
        for name in names:
            self._towns.setdefault(name, _Town(self._cooperation.home(name)))
        for name in self._towns.keys() - set(names):
            town = self._towns.pop(name)
            (self._cooperation.dagster / code_socket(name)).unlink(missing_ok=True)
            for server in filter(None, (town.server, town.next)):
                self._retire(server)

    def _follow_changes(self) -> None:
        for town in self._towns.values():
            # A run can be stopped in the UI as long as the server that began it has the door.
            of = town.server
            if of is None or not of.answers or town.next or time.monotonic() < town.not_before:
                continue
            if not _is_at_work(town.home) and self._state(town.home) != of.loaded:
                town.next = self._fork(town)

    def _state(self, home: Home) -> object:
        try:
            return self._loaded(home), home.secrets.read_bytes() if home.secrets.exists() else b""
        except OSError as error:
            return str(error)

    def _retire(self, server: Server) -> None:
        """Has a server end once the runs at work in it did; nothing new comes to it."""
        with suppress(BrokenPipeError):  # it ended already
            os.write(server.line, b"\n")
        os.close(server.line)
        self._retired.append(server)

    def _start(self, now: float) -> None:
        starting = sum(
            bool(town.next) or bool(town.server and not town.server.answers) for town in self._towns.values()
        )
        for town in self._towns.values():
            if starting < self._at_once and town.server is None and town.next is None and now >= town.not_before:
                town.server = self._fork(town)
                starting += 1

    def _open_doors(self) -> None:
        """Lets Dagster in at each server that answers by now; one that takes the place of another is let in first."""
        for name, town in self._towns.items():
            for server in filter(None, (town.server, town.next)):
                if server.answers or not answers(server.door):
                    if not server.answers and time.monotonic() - server.began > _START_SECONDS:
                        os.kill(server.pid, signal.SIGKILL)
                    continue
                door = self._cooperation.dagster / code_socket(name)
                # A second name of the socket, put in the place of the former one at once.
                aside = door.with_suffix(".new")
                aside.unlink(missing_ok=True)
                try:
                    os.link(server.door, aside)
                except FileNotFoundError:
                    continue  # it ended in this moment
                aside.replace(door)
                server.answers = True
                if server is town.next:
                    if town.server:
                        self._retire(town.server)
                    town.server, town.next = server, None

    def _reap(self) -> None:
        self._retired = [server for server in self._retired if _status(server) is None]
        for name, town in self._towns.items():
            for server in filter(None, (town.server, town.next)):
                if (status := _status(server)) is not None:
                    self._ended(name, town, server, status)

    def _ended(self, name: str, town: _Town, server: Server, status: int) -> None:
        os.close(server.line)
        server.door.unlink(missing_ok=True)
        # What it started and did not end with it.
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        now = time.monotonic()
        town.failures = town.failures + 1 if now - server.began < _SOON_SECONDS else 0
        town.not_before = now + min(_AGAIN_SECONDS * 2.0**town.failures, _LONGEST_SECONDS)
        if server is town.server:
            town.server = None
        else:
            town.next = None
        _say(f"{name}: its code server ended ({status}) and is started again")

    def _fork(self, town: _Town) -> Server:
        # Before anything is loaded, so that no change is overlooked.
        loaded = self._state(town.home)
        outlet, inlet = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        door = self._cooperation.dagster
        pid = os.fork()
        if not pid:
            self._become_server(town, outlet, inlet)
        os.close(outlet)
        return Server(pid, door / f"{town.home.root.name}.{pid}.sock", inlet, loaded, time.monotonic())

    def _become_server(self, town: _Town, outlet: int, inlet: int) -> None:
        status = 1
        try:
            # A group of its own, with the runs that it starts.
            os.setsid()
            os.close(inlet)
            for other in self._towns.values():
                for server in filter(None, (other.server, other.next)):
                    os.close(server.line)
            door = self._cooperation.dagster / f"{town.home.root.name}.{os.getpid()}.sock"
            threading.Thread(target=_end_when_told, args=(outlet, door), daemon=True).start()
            self._serve(town.home, door)
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except KeyboardInterrupt:
            status = 0
        except BaseException as error:
            _say(f"{town.home.root.name}: {error}")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def stop(self) -> None:
        """Ends all of them, and what they started."""
        servers = [server for town in self._towns.values() for server in (town.server, town.next) if server]
        servers += self._retired
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _STOP_SECONDS
            for server in servers:
                with suppress(ProcessLookupError):
                    os.killpg(server.pid, number)
            while servers and time.monotonic() < deadline:
                for server in servers:
                    _status(server)
                servers = [server for server in servers if _is_there(server.pid)]
                time.sleep(_WAIT_SECONDS / 4)
        for name in self._towns:
            (self._cooperation.dagster / code_socket(name)).unlink(missing_ok=True)


def _is_at_work(home: Home) -> bool:
    """Whether a run is at work in a town; what cannot be looked at must hinder no other town."""
    try:
        return is_held(home.run_lock)
    except OSError:
        return False


def _status(server: Server) -> int | None:
    """The exit status of a server that ended; None while it is there."""
    try:
        pid, status = os.waitpid(server.pid, os.WNOHANG)
    except ChildProcessError:
        return 0  # asked before
    return os.waitstatus_to_exitcode(status) if pid else None


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _end_when_told(line: int, door: Path) -> None:
    """Ends this process: after its runs when a line comes, at once when the process that forked it is gone."""
    if os.read(line, 1):
        # Where it does not listen yet no run has begun.
        with suppress(DagsterUserCodeUnreachableError):
            DagsterGrpcClient(socket=str(door)).shutdown_server()
            return
    os.killpg(0, signal.SIGTERM)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
