"""What the months of a step work with, and what they leave to the next step."""

import re
from typing import Any

import dagster as dg
import duckdb
import pytest

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline_tests.kit.dagster_in_memory import dagster_in_memory
from vroeg_pipeline_tests.kit.world import World, month, row

OWN, OF_ALL_STEPS = {"own", "filled"}, {"agreement_terms", "senders", "postcode4_municipality"}


def temporary(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute("SELECT table_name FROM duckdb_columns() WHERE database_name = 'temp'")
    return {name for (name,) in found.fetchall()}


def test_what_a_month_of_a_step_makes_goes_with_it_and_what_all_steps_need_stays(world: World) -> None:
    world.agree("huur")
    installation, looked = world.installation, 0
    context = dg.build_init_resource_context(instance=dagster_in_memory())
    with world.warehouse.yield_for_execution(context) as warehouse:
        for _ in range(2):
            with months_at_work(warehouse, installation, [month("2021-02"), month("2021-03")]) as months:
                for of in months:
                    assert not temporary(of.connection) & OWN
                    assert looked == 0 or temporary(of.connection) >= OF_ALL_STEPS
                    define_address_macros(of.connection, installation)
                    of.connection.execute("CREATE TEMP TABLE own (one INTEGER)")
                    of.connection.execute("CREATE TEMP TABLE filled AS SELECT 1 AS one")
                    looked += 1
    assert looked == 4


def test_one_thread_works_on_a_small_month_and_all_on_a_large_one(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-02", bytes(3 * 2**20), folder="additions")
    world.deliver("huur", "2021-03", bytes(3 * 2**20))
    world.deliver("water", "2021-03", bytes(2**20), folder="withdrawals")

    def threads(connection: duckdb.DuckDBPyConnection) -> int:
        return int(fetch_one(connection, "SELECT current_setting('threads')")[0])

    usual = threads(duckdb.connect())
    asked = [month(of) for of in ("2021-02", "2021-03", "2021-01")]
    with months_at_work(world.warehouse, world.installation, asked) as months:
        assert [threads(of.connection) for of in months] == [1, usual, 1]


def test_what_checks_say_of_a_month_that_is_made_without_dagster_is_what_they_say_in_a_run(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.slip("huur", "2021-03", "withdrawals", "K404")
    (said,) = world.make("2021-03", upto="prioritised_worklists")
    judged = world.run("2021-03", upto="prioritised_worklists").get_asset_check_evaluations()
    (failed,) = [each for each in judged if not each.passed]
    assert said.startswith(f"{failed.asset_key.to_user_string()} 2021-03: {failed.check_name} ")


class _Explaining:
    """A connection that has each statement explained before it is executed, and keeps the plans."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, kept: dict[str, str]) -> None:
        self._connection, self._kept = connection, kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> "_Explaining":
        return _Explaining(self._connection.cursor(), self._kept)

    def execute(self, query: str, parameters: Any = None) -> "_Explaining":
        if re.match(r"(--.*\n|\s)*(SELECT|WITH|FROM|INSERT|DELETE|UPDATE|CREATE OR REPLACE TEMP TABLE)\b", query):
            (_, plan), *_ = self._connection.execute(f"EXPLAIN (FORMAT json) {query}", parameters).fetchall()
            self._kept[query] = plan
        self._connection.execute(query, parameters)
        return self


def test_no_statement_of_a_month_compares_each_row_with_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB does where an outer or anti join has a condition on one side alone, or one with OR: the lines of a list
    of 24,000 took four times as long as they had to, and ten times as many would take a hundred times as long.
    """
    connect = duckdb.connect
    plans: dict[str, str] = {}
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(), row()], received="2021-03-05T10:00")
    world.deliver("huur", "2021-03", [row(), row()], received="2021-03-08T10:00", folder="additions")
    with monkeypatch.context() as explaining:
        explaining.setattr(duckdb, "connect", lambda *a, **k: _Explaining(connect(*a, **k), plans))
        world.run("2021-03")
    assert len(plans) > 200
    assert [query for query, plan in plans.items() if "BLOCKWISE_NL_JOIN" in plan] == []
