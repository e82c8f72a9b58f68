"""The rivals of the address bench: Splink and uk_address_matcher on the same records. Bench only, never a dependency.

Run by an interpreter that has them (`python -m vroeg_pipeline_tests.bench.addresses --rivals PYTHON`), as their DuckDB need
not be ours: `address_rivals.py NAME register.csv written.csv answers.csv`. Both run offline.
"""

from __future__ import annotations

import csv
import sys
import time
from typing import Any

import duckdb

_READ = "read_csv('{}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
# Cleaned as one would for any of them: no case, accents, spaces and separators where they say nothing.
_WRITTEN = """
SELECT id AS unique_id, upper(replace(postcode, ' ', '')) AS postcode, lower(strip_accents(trim(street))) AS street,
    lower(city) AS city, ltrim(regexp_extract(coalesce(house_number, street), '([0-9]+)', 1), '0') AS number,
    regexp_replace(upper(regexp_extract(coalesce(house_number, ''), '^ *[0-9]+(.*)$', 1) || coalesce(house_letter, '')
        || coalesce(house_number_addition, '')), '[^A-Z0-9]', '', 'g') AS suffix,
    concat_ws(' ', trim(street), trim(house_number), house_letter, house_number_addition, city) AS address_concat
FROM {}
"""
_REGISTER = """
SELECT DISTINCT ON (unique_id)
    postcode || '_' || huisnummer || '_' || upper(coalesce(huisletter, '')) || '_'
    || upper(coalesce(huisnummertoevoeging, '')) AS unique_id,
    postcode, lower(strip_accents(straat)) AS street, lower(woonplaats) AS city, huisnummer AS number,
    upper(coalesce(huisletter, '') || coalesce(huisnummertoevoeging, '')) AS suffix,
    concat_ws(' ', straat, huisnummer || coalesce(huisletter, ''), huisnummertoevoeging, woonplaats) AS address_concat
FROM {}
"""


def uk_address_matcher(
    connection: duckdb.DuckDBPyConnection, register: Any, written: Any
) -> list[tuple[str, str, float]]:
    """Its default stages; the weight of an exact match is the highest."""
    from uk_address_matcher import AddressMatcher

    wanted = "unique_id, address_concat, coalesce(postcode, '') AS postcode"
    matcher = AddressMatcher(
        canonical_addresses=register.project(wanted),
        addresses_to_match=written.project(wanted),
        con=connection,
        show_progress="off",
    )
    found = matcher.match().matches()  # noqa: F841 - DuckDB finds it by its name
    columns = "unique_id, resolved_canonical_id, coalesce(match_weight, 1000)"
    return connection.sql(f"SELECT {columns} FROM found WHERE resolved_canonical_id IS NOT NULL").fetchall()


def splink(connection: duckdb.DuckDBPyConnection, register: Any, written: Any) -> list[tuple[str, str, float]]:
    """A model of postcode, street, number, suffix and town as its documentation builds one; the best link of each record."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    connection.execute("CREATE TABLE canonical AS FROM register")
    connection.execute("CREATE TABLE messy AS FROM written")
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.JaroWinklerAtThresholds("street", [0.95, 0.88]),
            cl.ExactMatch("number"),
            cl.ExactMatch("suffix"),
            cl.JaroWinklerAtThresholds("city", [0.9]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("postcode", "number"), block_on("street", "number"), block_on("postcode", "suffix"),
        ],
    )  # fmt: skip
    linker = Linker(["canonical", "messy"], settings, DuckDBAPI(connection))
    linker.training.estimate_probability_two_random_records_match(
        [block_on("postcode", "number", "suffix")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (block_on("postcode", "number"), block_on("street", "suffix")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    links = linker.inference.predict(threshold_match_weight=-5).as_duckdbpyrelation()
    columns = "source_dataset_l, unique_id_l, unique_id_r, match_weight"
    best = links.query(
        "links",
        f"WITH pairs AS (SELECT {columns} FROM links), sides AS (SELECT "
        "CASE source_dataset_l WHEN 'messy' THEN unique_id_l ELSE unique_id_r END AS id, "
        "CASE source_dataset_l WHEN 'messy' THEN unique_id_r ELSE unique_id_l END AS address_key, match_weight FROM pairs) "
        "FROM sides QUALIFY row_number() OVER (PARTITION BY id ORDER BY match_weight DESC, address_key) = 1",
    )
    return best.fetchall()


def main(name: str, register: str, written: str, answers: str) -> None:
    """Writes id, address_key and weight of each record that was linked; prints the seconds it took."""
    with duckdb.connect() as connection:
        canonical = connection.sql(_REGISTER.format(_READ.format(register)))
        messy = connection.sql(_WRITTEN.format(_READ.format(written)))
        started = time.perf_counter()
        found = {"splink": splink, "uk_address_matcher": uk_address_matcher}[name](connection, canonical, messy)
        print(time.perf_counter() - started)
    with open(answers, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
        writer = csv.writer(file)
        writer.writerow(("id", "address_key", "weight"))
        writer.writerows(found)


if __name__ == "__main__":
    main(*sys.argv[1:])
