"""What a file of the inbox is: read, accepted or refused, and whose (DOMAIN §4).

Rows are judged by `signals/row_verdicts.sql`; how a format is read is the knowledge of `formats`. Which of several files is
the delivery is decided by the intake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import duckdb

from vroeg_pipeline.deliveries.erased_rows import Erased, erase_rows, read_kept_rows
from vroeg_pipeline.deliveries.file_decisions import Decision, Decisions
from vroeg_pipeline.deliveries.received import ReceivedFile
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE, Layout
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.domain.senders import SenderAgreement
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import is_kept
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.requests import Request
from vroeg_pipeline.installation.statements import quoted, temporary_table

# The last earlier month in which a partner delivered the same bytes: by partner and SHA-256.
Earlier = Mapping[tuple[str, str], date]
_NONE_EARLIER: Earlier = MappingProxyType({})

# Refusals of a file as a whole, whoever is in it.
_WHOLE_FILE = ("too_large", "unreadable", "missing_columns")


@dataclass(frozen=True)
class DeliveryFile(ReceivedFile):
    """One row of `delivery_files` in the making. `delivered_by`: the sender in whose file its rows stand, if any.
    `is_senders`: it stands for the file of a sender itself, with the rows that are of no known partner. `rows_in`: where its
    own rows stand until the register has them, for FROM; `erased_references`: keyed hashes of those of rows that are gone.
    """

    status: str = "accepted"
    adds: bool | None = None
    decision: str | None = None
    delivers: bool | None = None
    references_lacking: int | None = None
    references_before: int | None = None
    refusal: str | None = None
    detail: str | None = None
    detail_in_dutch: str | None = None
    row_count: int | None = None
    erased_count: int | None = None
    erased_references: frozenset[str] = frozenset()
    reference_date_max: date | None = None
    missing_optional: tuple[str, ...] = ()
    unexpected_columns: tuple[str, ...] = ()
    rows_table: str | None = None
    rows_in: str | None = None
    delivered_by: str | None = None
    is_senders: bool = False

    @property
    def shown_as(self) -> str:
        """Whose it is, as may be shown: a folder without an agreement can have any name, also a person's (§12)."""
        return self.partner if self.refusal != "unknown_partner" else "(no agreement)"

    @property
    def is_addition(self) -> bool:
        """Whether it adds to the delivery: by its name, unless a person decided."""
        if self.decision in (Decision.ADDITION, Decision.REPLACEMENT):
            return self.decision == Decision.ADDITION
        return bool(self.adds)

    @property
    def registered(self) -> RegisteredFile:
        """What the register will say of it, before its rows are measured."""
        return RegisteredFile(
            self.status, self.refusal, self.received_at, self.reference_date_max, self.row_count, detail=self.detail,
            detail_in_dutch=self.detail_in_dutch, is_addition=self.is_addition,
        )  # fmt: skip

    def refused(self, fault: Fault, **details: object) -> DeliveryFile:
        return self.refused_as(fault.refusal, fault.said(**details))

    def refused_as(self, refusal: str, said: Said) -> DeliveryFile:
        return replace(self, status="refused", refusal=refusal, detail=said.english, detail_in_dutch=said.dutch)


def judge_file(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: DeliveryFile,
    rows_table: str,
    decisions: Decisions,
    erasing: Collection[Request] = (),
    earlier: Earlier = _NONE_EARLIER,
) -> list[DeliveryFile]:
    """The file with its verdict; that of a sender also as the file of each partner in it.

    `erasing`: the requests of residents whose rows are counted, and kept nowhere: not in the archive, nor in the inbox.
    `earlier`: as `delivered_before` gives it.
    """
    partners = installation.partners
    if sender := partners.senders.get(file.partner):
        file = replace(file, is_senders=True)
        return _judge_sent(connection, installation, sender, file, rows_table, decisions, erasing, earlier)
    agreement = partners.agreements.get(file.partner)
    if agreement is None:
        return [file.refused(Fault.NO_AGREEMENT)]
    file = _as_agreed(file, [agreement], decisions)
    if agreement.delivered_by:
        return [file.refused(Fault.BY_SENDER, sender=agreement.delivered_by)]
    file, read = _read(connection, installation, file, agreement, rows_table)
    if file.rows_table and read:
        partner = quoted(file.partner)
        erased = erase_rows(connection, installation, file, read, agreement, rows_table, partner, erasing)
        file = _counted(replace(file, rows_in=rows_table), file.row_count or 0, erased)
    return [_verdict(installation, file, agreement, read, earlier)]


def _as_agreed(file: DeliveryFile, agreements: Sequence[Agreement], decisions: Decisions) -> DeliveryFile:
    """The file with what its name and what people decided make of it, under the agreements that it can be of."""
    adds = any(agreement.adds(file.file_name) for agreement in agreements)
    file = replace(file, adds=adds, decision=decisions.get((file.partner, file.file_sha256)))
    in_parts = any(agreement.is_delivered_in_parts for agreement in agreements)
    return replace(file, delivers=in_parts or not file.is_addition)


def _judge_sent(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    sender: SenderAgreement,
    file: DeliveryFile,
    rows_table: str,
    decisions: Decisions,
    erasing: Collection[Request],
    earlier: Earlier,
) -> list[DeliveryFile]:
    """A sender's file for itself, with its rows of unknown partners, and for each partner with rows in it.

    What cannot be used is also the refused file of each partner whose agreement holds: it would have been in it.
    """
    served = {partner: installation.partners.agreements[partner] for partner in sorted(set(sender.partners.values()))}
    # Its own rows are still to be told of when an addition for one of its partners came.
    file = _as_agreed(file, [*served.values()], decisions)
    file, read = _read(connection, installation, file, sender, rows_table)
    whole = _verdict(installation, file, None, read, earlier)
    rows, erased = None, Erased()
    if file.rows_table and read:
        rows = _rows_by_partner(connection, sender, rows_table)
        erased = erase_rows(connection, installation, file, read, sender, rows_table, "partner", erasing)

    def part(of: DeliveryFile, partner: str) -> DeliveryFile:
        if rows is None:
            return of
        own_rows = f"{rows_table} WHERE partner = {quoted(partner)}"
        return _counted(replace(of, rows_in=own_rows), rows[partner], erased, partner)

    own = part(whole, sender.sender)
    if own.status == "accepted" and own.row_count:
        said = f"{own.row_count} of {file.row_count} rows are of partners that agreements/{sender.sender}.yaml does not name"
        own = replace(own, detail="; ".join(filter(None, (own.detail, said))))
    judged = [own]
    for partner, agreement in served.items():
        lacks_all = whole.refusal in _WHOLE_FILE and agreement.is_active(file.month)
        if lacks_all or (rows and rows[partner] + erased.before[partner]):
            its = replace(file, partner=partner, delivered_by=sender.sender, is_senders=False, rows_table=None)
            its = _as_agreed(its, [agreement], decisions)
            judged.append(_verdict(installation, part(its, partner), agreement, read, earlier))
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


def _counted(file: DeliveryFile, read: int, erased: Erased, partner: str | None = None) -> DeliveryFile:
    """The file, or its part of a partner, with what all its rows tell: those that were read, and those erased before."""
    partner = partner or file.partner
    return replace(
        file,
        row_count=read + erased.before[partner],
        erased_count=erased.before[partner] + erased.now[partner],
        erased_references=frozenset(reference for of, reference in erased.references if of == partner),
        reference_date_max=erased.latest.get(partner),
    )


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
    if is_kept(file.archived):
        read = read_kept_rows(connection, file.archived, rows_table)
    else:
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
    installation: Installation,
    file: DeliveryFile,
    agreement: Agreement | None,
    read: ReadDelivery | None,
    earlier: Earlier,
) -> DeliveryFile:
    """The file accepted or refused; of several refusals the first in the order of DOMAIN §4. None: of a sender itself,
    which owes nothing."""
    if agreement and not agreement.is_active(file.month):
        until = month_text(agreement.valid_until) if agreement.valid_until else "now"
        return file.refused(Fault.NOT_ACTIVE, since=month_text(agreement.valid_from), until=until)
    if file.decision == Decision.REFUSED:
        return file.refused(Fault.REFUSED_BY_PERSON)
    if _is_too_large(installation, file):
        limit = installation.settings.max_file_mb
        size = f"{file.size_bytes / 1024 / 1024:.1f}"
        return file.refused(Fault.TOO_LARGE, size=Said(size, size.replace(".", ",")), limit=f"{limit:g}")
    if read is None:
        return file.refused(Fault.BYTES_GONE)
    if read.refusal and read.said:
        return file.refused_as(read.refusal, read.said)
    if file.row_count and (before := earlier.get((file.partner, file.file_sha256))):
        return file.refused(Fault.SAME_AS_BEFORE, month=month_text(before))
    if read.said is None:
        return file
    return replace(file, detail=read.said.english, detail_in_dutch=read.said.dutch)


def delivered_before(connection: duckdb.DuckDBPyConnection, files: Iterable[ReceivedFile]) -> Earlier:
    """The last month before the one at work in which a partner delivered the same bytes as one of these files; asked once
    for all of them, as a DuckLake answers a small question no sooner than a large one.
    """
    rows = connection.execute(
        """
        SELECT partner, file_sha256, max(month) FROM delivery_files
        WHERE list_contains(?::VARCHAR[], file_sha256) AND month < getvariable('month')
            AND status IN ('accepted', 'superseded', 'questioned')
        GROUP BY partner, file_sha256
        """,
        [[file.file_sha256 for file in files]],
    ).fetchall()
    return {(partner, file_sha256): month for partner, file_sha256, month in rows}
