"""What was contacted stays (DOMAIN §10): which signals of a case left after it was contacted, and what they were.

Worked out anew by every run from the files ever seen: what a partner's delivery was before another file came is judged as it
was then, with the statements that judge deliveries, so that no rule is written twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Asked, find_requested, in_force
from vroeg_pipeline.installation.statements import catalog_of_tables, fetch_one, sql, temporary_step, temporary_table
from vroeg_pipeline.installation.warehouse import replace_month
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows
from vroeg_pipeline.worklists.routing import set_routing


def find_left_rows(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> None:
    """Makes the temporary table `told_cases`, and `left_rows`: the signals of deliveries that were changed by a later file,
    with the moment at which it came (`left_at`).
    """
    temporary_step(connection, "told_cases")
    temporary_step(connection, "left_rows", "SELECT *, NULL::TIMESTAMPTZ AS left_at FROM validated_signals LIMIT 0")
    departures = connection.execute(sql("departures")).fetchall()
    if not departures:
        return
    load_slips(connection, installation, month)
    define_address_macros(connection, installation)
    for departure in departures:
        for name, value in zip(("partner", "came_at", "came_as", "left_at"), departure, strict=True):
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        temporary_step(connection, "former_files")
        with _in_place_of(connection, delivery_files="FROM former_files"):
            judge_delivered_rows(connection, installation.home)
        signals = installation.statement("validated_signals")
        connection.execute(
            f"INSERT INTO left_rows BY NAME SELECT *, getvariable('left_at') AS left_at FROM ({signals})"
        )


def find_cases(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> int:
    """Makes `known_cases` and `unknown_cases` (Kenmerken that are told and not known), and fills `moved_cases`; gives the
    number of unknown ones. Needs what `find_left_rows` made.

    A case is followed to the key that its address has now. Runs keep which it had before; where they could not, as the
    warehouse was made anew, its Kenmerk tells.
    """
    temporary_step(connection, "possible_addresses", _NO_ADDRESSES)
    unknown = _know_cases(connection)
    (is_made_anew,) = fetch_one(connection, _TOLD_BEFORE_ISSUED)
    if unknown and is_made_anew:
        load_slips(connection, installation, month)
        define_address_macros(connection, installation)
        with _in_place_of(connection, delivery_files=_EVERY_FILE.format(catalog_of_tables(connection))):
            judge_delivered_rows(connection, installation.home)
            temporary_step(connection, "delivered_rows")
        temporary_step(connection, "possible_addresses")
        unknown = _know_cases(connection)
    return unknown


_NO_ADDRESSES = (
    "SELECT partner, customer_reference, written_address, address_key AS former_key FROM former_addresses LIMIT 0"
)
_EVERY_FILE = """
SELECT * REPLACE ('accepted' AS status) FROM {}.main.delivery_files WHERE status IN ('accepted', 'superseded')
"""
# Judging the month once more takes long, and a Kenmerk that is mistyped is unknown for ever.
_TOLD_BEFORE_ISSUED = """
SELECT count(*) > 0 FROM outcome_files
WHERE month = getvariable('month') AND received_at < (
    SELECT coalesce(min(issued_at), 'infinity') FROM worklist_issues WHERE month = getvariable('month')
)
"""
_UNKNOWN = """
SELECT DISTINCT case_id FROM outcome_rows ANTI JOIN known_cases USING (case_id)
WHERE month = getvariable('month') AND case_id IS NOT NULL
"""


def _know_cases(connection: duckdb.DuckDBPyConnection) -> int:
    replace_month(connection, {"moved_cases": sql("moved_cases")})
    temporary_step(connection, "known_cases")
    temporary_step(connection, "unknown_cases", _UNKNOWN)
    (unknown,) = fetch_one(connection, "SELECT count(*) FROM unknown_cases")
    return int(unknown)


def keep_contacted(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> int:
    """Fills `contacted_signals` and `contacted_reports` of the month; gives the number of signals.

    Needs what `find_left_rows` made, and `known_cases`.
    """
    (told,) = fetch_one(connection, "SELECT count(*) FROM told_cases")
    if told:
        load_slips(connection, installation, month)
        _find_restricted(connection, installation)
    kept = sql("kept_signals") if told else "SELECT * FROM left_rows LIMIT 0"
    temporary_step(connection, "kept_signals", kept)
    counts = replace_month(connection, {"contacted_signals": sql("contacted_signals")})
    temporary_step(connection, "kept_rows", _KEPT_ROWS)
    (rows,) = fetch_one(connection, "SELECT count(*) FROM kept_rows")
    if rows:
        _rank(connection, installation)
    replace_month(connection, {"contacted_reports": sql("contacted_reports") if rows else _NONE})
    return counts["contacted_signals"]


_NONE = "SELECT * FROM contacted_reports LIMIT 0"
# With what is left of the same reports.
_KEPT_ROWS = """
SELECT * EXCLUDE (left_at) FROM kept_signals
UNION ALL BY NAME
SELECT signal.*
FROM validated_signals AS signal
SEMI JOIN kept_signals USING (address_key)
WHERE signal.month = getvariable('month') AND signal.held_reason IS NULL
"""
_SIGNALS = """
SELECT
    signal_id AS place, partner, customer_reference, postcode, house_number::VARCHAR AS house_number, surname, birth_date
FROM (
    FROM validated_signals WHERE month = getvariable('month')
    UNION ALL BY NAME
    FROM left_rows
)
WHERE held_reason = 'restricted'
"""


def _find_restricted(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    """Makes the temporary tables `restrictions`, with the moment of each, and `requested`: the signals they hold back."""
    requests = in_force(installation.home, Asked.RESTRICT)
    moments = [(request.number, request.at) for request in requests]
    temporary_table(connection, "restrictions", "number INTEGER, asked_at TIMESTAMPTZ", moments)
    find_requested(connection, installation.home, requests, _SIGNALS)


def _rank(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    """Makes what the month would have said of `kept_rows`, with the statements that say it of all others."""
    catalog = catalog_of_tables(connection)

    def with_earlier(table: str, rows: str) -> str:
        earlier = f"SELECT * FROM {catalog}.main.{table} WHERE month < getvariable('month')"
        return f"{earlier} UNION ALL BY NAME FROM {rows}"

    def step(name: str, statement: str) -> None:
        temporary_step(connection, name, installation.statement(statement))

    define_address_macros(connection, installation)
    with _in_place_of(connection, validated_signals=with_earlier("validated_signals", "kept_rows")):
        step("kept_matches", "address_matches")
        with _in_place_of(connection, address_matches=with_earlier("address_matches", "kept_matches")):
            step("moved_addresses", "moved_addresses")
            remember(connection, installation)
            step("kept_history", "recidivism_history")
            with _in_place_of(connection, recidivism_history="FROM kept_history"):
                set_routing(connection, installation)
                step("kept_entries", "prioritised_worklists")
                with _in_place_of(connection, prioritised_worklists="FROM kept_entries"):
                    step("kept_reports", "reports")


@contextmanager
def _in_place_of(connection: duckdb.DuckDBPyConnection, **tables: str) -> Iterator[None]:
    """In the block, statements that name a table read what this SELECT gives: a temporary view goes before a table."""
    for name, select in tables.items():
        connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
    try:
        yield
    finally:
        for name in tables:
            connection.execute(f"DROP VIEW temp.{name}")
