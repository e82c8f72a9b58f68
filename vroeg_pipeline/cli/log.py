"""The log on the command line (`vroeg log`): who did what, and whether it is whole (DOMAIN §14); to a collector too."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import lines_when_whole, read_log
from vroeg_pipeline.installation.log_collector import send_lines


def show(home: Home, last: int, out: Console) -> None:
    """Prints the newest lines, the newest last. Raises VroegError when there are none, or none any more."""
    lines = deque(read_log(home), maxlen=last)
    if not lines:
        lines_when_whole(home)
        raise VroegError("nothing was logged yet", where=home.log, do=f"start with: {home.command} run --month YYYY-MM")
    rows = [["when", "who", "from", "action", "result", "of"]]
    for line in lines:
        when = moment_text(datetime.fromisoformat(line["time"]))
        rows.append([when, *(str(line[key]) for key in ("actor", "origin", "action", "result", "object"))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for number, (*row, of) in enumerate(rows):
        # No table: a path that is cut into pieces to fit one cannot be read or copied.
        text = "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=True)), of]).rstrip()
        out.print(text, style="" if number else "bold", markup=False, highlight=False, soft_wrap=True)


def send(home: Home, out: Console) -> None:
    """Sends the collector what it does not have yet, and prints how many lines that were.

    Raises VroegError when the settings name no collector, or it takes nothing.
    """
    settings = Installation.load(home).settings.log
    if (collector := settings.otlp) is None:
        raise VroegError("no collector is named", where="settings.yaml", do="set log.otlp")
    lines = 0
    while not (sent := send_lines(home, collector, settings.activity)).is_all:
        lines += sent.lines
        if sent.is_away:
            what = f"the collector took {lines:,} lines and not the next one"
            raise VroegError(what, where=collector, do="look there, and send again")
    out.print(f"The collector has the whole log: {lines + sent.lines:,} lines more")


def verify(home: Home, out: Console) -> None:
    """Prints that the log is whole. Raises VroegError that names the first line that is not."""
    out.print(f"The log is whole: {lines_when_whole(home):,} lines")
