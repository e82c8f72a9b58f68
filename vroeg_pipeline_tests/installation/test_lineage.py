"""Which columns a column is made of, as it is read from the statements."""

from __future__ import annotations

import dagster as dg
import pytest

from vroeg_pipeline.definitions import STEPS
from vroeg_pipeline.installation.lineage import column_origins, origins_in
from vroeg_pipeline.installation.schema import table_columns
from vroeg_pipeline.installation.statements import has_statement
from vroeg_pipeline.installation.town import Town
from vroeg_pipeline.monthly import lineage

MADE = [
    (str(spec.metadata["dagster/table_name"]).rpartition(".")[2], spec)
    for step in STEPS
    for spec in step.specs
    if "dagster/table_name" in spec.metadata
]
# Python puts together what it is made of, from statements for the month of each case.
PUT_TOGETHER = {"contacted_reports"}
FROM_STATEMENTS = [(table, spec) for table, spec in MADE if has_statement(table) and table not in PUT_TOGETHER]


@pytest.mark.parametrize(("table", "spec"), FROM_STATEMENTS, ids=[table for table, _ in FROM_STATEMENTS])
def test_what_columns_are_made_of_is_there(table: str, spec: dg.AssetSpec) -> None:
    columns = {name: set(table_columns(name)) for name, _ in MADE} | {
        "address_register": set(table_columns("reference.address_register")),
        "address_overrides": set(table_columns("reference.address_decisions")),
    }
    lineage_of_columns = lineage(spec.key.to_user_string(), Town(""))["dagster/column_lineage"]
    assert isinstance(lineage_of_columns, dg.TableColumnLineage)
    told = lineage_of_columns.deps_by_column
    assert told
    assert set(told) <= columns[table]
    for column, deps in told.items():
        for dep in deps:
            assert dep.column_name in columns[dep.asset_key.to_user_string()], (column, dep)
            assert dep.asset_key != spec.key


def test_it_goes_through_steps_and_views() -> None:
    def of(table: str, column: str) -> list[str]:
        return [f"{origin.table}.{origin.column}" for origin in column_origins(table)[column]]

    assert of("address_matches", "total_amount") == ["validated_signals.amount_due"]
    assert of("address_matches", "match_kind") == ["validated_signals.on_light_track", "validated_signals.partner"]
    assert of("validated_signals", "surname") == ["raw.delivery_rows.surname"]
    assert of("rejected_rows", "birth_date") == ["raw.delivery_rows.birth_date", "raw.delivery_rows.typed"]
    assert of("evaluation_reports", "help_accepted") == ["case_results.end_result"]


@pytest.mark.parametrize(
    ("query", "made_of"),
    [
        ("SELECT row_number + 1 AS n FROM validated_signals WHERE crisis", {"n": "row_number"}),
        ("WITH a AS (SELECT email AS e FROM validated_signals) SELECT upper(a.e) AS n FROM a", {"n": "email"}),
        ("SELECT phone AS a, a || 'x' AS b FROM validated_signals", {"a": "phone", "b": "phone"}),
        ("SELECT CASE WHEN crisis THEN phone ELSE email END AS n FROM validated_signals", {"n": "email phone"}),
        ("SELECT CASE WHEN crisis THEN name END AS n FROM validated_signals CROSS JOIN made_elsewhere", {}),
        ("SELECT CASE WHEN crisis THEN 'x' END AS n FROM validated_signals", {"n": "crisis"}),
        ("SELECT s.* EXCLUDE (n) REPLACE (m AS p) "
         "FROM (SELECT city AS n, email AS m, phone AS p FROM validated_signals) AS s",
         {"m": "email", "p": "email"}),
        ("SELECT t.name AS n FROM validated_signals AS s, unnest(s.surnames) AS t(name)", {"n": "surnames"}),
        ("SELECT list_transform(surnames, lambda x: x || city) AS n FROM validated_signals", {"n": "city surnames"}),
        ("SELECT email AS n FROM validated_signals UNION ALL SELECT phone FROM validated_signals", {"n": "email phone"}),
        ("SELECT 1 AS a, email AS n FROM validated_signals UNION ALL BY NAME SELECT phone AS n FROM validated_signals",
         {"n": "email phone"}),
        ("SELECT email AS n FROM validated_signals EXCEPT SELECT phone FROM validated_signals", {"n": "email"}),
        ("SELECT (SELECT max(city) FROM validated_signals AS i WHERE i.email = o.email) AS n FROM validated_signals AS o",
         {"n": "city"}),
        ("SELECT name AS n FROM made_elsewhere JOIN validated_signals USING (partner)", {}),
        ("SELECT email AS n FROM validated_signals SEMI JOIN made_elsewhere USING (partner)", {"n": "email"}),
        ("WITH RECURSIVE r AS (SELECT city AS n FROM validated_signals UNION ALL SELECT n FROM r) SELECT n FROM r",
         {"n": "city"}),
    ],
)  # fmt: skip
def test_a_query(query: str, made_of: dict[str, str]) -> None:
    assert {n: " ".join(o.column for o in origins) for n, origins in origins_in(query).items()} == made_of
