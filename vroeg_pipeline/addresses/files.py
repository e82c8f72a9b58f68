"""Addresses of anyone's file, resolved against a register: no installation, no warehouse, no Dagster.

Everything happens in a DuckDB in memory. What an address means is decided in the statements of this room.
"""

from __future__ import annotations

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
from vroeg_pipeline.formats.reference_csv import reference_csv, wanted_columns
from vroeg_pipeline.installation.home import Home, replacing_elsewhere, temporary_folder
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
    with temporary_folder() as spill, duckdb.connect() as connection:
        connection.execute(f"SET temp_directory = {quoted(str(spill))}")
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
    with temporary_folder() as scratch, reference_csv(source, scratch) as file:
        columns = wanted_columns(file, source, (), ("id", *WRITTEN))
        if columns["id"] is None:
            do = f"give columns id, {', '.join(WRITTEN)}; all but id may be absent"
            raise VroegError("lacks the column id", where=source.name, do=do)
        file.load(connection, "input_lines", columns)
