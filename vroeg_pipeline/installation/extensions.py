"""DuckDB's extensions from their Python packages: signed, of DuckDB's own version, and never downloaded at run time."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import duckdb

from vroeg_pipeline.installation.statements import quoted


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads `httpfs`, `postgres_scanner` or `sqlite_scanner` (docs/adr/0002, 0018)."""
    folder = importlib.resources.files(f"duckdb_extension_{name}")
    path = Path(str(folder)) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    connection.execute(f"LOAD {quoted(str(path))}")
