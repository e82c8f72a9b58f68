"""The benchmark's world: any number of signals a month, written by DuckDB in seconds.

Regular on purpose (CSV in one dialect, twelve partners), so that a short hand-written script can do the same work.
Every defect and the variety of real files are the sample world's (`vroeg_pipeline.sample`). People are synthetic.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import yaml

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.months import add_months
from vroeg_pipeline_tests.kit.world import moment

PARTNERS = 12
FIRST_MONTH = date(2021, 1, 1)
_TYPES = ("Huur", "Huur", "Energie", "Energie", "Water", "Zorg")

# A dwelling a row: twenty numbers a postcode; one in ten dwellings has a letter, one in ten an upper neighbour.
_DWELLINGS = """
CREATE TABLE dwellings AS
SELECT
    i,
    (2011 + (i // 20) // 400)::VARCHAR || chr((65 + (i // 20) // 20 % 20)::INTEGER)
    || chr((66 + (i // 20) % 20 + CASE WHEN (i // 20) % 20 >= 2 THEN 1 ELSE 0 END)::INTEGER) AS postcode,
    1 + i % 20 // 2 * 2 + CASE WHEN i % 10 = 9 THEN 0 ELSE i % 2 END AS number,
    CASE WHEN i % 10 = 3 THEN 'A' ELSE '' END AS letter,
    CASE i % 10 WHEN 8 THEN 'HS' WHEN 9 THEN '1' ELSE '' END AS addition
FROM range($dwellings) AS dwelling(i)
"""

# Twice as many customers as signals: each is in arrears in about half of the months, so that half of them recur.
_CUSTOMERS = """
CREATE TABLE customers AS
SELECT
    c,
    c % $partners AS partner,
    'K' || lpad(c::VARCHAR, 9, '0') AS customer_reference,
    'Bewoner' || (hash(c // 3) % 50000) AS surname,
    'AB'[1 + (c % 2)] || '.' AS initials,
    CASE WHEN c % 5 = 0 THEN 'van' ELSE '' END AS prefix,
    strftime(DATE '1940-01-01' + (hash(c, 'born') % 22000)::INTEGER, '%d-%m-%Y') AS birth_date,
    '06' || lpad((hash(c, 'phone') % 100000000)::VARCHAR, 8, '0') AS phone,
    CASE WHEN c % 3 = 0 THEN 'bewoner' || c || '@voorbeeld.example' ELSE '' END AS email,
    d.*,
    CASE (hash(c, 'spelling') % 6)::INTEGER
        WHEN 0 THEN number || ' ' || lower(letter || addition)
        WHEN 1 THEN number || '-' || letter || CASE addition WHEN '1' THEN 'I' WHEN 'HS' THEN 'huis' ELSE addition END
        ELSE number || letter || addition
    END AS house_number,
    80 + hash(c, 'amount') % 900 AS amount
FROM range(2 * $signals) AS customer(c)
INNER JOIN dwellings AS d ON hash(c // 2) % $dwellings = d.i
"""

_MONTH = """
CREATE OR REPLACE TABLE delivered AS
SELECT
    partner,
    customer_reference,
    CASE WHEN defect = 1 THEN '' ELSE surname END AS surname,
    initials, prefix,
    birth_date, phone, email,
    CASE WHEN defect = 2 THEN '2021' ELSE postcode END AS postcode,
    'Teststraat' AS street, house_number, '' AS house_letter, '' AS house_number_addition, 'Haarlem' AS city,
    CASE
        WHEN defect = 3 THEN '12.34'
        WHEN defect BETWEEN 4 AND 15 THEN '35,00'
        ELSE (amount + CASE WHEN hash(c, $month, 'more') % 3 = 0 THEN $months_before * 10 ELSE 0 END)::VARCHAR || ',50'
    END AS amount_due,
    strftime($month::DATE - (40 + hash(c, $month, 'since') % 200)::INTEGER, '%d-%m-%Y') AS arrears_since,
    strftime($month::DATE - CASE WHEN defect BETWEEN 16 AND 20 THEN 40 ELSE 2 END, '%d-%m-%Y') AS reference_date,
    CASE WHEN hash(c, $month, 'crisis') % 200 = 0 THEN 'ja' ELSE 'nee' END AS crisis,
    'nee' AS warm_handover, 'ja' AS reminder_sent, CASE WHEN defect = 21 THEN 'ja' ELSE '' END AS objection
FROM (SELECT *, (hash(c, $month, 'defect') % 300)::INTEGER AS defect FROM customers WHERE hash(c, $month) % 2 = 0)
"""


def make_bench_world(home: Path, *, signals: int, months: int, dwellings: int) -> list[date]:
    """Writes agreements, reference tables and deliveries of about `signals` rows a month; gives the months."""
    for folder in ("agreements", "reference"):
        (home / folder).mkdir(parents=True)
    for number in range(PARTNERS):
        _write_agreement(home, number)
    found = [add_months(FIRST_MONTH, number) for number in range(months)]
    with duckdb.connect() as connection:
        connection.execute(_DWELLINGS, {"dwellings": dwellings})
        connection.execute(_CUSTOMERS, {"signals": signals, "partners": PARTNERS, "dwellings": dwellings})
        _write_reference(connection, home / "reference")
        for number, month in enumerate(found):
            connection.execute(_MONTH, {"month": f"{month}", "months_before": number})
            for partner in range(PARTNERS):
                _write_delivery(connection, home / "inbox" / partner_id(partner) / f"{month:%Y-%m}", partner, month)
    return found


def partner_id(number: int) -> str:
    """The id of a benchmark partner."""
    return f"bench_{number:02d}"


def _write_agreement(home: Path, number: int) -> None:
    content = {
        "partner": partner_id(number),
        "name": f"Bench {number}",
        "type": _TYPES[number % len(_TYPES)],
        "valid_from": f"{FIRST_MONTH:%Y-%m}",
        "municipalities": ["0392"],
        "delivery": {"format": "csv"},
        "columns": {field: field for field in CANONICAL_FIELDS},
    }
    (home / "agreements" / f"{partner_id(number)}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def _write_reference(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute(
        f"""
        COPY (
            SELECT lpad(i::VARCHAR, 16, '0') AS nummeraanduiding_id, 'Teststraat' AS straat, number AS huisnummer,
                letter AS huisletter, addition AS huisnummertoevoeging, postcode, 'Haarlem' AS woonplaats,
                '0392' AS gemeentecode
            FROM dwellings
        ) TO '{folder / "addresses.csv"}' (header)
        """
    )
    connection.execute(
        f"""
        COPY (
            SELECT postcode, number AS huisnummer, letter AS huisletter, addition AS huisnummertoevoeging,
                'wijkteam' AS known_to
            FROM dwellings WHERE i % 50 = 0
        ) TO '{folder / "known_clients.csv"}' (header)
        """
    )
    areas = [f"{first}AA,{first + 8}ZZ,wijkteam_{name}" for first, name in ((2011, "noord"), (2020, "oost"))]
    (folder / "areas.csv").write_text("\n".join(["postcode_from,postcode_to,worklist", *areas, ""]), encoding="utf-8")
    (folder / "municipalities.csv").write_text(
        "postcode4_from,postcode4_to,gemeentecode\n2011,2037,0392\n", encoding="utf-8"
    )


def _write_delivery(connection: duckdb.DuckDBPyConnection, folder: Path, partner: int, month: date) -> None:
    folder.mkdir(parents=True)
    path = folder / "levering.csv"
    query = f"SELECT {', '.join(CANONICAL_FIELDS)} FROM delivered WHERE partner = {partner} ORDER BY customer_reference"
    connection.execute(f"COPY ({query}) TO '{path}' (header, delimiter ';', quote '')")
    received = moment(f"{month:%Y-%m}-03 10:00").timestamp()
    os.utime(path, (received, received))
