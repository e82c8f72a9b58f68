"""The rows of the month with their addresses and their verdicts: the order of the statements of this room (DOMAIN §5)."""

from __future__ import annotations

import duckdb

from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.deliveries.erased_rows import erased_of_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.requests import Asked, find_requested, in_force, use_hashes
from vroeg_pipeline.installation.statements import insert_rows, sql, temporary_step, temporary_table


def judge_delivered_rows(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `row_verdicts` of the month: what was delivered, its addresses resolved, and what residents
    asked for.

    Only addresses with a valid postcode and a house number are looked up: without one a row is rejected (DOMAIN §5),
    whatever else it says.
    """
    temporary_step(connection, "delivered_rows")
    resolve_addresses(
        connection,
        "(FROM delivered_rows WHERE postcode IS NOT NULL AND number_and_rest(house_number).number <> '')",
    )
    temporary_step(connection, "desk_answers")
    temporary_step(connection, "addressed_rows")
    _find_requested_rows(connection, home)
    _find_doubles_of_erased_rows(connection, home)
    temporary_step(connection, "row_verdicts")
    connection.execute("DROP TABLE delivered_rows")
    connection.execute("DROP TABLE addressed_rows")


def _find_requested_rows(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `requested_rows`: the rows of residents who asked to be left alone (DOMAIN §14)."""
    requests = in_force(home, Asked.RESTRICT, Asked.OBJECT)
    if requests:
        find_requested(connection, home, requests, sql("resident_rows"))
    temporary_step(connection, "requested_rows", sql("requested_rows") if requests else _NONE)


_NONE = "SELECT partner, file_sha256, row_number, ['restrict'] AS kinds FROM addressed_rows LIMIT 0"


def _find_doubles_of_erased_rows(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `doubles_of_erased`: rows behind one of the same customer and address that was erased since,
    so that nobody's erasure changes what became of the rows of others (DOMAIN §14).
    """
    erased = erased_of_month(connection, home)
    temporary_table(connection, "erased_rows", _ERASED, erased)
    if erased:
        use_hashes(connection, home)
    temporary_step(connection, "doubles_of_erased", sql("doubles_of_erased") if erased else _NO_DOUBLES)


_ERASED = "partner VARCHAR, file_sha256 VARCHAR, row_number INTEGER, at_address VARCHAR"
_NO_DOUBLES = "SELECT partner, file_sha256, row_number FROM erased_rows"


def keep_former_addresses(connection: duckdb.DuckDBPyConnection) -> None:
    """Keeps where the signals of the month stand that the rows judged anew take away from there. Before those take their
    place: a run that is killed in between has kept what still holds, which does no harm.
    """
    insert_rows(connection, "former_addresses", sql("former_addresses"))
