"""Reads the addresses of PDOK's `bag-light.gpkg`: a GeoPackage is an SQLite file, its geometry is left alone.

It holds today's objects, each with its main address; no history and no side addresses (docs/adr/0012).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from vroeg_pipeline.domain.errors import VroegError

# In the order of a row: what it is, and the names that releases of the file have given the column.
COLUMNS = {
    "nummeraanduiding_id": ("nummeraanduiding_hoofdadres_identificatie", "hoofdadres_identificatie"),
    "adresseerbaar_object_id": ("identificatie",),
    "status": ("status",),
    "street": ("openbare_ruimte_naam",),
    "house_number": ("huisnummer",),
    "house_letter": ("huisletter",),
    "house_number_addition": ("toevoeging",),
    "postcode": ("postcode",),
    "city": ("woonplaats_naam",),
    "municipality": ("bronhouder_identificatie",),
}
OBJECT_TABLES = ("verblijfsobject", "ligplaats", "standplaats")
_LONGEST_TEXT = 200


def read_light(path: Path) -> Iterator[tuple[str | None, ...]]:
    """Each address as the values of `COLUMNS`, then the kind of object (a name of `OBJECT_TABLES`).

    Raises VroegError when the file is no GeoPackage of the BAG.
    """
    # Immutable: nobody writes the file while it is read, and SQLite puts no journal beside it.
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            # The file's own functions and views are not trusted; only its tables are read.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            for table in OBJECT_TABLES:
                yield from connection.execute(_query(connection, table, path.name))
    except sqlite3.Error:
        # SQLite's message may quote a cell.
        raise VroegError("is no whole GeoPackage", where=path.name, do="fetch it again") from None


def _query(connection: sqlite3.Connection, table: str, name: str) -> str:
    kind = connection.execute("SELECT type FROM sqlite_master WHERE name = ?", [table]).fetchone()
    if kind != ("table",):
        raise VroegError(f"lacks the table {table}", where=name, do="use bag-light.gpkg of PDOK")
    there = {column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table])}
    cells = []
    for spellings in COLUMNS.values():
        found = next((spelling for spelling in spellings if spelling in there), None)
        if found is None:
            do = "use bag-light.gpkg of PDOK"
            raise VroegError(f"lacks the column {' or '.join(spellings)} of {table}", where=name, do=do)
        cells.append(f"substr(CAST({found} AS TEXT), 1, {_LONGEST_TEXT})")
    return f"SELECT {', '.join(cells)}, '{table}' FROM {table}"
