"""The schema: each room's part in its form, its meanings in the warehouse, and a warehouse of an earlier version."""

from __future__ import annotations

import importlib.resources
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from vroeg_pipeline.cli.deliveries import list_deliveries
from vroeg_pipeline.cli.status import show_board
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline.installation.schema import STAGES, create_tables, described_tables, parsed
from vroeg_pipeline.installation.warehouse import WarehouseError, WarehouseResource

EARLIER = importlib.resources.files("vroeg_pipeline_tests.kit") / "earlier_warehouse.sql"

COLUMNS = """
    SELECT
        if(schema_name = 'main', '', schema_name || '.') || table_name AS name, column_name, data_type, is_nullable,
        comment
    FROM duckdb_columns()
    WHERE database_name = current_database() AND NOT internal
    ORDER BY name, column_index
"""


def columns_of(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Table or view to its columns in order: name, type, whether it may be empty, comment."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *column in connection.execute(COLUMNS).fetchall():
        found.setdefault(name, []).append(tuple(column))
    return found


def rows_of(connection: duckdb.DuckDBPyConnection, name: str, columns: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    wanted = ", ".join(f'"{column[0]}"' for column in columns)
    return connection.execute(f"SELECT {wanted} FROM {name} ORDER BY ALL").fetchall()


def as_they_are_now(columns: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Columns of validated_signals without what is gone, and with what may be empty now."""
    return [(c[0], c[1], c[2] or c[0] == "reminder_sent", c[3]) for c in columns if c[0] != "surname_key"]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """An installation with a warehouse that the earlier version made."""
    root = tmp_path / "home"
    root.mkdir()
    with duckdb.connect(Home(root).warehouse) as connection:
        connection.execute("SET TimeZone = 'Europe/Amsterdam'")
        connection.execute(EARLIER.read_text(encoding="utf-8"))
    return root


# In which order -----------------------------------------------------------------------------------------------------


def test_the_stages_are_those_of_the_import_contract_in_its_order() -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    first, last = layers.index(STAGES[-1]), layers.index(STAGES[0])
    assert tuple(reversed(layers[first : last + 1])) == STAGES


def test_every_part_of_the_schema_belongs_to_a_stage() -> None:
    rooms = {file.parent.name for file in (CHECKOUT / "vroeg_pipeline").glob("**/schema.sql")}
    assert rooms <= {"installation", *STAGES}


# What it says -------------------------------------------------------------------------------------------------------


def test_every_table_view_and_column_of_the_warehouse_says_what_it_means(tmp_path: Path) -> None:
    with WarehouseResource(home=str(tmp_path / "home")).connect() as connection:
        views = connection.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
        ).fetchall()
        tables = connection.execute(
            """
            SELECT if(schema_name = 'main', '', schema_name || '.') || table_name, comment
            FROM duckdb_tables() WHERE database_name = current_database()
            """
        ).fetchall()
        columns = columns_of(connection)
    assert {name for name, comment in views if comment} == {
        "told_results", "told_attempts", "issued_to_teams", "results_of_addresses", "signal_statuses",
        "address_overrides",
    }  # fmt: skip
    assert dict(tables) == {name: description for name, (description, _) in described_tables().items()}
    for name, (description, described) in described_tables().items():
        assert description, name
        assert all(column.description for column in described.columns), name
        assert columns[name] == [(c.name, c.type, c.constraints.nullable, c.description) for c in described.columns], (
            name
        )


def test_a_meaning_stands_behind_a_column_or_above_it_on_several_lines() -> None:
    text = (
        "-- For the reader.\n\n"
        "CREATE SCHEMA IF NOT EXISTS raw;\n\n"
        "-- What it is;\n-- and its key: a.\n"
        "CREATE TABLE IF NOT EXISTS raw.t (\n"
        "    a DECIMAL(12, 2) NOT NULL,  -- The first; with a -- in it;\n"
        "    -- The second,\n    -- which is longer.\n"
        "    b STRUCT(x VARCHAR, y DATE)[]\n"
        ");\n\n"
        "-- What shows.\n"
        "CREATE OR REPLACE VIEW v AS\n-- For the reader;\n\nSELECT a\nFROM raw.t;\n"
    )
    schema, table, view = parsed(text, "test")
    assert (schema.kind, schema.name, schema.columns) == ("SCHEMA", "raw", [])
    assert (table.kind, table.name, table.meaning) == ("TABLE", "raw.t", "What it is; and its key: a.")
    assert [(c.name, c.type, c.meaning) for c in table.columns] == [
        ("a", "DECIMAL(12, 2) NOT NULL", "The first; with a -- in it;"),
        ("b", "STRUCT(x VARCHAR, y DATE)[]", "The second, which is longer."),
    ]
    assert (view.kind, view.name, view.meaning) == ("VIEW", "v", "What shows.")
    assert view.statement.endswith("\nSELECT a\nFROM raw.t;\n")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("CREATE TABLE IF NOT EXISTS t (\n    a DATE  -- A.\n);\n", "test line 1: t has no meaning"),
        ("-- T.\n\nCREATE TABLE IF NOT EXISTS t (\n    a DATE  -- A.\n);\n", "test line 3: t has no meaning"),
        ("CREATE OR REPLACE VIEW v AS\nSELECT 1 AS a;\n", "test line 1: v has no meaning"),
        (
            "-- T.\nCREATE TABLE IF NOT EXISTS t (\n    a DATE,\n    b DATE  -- B.\n);\n",
            "test line 3: a has no meaning",
        ),
        (
            "-- T.\nCREATE TABLE IF NOT EXISTS t (\n    -- A.\n    a DATE  -- A.\n);\n",
            "test line 3: a has two meanings",
        ),
        ("-- T.\nCREATE TABLE IF NOT EXISTS t (\n    a DATE -- A.\n);\n", "test line 3: is not in the form"),
        (
            "-- T.\nCREATE TABLE IF NOT EXISTS t (\n    a DATE  -- A.\n    -- B.\n);\n",
            "test line 4: is not in the form",
        ),
        ("-- T.\nCREATE TABLE t (\n    a DATE  -- A.\n);\n", "test line 1: is not in the form"),
        ("\nALTER TABLE t ADD COLUMN a DATE;\n", "test line 2: is not in the form"),
        ("-- V.\nCREATE OR REPLACE VIEW v AS\nSELECT 1 AS a\n", "test line 1: is not in the form"),
    ],
)
def test_what_has_no_meaning_or_another_form_is_an_error(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        list(parsed(text, "test"))


# What was there before ------------------------------------------------------------------------------------------------


def test_a_warehouse_of_the_earlier_version_opens_and_its_tables_are_as_they_were(earlier: Path) -> None:
    with duckdb.connect(Home(earlier).warehouse, read_only=True) as connection:
        connection.execute("SET TimeZone = 'Europe/Amsterdam'")
        before = columns_of(connection)
        before["validated_signals"] = as_they_are_now(before["validated_signals"])
        rows = {name: rows_of(connection, name, columns) for name, columns in before.items()}
    assert all(rows.values())
    with WarehouseResource(home=str(earlier)).connect() as connection:
        after = columns_of(connection)
        for name, columns in before.items():
            kept = [column[:3] for column in after[name][: len(columns)]]
            assert kept == [column[:3] for column in columns], name
            assert "surname_key" not in {column[0] for column in after[name]}
            # A view says what it says now.
            if name not in ("reference.sources", "signal_statuses"):
                assert rows_of(connection, name, columns) == rows[name], name
        for name in described_tables():
            assert all(comment for *_, comment in after[name]), name
        assert connection.execute("SELECT name FROM reference.sources ORDER BY name").fetchall() == [
            ("name",), ("schema.sql",),
        ]  # fmt: skip


def test_a_table_without_some_columns_gets_them_behind_its_own_and_empty(earlier: Path) -> None:
    with duckdb.connect(Home(earlier).warehouse) as connection:
        connection.execute("DROP VIEW signal_statuses")
        for column in ("held_reason", "email", "amount_due"):
            connection.execute(f"ALTER TABLE validated_signals DROP COLUMN {column}")
        before = as_they_are_now(columns_of(connection)["validated_signals"])
    with WarehouseResource(home=str(earlier)).connect() as connection:
        *own, amount, _light, held, surnames, email = columns_of(connection)["validated_signals"]
        # What else this version has stands behind them too.
        assert [column[:3] for column in own][: len(before)] == [column[:3] for column in before]
        assert [amount[:3], held[:3], email[:3]] == [
            ("amount_due", "DECIMAL(12,2)", True), ("held_reason", "VARCHAR", True), ("email", "VARCHAR", True),
        ]  # fmt: skip
        assert amount[3] == "Arrear in euro."
        assert surnames[:3] == ("surnames", "VARCHAR[]", True)
        added = connection.execute("SELECT DISTINCT held_reason, email, amount_due FROM validated_signals").fetchall()
        assert added == [(None, None, None)]
        assert connection.execute("FROM signal_statuses").fetchall()


def test_tables_that_are_there_stay_as_they_are() -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        before = columns_of(connection)
        create_tables(connection)
        assert columns_of(connection) == before


def test_commands_that_only_read_open_a_warehouse_of_the_earlier_version(earlier: Path) -> None:
    home, out = Home(earlier), Console(record=True, width=200)
    show_board(home, None, out, out)
    list_deliveries(home, date(2021, 3, 1), out, out)
    with WarehouseResource(home=str(earlier)).connect(read_only=True) as connection:
        (files,) = connection.execute("SELECT count(*) FROM delivery_files WHERE decision IS NULL").fetchone() or ()
        assert files > 0
    with (
        pytest.raises(WarehouseError, match="Cannot execute statement"),
        WarehouseResource(home=str(earlier)).connect(read_only=True) as connection,
    ):
        connection.execute("DELETE FROM delivery_files")
    said = out.export_text()
    assert "By the delivery register" in said
    assert "what became of it" in said
