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
from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE, Layout
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.senders import SenderAgreement
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import fetch_one, quoted, temporary_table, transaction

# Folder names in the archive of partners without an agreement are not to be trusted, so they share one.
UNKNOWN_PARTNERS = "_unknown"
_FILES_AT_ONCE = 50
# Refusals of a file as a whole, whoever is in it.
_WHOLE_FILE = ("too_large", "unreadable", "missing_columns")

Say = Callable[[str], None]


@dataclass(frozen=True)
class DeliveryFile(ReceivedFile):
    """One row of `delivery_files` in the making. `delivered_by`: the sender in whose file its rows stand, if any.
    `is_senders`: it stands for the file of a sender itself, with the rows that are of no known partner.
    """

    status: str = "accepted"
    refusal: str | None = None
    detail: str | None = None
    row_count: int | None = None
    reference_date_max: date | None = None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()
    rows_table: str | None = None
    delivered_by: str | None = None
    is_senders: bool = False

    @property
    def shown_as(self) -> str:
        """Whose it is, as may be shown: a folder without an agreement can have any name, also a person's (§12)."""
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
    """What an intake found. `changed`: partners whose accepted delivery is another than before. `unknown_rows`: how many
    rows in accepted files of each sender are of partners that its agreement does not name, where there are any.
    """

    files: list[DeliveryFile]
    changed: set[str]
    unknown_rows: Counter[str]
    skipped: Counter[str]

    @property
    def accepted(self) -> dict[str, DeliveryFile]:
        """The delivery of each partner that has one."""
        return {file.partner: file for file in self.files if file.status == "accepted" and not file.is_senders}

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
        each
        for number, file in enumerate(files, start=1)
        for each in _judge(connection, installation, file, f"delivered_{number}")
    ]
    judged = _without_superseded(_once(judged))
    _keep(connection, installation, month, judged)
    for reason, count in skipped.items():
        say(f"{month_text(month)} inbox: {count} left alone ({reason})")
    for said in _said(judged):
        say(f"{month_text(month)} {said}")
    after = {file.partner: file.file_sha256 for file in judged if file.status == "accepted"}
    changed = {partner for partner in before.keys() | after.keys() if before.get(partner) != after.get(partner)}
    unknown = {f.partner: f.row_count for f in judged if f.is_senders and f.status == "accepted" and f.row_count}
    return MonthIntake(judged, changed, Counter(unknown), skipped)


def _said(files: list[DeliveryFile]) -> list[str]:
    """What is to be told of files; what a sender's file says of itself and of its partners, in one line."""
    whose: dict[tuple[str, str, str | None, str], list[str]] = {}
    for file in files:
        if file.detail:
            of = (file.file_sha256, file.delivered_by or file.partner, file.refusal, file.detail)
            whose.setdefault(of, []).append(file.shown_as)
    return [
        f"{', '.join(partners)}: refused, {refusal} ({detail})" if refusal else f"{', '.join(partners)}: {detail}"
        for (_, _, refusal, detail), partners in whose.items()
    ]


def _files_of(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date
) -> tuple[list[DeliveryFile], Counter[str]]:
    settings = installation.settings
    listing = list_month(installation.home.inbox, month, settings.settle_seconds, installation.now())
    registered = connection.execute(
        # The partners in a sender's file follow from it anew.
        "SELECT partner, file_sha256, file_name, received_at, size_bytes FROM delivery_files "
        "WHERE month = getvariable('month') AND delivered_by IS NULL"
    ).fetchall()

    def folders_of(partner: str) -> tuple[str, ...]:
        known = installation.partners.is_known(partner)
        return (partner, UNKNOWN_PARTNERS) if known else (UNKNOWN_PARTNERS,)

    return files_of_month(installation, month, listing, registered, folders_of, DeliveryFile), listing.skipped


def _judge(
    connection: duckdb.DuckDBPyConnection, installation: Installation, file: DeliveryFile, rows_table: str
) -> list[DeliveryFile]:
    """The file with its verdict; that of a sender also as the file of each partner in it."""
    partners = installation.partners
    if sender := partners.senders.get(file.partner):
        return _judge_sent(connection, installation, sender, replace(file, is_senders=True), rows_table)
    agreement = partners.agreements.get(file.partner)
    if agreement is None:
        said = "its folder in the inbox has no agreement; add one or remove the folder"
        return [file.refused("unknown_partner", said)]
    if agreement.delivered_by:
        said = f"by the agreement it stands in the files of {agreement.delivered_by}, in the inbox folder of that name"
        return [file.refused("not_active", said)]
    file, read = _read(connection, installation, file, agreement, rows_table)
    if file.rows_table:
        file = replace(file, reference_date_max=_latest_reference_date(connection, rows_table, agreement))
    return [_verdict(connection, installation, file, agreement, read)]


def _judge_sent(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    sender: SenderAgreement,
    file: DeliveryFile,
    rows_table: str,
) -> list[DeliveryFile]:
    """A sender's file for itself, with its rows of unknown partners, and for each partner with rows in it.

    What cannot be used is also the refused file of each partner that is owed: it would have been in it.
    """
    file, read = _read(connection, installation, file, sender, rows_table)
    whole = _verdict(connection, installation, file, None, read)
    rows = _rows_by_partner(connection, sender, rows_table) if file.rows_table else None

    def part(of: DeliveryFile, partner: str) -> DeliveryFile:
        if rows is None:
            return of
        latest = _latest_reference_date(connection, f"{rows_table} WHERE partner = {quoted(partner)}", sender)
        return replace(of, row_count=rows[partner], reference_date_max=latest)

    own = part(whole, sender.sender)
    if own.status == "accepted" and own.row_count:
        said = f"{own.row_count} of {file.row_count} rows are of partners that agreements/{sender.sender}.yaml does not name"
        own = replace(own, detail="; ".join(filter(None, (own.detail, said))))
    judged = [own]
    for partner in sorted(set(sender.partners.values())):
        agreement = installation.partners.agreements[partner]
        lacks_all = whole.refusal in _WHOLE_FILE and agreement.is_owed(file.month)
        if lacks_all or (rows and rows[partner]):
            its = replace(file, partner=partner, delivered_by=sender.sender, is_senders=False, rows_table=None)
            judged.append(_verdict(connection, installation, part(its, partner), agreement, read))
    return judged


def _rows_by_partner(connection: duckdb.DuckDBPyConnection, sender: SenderAgreement, rows_table: str) -> Counter[str]:
    """How many rows of a sender's file are of each partner, that of the sender being those of nobody it names.

    Gives the table a column `partner`.
    """
    name = f"text_of({PARTNER_IN_FILE})"
    written = connection.execute(f"SELECT DISTINCT {name} FROM {rows_table}").fetchall()
    meant = [(one, partner) for (one,) in written if (partner := sender.partner_of(one))]
    temporary_table(connection, "names_in_file", "name VARCHAR, partner VARCHAR", meant)
    connection.execute(f"ALTER TABLE {rows_table} ADD COLUMN partner VARCHAR DEFAULT {quoted(sender.sender)}")
    connection.execute(
        f"UPDATE {rows_table} SET partner = meant.partner FROM names_in_file AS meant WHERE {name} = meant.name"
    )
    return Counter(dict(connection.execute(f"SELECT partner, count(*) FROM {rows_table} GROUP BY partner").fetchall()))


def _read(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: DeliveryFile,
    layout: Layout,
    rows_table: str,
) -> tuple[DeliveryFile, ReadDelivery | None]:
    """The file with what was read of it; None where it is too large, or its bytes are gone."""
    limit = installation.settings.max_file_mb
    if _is_too_large(installation, file) or file.archived is None:
        return file, None
    read = read_delivery(
        connection, file.archived, layout, rows_table, private_folder(installation.home.scratch),
        name=file.file_name, max_mb=limit,
    )  # fmt: skip
    return replace(
        file,
        row_count=read.row_count,
        missing_optional=read.missing_optional,
        unexpected_columns=read.unexpected_columns,
        rows_table=rows_table if read.row_count is not None else None,
    ), read


def _is_too_large(installation: Installation, file: DeliveryFile) -> bool:
    return file.size_bytes > installation.settings.max_file_mb * 1024 * 1024


def _verdict(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: DeliveryFile,
    agreement: Agreement | None,
    read: ReadDelivery | None,
) -> DeliveryFile:
    """The file accepted or refused; of several refusals the first in the order of DOMAIN §4. None: of a sender itself,
    which owes nothing."""
    if agreement and not agreement.is_owed(file.month):
        period = f"{month_text(agreement.valid_from)} to "
        period += month_text(agreement.valid_until) if agreement.valid_until else "now"
        return file.refused("not_active", f"the agreement holds for {period}")
    if _is_too_large(installation, file):
        limit = installation.settings.max_file_mb
        return file.refused("too_large", f"{file.size_bytes / 1024 / 1024:.1f} MB, the limit is {limit:g}")
    if read is None:
        return file.refused("unreadable", "its bytes are no longer in the inbox nor in the archive")
    if read.refusal:
        return file.refused(read.refusal, read.detail)
    if file.row_count and (earlier := _delivered_before(connection, file)):
        return file.refused("stale_copy", f"the same bytes were delivered for {month_text(earlier)}")
    return replace(file, detail=read.detail or None)


def _once(files: list[DeliveryFile]) -> list[DeliveryFile]:
    """Without what a partner put in its own folder when the same bytes came from its sender: they are one delivery."""
    sent = {(file.partner, file.file_sha256) for file in files if file.delivered_by}
    return [file for file in files if file.delivered_by or (file.partner, file.file_sha256) not in sent]


def _latest_reference_date(connection: duckdb.DuckDBPyConnection, rows: str, layout: Layout) -> date | None:
    (latest,) = fetch_one(
        connection,
        f"""
        SELECT max(date_of(written, ?, typed))
        -- A delivery has a handful of reference dates; reading each once is quicker by far.
        FROM (
            SELECT DISTINCT
                text_of(reference_date) AS written,
                coalesce(list_contains(typed, 'reference_date'), false) AS typed
            FROM {rows}
        )
        """,
        [layout.delivery.dates],
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
        delivered_by VARCHAR, size_bytes BIGINT, status VARCHAR, refusal VARCHAR, detail VARCHAR, row_count INTEGER,
        reference_date_max DATE, due_at TIMESTAMPTZ, missing_optional VARCHAR[], unexpected_columns VARCHAR[]
    """
    rows = [
        (
            f.month, f.partner, f.file_sha256, f.file_name, f.received_at, f.delivered_by, f.size_bytes, f.status,
            f.refusal, f.detail, f.row_count, f.reference_date_max, due.get(f.partner), list(f.missing_optional),
            list(f.unexpected_columns),
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
                f"SELECT getvariable('month') AS month, {'partner' if f.is_senders else quoted(f.partner)} AS partner, "
                f"{quoted(f.file_sha256)} AS file_sha256, row_number, {fields}, typed FROM {f.rows_table}"
                for f in batch
            ]
            connection.execute(f"INSERT INTO raw.delivery_rows BY NAME {' UNION ALL '.join(selects)}")
    for file in read:
        connection.execute(f"DROP TABLE {file.rows_table}")


def clear_leftovers(installation: Installation) -> None:
    """Removes what a killed run left half written. Only to be called by the one run that holds the lock."""
    shutil.rmtree(installation.home.scratch, ignore_errors=True)
    for folder in (installation.home.archive, installation.home.outbox):
        for leftover in folder.glob("**/.*.tmp"):
            leftover.unlink(missing_ok=True)
