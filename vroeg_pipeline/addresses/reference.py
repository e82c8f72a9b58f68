"""The reference tables that people keep: areas and postcode areas (DOMAIN §13). The address register and the known clients
have modules of their own, `addresses.register` and `worklists.known_clients`.

They are ours, not a partner's: a mistake in them stops the run with a line that says where it stands. What an address
means is decided in `addresses/address_macros.sql`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, read_text
from vroeg_pipeline.installation.statements import quoted, temporary_table

BUURTCODE = "BU[0-9]{8}"


def load_areas(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `areas` of `reference/areas.csv`; empty where the file is absent.

    Raises VroegError naming the line that is wrong.
    """
    by_postcode = []
    by_buurt: dict[str, str] = {}
    header = ("postcode_from", "postcode_to", "worklist")
    for position, (line, row) in enumerate(small_table(home.reference / "areas.csv", header, ("buurtcode",))):
        where = f"areas.csv line {line}"
        first, last, buurt = (re.sub(r"\s", "", row[c]).upper() for c in ("postcode_from", "postcode_to", "buurtcode"))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["worklist"]):
            raise VroegError("a worklist like wijkteam_noord is expected", where=where)
        if buurt:
            if first or last or not re.fullmatch(BUURTCODE, buurt):
                raise VroegError("a buurt like BU03920000 without postcodes, or a range without buurt", where=where)
            by_buurt.setdefault(buurt, row["worklist"])
        elif all(re.fullmatch(r"[1-9][0-9]{3}[A-Z]{2}", p) for p in (first, last)) and first <= last:
            by_postcode.append((position, first, last, row["worklist"]))
        else:
            raise VroegError("a range of postcodes like 2021AA,2026ZZ is expected", where=where)
    columns = "position INTEGER, postcode_from VARCHAR, postcode_to VARCHAR, worklist VARCHAR"
    temporary_table(connection, "areas", columns, by_postcode)
    temporary_table(connection, "buurt_areas", "buurtcode VARCHAR, worklist VARCHAR", list(by_buurt.items()))


def load_municipalities(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `postcode4_municipality` of `reference/municipalities.csv`; empty where it is absent.

    Raises VroegError naming the line that is wrong.
    """
    by_postcode: dict[int, str] = {}
    header = ("postcode4_from", "postcode4_to", "gemeentecode")
    for line, row in small_table(home.reference / "municipalities.csv", header):
        ends = [row["postcode4_from"], row["postcode4_to"]]
        if not all(re.fullmatch(r"[1-9][0-9]{3}", end) for end in ends) or ends[0] > ends[1]:
            raise VroegError("a range like 2011,2037 is expected", where=f"municipalities.csv line {line}")
        if not re.fullmatch(r"[0-9]{4}", row["gemeentecode"]):
            raise VroegError("a code of four digits is expected", where=f"municipalities.csv line {line}")
        for postcode in range(int(ends[0]), int(ends[1]) + 1):
            by_postcode.setdefault(postcode, row["gemeentecode"])
    columns = "postcode4 INTEGER, municipality VARCHAR"
    temporary_table(connection, "postcode4_municipality", columns, list(by_postcode.items()))


def csv_select(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> str:
    """A query for the columns of a reference CSV (UTF-8, comma, header) as text; optional ones that it lacks are NULL.

    Raises VroegError when it lacks a column. Run it within `csv_errors`.
    """
    try:
        with source.open(encoding="utf-8-sig") as file:
            header = next(csv.reader([file.readline()]), [])
    except UnicodeDecodeError:
        raise VroegError("is not UTF-8 text", where=source.name, do="save it as UTF-8") from None
    names = [name.strip().lower() for name in header]
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    positions = {name: f"c{i}" for i, name in reversed(list(enumerate(names)))}
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    wanted = ", ".join(f"{positions.get(column, 'NULL::VARCHAR')} AS {column}" for column in (*columns, *optional))
    return f"""
        SELECT {wanted} FROM read_csv(
            {quoted(str(source))}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
            columns = {{{types}}}, null_padding = true, parallel = false
        )
    """


@contextmanager
def csv_errors(source: Path) -> Iterator[None]:
    """Makes an error in a CSV one that names the line. DuckDB quotes it, and it may hold a person's address."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        line = re.search(r"CSV Error on Line: (\d+)", str(error))
        where = source.name + (f" line {line[1]}" if line else "")
        raise VroegError("cannot be read as CSV", where=where, do="mend that line") from None


def small_table(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """(line number, row) of a small reference CSV, cells trimmed; empty where the file is absent, as are the cells of
    an optional column that it lacks.
    """
    if not source.exists():
        return []
    reader = csv.DictReader(read_text(source).splitlines())
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    lacking = [column for column in columns if column not in reader.fieldnames]
    if lacking:
        raise VroegError(f"lacks the column {', '.join(lacking)}", where=source.name, do="add it to the file")
    rows = [(reader.line_num, {c: (row.get(c) or "").strip() for c in (*columns, *optional)}) for row in reader]
    return [(line, row) for line, row in rows if any(row.values())]
