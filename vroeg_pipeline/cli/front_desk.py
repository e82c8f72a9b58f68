"""`vroeg front-desk` (docs/front-desk.md)."""

from __future__ import annotations

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.front_desk.dividing import Outcome, divide, town_agreement
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, account, log_done


def divide_all(home: Home, out: Console, *, dry_run: bool) -> None:
    """Divides and prints what became of each file that was not divided before.

    Raises VroegError when one of them could not be, after all others, or this is no front desk.
    """
    installation = Installation.load(home)
    started, outcomes = installation.now(), list[Outcome]()
    with run_lock(home.run_lock, "vroeg front-desk", out.print, installation.settings.lock_timeout_minutes * 60):
        for outcome in divide(installation, dry_run=dry_run):
            outcomes.append(outcome)
            if not dry_run:
                counts = {"rows": outcome.rows, "towns": outcome.towns, "told back": sum(outcome.told_back.values())}
                what, result = f"{outcome.sender} {month_text(outcome.month)}", "waits" if outcome.wrong else "divided"
                log_done(
                    home,
                    installation.now(),
                    Done("vroeg front-desk", what, result, COMMAND_LINE, account(), started, counts),
                )
    if not outcomes:
        out.print("Nothing to divide")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("month", "sender", "rows", "to towns", "told back"):
        table.add_column(name, justify="right" if name in ("rows", "told back") else "left")
    for each in outcomes:
        towns = ", ".join(f"{town} {count:,}" for town, count in each.towns.items())
        told_back = f"{sum(each.told_back.values()):,}"
        table.add_row(month_text(each.month), escape(each.sender), f"{each.rows:,}", escape(towns), told_back)
    out.print(table)
    wrong = [(each, line) for each in outcomes for line in each.wrong]
    for each, line in wrong:
        out.print(f"[red]✗[/red] {month_text(each.month)} {escape(each.sender)}: {escape(line)}", soft_wrap=True)
    if wrong:
        raise VroegError(f"not divided whole: {len({id(each) for each, _ in wrong})}", do="the lines above say why")


def print_agreement(home: Home, sender: str, out: Console) -> None:
    """Prints the form of the files that towns get of a sender, as their agreement has it.

    Raises VroegError when there is no agreement with it.
    """
    partners = Installation.load(home).partners
    layout = partners.senders.get(sender) or partners.agreements.get(sender)
    if layout is None:
        known = ", ".join(sorted({*partners.senders, *partners.agreements}))
        raise VroegError(f"there is no agreement with '{sender}'", where=home.agreements, do=f"one of: {known}")
    text = yaml.safe_dump(town_agreement(layout), sort_keys=False, allow_unicode=True)
    out.print(text, end="", markup=False, highlight=False)
