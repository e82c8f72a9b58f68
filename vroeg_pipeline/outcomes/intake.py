"""From what teams return to outcomes: register, archive and read the files, look the cases up, send back what failed.

The result depends on the files ever seen and on what was issued alone, not on the order in which runs saw them. How a file
is read stands in `outcomes.reader`, what its rows mean and which word counts in the statements of this room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TextIO

import duckdb

from vroeg_pipeline.deliveries.inbox import list_returned, take_bytes_out_of_inbox
from vroeg_pipeline.deliveries.received import ReceivedFile, files_of_month, kept_of_month
from vroeg_pipeline.domain.agreements import OUTCOMES
from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.formats.csv import own_query, own_writer
from vroeg_pipeline.installation.home import private_folder, temporary_file
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import KeptFile, is_kept, read_kept, rows_kept, write_kept
from vroeg_pipeline.installation.notes import SENT_BACK, SentBack, SentBackNote
from vroeg_pipeline.installation.requests import Asked, in_force
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import sql, temporary_step, temporary_table
from vroeg_pipeline.installation.warehouse import replace_month
from vroeg_pipeline.outcomes.columns import REFUSALS
from vroeg_pipeline.outcomes.contacted import find_cases, find_left_rows, keep_contacted
from vroeg_pipeline.outcomes.reader import FIELDS, OutcomeRow, RefusedError, outcome_rows, remark_on
from vroeg_pipeline.outcomes.reply import RefusedRow, Reply, reply_file_name, write_reply
from vroeg_pipeline.worklists.worklist_file import month_title

Say = Callable[[str], None]

_CASE_ID = FIELDS.index("case_id")
_LISTS = {"contact_kind": EnumContactsoort, "day_part": EnumDagdeel, "end_result": EnumEindresultaat}
_FILE_COLUMNS = """
    month DATE, file_sha256 VARCHAR, file_name VARCHAR, received_at TIMESTAMPTZ, size_bytes BIGINT, status VARCHAR,
    refusal VARCHAR, detail VARCHAR
"""
_COUNT_ROWS = """
UPDATE outcome_files AS file SET
    row_count = (
        SELECT count(*) FROM outcome_rows AS told
        WHERE told.month = file.month AND told.file_sha256 = file.file_sha256 AND told.is_told
    ),
    attempt_count = (
        SELECT count(DISTINCT (told.case_id, told.attempt)) FROM outcome_rows AS told
        INNER JOIN known_cases USING (case_id)
        WHERE
            told.month = file.month AND told.file_sha256 = file.file_sha256 AND told.is_told
            AND len(told.reasons) = 0 AND told.contact_kind IS NOT NULL
    ),
    refused_count = (
        SELECT count(*) FROM refused_outcomes AS refused
        WHERE refused.month = file.month AND refused.file_sha256 = file.file_sha256
    )
WHERE month = getvariable('month') AND status = 'accepted'
"""


@dataclass(frozen=True)
class OutcomeFile(ReceivedFile):
    """One row of `outcome_files` in the making."""

    refusal: str | None = None
    detail: str | None = None

    @property
    def status(self) -> str:
        return "refused" if self.refusal else "accepted"

    def refused(self, error: RefusedError) -> OutcomeFile:
        return replace(self, refusal=error.refusal, detail=error.detail)


def take_in_outcomes(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, say: Say
) -> tuple[list[OutcomeFile], Counter[str]]:
    """Registers, archives and reads every file that was ever returned for the month; gives them, and what was left alone.

    Fills `outcome_files` and `outcome_rows`. Which cases the rows are of is looked up by `settle_outcomes`.
    """
    files, skipped = _files_of(connection, installation, month)
    files = [_without_erased(connection, installation, file) for file in files]
    scratch = private_folder(installation.home.scratch)
    with temporary_file(scratch) as cells:
        with cells.open("w", encoding="utf-8", newline="") as opened:
            judged = [_read(connection, installation, file, opened) for file in files]
        _load_cells(connection, cells)
    for file in judged:
        if file.refusal:
            say(f"{month_text(month)} outcomes: a returned worklist is refused, {file.refusal}")
    rows = [
        (f.month, f.file_sha256, f.file_name, f.received_at, f.size_bytes, f.status, f.refusal, f.detail)
        for f in judged
    ]
    temporary_table(connection, "judged_outcome_files", _FILE_COLUMNS, rows)
    listed = [(field, value) for field, values in _LISTS.items() for value in values]
    temporary_table(connection, "listed", "field VARCHAR, value VARCHAR", listed)
    replace_month(connection, {"outcome_files": "FROM judged_outcome_files", "outcome_rows": sql("outcome_rows")})
    connection.execute("DROP TABLE told_cells")
    return judged, skipped


def _files_of(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date
) -> tuple[list[OutcomeFile], Counter[str]]:
    settings = installation.settings
    listing = list_returned(installation.home.inbox, OUTCOMES, settings.settle_seconds, installation.now(), month)
    registered = connection.execute(
        "SELECT ?, file_sha256, file_name, received_at, size_bytes FROM outcome_files WHERE month = getvariable('month')",
        [OUTCOMES],
    ).fetchall()
    before = [*registered, *kept_of_month(connection, installation.home, month, OUTCOMES)]
    files = files_of_month(installation, month, listing, before, lambda sender: (sender,), OutcomeFile)
    return files, listing.skipped


def _read(
    connection: duckdb.DuckDBPyConnection, installation: Installation, file: OutcomeFile, cells: TextIO
) -> OutcomeFile:
    """The file with its verdict; its rows are written. Those of a file that turns out unreadable halfway do not count."""
    write = own_writer(cells)
    try:
        remark, rows = _rows_of(connection, installation, file)
        for sheet, number, told, given in rows:
            write((file.file_sha256, sheet, number, told, *given))
    except RefusedError as error:
        return file.refused(error)
    return replace(file, detail=remark)


def _rows_of(
    connection: duckdb.DuckDBPyConnection, installation: Installation, file: OutcomeFile
) -> tuple[str | None, Iterable[OutcomeRow]]:
    """What its team must be told of the file, and its rows. Raises RefusedError when it cannot be taken in."""
    limit = installation.settings.max_file_mb
    if file.size_bytes > limit * 1024 * 1024:
        raise RefusedError("too_large", f"{file.size_bytes / 1024 / 1024:.0f} MB, meer dan {limit:g}")
    if file.archived is None:
        raise RefusedError("unreadable", "het is te groot om te bewaren")
    if is_kept(file.archived):
        about = read_kept(connection, file.archived).about
        if about["is_gone"]:
            raise RefusedError("unreadable", "er is iemand uit gewist; lever het opnieuw aan")
        kept = connection.execute(f"FROM {rows_kept(file.archived)}").fetchall()
        return about["remark"], [(sheet, number, told, list(given)) for sheet, number, told, *given in kept]
    scratch = private_folder(installation.home.scratch)
    return remark_on(file.archived, file.file_name), outcome_rows(file.archived, scratch)


def _without_erased(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: OutcomeFile,
    holds: Callable[[Path], bool] = lambda _: False,
) -> OutcomeFile:
    """The file; where it names residents who were erased, what is kept of it (DOMAIN §14): the rows of all other cases, and
    nothing of those that cannot be read. `holds`: whether it names them, for who knows more than their cases.
    """
    home = installation.home
    requests = in_force(home, Asked.ERASE)
    if not requests or file.archived is None or is_kept(file.archived):
        return file
    gone = {case for request in requests for case in request.cases}
    named = gone | {case for request in requests for case in request.shared_cases}
    key = hash_key(home)
    about: dict[str, object] = {"is_gone": False}
    kept: list[tuple[object, ...]] = []
    is_named = holds(file.archived)
    try:
        about["remark"], rows = _rows_of(connection, installation, file)
        for sheet, number, told, given in rows:
            case = keyed_hash(key, f"case|{given[_CASE_ID][1:].strip()}")
            is_named = is_named or case in named
            if case not in gone:
                kept.append((sheet, number, told, *given))
    except RefusedError:
        about, kept = {"is_gone": True}, []
    if not is_named:
        return file
    columns = ", ".join(f"{field} VARCHAR" for field in FIELDS)
    temporary_table(connection, "kept_cells", f"sheet VARCHAR, row_number INTEGER, is_told BOOLEAN, {columns}", kept)
    of = KeptFile(file.file_sha256, file.file_name, file.received_at, file.size_bytes, about)
    path = write_kept(connection, file.archived, of, "FROM kept_cells")
    connection.execute("DROP TABLE kept_cells")
    listing = list_returned(home.inbox, OUTCOMES, 0, installation.now(), file.month)
    take_bytes_out_of_inbox(listing.files, file.file_sha256, file.size_bytes)
    return replace(file, archived=path)


def erase_in_outcomes(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, holds: Callable[[Path], bool]
) -> int:
    """Takes residents who were erased out of all lists that were returned for the month; gives how many that changed."""
    files, _ = _files_of(connection, installation, month)
    return sum(_without_erased(connection, installation, file, holds).archived != file.archived for file in files)


def _load_cells(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    types = {"file_sha256": "VARCHAR", "sheet": "VARCHAR", "row_number": "INTEGER", "is_told": "BOOLEAN"}
    query = own_query(path, {**types, **dict.fromkeys(FIELDS, "VARCHAR")})
    temporary_step(connection, "told_cells", query)


def settle_outcomes(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> dict[str, int]:
    """Fills the tables of outcomes of the month from its rows and the worklists that were issued; gives the row counts."""
    find_left_rows(connection, installation, month)
    unknown = find_cases(connection, installation, month)
    # What all other months know takes long to work out, and is hardly ever asked.
    none = "SELECT NULL::VARCHAR AS case_id, NULL::DATE AS month LIMIT 0"
    temporary_step(connection, "other_cases", None if unknown else none)
    for sha256, of_month in connection.execute(sql("strange_outcome_files")).fetchall():
        refusal = "other_month" if of_month else "unknown_cases"
        detail = REFUSALS[refusal].format(month_title(of_month or month))
        connection.execute(
            "UPDATE outcome_files SET status = 'refused', refusal = ?, detail = ? "
            "WHERE month = getvariable('month') AND file_sha256 = ?",
            [refusal, detail, sha256],
        )
    tables = ("contact_attempts", "case_results", "refused_outcomes")
    counts = replace_month(connection, {table: sql(table) for table in tables}, then=_COUNT_ROWS)
    return {**counts, "contacted_signals": keep_contacted(connection, installation, month)}


def write_replies(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> int:
    """Puts a reply in the outbox for each file of which its team must hear something, and notes what went back; gives their
    number.
    """
    folder = installation.home.outbox_of(month)
    files = connection.execute(
        """
        SELECT
            file_sha256, file_name, received_at, refusal IS NOT NULL, detail, coalesce(refused_count, 0),
            (
                SELECT worklist
                FROM outcome_rows AS told INNER JOIN known_cases USING (case_id)
                WHERE told.month = file.month AND told.file_sha256 = file.file_sha256
                GROUP BY worklist ORDER BY count(*) DESC, worklist LIMIT 1
            )
        FROM outcome_files AS file
        WHERE month = getvariable('month') AND (detail IS NOT NULL OR refused_count > 0)
        ORDER BY received_at, file_sha256
        """
    ).fetchall()
    expected, sent_back = set(), []
    for sha256, name, received_at, is_refused, detail, refused_count, worklist in files:
        rows = connection.execute(
            """
            SELECT sheet, row_number, refused_outcomes.reasons, written
            FROM refused_outcomes INNER JOIN outcome_rows USING (month, file_sha256, sheet, row_number)
            WHERE month = getvariable('month') AND file_sha256 = ? ORDER BY sheet, row_number
            """,
            [sha256],
        )
        reply = Reply(month, name, received_at, is_refused, detail, refused_count)
        target = private_folder(folder) / reply_file_name(month, sha256)
        refused = (
            RefusedRow(of_sheet, number, reasons, dict(zip(FIELDS, written, strict=True)))
            for of_sheet, number, reasons, written in rows.fetchall()
        )
        write_reply(target, reply, refused, installation.home.scratch)
        expected.add(target.name)
        if is_refused or refused_count:
            sent_back.append(SentBack(target.name, worklist or "", received_at, refused_count, is_refused))
    if sent_back or SENT_BACK.read(installation.home, month):
        SENT_BACK.write(installation.home, month, SentBackNote(tuple(sent_back)))
    # What can be read by now, since its worklist was issued, must not be asked again.
    for path in folder.glob(reply_file_name(month, "*")):
        if path.name not in expected:
            path.unlink()
    return len(expected)
