"""What it costs to load an address register of any size, from each kind of source. Making and loading are processes of
their own: the kernel counts what a parent once held as its child's.

The registers are made up: twenty addresses a postcode, one in ten with a letter, in no order.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import duckdb
from rich.table import Table

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.register import load_register
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.installation.warehouse import WarehouseResource

KINDS = ("csv", "gpkg", "zip")
_ADDRESSES = """
SELECT
    lpad(i::VARCHAR, 16, '0') AS id,
    'Teststraat ' || (i // 50) AS street,
    1 + i % 20 AS number,
    CASE WHEN i % 10 = 3 THEN 'A' ELSE '' END AS letter,
    (1000 + (i // 20) % 9000)::VARCHAR || chr((65 + (i // 180000) % 18)::INTEGER)
    || chr((65 + (i // 3240000) % 18)::INTEGER) AS postcode
FROM range({size}) AS address(i)
ORDER BY hash(i)
"""


def make_register(kind: str, folder: Path, size: int) -> None:
    """Writes a register of `size` addresses under the name that an installation wants."""
    folder.mkdir(parents=True)
    addresses = _ADDRESSES.format(size=size)
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder / "spill")}) as connection:
        if kind == "csv":
            connection.execute(
                f"""
                COPY (
                    SELECT id AS nummeraanduiding_id, street AS straat, number AS huisnummer, letter AS huisletter,
                        '' AS huisnummertoevoeging, postcode, 'Haarlem' AS woonplaats, '0392' AS gemeentecode
                    FROM ({addresses})
                ) TO '{folder / "addresses.csv"}' (header)
                """
            )
        elif kind == "gpkg":
            _make_light(connection.execute(addresses), folder / "bag-light.gpkg")
        else:
            _make_extract(connection.execute(addresses), folder / "BAGGEM0392L-15012024.zip")


def _make_light(result: duckdb.DuckDBPyConnection, path: Path) -> None:
    with sqlite3.connect(path) as light:
        for table in ("verblijfsobject", "ligplaats", "standplaats"):
            light.execute(
                f"CREATE TABLE {table} (identificatie, status, openbare_ruimte_naam, huisnummer, huisletter, toevoeging, "
                "postcode, woonplaats_naam, nummeraanduiding_hoofdadres_identificatie, bronhouder_identificatie)"
            )
        insert = (
            "INSERT INTO verblijfsobject VALUES (?, 'Verblijfsobject in gebruik', ?, ?, ?, '', ?, 'Haarlem', ?, '0392')"
        )
        while rows := result.fetchmany(100_000):
            light.executemany(insert, [(f"v{key}", street, n, letter, pc, key) for key, street, n, letter, pc in rows])


_HISTORY = (
    "<H:Voorkomen><H:voorkomenidentificatie>1</H:voorkomenidentificatie><H:beginGeldigheid>2012-01-01</H:beginGeldigheid>"
    "<H:tijdstipRegistratie>2012-01-01T10:00:00.000</H:tijdstipRegistratie></H:Voorkomen>"
)
_NUMBER = (
    "<s:stand><O:Nummeraanduiding><O:identificatie>{id}</O:identificatie><O:huisnummer>{n}</O:huisnummer>"
    "<O:huisletter>{letter}</O:huisletter><O:postcode>{pc}</O:postcode><O:typeAdresseerbaarObject>Verblijfsobject"
    "</O:typeAdresseerbaarObject><O:status>Naamgeving uitgegeven</O:status><O:geconstateerd>N</O:geconstateerd>"
    f"<O:voorkomen>{_HISTORY}</O:voorkomen><O:ligtAan><R:OpenbareRuimteRef>0392300000000001</R:OpenbareRuimteRef>"
    "</O:ligtAan></O:Nummeraanduiding></s:stand>\n"
)
_OBJECT = (
    "<s:stand><O:Verblijfsobject><O:heeftAlsHoofdadres><R:NummeraanduidingRef>{id}</R:NummeraanduidingRef>"
    f"</O:heeftAlsHoofdadres><O:voorkomen>{_HISTORY}</O:voorkomen><O:identificatie>v{{id}}</O:identificatie>"
    "<O:geometrie><g:Point><g:pos>131009.0 482405.0 0.0</g:pos></g:Point></O:geometrie><O:gebruiksdoel>woonfunctie"
    "</O:gebruiksdoel><O:status>Verblijfsobject in gebruik</O:status></O:Verblijfsobject></s:stand>\n"
)
_STREET = (
    "<O:OpenbareRuimte><O:identificatie>0392300000000001</O:identificatie><O:naam>Teststraat</O:naam>"
    f"<O:voorkomen>{_HISTORY}</O:voorkomen><O:ligtIn><R:WoonplaatsRef>1000</R:WoonplaatsRef></O:ligtIn></O:OpenbareRuimte>"
)
_CITY = (
    "<O:Woonplaats><O:identificatie>1000</O:identificatie><O:naam>Haarlem</O:naam>"
    f"<O:voorkomen>{_HISTORY}</O:voorkomen></O:Woonplaats>"
)


def _make_extract(result: duckdb.DuckDBPyConnection, path: Path) -> None:
    with tempfile.TemporaryFile() as numbers, tempfile.TemporaryFile() as objects:
        files: dict[str, IO[bytes]] = {"NUM": numbers, "VBO": objects}
        archives = {part: ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) for part, file in files.items()}
        parts = {
            part: archive.open(f"0392{part}15012024-000001.xml", "w", force_zip64=True)
            for part, archive in archives.items()
        }
        for part in parts.values():
            part.write(b"<x>")
        while rows := result.fetchmany(50_000):
            for part, template in (("NUM", _NUMBER), ("VBO", _OBJECT)):
                text = "".join(template.format(id=key, n=n, letter=letter, pc=pc) for key, _, n, letter, pc in rows)
                parts[part].write(text.encode())
        for name, part in parts.items():
            part.write(b"</x>")
            part.close()
            archives[name].close()
        with ZipFile(path, "w") as archive:
            for name, file in files.items():
                file.seek(0)
                archive.writestr(f"0392{name}15012024.zip", file.read())
            for name, content in (("OPR", _STREET), ("WPL", _CITY), ("LIG", ""), ("STA", "")):
                archive.writestr(f"0392{name}15012024-000001.xml", f"<x>{content}</x>")


def load(home: Home) -> dict[str, float]:
    """Seconds of the first load, of a look at the same files, and of a look-up; rows, and objects read a second."""
    warehouse = WarehouseResource(home=str(home.root))
    installation = Installation(home, Partners.of([]), Settings())
    seconds: dict[str, float] = {}
    with warehouse.connect() as connection:
        installation.define_macros(connection)
        define_address_macros(connection, installation, today=True)
        for what in ("load", "look"):
            started = time.perf_counter()
            register = load_register(connection, home, datetime.now(UTC))
            seconds[what] = time.perf_counter() - started
        assert register
    with warehouse.connect(read_only=True) as connection:
        started = time.perf_counter()
        fetch_one(
            connection,
            "SELECT count(*) FROM reference.address_register WHERE postcode = '2011AA' AND house_number = 4",
        )
        seconds["look-up"] = time.perf_counter() - started
    return {**seconds, "dwellings": register.dwellings}


def register_table(measured: list[tuple[str, int, dict[str, float], float]]) -> Table:
    """(kind, size, what `load` gave, peak MiB) as a table."""
    table = Table(title="Loading an address register (seconds)")
    for column in ("source", "addresses", "load", "addresses/s", "unchanged", "one look-up", "peak memory, MiB"):
        table.add_column(column, justify="left" if column == "source" else "right")
    for kind, size, found, memory in measured:
        numbers = (
            f"{found['load']:.1f}",
            f"{size / found['load']:,.0f}",
            f"{found['look']:.2f}",
            f"{found['look-up']:.3f}",
        )
        table.add_row(kind, f"{size:,}", *numbers, f"{memory:,.0f}")
    return table


if __name__ == "__main__":
    what, folder, *terms = sys.argv[1:]
    if what == "make":
        make_register(terms[0], Path(folder), int(terms[1]))
    else:
        print(json.dumps(load(Home(Path(folder)))))
