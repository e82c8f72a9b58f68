"""The statements: each has a name of its own and says in its first lines what it is for and what it needs."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from typing import Any

import duckdb
import pytest

from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline.installation.statements import (
    SCHEMA,
    rows_of,
    sql,
    statement_file,
    statements_hash,
    streamed,
    temporary_step,
    without_comments,
)
from vroeg_pipeline_tests.kit.queries import functions_in, named_in

# What these define can be used by the others.
MACROS = ("macros", "address_macros", "hash_macros")
FILES = [file for file in sorted((CHECKOUT / "vroeg_pipeline").glob("**/*.sql")) if file.name != SCHEMA]
STATEMENTS = [file.stem for file in FILES if file.stem not in MACROS]


@cache
def published() -> set[str]:
    """The tables and views of the warehouse."""
    with duckdb.connect() as connection:
        create_tables(connection)
        found = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
    return {name for (name,) in found}


@cache
def defined_in(macros: str) -> set[str]:
    return set(re.findall(r"CREATE OR REPLACE TEMP (?:MACRO|VIEW) (\w+)", sql(macros)))


def variables_in(text: str) -> list[str]:
    return sorted(set(re.findall(r"getvariable\('(\w+)'\)", text)))


def header_of(text: str) -> str:
    """The comment lines that a file begins with, as one."""
    lines = text[: re.search(r"^(?!--)", text, re.MULTILINE).start()].splitlines()  # type: ignore[union-attr]
    return " ".join(line.removeprefix("--").strip() for line in lines)


def test_no_two_statements_have_one_name() -> None:
    assert [name for name, count in Counter(file.name for file in FILES).items() if count > 1] == []
    assert [statement_file(file.stem) for file in FILES] == [f"{file.parent.name}/{file.name}" for file in FILES]


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_says_first_what_it_is_for_and_what_it_needs(name: str) -> None:
    """`Needs:` variables; temporary tables; the files whose macros and views it uses. Each in alphabetical order."""
    text = sql(name)
    named = named_in(text)
    macros = [file for file in MACROS if defined_in(file) & (named | functions_in(text))]
    tables = sorted(named - published() - set().union(*map(defined_in, MACROS)))
    needs = [
        ", ".join(variables_in(text)),
        tables and "tables " + ", ".join(tables),
        ", ".join(f"{file}.sql" for file in macros),
    ]
    said, found, needed = header_of(text).partition(" Needs: ")
    assert (found, needed) == (" Needs: ", ("; ".join(filter(None, needs)) or "nothing") + ".")
    assert said.endswith(".")


def test_the_views_beside_the_macros_say_what_they_need() -> None:
    assert variables_in(sql("macros")) == []
    assert header_of(sql("address_macros")).endswith(f" Needs: {', '.join(variables_in(sql('address_macros')))}.")


def words_of(text: str) -> list[str]:
    """The words of a query by DuckDB's own reader, each with the comments behind it."""
    written = text.encode()
    starts = [start for start, _ in duckdb.tokenize(text)]
    return [written[start:end].decode().strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]


@pytest.mark.parametrize("name", [file.stem for file in FILES])
def test_without_its_comments_a_statement_has_the_same_words(name: str) -> None:
    bare = without_comments(sql(name))
    assert [kind for _, kind in duckdb.tokenize(bare)] == [kind for _, kind in duckdb.tokenize(sql(name))]
    for word, with_comments in zip(words_of(bare), words_of(sql(name)), strict=True):
        assert with_comments.removeprefix(word).strip()[:2] in ("", "--", "/*")
    assert "\n" not in re.sub(r"'[^']*'", "", bare)


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("-- why\nSELECT a, -- it's so\n  b /* and 'so' */ FROM t -- done", "SELECT a, b FROM t"),
        ("SELECT '-- no  comment', 'it''s -- none' -- 'one'", "SELECT '-- no  comment', 'it''s -- none'"),
        ("SELECT 1 AS \"a  -- b\", E'x\\'  -- y' /* c */", "SELECT 1 AS \"a  -- b\", E'x\\'  -- y'"),
        ("SELECT $$ -- a  'b $$, $t$ /* c */ $$ $t$ --d", "SELECT $$ -- a  'b $$, $t$ /* c */ $$ $t$"),
        ("SELECT a->b, -1, 4 - -1, 8 / 2", "SELECT a->b, -1, 4 - -1, 8 / 2"),
    ],
)
def test_comments_and_white_space_are_left_out_and_nothing_else(written: str, bare: str) -> None:
    assert without_comments(written) == bare
    assert without_comments(bare) == bare


def test_only_what_a_statement_says_makes_it_another(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"one": "SELECT 1 -- first", "same": "-- The first.\nSELECT\n    1", "other": "SELECT 2"}
    monkeypatch.setattr("vroeg_pipeline.installation.statements.sql", texts.__getitem__)
    assert statements_hash(["one", "other"]) == statements_hash(["same", "other"])
    assert statements_hash(["one"]) != statements_hash(["other"])


def test_a_result_of_any_length_is_read_to_its_end() -> None:
    with duckdb.connect() as connection:
        temporary_step(connection, "numbers", "SELECT range AS number, range % 2 = 0 AS even FROM range(12_001)")
        query = "FROM numbers WHERE number >= ? ORDER BY number"
        assert list(streamed(connection, query, [1])) == [(n, n % 2 == 0) for n in range(1, 12_001)]
        assert rows_of(connection, query, [1]) == [{"number": n, "even": n % 2 == 0} for n in range(1, 12_001)]
        assert rows_of(connection, query, [12_001]) == []


# Where there is no month at work: several months in turn without their variables, or a month before its turn.
OUTSIDE_OF_A_MONTH = {
    "quality/checks.py", "quality/delivery_register.py", "cli/deliveries.py", "cli/whatif.py", "residents/erasing.py",
    "retention/removal.py",
}  # fmt: skip


def test_the_month_at_work_reaches_sql_in_one_way() -> None:
    """As the variable `month`; never as a parameter beside it."""
    package = CHECKOUT / "vroeg_pipeline"
    found = {
        file.relative_to(package).as_posix()
        for file in package.glob("**/*.py")
        if re.search(
            r"\bmonth\s*(?:=|<>|[<>]=?)\s*(?:\?|\$month\b)|VARIABLE month = \?", file.read_text(encoding="utf-8")
        )
    }
    assert found <= OUTSIDE_OF_A_MONTH


def columns_by_place(statement: str) -> list[tuple[str, list[str], list[str]]]:
    """Of each EXCEPT and INTERSECT in a SELECT the columns of both sides, in their order; `*` stands for itself."""
    with duckdb.connect() as connection:
        (tree,) = connection.execute("SELECT json_serialize_sql(?)", [statement]).fetchall()[0]
    found = []

    def names(side: dict[str, Any]) -> list[str]:
        if side["type"] == "SET_OPERATION_NODE":
            return names(side["left"])
        return [each["alias"] or each.get("column_names", ["*"])[-1] for each in side["select_list"]]

    def look(node: object) -> None:
        if isinstance(node, dict):
            if node.get("setop_type") in ("EXCEPT", "INTERSECT"):
                found.append((node["setop_type"], names(node["left"]), names(node["right"])))
            node = list(node.values())
        if isinstance(node, list):
            for each in node:
                look(each)

    parsed = json.loads(tree)
    assert not parsed["error"], parsed
    look(parsed)
    return found


@pytest.mark.parametrize("name", [name for name in STATEMENTS if re.search(r"\b(EXCEPT|INTERSECT)\b", sql(name))])
def test_set_operations_compare_columns_of_one_name(name: str) -> None:
    """DuckDB compares them by their place, so another order on one side finds everything different."""
    operations = columns_by_place(sql(name))
    assert operations
    for _, left, right in operations:
        assert left == right
        assert "*" not in left


def test_columns_in_another_order_are_seen() -> None:
    assert columns_by_place("SELECT a, b AS c FROM x EXCEPT SELECT c, y.a FROM y") == [
        ("EXCEPT", ["a", "c"], ["c", "a"])
    ]
    assert columns_by_place("SELECT 1 FROM (FROM x INTERSECT FROM y)") == [("INTERSECT", ["*"], ["*"])]
