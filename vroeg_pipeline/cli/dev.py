"""The Dagster UI and daemon of an installation, started and stopped together (`vroeg dev`, `make dev`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from dagster import DagsterInstance
from rich.console import Console

from vroeg_pipeline.cli.service import AGAIN, Service, check_no_daemon, check_port_is_free
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.dagster_home import prepare_dagster_folder, prepare_dagster_home
from vroeg_pipeline.installation.home import Home, clear_leftovers
from vroeg_pipeline.installation.installation import Installation

_STOP_SECONDS = 20

Process = subprocess.Popen[bytes]


def serve(of: Home | Cooperation, port: int, out: Console) -> None:
    """Runs the webserver (on this machine alone) and the daemon until they are interrupted, told to end, or the terminal
    is closed.

    Raises VroegError when the port is not free, a daemon is at work already, or one of them stops by itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with services(of, port) as (processes, start):
            out.print(f"Dagster UI: http://localhost:{port} [dim](Ctrl-C stops it)[/dim]")
            while all(process.poll() in (None, AGAIN) for process in processes.values()):
                for service, process in processes.items():
                    if process.poll() == AGAIN:
                        processes[service] = start(service)
                time.sleep(0.5)
    except KeyboardInterrupt:
        return
    raise VroegError("the code server, the webserver or the daemon stopped", do="see its last lines above")


@contextmanager
def services(
    of: Home | Cooperation, port: int, output: int | None = None
) -> Iterator[tuple[dict[Service, Process], Callable[[Service], Process]]]:
    """The code server, the webserver and the daemon as processes, ended with the block, or with this process; and what
    starts one again.
    """
    check_port_is_free(port)
    environment = dict(os.environ)
    if isinstance(of, Cooperation):
        prepare_shared_storage(of)
        environment.pop("VROEG_HOME", None)
        environment["VROEG_TOWNS"] = str(of.root)
    else:
        prepare_storage(of)
        environment["VROEG_HOME"] = str(of.root)
    check_no_daemon(of)
    command = [sys.executable, "-m", "vroeg_pipeline.cli.app", "service", "--with-parent", "--port", str(port)]

    def start(service: Service) -> Process:
        return subprocess.Popen(  # noqa: S603
            [*command, service],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    processes: dict[Service, Process] = {}
    try:
        for service in Service:
            processes[service] = start(service)
        yield processes, start
    finally:
        _stop(list(processes.values()))


def prepare_storage(home: Home) -> None:
    """Makes Dagster's home and its storage, and clears away what killed processes left.

    Webserver and daemon would make the tables of an empty storage at the same time, which breaks it; so this comes first.
    Raises VroegError when an agreement or the settings are wrong and never were right, as then neither has work.
    """
    Installation.load_or_last_good(home)
    clear_leftovers(home)
    prepare_dagster_home(home)
    _make_tables()


def prepare_shared_storage(cooperation: Cooperation) -> None:
    """The same for many towns, of which one that is wrong hinders no other. Raises VroegError when there is none."""
    if not cooperation.names():
        raise VroegError("there are no towns yet", where=cooperation.root, do="vroeg towns add NAME")
    for home in cooperation.homes():
        with suppress(OSError):  # its own code server says so
            clear_leftovers(home)
    prepare_dagster_folder(cooperation.dagster, of_many=True)
    _make_tables()


def _make_tables() -> None:
    with DagsterInstance.get() as instance:
        instance.get_runs_count()


def _stop(processes: Sequence[Process]) -> None:
    """Asks the processes and all that they started to end, those that were started last first; ends what does not."""
    for process in reversed(processes):
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _STOP_SECONDS
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
                # Gone once nobody of its group is left; the first of them stays until it is waited for.
                while time.monotonic() < deadline:
                    process.poll()
                    os.killpg(process.pid, 0)
                    time.sleep(0.1)
