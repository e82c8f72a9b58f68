"""The tests on a DuckLake (`pytest --warehouse lake`): each world with a database of its own in a PostgreSQL server, and its
Parquet files in the folder `lake` of the world. Not encrypted, so that what is left in a byte is seen.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.lake import Lake
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.kit.postgres import PASSWORD, Server, postgres_server, program

FOLDER = "lake"
SCHEMA = "vroeg"
_numbers = itertools.count()
# In the environment, so that processes that tests start know it too: the port of the server.
_PORT = "VROEG_TESTS_LAKE_PORT"


def is_used() -> bool:
    """Whether the worlds of these tests are on a DuckLake."""
    return _PORT in os.environ


@contextmanager
def lakes() -> Iterator[Server]:
    """For the block the worlds that are made are on a DuckLake."""
    if is_used():
        yield Server(_port())
        return
    with postgres_server() as server:
        os.environ |= {_PORT: str(server.port), "PGPASSWORD": PASSWORD}
        try:
            yield server
        finally:
            if _empty.cache_info().currsize:
                shutil.rmtree(_empty()[1])
            _empty.cache_clear()
            for name in (_PORT, "PGPASSWORD"):
                del os.environ[name]


def settings_of(database: str, root: Path, **changes: Any) -> dict[str, Any]:
    """The setting `warehouse` of a world."""
    return {
        "catalogue": f"postgres:host=127.0.0.1 port={_port()} user=vroeg dbname={database}",
        "data": str(root / FOLDER), "schema": SCHEMA, "encrypted": False, **changes,
    }  # fmt: skip


def resource(root: Path, database: str, **changes: Any) -> WarehouseResource:
    """The warehouse of a database."""
    given = settings_of(database, root, **changes)
    lake = Lake(
        catalogue=given["catalogue"], data=given["data"], schema_name=given["schema"], encrypted=given["encrypted"]
    )
    return WarehouseResource(home=str(root), lake=lake)


def new_database(root: Path) -> str:
    """The name of a new one with all tables, empty."""
    database, folder = _empty()
    return copied_database(database, folder, root)


def copied_database(database: str, of: Path, root: Path) -> str:
    """The name of a copy for another world, to which the files of the world `of` are copied too."""
    name = unused_name()
    query("postgres", f"CREATE DATABASE {name} TEMPLATE {database}")
    if not (root / FOLDER).exists():
        shutil.copytree(of / FOLDER, root / FOLDER)
    for data in (root / FOLDER).iterdir():
        schema = data.name.rpartition("-")[0]
        query(name, f"UPDATE {schema}.ducklake_metadata SET value = '{data}/' WHERE key = 'data_path'")
    return name


def drop_database(name: str) -> None:
    """Removes it with all that it holds."""
    query("postgres", f"DROP DATABASE {name} WITH (FORCE)")


def unused_name() -> str:
    """The name of a database that is not there."""
    return f"world_{os.getpid()}_{next(_numbers)}"


def query(database: str, statement: str) -> str:
    """What PostgreSQL answers, a row a line."""
    return _run("psql", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement)


def dump(database: str) -> str:
    """All that the catalogue holds, as its back-up has it."""
    return _run("pg_dump", database)


def _run(name: str, database: str, *words: str) -> str:
    where = ("-h", "127.0.0.1", "-p", str(_port()), "-U", "vroeg", "-d", database)
    done = subprocess.run([program(name), *where, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _port() -> int:
    return int(os.environ[_PORT])


@cache
def _empty() -> tuple[str, Path]:
    """As making its tables takes longer than what a small test does in them."""
    root, name = Path(tempfile.mkdtemp(prefix="vroeg-lake-")), unused_name()
    query("postgres", f"CREATE DATABASE {name}")
    Home(root).make()
    with resource(root, name).connect():
        pass
    return name, root
