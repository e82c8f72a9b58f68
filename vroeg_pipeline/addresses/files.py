"""Addresses of anyone's file, resolved against a register: no installation, no warehouse, no Dagster.

Everything happens in a DuckDB in memory. What an address means is decided in the statements of this room.
"""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from vroeg_pipeline.addresses.lookup import load_municipalities
from vroeg_pipeline.addresses.register import BUURTEN, file_source, fill_register, register_source
from vroeg_pipeline.addresses.resolver import WRITTEN, resolve_addresses
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import amsterdam_day
from vroeg_pipeline.installation.home import Home, replacing_elsewhere
from vroeg_pipeline.installation.installation import current_moment
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline.installation.statements import quoted, rows_of, sql, temporary_step, temporary_table

# The answer to each of `input_lines`; a join loses their order.
ANSWER = """
SELECT
    line.id,
    answer.address_key,
    answer.nummeraanduiding_id,
    answer.address_status,
    answer.address_stage AS stage,
    answer.address_evidence AS evidence
FROM input_lines AS line
LEFT JOIN resolved_addresses AS answer ON same_address(line, answer)
"""


@contextmanager
def open_register(register: Path | None, home: Home | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection ready to resolve addresses against a register file, or that of an installation.

    Raises VroegError when there is no register or it cannot be used.
    """
    if register is None:
        home = home or Home.from_environment()
        source = register_source(home)
        if source is None:
            raise VroegError("there is no address register", where=home.reference, do="give one with --register FILE")
    else:
        source = file_source(register)
    with tempfile.TemporaryDirectory(prefix="vroeg-") as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {quoted(spill)}")
        connection.execute("SET autoinstall_known_extensions = false")
        create_tables(connection)
        connection.execute("CREATE TEMP MACRO parse_delivered_date(value, date_format) AS NULL::DATE")
        connection.execute(sql("macros"))
        if home:
            load_municipalities(connection, home)
        else:
            temporary_table(connection, "postcode4_municipality", "postcode4 INTEGER, municipality VARCHAR", [])
        connection.execute(sql("address_macros"))
        buurten = source.files[0].with_name(BUURTEN)
        fill_register(connection, source, buurten, Path(spill))
        connection.execute("SET VARIABLE has_register = true")
        connection.execute(f"SET VARIABLE register_day = DATE '{amsterdam_day(current_moment())}'")
        yield connection


def resolve_file(connection: duckdb.DuckDBPyConnection, source: Path, target: Path) -> dict[str, int]:
    """Resolves each line of a CSV, in its order, into another for the owner alone (0600); gives lines by status.

    Raises VroegError when the file cannot be read, has no column id, or the other cannot be written.
    """
    read_lines(connection, source)
    resolve_addresses(connection, "input_lines")
    with replacing_elsewhere(target) as temporary:
        connection.execute(
            f"COPY ({ANSWER} ORDER BY line.rowid) TO {quoted(str(temporary))} (FORMAT csv, HEADER, USE_TMP_FILE false)"
        )
    return dict(
        connection.execute(
            "SELECT address_status, sum(times_written)::BIGINT AS lines "
            "FROM resolved_addresses GROUP BY ALL ORDER BY lines DESC"
        ).fetchall()
    )


def resolve_one(connection: duckdb.DuckDBPyConnection, written: Mapping[str, str]) -> dict[str, Any]:
    """The answer to one address, by column of `resolved_addresses`; the steps stay to be looked at."""
    texts = ", ".join(f"{quoted(written.get(name, ''))} AS {name}" for name in WRITTEN)
    temporary_step(connection, "one_address", f"SELECT {texts}")
    resolve_addresses(connection, "one_address")
    (answer,) = rows_of(connection, "FROM resolved_addresses")
    return answer


def read_lines(connection: duckdb.DuckDBPyConnection, source: Path) -> None:
    """The lines of a CSV as the table `input_lines`; columns that it lacks are empty."""
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except UnicodeDecodeError:
        raise VroegError("is not UTF-8 text", where=source.name, do="save it as UTF-8") from None
    except OSError as error:
        raise VroegError(f"cannot be read ({error.strerror})", where=source, do="check that it is there") from None
    delimiter = max(",;\t", key=first.count)
    header = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]
    if "id" not in header:
        do = f"give columns id, {', '.join(WRITTEN)}; all but id may be absent"
        raise VroegError("lacks the column id", where=source.name, do=do)
    types = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    columns = ", ".join(
        f"c{header.index(name)} AS {name}" if name in header else f"NULL::VARCHAR AS {name}" for name in WRITTEN
    )

    def read(*, parallel: bool) -> None:
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE input_lines AS
            SELECT c{header.index("id")} AS id, {columns}
            FROM read_csv(
                {quoted(str(source))}, auto_detect = false, header = true, delim = {quoted(delimiter)}, quote = '"',
                escape = '"', columns = {{{types}}}, null_padding = true, parallel = {str(parallel).lower()}
            )
            """
        )

    try:
        try:
            read(parallel=True)
        except duckdb.InvalidInputException:
            # Short lines and line ends within quotes at once are read by one thread only.
            read(parallel=False)
    except duckdb.Error as error:
        # DuckDB quotes the offending line, which is somebody's address; only its number is told.
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = f"{source.name} line {line[1]}" if line else source.name
        raise VroegError("cannot be read as CSV", where=where, do="mend that line, save it as UTF-8") from None
