"""From the files of a month to the delivery register: read, judge the file, keep the rows (DOMAIN §4).

Judges files. Rows are judged by `signals/row_verdicts.sql`; how a format is read is the knowledge of `formats`.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from vroeg_pipeline.deliveries.inbox import list_month
from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.deliveries.received import ReceivedFile, files_of_month
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.formats.delivery import read_delivery
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import fetch_one, temporary_table, transaction

# Folder names in the archive of partners without an agreement are not to be trusted, so they share one.
UNKNOWN_PARTNERS = "_unknown"
_FILES_AT_ONCE = 50

Say = Callable[[str], None]


@dataclass(frozen=True)
class DeliveryFile(ReceivedFile):
    """One row of `delivery_files` in the making."""

    status: str = "accepted"
    refusal: str | None = None
    detail: str | None = None
    row_count: int | None = None
    reference_date_max: date | None = None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()
    rows_table: str | None = None

    @property
    def sender(self) -> str:
        """Who sent it, as may be shown: a folder without an agreement can have any name, also a person's (§12)."""
        return self.partner if self.refusal != "unknown_partner" else "(no agreement)"

    @property
    def registered(self) -> RegisteredFile:
        """What the register will say of it, before its rows are measured."""
        return RegisteredFile(
            self.status, self.refusal, self.received_at, self.reference_date_max, self.row_count, detail=self.detail
        )

    def refused(self, refusal: str, detail: str) -> DeliveryFile:
        return replace(self, status="refused", refusal=refusal, detail=detail)


@dataclass(frozen=True)
class MonthIntake:
    """What an intake found. `changed`: partners whose accepted delivery is another than before."""

    files: list[DeliveryFile]
    changed: set[str]
    skipped: Counter[str]

    @property
    def accepted(self) -> dict[str, DeliveryFile]:
        return {file.partner: file for file in self.files if file.status == "accepted"}

    def of(self, agreement: Agreement, month: date) -> PartnerMonth:
        """What it found of one partner."""
        own = [file.registered for file in self.files if file.partner == agreement.partner]
        return PartnerMonth(agreement, month, own)


def take_in(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, say: Say) -> MonthIntake:
    """Registers, archives and reads every file of the month, those seen before included, and replaces the month.

    The result depends on the files ever seen and the agreements alone, not on the order in which runs saw them.
    """
    files, skipped = _files_of(connection, installation, month)
    before = dict(
        connection.execute(
            "SELECT partner, file_sha256 FROM delivery_files WHERE month = getvariable('month') AND status = 'accepted'"
        ).fetchall()
    )
    judged = [
        _judge(connection, installation, file, f"delivered_{number}") for number, file in enumerate(files, start=1)
    ]
    judged = _without_superseded(judged)
    _keep(connection, installation, month, judged)
    for reason, count in skipped.items():
        say(f"{month_text(month)} inbox: {count} left alone ({reason})")
    for file in judged:
        if file.status == "refused":
            say(f"{month_text(month)} {file.sender}: refused, {file.refusal} ({file.detail})")
        elif file.detail:
            say(f"{month_text(month)} {file.sender}: {file.detail}")
    after = {file.partner: file.file_sha256 for file in judged if file.status == "accepted"}
    changed = {partner for partner in before.keys() | after.keys() if before.get(partner) != after.get(partner)}
    return MonthIntake(judged, changed, skipped)


def _files_of(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date
) -> tuple[list[DeliveryFile], Counter[str]]:
    settings = installation.settings
    listing = list_month(installation.home.inbox, month, settings.settle_seconds, installation.now())
    registered = connection.execute(
        "SELECT partner, file_sha256, file_name, received_at, size_bytes FROM delivery_files "
        "WHERE month = getvariable('month')"
    ).fetchall()

    def folders_of(partner: str) -> tuple[str, ...]:
        known = partner in installation.partners.agreements
        return (partner, UNKNOWN_PARTNERS) if known else (UNKNOWN_PARTNERS,)

    return files_of_month(installation, month, listing, registered, folders_of, DeliveryFile), listing.skipped


def _judge(
    connection: duckdb.DuckDBPyConnection, installation: Installation, file: DeliveryFile, rows_table: str
) -> DeliveryFile:
    """The file with its verdict; of several refusals the first in the order of DOMAIN §4."""
    agreement = installation.partners.agreements.get(file.partner)
    if agreement is None:
        return file.refused("unknown_partner", "its folder in the inbox has no agreement; add one or remove the folder")
    limit = installation.settings.max_file_mb
    too_large = file.size_bytes > limit * 1024 * 1024
    read = None
    if not too_large and file.archived is not None:
        read = read_delivery(
            connection, file.archived, agreement, rows_table, private_folder(installation.home.scratch),
            name=file.file_name, max_mb=limit,
        )  # fmt: skip
        file = replace(
            file,
            row_count=read.row_count,
            missing_optional=read.missing_optional,
            unexpected_columns=read.unexpected_columns,
            rows_table=rows_table if read.row_count is not None else None,
        )
        if file.rows_table:
            file = replace(file, reference_date_max=_latest_reference_date(connection, rows_table, agreement))
    if not agreement.is_owed(file.month):
        period = f"{month_text(agreement.valid_from)} to "
        period += month_text(agreement.valid_until) if agreement.valid_until else "now"
        return file.refused("not_active", f"the agreement holds for {period}")
    if too_large:
        return file.refused("too_large", f"{file.size_bytes / 1024 / 1024:.1f} MB, the limit is {limit:g}")
    if read is None:
        return file.refused("unreadable", "its bytes are no longer in the inbox nor in the archive")
    if read.refusal:
        return file.refused(read.refusal, read.detail)
    if file.row_count and (earlier := _delivered_before(connection, file)):
        return file.refused("stale_copy", f"the same bytes were delivered for {month_text(earlier)}")
    return replace(file, detail=read.detail or None)


def _latest_reference_date(connection: duckdb.DuckDBPyConnection, rows_table: str, agreement: Agreement) -> date | None:
    (latest,) = fetch_one(
        connection,
        f"""
        SELECT max(date_of(written, ?, typed))
        -- A delivery has a handful of reference dates; reading each once is quicker by far.
        FROM (
            SELECT DISTINCT
                text_of(reference_date) AS written,
                coalesce(list_contains(typed, 'reference_date'), false) AS typed
            FROM {rows_table}
        )
        """,
        [agreement.delivery.dates],
    )
    return latest if latest is None else date.fromisoformat(str(latest))


def _delivered_before(connection: duckdb.DuckDBPyConnection, file: DeliveryFile) -> date | None:
    row = connection.execute(
        """
        SELECT max(month) FROM delivery_files
        WHERE partner = ? AND file_sha256 = ? AND month < getvariable('month') AND status IN ('accepted', 'superseded')
        """,
        [file.partner, file.file_sha256],
    ).fetchone()
    return row[0] if row else None


def _without_superseded(files: list[DeliveryFile]) -> list[DeliveryFile]:
    """Of the accepted files of a partner the newest stays its delivery, the others are superseded."""
    newest: dict[str, DeliveryFile] = {}
    for file in files:
        if file.status == "accepted":
            rival = newest.get(file.partner)
            if rival is None or (file.received_at, file.file_name) > (rival.received_at, rival.file_name):
                newest[file.partner] = file
    return [
        replace(file, status="superseded") if file.status == "accepted" and newest[file.partner] is not file else file
        for file in files
    ]


def _keep(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, files: list[DeliveryFile]
) -> None:
    agreements = installation.partners.agreements
    due = {p: a.due(month) for p, a in agreements.items() if a.is_owed(month)}
    columns = """
        month DATE, partner VARCHAR, file_sha256 VARCHAR, file_name VARCHAR, received_at TIMESTAMPTZ,
        size_bytes BIGINT, status VARCHAR, refusal VARCHAR, detail VARCHAR, row_count INTEGER,
        reference_date_max DATE, due_at TIMESTAMPTZ, missing_optional VARCHAR[], unexpected_columns VARCHAR[]
    """
    rows = [
        (
            f.month, f.partner, f.file_sha256, f.file_name, f.received_at, f.size_bytes, f.status, f.refusal, f.detail,
            f.row_count, f.reference_date_max, due.get(f.partner), list(f.missing_optional), list(f.unexpected_columns),
        )
        for f in files
    ]  # fmt: skip
    temporary_table(connection, "judged_files", columns, rows)
    fields = ", ".join(DELIVERED_FIELDS)
    read = [file for file in files if file.rows_table]
    with transaction(connection):
        connection.execute("DELETE FROM delivery_files WHERE month = getvariable('month')")
        connection.execute("INSERT INTO delivery_files BY NAME FROM judged_files")
        connection.execute("DELETE FROM raw.delivery_rows WHERE month = getvariable('month')")
        # Several files in a statement, so that DuckDB works on them at once; not all, as its parser allows only so much.
        for start in range(0, len(read), _FILES_AT_ONCE):
            batch = read[start : start + _FILES_AT_ONCE]
            selects = [
                f"SELECT getvariable('month') AS month, ? AS partner, ? AS file_sha256, row_number, {fields}, typed "
                f"FROM {f.rows_table}"
                for f in batch
            ]
            connection.execute(
                f"INSERT INTO raw.delivery_rows BY NAME {' UNION ALL '.join(selects)}",
                [value for f in batch for value in (f.partner, f.file_sha256)],
            )
    for file in read:
        connection.execute(f"DROP TABLE {file.rows_table}")


def clear_leftovers(installation: Installation) -> None:
    """Removes what a killed run left half written. Only to be called by the one run that holds the lock."""
    shutil.rmtree(installation.home.scratch, ignore_errors=True)
    for folder in (installation.home.archive, installation.home.outbox):
        for leftover in folder.glob("**/.*.tmp"):
            leftover.unlink(missing_ok=True)
