"""What ends with SIGKILL, in a process of its own: at a change to a file, or at any moment."""

from __future__ import annotations

import atexit
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from multiprocessing.connection import Connection
from typing import Any

from vroeg_pipeline_tests.kit.command import FORKS

# What Python does to files; between two of these DuckDB works.
_TO_FILES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.chmod", "os.utime", "shutil.rmtree")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at_event(event: int, work: Callable[[], object]) -> bool:
    """Works in another process, which is killed at the change to a file of that number (from 0); whether it was.

    `work` can be pickled. Raises AssertionError when it ended in another way than by that or well.
    """
    return _is_killed(partial(_watched, event, work), None)


def killed_at_random(number: int, within: float, work: Callable[[], object]) -> bool:
    """Works in another process, which is killed at a moment within so many seconds, wherever it is by then, in DuckDB too;
    whether it was. Another `number` gives another moment.

    `work` can be pickled. Raises AssertionError when it ended in another way than by that or well.
    """
    return _is_killed(work, random.Random(number).uniform(0, within))


def _watched(event: int, work: Callable[[], object]) -> None:
    seen = iter(range(event))

    def kill(name: str, arguments: tuple[Any, ...]) -> None:
        changes = name in _TO_FILES or (name == "open" and arguments[2] & _WRITES)
        if changes and next(seen, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)
    work()


def _is_killed(work: Callable[[], object], after: float | None) -> bool:
    asked = _process()
    asked.send((work, after, dict(os.environ)))
    status = asked.recv()
    assert status in (0, -signal.SIGKILL), status
    return bool(status)


@cache
def _process() -> Connection:
    """A process that has imported what is worked with, and forks another for each work.

    The one of the tests is never forked: in it DuckDB and others have threads, which a fork leaves half alive.
    """
    ours, theirs = FORKS.Pipe()
    FORKS.Process(target=_serve, args=(theirs,), daemon=True).start()
    theirs.close()
    # Without it the end of this process waits for one that waits for work.
    atexit.register(ours.close)
    return ours


def _serve(asked: Connection) -> None:
    # A shell starts its background with SIGINT ignored, Dagster takes SIGTERM to be the same, and then this would never end.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        try:
            work, after, environment = asked.recv()
        except EOFError:
            return
        process = os.fork()
        if process == 0:
            _work(work, environment)
        if after is not None:
            time.sleep(after)
            os.kill(process, signal.SIGKILL)
        asked.send(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))


def _work(work: Callable[[], object], environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    try:
        work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)
