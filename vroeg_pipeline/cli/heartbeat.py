"""Lines that show that a command is at work, while what it does takes long and says nothing by itself."""

from __future__ import annotations

import threading
import time
from typing import Self

from rich.console import Console
from rich.markup import escape

_SILENT_SECONDS = 5.0


class Heartbeat:
    """Within its block, after every five silent seconds a line that says what is being done and since when.

    Print through it what is to count as a sign of life.
    """

    def __init__(self, out: Console, what: str) -> None:
        self._out = out
        self._what, self._since = what, time.monotonic()
        self._last_said = self._since
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beats, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def doing(self, what: str) -> None:
        """What is being done from now on."""
        self._what, self._since = what, time.monotonic()

    def print(self, line: str) -> None:
        """Prints a line of rich's markup."""
        self._last_said = time.monotonic()
        self._out.print(line)

    def beat(self, now: float) -> None:
        """Says what is being done, if nothing was said for too long at the moment `now` (monotonic seconds)."""
        if now - self._last_said >= _SILENT_SECONDS:
            self._last_said = now
            self._out.print(f"  [dim]… {escape(self._what)}, {now - self._since:.0f} s[/dim]")

    def _beats(self) -> None:
        while not self._ended.wait(0.5):
            self.beat(time.monotonic())
