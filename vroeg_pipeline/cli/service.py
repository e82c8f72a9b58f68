"""One of Dagster's processes on an installation (`vroeg service`): the code server, the webserver or the daemon.

One code server loads the location for both others, and anew when agreements or settings change (docs/adr/0026). Each ends
by SIGINT or SIGTERM; who starts which is `cli.dev`'s or systemd's care (`deploy/`).
"""

from __future__ import annotations

import atexit
import http.client
import json
import logging
import os
import re
import runpy
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from dagster import DagsterInstance

# What tells a code server to load its code anew, and no public module has.
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

from vroeg_pipeline.alerts.sensor import without_address
from vroeg_pipeline.automation.set_back import TOLERANCE, forget_the_future
from vroeg_pipeline.cli.town_servers import serve_towns
from vroeg_pipeline.deliveries.inbox import months_in
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.agreed import read_agreed
from vroeg_pipeline.installation.cooperation import Cooperation, enter
from vroeg_pipeline.installation.dagster_home import (
    CODE_LOCATION,
    CODE_LOCK,
    CODE_SOCKET,
    DAEMON_LOCK,
    code_socket,
    prepare_dagster_folder,
    prepare_dagster_home,
)
from vroeg_pipeline.installation.home import Home, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import answers, hold, holder_of
from vroeg_pipeline.installation.log_collector import send_lines
from vroeg_pipeline.installation.notes import Agreed
from vroeg_pipeline.installation.who_started import name_who_starts_backfills

# The name stays that of the module, as Dagster knows sensors and runs by it.
_WORKSPACE = """\
# Made by `vroeg service`: where the webserver and the daemon find the code server.
load_from:
  - grpc_server: {{socket: "{socket}", location_name: {module}}}
"""
_LONGEST_SOCKET = 100  # the kernel takes 107 bytes
_LOOK_SECONDS = 5
_RELOAD_SECONDS = 120
_START_SECONDS = 120
# Of many towns one answers after the other.
_NEXT_SECONDS = 10.0
# The exit status of a daemon that is to be started again.
AGAIN = 75
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


class Service(StrEnum):
    """Which process."""

    CODE = "code"
    WEBSERVER = "webserver"
    DAEMON = "daemon"


def check_port_is_free(port: int) -> None:
    """Raises VroegError when another program listens at it on this machine, or this user may not."""
    with socket.socket() as trial:
        # As the webserver does: what a connection of a moment ago still has is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            what = f"port {port} cannot be used ({error.strerror})"
            raise VroegError(what, do="give another one with --port, or end what uses it") from None


def check_no_daemon(of: Home | Cooperation) -> None:
    """Raises VroegError when a daemon of the installation is at work: two would do everything twice."""
    if holder := holder_of(of.dagster / DAEMON_LOCK):
        raise VroegError(f"{holder} is at work already", where=of.root, do="stop it first; two do everything twice")


def run_service(
    of: Home | Cooperation, service: Service, port: int, *, with_parent: bool, read_only: bool = False
) -> None:
    """Becomes the process, until it is stopped, of an installation or of many. `port`: of the webserver, on this machine
    alone; `read_only`: nothing can be started there. `with_parent`: it also ends, with all that it started, when its
    standard input is closed.

    Raises VroegError when another one is at work, the port is not free, or no code server answers in time.
    """
    os.umask(0o077)
    # A shell starts what runs in the background with SIGINT ignored, and Dagster takes SIGTERM to be the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    if isinstance(of, Cooperation):
        # With the number of a process.
        doors = [of.dagster / code_socket(f"{name}.0123456") for name in of.names()]
        prepare_dagster_folder(of.dagster, of_many=True)
    else:
        prepare_dagster_home(of)
        os.environ["VROEG_HOME"] = str(of.root)
        doors = [of.dagster / CODE_SOCKET]
    for door in doors:
        if len(os.fsencode(door)) > _LONGEST_SOCKET:
            raise VroegError("its path is too long for a socket", where=door, do="move the folder nearer to the root")
    if with_parent and not (service is Service.CODE and isinstance(of, Cooperation)):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    if service is Service.CODE:
        if isinstance(of, Cooperation):
            serve_towns(of, serve_town, _what_is_loaded, with_parent=with_parent)
        else:
            _serve_code(of, doors[0])
        return
    if isinstance(of, Cooperation):
        doors, workspace = [of.dagster / code_socket(name) for name in of.names()], of.workspace
    else:
        workspace = of.dagster / "workspace.yaml"
        with replacing(workspace) as temporary:
            temporary.write_text(_WORKSPACE.format(socket=doors[0], module=CODE_LOCATION), encoding="utf-8")
    if service is Service.WEBSERVER:
        check_port_is_free(port)
        wait_for_code(doors)
        name_who_starts_backfills()
        looking = ["--read-only"] if read_only else []
        if isinstance(of, Cooperation) and not read_only:
            threading.Thread(target=_keep_showing, args=(of, port), daemon=True).start()
        _become("dagster-webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace), *looking)
    else:
        check_no_daemon(of)
        _go_on_from_now()
        wait_for_code(doors)
        _become_daemon(workspace)


def _keep_showing(cooperation: Cooperation, port: int) -> None:
    """Has the webserver show a town that is added once its code server answers, and one that is removed no more: by what its
    *Reload all* asks for, which a webserver that is read-only refuses.
    """
    shown = set(cooperation.names())
    while True:
        time.sleep(_LOOK_SECONDS)
        # What fails is tried again at the next look. One that was shown stays, whether it answers or not.
        with suppress(VroegError, OSError, http.client.HTTPException):
            served = cooperation.names()
            found = {name for name in served if name in shown or answers(cooperation.dagster / code_socket(name))}
            if found != shown:
                _reload_all(port)
                shown = found


def _reload_all(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_RELOAD_SECONDS)) as connection:
        asked = json.dumps({"query": "mutation {reloadWorkspace {__typename}}"})
        connection.request("POST", "/graphql", asked, {"Content-Type": "application/json"})
        connection.getresponse().read()


def _go_on_from_now() -> None:
    with DagsterInstance.get() as instance:
        if waited := forget_the_future(instance, datetime.now(UTC)):
            _say(f"The clock was set back. These go on from now: {', '.join(waited)}")


def _become_daemon(workspace: Path) -> None:
    """Runs the daemon; ends with the status `AGAIN` when the clock is set back."""
    is_set_back = threading.Event()
    threading.Thread(target=end_when_set_back, args=(is_set_back,), daemon=True).start()
    try:
        _become("dagster-daemon", "run", "-w", str(workspace))
    finally:
        if is_set_back.is_set():
            raise SystemExit(AGAIN)


def end_when_set_back(is_set_back: threading.Event) -> None:
    """Waits until the clock is set back by more than a minute, and has the process end then."""
    ahead = time.time() - time.monotonic()
    while ahead - (time.time() - time.monotonic()) < TOLERANCE.total_seconds():
        ahead = time.time() - time.monotonic()
        time.sleep(_LOOK_SECONDS)
    _say("The clock was set back; the daemon starts again, as it would wait for the moment at which it was")
    is_set_back.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _serve_code(home: Home, door: Path) -> None:
    # The alerts are sent from here.
    for deaf in without_address(Installation.load_or_last_good(home)):
        print(f"Warning: {deaf}", file=sys.stderr)  # noqa: T201
    descriptor = hold(home.dagster / CODE_LOCK, "a code server")
    door.unlink(missing_ok=True)
    # Before anything is loaded, so that no change is overlooked.
    loaded = _what_is_loaded(home)
    threading.Thread(target=_keep_loaded, args=(home, door, loaded), daemon=True).start()
    threading.Thread(target=_keep_sending, args=(home,), daemon=True).start()
    try:
        _become(
            "dagster", "code-server", "start", "-m", CODE_LOCATION, "--location-name", CODE_LOCATION, "--socket", str(door),
            "--log-level", "warning",
        )  # fmt: skip
    finally:
        os.close(descriptor)


def serve_town(home: Home, door: Path) -> None:
    """Becomes the code server of one town of many; what cannot be loaded is shown in place of the town.

    Raises VroegError when its folder is away: it would begin with an empty one.
    """
    if not home.agreements.is_dir():
        raise VroegError("there is no such folder", where=home.agreements, do="bring it back, or: vroeg towns remove")
    enter(home)
    _leave_out_colours(f"{home.town}: ".encode())
    with suppress(VroegError):  # the UI shows it in place of the town
        for deaf in without_address(Installation.load_or_last_good(home)):
            _say(f"Warning: {deaf}")
    threading.Thread(target=_keep_sending, args=(home,), daemon=True).start()
    _run(
        "dagster", "api", "grpc", "-m", CODE_LOCATION, "--location-name", home.town, "--socket", str(door),
        "--lazy-load-user-code", "--log-level", "warning",
    )  # fmt: skip


def _what_is_loaded(home: Home) -> tuple[Agreed | str, list[date]]:
    """What makes the location another one: agreements, settings, and the oldest month of the inbox."""
    try:
        agreed: Agreed | str = read_agreed(home)
    except VroegError as error:
        agreed = str(error)
    return agreed, months_in(home.inbox)[:1]


def _keep_loaded(home: Home, door: Path, loaded: tuple[Agreed | str, list[date]]) -> None:
    """Has the code loaded anew when it would come out another. Runs that are at work end with what they began."""
    while True:
        time.sleep(_LOOK_SECONDS)
        found = _what_is_loaded(home)
        if found != loaded and answers(door):
            try:
                DagsterGrpcClient(socket=str(door)).reload_code(_RELOAD_SECONDS)
            except DagsterUserCodeUnreachableError:
                _say("The agreements changed and cannot be loaded yet; that is tried again")
            else:
                loaded = found


def _keep_sending(home: Home) -> None:
    """Sends the log to the collector, where the settings name one. Here nothing waits for it; `vroeg health` tells of what
    does not arrive, and `vroeg log send` why.
    """
    # It would say so three times at each try.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    said = ""
    while True:
        try:
            settings = Installation.load_or_last_good(home).settings
            wait, collector = settings.watch_seconds, settings.log.otlp
            is_away = collector is not None and send_lines(home, collector, settings.log.activity).is_away
            wrong = f"The collector at {collector} does not take the log; what is not sent waits" if is_away else ""
        except (VroegError, OSError) as error:
            wait, wrong = _RELOAD_SECONDS, f"The log cannot be sent: {error}"
        if wrong and wrong != said:
            _say(wrong)
        said = wrong
        time.sleep(wait)


def wait_for_code(doors: Sequence[Path]) -> None:
    """Waits until a code server answers at each door; of many towns one that does not hinders no other.

    Raises VroegError when none answers in time.
    """
    deadline, before = time.monotonic() + _START_SECONDS, len(doors)
    while silent := [door for door in doors if not answers(door)]:
        if len(silent) < before:
            deadline, before = time.monotonic() + _NEXT_SECONDS, len(silent)
        if time.monotonic() > deadline:
            if len(silent) == len(doors):
                raise VroegError("no code server answers", where=doors[0], do="start one: vroeg service code")
            _say(f"No code server answers for {', '.join(door.stem for door in silent)}")
            return
        time.sleep(0.1)


def _become(program: str, *arguments: str) -> None:
    """Runs a console program of this environment in this process, without colours where no terminal shows them."""
    if not sys.stdout.isatty():
        _leave_out_colours()
    _run(program, *arguments)


def _run(program: str, *arguments: str) -> None:
    path = str(Path(sys.executable).parent / program)
    sys.argv = [path, *arguments]
    runpy.run_path(path, run_name="__main__")


def _end_with_parent() -> None:
    while os.read(0, 1024):
        continue
    os.killpg(0, signal.SIGTERM)


def _leave_out_colours(begin: bytes = b"") -> None:
    """What this process and those that it starts print goes on without colour codes, which Dagster always writes; `begin`:
    what each line begins with then.
    """
    for number in (1, 2):
        target, (inlet, outlet) = os.fdopen(os.dup(number), "wb", buffering=0), os.pipe()
        os.dup2(outlet, number)
        os.close(outlet)
        passing = threading.Thread(target=_pass_on, args=(os.fdopen(inlet, "rb"), target, begin), daemon=True)
        passing.start()
        atexit.register(_end_passing, number, target, passing)


def _pass_on(source: BinaryIO, target: BinaryIO, begin: bytes) -> None:
    for line in source:
        target.write(begin + _COLOUR.sub(b"", line))


def _end_passing(number: int, target: BinaryIO, passing: threading.Thread) -> None:
    (sys.stdout if number == 1 else sys.stderr).flush()
    os.dup2(target.fileno(), number)
    passing.join(2)
