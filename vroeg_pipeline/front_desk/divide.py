"""Divides the file that one sender has for many towns over their inboxes, by municipality (docs/front-desk.md).

Each row goes to one town or is told back, which is read back and compared before anything is delivered. What a town's part
is called follows from the bytes of the whole, so whatever was killed is done again to the same files.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.lookup import load_municipalities
from vroeg_pipeline.deliveries.inbox import (
    InboxFile,
    NotTakenError,
    archive_file,
    content_of,
    list_month,
    months_in,
    take_bytes_out_of_inbox,
)
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.layouts import Layout
from vroeg_pipeline.domain.months import month_text, parse_month
from vroeg_pipeline.domain.settings import FrontDesk
from vroeg_pipeline.formats.cells import BLANK, UnreadableError
from vroeg_pipeline.formats.delivery import ReadDelivery, read_delivery
from vroeg_pipeline.formats.reference_csv import reference_csv, wanted_columns
from vroeg_pipeline.front_desk.parts import parts_of_file
from vroeg_pipeline.front_desk.unread import remove_what_is_over, told, unread_files
from vroeg_pipeline.installation.home import (
    Home,
    clear_leftovers,
    private_folder,
    replacing,
    temporary_file,
    temporary_folder,
)
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import hold
from vroeg_pipeline.installation.notes import DESK
from vroeg_pipeline.installation.statements import quoted

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_LONGEST_NAME = 230
_INNER = (".csv", ".txt", ".xlsx", ".json", ".jsonl", ".xml")
NOT_SERVED, NOT_TOLD = "gemeente is niet aangesloten", "gemeente is niet te bepalen"
NOT_DELIVERED = "niet bezorgd, de gemeente was onbereikbaar: lever het bestand opnieuw aan"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Note:
    """What became of a sender's file, without a word of what is in it; in `divided/<sender>/<month>/<sha256>.json`.

    `since`: when it was first seen; `ended`: when it was divided or given up. `state`: `new`, `refused` (tried again),
    `waiting` (for a town that is away), `divided`, or `undelivered`: given up. `rows`: how many each town got; `waits`: the
    towns that have not got theirs, and `undelivered`: how many rows those are.
    """

    sender: str
    month: str
    sha256: str
    name: str
    received_ns: int
    since: str
    ended: str = ""
    is_addition: bool = False
    state: str = "new"
    row_count: int = 0
    told_back: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    waits: list[str] = field(default_factory=list)
    undelivered: int = 0
    is_gone: bool = False

    @property
    def of_month(self) -> date:
        return parse_month(self.month)

    @property
    def shown(self) -> str:
        """It as one that tells nobody's name."""
        return f"{self.sender} {self.month}, {self.sha256[:12]}"

    @property
    def mark(self) -> str:
        """Twelve letters of its bytes; digits could be read as a date in a name."""
        return self.sha256[:12].translate(_LETTERS)

    @property
    def part_name(self) -> str:
        """What its part is called in the inbox of a town: `levering-….csv.gz`, as additions may go by how a name ends."""
        stem, suffix = os.path.splitext(self.name)  # noqa: PTH122
        if suffix.lower() in (".gz", ".zip"):
            inner = next((each for each in _INNER if stem.lower().endswith(each)), "")
            stem, suffix = stem[: len(stem) - len(inner)], stem[len(stem) - len(inner) :] + suffix
        while len(os.fsencode(stem + suffix)) > _LONGEST_NAME:
            stem = stem[:-1]
        return f"{stem}-{self.mark}{suffix}"

    def archived(self, home: Home) -> Path:
        return home.archive / self.sender / self.month / self.sha256

    def path(self, home: Home) -> Path:
        return _note_path(home, self.sender, self.month, self.sha256)


@dataclass
class Outcome:
    """What a look came to: numbers of files and rows, and what went wrong, a line each.

    `told_back`: rows that are of no town here; `waiting`: rows of towns that are away; `undelivered`: rows that were given
    up; `removed`: files of which the term is over, and `removed_unread` those that nobody reads.
    """

    files: int = 0
    rows: int = 0
    delivered: int = 0
    told_back: int = 0
    waiting: int = 0
    undelivered: int = 0
    removed: int = 0
    removed_unread: int = 0
    problems: list[str] = field(default_factory=list)


def divide(installation: Installation, say: Say, *, dry_run: bool = False) -> Outcome:
    """Divides what lies in the inbox, and removes what was divided longer than `keep_days` ago.

    `dry_run`: says what would be done. What cannot be divided or delivered is a problem of the outcome, and is tried again.
    Raises VroegError where this is no front desk, or one is at work.
    """
    home, desk = installation.home, installation.settings.front_desk
    if desk is None:
        raise VroegError(
            "field 'front_desk' is expected", where=home.settings, do="name the towns (docs/front-desk.md)"
        )
    if not home.inbox.is_dir():
        raise VroegError("is not there", where=home.inbox, do="make it, for senders to deliver into")
    for folder in (home.archive, home.outbox, home.scratch):
        private_folder(folder)
    lock = hold(home.run_lock, "a front desk")
    try:
        clear_leftovers(home)
        outcome = Outcome()
        if dry_run:
            notes = [(note, file.path) for note, file in _arrived(installation, outcome)]
        else:
            notes = _taken_in(installation, outcome)
        waiting = [(note, path) for note, path in notes if note.state not in ("divided", "undelivered")]
        if waiting:
            with _reader(installation) as connection:
                for note, path in waiting:
                    _divide_one(connection, installation, desk, note, path, outcome, say, dry_run=dry_run)
        if not dry_run:
            _remove_what_is_over(installation, desk, outcome, say)
        _look_at_unread(installation, desk, outcome, say, dry_run=dry_run)
        return outcome
    finally:
        os.close(lock)


def all_notes(home: Home) -> Iterator[Note]:
    """Every file that ever came, in the order of senders, months and bytes."""
    for path in sorted((home.root / "divided").glob("*/*/*.json")):
        yield Note(**json.loads(path.read_text(encoding="utf-8")))


def is_followed(note: Note, notes: Iterable[Note]) -> bool:
    """Whether a later file of the sender was divided, that adds where this one does: nobody waits for this one any more."""
    since = datetime.fromisoformat(note.since)
    return any(
        (later.sender, later.state, later.is_addition) == (note.sender, "divided", note.is_addition)
        and datetime.fromisoformat(later.since) > since
        for later in notes
    )


def _note_path(home: Home, sender: str, month: str, sha256: str) -> Path:
    return home.root / "divided" / sender / month / f"{sha256}.json"


def _keep(home: Home, note: Note) -> None:
    with replacing(note.path(home)) as temporary:
        temporary.write_text(json.dumps(asdict(note)), encoding="utf-8")


def layout_of(installation: Installation, sender: str) -> Layout | None:
    return installation.partners.senders.get(sender) or installation.partners.agreements.get(sender)


def _arrived(installation: Installation, outcome: Outcome) -> Iterator[tuple[Note, InboxFile]]:
    """Each finished file in the inbox of a sender that is known, with its note; new ones are not kept yet."""
    home, now = installation.home, installation.now()
    for month in months_in(home.inbox):
        listing = list_month(home.inbox, month, installation.settings.settle_seconds, now)
        for file in listing.files:
            if layout_of(installation, file.partner) is None:
                continue
            try:
                sha256 = content_of(file, installation.settings.max_file_mb)
            except NotTakenError as reason:
                outcome.problems.append(f"{file.partner} {month_text(month)}: a file {reason}; it is looked at again")
                continue
            agreement = installation.partners.agreements.get(file.partner)
            new = Note(
                file.partner, month_text(month), sha256, file.path.name, file.modified_ns, now.isoformat(),
                is_addition=agreement is not None and agreement.adds(file.path.name),
            )  # fmt: skip
            path = new.path(home)
            known = Note(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else new
            yield (new if known.is_gone and known.state != "divided" else known), file


def _taken_in(installation: Installation, outcome: Outcome) -> list[tuple[Note, Path]]:
    """The files that are not gone, archived; of those no longer in the inbox too."""
    home = installation.home
    for note, file in _arrived(installation, outcome):
        if note.state == "divided" or note.archived(home).exists():
            continue
        # Before its bytes, so that all bytes in the archive have a name.
        _keep(home, note)
        try:
            archive_file(home, file, note.sender, installation.settings.max_file_mb)
        except NotTakenError as reason:
            outcome.problems.append(f"{note.shown}: {reason}; it is looked at again")
    return [(note, note.archived(home)) for note in all_notes(home) if note.archived(home).exists()]


@contextmanager
def _reader(installation: Installation) -> Iterator[duckdb.DuckDBPyConnection]:
    """Reads files, in memory; knows the municipality of each postcode. Errors of DuckDB may quote a row."""
    home = installation.home
    try:
        with temporary_folder(home.scratch) as spill, duckdb.connect() as connection:
            connection.execute(f"SET temp_directory = {quoted(str(spill))}")
            connection.execute("SET autoinstall_known_extensions = false")
            installation.define_macros(connection)
            load_municipalities(connection, home, refuse_doubts=True)
            register, columns = home.reference / "addresses.csv", ("postcode", "gemeentecode")
            connection.execute("CREATE TEMP TABLE registered (postcode VARCHAR, gemeentecode VARCHAR)")
            if register.exists():
                with reference_csv(register, home.scratch) as file:
                    file.load(connection, "registered", wanted_columns(file, register, columns))
            # A postcode in two municipalities tells neither.
            connection.execute(
                "CREATE TEMP TABLE by_postcode AS SELECT postcode_of(text_of(postcode)) AS postcode, "
                "CASE WHEN count(DISTINCT gemeentecode) = 1 THEN min(gemeentecode) END AS municipality "
                "FROM registered GROUP BY ALL"
            )
            yield connection
    except duckdb.Error as error:
        raise RuntimeError(f"a file could not be divided ({type(error).__name__}, values left out)") from None


def _divide_one(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    desk: FrontDesk,
    note: Note,
    path: Path,
    outcome: Outcome,
    say: Say,
    *,
    dry_run: bool,
) -> None:
    home = installation.home
    try:
        parts, told = _parts(connection, installation, desk, note, path)
    except (VroegError, UnreadableError) as error:
        if not is_followed(note, all_notes(home)):
            outcome.problems.append(f"{note.shown}: not divided, {error}")
        if not dry_run:
            said = error.said.dutch if isinstance(error, UnreadableError) else "het bestand kan niet worden verdeeld"
            _tell_back(home, note, [(None, f"niet verdeeld: {said}")])
            _keep(home, replace(note, state="refused"))
        return
    row_count = sum(len(numbers) for numbers, _ in parts.values()) + len(told)
    outcome.files += 1
    outcome.rows += row_count
    outcome.told_back += len(told)
    got, waits, replies = dict(note.rows), list[str](), dict(told)
    is_given_up = datetime.fromisoformat(note.since) + timedelta(days=desk.wait_days) <= installation.now()
    for town, (numbers, content) in parts.items():
        # By what it got, not by what waits: the folder of a town can be mended in the settings meanwhile.
        if not dry_run and town not in note.rows:
            try:
                _put(Path(town), note, content)
            except (VroegError, OSError) as error:
                why = str(error) if isinstance(error, VroegError) else f"{town}: {error.strerror}"
                what = "given up, its rows are told back" if is_given_up else "not delivered yet"
                outcome.problems.append(f"{note.shown}: {len(numbers)} rows of {Path(town).name} {what}, {why}")
                waits.append(town)
                replies |= dict.fromkeys(numbers, NOT_DELIVERED) if is_given_up else {}
                continue
        got[town] = len(numbers)
        outcome.delivered += len(numbers)
    away = sum(len(parts[town][0]) for town in waits)
    outcome.undelivered += away if is_given_up else 0
    outcome.waiting += 0 if is_given_up else away
    if not dry_run:
        _tell_back(home, note, sorted(replies.items()))
        state = "divided" if not waits else "undelivered" if is_given_up else "waiting"
        ended = "" if state == "waiting" else installation.now().isoformat()
        note = replace(note, state=state, ended=ended, row_count=row_count, told_back=len(told))
        _keep(home, replace(note, rows=got, waits=waits, undelivered=away))
    counts = ", ".join(f"{Path(town).name} {len(numbers)}" for town, (numbers, _) in parts.items())
    say(f"{note.shown}: {row_count} rows, {counts}, told back {len(told)}")


def _parts(
    connection: duckdb.DuckDBPyConnection, installation: Installation, desk: FrontDesk, note: Note, path: Path
) -> tuple[dict[str, tuple[list[int], bytes]], dict[int, str]]:
    """The numbers of the rows that each town gets and its file, and the rows to be told back, with why.

    Raises VroegError and UnreadableError where the file cannot be used.
    """
    layout = layout_of(installation, note.sender)
    if layout is None:
        raise VroegError("there is no agreement", where=f"agreements/{note.sender}.yaml", do="put it back")
    limit, scratch = installation.settings.max_file_mb, installation.home.scratch
    if path.stat().st_size > limit * 1024 * 1024:
        raise VroegError(f"it is larger than {limit:g} MiB", do="let the sender cut it in two, or raise max_file_mb")
    read = read_delivery(connection, path, layout, "whole", scratch, name=note.name, max_mb=limit)
    if read.refusal:
        raise UnreadableError(read.said) if read.said else VroegError(read.refusal)
    agreement = installation.partners.agreements.get(note.sender)
    towns = {
        code: town for code, town in desk.towns.items() if agreement is None or code in agreement.municipalities
    }  # fmt: skip
    numbers: dict[str, list[int]] = {town: [] for town in towns.values()}
    told: dict[int, str] = {}
    for number, municipality in connection.execute(
        """
        SELECT row_number, coalesce(
            by_postcode.municipality, CASE WHEN by_postcode.postcode IS NULL THEN postcode4_municipality.municipality END
        )
        FROM (SELECT row_number, postcode_of(text_of(postcode)) AS postcode FROM whole) AS delivered
        LEFT JOIN by_postcode USING (postcode)
        LEFT JOIN postcode4_municipality
            ON regexp_full_match(delivered.postcode, '[1-9][0-9]{3}[A-Z]{2}')
            AND try_cast(left(delivered.postcode, 4) AS INTEGER) = postcode4_municipality.postcode4
        ORDER BY row_number
        """
    ).fetchall():
        if municipality in towns:
            numbers[towns[municipality]].append(number)
        else:
            told[number] = NOT_SERVED if municipality else NOT_TOLD
    parts = {}
    for town, content in parts_of_file(path, layout, scratch, numbers, limit):
        _check_same(connection, installation, layout, note, content, numbers[town], read)
        parts[town] = (numbers[town], content)
    divided = sum(len(own) for own, _ in parts.values())
    if divided + len(told) != read.row_count:
        raise RuntimeError(f"{read.row_count} rows came, {divided} were divided and {len(told)} told back")
    return parts, told


def _check_same(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    layout: Layout,
    note: Note,
    content: bytes,
    numbers: list[int],
    whole: ReadDelivery,
) -> None:
    """Raises VroegError where a town would read its part as other rows or columns than these of the whole."""
    scratch, limit = installation.home.scratch, installation.settings.max_file_mb
    with temporary_file(scratch) as temporary:
        temporary.write_bytes(content)
        part = read_delivery(connection, temporary, layout, "part", scratch, name=note.part_name, max_mb=limit)
    if not numbers and layout.delivery.is_by_position:
        return  # an empty file, of which a town hears what it hears of any
    rows = "SELECT * EXCLUDE (row_number) FROM {} {} ORDER BY row_number"
    own = f"WHERE row_number IN (SELECT unnest({numbers}::INTEGER[]))"
    columns = [(each.refusal, each.missing_optional, each.unexpected_columns) for each in (part, whole)]
    # How wide a workbook without headers is, its cells say: a town may hear of a column that only rows of others fill.
    is_any_width = layout.delivery.format == "xlsx" and layout.delivery.is_by_position
    if (columns[0] != columns[1] and not is_any_width) or _trimmed(connection, rows.format("part", "")) != _trimmed(
        connection, rows.format("whole", own)
    ):
        raise VroegError("its rows would read otherwise in a part", do="ask the sender for plain CSV")


def _trimmed(connection: duckdb.DuckDBPyConnection, query: str) -> list[list[object]]:
    """The rows of a query without the blanks behind a text, which mean nothing and may fill a line of fixed widths."""
    rows = connection.execute(query).fetchall()
    return [[(cell.rstrip(BLANK) or None) if isinstance(cell, str) else cell for cell in row] for row in rows]


def _put(town: Path, note: Note, content: bytes) -> None:
    """The part in the town's inbox, whole or not at all, with the moment at which the whole came."""
    inbox = town / "inbox"
    if not inbox.is_dir():
        raise VroegError("is not there", where=inbox, do="mount it, or mend front_desk.towns in settings.yaml")
    folder = private_folder(inbox / note.sender / note.month)
    # Its name is always the same, so that what a killed process left is written over.
    temporary = folder / f".{note.part_name}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.utime(temporary, ns=(note.received_ns, note.received_ns))
    temporary.replace(folder / note.part_name)


def _tell_back(home: Home, note: Note, rows: list[tuple[int | None, str]]) -> None:
    """The rows that went nowhere, by number alone: the sender has the file."""
    path = home.outbox / note.month / f"terugmelding_{note.sender}_{note.month}_{note.mark}.csv"
    if not rows:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        write = csv.writer(file, delimiter=";", lineterminator="\r\n").writerow
        write(["rij onder de kop", "reden"])
        for number, reason in rows:
            write([number or "", reason])


def _remove_what_is_over(installation: Installation, desk: FrontDesk, outcome: Outcome, say: Say) -> None:
    """Takes the bytes of files over their term out of archive and inbox. What was given up goes at once."""
    home, now = installation.home, installation.now()
    days = {"divided": desk.keep_days, "undelivered": 0}
    for note in all_notes(home):
        term = timedelta(days=days.get(note.state, desk.wait_days))
        if datetime.fromisoformat(note.ended or note.since) + term > now:
            continue
        there = [file for file in list_month(home.inbox, note.of_month, 0, now).files if file.partner == note.sender]
        archived = note.archived(home)
        try:
            for file in there:
                take_bytes_out_of_inbox([file], note.sha256, file.size)
        except VroegError as error:
            outcome.problems.append(f"{note.shown}: over its term, {error}")
            continue
        if not note.is_gone:
            # Noted last, so that what was killed is done again. A file can be called after a person.
            archived.unlink(missing_ok=True)
            _keep(home, replace(note, is_gone=True, name=""))
            outcome.removed += 1
            if note.state != "divided":
                say(f"{note.shown}: removed, it could not be divided or delivered within {desk.wait_days} days")


def _look_at_unread(installation: Installation, desk: FrontDesk, outcome: Outcome, say: Say, *, dry_run: bool) -> None:
    """Tells of what nobody reads, removes what of it is over its term, and notes the look."""
    home, now = installation.home, installation.now()
    senders = {*installation.partners.agreements, *installation.partners.senders}
    read = {
        file.path
        for month in months_in(home.inbox)
        for file in list_month(home.inbox, month, installation.settings.settle_seconds, now).files
        if file.partner in senders
    }
    look, found = unread_files(home, senders, read, now)
    outcome.problems += told(look.unread, now, desk.wait_days)
    if not dry_run:
        look, outcome.removed_unread, problems = remove_what_is_over(look, found, home, desk.wait_days, say)
        outcome.problems += problems
        DESK.write(home, replace(look, problems=tuple(outcome.problems)))
