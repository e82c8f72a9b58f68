"""A connection with the pipeline's macros, on an empty warehouse in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pytest

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.domain.months import TIME_ZONE
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline_tests.kit.world import World

Resolve = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def warehouse_in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables, empty, made once for all tests of a process."""
    with duckdb.connect() as made:
        create_tables(made)
        yield made


@pytest.fixture
def connection(world: World, warehouse_in_memory: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """With the default notation, ISO dates, and the postcode areas of `World`."""
    world.agree("een")
    world.agree("iso", delivery={"date_format": "%Y-%m-%d"})
    world.agree("kort", delivery={"date_format": "%d%m%y"})
    # Temporary tables, macros and variables are its own; the tables it shares are emptied behind it.
    with warehouse_in_memory.cursor() as made:
        made.execute(f"SET TimeZone = '{TIME_ZONE}'")
        installation: Installation = world.installation
        installation.define_macros(made)
        define_address_macros(made, installation, today=True)
        yield made
    names = "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT temporary"
    for (table,) in warehouse_in_memory.execute(names).fetchall():
        warehouse_in_memory.execute(f"DELETE FROM {table}")


@pytest.fixture
def resolve(connection: duckdb.DuckDBPyConnection) -> Resolve:
    """Resolves an address as written against a register of (postcode, number, letter, addition, municipality, street)."""

    def resolved(
        register: Sequence[Sequence[object]],
        postcode: str | None,
        number: str | None,
        letter: str = "",
        addition: str = "",
        street: str = "",
        city: str = "",
    ) -> dict[str, Any]:
        load_register(connection, register)
        connection.execute(
            """
            CREATE OR REPLACE TEMP TABLE written AS
            SELECT text_of(?) AS postcode, text_of(?) AS street, text_of(?) AS house_number, text_of(?) AS house_letter,
                text_of(?) AS house_number_addition, text_of(?) AS city
            """,
            [postcode, street, number, letter, addition, city],
        )
        resolve_addresses(connection, "written")
        result = connection.execute("FROM resolved_addresses")
        names = [column[0] for column in result.description]
        (row,) = result.fetchall()
        return dict(zip(names, row, strict=True))

    return resolved


def load_register(connection: duckdb.DuckDBPyConnection, register: Sequence[Sequence[object]]) -> None:
    """Puts dwellings in the register table, as loading the file does."""
    connection.execute("DELETE FROM reference.address_register")
    for row in register:
        postcode, number, letter, addition, *more = row
        municipality, street, city = [*more, *("0392", "Teststraat", "Haarlem")[len(more) :]]
        connection.execute(
            """
            INSERT INTO reference.address_register BY NAME
            SELECT ? AS postcode, ? AS house_number, suffix_of(?) AS house_letter, suffix_of(?) AS house_number_addition,
                house_letter || house_number_addition AS suffix, meaning_of(suffix) AS meaning, ? AS municipality,
                address_key_of(postcode, house_number, house_letter, house_number_addition) AS address_key,
                ? AS street, ? AS city
            """,
            [postcode, number, letter, addition, municipality, street, city],
        )
    connection.execute("SET VARIABLE has_register = ?", [bool(register)])
