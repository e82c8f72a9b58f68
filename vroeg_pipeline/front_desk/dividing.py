"""Divides a file of a sender by municipality: each town gets its own rows, the sender hears of all others.

A file is read by the agreement that the front desk has with its sender, and each town gets a CSV in one form, whatever came.
What a row says is passed on as it was written: a town's own rules judge it.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.lookup import load_municipalities
from vroeg_pipeline.deliveries.inbox import InboxFile, NotTakenError, archive_file, list_month, months_in
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import DATE_FIELDS, DELIVERED_FIELDS
from vroeg_pipeline.domain.layouts import EXCEL_SERIAL, PARTNER_IN_FILE, Layout, fields_of
from vroeg_pipeline.domain.months import TIME_ZONE, month_text
from vroeg_pipeline.domain.settings import FrontDesk
from vroeg_pipeline.formats.delivery import read_delivery
from vroeg_pipeline.installation.home import Home, clear_leftovers, private_folder, replacing, replacing_elsewhere
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import DIVIDED, Divided, DividedFile
from vroeg_pipeline.installation.statements import MEMORY_LIMIT, fetch_one, quoted, streamed, temporary_step

# The column of a town's file with the name of the partner, of a sender that delivers for several.
PARTNER = "partner"
# Why a row goes to no town, as its sender reads it.
NOT_SERVED, UNTOLD = "gemeente wordt hier niet bediend", "postcode ontbreekt of is van geen bekende gemeente"
_TOLD_BACK = ("Regel", "Klantkenmerk", "Reden")
# Of the fingerprint of a file, in the names of what is made of it.
_DIGITS = 12
# Where a value was no text, number or date, which the rules refuse (DOMAIN §4): in a text it is what spoils it there.
_SPOILT = chr(1)


@dataclass(frozen=True)
class Outcome:
    """What became of a file now. `towns`: rows by town; `told_back`: rows by reason; `wrong`: why it is not divided, or
    which towns could not be reached, a line each that names nobody.
    """

    month: date
    sender: str
    rows: int = 0
    towns: Mapping[str, int] = field(default_factory=dict)
    told_back: Mapping[str, int] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()


def divide(installation: Installation, *, dry_run: bool = False) -> Iterator[Outcome]:
    """Divides each file of the inbox that was not divided before, oldest first; and removes what is over its term. A file of
    which a town could not be reached is looked at again the next time, and stays until then. `dry_run`: changes nothing.

    Only by who holds the lock of the installation. Raises VroegError when this is no front desk.
    """
    desk, home, now = installation.settings.front_desk, installation.home, installation.now()
    if desk is None:
        raise VroegError("front_desk is not set", where=home.settings, do="see docs/front-desk.md")
    divided = {(each.month, each.sender, each.file_sha256): each for each in (DIVIDED.read(home) or Divided()).files}
    clear_leftovers(home)
    # What a killed one left is in the inbox still.
    for copy in home.archive.glob("*/*/*"):
        copy.unlink()
    for month in months_in(home.inbox):
        listing = list_month(home.inbox, month, installation.settings.settle_seconds, now)
        for file in sorted(listing.files, key=lambda each: (each.modified_ns, each.partner, each.name)):
            layout = _layout(installation, file.partner)
            if layout is None:
                yield Outcome(month, "a folder without an agreement", wrong=("no sender of that name is agreed with",))
                continue
            try:
                kept = archive_file(home, file, file.partner, installation.settings.max_file_mb)
            except NotTakenError as reason:
                yield Outcome(month, file.partner, wrong=(str(reason),))
                continue
            key = (month, file.partner, kept.sha256)
            try:
                if key not in divided:
                    earlier = [each for each in divided.values() if (each.month, each.sender) == key[:2]]
                    outcome = _divide(
                        installation, desk, file, kept.path, kept.sha256, layout, earlier, dry_run=dry_run
                    )
                    if not (outcome.wrong or dry_run):
                        divided[key] = DividedFile(
                            *key, now, outcome.rows, dict(outcome.towns), dict(outcome.told_back)
                        )
                        DIVIDED.write(home, Divided(tuple(divided.values())))
                    if not (outcome.towns or dry_run):
                        # Nobody can do anything with it but its sender, who was told.
                        _remove_after_term(file.path, file.received_at, desk, now)
                    yield outcome
            finally:
                if kept.path:
                    kept.path.unlink(missing_ok=True)
            if key in divided and not dry_run:
                _remove_after_term(file.path, divided[key].divided_at, desk, now)
    for told in home.outbox.glob("*/partners/*/niet_bezorgd_*.csv"):
        if not dry_run:
            _remove_after_term(told, datetime.fromtimestamp(told.stat().st_mtime, now.tzinfo), desk, now)


def town_agreement(layout: Layout) -> dict[str, object]:
    """What an agreement of a town says of the form of these files, in place of its own `delivery` and `columns`."""
    form = layout.delivery
    content: dict[str, object] = {
        "delivery": {
            "format": "csv", "decimal": form.decimal, "unit": form.unit, "date_format": [_written_date(layout)],
        },
        "columns": {name: name for name in _fields(layout)},
    }  # fmt: skip
    return {**content, **({"partner_column": PARTNER} if layout.partner_column else {})}


def _layout(installation: Installation, sender: str) -> Layout | None:
    partners = installation.partners
    return partners.senders.get(sender) or partners.agreements.get(sender)


def _divide(
    installation: Installation,
    desk: FrontDesk,
    file: InboxFile,
    path: Path | None,
    sha256: str,
    layout: Layout,
    earlier: Sequence[DividedFile],
    *,
    dry_run: bool,
) -> Outcome:
    home, limit = installation.home, installation.settings.max_file_mb
    if path is None or file.size > limit * 1024 * 1024:
        return Outcome(file.month, file.partner, wrong=(f"it is larger than {limit:g} MiB (max_file_mb)",))
    with _in_memory(installation) as connection:
        scratch = private_folder(home.scratch)
        read = read_delivery(connection, path, layout, "delivered", scratch, name=file.name, max_mb=limit)
        if read.refusal:
            return Outcome(file.month, file.partner, read.row_count or 0, wrong=(f"{read.refusal}: {read.detail}",))
        _find_towns(connection, home, desk)
        counts = dict(connection.execute("SELECT town, count(*) FROM divided GROUP BY town ORDER BY town").fetchall())
        towns = {town: counts.get(town, 0) for town in desk.towns}
        told_back = {reason: counts[reason] for reason in (NOT_SERVED, UNTOLD) if reason in counts}
        rows = read.row_count or 0
        if sum(towns.values()) + sum(told_back.values()) != rows:
            raise RuntimeError("rows in are not rows out")  # a bug of ours
        # Who had rows in another file of the month hears of one without: it may be what replaces them.
        had = {town for each in earlier for town, count in each.towns.items() if count}
        towns = {town: count for town, count in towns.items() if count or town in had}
        wrong = []
        if not dry_run:
            for town in towns:
                name = f"{file.partner}_{month_text(file.month)}_{sha256[:_DIGITS]}.csv"
                folder = Path(desk.towns[town].inbox) / file.partner / month_text(file.month)
                try:
                    _deliver(connection, layout, town, Path(desk.towns[town].inbox), folder / name, file.modified_ns)
                except VroegError as error:
                    wrong.append(f"{town}: {error}")
            _tell_back(connection, home, file, sha256)
        return Outcome(file.month, file.partner, rows, towns, told_back, tuple(wrong))


def _find_towns(connection: duckdb.DuckDBPyConnection, home: Home, desk: FrontDesk) -> None:
    """Makes the temporary table `divided`: each row with its town, or why it has none."""
    load_municipalities(connection, home)
    served = ", ".join(
        f"({quoted(code)}, {quoted(town)})" for town, each in desk.towns.items() for code in each.municipalities
    )
    temporary_step(
        connection,
        "divided",
        f"""
        SELECT
            delivered.*,
            CASE
                WHEN place.municipality IS NULL THEN {quoted(UNTOLD)}
                ELSE coalesce(served.town, {quoted(NOT_SERVED)})
            END AS town
        FROM delivered
        LEFT JOIN postcode4_municipality AS place
            ON place.postcode4 = try_cast(left(postcode_of(text_of(delivered.postcode)), 4) AS INTEGER)
        LEFT JOIN (VALUES {served}) AS served(municipality, town) USING (municipality)
        """,
    )


def _deliver(
    connection: duckdb.DuckDBPyConnection, layout: Layout, town: str, inbox: Path, path: Path, modified_ns: int
) -> None:
    """Writes the rows of a town into its inbox, whole or not at all, as received when the sender's file was. A file that is
    there already is left: it is the same.
    """
    if not inbox.is_dir():
        raise VroegError("its inbox is not there", where=inbox, do="look whether its disk is, and at front_desk.towns")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise VroegError(
            f"its inbox cannot be written ({error.strerror})", where=inbox, do="let us write there"
        ) from None
    if path.exists():
        return
    fields = _fields(layout)
    header = [*fields, *([PARTNER] if layout.partner_column else [])]
    values = [_as_written(layout, name) for name in fields]
    values += [PARTNER_IN_FILE] if layout.partner_column else []
    query = f"SELECT {', '.join(values)} FROM divided WHERE town = ? ORDER BY row_number"
    with replacing_elsewhere(path, "let us write there") as temporary:
        with temporary.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, delimiter=";")
            writer.writerow(header)
            writer.writerows(streamed(connection, query, [town]))
        os.utime(temporary, ns=(modified_ns, modified_ns))


def _tell_back(connection: duckdb.DuckDBPyConnection, home: Home, file: InboxFile, sha256: str) -> None:
    """Writes which rows went to nobody, for the sender: no more than it needs to find them."""
    query = "SELECT row_number, coalesce(customer_reference, ''), town FROM divided WHERE town IN (?, ?) ORDER BY row_number"
    rows = connection.execute(query, [NOT_SERVED, UNTOLD]).fetchall()
    if not rows:
        return
    folder = private_folder(home.outbox_of(file.month) / "partners" / file.partner)
    name = f"niet_bezorgd_{file.partner}_{month_text(file.month)}_{sha256[:_DIGITS]}.csv"
    with replacing(folder / name) as temporary, temporary.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, delimiter=";")
        writer.writerow(_TOLD_BACK)
        writer.writerows(rows)


def _fields(layout: Layout) -> list[str]:
    """The fields that the file can have, in the order of DOMAIN §4."""
    known = {*layout.columns, *layout.constants, *(name for text in layout.split.values() for name in fields_of(text))}
    return [name for name in DELIVERED_FIELDS if name in known]


def _written_date(layout: Layout) -> str:
    """The form in which dates are passed on: the first that is agreed and can be written."""
    return next((form for form in layout.delivery.date_format if form != EXCEL_SERIAL), "%d-%m-%Y")


def _as_written(layout: Layout, name: str) -> str:
    """A field as text: what was a number or date in the file is written as the agreement has them."""
    written = name
    if name in DATE_FIELDS:
        form = quoted(_written_date(layout))
        written = f"coalesce(strftime(try_cast({name} AS DATE), {form}), {name})"
    elif name == "amount_due" and layout.delivery.decimal == ",":
        written = f"replace({name}, '.', ',')"
    spoilt = quoted(_SPOILT)
    return (
        f"CASE WHEN list_contains(typed, '{name}:other') THEN {spoilt} || {name} "
        f"WHEN list_contains(typed, '{name}') THEN {written} ELSE {name} END"
    )


def _remove_after_term(path: Path, since: datetime, desk: FrontDesk, now: datetime) -> None:
    if now - since >= timedelta(days=desk.keep_days):
        path.unlink(missing_ok=True)


@contextmanager
def _in_memory(installation: Installation) -> Iterator[duckdb.DuckDBPyConnection]:
    """Nothing of it comes to rest on a disk. Errors of DuckDB may quote a row, so of those only the kind is told."""
    with closing(duckdb.connect()) as connection:
        try:
            connection.execute(f"SET TimeZone = '{TIME_ZONE}'; SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute("SET autoinstall_known_extensions = false; SET temp_directory = ''")
            installation.define_macros(connection)
            fetch_one(connection, "SELECT 1")
            yield connection
        except duckdb.Error as error:
            raise RuntimeError(f"a file could not be divided ({type(error).__name__}, values left out)") from None
