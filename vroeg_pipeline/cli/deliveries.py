"""Files of partners on the command line: which of them count, and what people decide of them (DOMAIN §4)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.cli.rows import show_rows
from vroeg_pipeline.deliveries.file_decisions import Decision, note_decision
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, moment_text, month_of, month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import rows_of
from vroeg_pipeline.installation.warehouse import WarehouseResource

_SHOWN_DIGITS = 12
_MONTHS_SHOWN = 2

# A folder without an agreement can have any name, also a person's, and there is nothing to decide of it.
_KNOWN = "refusal IS DISTINCT FROM 'unknown_partner'"


def list_deliveries(home: Home, month: date | None, out: Console, problems: Console) -> None:
    """Prints the files of a month, else those of the newest months and whatever waits for a decision; with what was decided.

    Raises VroegError when there is no warehouse.
    """
    installation = Installation.load(home)
    first = add_months(month_of(installation.now()), 1 - _MONTHS_SHOWN)
    wanted, values = ("month = ?", month) if month else ("(month >= ? OR status = 'questioned')", first)
    with _warehouse(installation, problems).connect(read_only=True) as connection:
        files = rows_of(
            connection,
            f"SELECT * FROM delivery_files WHERE {_KNOWN} AND {wanted} ORDER BY month, partner, received_at, file_name",
            [values],
        )
        decisions = rows_of(connection, "SELECT * FROM reference.delivery_decisions ORDER BY decided_at, rowid")
    if not files:
        out.print("No files.")
        return
    rows = [
        (
            month_text(file["month"]), file["partner"], moment_text(file["received_at"]),
            file["file_sha256"][:_SHOWN_DIGITS], _became(file), "" if file["row_count"] is None else str(file["row_count"]),
            escape("\n".join(_decided(file, decisions))),
        )
        for file in files
    ]  # fmt: skip
    columns = ("month", "partner", "received", "file", "what became of it", "rows", "decided")
    show_rows(columns, rows, {"what became of it", "decided"}, out)


def _became(file: Mapping[str, Any]) -> str:
    if file["status"] == "questioned":
        return f"questioned: lacks {file['references_lacking']} of {file['references_before']} references"
    if file["status"] == "accepted" and (file["decision"] or ("addition" if file["adds"] else "")) == "addition":
        return "accepted, adds"
    return ": ".join(filter(None, (file["status"], file["refusal"])))


def _decided(file: Mapping[str, Any], decisions: Sequence[Mapping[str, Any]]) -> list[str]:
    """What people decided of a file, oldest first; the last holds."""
    same = ("month", "partner", "file_sha256")
    return [
        f"{each['decision']} by {each['decided_by']}, {moment_text(each['decided_at'])}: {each['reason']}"
        for each in decisions
        if all(each[field] == file[field] for field in same)
    ]


def decide_delivery(
    home: Home,
    prefix: str,
    what: str,
    decided_by: str,
    reason: str,
    partner: str | None,
    out: Console,
    problems: Console,
) -> None:
    """Stores what a file is, for the next run of its month to follow.

    `prefix`: how the SHA-256 of its bytes begins. Raises VroegError when no file or several are meant, or something is
    lacking.
    """
    if what not in list(Decision):
        raise VroegError(f"--as {', '.join(Decision)} is expected, not '{what}'", do="choose one of them")
    for option, text in (("--by", decided_by), ("--reason", reason)):
        if not text.strip():
            raise VroegError(f"{option} is empty", do="say who decides, and why")
    if not re.fullmatch("[0-9a-f]{4,64}", prefix.lower()):
        raise VroegError("the first digits (0-9, a-f; four at least) of a file are expected", do=_see(home))
    installation = Installation.load(home)
    warehouse = _warehouse(installation, problems)
    warehouse.must_exist()
    with warehouse.connect() as connection:
        file = _meant(connection, home, prefix.lower(), partner)
        of, now = (file["month"], file["partner"], file["file_sha256"]), installation.now()
        note_decision(connection, home, of, Decision(what), decided_by.strip(), reason.strip(), now)
    month = month_text(file["month"])
    out.print(
        f"{file['partner']} {month}, {file['file_sha256'][:_SHOWN_DIGITS]}: {what}. The daemon follows it by itself, or: "
        f"{home.command} run --month {month}"
    )


def _meant(connection: duckdb.DuckDBPyConnection, home: Home, prefix: str, partner: str | None) -> dict[str, Any]:
    """The one file that begins so. Of a file that several partners or months have, the one on which somebody must decide,
    or did.
    """
    files = rows_of(
        connection,
        f"SELECT * FROM delivery_files WHERE {_KNOWN} AND starts_with(file_sha256, ?) AND coalesce(partner = ?, true) "
        "ORDER BY month, partner, file_sha256",
        [prefix, partner],
    )
    if not files:
        whose = f" of {partner}" if partner else ""
        raise VroegError(f"no file{whose} begins with {prefix}", do=_see(home))
    if len({file["file_sha256"] for file in files}) == 1:
        files = [file for file in files if file["status"] == "questioned" or file["decision"]] or files
    if len(files) > 1:
        named = ", ".join(
            f"{file['partner']} {month_text(file['month'])} {file['file_sha256'][:_SHOWN_DIGITS]}" for file in files
        )
        raise VroegError(f"{prefix} is of several: {named}", do="give more digits, or --partner")
    return files[0]


def _see(home: Home) -> str:
    return f"see: {home.command} deliveries list"


def _warehouse(installation: Installation, problems: Console) -> WarehouseResource:
    return WarehouseResource.of(installation, problems.print)
