"""What decides on whose list an address comes: areas, known clients, deadlines, earlier help (DOMAIN §9)."""

from __future__ import annotations

import re

import duckdb

from vroeg_pipeline.addresses.lookup import BUURTCODE, define_address_macros
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.tiers import CRISIS, TIERS, first_contact_by
from vroeg_pipeline.formats.reference_csv import small_table
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one, temporary_step, temporary_table
from vroeg_pipeline.worklists.known_clients import load_known_clients


def set_routing(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    """Makes what the worklists of the month need besides: tiers, deadlines, areas, known clients, and under which
    other keys an address may have been helped before.
    """
    define_address_macros(connection, installation)
    load_areas(connection, installation.home)
    load_known_clients(connection, installation.home, installation.settings)
    load_tiers(connection)
    (told,) = fetch_one(
        connection,
        "SELECT count(*) FROM outcome_rows WHERE month >= getvariable('aftercare_from') AND month < getvariable('month') "
        "AND end_result IS NOT NULL",
    )
    moved = installation.statement("moved_addresses")
    temporary_step(connection, "moved_addresses", moved if told else f"FROM ({moved}) LIMIT 0")


def set_earlier_contacts(connection: duckdb.DuckDBPyConnection, installation: Installation) -> None:
    """Makes the temporary table `earlier_contacts` of the month: what came of the last contact at an address."""
    (told,) = fetch_one(
        connection,
        "SELECT count(*) FROM outcome_rows WHERE month BETWEEN getvariable('lookback_from') AND getvariable('month') "
        "AND is_told",
    )
    if not told:
        temporary_table(connection, "earlier_contacts", "address_key VARCHAR, told VARCHAR, told_before VARCHAR", [])
        return
    define_address_macros(connection, installation)
    temporary_step(connection, "moved_addresses", installation.statement("moved_addresses"))
    temporary_step(connection, "earlier_contacts", installation.statement("earlier_contacts"))


def load_tiers(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the temporary table `tiers`, and `deadlines` of every day on which an address of the month came first."""
    rows = [(t.number, t.name, t.first_action, t.for_area, t is CRISIS, t.why) for t in TIERS]
    columns = "tier INTEGER, tier_name VARCHAR, first_action VARCHAR, for_area BOOLEAN, is_crisis BOOLEAN, why VARCHAR"
    temporary_table(connection, "tiers", columns, rows)
    days = connection.execute(
        """
        SELECT DISTINCT unnest([first_received_on, first_crisis_received_on])
        FROM address_matches
        WHERE month = getvariable('month')
        """
    ).fetchall()
    known = sorted(day for (day,) in days if day)
    deadlines = [(day, crisis, first_contact_by(day, crisis=crisis)) for day in known for crisis in (False, True)]
    temporary_table(connection, "deadlines", "received_on DATE, is_crisis BOOLEAN, deadline DATE", deadlines)


def load_areas(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Makes the temporary table `areas` of `reference/areas.csv`; empty where the file is absent.

    Raises VroegError naming the line that is wrong.
    """
    by_postcode = []
    by_buurt: dict[str, str] = {}
    header = ("postcode_from", "postcode_to", "worklist")
    for position, (line, row) in enumerate(small_table(home.reference / "areas.csv", header, ("buurtcode",))):
        where = f"areas.csv line {line}"
        first, last, buurt = (re.sub(r"\s", "", row[c]).upper() for c in ("postcode_from", "postcode_to", "buurtcode"))
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["worklist"]):
            raise VroegError("a worklist like wijkteam_noord is expected", where=where)
        if buurt:
            if first or last or not re.fullmatch(BUURTCODE, buurt):
                raise VroegError("a buurt like BU03920000 without postcodes, or a range without buurt", where=where)
            by_buurt.setdefault(buurt, row["worklist"])
        elif all(re.fullmatch(r"[1-9][0-9]{3}[A-Z]{2}", p) for p in (first, last)) and first <= last:
            by_postcode.append((position, first, last, row["worklist"]))
        else:
            raise VroegError("a range of postcodes like 2021AA,2026ZZ is expected", where=where)
    columns = "position INTEGER, postcode_from VARCHAR, postcode_to VARCHAR, worklist VARCHAR"
    temporary_table(connection, "areas", columns, by_postcode)
    temporary_table(connection, "buurt_areas", "buurtcode VARCHAR, worklist VARCHAR", list(by_buurt.items()))
