"""Outcomes for a world that was run, put straight into the tables: every contact kind, part of day and end result."""

from __future__ import annotations

from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.resources.warehouse import WarehouseResource
from vroeg_pipeline_tests.world import World


def add_outcomes(world: World) -> None:
    """Two attempts and a result at most for the addresses of the worklists; one in seven is left alone."""
    with WarehouseResource(home=str(world.root)).connect() as connection:
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
