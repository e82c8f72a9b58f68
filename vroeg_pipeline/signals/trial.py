"""Reads a file by an agreement without keeping anything: by the reader and the statements of a month, in memory.

Rows are judged without a register and without what an installation knows of earlier months. What comes out is numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.deliveries.intake import keep_month
from vroeg_pipeline.deliveries.judged_files import DeliveryFile, judge_file
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.layouts import PARTNER_IN_FILE, Layout
from vroeg_pipeline.domain.months import TIME_ZONE, amsterdam_day
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.formats.delivery import read_delivery
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline.installation.statements import (
    MEMORY_LIMIT,
    fetch_one,
    insert_rows,
    quoted,
    rows_of,
    sql,
    temporary_step,
)
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows

# What only an installation can say: it has the register, the postcode areas, earlier months and slips.
NOT_JUDGED = ("outside_area", "stale_copy", "addresses against a register", "withdrawals and confirmations")


@dataclass(frozen=True)
class ColumnReading:
    """What became of one field: rows by what is in it, and the first row with something wrong, from 1."""

    field: str
    filled: int
    empty: int
    unreadable: int
    first_empty: int | None
    first_unreadable: int | None


@dataclass(frozen=True)
class Trial:
    """What a file gives under an agreement. `detail`: of a refused file why; else what is to be known besides, if anything.
    `partners`: rows of each partner in a sender's file."""

    month: date
    refusal: str | None
    detail: str | None
    rows: int
    rejected: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    columns: tuple[ColumnReading, ...] = ()
    partners: tuple[tuple[str, int], ...] = ()

    @property
    def accepted(self) -> int:
        return self.rows - self.rejected


def try_file(
    path: Path, partners: Partners, folder: str, scratch: Path, settings: Settings, month: date | None = None
) -> Trial:
    """Reads a file as if it lay in that folder of the inbox, of a partner or sender.

    `month`: None is that of its latest reference date. `scratch`: a private folder, which stays empty. The agreements are
    taken to hold for the month.
    """
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    day = amsterdam_day(moment)
    first = month or date(day.year, day.month, 1)
    installation = Installation(Home(scratch), _held(partners.under(settings.thresholds)), settings, lambda: moment)
    with _in_memory(scratch) as connection:
        installation.define_macros(connection)
        installation.set_month(connection, first)
        file = DeliveryFile(first, folder, "tried", path.name, moment, path.stat().st_size, path)
        files = judge_file(connection, installation, file, "tried_rows", decisions={})
        latest = max((f.reference_date_max for f in files if f.reference_date_max), default=None)
        if month is None and latest and latest.replace(day=1) != first:
            first = latest.replace(day=1)
            installation.set_month(connection, first)
        files = [replace(f, month=first) for f in files]
        whole = files[0]
        if whole.refusal:
            return Trial(first, whole.refusal, whole.detail, whole.row_count or 0)
        keep_month(connection, installation, first, files)
        define_address_macros(connection, installation)
        judge_delivered_rows(connection, installation.home)
        insert_rows(connection, "rejected_rows", sql("rejected_rows"))
        reasons = connection.execute(
            "SELECT reason, count(*) AS found FROM (SELECT unnest(reasons) AS reason FROM rejected_rows) "
            "GROUP BY reason ORDER BY found DESC, reason"
        ).fetchall()
        (rejected,) = fetch_one(connection, "SELECT count(*) FROM rejected_rows")
        temporary_step(connection, "delivered_rows")
        columns = [ColumnReading(**row) for row in rows_of(connection, sql("column_readings"))]
        rows = sum(f.row_count or 0 for f in files)
        per_partner = Counter({f.partner: f.row_count or 0 for f in files if f.delivered_by})
        return Trial(
            first, None, whole.detail, rows, rejected, tuple(reasons), tuple(columns), tuple(per_partner.items())
        )


def names_of_partners(path: Path, layout: Layout, scratch: Path, settings: Settings) -> list[str]:
    """The different names in the column of partners, as they are written. Empty where the file cannot be read."""
    with _in_memory(scratch) as connection:
        connection.execute("CREATE TEMP MACRO parse_delivered_date(value, date_format) AS NULL::DATE")
        connection.execute(sql("macros"))
        read_delivery(connection, path, layout, "tried_rows", scratch, name=path.name, max_mb=settings.max_file_mb)
        query = (
            f"SELECT DISTINCT text_of({PARTNER_IN_FILE}) AS name FROM tried_rows WHERE name IS NOT NULL ORDER BY name"
        )
        return [name for (name,) in connection.execute(query).fetchall()]


def _held(partners: Partners) -> Partners:
    """The same, as if each agreement held for every month."""
    always: list[Agreement] = [
        agreement.model_copy(update={"valid_from": date.min, "valid_until": None, "succeeds": ()})
        for agreement in partners.agreements.values()
    ]
    return Partners.of(always, partners.senders.values())


@contextmanager
def _in_memory(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse. Errors of DuckDB may quote a row, so of those only the kind is told."""
    try:
        with duckdb.connect() as connection:
            connection.execute(f"SET TimeZone = '{TIME_ZONE}'")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET temp_directory = {quoted(str(spill / 'spill'))}")
            connection.execute("SET autoinstall_known_extensions = false")
            create_tables(connection)
            yield connection
    except duckdb.Error as error:
        raise RuntimeError(f"the trial could not be read ({type(error).__name__}, values left out)") from None
