"""Whether two surnames can be one household (DOMAIN §8), by a list of pairs that anyone can extend."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml

from vroeg_pipeline_tests.yardsticks import pandas_month

PAIRS: dict[str, list[list[str]]] = yaml.safe_load(
    Path(__file__).with_name("same_names.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("kind", ["same", "different"])
def test_surnames_are_compared_by_the_names_in_them(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    compared = connection.execute(
        """
        SELECT pair, list_has_any(surnames_of(pair[1]), surnames_of(pair[2]))
        FROM (SELECT unnest(?::VARCHAR[][]) AS pair)
        """,
        [PAIRS[kind]],
    ).fetchall()
    assert len(compared) == len(PAIRS[kind])
    assert [pair for pair, is_same in compared if is_same is not (kind == "same")] == []


@pytest.mark.parametrize("kind", ["same", "different"])
def test_the_yardstick_compares_the_same(kind: str) -> None:
    shared = [(pair, pandas_month._surnames(pair[0]) & pandas_month._surnames(pair[1])) for pair in PAIRS[kind]]
    assert [pair for pair, names in shared if bool(names) is not (kind == "same")] == []


@pytest.mark.parametrize(
    ("surname", "names"),
    [
        ("van den Berg-van Dijk", ["berg", "berg-van dijk", "dijk"]),
        ("Bakker-Jansen e/o de Vries, A.", ["bakker", "bakker-jansen", "jansen", "vries"]),
        ("Vries, J.P. de", ["vries"]),
        ("E/Oostra", ["oostra"]),
        ("Smit e/oMulder", ["mulder", "smit"]),
        ("J.", []),
        (None, None),
    ],
)
def test_a_surname_is_taken_apart(
    connection: duckdb.DuckDBPyConnection, surname: str | None, names: list[str] | None
) -> None:
    assert connection.execute("SELECT surnames_of(?::VARCHAR)", [surname]).fetchall() == [(names,)]


@pytest.mark.parametrize(
    ("surname", "is_joint"),
    [("Smit c.q.Mulder", True), ("Smit c.q. Mulder", True), ("Smit e/oMulder", True), ("Jansen e/v Smit", False)],
)
def test_whether_several_people_stand_in_a_surname(
    connection: duckdb.DuckDBPyConnection, surname: str, is_joint: bool
) -> None:
    assert connection.execute("SELECT has_joint_names(?)", [surname]).fetchall() == [(is_joint,)]
