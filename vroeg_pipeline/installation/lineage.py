"""Which columns a column of a table is made of, read from the statements, so that nobody has to write it down.

A column is made of what its own expression names, through the steps, views and WITH queries that the statement stands on;
what only chooses rows (WHERE, ON, GROUP BY), or between columns (WHEN), is left out. What Python makes (agreements,
settings, reference files) has no columns here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from vroeg_pipeline.installation.schema import table_columns, view_queries
from vroeg_pipeline.installation.statements import fetch_one, has_statement, quoted, sql, without_comments

_TEMPORARY_VIEW = re.compile(r"CREATE OR REPLACE TEMP VIEW (\w+) AS (.*?);")
_VIEWS_BESIDE_MACROS = "address_macros"
# Made by `make way` from the statements; a test fails when it is not what they say.
ORIGINS = Path(__file__).with_name("column_origins.json")


class Origin(NamedTuple):
    """A column of a table of the warehouse."""

    table: str
    column: str


Origins = frozenset[Origin]
_NOTHING: Origins = frozenset()


@dataclass(frozen=True)
class _Source:
    """What stands behind FROM. `others`: what a column that is not listed is made of; None where there is no other."""

    columns: Mapping[str, Origins] = field(default_factory=dict)
    others: Origins | None = None

    @property
    def everything(self) -> Origins:
        return frozenset().union(*self.columns.values(), self.others or _NOTHING)

    def get(self, column: str) -> Origins | None:
        return self.columns.get(column, self.others)


# Made by Python: its columns come from no table.
_UNKNOWN = _Source(others=_NOTHING)


@cache
def column_origins(table: str) -> Mapping[str, Sequence[Origin]]:
    """Of each column of the table that the statement of its name makes the columns of other tables it is made of, sorted.

    As `make way` found them: reading the statements takes as long as all of them do for a small month.
    """
    of_table = _kept_origins().get(table, {})
    return {column: [Origin(*origin) for origin in origins] for column, origins in of_table.items()}


def read_origins(table: str) -> Mapping[str, Sequence[Origin]]:
    """The same from the statement itself."""
    found = origins_in(sql(table))
    return {column: [origin for origin in origins if origin.table != table] for column, origins in found.items()}


@cache
def _kept_origins() -> Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]:
    found: Mapping[str, Mapping[str, Sequence[tuple[str, str]]]] = json.loads(ORIGINS.read_text(encoding="utf-8"))
    return found


def origins_in(query: str) -> Mapping[str, Sequence[Origin]]:
    """Of each column of a query that is made of any the columns of tables that it is made of, sorted.

    Raises ValueError for what is written in a form that is not known here.
    """
    found = _Query(_tree(query)).columns().columns
    return {column: sorted(origins) for column, origins in found.items() if origins}


@cache
def _named(name: str) -> _Source:
    """What a table, view or step of that name has, outside of the WITH queries."""
    columns = table_columns(name)
    if columns:
        return _Source({column: frozenset({Origin(name, column)}) for column in columns})
    query = _views().get(name) or (sql(name) if has_statement(name) else None)
    return _Query(_tree(query)).columns() if query else _UNKNOWN


@cache
def _views() -> Mapping[str, str]:
    temporary = _TEMPORARY_VIEW.findall(without_comments(sql(_VIEWS_BESIDE_MACROS)))
    return {**view_queries(), **dict(temporary)}


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _tree(query: str) -> Any:
    # As a literal: a parameter makes DuckDB import pandas.
    options = "skip_null := true, skip_empty := true, skip_default := true"
    (text,) = fetch_one(_parser(), f"SELECT json_serialize_sql({quoted(query)}, {options})")
    return json.loads(text)["statements"][0]["node"]


class _Query:
    """One query (`node`), with the WITH queries and the sources of those around it."""

    def __init__(self, node: Any, around: _Query | None = None) -> None:
        self._node, self._around = node, around
        self._sources: dict[str, _Source] = {}
        self._aliases: dict[str, Origins] = {}
        self._visible: list[str] = []

    def columns(self) -> _Source:
        node = self._node
        if node["type"] == "SET_OPERATION_NODE":
            left, right = (_Query(node[side], self).columns() for side in ("left", "right"))
            return left if node["setop_type"] in ("EXCEPT", "INTERSECT") else _both(left, right, node["setop_type"])
        if node["type"] == "RECURSIVE_CTE_NODE":
            return _Query(node["left"], self).columns()
        self._look_at(node.get("from_table", {}))
        found: dict[str, Origins] = {}
        others: Origins | None = None
        for item in node["select_list"]:
            if item["type"] == "STAR":
                star = self._star(item)
                found |= {name: origins for name, origins in star.columns.items() if name not in found}
                others = star.others if others is None else others | (star.others or _NOTHING)
            else:
                name = item.get("alias") or item.get("column_names", [""])[-1]
                self._aliases[name] = found[name] = self._made_of(item)
        return _Source(found, others)

    # What stands behind FROM.

    def _look_at(self, table: Any) -> None:
        match table.get("type", "EMPTY"):
            case "JOIN":
                self._look_at(table["left"])
                visible = list(self._visible)
                self._look_at(table["right"])
                if table.get("join_type") in ("SEMI", "ANTI"):
                    self._visible = visible
            case "BASE_TABLE":
                self._add(table, table["table_name"], self._table(table))
            case "SUBQUERY":
                self._add(table, "", _Query(table["subquery"]["node"], self).columns())
            case "TABLE_FUNCTION":
                name = table["function"]["function_name"]
                self._add(table, name, _Source({name: self._made_of(table["function"])}))
            case "EXPRESSION_LIST":
                places = [frozenset().union(*map(self._made_of, place)) for place in zip(*table["values"], strict=True)]
                self._add(table, "", _Source({f"col{number}": origins for number, origins in enumerate(places)}))
            case "EMPTY":
                pass
            case other:
                raise ValueError(f"{other} is not known behind FROM")

    def _add(self, table: Any, name: str, source: _Source) -> None:
        alias = table.get("alias") or name or f"#{len(self._sources)}"
        if renamed := table.get("column_name_alias"):
            listed = [*source.columns.values()] or [source.others or _NOTHING] * len(renamed)
            source = _Source({**source.columns, **dict(zip(renamed, listed, strict=False))}, source.others)
        self._sources[alias] = source
        self._visible.append(alias)

    def _table(self, table: Any) -> _Source:
        name = table["table_name"]
        query: _Query | None = self
        while query and "schema_name" not in table:
            for each in query._node.get("cte_map", {}).get("map", ()):
                if each["key"] == name and each["value"]["query"]["node"] is not self._node:
                    return query._with(name, each["value"]["query"]["node"])
            query = query._around
        return _named(".".join(part for part in (table.get("schema_name"), name) if part))

    def _with(self, name: str, node: Any) -> _Source:
        inside: _Query | None = self
        while inside:
            # A recursive query names itself.
            if inside._node is node:
                return _UNKNOWN
            inside = inside._around
        return _Query(node, self).columns()

    # What stands between SELECT and FROM.

    def _star(self, item: Any) -> _Source:
        wanted = [item["relation_name"]] if "relation_name" in item else self._visible
        replaced = {each["key"]: self._made_of(each["value"]) for each in item.get("replace_list", ())}
        without = {each if isinstance(each, str) else each["column_name"] for each in item.get("exclude_list", ())}
        found: dict[str, Origins] = {}
        others: Origins | None = None
        # `x.*` of what stands in no FROM is of a column, whose fields are made of the same.
        sources = [self._sources.get(alias) or _Source(others=self._column([alias])) for alias in wanted]
        for source in sources:
            found |= {name: origins for name, origins in source.columns.items() if name not in found}
            others = source.others if others is None else others | (source.others or _NOTHING)
        return _Source({n: replaced.get(n, origins) for n, origins in found.items() if n not in without}, others)

    def _made_of(self, expression: Any) -> Origins:
        return frozenset().union(*self._parts(expression))

    def _parts(self, node: Any) -> Iterator[Origins]:
        if isinstance(node, list):
            for each in node:
                yield from self._parts(each)
        elif isinstance(node, dict):
            if node.get("type") == "COLUMN_REF":
                yield self._column(node["column_names"])
            elif node.get("class") == "CASE":
                values = [each["then_expr"] for each in node["case_checks"]] + [node.get("else_expr")]
                conditions = [each["when_expr"] for each in node["case_checks"]]
                yield self._made_of(values if _names_columns(values) else conditions)
            elif node.get("class") == "SUBQUERY":
                yield _Query(node["subquery"]["node"], self).columns().everything
                yield from self._parts(node.get("child"))
            else:
                yield from self._parts(list(node.values()))

    def _column(self, names: Sequence[str]) -> Origins:
        """A column by its table and name, or its name alone; what follows are fields of it. A lambda's parameter is none."""
        query: _Query | None = self
        while query:
            first, second = query._sources.get(names[0]), names[1] if len(names) > 1 else None
            if first and second and (origins := first.get(second)) is not None:
                return origins
            listed = [query._sources[alias] for alias in query._visible]
            for source in listed:
                if names[0] in source.columns:
                    return source.columns[names[0]]
            if names[0] in query._aliases:
                return query._aliases[names[0]]
            if first and second is None:
                return first.everything
            if any(source.others is not None for source in listed):
                return frozenset().union(*(source.others or _NOTHING for source in listed))
            query = query._around
        return _NOTHING


def _names_columns(expression: Any) -> bool:
    if isinstance(expression, list):
        return any(map(_names_columns, expression))
    if isinstance(expression, dict):
        return expression.get("type") == "COLUMN_REF" or _names_columns(list(expression.values()))
    return False


def _both(left: _Source, right: _Source, kind: str) -> _Source:
    """The columns of a UNION, by their names or their places."""
    if kind == "UNION_BY_NAME":
        pairs = [(name, left.get(name), right.get(name)) for name in {**left.columns, **right.columns}]
    else:
        pairs = [
            (name, origins, other)
            for (name, origins), other in zip(left.columns.items(), right.columns.values(), strict=False)
        ]
    return _Source({name: (a or _NOTHING) | (b or _NOTHING) for name, a, b in pairs}, left.others)
