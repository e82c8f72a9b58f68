"""Finds a resident in everything that is held (DOMAIN §14), and all that belongs to them there.

Somebody is known by a door with a name or a birth date, or by a reference of a partner. What is found so tells by what
else they are known: another reference, the door to which they moved. That goes on until nothing more is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_of
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Identity, find_meant, use_hashes
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import fetch_one, sql, temporary_step, temporary_table

# Each round finds another door or reference of the same person; nobody moves this often.
_MOST_ROUNDS = 10


@dataclass(frozen=True)
class Wanted:
    """By what a resident is asked for: `postcode` and `number` with `surname`, `birth_date` or both, or else `partner` and
    `reference`, as they are written in deliveries.
    """

    postcode: str | None = None
    number: str | None = None
    surname: str | None = None
    birth_date: date | None = None
    partner: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Found:
    """By what the resident is known, how they are called in the log, and what is held: (table, month, rows).

    `namesakes`: what says that it can be of several people, where the question does not say when they were born.
    """

    identities: tuple[Identity, ...]
    subject: str
    held: Sequence[tuple[str, date, int]]
    namesakes: str | None = None

    @property
    def months(self) -> list[date]:
        """The months with something of them."""
        return sorted({month for _, month, _ in self.held})


def find_resident(connection: duckdb.DuckDBPyConnection, installation: Installation, wanted: Wanted) -> Found:
    """Finds the resident, and makes the temporary tables `resident_places` (rows as delivered) and `resident_doors`.

    Raises VroegError when they are asked for by something else, by a reference that many have or of an unknown partner.
    """
    installation.define_macros(connection)
    installation.set_month(connection, month_of(installation.now()))
    define_address_macros(connection, installation)
    use_hashes(connection, installation.home)
    own = _identity(connection, wanted)
    temporary_step(connection, "known_rows", sql("held_rows"))
    if wanted.reference:
        _refuse_unknown_partner(connection, installation, wanted)
        _refuse_shared_reference(connection, wanted)
    identities: tuple[Identity, ...] = (own,)
    for _ in range(_MOST_ROUNDS):
        _mark(connection, installation, identities, wanted.birth_date)
        found = {own, *_identities(connection)}
        if found <= set(identities):
            break
        identities = (*identities, *sorted(found - set(identities), key=str))
    temporary_step(connection, "resident_doors")
    held = connection.execute(sql("resident_held")).fetchall()
    known_by = "|".join(("resident", own.key, *own.names, own.birth_date or ""))
    return Found(
        identities, keyed_hash(hash_key(installation.home), known_by), held, _namesakes(connection, wanted.birth_date)
    )


def _namesakes(connection: duckdb.DuckDBPyConnection, birth_date: date | None) -> str | None:
    have_births, have_doors = fetch_one(connection, sql("namesakes"))
    if birth_date or not (have_births or have_doors):
        return None
    what = "with different birth dates" if have_births else "behind different doors of that number"
    return f"people {what} have this name there"


def _identity(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Identity:
    """What the question itself says of who is meant, read as deliveries are; in `resident_asked` too."""
    asked = (wanted.postcode, wanted.number, wanted.surname, wanted.birth_date, wanted.reference)
    columns = "postcode VARCHAR, number VARCHAR, surname VARCHAR, birth_date DATE, reference VARCHAR"
    temporary_table(connection, "resident_asked", columns, [asked])
    temporary_step(
        connection,
        "resident_asked",
        """
        SELECT
            postcode_of(text_of(postcode)) AS postcode,
            nullif(number_and_rest(text_of(number)).number, '') AS house_number,
            resident_names(text_of(surname)) AS names,
            text_of(reference) AS reference,
            birth_date
        FROM resident_asked
        """,
    )
    postcode, number, names, reference, _ = fetch_one(connection, "FROM resident_asked")
    if wanted.partner and reference and not (wanted.postcode or wanted.number):
        key, told = "reference_hash($1, $2)", [wanted.partner, reference]
    elif wanted.postcode and wanted.number and not (wanted.partner or reference):
        if postcode is None:
            raise VroegError("is no postcode like 1234 AB", where="--postcode", do="mend it")
        if number is None:
            raise VroegError("is no house number", where="--number", do="mend it")
        if not (names or wanted.birth_date):
            raise VroegError("at a door several people live", do="give --surname, --birth-date or both")
        key, told = "door_hash($1, $2)", [postcode, number]
    else:
        raise VroegError(
            "a resident is found by --postcode and --number with --surname or --birth-date, or by --partner and --reference",
            do="give either",
        )
    (key, names, birth_date) = fetch_one(
        connection,
        f"SELECT {key} AS key, list_transform($3::VARCHAR[], lambda name: person_hash(key, name)), "
        "person_hash(key, $4::DATE::VARCHAR)",
        [*told, names, wanted.birth_date],
    )
    return Identity(key, tuple(names), birth_date)


def _refuse_unknown_partner(connection: duckdb.DuckDBPyConnection, installation: Installation, wanted: Wanted) -> None:
    """A partner of before may have no agreement any more, and still be of who is held."""
    held = connection.execute("SELECT DISTINCT partner FROM known_rows").fetchall()
    known = {*installation.partners.agreements, *(partner for (partner,) in held)}
    if wanted.partner not in known:
        what = f"'{wanted.partner}' is no partner"
        raise VroegError(what, where="--partner", do=f"choose from {', '.join(sorted(known))}")


def _refuse_shared_reference(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> None:
    (is_shared,) = fetch_one(
        connection,
        f"SELECT EXISTS (FROM ({_SHARED}) WHERE partner = $1 AND customer_reference = text_of($2))",
        [wanted.partner, wanted.reference],
    )
    if is_shared:
        what = "stands for several doors in one file, so that it is of several people"
        raise VroegError(what, where="--reference", do="give --postcode and --number with --surname or --birth-date")


# A reference that stands for several doors in one file says nothing about who is meant.
_SHARED = """
SELECT partner, customer_reference FROM known_rows WHERE customer_reference IS NOT NULL
GROUP BY partner, customer_reference, place.file_sha256
HAVING count(DISTINCT (postcode, house_number)) FILTER (WHERE postcode IS NOT NULL AND house_number IS NOT NULL) > 1
"""


def _mark(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    identities: tuple[Identity, ...],
    birth_date: date | None,
) -> None:
    """Makes `resident_places` and `resident_known` of what is known of who is meant by any of these."""
    find_meant(connection, installation.home, [(0, "", each, ()) for each in identities], "FROM known_rows")
    temporary_step(connection, "resident_places", "SELECT DISTINCT place FROM requested")
    # Of a row that does not say when they were born that of the question holds, else that of all others.
    connection.execute("SET VARIABLE resident_born = ?", [birth_date])
    temporary_step(connection, "resident_known")


def _identities(connection: duckdb.DuckDBPyConnection) -> list[Identity]:
    found = connection.execute(f"""
        WITH keyed AS (
            SELECT door_hash(postcode, house_number) AS key, names, birth_date FROM resident_known
            WHERE postcode IS NOT NULL AND house_number IS NOT NULL
            UNION
            SELECT reference_hash(partner, customer_reference) AS key, names, birth_date FROM resident_known
            ANTI JOIN ({_SHARED}) USING (partner, customer_reference)
            WHERE customer_reference IS NOT NULL
        )
        SELECT DISTINCT
            key,
            list_transform(names, lambda name: person_hash(key, name)),
            person_hash(key, birth_date::VARCHAR)
        FROM keyed
        WHERE len(names) > 0
        ORDER BY ALL
    """).fetchall()
    return [Identity(key, tuple(names), birth_date) for key, names, birth_date in found]
