"""A connection with the pipeline's macros, on an empty warehouse in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pytest

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.resolver import WRITTEN, resolve_addresses
from vroeg_pipeline.domain.months import TIME_ZONE
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline.installation.statements import rows_of, temporary_columns
from vroeg_pipeline_tests.kit.world import World

Resolve = Callable[..., dict[str, Any]]
Written = tuple[str | None, ...]
_OF_A_DWELLING = ("postcode", "house_number", "letter", "addition", "municipality", "street", "city")


@pytest.fixture(scope="session")
def warehouse_in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables, empty, made once for all tests of a process.

    In one thread, as it takes others longer to be woken than what is to be done to a handful of rows. Whole months
    (`World`) are made with as many as there are processors.
    """
    with duckdb.connect(config={"threads": 1}) as made:
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

    def resolved(register: Sequence[Sequence[object]], *written: str | None, **more: str) -> dict[str, Any]:
        (answer,) = answers_to(connection, register, [as_written(*written, **more)])
        return answer

    return resolved


def as_written(
    postcode: str | None, number: str | None, letter: str = "", addition: str = "", street: str = "", city: str = ""
) -> Written:
    """An address in the order of WRITTEN."""
    return postcode, street, number, letter, addition, city


def answers_to(
    connection: duckdb.DuckDBPyConnection, register: Sequence[Sequence[object]], written: Sequence[Written]
) -> list[dict[str, Any]]:
    """The answer to each of the addresses, in their order; all of them are resolved at once."""
    load_register(connection, register)
    places = {"place": ("INTEGER", range(len(written)))}
    given = zip(WRITTEN, zip(*written, strict=True), strict=True)
    temporary_columns(connection, "given", places | {name: ("VARCHAR", column) for name, column in given})
    texts = ", ".join(f"text_of({name}) AS {name}" for name in WRITTEN)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE written AS SELECT place, {texts} FROM given")
    resolve_addresses(connection, "written")
    return rows_of(
        connection,
        "SELECT answer.* FROM written JOIN resolved_addresses AS answer ON same_address(written, answer) ORDER BY place",
    )


def load_register(connection: duckdb.DuckDBPyConnection, register: Sequence[Sequence[object]]) -> None:
    """Puts dwellings in the register table, as loading the file does."""
    filled = [[*row, *("0392", "Teststraat", "Haarlem")[len(row) - 4 :]] for row in register]
    connection.execute("DELETE FROM reference.address_register")
    if filled:
        columns = zip(*filled, strict=True)
        kinds = {name: "INTEGER" if name == "house_number" else "VARCHAR" for name in _OF_A_DWELLING}
        given = {name: (kinds[name], column) for name, column in zip(kinds, columns, strict=True)}
        temporary_columns(connection, "given_dwellings", given)
        connection.execute(
            """
            INSERT INTO reference.address_register BY NAME
            SELECT
                postcode, house_number, suffix_of(letter) AS house_letter, suffix_of(addition) AS house_number_addition,
                house_letter || house_number_addition AS suffix, meaning_of(suffix) AS meaning, municipality,
                address_key_of(postcode, house_number, house_letter, house_number_addition) AS address_key, street, city
            FROM given_dwellings
            """
        )
    connection.execute("SET VARIABLE has_register = ?", [bool(register)])
