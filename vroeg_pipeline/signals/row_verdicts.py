"""The rows of the month with their addresses and their verdicts: the order of the statements of this room (DOMAIN §5)."""

from __future__ import annotations

import duckdb

from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.installation.statements import sql


def judge_delivered_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the temporary table `row_verdicts` of the month: what was delivered, its addresses resolved.

    Only addresses with a valid postcode and a house number are looked up: without one a row is rejected (DOMAIN §5),
    whatever else it says.
    """
    _step(connection, "delivered_rows")
    resolve_addresses(
        connection,
        "(FROM delivered_rows WHERE postcode IS NOT NULL AND number_and_rest(house_number).number <> '')",
    )
    _step(connection, "desk_answers")
    _step(connection, "addressed_rows")
    _step(connection, "row_verdicts")
    connection.execute("DROP TABLE delivered_rows")
    connection.execute("DROP TABLE addressed_rows")


def _step(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql(name)}")
