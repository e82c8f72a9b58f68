"""What a query names: tables, views and functions, by DuckDB's own parser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from vroeg_pipeline.installation.statements import fetch_one


def named_in(query: str) -> set[str]:
    """The tables and views that a query names, its own WITH names left out."""
    named, own = set(), set()
    for node in _nodes(query):
        if node.get("type") == "BASE_TABLE":
            named.add(str(node["table_name"]))
        own.update(entry["key"] for entry in node.get("cte_map", {}).get("map", ()))
    return named - own


def functions_in(query: str) -> set[str]:
    """The functions and macros that a query calls, operators among them."""
    return {str(node["function_name"]) for node in _nodes(query) if "function_name" in node}


def _nodes(query: str) -> Iterator[dict[str, Any]]:
    with duckdb.connect() as connection:
        (tree,) = fetch_one(connection, "SELECT json_serialize_sql(?)", [query])
    parsed = json.loads(tree)
    assert not parsed["error"], (query[:80], parsed)
    waiting: list[Any] = [parsed["statements"]]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
