"""The address register: which file under `reference/` gives it, and how its addresses get into the warehouse.

What an entry means stands in `addresses/register_entries.sql` and `addresses/address_register.sql`, how a source is read in
`addresses.bag_extract` and `addresses.bag_light`; why so in docs/adr/0012 and 0013.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses import bag_extract, bag_light
from vroeg_pipeline.addresses.lookup import BUURTCODE
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.formats.cells import Header
from vroeg_pipeline.formats.reference_csv import reference_csv, small_table, wanted_columns
from vroeg_pipeline.installation.home import Home, temporary_file
from vroeg_pipeline.installation.statements import (
    fetch_one,
    insert_rows,
    less_memory,
    quoted,
    rows_of,
    sql,
    statements_hash,
    temporary_table,
    transaction,
)

CSV = "addresses.csv"
LIGHT = "bag-light.gpkg"
BUURTEN = "buurten.csv"
CSV_COLUMNS = (
    "nummeraanduiding_id", "straat", "huisnummer", "huisletter", "huisnummertoevoeging", "postcode", "woonplaats",
    "gemeentecode",
)  # fmt: skip
OPTIONAL_CSV_COLUMNS = ("adresseerbaar_object_id", "buurtcode")
# How reference.sources calls the register in force, and one in reference/ that is not.
_IN_FORCE = "address_register"
_REFUSED = "address_register, refused"
_SAY_EVERY = 500_000
# The occurrences of designations whose history is put together at once; more would not fit in memory.
NUMBERS_AT_ONCE = 500_000

Say = Callable[[str], None]
# (line, cells) of each row of a CSV, the header first.
Rows = Callable[[], Iterator[tuple[int, list[str]]]]


@dataclass(frozen=True)
class Source:
    """The files that give the register, and those that lie there too but are not used."""

    kind: str
    files: tuple[Path, ...]
    unused: tuple[Path, ...]

    @property
    def name(self) -> str:
        return ", ".join(path.name for path in self.files)


@dataclass(frozen=True)
class Register:
    """The register that is in force after a look at `reference/`.

    `left_out`: entries in force without postcode or certain number, or with a key that another one has. `changes`:
    counts, where another register was read; a refused one changed nothing. `said`: one line on a refusal.
    """

    source: Source
    dwellings: int
    left_out: int
    changes: Mapping[str, int] | None = None
    said: str | None = None


def register_source(home: Home) -> Source | None:
    """Which files give the register: BAG extracts before bag-light.gpkg before addresses.csv, as each knows more than
    the next. Of several extracts of one municipality it is the newest.
    """
    extracts: dict[str, list[tuple[str, Path]]] = {}
    for path in sorted(home.reference.glob("*.zip")) if home.reference.is_dir() else []:
        if "bag" in path.name.lower():
            day = re.search(r"([0-9]{2})([0-9]{2})([0-9]{4})\.zip$", path.name)
            stem = path.name[: day.start()] if day else path.name
            extracts.setdefault(stem, []).append((f"{day[3]}{day[2]}{day[1]}" if day else "", path))
    newest = tuple(max(of_one)[1] for of_one in extracts.values())
    older = tuple(path for of_one in extracts.values() for _, path in sorted(of_one)[:-1])
    found = [("BAG extract", newest)] if newest else []
    for kind, name in (("BAG light", LIGHT), ("CSV", CSV)):
        if (home.reference / name).exists():
            found.append((kind, (home.reference / name,)))
    if not found:
        return None
    (kind, files), *others = found
    return Source(kind, files, (*older, *(path for _, paths in others for path in paths)))


def load_register(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    now: datetime,
    *,
    max_loss: float = 1.0,
    say: Say = lambda _: None,
    at_once: int = NUMBERS_AT_ONCE,
) -> Register | None:
    """Brings the register into the warehouse where it is not there yet, and tells `say` how far it is. The history of a
    BAG extract is put together in parts of about `at_once` occurrences.

    None where there is no register: then the one loaded before is forgotten. A register that lost more than `max_loss`
    of the addresses in force (a share) is refused, and the one before it stays. Raises VroegError when a file cannot
    be read; the one before it stays then too.
    """
    source = register_source(home)
    if source is None:
        with transaction(connection):
            connection.execute("DELETE FROM reference.address_register")
            _forget_sources(connection, _IN_FORCE, _REFUSED)
        return None
    fingerprint = _fingerprint(source, home.reference / BUURTEN)
    noted = dict(connection.execute("SELECT name, sha256 FROM reference.sources").fetchall())
    if noted.get(_IN_FORCE) == fingerprint:
        _forget_sources(connection, _REFUSED)
        return Register(source, *_in_force(connection))
    changes = _changes_of_refused(connection) if noted.get(_REFUSED) == fingerprint else None
    if changes is None or _loss(changes) <= max_loss:
        with less_memory(connection):
            changes = _read_and_replace(connection, source, home, fingerprint, now, max_loss, say, at_once)
    said = _refusal(source, changes, max_loss) if _loss(changes) > max_loss else None
    return Register(source, *_in_force(connection), changes, said)


def file_source(path: Path) -> Source:
    """A register of anyone: a BAG extract (`.zip`), a `bag-light.gpkg`, or a CSV like `addresses.csv`.

    Raises VroegError when there is no such file.
    """
    if not path.is_file():
        do = "give a BAG extract (.zip), bag-light.gpkg, or a CSV like addresses.csv"
        raise VroegError("there is no such register", where=path, do=do)
    return Source({".zip": "BAG extract", ".gpkg": "BAG light"}.get(path.suffix.lower(), "CSV"), (path,), ())


def fill_register(connection: duckdb.DuckDBPyConnection, source: Source, buurten: Path, scratch: Path) -> None:
    """Fills the empty register of a database that is no warehouse.

    Raises VroegError when the source cannot be read or holds no address.
    """
    _make_entries(connection, source, scratch, lambda _: None, NUMBERS_AT_ONCE)
    _make_buurten(connection, buurten, scratch)
    _fill(connection, lambda _: None)
    (dwellings, _) = _in_force(connection)
    if not dwellings:
        raise VroegError(
            "has no address with a postcode and a house number", where=source.name, do="give another register"
        )


def _read_and_replace(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    home: Home,
    fingerprint: str,
    now: datetime,
    max_loss: float,
    say: Say,
    at_once: int,
) -> dict[str, int]:
    """Replaces the register unless it lost too much, and notes what changed; gives the counts."""
    say(f"address register: reading {source.name}")
    _make_entries(connection, source, home.scratch, say, at_once)
    (entries, in_force, mended) = fetch_one(
        connection,
        "SELECT count(*), count(*) FILTER (valid_until IS NULL), count(*) FILTER (is_mended) FROM register_entries",
    )
    say(f"address register: {entries:,} entries read")
    _make_buurten(connection, home.reference / BUURTEN, home.scratch)
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE register_before AS
        SELECT address_key, nummeraanduiding_id AS id FROM reference.address_register WHERE valid_until IS NULL
        """
    )
    changes: dict[str, int] = {}
    try:
        with transaction(connection):
            connection.execute("DELETE FROM reference.address_register")
            _fill(connection, say)
            (changes,) = rows_of(connection, sql("register_changes"))
            changes |= {"entries": entries, "left_out": in_force - changes["dwellings"], "mended": mended}
            if _loss(changes) > max_loss:
                raise _LostTooMuchError
            _forget_sources(connection, _IN_FORCE, _REFUSED)
            _note_source(connection, _IN_FORCE, fingerprint, entries, now)
            _note_load(connection, source, fingerprint, now, changes, refused=False)
    except _LostTooMuchError:
        with transaction(connection):
            _forget_sources(connection, _REFUSED)
            _note_source(connection, _REFUSED, fingerprint, entries, now)
            _note_load(connection, source, fingerprint, now, changes, refused=True)
    for table in ("register_entries", "register_before", "buurt_of_number", "buurt_of_range"):
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
    return changes


def _fill(connection: duckdb.DuckDBPyConnection, say: Say) -> None:
    """Puts the entries in the register, a ninth of the postcodes at a time, so that less must be sorted at once."""
    made = 0
    for digit in "123456789":
        connection.execute(f"SET VARIABLE postcode_begins = '{digit}'")
        here = insert_rows(connection, "reference.address_register", sql("address_register"))
        made += here
        if here:
            say(f"address register: {made:,} addresses put together, up to postcode {digit}999")


class _LostTooMuchError(Exception):
    """Takes the new register out of the transaction again."""


def _loss(changes: Mapping[str, int]) -> float:
    before = changes["dwellings_before"]
    return changes["withdrawn"] / before if before else 0.0


def _refusal(source: Source, changes: Mapping[str, int], max_loss: float) -> str:
    return (
        f"{source.name} is refused: {changes['withdrawn']:,} of the {changes['dwellings_before']:,} addresses in force are "
        f"not in it ({_loss(changes):.1%}, allowed {max_loss:.1%}); the register before it stays in force; where this is "
        "right, set register_max_loss in settings.yaml for one run"
    )


def _changes_of_refused(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What the refused register would change: its files need not be read again for that."""
    (changes,) = rows_of(
        connection,
        """
        SELECT entries, left_out, dwellings, dwellings_before, added, withdrawn, renumbered, coalesce(mended, 0) AS mended
        FROM reference.register_loads
        WHERE refused
        ORDER BY load_number DESC
        LIMIT 1
        """,
    )
    return changes


def _in_force(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Addresses in force, and entries that were left out of them."""
    (dwellings, left_out) = fetch_one(
        connection,
        """
        SELECT
            (SELECT count(*) FROM reference.address_register WHERE valid_until IS NULL),
            coalesce((SELECT arg_max(left_out, load_number) FROM reference.register_loads WHERE NOT refused), 0)
        """,
    )
    return dwellings, left_out


def _note_source(
    connection: duckdb.DuckDBPyConnection, name: str, fingerprint: str, entries: int, now: datetime
) -> None:
    connection.execute("INSERT INTO reference.sources VALUES (?, ?, ?, ?)", [name, fingerprint, entries, now])


def _forget_sources(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    # A register was once noted under the name of its file.
    connection.execute("DELETE FROM reference.sources WHERE name IN (SELECT unnest(?::VARCHAR[]))", [[*names, CSV]])


def _note_load(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    fingerprint: str,
    now: datetime,
    changes: Mapping[str, int],
    *,
    refused: bool,
) -> None:
    row = {"loaded_at": now, "source": source.name, "sha256": fingerprint, "refused": refused, **changes}
    marks = ", ".join(f"${name} AS {name}" for name in row)
    connection.execute(
        f"""
        INSERT INTO reference.register_loads BY NAME
        SELECT coalesce(max(load_number), 0) + 1 AS load_number, {marks} FROM reference.register_loads
        """,
        row,
    )


def _fingerprint(source: Source, buurten: Path) -> str:
    """Of the files, and of the statements that read them: when these change, the register is read anew."""
    statements = ("bag_entries", "register_entries", "address_register", "address_macros", "macros")
    digest = hashlib.sha256(statements_hash(statements).encode())
    for path in (*source.files, *([buurten] if buurten.exists() else [])):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _make_entries(connection: duckdb.DuckDBPyConnection, source: Source, scratch: Path, say: Say, at_once: int) -> None:
    """Makes the temporary table `register_entries` of the source."""
    parts = 1
    rows: Rows | None = None
    with ExitStack() as around:
        if source.kind == "BAG extract":
            occurrences = (row for path in source.files for row in bag_extract.read_extract(path, scratch))
            _spool(connection, scratch, bag_extract.TABLES, occurrences, say)
            select = sql("bag_entries")
            (occurrences_of_numbers,) = fetch_one(connection, "SELECT count(*) FROM bag_numbers")
            parts += occurrences_of_numbers // at_once
        elif source.kind == "BAG light":
            columns = {"bag_light": (*bag_light.COLUMNS, "object_kind")}
            addresses = (("bag_light", row) for row in bag_light.read_light(source.files[0]))
            _spool(connection, scratch, columns, addresses, say)
            select = (
                "SELECT *, true AS is_main, NULL AS buurtcode, NULL::DATE AS valid_from, NULL::DATE AS valid_until "
            )
            select += "FROM bag_light"
        else:
            file = around.enter_context(reference_csv(source.files[0], scratch))
            columns_of = wanted_columns(file, source.files[0], CSV_COLUMNS, OPTIONAL_CSV_COLUMNS)
            select = _FROM_CSV.format(csv=file.query(connection, columns_of))
            rows = file.rows
        connection.execute(f"CREATE OR REPLACE TEMP VIEW register_as_written AS {select}")
        connection.execute(f"SET VARIABLE parts = {parts}")
        for part in range(parts):
            connection.execute(f"SET VARIABLE part = {part}")
            into = "INSERT INTO temp.register_entries" if part else "CREATE OR REPLACE TEMP TABLE register_entries AS"
            connection.execute(f"{into} {sql('register_entries')}")
            if parts > 1:
                say(f"address register: part {part + 1} of {parts} put together")
        _judge_codes(connection, source, rows)
        connection.execute("DROP VIEW temp.register_as_written")
        for table in (*bag_extract.TABLES, "bag_light"):
            connection.execute(f"DROP TABLE IF EXISTS temp.{table}")


# Header in a CSV: the column of the entries, how it is mended, and what is wrong with it after that.
_CODES = {
    "gemeentecode": ("municipality", "municipality_of", "NOT regexp_full_match(municipality, '[0-9]{4}')"),
    **{
        name: (name, "identification_of", f"is_damaged_number({name}, false)")
        for name in ("nummeraanduiding_id", "adresseerbaar_object_id")
    },
}


def _judge_codes(connection: duckdb.DuckDBPyConnection, source: Source, rows: Rows | None) -> None:
    """Raises VroegError where a code is none: its addresses would lie in no municipality, so all would be outside the area.

    `rows`: those of a CSV, to say on which line.
    """
    for header, (column, mended, wrong) in _CODES.items():
        (count,) = fetch_one(connection, f"SELECT count(*) FROM register_entries WHERE {wrong}")
        if not count:
            continue
        where = f"{source.name}, {header}"
        if rows is not None:
            as_written = f"SELECT {column} AS written, {mended}(text_of({column})) AS {column} FROM register_as_written"
            found = connection.execute(f"SELECT DISTINCT written FROM ({as_written}) WHERE {wrong}").fetchall()
            texts = {written for (written,) in found}
            at: int | None = None
            for line, cells in rows():
                if at is None:
                    at = Header.of(cells, {header: (header,)}).positions[header]
                elif at < len(cells) and cells[at] in texts:
                    where = f"{source.name} line {line}, column {header}"
                    break
        is_code = column == "municipality"
        what = "no code of four digits" if is_code else "a number that a spreadsheet rounded (like 4,572E+14)"
        do = "give the register as it was downloaded, not as a spreadsheet saved it again"
        raise VroegError(f"{count:,} entries have {what}", where=where, do=do)


_FROM_CSV = """
SELECT
    nummeraanduiding_id, adresseerbaar_object_id, NULL::BOOLEAN AS is_main, NULL AS object_kind, NULL AS status,
    straat AS street, woonplaats AS city, gemeentecode AS municipality, postcode, huisnummer AS house_number,
    huisletter AS house_letter, huisnummertoevoeging AS house_number_addition, buurtcode,
    NULL::DATE AS valid_from, NULL::DATE AS valid_until
FROM ({csv})
"""


def _spool(
    connection: duckdb.DuckDBPyConnection,
    scratch: Path,
    tables: Mapping[str, Sequence[str]],
    rows: Iterable[tuple[str, Sequence[str | None]]],
    say: Say,
) -> None:
    """Makes temporary tables of rows that come one by one, by way of files: DuckDB takes those in a hundred times
    faster than single rows, and nothing piles up in memory.
    """
    with ExitStack() as files:
        paths = {table: files.enter_context(temporary_file(scratch)) for table in tables}
        with _writers(paths) as writers:
            for count, (table, row) in enumerate(rows, 1):
                writers[table](row)
                if count % _SAY_EVERY == 0:
                    say(f"address register: {count:,} objects and occurrences read")
        for table, columns in tables.items():
            typed = {column: "BOOLEAN" if column == "is_main" else "VARCHAR" for column in columns}
            connection.execute(
                f"""
                CREATE OR REPLACE TEMP TABLE {table} AS FROM read_csv(
                    {quoted(str(paths[table]))}, auto_detect = false, header = false, delim = ',', quote = '"',
                    escape = '"', columns = {typed}
                )
                """
            )


@contextmanager
def _writers(paths: Mapping[str, Path]) -> Iterator[dict[str, Callable[[Sequence[str | None]], object]]]:
    with ExitStack() as files:
        yield {
            table: csv.writer(files.enter_context(path.open("w", newline="", encoding="utf-8"))).writerow
            for table, path in paths.items()
        }


def _make_buurten(connection: duckdb.DuckDBPyConnection, source: Path, scratch: Path) -> None:
    """Makes the temporary tables `buurt_of_number` and `buurt_of_range`, empty where `reference/buurten.csv` does not
    give them.

    Raises VroegError when the file is neither of ranges of postcodes nor of numbers, or a buurt is none.
    """
    by_range: list[tuple[int, str, str, str]] = []
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE buurt_of_number (postcode VARCHAR, house_number INTEGER, buurtcode VARCHAR)"
    )
    if source.exists():
        with source.open(encoding="utf-8-sig", errors="replace") as file:
            in_ranges = "postcode_from" in file.readline().lower()
        if in_ranges:
            by_range = _buurt_ranges(source)
        else:
            with reference_csv(source, scratch) as file:
                of_number = file.query(
                    connection, wanted_columns(file, source, ("postcode", "huisnummer", "buurtcode"))
                )
                insert_rows(connection, "temp.buurt_of_number", _BUURT_OF_NUMBER.format(csv=of_number))
            (wrong,) = fetch_one(
                connection,
                f"SELECT count(*) FROM buurt_of_number WHERE regexp_full_match(buurtcode, '{BUURTCODE}') IS NOT true",
            )
            if wrong:
                raise VroegError(f"{wrong:,} buurten are not like BU03920000", where=source.name, do="mend them")
    columns = "position INTEGER, postcode_from VARCHAR, postcode_to VARCHAR, buurtcode VARCHAR"
    temporary_table(connection, "buurt_of_range", columns, by_range)


_BUURT_OF_NUMBER = """
SELECT
    postcode_of(text_of(postcode)) AS postcode,
    try_cast(text_of(huisnummer) AS INTEGER) AS house_number,
    first(upper(text_of(buurtcode))) AS buurtcode
FROM ({csv})
GROUP BY 1, 2
"""


def _buurt_ranges(source: Path) -> list[tuple[int, str, str, str]]:
    ranges = []
    for position, (line, row) in enumerate(small_table(source, ("postcode_from", "postcode_to", "buurtcode"))):
        first, last = (re.sub(r"\s", "", row[c]).upper() for c in ("postcode_from", "postcode_to"))
        if not all(re.fullmatch(r"[1-9][0-9]{3}[A-Z]{2}", p) for p in (first, last)) or first > last:
            raise VroegError("a range of postcodes like 2021AA,2026ZZ is expected", where=f"{source.name} line {line}")
        if not re.fullmatch(BUURTCODE, row["buurtcode"].upper()):
            raise VroegError("a buurt like BU03920000 is expected", where=f"{source.name} line {line}")
        ranges.append((position, first, last, row["buurtcode"].upper()))
    return ranges
