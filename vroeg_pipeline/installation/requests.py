"""What residents asked for (DOMAIN §14): to be held back, not to be reported, to be erased. Kept in `requests.json`.

No name stands in it: whom a request is about is known by keyed hashes (HMAC-SHA-256) of a door, or of a partner's
reference, together with each name and the birth date. `requested.sql` finds the rows that they mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import duckdb
from pydantic import TypeAdapter, ValidationError

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation.home import Home, replacing
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash, set_hash_key
from vroeg_pipeline.installation.statements import sql, temporary_step, temporary_table

_CHECKED_BY = "requests"
_IDENTITIES = "number INTEGER, kind VARCHAR, key VARCHAR, names VARCHAR[], birth_date VARCHAR, files_before VARCHAR[]"


class Asked(StrEnum):
    """What a resident can ask for. A copy of what is held (`export`) changes nothing, and is over once it is made."""

    EXPORT = "export"
    RESTRICT = "restrict"
    OBJECT = "object"
    ERASE = "erase"


@dataclass(frozen=True)
class Identity:
    """By what rows of a resident are known, all of it hashed: `key` of a door (postcode and number) or of a partner's
    reference; with it, where there are any, the names and the birth date that a row must have.
    """

    key: str
    names: tuple[str, ...] = ()
    birth_date: str | None = None


@dataclass(frozen=True)
class Request:
    """One request. Moments are aware. `by`: who handled it. `subject`: the resident in the log, hashed.

    `files_before`: the files (SHA-256) with rows of the resident that were there before: an objection is to later ones.
    `cases`: hashes of their cases and of their writings at the address desk (Kenmerk), by which what is sent back is known
    to be about them; `shared_cases`: of cases in which others are too. `despite`: who decided to erase what should have
    stayed, and why.
    """

    number: int
    kind: Asked
    by: str
    reason: str
    at: datetime
    subject: str
    identities: tuple[Identity, ...]
    files_before: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    shared_cases: tuple[str, ...] = ()
    despite: str | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lifted_reason: str | None = None

    @property
    def is_in_force(self) -> bool:
        return self.lifted_at is None

    def __str__(self) -> str:
        lifted = f"; lifted {moment_text(self.lifted_at)} by {self.lifted_by}" if self.lifted_at else ""
        return f"request {self.number}: {self.kind}, {moment_text(self.at)} by {self.by}{lifted}"


@dataclass(frozen=True)
class _Kept:
    key_check: str = ""
    requests: tuple[Request, ...] = ()


_ADAPTER = TypeAdapter(_Kept)


def all_requests(home: Home) -> tuple[Request, ...]:
    """Every request there was, oldest first.

    Raises VroegError when they cannot be read, or were made with another key: who was erased would come back.
    """
    try:
        kept = _ADAPTER.validate_json(home.requests.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        what = "cannot be read, so that nobody knows who is to be left out"
        raise VroegError(what, where=home.requests, do="put it back from a back-up") from error
    if kept.requests and kept.key_check != keyed_hash(hash_key(home), _CHECKED_BY):
        what = "was made with another key, so that who is to be left out would not be known again"
        raise VroegError(what, where=home.requests, do="put the former hash.key back")
    return kept.requests


def in_force(home: Home, *kinds: Asked) -> Sequence[Request]:
    """The requests of these kinds that were not lifted. Raises VroegError as `all_requests` does."""
    return [request for request in all_requests(home) if request.is_in_force and request.kind in kinds]


def keep_request(home: Home, request: Request) -> None:
    """Adds the request, or puts it in place of that of its number. Only by who holds the lock of the installation."""
    others = [each for each in all_requests(home) if each.number != request.number]
    requests = tuple(sorted([*others, request], key=lambda each: each.number))
    with replacing(home.requests) as temporary:
        temporary.write_bytes(_ADAPTER.dump_json(_Kept(keyed_hash(hash_key(home), _CHECKED_BY), requests), indent=1))


def next_number(home: Home) -> int:
    """The number of a new request, from 1."""
    return max((request.number for request in all_requests(home)), default=0) + 1


def lifted(request: Request, by: str, reason: str, at: datetime) -> Request:
    """The request as it is when it holds no more."""
    return replace(request, lifted_at=at, lifted_by=by, lifted_reason=reason)


def use_hashes(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Lets SQL make the hashes by which rows are known."""
    set_hash_key(connection, hash_key(home))
    connection.execute(sql("hash_macros"))


def find_requested(connection: duckdb.DuckDBPyConnection, home: Home, requests: Collection[Request], rows: str) -> None:
    """Makes the temporary table `requested`: which of the rows are meant by which request.

    `rows`: a SELECT of place (what they are known by afterwards), partner, customer_reference, postcode, house_number,
    surname and birth_date, read as they are by DOMAIN §4.
    """
    asked = [
        (request.number, request.kind, each, request.files_before)
        for request in requests
        for each in request.identities
    ]
    find_meant(connection, home, asked, rows)


def find_meant(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    asked: Iterable[tuple[int, str, Identity, Sequence[str]]],
    rows: str,
) -> None:
    """The same for identities that belong to no request yet: its number, its kind, one of them, and the files before it."""
    use_hashes(connection, home)
    identities = [
        (number, kind, each.key, list(each.names), each.birth_date, list(files_before))
        for number, kind, each, files_before in asked
    ]
    temporary_table(connection, "asked_identities", _IDENTITIES, identities)
    temporary_step(connection, "identified_rows", rows)
    temporary_step(connection, "requested")
    connection.execute("DROP TABLE identified_rows")
