"""Addresses that debt services or a wijkteam know already (DOMAIN §9): `reference/known_clients.csv`, or a table of another
system that `known_clients` in the settings names: CSV, Parquet, SQLite or PostgreSQL.

Where they come from; what an address means is decided in `addresses/`. DuckDB and PostgreSQL name hosts, users and
values in their errors, so none of their words is repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb

from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.settings import KnownClients, Settings
from vroeg_pipeline.formats.reference_csv import reference_csv, wanted_columns
from vroeg_pipeline.installation.extensions import load_extension
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.secrets import filled_in
from vroeg_pipeline.installation.statements import fetch_one, quoted, temporary_step, temporary_table
from vroeg_pipeline.monthly import Found, observed

COLUMNS = ("postcode", "huisnummer", "huisletter", "huisnummertoevoeging", "known_to", "status")
_OPTIONAL = ("huisletter", "huisnummertoevoeging", "status")

_WHERE = "settings.yaml, known_clients"
_ATTACHED = "known_clients_source"
_POSTGRES = re.compile(r"postgres(ql)?://|(^|\s)(host|hostaddr|dbname|service)\s*=")
_FILES = (".csv", ".parquet")
_SQLITE = (".sqlite", ".sqlite3", ".db")
_CONNECT_SECONDS = 10
_ANSWERS = (
    "address_key VARCHAR, known_to VARCHAR, is_finished BOOLEAN, is_strange_status BOOLEAN, needs_review BOOLEAN, "
    "answer VARCHAR"
)
_LIST = re.compile(r"\[[0-9]*\]$")
# Numbers of other systems come as 7.0, and what is not there as NaN, as soon as one of a column is empty.
_TEXT = r"CASE WHEN lower(text_of({0})) <> 'nan' THEN regexp_replace(text_of({0}), '^([0-9]+)[.,]0+$', '\1') END"
# What libpq and DuckDB say, and what of it can be told; their own words hold hosts, users and values.
_FAILURES = {
    "it refuses the login, or to let this be read": "authentication|no password|role .* does not exist|permission denied",
    "it does not answer": "timeout|refused|could not translate|No such file|server closed",
    "the table or query names something that is not there": "does not exist",
}


def known_clients_are_told(home: Home, settings: Settings) -> bool:
    """Whether there is a source of known clients at all; without one nobody can be called unknown."""
    return settings.known_clients is not None or (home.reference / "known_clients.csv").exists()


def load_known_clients(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> None:
    """Makes the temporary tables `known_answers` of the known clients, each with what became of it, and `known_addresses`
    of those with an address; empty without a source. Sets the variable `has_known_clients`.

    Raises VroegError when the source cannot be read or lacks a column, without a word of what is in it.
    """
    connection.execute("SET VARIABLE has_known_clients = ?", [known_clients_are_told(home, settings)])
    if settings.known_clients:
        _take_in(connection, home, settings.known_clients)
    else:
        _take_in_file(connection, home)
    temporary_step(
        connection,
        "known_written",
        f"""
        SELECT
            postcode_of({_TEXT.format("postcode")}) AS postcode,
            NULL::VARCHAR AS street,
            {_TEXT.format("huisnummer")} AS house_number,
            {_TEXT.format("huisletter")} AS house_letter,
            {_TEXT.format("huisnummertoevoeging")} AS house_number_addition,
            NULL::VARCHAR AS city,
            regexp_replace({_TEXT.format("known_to")}, '\\s+', ' ', 'g') AS known_to,
            string_split(lower(coalesce({_TEXT.format("status")}, 'lopend')), ', ') AS statuses
        FROM known_raw
        WHERE concat({", ".join(COLUMNS)}) <> ''
        """,
    )
    (written,) = fetch_one(connection, "SELECT count(*) FROM known_written")
    if written:
        _answer(connection)
    else:
        # To resolve no address at all takes as many statements as to resolve thousands.
        temporary_table(connection, "known_answers", _ANSWERS, [])
    temporary_step(
        connection,
        "known_addresses",
        # Who finished a track counts whoever knew of it, and nobody too.
        "SELECT address_key, known_to, is_finished, needs_review FROM known_answers "
        "WHERE answer <> 'unreadable' OR (is_finished AND address_key IS NOT NULL)",
    )


def _answer(connection: duckdb.DuckDBPyConnection) -> None:
    resolve_addresses(connection, "known_written")
    temporary_step(
        connection,
        "known_answers",
        """
        SELECT
            coalesce(side.main_key, answer.address_key) AS address_key,
            written.known_to,
            list_contains(written.statuses, 'afgerond') AS is_finished,
            len(list_filter(written.statuses, lambda status: status NOT IN ('lopend', 'afgerond'))) > 0
                AS is_strange_status,
            answer.needs_review,
            CASE
                WHEN answer.address_key IS NULL OR written.known_to IS NULL THEN 'unreadable'
                WHEN NOT answer.needs_review THEN 'found'
                WHEN answer.address_status = 'ambiguous' THEN 'ambiguous'
                ELSE 'unknown'
            END AS answer
        FROM known_written AS written
        LEFT JOIN resolved_addresses AS answer ON same_address(written, answer)
        LEFT JOIN side_addresses AS side ON answer.address_key = side.address_key
        """,
    )


def known_clients_told(connection: duckdb.DuckDBPyConnection) -> str:
    """What became of the known clients of the month, from `known_client_counts`, in one line."""
    row = connection.execute(
        "SELECT read_count, found_count, ambiguous_count, unknown_count, unreadable_count FROM known_client_counts "
        "WHERE month = getvariable('month') AND is_linked"
    ).fetchone()
    if row is None:
        return "no source"
    read, *parts = row
    names = ("found", "ambiguous", "not in the register", "unreadable")
    return f"{read:,} read: " + ", ".join(f"{count:,} {name}" for name, count in zip(names, parts, strict=True))


def strange_statuses(connection: duckdb.DuckDBPyConnection) -> Found:
    """The known clients of the month whose status is none that is agreed."""
    (count,) = fetch_one(
        connection,
        "SELECT coalesce(sum(strange_status_count), 0) FROM known_client_counts WHERE month = getvariable('month')",
    )
    said = f"known clients with a status that is neither lopend nor afgerond: {count:,}; they count as lopend"
    return Found(said if count else None, observed("strange statuses", int(count), at_most=0))


def _take_in_file(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    source = home.reference / "known_clients.csv"
    if not source.exists():
        temporary_table(connection, "known_raw", ", ".join(f"{column} VARCHAR" for column in COLUMNS), [])
        return
    with reference_csv(source, home.scratch) as file:
        required = [column for column in COLUMNS if column != "status"]
        file.load(connection, "known_raw", wanted_columns(file, source, required, ["status"]))


def _take_in(connection: duckdb.DuckDBPyConnection, home: Home, known: KnownClients) -> None:
    source = filled_in(known.source, _WHERE)
    if _POSTGRES.search(source):
        with _attached(connection, "postgres", _with_timeout(source)):
            _copy(connection, _of_database(known))
        return
    path = home.root / source
    if not path.is_file():
        raise VroegError("the file is not there", where=_WHERE, do="check source (relative to VROEG_HOME)")
    if path.suffix.lower() in _SQLITE:
        with _attached(connection, "sqlite", str(path)):
            _copy(connection, _of_database(known))
        return
    ending = path.suffix.lower()
    if ending not in _FILES:
        endings = ", ".join((*_FILES, *_SQLITE))
        raise VroegError(f"source is no database and no file ending in {endings}", where=_WHERE, do="check source")
    if known.table:
        raise VroegError("table is for databases", where=_WHERE, do="leave it out, or write a query FROM source")
    rows = f"read_parquet({quoted(str(path))})"
    if ending == ".csv":
        rows = "known_file"
        try:
            with reference_csv(path, home.scratch) as file:
                names = [name.strip() for name in file.header or []]
                wanted_columns(file, path, [], [name for name in names if name])
                file.load(connection, rows, {_identifier(name): at for at, name in enumerate(names) if name})
        except VroegError as error:
            raise VroegError(str(error), where=_WHERE) from None
    with _own_words():
        if ending == ".parquet" and not known.query:
            # DuckDB gives the second of two that differ in case another name.
            headers = connection.execute(f"SELECT name FROM parquet_schema({quoted(str(path))})").fetchall()
            _refuse_doubles(name for (name,) in headers)
        _copy(connection, f"WITH source AS (FROM {rows}) {known.query or 'FROM source'}")


def _of_database(known: KnownClients) -> str:
    if known.query:
        return known.query
    if not known.table:
        raise VroegError("a database needs a table or a query", where=_WHERE, do="add one of them")
    return f"FROM {_ATTACHED}.{'.'.join(_identifier(part) for part in known.table.split('.'))}"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _copy(connection: duckdb.DuckDBPyConnection, select: str) -> None:
    """The wanted columns of a query as text, in the temporary table `known_raw`."""
    described = connection.execute(f"DESCRIBE ({select})").fetchall()
    _refuse_doubles(name for name, *_ in described)
    found = {name.lower(): (name, kind) for name, kind, *_ in described}
    lacking = [column for column in COLUMNS if column not in found and column not in _OPTIONAL]
    if lacking:
        raise VroegError(f"the source lacks the column {', '.join(lacking)}", where=_WHERE, do="name it in a query")
    wanted = ", ".join(
        f"{_as_text(column, *found[column]) if column in found else 'NULL::VARCHAR'} AS {column}" for column in COLUMNS
    )
    temporary_step(connection, "known_raw", f"SELECT {wanted} FROM ({select})")


def _as_text(column: str, name: str, kind: str) -> str:
    """A column of any type as text. The services of a list are joined; an address of several values is none."""
    value = _identifier(name)
    if not _LIST.search(kind):
        return f"{value}::VARCHAR"
    values = f"list_sort(list_distinct({value}::VARCHAR[]))"
    if column in ("known_to", "status"):
        return f"array_to_string({values}, ', ')"
    return f"CASE WHEN len({values}) = 1 THEN {values}[1] END"


def _refuse_doubles(names: Iterable[str]) -> None:
    folded = [header_name(name) for name in names]
    doubles = ", ".join(column for column in COLUMNS if folded.count(column) > 1)
    if doubles:
        raise VroegError(
            f"the column {doubles} is there twice", where=_WHERE, do="name the one that is meant in a query"
        )


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, kind: str, where: str) -> Iterator[None]:
    """The database under its tables' own names, to be read only, for the block."""
    (path,) = fetch_one(connection, "SELECT current_setting('search_path')")
    load_extension(connection, f"{kind}_scanner")
    if kind == "sqlite":
        connection.execute("SET sqlite_all_varchar = true")  # its columns may hold anything, whatever they declare
    with _own_words():
        connection.execute(f"ATTACH {quoted(where)} AS {_ATTACHED} (TYPE {kind}, READ_ONLY)")
        try:
            connection.execute(f"USE {_ATTACHED}")
            yield
        finally:
            connection.execute(f"SET search_path = {quoted(path)}")
            connection.execute(f"DETACH {_ATTACHED}")


@contextmanager
def _own_words() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        said = next((told for told, pattern in _FAILURES.items() if re.search(pattern, text)), type(error).__name__)
        do = "check source, table and query, and what they take from the environment"
        raise VroegError(f"the source cannot be read: {said}", where=_WHERE, do=do) from None


def _with_timeout(source: str) -> str:
    """The connection with a limit to how long it is waited for; libpq has none."""
    if "connect_timeout" in source:
        return source
    if "://" not in source:
        return f"{source} connect_timeout={_CONNECT_SECONDS}"
    return f"{source}{'&' if '?' in source else '?'}connect_timeout={_CONNECT_SECONDS}"
