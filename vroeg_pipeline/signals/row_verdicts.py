"""The rows of the month with their addresses and their verdicts: the order of the statements of this room (DOMAIN §5)."""

from __future__ import annotations

import duckdb

from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.requests import Asked, find_requested, in_force
from vroeg_pipeline.installation.statements import insert_rows, sql, temporary_step


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


def keep_former_addresses(connection: duckdb.DuckDBPyConnection) -> None:
    """Keeps where the signals of the month stand that the rows judged anew take away from there. Before those take their
    place: a run that is killed in between has kept what still holds, which does no harm.
    """
    insert_rows(connection, "former_addresses", sql("former_addresses"))
