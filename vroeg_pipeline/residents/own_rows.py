"""Which of the rows that were found of a resident are theirs alone to see, and of nobody of the same name (DOMAIN §14).

Who erases takes rather too much, as a row that is left brings somebody back. Who shows takes rather too little: what may be
a housemate's is left out, and who handles the request is told how much.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Identity, find_meant
from vroeg_pipeline.installation.statements import fetch_one, sql, temporary_step, temporary_table
from vroeg_pipeline.residents.finding import Found, Wanted

_ROW = "month DATE, partner VARCHAR, file_sha256 VARCHAR, row_number INTEGER, is_joint BOOLEAN"


@dataclass(frozen=True)
class PossibleRow:
    """A row at a door of the resident. `is_direct`: the question itself means it, not only what was found by it.

    `initial`: a capital letter, empty where the row has none. `door`: its address key where that is certain, else empty.
    `is_joint`: another stands in it by name too.
    """

    place: tuple[date, str, str, int]
    names: frozenset[str]
    birth_date: date | None
    initial: str
    door: str
    is_joint: bool
    is_found: bool
    is_direct: bool


@dataclass(frozen=True)
class Own:
    """What is theirs: the rows, the names by which they are known (each a set of names of one person), and when they were
    born where that is known.
    """

    rows: Sequence[PossibleRow]
    names: Collection[frozenset[str]]
    birth_date: date | None


def own_of(
    rows: Sequence[PossibleRow], asked_names: frozenset[str] = frozenset(), born: date | None = None, initial: str = ""
) -> Own:
    """Tells them apart. Nobody is known by a name alone who lives with a namesake: a birth date or an initial must say it.

    Raises VroegError where that is not known.
    """
    names = {asked_names} if asked_names else {row.names for row in rows if row.is_direct and row.names}
    fitting = [
        row
        for row in rows
        # In a row with joint names they are one of those; a row with a part of their name can be another's.
        if any(own <= row.names for own in names) or (row.is_direct and not row.names)
    ]
    found = [row for row in fitting if row.is_found]
    # That of a row with joint names can be the other's.
    births = {row.birth_date for row in found if row.birth_date and not row.is_joint}
    if born is None and len(births) > 1:
        raise VroegError("people with different birth dates have this name there", do="give --birth-date")
    born = born or next(iter(births), None)
    proven = [row for row in found if born and row.birth_date == born]
    letters = ({initial} | {row.initial for row in proven}) - {""}
    if not letters:
        letters = {row.initial for row in found} - {""}
        if len(letters) > 1:
            raise VroegError("people with different initials have this name there", do="give --initials")
    sure = [row for row in found if row in proven or (row.birth_date is None and row.initial in letters)]
    doors = _own_doors(sure, found)
    unsure = [row for row in found if row not in sure and not row.initial and (not row.door or row.door in doors)]
    # Who has their name there and is not them: then nobody knows of whom a row is that says no more.
    has_namesake = any(
        row not in sure and row not in unsure and not row.is_joint and bool(row.birth_date or row.initial or row.door)
        for row in fitting
    )
    own = sure if has_namesake else [row for row in found if row in sure or row in unsure]
    return Own(own, names, born)


def _own_doors(sure: Sequence[PossibleRow], found: Sequence[PossibleRow]) -> Collection[str]:
    """At each postcode and number the doors that are theirs: those of rows that are, else the only one there is."""
    own = {row.door for row in sure}
    elsewhere = {row.door for row in found if row.door} - own
    others = {door for door in elsewhere if _number(door) not in {_number(each) for each in own}}
    if len(others) > len({_number(door) for door in others}):
        what = "people with this name are behind several doors of one number"
        raise VroegError(what, do="give --birth-date or --initials")
    return own | others


def _number(door: str) -> tuple[str, ...]:
    """Postcode and house number."""
    return tuple(door.split("_")[:2])


def keep_own(
    connection: duckdb.DuckDBPyConnection, installation: Installation, wanted: Wanted, found: Found, initials: str
) -> tuple[Sequence[Identity], int]:
    """Leaves in `resident_places` and `resident_doors` what is theirs alone, also as `own_rows`; after `find_resident`.

    Gives by what they are known, and how many rows that were found are left out. Raises VroegError as `own_of` does.
    """
    # The first identity is that of the question.
    find_meant(connection, installation.home, [(0, "", found.identities[0], ())], "FROM known_rows")
    temporary_step(connection, "direct_places", "SELECT DISTINCT place FROM requested")
    (names,) = fetch_one(connection, "SELECT names FROM resident_asked")
    possible = [
        PossibleRow((month, partner, file, number), frozenset(names), *told)
        for month, partner, file, number, names, *told in connection.execute(sql("possible_rows")).fetchall()
    ]
    own = own_of(possible, frozenset(names), wanted.birth_date, initials.strip()[:1].upper())
    connection.execute("SET VARIABLE resident_born = ?", [own.birth_date])
    connection.execute("SET VARIABLE own_names = ?::VARCHAR[][]", [sorted(map(sorted, own.names))])
    temporary_table(connection, "own_rows", _ROW, [(*row.place, row.is_joint) for row in own.rows])
    temporary_step(
        connection,
        "resident_places",
        "SELECT struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) "
        "AS place FROM own_rows",
    )
    temporary_step(connection, "resident_doors")
    known = [Identity(*each) for each in _as_tuples(connection.execute(sql("own_identities")).fetchall())]
    return known or found.identities[:1], sum(row.is_found for row in possible) - len(own.rows)


def _as_tuples(rows: Sequence[tuple[str, list[str], str | None]]) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [(key, tuple(names), birth_date) for key, names, birth_date in rows]
