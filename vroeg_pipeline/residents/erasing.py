"""Erases a resident everywhere (DOMAIN §14): tables, files, the bytes of the warehouse; and what forbids it.

What is to go is noted in `reference.erasing` first, in the transaction that begins it. A kill at any moment and a second
time end in the same: what is noted there is finished before anything else. From then on every run that reads a file leaves
them out of it (`deliveries.erased_rows`).
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from vroeg_pipeline.address_desk.decisions import erase_in_desk_files
from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.ddas.answers import deliver_month, withhold_answers
from vroeg_pipeline.ddas.file import ddas_paths
from vroeg_pipeline.deliveries.inbox import months_in
from vroeg_pipeline.deliveries.intake import erase_in_deliveries
from vroeg_pipeline.deliveries.slips import erase_in_slips
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import amsterdam_day, is_month, month_of, month_text, parse_month
from vroeg_pipeline.installation.closed import closed_months
from vroeg_pipeline.installation.home import clear_leftovers, folders_in
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import DONE, LOOK
from vroeg_pipeline.installation.requests import Asked, Request, all_requests, keep_request, use_hashes
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, temporary_step, transaction
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.outcomes.intake import erase_in_outcomes
from vroeg_pipeline.residents.finding import Found, Wanted, find_resident

# A file of ours is small; what is packed in it is looked at up to so many bytes.
_MOST_BYTES = 1 << 30
_ERASED = "erased"
# Shorter ones stand in words.
_SHORTEST_NAME = 4
_ROW = "month, partner, file_sha256, row_number"
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
# A workbook in a container in a container.
_DEEPEST = 3
# What only looks packed, is damaged, or asks for a password.
_NOT_PACKED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)

# What goes, of what is noted of which kind.
_GONE = {
    "gone_rows": ("of_month, partner, file_sha256, row_number", "row"),
    "gone_signals": ("concat_ws('-', partner, strftime(of_month, '%Y%m'), file_sha256[:12], row_number)", "row"),
    "gone_references": ("partner, value", "reference"),
    "gone_doors": ("of_month, value", "door"),
    "gone_cases": ("of_month, case_id_of(of_month, value) AS case_id", "door"),
    "gone_writings": ("value", "writing"),
}
_ROWS = f"({_ROW}) IN (SELECT (of_month, partner, file_sha256, row_number) FROM gone_rows)"
_DOORS = "(month, {}) IN (SELECT (of_month, value) FROM gone_doors)"
_CASES = "(month, case_id) IN (SELECT (of_month, case_id) FROM gone_cases)"
_AT_DOORS = _DOORS.format("address_key")
# Of each table the rows that go.
_GO = {
    "raw.delivery_rows": _ROWS,
    "rejected_rows": _ROWS,
    "validated_signals": _ROWS,
    "contacted_signals": _ROWS,
    "repeat_signals": "signal_id IN (FROM gone_signals) OR repeats_signal_id IN (FROM gone_signals)",
    "remembered_repeats": "signal_id IN (FROM gone_signals)",
    "former_addresses": "(partner, customer_reference) IN (SELECT (partner, value) FROM gone_references)",
    "address_matches": _AT_DOORS,
    "recidivism_history": _AT_DOORS,
    "prioritised_worklists": _AT_DOORS,
    "contact_attempts": _AT_DOORS,
    "case_results": _AT_DOORS,
    "contacted_reports": _AT_DOORS,
    "moved_cases": f"{_AT_DOORS} OR {_DOORS.format('former_key')}",
    "refused_outcomes": (
        "(month, file_sha256, sheet, row_number) IN "
        f"(SELECT (month, file_sha256, sheet, row_number) FROM outcome_rows WHERE {_CASES})"
    ),
    "outcome_rows": _CASES,
    "address_desk": "desk_id IN (FROM gone_writings)",
    "reference.address_decisions": "desk_id IN (FROM gone_writings)",
}


def forbidden(connection: duckdb.DuckDBPyConnection, installation: Installation, found: Found) -> list[str]:
    """What says that something of the resident should stay, a line each (DOMAIN §14); `find_resident` was done before.

    An open case is one that a team was told of, in a month that still runs, without an end result.
    """
    closed = closed_months(connection, installation.settings)
    rows = connection.execute(
        """
        SELECT DISTINCT issued.month
        FROM issued_to_teams AS issued
        SEMI JOIN resident_doors USING (month, address_key)
        SEMI JOIN (FROM prioritised_worklists) USING (month, address_key)
        ANTI JOIN results_of_addresses USING (month, address_key)
        ORDER BY issued.month
        """
    ).fetchall()
    said = [
        f"a team has an open case of {month_text(month)}: it ends first, or somebody decides that it stops"
        for (month,) in rows
        if month not in closed
    ]
    said += [
        f"request {request.number} asked to keep it, held back (AVG art. 18): lift that first"
        for request in all_requests(installation.home)
        if request.is_in_force and request.kind == Asked.RESTRICT and {*request.identities} & {*found.identities}
    ]
    return said


def erase(
    warehouse: WarehouseResource, installation: Installation, wanted: Wanted, request: Request
) -> tuple[Found, Counter[str]]:
    """Erases the resident; gives what was found, and how many files were changed or removed by folder. Only by who holds
    the lock of the installation.

    `request`: with whose words and number; by whom they are known is filled in.
    """
    finish(warehouse, installation)
    with warehouse.connect() as connection:
        found = find_resident(connection, installation, wanted)
        temporary_step(connection, "to_erase")
        request = replace(
            request,
            identities=found.identities,
            subject=found.subject,
            cases=_hashes(connection, "door", "case_id_of(of_month, value)") + _hashes(connection, "writing", "value"),
            shared_cases=_hashes(connection, "shared_door", "case_id_of(of_month, value)"),
        )
        keep_request(installation.home, request)
        insert_rows(connection, "reference.erasing", f"SELECT {request.number} AS request, * FROM to_erase")
    return found, finish(warehouse, installation)


def _hashes(connection: duckdb.DuckDBPyConnection, kind: str, of: str) -> tuple[str, ...]:
    found = connection.execute(f"SELECT DISTINCT case_hash({of}) FROM to_erase WHERE kind = ? ORDER BY 1", [kind])
    return tuple(each for (each,) in found.fetchall())


def finish(warehouse: WarehouseResource, installation: Installation) -> Counter[str]:
    """Does what is noted in `reference.erasing`; gives how many files were changed or removed, by folder. Only by who
    holds the lock of the installation.
    """
    home = installation.home
    changed: Counter[str] = Counter()
    clear_leftovers(home, of_all_machines=True)  # a killed process may have left a copy of a file
    with warehouse.connect() as connection:
        (noted,) = fetch_one(connection, "SELECT count(*) FROM reference.erasing")
        if not noted:
            return changed
        installation.define_macros(connection)
        installation.set_month(connection, month_of(installation.now()))
        define_address_macros(connection, installation, today=True)
        use_hashes(connection, home)
        _erase_rows(connection, installation)
        words = _values(connection, "word")
        name_at = connection.execute(
            "SELECT DISTINCT replace(name.value, ' ', ''), lower(left(place.value, 6)) FROM reference.erasing AS name, "
            "reference.erasing AS place WHERE name.kind = 'name' AND place.kind IN ('door', 'shared_door', 'place') "
            "ORDER BY ALL"
        ).fetchall()

        def is_in(path: Path) -> bool:
            return holds(path, words, name_at)

        without = _without_names([*words, *(name for name, _ in name_at)])
        for month in _months_with_files(installation):
            changed["inbox and archive"] += _erase_in_files(connection, installation, month, is_in, without)
        changed["inbox and archive"] += erase_in_desk_files(connection, installation, is_in)
        _rename(connection, installation, without)
        changed["outbox"] += _remove_files(connection, installation, words)
        with transaction(connection):
            connection.execute("DELETE FROM reference.erasing")
    shutil.rmtree(home.scratch, ignore_errors=True)
    warehouse.rewrite(f"UPDATE reference.removals SET is_rewritten = true WHERE kept = '{_ERASED}'")
    return changed


def _values(connection: duckdb.DuckDBPyConnection, kind: str) -> list[str]:
    found = connection.execute("SELECT DISTINCT value FROM reference.erasing WHERE kind = ? ORDER BY 1", [kind])
    return [value for (value,) in found.fetchall()]


def _erase_rows(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    """All rows, in one transaction, which notes that the warehouse is still to be written anew."""
    for name, of in _GONE.items():
        temporary_step(connection, name, f"SELECT {of[0]} FROM reference.erasing WHERE kind = '{of[1]}'")
    # Others with the same names write it so too.
    of_others = f"SELECT desk_id FROM validated_signals WHERE NOT {_ROWS} AND desk_id IS NOT NULL"
    connection.execute(f"DELETE FROM gone_writings WHERE value IN ({of_others})")
    shared = connection.execute(
        "SELECT DISTINCT of_month FROM reference.erasing WHERE kind = 'shared_door' ORDER BY 1"
    ).fetchall()
    today = amsterdam_day(installation.now())
    with transaction(connection):
        # A team has it on its list: what is withdrawn there is known by its Kenmerk alone.
        connection.execute(
            f"UPDATE worklist_issues SET address_key = 'case:' || case_id_of(month, address_key) WHERE {_AT_DOORS}"
        )
        for table, condition in _GO.items():
            connection.execute(f"DELETE FROM {table} WHERE {condition}")
        _erase_history(connection)
        for (month,) in shared:
            installation.set_month(connection, month)
            doors = (
                "(SELECT value FROM reference.erasing WHERE kind = 'shared_door' AND of_month = getvariable('month'))"
            )
            connection.execute(
                f"DELETE FROM address_matches WHERE month = getvariable('month') AND address_key IN {doors}"
            )
            match = installation.statement("address_matches")
            insert_rows(connection, "address_matches", f"FROM ({match}) WHERE address_key IN {doors}")
        connection.execute("DELETE FROM reference.removals WHERE kept = ?", [_ERASED])
        connection.execute(
            "INSERT INTO reference.removals VALUES (?, ?, ?, false)",
            [today.replace(day=1), _ERASED, installation.now()],
        )


def _erase_history(connection: duckdb.DuckDBPyConnection) -> None:
    """Takes their names and birth date out of what is remembered of doors; a door at which nobody is left goes."""
    temporary_step(
        connection,
        "erased_places",
        "SELECT DISTINCT left(value, 6) AS postcode, split_part(value, '_', 2)::INTEGER AS house_number "
        "FROM reference.erasing WHERE kind IN ('door', 'shared_door', 'place')",
    )
    temporary_step(connection, "gone_hashes")
    connection.execute(
        "DELETE FROM reported_history AS history USING gone_hashes AS gone WHERE history.door = gone.door "
        "AND len(history.names) > 0 AND list_has_all(coalesce(gone.names, []), history.names)"
    )
    connection.execute(
        "UPDATE reported_history AS history SET "
        "names = list_filter(history.names, lambda name: NOT list_contains(gone.all_hashes, name)), "
        "birth_dates = list_filter(history.birth_dates, lambda born: NOT list_contains(gone.all_hashes, born)) "
        "FROM gone_hashes AS gone WHERE history.door = gone.door"
    )


def _months_with_files(installation: Installation) -> list[date]:
    home = installation.home
    archived = {parse_month(path.name) for path in folders_in(home.archive, "*/*") if is_month(path.name)}
    return sorted({*months_in(home.inbox), *archived})


def _without_names(names: Sequence[str]) -> Callable[[str], str]:
    """How a file or folder is called without them in its name."""
    long_enough = [re.escape(name) for name in names if len(name) >= _SHORTEST_NAME]
    pattern = re.compile("|".join(long_enough) or "(?!)", re.IGNORECASE)
    return lambda text: pattern.sub("x", text)


def _rename(connection: duckdb.DuckDBPyConnection, installation: Installation, without: Callable[[str], str]) -> None:
    """Files and folders without an agreement that are named after them; notes with such a name are made anew by runs."""
    names = connection.execute(
        "SELECT month, 'delivery_files', 'file_name', file_name FROM delivery_files UNION "
        "SELECT month, 'outcome_files', 'file_name', file_name FROM outcome_files UNION "
        "SELECT month, 'delivery_files', 'partner', partner FROM delivery_files WHERE refusal = 'unknown_partner'"
    ).fetchall()
    for month, table, column, name in names:
        if without(name) != name:
            connection.execute(
                f"UPDATE {table} SET {column} = ? WHERE month = ? AND {column} = ?", [without(name), month, name]
            )
            for note in (LOOK, DONE):
                note.path(installation.home, month).unlink(missing_ok=True)
    for folder in folders_in(installation.home.inbox, "*/*"):
        if without(folder.parent.name) != folder.parent.name:
            for empty in (folder, folder.parent):
                with suppress(OSError):  # something of others is left in it
                    empty.rmdir()


def _erase_in_files(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    holds: Callable[[Path], bool],
    without: Callable[[str], str],
) -> int:
    installation.set_month(connection, month)
    return (
        erase_in_deliveries(connection, installation, month, holds, without)
        + erase_in_slips(installation, month)
        + erase_in_outcomes(connection, installation, month, holds)
    )


def _remove_files(connection: duckdb.DuckDBPyConnection, installation: Installation, words: Sequence[str]) -> int:
    """Removes what was written for people and holds them; runs write anew what is of months that are still run."""
    home = installation.home
    rows = connection.execute(
        "SELECT DISTINCT of_month, partner FROM reference.erasing WHERE kind = 'row' ORDER BY ALL"
    ).fetchall()
    gone = {
        path
        for folder in (home.outbox, home.quality)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and holds(path, words)
    }
    for month, partner in rows:
        gone |= {path for path in (home.outbox_of(month) / "partners" / partner).glob("*") if path.is_file()}
    # Of several months; whoever needs it writes it anew.
    gone |= set(home.outbox.glob("ddas-*.json"))
    for path in sorted(gone):
        path.unlink(missing_ok=True)
        connection.execute("DELETE FROM worklist_files WHERE file_name = ?", [path.name])
    for month in sorted({month for month, _ in rows}):
        _answer_anew(connection, installation, month)
    return len(gone)


def _answer_anew(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> None:
    """What CBS gets and is answered from, of what is left of the month."""
    home = installation.home
    paths = ddas_paths(installation, home.outbox_of(month), [month]).values()
    was_there = any(path.exists() for path in paths)
    for path in paths:
        path.unlink(missing_ok=True)
    withhold_answers(home, month)
    if was_there:
        with suppress(VroegError):
            deliver_month(connection, installation, month)


def holds(path: Path, words: Sequence[str], name_at: Sequence[tuple[str, str]] = ()) -> bool:
    """Whether a word stands in the bytes of the file, or in what is packed in it; or a name with a postcode (`name_at`)."""
    wanted = {word.encode(encoding, "ignore") for word in words for encoding in _ENCODINGS}
    for content in _contents(path.read_bytes(), _DEEPEST):
        if any(word in content for word in wanted):
            return True
        folded = content.lower().replace(b"\0", b"").replace(b" ", b"")
        if any(name.encode() in folded and postcode.encode() in folded for name, postcode in name_at):
            return True
    return False


def _contents(content: bytes, depth: int) -> Iterator[bytes]:
    """The bytes, and those of everything that is packed in them."""
    yield content
    with suppress(*_NOT_PACKED):
        if depth and content[:2] == b"\x1f\x8b":
            yield from _contents(gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MOST_BYTES), depth - 1)
        elif depth and content[:2] == b"PK":
            container = zipfile.ZipFile(io.BytesIO(content))
            for member in container.infolist():
                yield from _contents(container.open(member).read(_MOST_BYTES), depth - 1)
