"""One run at a time: the lock that runs of one installation wait for, in words.

A lock of the operating system, not one of Dagster's pools: it goes with its process, however that ends, so a killed
run never leaves the next one waiting (docs/adr/0003). What the warehouse file itself is locked by is
`installation.warehouse`'s care.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import AMSTERDAM

Say = Callable[[str], None]

_POLL_SECONDS = 0.2
_SAY_EVERY_SECONDS = 30.0


class Patience:
    """Waits in small steps, says what for at once and then now and then, and in the end gives up with an error."""

    def __init__(self, say: Say, timeout_seconds: float) -> None:
        self._say = say
        self._started = time.monotonic()
        self._timeout = timeout_seconds
        self._said_at = float("-inf")

    def wait(self, what_for: str) -> None:
        """Waits a moment.

        Raises VroegError once the whole wait has lasted longer than the time-out.
        """
        now = time.monotonic()
        if now - self._started > self._timeout:
            minutes = self._timeout / 60
            raise VroegError(
                f"{what_for} for more than {minutes:g} minutes",
                do="end what holds it, or raise lock_timeout_minutes in settings.yaml",
            )
        if now - self._said_at >= _SAY_EVERY_SECONDS:
            self._say(what_for)
            self._said_at = now
        time.sleep(_POLL_SECONDS)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else is in such a block with this lock file; waits for a moment, in which nothing is said."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def hold(path: Path, holder: str) -> int:
    """Holds the lock file until the process ends or closes the descriptor that this gives; `holder`: who we are.

    Raises VroegError where another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise VroegError(f"{holder_of(path) or holder} is at work already", where=path, do="stop it first") from None
    _say_who(descriptor, holder)
    return descriptor


def holder_of(path: Path) -> str | None:
    """Who holds the lock, in words; None when nobody does."""
    return (path.read_text("utf-8", "replace").strip() or "another process") if is_held(path) else None


def _say_who(descriptor: int, holder: str) -> None:
    os.ftruncate(descriptor, 0)
    since = datetime.now(AMSTERDAM).strftime("%H:%M:%S")
    os.pwrite(descriptor, f"{holder} (process {os.getpid()}, since {since})".encode(), 0)


@contextmanager
def run_lock(path: Path, holder: str, say: Say, timeout_seconds: float) -> Iterator[None]:
    """Holds the lock file for the length of the block; other processes of the installation wait.

    `holder` says who we are to those who wait. Raises VroegError when the wait lasts longer than the time-out.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        patience = Patience(say, timeout_seconds)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                other = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "another run"
                patience.wait(f"waiting for {other} to finish with this installation")
        _say_who(descriptor, holder)
        yield
    finally:
        os.close(descriptor)


def answers(door: Path) -> bool:
    """Whether a process listens at a socket at this moment."""
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(door))
        except OSError:
            return False
    return True


def is_held(path: Path) -> bool:
    """Whether a process holds the lock at this moment."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, as NFS wants a file that may be written for another.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
