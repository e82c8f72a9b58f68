"""From the files of a month to the delivery register: which of them is the delivery, and its rows (DOMAIN §4).

What a single file is stands in `deliveries.judged_files`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from vroeg_pipeline.deliveries.erased_rows import keep_without
from vroeg_pipeline.deliveries.file_decisions import decisions_of_month
from vroeg_pipeline.deliveries.inbox import UNKNOWN_PARTNERS, list_month
from vroeg_pipeline.deliveries.judged_files import DeliveryFile, delivered_before, judge_file
from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.deliveries.received import files_of_month, kept_of_month
from vroeg_pipeline.deliveries.standing import with_standing
from vroeg_pipeline.domain.agreements import RESERVED_PARTNERS, Agreement
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.delivery import ReadDelivery
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import kept_at
from vroeg_pipeline.installation.requests import Asked, in_force
from vroeg_pipeline.installation.statements import quoted, temporary_table, transaction

_FILES_AT_ONCE = 50

Say = Callable[[str], None]


@dataclass(frozen=True)
class MonthIntake:
    """What an intake found. `before`: the files of each partner (SHA-256) that were accepted before it. `unknown_rows`: how
    many rows in accepted files of each sender are of partners that its agreement does not name, where there are any.
    """

    files: list[DeliveryFile]
    before: Mapping[str, Sequence[str]]
    unknown_rows: Counter[str]
    skipped: Counter[str]

    @property
    def changed(self) -> set[str]:
        """The partners and senders whose accepted files are others than before."""
        after: dict[str, set[str]] = {}
        for file in self.files:
            if file.status == "accepted":
                after.setdefault(file.partner, set()).add(file.file_sha256)
        return {of for of in self.before.keys() | after.keys() if set(self.before.get(of, ())) != after.get(of, set())}

    @property
    def accepted(self) -> dict[str, list[DeliveryFile]]:
        """The files of each partner whose rows count, oldest first."""
        accepted: dict[str, list[DeliveryFile]] = {}
        for file in sorted(self.files, key=lambda file: (file.received_at, file.file_name)):
            if file.status == "accepted" and not file.is_senders:
                accepted.setdefault(file.partner, []).append(file)
        return accepted

    def of(self, agreement: Agreement, month: date) -> PartnerMonth:
        """What it found of one partner."""
        own = [file.registered for file in self.files if file.partner == agreement.partner]
        return PartnerMonth(agreement, month, own)


def take_in(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, say: Say) -> MonthIntake:
    """Registers, archives and reads every file of the month, those seen before included, and replaces the month.

    The result depends on the files ever seen and the agreements alone, not on the order in which runs saw them.
    """
    files, skipped = _files_of(connection, installation, month)
    before: dict[str, Sequence[str]] = dict(
        connection.execute(
            "SELECT partner, list(file_sha256) FROM delivery_files WHERE month = getvariable('month') "
            "AND status = 'accepted' GROUP BY partner"
        ).fetchall()
    )
    decisions = decisions_of_month(connection, installation.home, month)
    erasing = in_force(installation.home, Asked.ERASE)
    earlier = delivered_before(connection, files)
    judged = [
        each
        for number, file in enumerate(files, start=1)
        for each in judge_file(connection, installation, file, f"delivered_{number}", decisions, erasing, earlier)
    ]
    judged = with_standing(connection, installation, _once(judged))
    keep_month(connection, installation, month, judged)
    for reason, count in skipped.items():
        say(f"{month_text(month)} inbox: {count} left alone ({reason})")
    for said in _said(judged):
        say(f"{month_text(month)} {said}")
    unknown: Counter[str] = Counter()
    for file in judged:
        if file.is_senders and file.status == "accepted" and file.row_count:
            unknown[file.partner] += file.row_count
    return MonthIntake(judged, before, unknown, skipped)


def erase_in_deliveries(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    holds: Callable[[Path], bool],
    without: Callable[[str], str],
) -> int:
    """Takes the rows of residents who were erased out of all files of the month, whatever became of them; gives how many
    files that changed.

    `holds`: whether a file that cannot be read names who is erased: of such a one nothing is kept. `without`: the name of
    a file without theirs.
    """
    erasing = in_force(installation.home, Asked.ERASE)
    changed = 0
    files = _files_of(connection, installation, month)[0]
    earlier = delivered_before(connection, files)
    for found in files:
        file = replace(found, file_name=without(found.file_name))
        before = kept_at(file.archived)
        judged = judge_file(connection, installation, file, "erased_from", {}, erasing, earlier)
        connection.execute("DROP TABLE IF EXISTS erased_from")
        if file.archived and judged[0].status == "refused" and not kept_at(file.archived) and holds(file.archived):
            gone = ReadDelivery("unreadable", Fault.BYTES_GONE.said(), None)
            nothing = "SELECT 0 AS row_number LIMIT 0"
            keep_without(connection, installation, file, gone, [], nothing, called=without(file.partner))
        changed += kept_at(file.archived) != before
    return changed


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
    home, settings = installation.home, installation.settings
    listing = list_month(home.inbox, month, settings.settle_seconds, installation.now())
    registered = connection.execute(
        # The partners in a sender's file follow from it anew.
        "SELECT partner, file_sha256, file_name, received_at, size_bytes FROM delivery_files "
        "WHERE month = getvariable('month') AND delivered_by IS NULL"
    ).fetchall()

    def folders_of(partner: str) -> tuple[str, ...]:
        known = installation.partners.is_known(partner)
        return (partner, UNKNOWN_PARTNERS) if known else (UNKNOWN_PARTNERS,)

    folders = [path.name for path in home.archive.glob("*") if path.name not in RESERVED_PARTNERS]
    before = [*registered, *kept_of_month(connection, home, month, *folders)]
    return files_of_month(installation, month, listing, before, folders_of, DeliveryFile), listing.skipped


def _once(files: list[DeliveryFile]) -> list[DeliveryFile]:
    """Without what a partner put in its own folder when the same bytes came from its sender: they are one delivery."""
    sent = {(file.partner, file.file_sha256) for file in files if file.delivered_by}
    return [file for file in files if file.delivered_by or (file.partner, file.file_sha256) not in sent]


def keep_month(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date, files: list[DeliveryFile]
) -> None:
    """Replaces the files and rows of the month at work by these."""
    agreements = installation.partners.agreements
    due = {p: a.due(month) for p, a in agreements.items() if a.is_owed(month)}
    columns = """
        month DATE, partner VARCHAR, file_sha256 VARCHAR, file_name VARCHAR, received_at TIMESTAMPTZ,
        delivered_by VARCHAR, size_bytes BIGINT, status VARCHAR, refusal VARCHAR, detail VARCHAR,
        detail_in_dutch VARCHAR, adds BOOLEAN,
        decision VARCHAR, delivers BOOLEAN, references_lacking INTEGER, references_before INTEGER, row_count INTEGER,
        erased_count INTEGER, reference_date_max DATE, due_at TIMESTAMPTZ, missing_optional VARCHAR[],
        unexpected_columns VARCHAR[]
    """
    rows = [
        (
            f.month, f.partner, f.file_sha256, f.file_name, f.received_at, f.delivered_by, f.size_bytes, f.status,
            f.refusal, f.detail, f.detail_in_dutch, f.adds, f.decision, f.delivers, f.references_lacking,
            f.references_before, f.row_count, f.erased_count, f.reference_date_max, due.get(f.partner),
            list(f.missing_optional), list(f.unexpected_columns),
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
