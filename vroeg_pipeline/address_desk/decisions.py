"""What the address desk sends back: its decisions, read once and kept (DOMAIN §6, §13).

A decision is about one writing of an address with one surname (`desk_id`, Kenmerk), as two households may write the same
number and live behind two doors. It names an address of the register or says that there is none; what cannot be used is
kept with a reason in Dutch, which the desk finds on its next list. What a decision does to a signal stands in
`signals/addressed_rows.sql`.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.address_text import fields_of
from vroeg_pipeline.addresses.resolver import WRITTEN, resolve_addresses
from vroeg_pipeline.deliveries.inbox import archive_files, list_returned, take_bytes_out_of_inbox
from vroeg_pipeline.domain.agreements import ADDRESS_DESK
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.formats.cells import BLANK, UnreadableError
from vroeg_pipeline.formats.csv import Dialect, csv_rows
from vroeg_pipeline.formats.encodings import EXCEL
from vroeg_pipeline.formats.xlsx import xlsx_cells
from vroeg_pipeline.installation.home import folders_in
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import KeptFile, is_kept, kept_in, rows_kept, write_kept
from vroeg_pipeline.installation.requests import Asked, in_force
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import fetch_one, temporary_table, transaction

DECISION, DECIDED_BY, WHY, DESK_ID = "Besluit", "Door", "Toelichting", "Kenmerk (niet wijzigen)"
AS_WRITTEN, NOT_FOUND, WITHDRAWN = "Klopt zoals geschreven", "Niet te vinden", "Eerder besluit intrekken"
_WORDS = {AS_WRITTEN.lower(): "as_written", NOT_FOUND.lower(): "not_found", WITHDRAWN.lower(): "withdrawn"}
_CANONICAL = re.compile(r"\s*([1-9][0-9]{3}\s?[A-Za-z]{2})[\s,]+([0-9].*)")

# What stands above the header of our list, and some more.
_MOST_ROWS_ABOVE = 10

_NO_KEY = "dit kenmerk staat niet op onze lijst"
_NOBODY = "wie heeft dit besloten? Vul Door in"
_NO_DOOR = "zoals het er staat is niet te zeggen welke deur het is; schrijf postcode en huisnummer van de juiste"
_NO_ADDRESS = "dit adres staat niet in het register; neem over wat in de BAG staat, of kies uit de lijst in de cel"


@dataclass
class DecisionsRead:
    """What was new: decisions by kind, rows and files that could not be used, and what was left alone, by reason."""

    kinds: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Row:
    number: int
    desk_id: str
    decision: str
    decided_by: str
    why: str | None


def read_decisions(connection: duckdb.DuckDBPyConnection, installation: Installation) -> DecisionsRead:
    """Adds the decisions of every file of the address desk that was not read before, whichever month it lies in."""
    settings = installation.settings
    listing = list_returned(installation.home.inbox, ADDRESS_DESK, settings.settle_seconds, installation.now())
    read = DecisionsRead(skipped=listing.skipped)
    known = {
        sha for (sha,) in connection.execute("SELECT DISTINCT file_sha256 FROM reference.address_decisions").fetchall()
    }
    listing.files.sort(key=lambda file: (file.modified_ns, file.name))
    erased = _erased(installation)
    found = archive_files(installation.home, listing, lambda file: ADDRESS_DESK, settings.max_file_mb)
    came = [(kept.sha256, file.received_at, file.name, kept.path) for file, kept in found]
    came += [
        (file.file_sha256, file.received_at, file.file_name, path) for path, file in _kept(connection, installation)
    ]
    for sha256, received_at, name, path in came:
        if sha256 in known:
            continue
        known.add(sha256)
        read.files += 1
        refusal, rows = _rows_of(connection, path, name, installation.home.scratch)
        if path and any(erased(row.desk_id) for row in rows):
            rows = _keep_without(connection, installation, path, (sha256, received_at, name), rows, erased)
        with transaction(connection):
            _keep(connection, sha256, received_at, refusal, rows, read)
    return read


def erase_in_desk_files(
    connection: duckdb.DuckDBPyConnection, installation: Installation, holds: Callable[[Path], bool]
) -> int:
    """Takes residents who were erased out of all lists that the address desk sent back (DOMAIN §14); gives how many that
    changed. Of others than who is erased only what was decided stays, and nothing of what cannot be read.
    """
    home, erased, changed = installation.home, _erased(installation), 0
    listing = list_returned(home.inbox, ADDRESS_DESK, installation.settings.settle_seconds, installation.now())
    came = {
        kept.path: (kept.sha256, file.received_at, file.name)
        for file, kept in archive_files(home, listing, lambda file: ADDRESS_DESK, installation.settings.max_file_mb)
        if kept.path
    }
    for path in sorted(path for folder in folders_in(home.archive, f"{ADDRESS_DESK}/*") for path in folder.glob("*")):
        moment = datetime.fromtimestamp(path.stat().st_mtime, AMSTERDAM)
        # Its name is gone with the file in the inbox; by it is known whether it can be read at all.
        name = f"lijst{'.xlsx' if zipfile.is_zipfile(path) else '.csv'}"
        came.setdefault(path, (path.name, moment, name))
    for path, of in came.items():
        if is_kept(path):
            continue
        _, rows = _rows_of(connection, path, of[2], home.scratch)
        if holds(path) or any(erased(row.desk_id) for row in rows):
            _keep_without(connection, installation, path, of, rows, erased)
            changed += 1
    return changed


def _erased(installation: Installation) -> Callable[[str], bool]:
    """Whether a Kenmerk is of somebody who was erased."""
    requests = in_force(installation.home, Asked.ERASE)
    gone = {case for request in requests for case in request.cases}
    return lambda desk_id: bool(gone) and keyed_hash(hash_key(installation.home), f"case|{desk_id}") in gone


def _kept(connection: duckdb.DuckDBPyConnection, installation: Installation) -> Iterator[tuple[Path, KeptFile]]:
    for folder in sorted(installation.home.archive.glob(f"{ADDRESS_DESK}/*")):
        yield from kept_in(connection, folder)


def _keep_without(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    path: Path,
    of: tuple[str, datetime, str],
    rows: list[_Row],
    erased: Callable[[str], bool],
) -> list[_Row]:
    """Puts what was decided on others in place of the file; gives it."""
    rows = [row for row in rows if not erased(row.desk_id)]
    columns = "number INTEGER, desk_id VARCHAR, decision VARCHAR, decided_by VARCHAR, why VARCHAR"
    temporary_table(connection, "kept_decisions", columns, [astuple(row) for row in rows])
    sha256, received_at, name = of
    kept = KeptFile(sha256, name, received_at, path.stat().st_size, {})
    write_kept(connection, path, kept, "FROM kept_decisions")
    connection.execute("DROP TABLE kept_decisions")
    listing = list_returned(installation.home.inbox, ADDRESS_DESK, 0, installation.now())
    take_bytes_out_of_inbox(listing.files, sha256, kept.size_bytes)
    return rows


def _rows_of(
    connection: duckdb.DuckDBPyConnection, path: Path | None, name: str, scratch: Path
) -> tuple[str | None, list[_Row]]:
    """Why the file is refused as a whole, or its rows on which something was decided."""
    if path and is_kept(path):
        return None, [_Row(*row) for row in connection.execute(f"FROM {rows_kept(path)}").fetchall()]
    suffix = Path(name).suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        return "alleen .xlsx en .csv worden gelezen", []
    if path is None:
        return "het bestand is te groot", []
    try:
        cells = list(_csv_cells(path) if suffix == ".csv" else _xlsx_cells(path, scratch))
    except UnreadableError as error:
        return error.said.dutch, []
    above = next((place for place, row in enumerate(cells[:_MOST_ROWS_ABOVE]) if _is_header(row)), None)
    if above is None:
        return f"de kolommen {DESK_ID}, {DECISION} en {DECIDED_BY} zijn nodig, zoals op onze lijst", []
    header = [cell.casefold() for cell in cells[above]]
    rows = []
    for number, row in enumerate(cells[above + 1 :], 1):
        desk_id, decision, decided_by, why = (
            row[header.index(column.casefold())] if column.casefold() in header[: len(row)] else ""
            for column in (DESK_ID, DECISION, DECIDED_BY, WHY)
        )
        if decision:
            rows.append(_Row(number, desk_id, decision, decided_by, why or None))
    return None, rows


def _is_header(row: list[str]) -> bool:
    folded = [cell.casefold() for cell in row]
    return all(folded.count(column.casefold()) == 1 for column in (DESK_ID, DECISION, DECIDED_BY))


def _csv_cells(path: Path) -> Iterator[list[str]]:
    for _, cells in csv_rows(path, Dialect(EXCEL)):
        yield [cell.strip(BLANK) for cell in cells]


def _xlsx_cells(path: Path, scratch: Path) -> Iterator[list[str]]:
    """The rows of the first sheet that is a list, else of the first sheet."""
    sheets: dict[str, list[list[str]]] = {}
    for name, _, *cells in xlsx_cells(path, scratch):
        sheets.setdefault(name, []).append([cell[1:].strip(BLANK) for cell in cells])
    lists = (rows for rows in sheets.values() if any(map(_is_header, rows[:_MOST_ROWS_ABOVE])))
    yield from next(lists, [])


def _keep(
    connection: duckdb.DuckDBPyConnection,
    sha256: str,
    received_at: datetime,
    refusal: str | None,
    rows: list[_Row],
    read: DecisionsRead,
) -> None:
    chosen = _chosen(connection, rows)
    typed = [row for row in rows if row.decision.lower() not in _WORDS and (row.desk_id, row.decision) not in chosen]
    found = _addresses(connection, typed)
    found |= {row.number: chosen[of] for row in rows if (of := (row.desk_id, row.decision)) in chosen}
    as_written = _meant_as_written(connection, rows)
    kept: list[tuple[object, ...]] = []
    for row in rows:
        decision = _WORDS.get(row.decision.lower(), "address")
        address_key, designation = found.get(row.number, (None, None))
        is_no_door = False
        if decision == "as_written":
            address_key, is_no_door = as_written.get(row.desk_id, (None, False))
        refused = None
        if not re.fullmatch("[0-9a-f]{16}(-[0-9a-f]{16})*", row.desk_id):
            refused = _NO_KEY
        elif not row.decided_by:
            refused = _NOBODY
        elif decision == "address" and address_key is None:
            refused = _NO_ADDRESS
        elif is_no_door:
            refused = _NO_DOOR
        if refused:
            read.refused += 1
        else:
            read.kinds[decision] += 1
        kept.append((
            sha256, row.number, row.desk_id, decision, address_key, designation, row.decided_by, received_at, row.why,
            refused, row.decision if refused else None,
        ))  # fmt: skip
    if refusal:
        read.refused += 1
    # A file is known by its row 0, also when nothing was decided in it.
    kept.append((sha256, 0, None, None, None, None, None, received_at, None, refusal, None))
    connection.executemany(
        "INSERT INTO reference.address_decisions (file_sha256, row_number, desk_id, decision, address_key, "
        "nummeraanduiding_id, decided_by, decided_at, why, refusal, written) "
        f"VALUES ({', '.join('?' * len(kept[0]))})",
        kept,
    )


def _meant_as_written(connection: duckdb.DuckDBPyConnection, rows: list[_Row]) -> dict[str, tuple[str | None, bool]]:
    """Of each writing that signals have: the key that it means as it is, as a later register can read it otherwise, and
    whether it is no door.
    """
    asked = [row.desk_id for row in rows if _WORDS.get(row.decision.lower()) == "as_written"]
    found = connection.execute(
        """
        SELECT
            desk_id,
            arg_max(
                CASE
                    WHEN resolver_status IN ('exact', 'normalised', 'unknown', 'unchecked') THEN resolver_key
                    -- The addition of what is ambiguous is the suffix as it was written.
                    WHEN resolver_status = 'ambiguous' AND needs_review
                        THEN address_key_of(
                            postcode, house_number, house_letter_by_rule(house_number_addition),
                            addition_by_rule(house_number_addition)
                        )
                END,
                month
            ) AS address_key,
            coalesce(bool_or(is_no_door(json_extract_string(address_evidence, '$.reason'))), false) AS is_no_door
        FROM validated_signals
        WHERE list_contains(?::VARCHAR[], desk_id)
        GROUP BY desk_id
        """,
        [asked],
    ).fetchall()
    return {desk_id: (address_key, is_no_door) for desk_id, address_key, is_no_door in found}


def _chosen(connection: duckdb.DuckDBPyConnection, rows: list[_Row]) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Of each address that our list proposed for a Kenmerk: its key, and its designation in the month of the list. Read anew
    two doors can be one text, and another house can have the number by now.
    """
    proposed = connection.execute(
        """
        WITH candidates AS (
            SELECT
                desk_id,
                month,
                unnest(candidates).address AS text
            FROM address_desk
            WHERE list_contains(?::VARCHAR[], desk_id)
        ),

        latest AS (
            SELECT
                desk_id,
                text,
                key_of_address_text(text) AS address_key,
                max(month) AS month
            FROM candidates
            GROUP BY ALL
        )

        SELECT
            latest.desk_id,
            latest.text,
            latest.address_key,
            register.nummeraanduiding_id
        FROM latest
        LEFT JOIN reference.address_register AS register
            ON latest.address_key = register.address_key
            AND coalesce(register.valid_from, '-infinity') <= latest.month
            AND coalesce(register.valid_until, 'infinity') > latest.month
        WHERE latest.address_key IS NOT NULL
        """,
        [[row.desk_id for row in rows]],
    ).fetchall()
    return {(desk_id, text): (address_key, designation) for desk_id, text, address_key, designation in proposed}


def _addresses(connection: duckdb.DuckDBPyConnection, rows: list[_Row]) -> dict[int, tuple[str, str | None]]:
    """Of each row that names an address of the register: its key and designation."""
    if not rows:
        return {}
    texts = []
    for row in rows:
        written = _CANONICAL.fullmatch(row.decision)
        fields = {"postcode": written[1], "house_number": written[2]} if written else fields_of(row.decision)
        texts.append((row.number, *(fields.get(name) for name in WRITTEN)))
    columns = ", ".join(f"{name} VARCHAR" for name in WRITTEN)
    temporary_table(connection, "decided_texts", f"row_number INTEGER, {columns}", texts)
    resolve_addresses(connection, "decided_texts")
    answers = connection.execute(
        """
        SELECT written.row_number, answer.address_key, answer.nummeraanduiding_id
        FROM decided_texts AS written
        INNER JOIN resolved_addresses AS answer ON same_address(written, answer)
        WHERE answer.address_status IN ('exact', 'normalised', 'unchecked')
        """
    ).fetchall()
    return {number: (key, designation) for number, key, designation in answers}


def overrides_in_force(connection: duckdb.DuckDBPyConnection) -> int:
    """How many decisions every run replays."""
    (count,) = fetch_one(connection, "SELECT count(*) FROM reference.address_overrides")
    return int(count)
