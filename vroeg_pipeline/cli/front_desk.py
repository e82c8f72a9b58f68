"""`vroeg front-desk`: one sender's files divided over the towns (docs/front-desk.md)."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.front_desk.divide import divide
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, account, log_done

_COUNTED = (
    "files", "rows", "delivered", "told_back", "waiting", "undelivered", "removed", "removed_unread",
)  # fmt: skip


def divide_files(home: Home, out: Console, *, dry_run: bool) -> None:
    """Divides what lies there, prints what came of it, and adds a line with its counts to the log (DOMAIN §14).

    Raises VroegError when something could not be divided or delivered, a line each.
    """
    installation = Installation.load(home)
    started = installation.now()
    if not dry_run:
        installation.keep_agreed()
    outcome = divide(installation, lambda text: out.print(escape(text)), dry_run=dry_run)
    counts = {name: getattr(outcome, name) for name in _COUNTED}
    if not dry_run:
        result = f"failed: {len(outcome.problems)} problems" if outcome.problems else "done"
        done = Done("vroeg front-desk", "deliveries", result, COMMAND_LINE, account(), started, counts)
        log_done(home, installation.now(), done)
    if outcome.problems:
        raise VroegError("; ".join(outcome.problems))
    would = "would be " if dry_run else ""
    out.print(
        f"{outcome.files} files {would}divided: {outcome.rows} rows came, {outcome.delivered} to towns, "
        f"{outcome.told_back} told back; {outcome.removed} files removed"
    )
