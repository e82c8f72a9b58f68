"""Which process of a test run takes which test."""

from __future__ import annotations

from collections.abc import Callable

from xdist.scheduler import LoadScopeScheduling


class BySharing(LoadScopeScheduling):
    """Tests of a file whose fixtures are shared stay in one process, all others go to whichever is free.

    xdist's own `--dist loadgroup` does not see its marks under pytest 9.
    """

    shares: Callable[[str], bool]
    """Whether the tests of a file share fixtures; set by whoever makes the scheduler."""

    def schedule(self) -> None:
        super().schedule()
        # A process begins with a test only once it has the next, or knows that there is none. At the start xdist sees to
        # that; the process that replaces one that crashed gets a single test, and the run waits for it without an end.
        for node in self.nodes:
            self._reschedule(node)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if self.shares(file) else nodeid
