"""The warehouse as one municipality sees it (`separate_municipalities`): for what goes out of it alone.

The tables that files are written from are hidden by views of their own rows, so that what is written, and what checks it,
is the same statement for one municipality as for all. Every row is of exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import duckdb

from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import catalog_of_tables, quoted, temporary_step

_OWN_ROW = "SEMI JOIN own_rows USING (month, partner, file_sha256, row_number)"
# What was done at a door of which nothing is delivered any more goes with the list that it stood on.
_OF_DOOR = """
coalesce(
    door.municipality, nullif(regexp_extract(row.worklist, '^([0-9]{{4}})_', 1), ''), getvariable('first_municipality')
) = {code}
"""
_AT_DOOR = (
    "SELECT row.* REPLACE (regexp_replace(row.worklist, '^[0-9]{{4}}_', '') AS worklist) FROM {main}.{table} AS row "
    "LEFT JOIN municipality_of_doors AS door USING (month, address_key) WHERE " + _OF_DOOR
)
_VIEWS = {
    "validated_signals": f"FROM {{main}}.validated_signals {_OWN_ROW}",
    "rejected_rows": f"FROM {{main}}.rejected_rows {_OWN_ROW}",
    "signal_statuses": f"FROM {{main}}.signal_statuses {_OWN_ROW}",
    "delivery_files": """
        SELECT
            file.* REPLACE (
                CASE WHEN file.accepted_count IS NULL THEN file.row_count ELSE coalesce(own.row_count, 0) END AS row_count,
                CASE WHEN file.accepted_count IS NOT NULL THEN coalesce(own.accepted_count, 0) END AS accepted_count,
                CASE WHEN file.rejected_count IS NOT NULL THEN coalesce(own.rejected_count, 0) END AS rejected_count,
                CASE WHEN file.outdated_count IS NOT NULL THEN coalesce(own.outdated_count, 0) END AS outdated_count
            )
        FROM {main}.delivery_files AS file
        LEFT JOIN (
            SELECT
                month, partner, file_sha256,
                count(*) FILTER (became <> 'left') AS row_count,
                count(*) FILTER (became = 'accepted') AS accepted_count,
                count(*) FILTER (became = 'rejected') AS rejected_count,
                count(*) FILTER (is_outdated) AS outdated_count
            FROM own_rows
            GROUP BY ALL
        ) AS own USING (month, partner, file_sha256)
        LEFT JOIN agreement_terms AS terms USING (partner)
        WHERE own.partner IS NOT NULL OR list_contains(terms.municipalities, {code})
    """,
    "address_matches": (
        "FROM {main}.address_matches SEMI JOIN (FROM municipality_of_doors WHERE municipality = {code}) "
        "USING (month, address_key)"
    ),
    **dict.fromkeys(
        ("prioritised_worklists", "contacted_reports", "contact_attempts", "results_of_addresses"), _AT_DOOR
    ),
}


@contextmanager
def seen_by(
    connection: duckdb.DuckDBPyConnection, installation: Installation, municipality: str | None
) -> Iterator[Installation]:
    """In the block the connection has the rows of this municipality alone, and lists without its code; gives the
    installation with the partners that deliver for it. None: all of them, as it is. The month must be set.
    """
    if municipality is None:
        yield installation
        return
    catalog = catalog_of_tables(connection)
    connection.execute("SET VARIABLE first_municipality = ?", [installation.municipalities[0]])
    temporary_step(connection, "municipality_of_rows")
    temporary_step(
        connection,
        "municipality_of_doors",
        "SELECT month, address_key, min(municipality) AS municipality FROM municipality_of_rows "
        "WHERE address_key IS NOT NULL GROUP BY ALL",
    )
    temporary_step(connection, "own_rows", f"FROM municipality_of_rows WHERE municipality = {quoted(municipality)}")
    for name, query in _VIEWS.items():
        select = query.format(main=f"{catalog}.main", code=quoted(municipality), table=name)
        connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
    agreements = installation.partners.agreements
    partners = {name: each for name, each in agreements.items() if municipality in each.municipalities}
    try:
        yield replace(installation, partners=replace(installation.partners, agreements=partners))
    finally:
        for name in _VIEWS:
            connection.execute(f"DROP VIEW temp.{name}")
