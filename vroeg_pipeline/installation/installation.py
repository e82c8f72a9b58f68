"""The rules of one installation (agreements, settings, reference tables, calendar), as Python and as SQL see them.

SQL gets them as temporary tables and variables, so that each `.sql` file stays a plain statement. Nothing is decided
here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.layouts import EXCEL_SERIAL, digits_in_full
from vroeg_pipeline.domain.months import TIME_ZONE, add_months
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.agreed import first_seen, keep_agreed, last_good, parse_agreed, read_agreed
from vroeg_pipeline.installation.home import Home, read_text
from vroeg_pipeline.installation.notes import Agreed
from vroeg_pipeline.installation.statements import is_made, quoted, sql, temporary_table

CLOCK = "VROEG_CLOCK"

_TERMS = """
    partner VARCHAR, partner_type VARCHAR, municipalities VARCHAR[], decimal_mark VARCHAR, amount_unit VARCHAR,
    date_format VARCHAR,
    min_amount DECIMAL(12, 2), min_days INTEGER, max_days INTEGER, max_age_days INTEGER, confirmation_asked BOOLEAN,
    due_on DATE, reminder_agreed BOOLEAN
"""


def current_moment() -> datetime:
    """The moment by the clock of this machine; for tests and demonstrations that in the file `VROEG_CLOCK` names.

    Raises VroegError when that file holds no moment with its offset, like `2021-03-05T17:01:00+01:00`.
    """
    path = os.environ.get(CLOCK)
    if not path:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(read_text(Path(path)).strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise VroegError("holds no moment like 2021-03-05T17:01:00+01:00", where=path, do=f"mend it, or unset {CLOCK}")
    return moment


@dataclass(frozen=True)
class Installation:
    """Where an installation lies and by which rules it works. `now` gives the moment, aware; `statement` the SQL of a name.
    Tests set others. `agreed`: the files of the rules.
    """

    home: Home
    partners: Partners
    settings: Settings
    now: Callable[[], datetime] = current_moment
    statement: Callable[[str], str] = sql
    agreed: Agreed | None = None

    @classmethod
    def load(cls, home: Home, now: Callable[[], datetime] = current_moment) -> Installation:
        """Reads agreements and settings.

        Raises VroegError naming the file, the field and what was expected.
        """
        return cls._of(home, read_agreed(home), now)

    @classmethod
    def load_or_last_good(cls, home: Home, now: Callable[[], datetime] = current_moment) -> Installation:
        """What goes on by itself works with: agreements and settings as they are, or where one is wrong all of them as they
        were right last (DOMAIN §4). `what_is_wrong` tells what.

        Raises VroegError as `load` does where none were ever right.
        """
        try:
            return cls.load(home, now)
        except VroegError:
            if (kept := last_good(home)) is None:
                raise
            return cls._of(home, kept, now)

    @classmethod
    def _of(cls, home: Home, agreed: Agreed, now: Callable[[], datetime]) -> Installation:
        partners, settings = parse_agreed(agreed)
        return cls(home, partners.seen(first_seen(home, now(), partners)), settings, now, agreed=agreed)

    def keep_agreed(self) -> None:
        """Keeps the rules for when a file is wrong, and when each agreement was first seen."""
        if self.agreed is not None:
            keep_agreed(self.home, self.agreed, self.partners, self.now())

    @property
    def municipalities(self) -> list[str | None]:
        """The municipalities that each get files of their own: those that agreements name; one None where they get them
        together.
        """
        if not self.settings.separate_municipalities:
            return [None]
        agreed = {code for a in self.partners.agreements.values() for code in a.municipalities}
        return [*sorted(agreed)]

    def define_macros(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes the macros that read what partners deliver; once a connection."""
        formats = sorted({a.delivery.date_format for a in self.partners.agreements.values()})
        dates = {" | ".join(agreed): ", ".join(map(_parsed, agreed)) for agreed in formats}
        cases = " ".join(f"WHEN {quoted(agreed)} THEN coalesce({parsed})" for agreed, parsed in dates.items())
        body = f"CASE date_format {cases} END" if cases else "NULL::DATE"
        if is_made(connection, "macros", body):
            return
        connection.execute(f"CREATE OR REPLACE TEMP MACRO parse_delivered_date(value, date_format) AS {body}")
        connection.execute(sql("macros"))

    def set_month(self, connection: duckdb.DuckDBPyConnection, month: date) -> None:
        """Makes the variables and temporary tables of one month (its first day)."""
        settings = self.settings
        _set(connection, "now", self.now())
        _set(connection, "register_day", month)
        if is_made(connection, "month_made", f"{month} {settings!r} {self.partners!r}"):
            return
        _set(connection, "month", month)
        _set(connection, "lookback_from", add_months(month, -settings.lookback_months))
        _set(connection, "repeats_from", add_months(month, -settings.repeat_months))
        _set(connection, "aftercare_from", add_months(month, -settings.aftercare_months))
        _set(connection, "mortgage_is_housing", settings.mortgage_is_housing)
        _set(connection, "high_amount", settings.high_amount)
        _set(connection, "separate_municipalities", settings.separate_municipalities)
        _set(connection, "light_track", settings.below_threshold == "light_track")
        _set(connection, "home_visits", settings.home_visits_allowed(month))
        _set(connection, "help_results", list(settings.evaluation.help_results))
        terms = [
            (
                a.partner, a.type, list(a.municipalities), a.delivery.decimal, a.delivery.unit, a.delivery.dates,
                a.delivery.min_amount, a.delivery.min_days, a.delivery.max_days, a.delivery.max_age_days,
                a.delivery.confirmation, a.due(month).date(), "reminder_sent" in {*a.headers, *a.constants},
            )
            for a in self.partners.agreements.values()
        ]  # fmt: skip
        temporary_table(connection, "agreement_terms", _TERMS, terms)
        temporary_table(connection, "senders", "sender VARCHAR", [(sender,) for sender in self.partners.senders])
        ancestry = self.partners.ancestry()
        temporary_table(connection, "ancestry", "partner VARCHAR, ancestor VARCHAR, distance INTEGER", ancestry)
        # The farthest that counts a partner among its own is the one partner of every count (DOMAIN §7).
        farthest = {ancestor: partner for partner, ancestor, _ in sorted(ancestry, key=lambda row: row[2])}
        temporary_table(connection, "last_successor", "partner VARCHAR, successor VARCHAR", sorted(farthest.items()))
        names = [(a.partner, a.name) for a in self.partners.agreements.values()]
        temporary_table(connection, "partner_names", "partner VARCHAR, name VARCHAR", names)
        capacity = sorted(settings.capacity.items())
        temporary_table(connection, "capacity", "worklist VARCHAR, home_visits INTEGER", capacity)


def _parsed(date_format: str) -> str:
    if date_format == EXCEL_SERIAL:
        serial = "try_cast(regexp_extract(value, '^([0-9]{1,7})([.,][0-9]+)?$', 1) AS INTEGER)"
        return f"CASE WHEN {serial} BETWEEN 1 AND 2958465 THEN DATE '1899-12-30' + {serial} END"
    parsed = f"try_strptime(value, {quoted(date_format)})"
    if "%z" in date_format:
        # DuckDB wants digits for UTC.
        parsed = f"timezone('{TIME_ZONE}', try_strptime(regexp_replace(value, 'Z$', '+00'), {quoted(date_format)}))"
    elif date_format.endswith("Z"):
        parsed = f"timezone('{TIME_ZONE}', timezone('UTC', {parsed}))"
    # DuckDB reads 21 as the year 21 where four digits are agreed; Dutch partners write no year before 1000.
    whole = digits_in_full(date_format)
    is_whole = f"regexp_full_match(value, {quoted(whole)}) AND " if whole else ""
    return f"CASE WHEN {is_whole}year({parsed}) >= 1000 THEN {parsed}::DATE END"


def _set(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    connection.execute(f"SET VARIABLE {name} = ?", [value])
