"""The tables of some months filled by hand, and single statements run on them: the rung of SQL, without files or Dagster.

A test gives what it is about; everything else has a sensible value. Addresses are told apart by their house number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import duckdb
import pytest

from vroeg_pipeline.domain.months import add_months, parse_month
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one, insert_rows
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.monthly import Month
from vroeg_pipeline.quality.misread_names import know_misread_names
from vroeg_pipeline.retention.removal import remove_rows
from vroeg_pipeline.worklists.assets import Entries
from vroeg_pipeline.worklists.routing import set_earlier_contacts, set_routing
from vroeg_pipeline.worklists.worklist_file import WorklistEntry
from vroeg_pipeline_tests.kit.world import World, moment

MARCH = "2021-03"
# Each partner's type and whom it took over: `nieuw` took over `midden`, which took over `oud`.
PARTNERS = {
    "huur": ("Huur", ()), "huur_twee": ("Huur", ()), "water": ("Water", ()), "licht": ("Energie", ()),
    "bank": ("Hypotheek", ()), "oud": ("Water", ()), "midden": ("Water", ("oud",)), "nieuw": ("Water", ("midden",)),
}  # fmt: skip


def key_of(number: int) -> str:
    """The address with that house number."""
    return f"2021AB_{number}__"


@dataclass(frozen=True)
class Tables:
    """An empty warehouse in memory of a town with PARTNERS. Its settings hold from the first statement on."""

    connection: duckdb.DuckDBPyConnection
    world: World

    def signal(self, partner: str = "huur", number: int = 1, month: str = MARCH, **values: Any) -> str:
        """Adds a validated signal and gives its id. `received` is a moment, as `2021-03-03 10:00` in Amsterdam."""
        (count,) = fetch_one(self.connection, "SELECT count(*) FROM validated_signals")
        surname = values.pop("surname", "Testman")
        (surnames,) = fetch_one(self.connection, "SELECT surnames_of(?)", [surname])
        days = values.pop("days_in_arrears", 60)
        read_on = parse_month(month)
        signal = {
            "month": read_on, "signal_id": f"{partner} {month} {count}", "partner": partner,
            "partner_type": PARTNERS[partner][0], "file_sha256": f"{partner} {month}", "row_number": count,
            "received_at": moment(values.pop("received", f"{month}-03 10:00")), "customer_reference": f"K{number}",
            "address_key": key_of(number), "address_status": "exact", "needs_review": False, "amount_due": 100,
            "arrears_since": read_on - timedelta(days=days), "reference_date": read_on, "days_in_arrears": days,
            "crisis": False, "warm_handover": False, "reminder_sent": True, "surname": surname,
            "surnames": surnames, "postcode": "2021AB", "house_number": number, "house_letter": "",
            "house_number_addition": "", **values,
        }  # fmt: skip
        self._insert("validated_signals", signal)
        return str(signal["signal_id"])

    def address(self, number: int = 1, month: str = MARCH, *, before: str | None = None, **values: Any) -> None:
        """Adds an address that the month reports, one partner without rent unless told otherwise, and what is known of
        it: reported last in the month `before`, or new. Values may be of `address_matches` and `recidivism_history`.
        """
        of, last = parse_month(month), parse_month(before) if before else None
        history: dict[str, Any] = {
            "month": of, "address_key": values.get("address_key", key_of(number)), "recidivism_kind": "new",
            "is_recidivist": False, "possible_new_occupant": False, "times_reported": 0, "only_repeats": False,
        }  # fmt: skip
        if last:
            history |= {"recidivism_kind": "returning", "is_recidivist": True, "times_reported": 1}
            history |= {"first_reported_month": last, "last_reported_month": last, "months_since_last": 1}
        match = {
            "month": of, "address_key": key_of(number), "signal_count": 1, "partner_count": 1, "partners": ["water"],
            "partner_types": ["Water"], "total_amount": 100, "longest_days": 60, "has_rent": False, "has_crisis": False,
            "warm_handover": False, "needs_review": False, "is_repaired": False,
            "earliest_arrears_since": date(2021, 1, 1), "first_received_on": date(of.year, of.month, 3),
        }  # fmt: skip
        for name, value in values.items():
            (history if name in history else match)[name] = value
        match["address_key"] = history["address_key"]
        match.setdefault("match_kind", "multiple" if match["partner_count"] > 1 else "single")
        if match["has_crisis"]:
            match.setdefault("first_crisis_received_on", match["first_received_on"])
        self._insert("address_matches", match)
        self._insert("recidivism_history", history)

    def delivery(self, partner: str = "huur", month: str = MARCH, **values: Any) -> None:
        """Adds an accepted delivery; by default of ten rows, nine of them signals."""
        delivery = {
            "month": parse_month(month), "partner": partner, "file_sha256": f"{partner} {month}", "status": "accepted",
            "file_name": "levering.csv", "received_at": moment(f"{month}-03 10:00"), "size_bytes": 1, "row_count": 10,
            "accepted_count": 9, "rejected_count": 1, "due_at": moment(f"{month}-05 17:00"),
            "missing_optional": [], "unexpected_columns": [], "adds": False, "delivers": True, **values,
        }  # fmt: skip
        self._insert("delivery_files", delivery)

    def rejected(self, *reasons: str, partner: str = "huur", month: str = MARCH, **values: Any) -> None:
        """Adds a rejected row."""
        (count,) = fetch_one(self.connection, "SELECT count(*) FROM rejected_rows")
        rejected = {
            "month": parse_month(month), "partner": partner, "file_sha256": f"{partner} {month}",
            "row_number": 1_000 + count, "reasons": list(reasons), **values,
        }  # fmt: skip
        self._insert("rejected_rows", rejected)

    def delivered(self, partner: str = "huur", month: str = MARCH, **values: Any) -> None:
        """Adds a row as it was delivered."""
        (count,) = fetch_one(self.connection, "SELECT count(*) FROM raw.delivery_rows")
        row = {
            "month": parse_month(month), "partner": partner, "file_sha256": f"{partner} {month}", "row_number": count,
            **values,
        }  # fmt: skip
        self._insert("raw.delivery_rows", row)

    def measures(self, *months: str) -> None:
        """Measures the deliveries of these months, in that order."""
        for month in months or (MARCH,):
            know_misread_names(self.connection)
            self.at(month).fill("delivery_measures")

    def entry(self, number: int, worklist: str, rank: int, *, month: str = MARCH) -> None:
        """Adds an entry of a worklist."""
        entry = {
            "month": parse_month(month), "address_key": key_of(number), "worklist": worklist, "rank": rank, "tier": 2,
            "tier_name": "rent", "action": "home_visit", "deadline": date(2021, 4, 1), "over_capacity": False,
            "is_recidivist": False, "explanation": "Huurachterstand",
        }  # fmt: skip
        self._insert("prioritised_worklists", entry)

    def matches(self, month: str = MARCH) -> None:
        """Fills the matches of a month from its signals."""
        self.at(month).fill("address_matches")

    def recidivism(self, *months: str) -> None:
        """Fills matches, repeats and recidivism of these months from their signals, in that order."""
        for month in months or (MARCH,):
            of = self.at(month)
            of.fill("address_matches")
            of.step("moved_addresses")
            remember(self.connection, of.installation)
            of.fill("repeat_signals", "recidivism_history")

    def forget(self, month: str = MARCH, *, signals: bool = True) -> None:
        """Removes the signals of all earlier months, or only what was rejected and repeated of them, as at the end of their
        term; what the month must know stays.
        """
        lookback = self.at(month).installation.settings.lookback_months
        terms = {"files": 1, "rejected": 1, "signals": 1 if signals else 12}
        self.world.settings(lookback_months=lookback, repeat_months=1, aftercare_months=1, retention=terms)
        remove_rows(self.connection, self.world.installation, add_months(parse_month(month), 1), [])
        assert not self.query(f"FROM repeat_signals WHERE month < DATE '{month}-01'")
        assert bool(self.query(f"FROM validated_signals WHERE month < DATE '{month}-01'")) is not signals

    def worklists(self, month: str = MARCH) -> None:
        """Fills the worklists of a month from its matches and their history."""
        of = self.at(month)
        set_routing(self.connection, of.installation)
        of.fill("prioritised_worklists", "known_client_counts")

    def issue(self, month: str = MARCH) -> None:
        """Issues what changed on the worklists of a month."""
        of = self.at(month)
        insert_rows(self.connection, "worklist_issues", of.installation.statement("worklist_issues"))

    def told(self, number: int = 1, month: str = "2021-02", *, file: int = 1, **values: Any) -> None:
        """Adds a row of a list that a team returned; `file`: of several in the month the first, the second, …"""
        of = parse_month(month)
        received = moment(f"{month}-28 10:00") + timedelta(hours=file)
        returned = {
            "month": of, "file_sha256": f"{month} {file}", "file_name": "lijst.xlsx", "received_at": received,
            "size_bytes": 1, "status": "accepted",
        }  # fmt: skip
        if not self.query(f"FROM outcome_files WHERE file_sha256 = '{month} {file}'"):
            self._insert("outcome_files", returned)
        (case_id,) = fetch_one(self.connection, "SELECT case_id_of(?::DATE, ?)", [of, key_of(number)])
        (count,) = fetch_one(self.connection, "SELECT count(*) FROM outcome_rows")
        row = {
            "month": of, "file_sha256": f"{month} {file}", "sheet": "", "row_number": count, "is_told": True,
            "case_id": case_id, "attempt": 1, "reasons": [], "written": [], **values,
        }  # fmt: skip
        self._insert("outcome_rows", row)

    def lines(self, worklist: str, month: str = MARCH, issue: int | None = None) -> list[WorklistEntry]:
        """The lines of a list as a team reads them: of an issue, or as the list stands."""
        of = self.at(month)
        set_earlier_contacts(self.connection, of.installation)
        return list(Entries(self.connection, of.installation, worklist, issue))

    def rows(self, table: str, month: str = MARCH) -> dict[int, dict[str, Any]]:
        """The month's rows of a table with one row an address, by house number."""
        found = self.query(f"FROM {table} WHERE month = '{month}-01'")
        return {int(row["address_key"].split("_")[1]): row for row in found}

    def repeats(self) -> dict[str, str]:
        """Each repeat with what it repeats, by id."""
        return {row["signal_id"]: row["repeats_signal_id"] for row in self.query("FROM repeat_signals")}

    def query(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query, by column."""
        result = self.connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @cached_property
    def _installation(self) -> Installation:
        return self.world.installation

    def at(self, month: str) -> Month:
        """A month of the connection, as stages and checks get it."""
        of = parse_month(month)
        self._installation.set_month(self.connection, of)
        return Month(self.connection, self._installation, None, of)

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        columns = ", ".join(f"${name} AS {name}" for name in values)
        self.connection.execute(f"INSERT INTO {table} BY NAME SELECT {columns}", values)


@pytest.fixture
def tables(world: World, connection: duckdb.DuckDBPyConnection) -> Tables:
    """The tables of a town with PARTNERS, empty."""
    for partner, (kind, succeeds) in PARTNERS.items():
        world.agree(partner, type=kind, succeeds=list(succeeds))
    return Tables(connection, world)
