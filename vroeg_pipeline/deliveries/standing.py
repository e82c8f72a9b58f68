"""Which of a partner's files of a month count: the newest that replaces, unless it lost people, and all that add.

What they are otherwise stands in `deliveries.judged_files` (DOMAIN §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import duckdb

from vroeg_pipeline.deliveries.erased_rows import reference_hash
from vroeg_pipeline.deliveries.judged_files import DeliveryFile
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.secrets import hash_key
from vroeg_pipeline.installation.statements import fetch_one

# So few references may be people who paid.
FEWEST_LACKING = 5

# Of a sender itself nothing is owed, and its rows are of nobody known.
_NO_SHARE = Decimal(1)


def with_standing(
    connection: duckdb.DuckDBPyConnection, installation: Installation, files: Sequence[DeliveryFile]
) -> list[DeliveryFile]:
    """The files with what becomes of those that can be used: accepted, superseded, or questioned.

    Adding files all stay. A replacing file takes the place of the one that stands, in the order in which they came, but
    not when it lacks too many of its references and nobody decided that it may.
    """
    changed: dict[tuple[str, str], DeliveryFile] = {}
    stands: dict[str, DeliveryFile] = {}
    for file in sorted(files, key=lambda file: (file.received_at, file.file_name)):
        if file.status != "accepted" or file.is_addition:
            continue
        if before := stands.get(file.partner):
            agreement = installation.partners.agreements.get(file.partner)
            most = agreement.delivery.max_missing_share if agreement else _NO_SHARE
            lacking, references = (0, 0) if file.decision else _lacking(connection, installation.home, before, file)
            if lacking >= FEWEST_LACKING and lacking > most * references:
                changed[_key(file)] = _questioned(file, before, lacking, references)
                continue
            changed[_key(before)] = replace(before, status="superseded")
        stands[file.partner] = file
    return [changed.get(_key(file), file) for file in files]


def _key(file: DeliveryFile) -> tuple[str, str]:
    return file.partner, file.file_sha256


def _questioned(file: DeliveryFile, before: DeliveryFile, lacking: int, references: int) -> DeliveryFile:
    said = (
        f"it lacks {lacking} of the {references} references of the file of {moment_text(before.received_at)}, which stays "
        "the delivery until somebody decides: vroeg deliveries list"
    )
    detail = "; ".join(filter(None, (file.detail, said)))
    return replace(file, status="questioned", detail=detail, references_lacking=lacking, references_before=references)


def _lacking(
    connection: duckdb.DuckDBPyConnection, home: Home, before: DeliveryFile, file: DeliveryFile
) -> tuple[int, int]:
    """How many distinct references of all rows of the file before it a file lacks, and of how many; those of rows that were
    erased since are among them, so that nobody's erasure changes what stands (DOMAIN §14).
    """
    if before.erased_references or file.erased_references:
        earlier, now = (_hashed_references(connection, home, each) for each in (before, file))
        return len(earlier - now), len(earlier)
    lacking, references = fetch_one(
        connection,
        f"""
        WITH earlier AS (SELECT DISTINCT text_of(customer_reference) AS reference FROM {before.rows_in}),
        now AS (SELECT DISTINCT text_of(customer_reference) AS reference FROM {file.rows_in})
        SELECT count(*) FILTER (WHERE now.reference IS NULL), count(*)
        FROM earlier LEFT JOIN now USING (reference)
        WHERE reference IS NOT NULL
        """,
    )
    return int(lacking), int(references)


def _hashed_references(connection: duckdb.DuckDBPyConnection, home: Home, file: DeliveryFile) -> set[str]:
    key = hash_key(home)
    found = connection.execute(f"SELECT DISTINCT text_of(customer_reference) FROM {file.rows_in}").fetchall()
    return {
        reference_hash(key, file.partner, reference) for (reference,) in found if reference
    } | file.erased_references
