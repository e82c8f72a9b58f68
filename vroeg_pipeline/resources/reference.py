"""The reference tables of an installation: address register, areas, postcode areas and known clients (DOMAIN §13).

They are ours, not a partner's: a mistake in them stops the run with a line that says where it stands. What an address
means is decided in `sql/addresses.sql`.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.resources.addresses import resolve_addresses
from vroeg_pipeline.resources.home import Home, read_text
from vroeg_pipeline.resources.statements import fetch_one, quoted, temporary_table, transaction

REGISTER = "addresses.csv"
REGISTER_COLUMNS = (
    "nummeraanduiding_id", "straat", "huisnummer", "huisletter", "huisnummertoevoeging", "postcode", "woonplaats",
    "gemeentecode",
)  # fmt: skip
KNOWN_CLIENT_COLUMNS = ("postcode", "huisnummer", "huisletter", "huisnummertoevoeging", "known_to")


def load_areas(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `areas` of `reference/areas.csv`; empty where the file is absent.

    Raises VroegError naming the line that is wrong.
    """
    rows = []
    for position, (line, row) in enumerate(
        _small_table(home.reference / "areas.csv", ("postcode_from", "postcode_to", "worklist"))
    ):
        first, last = (re.sub(r"\s", "", row[c]).upper() for c in ("postcode_from", "postcode_to"))
        if not all(re.fullmatch(r"[1-9][0-9]{3}[A-Z]{2}", p) for p in (first, last)) or first > last:
            raise VroegError("a range of postcodes like 2021AA,2026ZZ is expected", where=f"areas.csv line {line}")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["worklist"]):
            raise VroegError("a worklist like wijkteam_noord is expected", where=f"areas.csv line {line}")
        rows.append((position, first, last, row["worklist"]))
    columns = "position INTEGER, postcode_from VARCHAR, postcode_to VARCHAR, worklist VARCHAR"
    temporary_table(connection, "areas", columns, rows)


def load_municipalities(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `postcode4_municipality` of `reference/municipalities.csv`; empty where it is absent.

    Raises VroegError naming the line that is wrong.
    """
    by_postcode: dict[int, str] = {}
    header = ("postcode4_from", "postcode4_to", "gemeentecode")
    for line, row in _small_table(home.reference / "municipalities.csv", header):
        ends = [row["postcode4_from"], row["postcode4_to"]]
        if not all(re.fullmatch(r"[1-9][0-9]{3}", end) for end in ends) or ends[0] > ends[1]:
            raise VroegError("a range like 2011,2037 is expected", where=f"municipalities.csv line {line}")
        if not re.fullmatch(r"[0-9]{4}", row["gemeentecode"]):
            raise VroegError("a code of four digits is expected", where=f"municipalities.csv line {line}")
        for postcode in range(int(ends[0]), int(ends[1]) + 1):
            by_postcode.setdefault(postcode, row["gemeentecode"])
    columns = "postcode4 INTEGER, municipality VARCHAR"
    temporary_table(connection, "postcode4_municipality", columns, list(by_postcode.items()))


def load_known_clients(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `known_addresses` of `reference/known_clients.csv`, its addresses resolved.

    Empty where the file is absent. Raises VroegError when the file lacks a column.
    """
    source = home.reference / "known_clients.csv"
    _read_csv(connection, source, KNOWN_CLIENT_COLUMNS, "known_clients_as_written")
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE known_written AS
        SELECT
            postcode_of(text_of(postcode)) AS postcode,
            NULL::VARCHAR AS street,
            text_of(huisnummer) AS house_number,
            text_of(huisletter) AS house_letter,
            text_of(huisnummertoevoeging) AS house_number_addition,
            NULL::VARCHAR AS city,
            text_of(known_to) AS known_to
        FROM known_clients_as_written
        """
    )
    resolve_addresses(connection, "known_written")
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE known_addresses AS
        SELECT answer.address_key, written.known_to, answer.needs_review
        FROM known_written AS written
        INNER JOIN resolved_addresses AS answer
            ON written.postcode = answer.postcode_text
            AND written.house_number = answer.house_number_text
            AND written.house_letter IS NOT DISTINCT FROM answer.house_letter_text
            AND written.house_number_addition IS NOT DISTINCT FROM answer.house_number_addition_text
        WHERE answer.address_key IS NOT NULL AND written.known_to IS NOT NULL
        """
    )


def load_register(connection: duckdb.DuckDBPyConnection, home: Home, now: datetime) -> tuple[int, int] | None:
    """Brings `reference/addresses.csv` into the warehouse where its bytes are not there yet.

    Gives the number of dwellings and of rows left out (no postcode or number), or None where there is no register:
    then the one loaded before is forgotten. Two rows with one key are one dwelling (DOMAIN §6). Raises VroegError
    when the file lacks a column.
    """
    source = home.reference / REGISTER
    if not source.exists():
        with transaction(connection):
            connection.execute("DELETE FROM reference.address_register")
            connection.execute("DELETE FROM reference.sources WHERE name = ?", [REGISTER])
        return None
    with source.open("rb") as file:
        fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
    loaded = connection.execute("SELECT sha256 FROM reference.sources WHERE name = ?", [REGISTER]).fetchone()
    if loaded != (fingerprint,):
        _read_csv(connection, source, REGISTER_COLUMNS, "register_as_written")
        with transaction(connection):
            connection.execute("DELETE FROM reference.address_register")
            connection.execute("DELETE FROM reference.sources WHERE name = ?", [REGISTER])
            _insert_register(connection)
            connection.execute(
                "INSERT INTO reference.sources SELECT ?, ?, count(*), ? FROM register_as_written",
                [REGISTER, fingerprint, now],
            )
    (dwellings, rows) = fetch_one(
        connection,
        """
        SELECT
            (SELECT count(*) FROM reference.address_register),
            (SELECT row_count FROM reference.sources WHERE name = ?)
        """,
        [REGISTER],
    )
    return dwellings, rows - dwellings


def load_register_file(connection: duckdb.DuckDBPyConnection, source: Path) -> int:
    """Fills the empty table `reference.address_register` from a file of anyone; gives the number of dwellings.

    Raises VroegError when the file is absent, lacks a column or holds no dwelling.
    """
    if not source.is_file():
        raise VroegError("there is no such register", where=source, do="give a CSV as reference/addresses.csv")
    _read_csv(connection, source, REGISTER_COLUMNS, "register_as_written")
    _insert_register(connection)
    (dwellings,) = fetch_one(connection, "SELECT count(*) FROM reference.address_register")
    if not dwellings:
        raise VroegError("has no address with a postcode and a house number", where=source, do="give another register")
    return int(dwellings)


def _insert_register(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        INSERT INTO reference.address_register BY NAME
        WITH parts AS (
            SELECT
                postcode_of(text_of(postcode)) AS postcode,
                try_cast(number_and_rest(text_of(huisnummer)).number AS INTEGER) AS house_number,
                suffix_of(huisletter) AS house_letter,
                suffix_of(huisnummertoevoeging) AS house_number_addition,
                text_of(straat) AS street,
                text_of(woonplaats) AS city,
                text_of(gemeentecode) AS municipality,
                text_of(nummeraanduiding_id) AS nummeraanduiding_id
            FROM register_as_written
        )
        SELECT
            *,
            house_letter || house_number_addition AS suffix,
            meaning_of(house_letter || house_number_addition) AS meaning,
            address_key_of(postcode, house_number, house_letter, house_number_addition) AS address_key
        FROM parts
        WHERE postcode IS NOT NULL AND house_number IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY address_key ORDER BY nummeraanduiding_id, street) = 1
        """
    )


def _read_csv(connection: duckdb.DuckDBPyConnection, source: Path, columns: Sequence[str], into: str) -> None:
    """A reference CSV (UTF-8, comma, header) as a temporary table of text; empty where the file is absent."""
    if not source.exists():
        typed = ", ".join(f"{column} VARCHAR" for column in columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {into} ({typed})")
        return
    try:
        header = next(csv.reader([source.open(encoding="utf-8-sig").readline()]), [])
    except UnicodeDecodeError:
        raise VroegError("is not UTF-8 text", where=source.name, do="save it as UTF-8") from None
    names = [name.strip().lower() for name in header]
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    positions = {name: f"c{i}" for i, name in reversed(list(enumerate(names)))}
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    wanted = ", ".join(f"{positions[column]} AS {column}" for column in columns)
    try:
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {into} AS
            SELECT {wanted} FROM read_csv(
                {quoted(str(source))}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
                columns = {{{types}}}, null_padding = true, parallel = false
            )
            """
        )
    except duckdb.Error as error:
        # DuckDB quotes the offending line, which may hold a person's address; only its number is told.
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = source.name + (f" line {line[1]}" if line else "")
        raise VroegError("cannot be read as CSV", where=where, do="mend that line") from None


def _small_table(source: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(line number, row) of a small reference CSV, cells trimmed; empty where the file is absent."""
    if not source.exists():
        return []
    reader = csv.DictReader(read_text(source).splitlines())
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    lacking = [column for column in columns if column not in reader.fieldnames]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    rows = [(reader.line_num, {c: (row[c] or "").strip() for c in columns}) for row in reader]
    return [(line, row) for line, row in rows if any(row.values())]
