"""Yardstick (a): runs `duckdb_month.sql` on a benchmark world, month after month.

Only what that script needs is done here: the register and the small tables are loaded, the month's files are listed.
It imports the domain's calendar and nothing else of the pipeline.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import yaml

from vroeg_pipeline.domain.fields import CANONICAL_FIELDS
from vroeg_pipeline.domain.months import months_between, parse_month, working_day_of_month, working_days_after

_TABLES = """
CREATE TABLE delivery_files (month DATE, partner VARCHAR, file_sha256 VARCHAR, received_at TIMESTAMPTZ, row_count INTEGER,
    accepted_count INTEGER, rejected_count INTEGER, reference_date_max DATE);
CREATE TABLE validated_signals (month DATE, signal_id VARCHAR, partner VARCHAR, partner_type VARCHAR,
    received_at TIMESTAMPTZ, row_number INTEGER, customer_reference VARCHAR, address_key VARCHAR, address_status VARCHAR,
    needs_review BOOLEAN, municipality VARCHAR, amount DECIMAL(12, 2), since DATE, read_on DATE, days INTEGER,
    is_crisis BOOLEAN, is_warm BOOLEAN, surname VARCHAR, surname_key VARCHAR, initials VARCHAR, prefix VARCHAR, born DATE,
    phone VARCHAR, email VARCHAR, street VARCHAR, postcode VARCHAR, number INTEGER, city VARCHAR);
CREATE TABLE rejected_rows (month DATE, partner VARCHAR, file_sha256 VARCHAR, row_number INTEGER, reasons VARCHAR[],
    ddas_status VARCHAR);
CREATE TABLE address_matches (month DATE, address_key VARCHAR, match_kind VARCHAR, signal_count INTEGER,
    partner_count INTEGER, partners VARCHAR[], partner_types VARCHAR[], total_amount DECIMAL(12, 2), longest_days INTEGER,
    earliest DATE, has_rent BOOLEAN, has_crisis BOOLEAN, warm_handover BOOLEAN, needs_review BOOLEAN,
    first_received_on DATE, first_crisis_received_on DATE);
CREATE TABLE repeat_signals (month DATE, signal_id VARCHAR, repeats_signal_id VARCHAR);
CREATE TABLE recidivism_history (month DATE, address_key VARCHAR, recidivism_kind VARCHAR, is_recidivist BOOLEAN,
    possible_new_occupant BOOLEAN, first_month DATE, last_month DATE, times_reported INTEGER, months_since INTEGER,
    only_repeats BOOLEAN);
CREATE TABLE prioritised_worklists (month DATE, address_key VARCHAR, worklist VARCHAR, rank INTEGER, tier INTEGER,
    action VARCHAR, deadline DATE, over_capacity BOOLEAN, is_recidivist BOOLEAN, known_to VARCHAR, explanation VARCHAR);
CREATE TABLE worklist_issues (month DATE, worklist VARCHAR, issue INTEGER, address_key VARCHAR, change VARCHAR,
    issued_at TIMESTAMPTZ);
"""

_REGISTER = """
CREATE TEMP TABLE register AS
SELECT DISTINCT ON (postcode, number, letter, addition)
    *, letter || addition AS suffix, meaning(letter || addition) AS meaning,
    postcode || '_' || number || '_' || letter || '_' || addition AS key
FROM (
    SELECT translate(upper(postcode), ' ', '') AS postcode, huisnummer::INTEGER AS number, bare(huisletter) AS letter,
        bare(huisnummertoevoeging) AS addition, gemeentecode AS municipality
    FROM read_csv($register, header = true, all_varchar = true)
);
CREATE TEMP TABLE by_suffix AS SELECT postcode, number, suffix, count(*) AS n, any_value(key) AS key,
    any_value(municipality) AS municipality FROM register GROUP BY ALL;
CREATE TEMP TABLE by_meaning AS SELECT postcode, number, meaning, count(*) AS n, any_value(key) AS key,
    any_value(municipality) AS municipality FROM register GROUP BY ALL;
CREATE TEMP TABLE by_number AS SELECT postcode, number, count(*) AS n, min(municipality) AS municipality FROM register
    GROUP BY ALL;
"""


def run(home: Path, months: Sequence[date], database: Path) -> dict[str, int]:
    """Runs the script for the months, oldest first; gives the row counts of the last one by table.

    `database` is a file, made where absent; earlier months in it are the history.
    """
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    agreements = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((home / "agreements").glob("*.yaml"))]
    fresh = not database.exists()
    with duckdb.connect(str(database)) as connection:
        connection.execute("SET TimeZone = 'Europe/Amsterdam'")
        connection.execute("SET memory_limit = '1200MB'")
        connection.execute(f"SET temp_directory = '{database.parent / 'spill'}'")
        if fresh:
            connection.execute(_TABLES)
        macros = script[: script.index("CREATE OR REPLACE TEMP TABLE rows")]
        connection.execute(macros)
        for statement in _REGISTER.split(";\n"):
            if statement.strip():
                uses = "$register" in statement
                connection.execute(statement, {"register": str(home / "reference/addresses.csv")} if uses else None)
        _small_tables(connection, home)
        for month in months:
            _month(connection, home, agreements, month, script[len(macros) :])
        tables = ("delivery_files", "validated_signals", "rejected_rows", "address_matches", "repeat_signals",
                  "recidivism_history", "prioritised_worklists", "worklist_issues")  # fmt: skip
        return {
            table: int(
                connection.execute(f"SELECT count(*) FROM {table} WHERE month = ?", [months[-1]]).fetchall()[0][0]
            )
            for table in tables
        }


def _small_tables(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    connection.execute("CREATE TEMP TABLE postcode_area (postcode4 INTEGER, municipality VARCHAR)")
    with (home / "reference/municipalities.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for postcode in range(int(row["postcode4_from"]), int(row["postcode4_to"]) + 1):
                connection.execute("INSERT INTO postcode_area VALUES (?, ?)", [postcode, row["gemeentecode"]])
    for table, file_name in (("areas", "areas.csv"), ("known_written", "known_clients.csv")):
        connection.execute(
            f"CREATE TEMP TABLE {table} AS FROM read_csv(?, header = true, all_varchar = true)",
            [str(home / "reference" / file_name)],
        )
    connection.execute(
        """
        CREATE TEMP TABLE known AS
        SELECT key AS address_key, string_agg(DISTINCT known_to, ', ' ORDER BY known_to) AS known_to
        FROM known_written AS k
        INNER JOIN by_meaning AS m ON translate(upper(k.postcode), ' ', '') = m.postcode
            AND regexp_extract(k.huisnummer, '^[0-9]+')::INTEGER = m.number
            AND meaning(bare(regexp_extract(k.huisnummer, '^[0-9]+(.*)$', 1)) || bare(k.huisletter)
                || bare(k.huisnummertoevoeging)) = m.meaning
        WHERE m.n = 1 GROUP BY ALL
        """
    )


def _month(
    connection: duckdb.DuckDBPyConnection, home: Path, agreements: Sequence[dict[str, object]], month: date, script: str
) -> None:
    types = {str(a["partner"]): a for a in agreements}
    files, days = [], set()
    for path in sorted((home / "inbox").glob(f"*/{month:%Y-%m}/*.csv")):
        partner = types[path.parts[-3]]
        received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        due = working_day_of_month(month, int(str(partner["delivery"].get("due_working_day", 5))))  # type: ignore[attr-defined]
        files.append((str(path), partner["partner"], partner["type"], sha256, received, due, partner["municipalities"]))
        days.add(received.date())
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE files (filename VARCHAR, partner VARCHAR, partner_type VARCHAR, file_sha256 VARCHAR,
            received_at TIMESTAMPTZ, due_on DATE, municipalities VARCHAR[])
        """
    )
    connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)
    connection.execute("CREATE OR REPLACE TEMP TABLE crisis_days (day DATE, deadline DATE)")
    connection.executemany("INSERT INTO crisis_days VALUES (?, ?)", [(day, working_days_after(day, 3)) for day in days])
    connection.execute("SET VARIABLE month = ?", [month])
    connection.execute("SET VARIABLE inbox = ?", [[str(f[0]) for f in files]])
    connection.execute("SET VARIABLE columns = ?", [dict.fromkeys(CANONICAL_FIELDS, "VARCHAR")])
    connection.execute(script)


if __name__ == "__main__":
    started = time.perf_counter()
    first, last = (parse_month(text) for text in sys.argv[2:4])
    counts = run(Path(sys.argv[1]), months_between(first, last), Path(sys.argv[4]))
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": counts}))
