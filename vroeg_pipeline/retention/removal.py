"""What is to be removed on a day, and how it goes: first what remains is made, then rows, files and bytes go (DOMAIN §14).

A kill at any moment and a second time end in the same: rows and history change in one transaction, which notes that the
warehouse is still to be written anew, and files that are still there are still due. Tells counts by table, folder and month.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.domain.months import AMSTERDAM, is_month, month_of, month_text, parse_month
from vroeg_pipeline.domain.retention import Kept, kept_from
from vroeg_pipeline.installation.closed import closed_months
from vroeg_pipeline.installation.home import Home, clear_leftovers, folders_in
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import remove_before
from vroeg_pipeline.installation.notes import CLOSED, DONE, LOOK, Closed, ToBeRemoved, WorkedOn
from vroeg_pipeline.installation.schema import monthly_tables
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, sql, transaction
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.matches.remembered import use_key
from vroeg_pipeline.residents.erasing import finish

# What has another term than all other tables that name a person or a door.
_OF_ANOTHER_TERM = {
    "raw.delivery_rows": Kept.FILES,
    "rejected_rows": Kept.REJECTED,
    "repeat_signals": Kept.REJECTED,
    "reported_history": Kept.HISTORY,
}
# Of these only the names go, of files and of folders without an agreement: what is counted in them stays.
_NAMES = {
    "delivery_files": "file_name = '', partner = CASE refusal WHEN 'unknown_partner' THEN '' ELSE partner END",
    "outcome_files": "file_name = ''",
}
# These name nobody, but tell of rows that go.
_GO_ALONG = ("refused_outcomes", "remembered_repeats", "worklist_files")
_DECISIONS = "reference.address_decisions"


@dataclass(frozen=True)
class Removed:
    """What was removed, and whether the warehouse was written anew."""

    due: Sequence[ToBeRemoved]
    rewritten: bool


def terms_of_tables() -> Mapping[str, Kept]:
    """The tables of which the rows of a month go, and by which term."""
    personal = {table for table, is_personal in monthly_tables().items() if is_personal} - {*_NAMES}
    every = {*personal, *_OF_ANOTHER_TERM, *_GO_ALONG}
    return {table: _OF_ANOTHER_TERM.get(table, Kept.SIGNALS) for table in sorted(every)}


def terms_of_names() -> Mapping[str, Kept]:
    """The tables of which names go by a term, or rows that nothing needs any more, and the rest stays."""
    return {**dict.fromkeys(_NAMES, Kept.FILES), _DECISIONS: Kept.SIGNALS}


def what_is_due(connection: duckdb.DuckDBPyConnection, installation: Installation, day: date) -> list[ToBeRemoved]:
    """What is there and not to be kept any more on that Amsterdam day, by month, term and place."""
    found = []
    for kept, table, moment, is_due in _rows(installation, day):
        counts = f"SELECT date_trunc('month', {moment})::DATE, count(*) FROM {table} WHERE {is_due} GROUP BY ALL"
        found += [
            ToBeRemoved(month, kept.value, table, count) for month, count in connection.execute(counts).fetchall()
        ]
    places = Counter((month, kept, folder) for month, kept, folder, _ in _files(connection, installation, day))
    found += [ToBeRemoved(month, kept.value, folder, count) for (month, kept, folder), count in places.items()]
    return sorted(found, key=lambda due: (due.month, due.kept, due.where))


def remove_due(warehouse: WarehouseResource, installation: Installation, day: date) -> Removed:
    """Removes what is not kept any more on that Amsterdam day. Only by who holds the lock of the installation."""
    home = installation.home
    # A warehouse that was half written anew among them, which would keep what is removed here.
    clear_leftovers(home, of_all_machines=True)
    finish(warehouse, installation)  # an erasure that was killed
    with warehouse.connect() as connection:
        due = what_is_due(connection, installation, day)
        files = [path for _, kept, _, path in _files(connection, installation, day) if kept is not Kept.LOG]
        if of_data := {(each.month, each.kept) for each in due if each.kept != Kept.LOG}:
            remove_rows(connection, installation, day, of_data)
        _note_closed(connection, installation)
        (pending,) = fetch_one(connection, "SELECT count(*) FROM reference.removals WHERE NOT is_rewritten")
    # A folder of the inbox can have any name, and these notes tell of what lay in it. They go before the files, by which a
    # second time knows that they are due.
    for month in {each.month for each in due if each.kept == Kept.FILES}:
        LOOK.path(home, month).unlink(missing_ok=True)
        DONE.write(home, month, WorkedOn((), (), ()))
    for path in files:
        path.unlink(missing_ok=True)
    _remove_empty_folders(files)
    oldest = kept_from(day, Kept.LOG, installation.settings.retention, installation.settings.lookback_months)
    remove_before(home, month_text(oldest))
    if not pending:
        warehouse.tidy()
        return Removed(due, rewritten=False)
    # Where files lie while they are worked on, what was spilled among them; nobody else is at work.
    shutil.rmtree(home.scratch, ignore_errors=True)
    warehouse.rewrite("UPDATE reference.removals SET is_rewritten = true")
    return Removed(due, rewritten=True)


def _rows(installation: Installation, day: date) -> Iterator[tuple[Kept, str, str, str]]:
    """Each term and table, by which of its columns a row belongs to a month, and which rows are due."""
    for table, kept in terms_of_tables().items():
        yield kept, table, "month", f"month < {_kept_from(installation, day, kept)}"
    for table in _NAMES:
        yield Kept.FILES, table, "month", f"file_name <> '' AND month < {_kept_from(installation, day, Kept.FILES)}"
    since = _kept_from(installation, day, Kept.SIGNALS)
    # A decision of the address desk that runs still replay stays.
    replayed = f"SELECT desk_id FROM validated_signals WHERE month >= {since} AND desk_id IS NOT NULL"
    due = f"decided_at::DATE < {since} AND coalesce(desk_id, '') NOT IN ({replayed})"
    yield Kept.SIGNALS, _DECISIONS, "decided_at", due


def _kept_from(installation: Installation, day: date, kept: Kept) -> str:
    settings = installation.settings
    return f"DATE '{kept_from(day, kept, settings.retention, settings.lookback_months)}'"


def remove_rows(
    connection: duckdb.DuckDBPyConnection, installation: Installation, day: date, removed: Collection[tuple[date, str]]
) -> None:
    """Removes the rows that are due on that Amsterdam day, and keeps what later months must know, in one transaction.

    `removed`: the months and terms of which something goes, files included.
    """
    signals_from, repeats_from = (_kept_from(installation, day, kept) for kept in (Kept.SIGNALS, Kept.REJECTED))
    installation.define_macros(connection)
    define_address_macros(connection, installation, today=True)
    use_key(connection, installation.home)
    connection.execute(f"SET VARIABLE removed_before = {signals_from}")
    history_from = _kept_from(installation, day, Kept.HISTORY)
    with transaction(connection):
        insert_rows(connection, "reported_history", f"FROM ({sql('reported_history')}) WHERE month >= {history_from}")
        repeats = (
            f"SELECT month, signal_id FROM repeat_signals WHERE month < {repeats_from} AND month >= {signals_from}"
        )
        insert_rows(connection, "remembered_repeats", repeats)
        for _, table, _, is_due in _rows(installation, day):
            change = f"UPDATE {table} SET {_NAMES[table]}" if table in _NAMES else f"DELETE FROM {table}"
            connection.execute(f"{change} WHERE {is_due}")
        now = installation.now()
        for month, kept in sorted(removed):
            connection.execute(
                "UPDATE reference.removals SET is_rewritten = false WHERE month = ? AND kept = ?", [month, kept]
            )
            connection.execute(
                "INSERT INTO reference.removals SELECT $month, $kept, $now, false WHERE NOT EXISTS "
                "(FROM reference.removals WHERE month = $month AND kept = $kept)",
                {"month": month, "kept": kept, "now": now},
            )


def _note_closed(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    (check,) = fetch_one(connection, "SELECT any_value(key_check) FROM reported_history")
    closed = closed_months(connection, installation.settings)
    if closed:
        CLOSED.write(installation.home, Closed(tuple(sorted(closed)), check or ""))


def _files(
    connection: duckdb.DuckDBPyConnection, installation: Installation, day: date
) -> Iterator[tuple[date, Kept, str, Path]]:
    """Month, term, folder and path of each file that is due.

    What came into the inbox since the files of its month were removed is kept as if it were of the month in which it came.
    """
    home, settings = installation.home, installation.settings
    query = "SELECT month, removed_at FROM reference.removals WHERE kept = ?"
    removed: dict[date, datetime] = dict(connection.execute(query, [Kept.FILES]).fetchall())
    oldest = {kept: kept_from(day, kept, settings.retention, settings.lookback_months) for kept in Kept}
    for month, kept, folder, path in _files_of_months(home):
        came = datetime.fromtimestamp(path.lstat().st_mtime, AMSTERDAM)
        is_late = folder == home.inbox.name and month in removed and came > removed[month]
        if (month_of(came) if is_late else month) < oldest[kept]:
            yield month, kept, folder, path


def _files_of_months(home: Home) -> Iterator[tuple[date, Kept, str, Path]]:
    for folder in (home.inbox, home.archive, home.outbox):
        for parent in [folder] if folder == home.outbox else folders_in(folder):
            for of_month in folders_in(parent):
                if is_month(of_month.name):
                    paths = (path for path in of_month.rglob("*") if not path.is_dir() or path.is_symlink())
                    yield from ((parse_month(of_month.name), Kept.FILES, folder.name, path) for path in paths)
    # Of several months: it goes with the oldest of them.
    for path in home.outbox.glob("ddas-*.json"):
        if months := [part for part in path.stem.split("_") if is_month(part)]:
            yield parse_month(min(months)), Kept.FILES, home.outbox.name, path
    for kept, folder in ((Kept.SIGNALS, home.ddas_answers), (Kept.LOG, home.log)):
        for path in folder.glob("*"):
            if is_month(path.name[:7]):
                yield parse_month(path.name[:7]), kept, folder.name, path


def _remove_empty_folders(files: Sequence[Path]) -> None:
    """The month's folders in which those lay, where nothing is left; the folder of a partner stays."""
    for of_month in {parent for path in files for parent in path.parents if is_month(parent.name)}:
        for folder, _, _ in os.walk(of_month, topdown=False):
            with suppress(OSError):  # something is left in it
                Path(folder).rmdir()
