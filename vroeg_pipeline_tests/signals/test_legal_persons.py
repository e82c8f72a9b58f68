"""Whether a surname is that of a legal person (DOMAIN §5), by a list of names that anyone can extend."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import yaml

from vroeg_pipeline_tests.yardsticks import pandas_month

CASES = yaml.safe_load(Path(__file__).with_name("legal_persons.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["legal_person", "person"])
def test_who_is_a_legal_person(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    found = connection.execute(
        "SELECT name, is_legal_person(name) FROM (SELECT unnest(?) AS name)", [CASES[kind]]
    ).fetchall()
    assert [name for name, is_legal in found if is_legal is not (kind == "legal_person")] == []


@pytest.mark.parametrize("kind", ["legal_person", "person"])
def test_the_yardstick_reads_the_same(kind: str) -> None:
    wrong = [name for name in CASES[kind] if pandas_month._is_legal_person(name) is not (kind == "legal_person")]
    assert wrong == []
