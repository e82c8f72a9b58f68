"""The command `vroeg` in a process of its own, as people start it.

Each is forked from a process that has imported Dagster and the pipeline already: that takes longer than what most
commands do. The command line itself is read anew each time, with its own environment, folder and output.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# Its processes are forked from one that has imported what is named here, and has no threads.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["vroeg_pipeline.definitions", "typer", "rich.table", "rich.console"])


class Running:
    """A command at work. `output`: what it prints, line by line; with `apart` what goes to stderr is kept from it;
    `bound`: the permissions of files hold for root too.
    """

    def __init__(
        self,
        home: Path,
        *words: object,
        folder: Path | None = None,
        apart: bool = False,
        bound: bool = False,
        **environment: Any,
    ):
        said, out = FORKS.Pipe(duplex=False)
        errors, error_out = FORKS.Pipe(duplex=False) if apart else (None, out)
        given = {**os.environ, "VROEG_HOME": str(home), "TERM": "dumb", **environment}
        self._process = FORKS.Process(
            target=_become,
            args=([str(word) for word in words], given, str(folder or Path.cwd()), out, error_out, bound),
        )
        self._process.start()
        for end in {out, error_out}:
            end.close()
        self.output = os.fdopen(os.dup(said.fileno()), encoding="utf-8")
        # Read beside the other, as a full pipe would stop the command.
        self._errors: Future[str] | None = None
        if errors:
            self._errors = ThreadPoolExecutor(1).submit(os.fdopen(os.dup(errors.fileno()), encoding="utf-8").read)

    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._process.exitcode is not None

    def kill(self) -> None:
        """As SIGKILL does, and waits for its end."""
        self._process.kill()
        self._process.join()

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        assert self._process.pid
        os.kill(self._process.pid, signal.SIGINT)

    def finished(self, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """Waits for its end; what it printed from here on. Raises TimeoutError when it takes longer."""
        said = self.output.read()
        errors = self._errors.result() if self._errors else ""
        self._process.join(seconds)
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError("the command does not end")
        return subprocess.CompletedProcess(self._process.name, self._process.exitcode, said, errors)


def vroeg(home: Path, *words: object, width: int = 100, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs the command on a home, to its end."""
    return Running(home, *words, apart=True, COLUMNS=str(width), **more).finished()


def _become(
    words: list[str], environment: dict[str, str], folder: str, out: Connection, errors: Connection, bound: bool
) -> None:
    if bound:
        _give_up_passing_over_permissions()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    os.dup2(out.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    sys.argv[1:] = words
    runpy.run_module("vroeg_pipeline.cli.app", run_name="__main__", alter_sys=True)


def _give_up_passing_over_permissions() -> None:
    """Puts off what lets root read and write whatever the permissions say (capabilities 1 and 2 of Linux). Another user
    could not read the checkout wherever it lies.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version, of this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 of each
    if libc.capget(header, sets) == 0:
        for number in range(3):
            sets[number] &= ~0b110
        if libc.capset(header, sets) == 0:
            return
    raise OSError(ctypes.get_errno(), "capabilities cannot be changed")
