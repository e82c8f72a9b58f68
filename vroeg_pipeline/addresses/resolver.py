"""Resolving addresses: the order of the SQL steps, and what they need of Python in between.

What an address means is decided in the statements of this room, one file a step, each a temporary table that can be
looked at afterwards. What is written is read once a distinct value; comparing spellings is `addresses.streets`' knowledge.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from vroeg_pipeline.addresses.streets import Reading, StreetNames, distances, near, read_streets
from vroeg_pipeline.installation.statements import temporary_columns, temporary_step

# The columns of an address as written; `resolved_addresses` has each of them with `_text` behind its name.
WRITTEN = ("postcode", "street", "house_number", "house_letter", "house_number_addition", "city")

_STREETS_TO_CHECK = """
SELECT DISTINCT written.street_text, dwelling.street
FROM found_by_postcode AS found
INNER JOIN written_addresses AS written USING (address_no)
INNER JOIN dwellings AS dwelling USING (address_key)
ANTI JOIN street_readings AS reading ON written.street_text = reading.text AND dwelling.street = reading.street
WHERE found.status IN ('exact', 'normalised') AND dwelling.street IS NOT NULL AND written.street_text IS NOT NULL
    AND written.street_text NOT IN (SELECT text FROM street_readings WHERE how IN ('same', 'variant'))
"""
_STREETS_NOT_KNOWN = """
SELECT DISTINCT street_text
FROM unsettled_addresses
WHERE street_text IS NOT NULL AND street_text NOT IN (SELECT text FROM street_readings)
"""
_POSTCODES_TO_COMPARE = """
SELECT DISTINCT typed, CASE WHEN digits_only THEN left(postcode, 4) ELSE postcode END
FROM found_by_street
WHERE typed IS NOT NULL
"""
_TOWNS_TO_COMPARE = """
SELECT DISTINCT town_letters(written_city), town_letters(city)
FROM found_by_street
WHERE written_city IS NOT NULL AND city IS NOT NULL
"""
_POSTCODES_NOT_KNOWN = """
SELECT DISTINCT typed
FROM unsettled_addresses
WHERE street_text IS NULL AND typed NOT IN (SELECT postcode FROM dwellings)
"""
_NUMBERS_TO_COMPARE = """
SELECT DISTINCT written.number, dwelling.house_number
FROM unsettled_addresses AS written
INNER JOIN found_by_postcode AS found USING (address_no)
INNER JOIN dwellings AS dwelling ON written.postcode = dwelling.postcode AND written.suffix = dwelling.suffix
WHERE found.dwellings = 0
"""


def resolve_addresses(connection: duckdb.DuckDBPyConnection, written: str) -> None:
    """Makes the temporary table `resolved_addresses`: one row for each different address of a relation.

    `written` is a table or a query in brackets with the columns WRITTEN, text or NULL. Needs the
    macros and views of `address_macros.sql` and the variable `has_register`.
    """
    as_text = ", ".join(f"{name} AS {name}_text, text_of({name}) AS {name}" for name in WRITTEN)
    temporary_step(
        connection,
        "address_texts",
        f"SELECT row_number() OVER () AS address_no, times_written, {as_text} "
        f"FROM (SELECT {', '.join(WRITTEN)}, count(*) AS times_written FROM {written} GROUP BY ALL)",
    )
    texts = _texts(connection, "SELECT DISTINCT street FROM address_texts WHERE street IS NOT NULL ORDER BY 1")
    # Those of the whole country take seconds to prepare, so not for addresses that have no street.
    known = "SELECT DISTINCT street FROM dwellings WHERE street IS NOT NULL ORDER BY 1"
    names = StreetNames(_texts(connection, known) if texts else [])
    _read_streets(connection, names, texts)
    temporary_step(connection, "written_addresses")
    temporary_step(connection, "letters_in_a_row")
    temporary_step(connection, "found_by_postcode")
    _check_streets(connection, names)
    temporary_step(connection, "address_stage_a")
    temporary_step(connection, "unsettled_addresses")
    _add_mistyped_streets(connection, names)
    temporary_step(connection, "found_by_street")
    _compare(connection, "postcode_distances", _POSTCODES_TO_COMPARE)
    _compare(connection, "town_distances", _TOWNS_TO_COMPARE)
    temporary_step(connection, "address_stage_b")
    _find_near_postcodes(connection)
    temporary_step(connection, "found_near_postcode")
    temporary_step(connection, "address_stage_c")
    _find_near_numbers(connection)
    temporary_step(connection, "address_candidates")
    temporary_step(connection, "address_stage_d")
    temporary_step(connection, "resolved_addresses")


def _texts(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [text for (text,) in connection.execute(query).fetchall()]


def _read_streets(connection: duckdb.DuckDBPyConnection, names: StreetNames, texts: Sequence[str]) -> None:
    found = read_streets(texts, names)
    temporary_columns(
        connection,
        "street_texts",
        {
            "text": ("VARCHAR", [street.text for street in found]),
            "name": ("VARCHAR", [street.name for street in found]),
            "rest": ("VARCHAR", [street.rest for street in found]),
            "certain": ("BOOLEAN", [street.certain for street in found]),
            "another_door": ("BOOLEAN", [street.another_door for street in found]),
        },
    )
    # The same name may stand in many texts, with another number behind it each time.
    by_name = {street.name: street.readings for street in found if street.readings}
    _put_readings(connection, "street_readings", names, by_name)


def _put_readings(
    connection: duckdb.DuckDBPyConnection, table: str, names: StreetNames, by_name: dict[str, list[Reading]]
) -> None:
    rows = [(text, reading, readings[0].weight) for text, readings in by_name.items() for reading in readings]
    temporary_columns(
        connection,
        table,
        {
            "text": ("VARCHAR", [text for text, _, _ in rows]),
            "street": ("VARCHAR", [names.names[reading.name] for _, reading, _ in rows]),
            "how": ("VARCHAR", [reading.how for _, reading, _ in rows]),
            "weight": ("INTEGER", [reading.weight for _, reading, _ in rows]),
            "best": ("BOOLEAN", [reading.weight == best for _, reading, best in rows]),
        },
    )


def _check_streets(connection: duckdb.DuckDBPyConnection, names: StreetNames) -> None:
    """Where no name was recognised, or a weak one: whether the text can mean the street of the postcode after all."""
    places = {name: number for number, name in enumerate(names.names)}
    pairs = connection.execute(_STREETS_TO_CHECK).fetchall()
    found = [(text, street, names.agrees(text, places[street])) for text, street in pairs]
    agreed = [(text, street, how) for text, street, how in found if how]
    columns = zip(*agreed, strict=True) if agreed else ([], [], [])
    temporary_columns(
        connection,
        "street_agreements",
        {name: ("VARCHAR", list(values)) for name, values in zip(("text", "street", "how"), columns, strict=True)},
    )


def _add_mistyped_streets(connection: duckdb.DuckDBPyConnection, names: StreetNames) -> None:
    texts = _texts(connection, _STREETS_NOT_KNOWN)
    found = {text: readings for text, readings in zip(texts, names.alike(texts), strict=True) if readings}
    if found:
        _put_readings(connection, "mistyped_streets", names, found)
        connection.execute("INSERT INTO street_readings FROM mistyped_streets")


def _compare(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    """Typing errors between the pairs of a query, as a table `written`, `known`, `errors`."""
    pairs = connection.execute(query).fetchall()
    written, known = [str(pair[0]) for pair in pairs], [str(pair[1]) for pair in pairs]
    _put_distances(connection, table, "VARCHAR", written, known, distances(written, known))


def _put_distances(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    kind: str,
    written: list[object] | list[str],
    known: list[object] | list[str],
    errors: list[int],
) -> None:
    columns = {"written": (kind, written), "known": (kind, known), "errors": ("INTEGER", errors)}
    temporary_columns(connection, table, columns)


def _find_near_postcodes(connection: duckdb.DuckDBPyConnection) -> None:
    """The register's postcodes one typing error away from those that are not in it."""
    typed = _texts(connection, _POSTCODES_NOT_KNOWN)
    known = _texts(connection, "SELECT DISTINCT postcode FROM dwellings ORDER BY 1") if typed else []
    pairs = [(typed[left], known[right]) for left, right, _ in near(typed, known, 1)]
    temporary_columns(
        connection,
        "near_postcodes",
        {
            "typed": ("VARCHAR", [left for left, _ in pairs]),
            "postcode": ("VARCHAR", [right for _, right in pairs]),
        },
    )
    # O for 0 and the like, and what is a postcode of the register but for signs between.
    connection.execute(
        "INSERT INTO near_postcodes (SELECT typed, mended FROM unsettled_addresses "
        "WHERE street_text IS NULL AND (mended <> typed OR postcode IS NULL) EXCEPT FROM near_postcodes)"
    )


def _find_near_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    """The numbers of a postcode one typing error away from one that it does not have."""
    pairs = connection.execute(_NUMBERS_TO_COMPARE).fetchall()
    apart = distances([str(written) for written, _ in pairs], [str(known) for _, known in pairs])
    near_ones = [(*pair, errors) for pair, errors in zip(pairs, apart, strict=True) if errors == 1]
    _put_distances(
        connection, "number_distances", "INTEGER",
        [n for n, _, _ in near_ones], [n for _, n, _ in near_ones], [n for _, _, n in near_ones],
    )  # fmt: skip
