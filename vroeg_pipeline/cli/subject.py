"""Requests of residents on the command line (`vroeg subject`, DOMAIN §14): counts before anything is done, and no names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.cli.run import run_months
from vroeg_pipeline.cli.subject_copy import copy_of, json_of, page_of
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text, month_text, months_between
from vroeg_pipeline.installation.closed import noted_closed
from vroeg_pipeline.installation.home import Home, replacing_elsewhere
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, account, log_done
from vroeg_pipeline.installation.requests import Asked, Request, all_requests, keep_request, next_number
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.residents.asking import ask, lift
from vroeg_pipeline.residents.erasing import erase, forbidden
from vroeg_pipeline.residents.finding import Found, Wanted, find_resident
from vroeg_pipeline.residents.own_rows import keep_own
from vroeg_pipeline.residents.shown import what_is_shown

_SAID = {
    Asked.RESTRICT: "Their signals are held back until this is lifted",
    Asked.OBJECT: "What partners deliver of them from now on is rejected as an objection",
    Asked.ERASE: "They are erased; what comes of them later is counted and kept nowhere",
}


def wanted_of(
    postcode: str | None,
    number: str | None,
    surname: str | None,
    birth_date: str | None,
    partner: str | None,
    reference: str | None,
) -> Wanted:
    """Who is meant; asked for where nothing is given, so that no name gets into the history of a shell.

    Raises VroegError when the birth date is none.
    """
    if not any((postcode, number, surname, birth_date, partner, reference)):
        postcode, number = typer.prompt("Postcode"), typer.prompt("House number")
        surname = typer.prompt("Surname (empty: not known)", default="", show_default=False) or None
        birth_date = typer.prompt("Birth date, YYYY-MM-DD (empty: not known)", default="", show_default=False) or None
    try:
        born = date.fromisoformat(birth_date) if birth_date else None
    except ValueError:
        raise VroegError("is no date like 1980-02-01", where="--birth-date", do="mend it") from None
    return Wanted(postcode, number, surname, born, partner, reference)


def show_found(home: Home, wanted: Wanted, out: Console) -> None:
    """Prints what is held of the resident, counted, and what forbids to erase it.

    Raises VroegError when there is no warehouse yet, or they are asked for by something else.
    """
    installation = Installation.load(home)
    found, reasons = _look(installation, wanted, out)
    _log(installation, "find", "", "found" if found.held else "nothing is held", found.subject)
    _show(found, reasons, out)


def write_copy(
    home: Home, wanted: Wanted, folder: Path, out: Console, *, by: str, reason: str, initials: str = ""
) -> None:
    """Writes what is held of the resident, in Dutch, as a page and as JSON, for the owner alone; keeps that it was asked.

    `initials`: by which they are told from who has the same name at their door. Raises VroegError when that is not known,
    they are asked for by something else, or it cannot be written there.
    """
    installation = Installation.load(home)
    if not folder.is_dir():
        raise VroegError("is no folder", where=folder, do="make it, where only you can read, or give another --out")
    with run_lock(home.run_lock, "vroeg subject export", out.print, installation.settings.lock_timeout_minutes * 60):
        with _warehouse(installation, out).connect(read_only=True) as connection:
            found = find_resident(connection, installation, wanted)
            identities, left_out = keep_own(connection, installation, wanted, found, initials)
            shown = what_is_shown(connection, installation, identities)
        number = next_number(home)
        copy = copy_of(shown, installation, number)
        paths = [folder / f"inzage_{number}.{ending}" for ending in ("html", "json")]
        with ExitStack() as written:
            for path, text in zip(paths, (page_of(copy), json_of(copy)), strict=True):
                temporary = written.enter_context(replacing_elsewhere(path, "give another --out"))
                temporary.write_text(text, encoding="utf-8")
            # Before either takes its place.
            _log(installation, Asked.EXPORT, f"request {number}", "done", found.subject)
        keep_request(
            home, Request(number, Asked.EXPORT, by, reason, installation.now(), found.subject, tuple(identities))
        )
    for path in paths:
        out.print(f"Written: {path}", soft_wrap=True)
    out.print(f"A copy of {len(shown.rows)} rows: request {number}")
    if left_out:
        out.print(
            f"[yellow]![/yellow] Left out: {left_out} rows that were found, but can be of somebody else with a name of "
            "theirs. Where they are theirs, ask by another --surname, --birth-date or --initials"
        )
    out.print("Look through it before it is handed over; then delete both files")


def handle(
    home: Home,
    kind: Asked,
    wanted: Wanted,
    out: Console,
    *,
    by: str,
    reason: str,
    is_sure: bool = False,
    despite: str | None = None,
) -> None:
    """Does what a resident asks for, once it was confirmed or `is_sure`; then runs the months in which they are, so that
    teams hear of it.

    Raises VroegError when somebody must decide first (`despite`), it is not confirmed, or another run holds the
    installation too long.
    """
    installation = Installation.load(home)
    found, reasons = _look(installation, wanted, out)
    _show(found, reasons, out)
    if found.namesakes:
        raise VroegError(found.namesakes, do="give --birth-date")
    if kind == Asked.ERASE and reasons and despite is None:
        raise VroegError("; ".join(reasons), do="give --despite with who decided to erase it all the same, and why")
    if not (is_sure or typer.confirm(f"{kind.capitalize()}?")):
        raise VroegError("not confirmed, so nothing was done", do="run it again")
    warehouse, patience = _warehouse(installation, out), installation.settings.lock_timeout_minutes * 60
    with run_lock(home.run_lock, f"vroeg subject {kind}", out.print, patience):
        number = next_number(home)
        request = Request(number, kind, by, reason, installation.now(), found.subject, (), despite=despite)
        if kind == Asked.ERASE:
            found, changed = erase(warehouse, installation, wanted, request)
            for folder, files in changed.items():
                out.print(f"Changed or removed in {folder}: {files} files")
        else:
            found = ask(warehouse, installation, wanted, request)
    _log(installation, kind, f"request {number}", "done", found.subject)
    out.print(f"{_SAID[kind]}: request {number}")
    _run_again(home, found.months, out)
    if kind == Asked.ERASE:
        out.print(
            "Not reached: back-ups that were made before, lists that teams printed, and what others keep in reference/"
        )


def end(home: Home, number: int, out: Console, *, by: str, reason: str) -> None:
    """Lifts a request; later runs do without it. Raises VroegError when it is not in force."""
    installation = Installation.load(home)
    with run_lock(home.run_lock, "vroeg subject lift", out.print, installation.settings.lock_timeout_minutes * 60):
        request = lift(installation, number, by, reason)
    _log(installation, "lift", f"request {number}", "done", request.subject)
    out.print(f"Lifted: request {number} ({request.kind})")
    if request.kind != Asked.ERASE:
        _run_again(home, _months_delivered(installation, out), out)


def show_requests(home: Home, out: Console) -> None:
    """Prints every request there was. Nobody is named in them."""
    requests = all_requests(home)
    if not requests:
        out.print("No resident asked for anything yet")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("number", "request", "when", "by", "why", "lifted"):
        table.add_column(column, no_wrap=column in ("number", "when"), overflow="fold")
    for each in requests:
        ended = f"{moment_text(each.lifted_at)}, {each.lifted_by}: {each.lifted_reason}" if each.lifted_at else ""
        why = f"{each.reason}; despite: {each.despite}" if each.despite else each.reason
        row = (str(each.number), each.kind, moment_text(each.at), each.by, why, ended)
        table.add_row(*map(escape, row))
    out.print(table)


def _warehouse(installation: Installation, out: Console) -> WarehouseResource:
    return WarehouseResource.of(installation, out.print)


def _look(installation: Installation, wanted: Wanted, out: Console) -> tuple[Found, list[str]]:
    """What is held, and what forbids to erase it."""
    with _warehouse(installation, out).connect(read_only=True) as connection:
        found = find_resident(connection, installation, wanted)
        return found, forbidden(connection, installation, found)


def _show(found: Found, reasons: Sequence[str], out: Console) -> None:
    if not found.held:
        out.print("Nothing is held of this resident")
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("where", no_wrap=True)
        table.add_column("month", no_wrap=True)
        table.add_column("held", justify="right")
        for name, month, count in found.held:
            table.add_row(name, month_text(month), f"{count:,}")
        out.print(table)
    for said in (*reasons, *filter(None, [found.namesakes])):
        out.print(f"[yellow]![/yellow] {escape(said)}")


def _months_delivered(installation: Installation, out: Console) -> list[date]:
    with _warehouse(installation, out).connect(read_only=True) as connection:
        months = connection.execute("SELECT DISTINCT month FROM delivery_files ORDER BY month").fetchall()
    return [month for (month,) in months]


def _run_again(home: Home, months: Sequence[date], out: Console) -> None:
    """Runs the first of the months that is not closed, and all after it: they build on it."""
    delivered = _months_delivered(Installation.load(home), out)
    concerned = [month for month in delivered if months and month >= months[0]]
    if closed := noted_closed(home).intersection(months):
        said = ", ".join(map(month_text, sorted(closed)))
        out.print(f"[yellow]![/yellow] Closed, so that its figures stay as they are: {said}")
    still_run = [month for month in concerned if month not in noted_closed(home)]
    if still_run:
        run_months(home, months_between(still_run[0], still_run[-1]), out)


def _log(installation: Installation, action: str, of: str, result: str, subject: str) -> None:
    now = installation.now()
    done = Done(f"subject {action}", of, result, COMMAND_LINE, account(), now, subject=subject)
    log_done(installation.home, now, done)
