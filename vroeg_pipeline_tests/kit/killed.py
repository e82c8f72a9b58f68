"""What ends with SIGKILL, in a process of its own: at a change to a file, or at any moment."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

# What Python does to files; between two of these DuckDB works.
_TO_FILES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "shutil.rmtree")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at_event(event: int, work: Callable[[], object]) -> bool:
    """Works in another process, which is killed at the change to a file of that number (from 0); whether it was.

    Raises AssertionError when it ended in another way than by that or well.
    """

    def watched() -> None:
        seen = iter(range(event))

        def kill(name: str, arguments: tuple[Any, ...]) -> None:
            changes = name in _TO_FILES or (name == "open" and arguments[2] & _WRITES)
            if changes and next(seen, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        work()

    return _is_killed(_forked(watched))


def killed_at_random(number: int, within: float, work: Callable[[], object]) -> bool:
    """Works in another process, which is killed at a moment within so many seconds, wherever it is by then, in DuckDB too;
    whether it was. Another `number` gives another moment.

    Raises AssertionError when it ended in another way than by that or well.
    """
    process = _forked(work)
    time.sleep(random.Random(number).uniform(0, within))
    os.kill(process, signal.SIGKILL)
    return _is_killed(process)


def _forked(work: Callable[[], object]) -> int:
    process = os.fork()
    if process == 0:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return process


def _is_killed(process: int) -> bool:
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0
