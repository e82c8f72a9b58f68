"""A Dagster that knows nothing yet, in the memory of this process.

`DagsterInstance.ephemeral()` reads its 89 migrations for every one and opens a database for every event: a tenth of a small
month. These are its own classes on one connection each, to tables that were made once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.instance import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from dagster._core.storage.runs.schema import RunStorageSqlMetadata


def dagster_in_memory() -> dg.DagsterInstance:
    """One that nobody else knows of."""
    return dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),
        run_storage=_Runs(),
        event_storage=_Events(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )


class _Database:
    """One connection, for one thread at a time; who asks for it within a transaction is part of it."""

    def __init__(self, tables: db.MetaData) -> None:
        self.engine = db.create_engine("sqlite://", poolclass=db.StaticPool)
        db.event.listen(self.engine, "connect", lambda raw, _: raw.deserialize(_made_of(tables)))
        self._connection, self._lock = self.engine.connect(), threading.RLock()

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._lock:
            if self._connection.in_transaction():
                yield self._connection
            else:
                with self._connection.begin():
                    yield self._connection

    def close(self) -> None:
        self._connection.close()
        self.engine.dispose()


@cache
def _made_of(tables: db.MetaData) -> bytes:
    engine = db.create_engine("sqlite://", poolclass=db.StaticPool)
    with engine.begin() as connection:
        tables.create_all(connection)
    raw: Any = engine.raw_connection().driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw.serialize()


class _Events(InMemoryEventLogStorage):
    def __init__(self) -> None:
        self._inst_data = None
        self._database = _Database(SqlEventLogStorageMetadata)
        self._handlers = defaultdict(set)
        self._storage_id = 0

    @contextmanager
    def _connect(self) -> Iterator[db.Connection]:
        with self._database.connect() as connection:
            yield connection

    def has_table(self, table_name: str) -> bool:
        return table_name in SqlEventLogStorageMetadata.tables

    def dispose(self) -> None:
        self._database.close()


class _Runs(InMemoryRunStorage):
    def __init__(self) -> None:
        self._database = _Database(RunStorageSqlMetadata)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._database.connect() as connection:
            yield connection

    def dispose(self) -> None:
        self._database.close()
