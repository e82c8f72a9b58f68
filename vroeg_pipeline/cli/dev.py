"""The Dagster UI and daemon of an installation, started and stopped together (`vroeg dev`, `make dev`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance
from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation

_LOCATION = ("-m", "vroeg_pipeline.definitions")
_STOP_SECONDS = 20


def serve(home: Home, port: int, out: Console) -> None:
    """Runs the webserver (on this machine alone) and the daemon until they are interrupted.

    Raises VroegError when one of the two stops by itself.
    """
    with services(home, port) as processes:
        out.print(f"Dagster UI: http://localhost:{port} [dim](Ctrl-C stops it)[/dim]")
        try:
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
    raise VroegError("the webserver or the daemon stopped", do="see its last lines above")


@contextmanager
def services(home: Home, port: int, output: int | None = None) -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """The webserver and the daemon as processes, ended with the block."""
    prepare_storage(home)
    environment = {**os.environ, "VROEG_HOME": str(home.root), "GX_ANALYTICS_ENABLED": "false"}
    programs = Path(sys.executable).parent
    commands = (
        [str(programs / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(port), *_LOCATION],
        [str(programs / "dagster-daemon"), "run", *_LOCATION],
    )
    processes = [
        subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
        for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            _stop(process)


def prepare_storage(home: Home) -> None:
    """Makes Dagster's home and its storage.

    Webserver and daemon would make the tables of an empty storage at the same time, which breaks it; so this comes first.
    Raises VroegError when an agreement or the settings are wrong and never were right, as then neither has work.
    """
    Installation.load_or_last_good(home)
    prepare_dagster_home(home)
    with DagsterInstance.get() as instance:
        instance.get_runs_count()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Asks the process and its children to end, and ends them when they do not."""
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, signal_number)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
