"""Outcomes for a world that was run, put straight into the tables: every value of the standard, or as teams might have
reported them. Synthetic, and the same every time.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import duckdb

from vroeg_pipeline.domain.ddas import HELP_ACCEPTED, EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline_tests.kit.world import World

_KINDS = {"home_visit": "Huisbezoek", "phone": "Telefoon", "letter": "Brief", "check_address": "Administratief"}
_NO_HELP = (
    "Definitief geen contact kunnen krijgen", "Geen reactie na eerder contact",
    "Inwoner heeft zelf al betaald/betalingsregeling getroffen",
    "Inwoner regelt het zelf/hoeft geen hulp vanuit vroegsignalering",
)  # fmt: skip


def add_outcomes(world: World) -> None:
    """Two attempts and a result at most for the addresses of the worklists; one in seven is left alone."""
    with world.warehouse.connect() as connection:
        connection.execute(
            """
            CREATE TEMP TABLE visited AS
            SELECT month, address_key, worklist, row_number() OVER (ORDER BY month, address_key) AS n
            FROM prioritised_worklists
            """
        )
        connection.execute(
            """
            INSERT INTO contact_attempts BY NAME
            SELECT month, md5(month || address_key) AS case_id, address_key, worklist, attempt,
                $kinds[1 + (n + attempt) % len($kinds)] AS contact_kind,
                CASE WHEN n % 3 > 0 THEN n % 3 = 1 END AS reached,
                (month + INTERVAL (10 + attempt) DAY)::DATE AS contacted_on,
                CASE WHEN n % 4 > 0 THEN $parts[n % 4] END AS day_part,
                now() AS reported_at, 'test' AS file_sha256
            FROM visited, (SELECT unnest([1, 2]) AS attempt)
            WHERE n % 7 > attempt
            """,
            {"kinds": list(EnumContactsoort), "parts": list(EnumDagdeel)},
        )
        connection.execute(
            """
            INSERT INTO case_results BY NAME
            SELECT month, md5(month || address_key) AS case_id, address_key, worklist,
                $results[1 + n % len($results)] AS end_result, NULL AS ended_on, now() AS reported_at,
                'test' AS file_sha256
            FROM visited WHERE n % 7 > 0
            """,
            {"results": list(EnumEindresultaat)},
        )


def report_back(connection: duckdb.DuckDBPyConnection, seed: int = 1, *, share: float = 0.85) -> None:
    """Adds attempts and results for a share of what is on the worklists; some for an address that is on none."""
    chance = random.Random(seed)
    connection.execute(sql("macros").replace("parse_delivered_date(value, date_format)", "NULL"))
    entries = connection.execute(
        """
        SELECT entry.month, case_id_of(entry.month, entry.address_key), entry.address_key, worklist, action, tier,
            first_received_on
        FROM prioritised_worklists AS entry INNER JOIN address_matches USING (month, address_key)
        ORDER BY entry.month, entry.address_key
        """
    ).fetchall()
    if entries:
        entries.append((entries[0][0], "f" * 16, "2021AB_99999__", entries[0][3], "phone", 5, entries[0][6]))
    reported = datetime(2021, 12, 1, tzinfo=UTC)
    for month, case, address, worklist, action, tier, received in entries:
        if chance.random() > share:
            continue
        day, reached = received + timedelta(days=chance.randint(1, 20)), False
        for attempt in range(1, chance.choice((1, 1, 1, 2, 3)) + 1):
            kind = chance.choice(("Telefoon", "Kaartje")) if attempt > 1 else _KINDS[action]
            reached = reached or (kind in ("Huisbezoek", "Telefoon") and chance.random() < (0.35 if tier <= 2 else 0.2))
            told = None if chance.random() < 0.05 and not reached else reached
            row = [month, case, address, worklist, attempt, kind, told, day, "Middag", reported, "0" * 64]
            connection.execute(f"INSERT INTO contact_attempts VALUES ({', '.join('?' * len(row))})", row)
            day += timedelta(days=chance.randint(1, 14))
        if chance.random() < 0.8:
            accepts = reached and chance.random() < (0.45 if tier <= 2 else 0.2)
            result = chance.choice(HELP_ACCEPTED) if accepts else chance.choice(_NO_HELP)
            row = [month, case, address, worklist, result, day, reported, "0" * 64]
            connection.execute(f"INSERT INTO case_results VALUES ({', '.join('?' * len(row))})", row)
