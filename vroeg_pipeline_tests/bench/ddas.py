"""A year of signals in the warehouse, put there by DuckDB, for `vroeg ddas` to deliver; people are synthetic."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from rich.table import Table

from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumEindresultaat
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.warehouse import WarehouseResource

YEAR = ("2021-01-01", "2021-12-31")

_SIGNALS = """
INSERT INTO validated_signals BY NAME
SELECT
    make_date(2021, 1 + (i % 12)::INTEGER, 1) AS month,
    'bench_00-' || strftime(month, '%Y%m') || '-000000000000-' || i AS signal_id,
    'bench_00' AS partner, 'Huur' AS partner_type, repeat('0', 64) AS file_sha256, i AS row_number,
    month + INTERVAL 58 HOUR AS received_at, 'K' || i AS customer_reference,
    (2011 + number // 4000 % 20)::VARCHAR || 'AB_' || (1 + number % 4000)::VARCHAR || '__' AS address_key,
    'exact' AS address_status, false AS needs_review, '0392' AS municipality, 80 + i % 900 AS amount_due,
    month - 90 AS arrears_since, month - 2 AS reference_date, 88 AS days_in_arrears, i % 200 = 0 AS crisis,
    false AS warm_handover, true AS reminder_sent, 'Bewoner' AS surname, ['bewoner'] AS surnames,
    DATE '1950-01-01' + (i % 18000)::INTEGER AS birth_date, left(address_key, 6) AS postcode,
    1 + number % 4000 AS house_number, CASE WHEN i % 10 = 0 THEN 'A' ELSE '' END AS house_letter,
    '' AS house_number_addition
FROM (SELECT i, hash(i // 2) % 80000 AS number FROM range($signals) AS signal(i))
"""
_FILES = """
INSERT INTO delivery_files BY NAME
SELECT DISTINCT month, partner, file_sha256, 'bench.csv' AS file_name, received_at, 1 AS size_bytes, 'accepted' AS status,
    false AS adds
FROM validated_signals
"""
_REPORTS = """
INSERT INTO address_matches BY NAME
SELECT month, address_key, 'single' AS match_kind, count(*) AS signal_count, 1 AS partner_count, ['bench_00'] AS partners,
    ['Huur'] AS partner_types, sum(amount_due) AS total_amount, 88 AS longest_days, min(arrears_since) AS
    earliest_arrears_since, true AS has_rent, bool_or(crisis) AS has_crisis, false AS warm_handover, false AS needs_review,
    min(received_at)::DATE AS first_received_on
FROM validated_signals GROUP BY ALL
"""
_ATTEMPTS = """
INSERT INTO contact_attempts BY NAME
SELECT month, md5(month || address_key) AS case_id, address_key, 'wijkteam_noord' AS worklist, attempt,
    $kinds[1 + (hash(address_key) % len($kinds))::INTEGER] AS contact_kind, hash(address_key) % 5 = 0 AS reached,
    month + 10 + attempt AS contacted_on, 'Middag' AS day_part, now() AS reported_at, 'bench' AS file_sha256
FROM address_matches, (SELECT unnest([1, 2]) AS attempt) WHERE hash(address_key) % 4 > attempt
"""
_RESULTS = """
INSERT INTO case_results BY NAME
SELECT month, md5(month || address_key) AS case_id, address_key, 'wijkteam_noord' AS worklist,
    $results[1 + (hash(address_key) % len($results))::INTEGER] AS end_result, now() AS reported_at, 'bench' AS file_sha256
FROM address_matches WHERE hash(address_key) % 4 > 0
"""


def make_year(home: Home, signals: int) -> None:
    """Fills a warehouse with about so many signals in a year, their reports and what came of them."""
    home.root.mkdir(parents=True)
    content = {"ddas": {"municipalities": {"0392": {"organisation": "Gemeente Haarlem"}}}}
    home.settings.write_text(yaml.safe_dump(content), encoding="utf-8")
    with WarehouseResource(home=str(home.root)).connect() as connection:
        connection.execute(_SIGNALS, {"signals": signals})
        connection.execute(_FILES)
        connection.execute(_REPORTS)
        connection.execute(_ATTEMPTS, {"kinds": list(EnumContactsoort)})
        connection.execute(_RESULTS, {"results": list(EnumEindresultaat)})


def ddas_table(signals: int, seconds: float, memory: float, size: float) -> Table:
    """What `vroeg ddas` took; memory and size in MiB."""
    table = Table(title="vroeg ddas, a year")
    for name in ("signals", "seconds, process start to end", "peak memory, MiB", "file, MiB"):
        table.add_column(name, justify="right")
    table.add_row(f"{signals:,}", f"{seconds:.1f}", f"{memory:,.0f}", f"{size:,.0f}")
    return table


if __name__ == "__main__":
    make_year(Home(Path(sys.argv[1])), int(sys.argv[2]))
