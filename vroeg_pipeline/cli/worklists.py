"""`vroeg worklists`: the lists of a month as they stand now, to print: sorted by street, or a form for each visit.

What was issued to teams stays as it is; the warehouse is only read.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from rich.console import Console

from vroeg_pipeline.domain.agreements import ADDRESS_DESK, list_of_no_town
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home, private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.worklists.assets import Entries, missing_partners, told_partners
from vroeg_pipeline.worklists.routing import set_earlier_contacts
from vroeg_pipeline.worklists.visit_forms import forms_file_name, write_forms
from vroeg_pipeline.worklists.worklist_file import (
    WorklistEntry,
    WorklistHeading,
    worklist_file_name,
    worklist_title,
    write_worklist,
)


def write_lists(
    home: Home, month: date, worklist: str | None, out: Console, problems: Console, *, forms: bool, sort: bool
) -> None:
    """Writes a file for each list of the month but the address desk's, or for one, in the outbox of the month, and prints
    where it is. `sort`: by street.

    Raises VroegError when nothing was issued, or no visit is on any of the lists that forms are asked for.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource.of(installation, problems.print)
    with warehouse.connect(read_only=True) as connection:
        installation.define_macros(connection)
        installation.set_month(connection, month)
        found = connection.execute(
            "SELECT DISTINCT worklist FROM worklist_issues WHERE month = getvariable('month') ORDER BY worklist"
        ).fetchall()
        # The desk has one file, with what it can decide (DOMAIN §6).
        teams = [name for (name,) in found if list_of_no_town(name) != ADDRESS_DESK]
        names = [name for name in teams if worklist in (None, name)]
        if not names and found and (not teams or list_of_no_town(worklist or "") == ADDRESS_DESK):
            where = home.outbox_of(month)
            raise VroegError(
                "what the address desk has is in a file of its own", where=where, do="open its adresdesk_*.xlsx"
            )
        if not names:
            known = ", ".join(teams)
            raise VroegError(
                f"{month_text(month)} has no list {worklist}" if known else f"{month_text(month)} has no worklists",
                do=f"choose from {known}" if known else f"run it first: {home.command} run --month {month_text(month)}",
            )
        set_earlier_contacts(connection, installation)
        missing = missing_partners(connection, installation, month)
        written = 0
        for name in names:
            entries = list(Entries(connection, installation, name, None))
            if sort:
                entries.sort(key=by_street)
            heading = WorklistHeading(month, name, None, installation.now(), told_partners(missing, name))
            folder = private_folder(home.outbox_of(month))
            written += _write(folder, heading, entries, home.scratch, out, forms=forms)
    if not written:
        raise VroegError(
            f"no home visit is on these lists of {month_text(month)}", do="leave --forms out: teams phone or write"
        )


def _write(
    folder: Path, heading: WorklistHeading, entries: list[WorklistEntry], scratch: Path, out: Console, *, forms: bool
) -> int:
    if not forms:
        added = [entry for entry in entries if entry.change == "added"]
        path = folder / worklist_file_name(heading.month, heading.worklist, None)
        write_worklist(path, heading, added, scratch)
        out.print(f"{worklist_title(heading.worklist)}: {len(added):,} addresses, {path}", soft_wrap=True)
        return 1
    path = folder / forms_file_name(heading)
    visits = [entry for entry in entries if entry.action == "home_visit"]
    if visits:
        write_forms(path, heading, visits, scratch)
        out.print(f"{worklist_title(heading.worklist)}: {len(visits):,} visits, {path}", soft_wrap=True)
    return len(visits)


def by_street(entry: WorklistEntry) -> tuple[str, str, int, str]:
    """What a list is sorted by for who walks it: street, number, and what stands behind the number."""
    digits = "".join(sign if sign.isdecimal() else " " for sign in entry.house_number).split()
    number = int(digits[0]) if digits else 0
    return entry.street.casefold(), "" if entry.street else entry.postcode, number, entry.house_number
