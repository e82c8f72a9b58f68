"""Takes the rows of residents who were erased out of a delivered file, for good (DOMAIN §14).

They are found as the file is read, before anything of it reaches the warehouse; what remains takes the place of its bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType

import duckdb

from vroeg_pipeline.deliveries.inbox import UNKNOWN_PARTNERS, find_archived, list_month, take_bytes_out_of_inbox
from vroeg_pipeline.deliveries.received import ReceivedFile
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.domain.refusals import Said
from vroeg_pipeline.formats.delivery import ReadDelivery
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import KeptFile, is_kept, kept_path, read_kept, rows_kept, write_kept
from vroeg_pipeline.installation.requests import Request, find_requested
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import fetch_one, quoted


@dataclass(frozen=True)
class Erased:
    """How many rows of each partner in a file are erased: `before`, so that they were not read, and `now`. `latest`: the
    latest readable reference date of each partner's rows, erased ones too; `references`: the partner and the keyed hash of
    the customer reference of each erased one.
    """

    before: Counter[str] = field(default_factory=Counter)
    now: Counter[str] = field(default_factory=Counter)
    latest: Mapping[str, date] = field(default_factory=dict)
    references: Collection[tuple[str, str]] = ()


# Row number, partner, and the keyed hashes of its reference, and of that with its address: that a file had somebody still
# tells whether the next one lost people (DOMAIN §4), and which row behind it is a double (§5). Without one where none was
# written, or none was kept.
_ErasedRow = tuple[int, str, str | None, str | None]


def read_kept_rows(connection: duckdb.DuckDBPyConnection, path: Path, into: str) -> ReadDelivery:
    """What `read_delivery` made of the file, without the rows that were erased since."""
    about = read_kept(connection, path).about
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {into} AS FROM {rows_kept(path)}")
    (count,) = fetch_one(connection, f"SELECT count(*) FROM {into}")
    said = Said(*about["said"]) if about["said"] else None
    return ReadDelivery(
        about["refusal"],
        said,
        count if about["is_readable"] else None,
        tuple(about["missing_optional"]),
        tuple(about["unexpected_columns"]),
    )


def erase_rows(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: ReceivedFile,
    read: ReadDelivery,
    layout: Layout,
    rows_table: str,
    partner: str,
    erasing: Collection[Request],
) -> Erased:
    """Removes the rows that the requests mean from the table of what was read, and from the archive and the inbox.

    `partner`: whose a row is, in SQL. Gives how many rows are erased by now, and what stays known of them.
    """
    before, known = _erased_before(connection, file)
    read_now = _latest_reference_dates(connection, rows_table, layout, partner)
    latest = {of: max(each[of] for each in (known, read_now) if of in each) for of in {**known, **read_now}}
    found: list[_ErasedRow] = []
    if erasing:
        find_requested(connection, installation.home, erasing, _identified(rows_table, layout, partner))
        key = hash_key(installation.home)
        found = [
            (number, of, reference_hash(key, of, reference) if reference else None, at_address)
            for number, of, reference, at_address in connection.execute(
                f"SELECT row_number, {partner}, text_of(customer_reference), customer_at_address_hash({partner}, line) "
                f"FROM {rows_table} AS line WHERE row_number IN (SELECT place FROM requested)"
            ).fetchall()
        ]
    if found:
        connection.execute(f"DELETE FROM {rows_table} WHERE row_number IN (SELECT place FROM requested)")
        keep_without(connection, installation, file, read, [*before, *found], f"SELECT * FROM {rows_table}", latest)
    references = [(of, reference) for _, of, reference, _ in (*before, *found) if reference]
    return Erased(Counter(of for _, of, *_ in before), Counter(of for _, of, *_ in found), latest, references)


def reference_hash(key: bytes, partner: str, reference: str) -> str:
    """What stands for a partner's customer reference that may not be kept, as in requests."""
    return keyed_hash(key, f"reference|{partner}|{reference}")


def keep_without(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    file: ReceivedFile,
    read: ReadDelivery,
    erased: Collection[_ErasedRow],
    rows: str,
    latest: Mapping[str, date] = MappingProxyType({}),
    called: str | None = None,
) -> None:
    """Puts what remains of the file in place of its bytes; `erased`: each row that is gone. `latest`: as of `Erased`.
    `called`: what its folder is called from now on, where that has no agreement.
    """
    if file.archived is None:
        return
    about = {
        "partner": called or file.partner,
        "refusal": read.refusal,
        "said": [read.said.english, read.said.dutch] if read.said else None,
        "is_readable": read.row_count is not None,
        "missing_optional": read.missing_optional,
        "unexpected_columns": read.unexpected_columns,
        "erased": sorted(erased, key=lambda row: row[:2]),
        "latest": {partner: day.isoformat() for partner, day in latest.items()},
    }
    kept = KeptFile(file.file_sha256, file.file_name, file.received_at, file.size_bytes, about)
    has_partner = connection.execute(f"DESCRIBE {rows}").fetchall()
    if any(column[0] == "partner" for column in has_partner):
        rows = f"SELECT * EXCLUDE (partner) FROM ({rows})"
    write_kept(connection, file.archived, kept, rows)
    listing = list_month(installation.home.inbox, file.month, 0, installation.now())
    own = [each for each in listing.files if each.partner == file.partner]
    take_bytes_out_of_inbox(own, file.file_sha256, file.size_bytes)


def _erased_before(
    connection: duckdb.DuckDBPyConnection, file: ReceivedFile
) -> tuple[list[_ErasedRow], dict[str, date]]:
    """Each row that was erased before, and the latest reference dates known then."""
    if file.archived is None or not is_kept(file.archived):
        return [], {}
    kept = kept_path(file.archived)
    # Releases before this one noted no dates.
    known = read_kept(connection, kept).about.get("latest", {})
    return _erased_of(connection, kept), {partner: date.fromisoformat(day) for partner, day in known.items()}


def _erased_of(connection: duckdb.DuckDBPyConnection, kept: Path) -> list[_ErasedRow]:
    """Of releases before this one some are without hashes."""
    rows = read_kept(connection, kept).about["erased"]
    return [(number, partner, *(*hashes, None, None)[:2]) for number, partner, *hashes in rows]


def erased_of_month(connection: duckdb.DuckDBPyConnection, home: Home) -> list[tuple[str, str, int, str]]:
    """Of the month at work the erased rows of accepted files: partner, file, row number, and the keyed hash of whose they
    were at which address.
    """
    files = connection.execute(
        "SELECT month, partner, file_sha256, coalesce(delivered_by, partner) FROM delivery_files "
        "WHERE month = getvariable('month') AND status = 'accepted' AND erased_count > 0"
    ).fetchall()
    return [
        (partner, file_sha256, number, at_address)
        for month, partner, file_sha256, folder in files
        if (kept := find_archived(home, month, file_sha256, folder, UNKNOWN_PARTNERS)) and is_kept(kept)
        for number, of, _, at_address in _erased_of(connection, kept)
        if of == partner and at_address
    ]


def _latest_reference_dates(
    connection: duckdb.DuckDBPyConnection, rows: str, layout: Layout, partner: str
) -> dict[str, date]:
    found = connection.execute(
        f"""
        SELECT partner, max(date_of(written, ?, typed)) AS latest
        -- A delivery has a handful of reference dates; reading each once is quicker by far.
        FROM (
            SELECT DISTINCT
                {partner} AS partner,
                text_of(reference_date) AS written,
                coalesce(list_contains(typed, 'reference_date'), false) AS typed
            FROM {rows}
        )
        GROUP BY partner
        HAVING latest IS NOT NULL
        """,
        [layout.delivery.dates],
    ).fetchall()
    return {of: date.fromisoformat(str(latest)) for of, latest in found}


def _identified(rows_table: str, layout: Layout, partner: str) -> str:
    """The rows as `find_requested` wants them."""
    dates = quoted(layout.delivery.dates)
    return f"""
        SELECT
            row_number AS place,
            {partner} AS partner,
            text_of(customer_reference) AS customer_reference,
            postcode_of(text_of(postcode)) AS postcode,
            nullif(number_and_rest(text_of(house_number)).number, '') AS house_number,
            text_of(surname) AS surname,
            date_of(text_of(birth_date), {dates}, coalesce(list_contains(typed, 'birth_date'), false)) AS birth_date
        FROM {rows_table}
    """
