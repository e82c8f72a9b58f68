"""Dagster's own SQLite storage with its databases kept open, instead of opened anew for every event (docs/adr/0022).

The same files, tables and contents: an installation can go from one to the other and back. Named in `dagster.yaml`.
Dagster has no public way to say how its SQLite is opened, so these are its own classes with that one thing replaced.
"""

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import DAEMON_LOCK, LOCATION_TAG, code_socket
from vroeg_pipeline.installation.locking import hold

_BUSY_SECONDS = 30
# Every run has a database of its own. Who looks at many, as the UI does, keeps these few open.
_MOST_OPEN = 4

# What an event log says of itself that forgets a run by `forget_run`. By name, as that on PostgreSQL is an extra.
KEEPS_WHAT_IS_SHOWN = "keeps_what_is_shown"
# The keys of deliveries, of a town by itself and of one of many. Each of their arrivals is news of a partner; there are few.
_ARRIVALS = '[%"deliveries", %'
_FORGOTTEN = """
    run_id = :run AND NOT (
        coalesce(dagster_event_type, '') IN ('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION')
        AND (
            asset_key LIKE :arrivals
            OR NOT EXISTS (
                SELECT 1 FROM event_logs AS newer
                WHERE newer.asset_key = event_logs.asset_key
                AND newer.dagster_event_type = event_logs.dagster_event_type
                AND newer.partition {same} event_logs.partition
                AND newer.id > event_logs.id
            )
        )
    )
"""
_FORGET = (
    f"DELETE FROM asset_event_tags WHERE event_id IN (SELECT id FROM event_logs WHERE {_FORGOTTEN})",
    f"DELETE FROM event_logs WHERE {_FORGOTTEN}",
    """
    DELETE FROM asset_check_executions WHERE run_id = :run AND EXISTS (
        SELECT 1 FROM asset_check_executions AS newer
        WHERE newer.asset_key = asset_check_executions.asset_key
        AND newer.check_name = asset_check_executions.check_name
        AND newer.partition {same} asset_check_executions.partition
        AND newer.id > asset_check_executions.id
    )
    """,
)


def forget_run(connection: db.Connection, run_id: str) -> None:
    """Deletes what is noted of a run, but for what pages of assets and checks show of it: the arrivals of deliveries, the
    last materialization or observation of each asset and month, and the last verdict of each check and month.
    """
    same = "IS" if connection.dialect.name == "sqlite" else "IS NOT DISTINCT FROM"
    for statement in _FORGET:
        connection.execute(db.text(statement.format(same=same)), {"run": run_id, "arrivals": _ARRIVALS})


# The keys of a town begin with its name, which has no character that LIKE knows.
_FORGET_ASSETS = (
    "DELETE FROM asset_event_tags WHERE asset_key LIKE :keys",
    "DELETE FROM event_logs WHERE asset_key LIKE :keys",
    "DELETE FROM asset_check_executions WHERE asset_key LIKE :keys",
    "DELETE FROM asset_keys WHERE asset_key LIKE :keys",
)


def forget_assets(connection: db.Connection, town: str) -> None:
    """Deletes all that is noted of the assets and checks of a town, arrivals too. Dagster's own way to wipe an asset leaves
    its events where they are.
    """
    for statement in _FORGET_ASSETS:
        connection.execute(db.text(statement), {"keys": f'["{town}", %'})


def _pooled(url: str) -> db.Engine:
    # Without a limit, as opening anew has none.
    engine = db.create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, max_overflow=-1)
    db.event.listen(engine, "connect", _flush_at_checkpoints)
    return engine


def _flush_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    # With the write-ahead log that Dagster sets, a process that is killed loses nothing that was committed.
    connection.execute("PRAGMA synchronous = NORMAL")


class OpenEventLog(SqliteEventLogStorage):
    """The event log: one database a run, and an index of all. An event, or a batch of them, is one transaction in each."""

    keeps_what_is_shown = True

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, db.Engine] = {}
        self._tables_found: set[str] = set()
        # The thread that writes, and what it writes to.
        self._writer: int | None = None
        self._writing: dict[str, db.Connection] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        if self._writer == threading.get_ident():
            yield self._writing[shard] if shard in self._writing else self._begun(shard)
            return
        with self._db_lock, self._opened(shard).connect() as connection, connection.begin():
            yield connection

    def store_event(self, event: dg.EventLogEntry) -> None:
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        with self._db_lock, ExitStack() as self._transactions:
            self._writer = threading.get_ident()
            try:
                for event in events:
                    super().store_event(event)
            finally:
                self._writer = None
                self._writing.clear()

    def _begun(self, shard: str) -> db.Connection:
        connection = self._transactions.enter_context(self._opened(shard).connect())
        self._transactions.enter_context(connection.begin())
        self._writing[shard] = connection
        return connection

    def _opened(self, shard: str) -> db.Engine:
        # The one used last stands last.
        engine = self._engines.pop(shard, None) or _pooled(self.conn_string_for_shard(shard))
        self._engines[shard] = engine
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        if len(self._engines) > _MOST_OPEN:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def delete_events(self, run_id: str) -> None:
        """Deletes the log of a run, but for what stays (`forget_run`)."""
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            for suffix in ("-wal", "-shm", ""):
                Path(self.path_for_shard(run_id) + suffix).unlink(missing_ok=True)
        with self.index_connection() as connection:
            forget_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)

    def forget_assets_of(self, town: str) -> None:
        """Deletes all that is noted of the assets of a town, but for the logs of its runs."""
        with self.index_connection() as connection:
            forget_assets(connection, town)
        # What no run noted stands in a database of its own too.
        if Path(self.path_for_shard(RUNLESS_RUN_ID)).exists():
            with self.run_connection(RUNLESS_RUN_ID) as connection:
                forget_assets(connection, town)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has the table. Asked for every event; what is there stays there."""
        if table_name not in self._tables_found and super().has_table(table_name):
            self._tables_found.add(table_name)
        return table_name in self._tables_found

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def wipe(self) -> None:
        """Removes the files too, which must not be open."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        self._close()
        super().dispose()


def with_origin(dagster_run: dg.DagsterRun, folder: Path) -> dg.DagsterRun:
    """A run of the command line as if the code location had been asked for it: the Timeline leaves out a run that nothing
    tells the origin of, and no public call to run in process takes one. `folder`: Dagster's home.
    """
    repository, _, location = dagster_run.tags.get(LOCATION_TAG, "").partition("@")
    if dagster_run.remote_job_origin is not None or not location:
        return dagster_run
    server = GrpcServerCodeLocationOrigin(
        "localhost", socket=str(folder / code_socket(location)), location_name=location
    )
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(server, repository), dagster_run.job_name)
    return dagster_run._replace(remote_job_origin=origin)


class OneDaemon:
    """What lets one daemon be at work at a time, whoever starts it. `lock`: the file that it holds."""

    def __init__(self, lock: Path) -> None:
        self._lock, self._refused = lock, False
        self._held: int | None = None
        self._holding = threading.Lock()

    def begin(self) -> None:
        """Each thread of a daemon asks so before anything else; where another daemon is at work they end there, and the
        process soon after (docs/adr/0026).
        """
        with self._holding:
            try:
                self._hold()
            except VroegError as error:
                if not self._refused:
                    print(f"Error: {error}", file=sys.stderr, flush=True)  # noqa: T201
                self._refused = True
                raise SystemExit(1) from None

    def _hold(self) -> None:
        if self._held is None:
            self._held = hold(self._lock, "a daemon")

    def end(self) -> None:
        """Another may begin."""
        with self._holding:
            if self._held is not None:
                os.close(self._held)
                self._held = None


class OpenRunStorage(SqliteRunStorage):
    """The runs, and the heartbeats of the daemon: one daemon at a time, whoever starts it. `lock`: what it holds."""

    def __init__(self, conn_string: str, lock: Path) -> None:
        self._engine = _pooled(conn_string)
        self._folder, self._daemon = lock.parent, OneDaemon(lock)
        super().__init__(conn_string)

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        """Adds a run, one of the command line with an origin."""
        return super().add_run(with_origin(dagster_run, self._folder))

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        """Writes a heartbeat of the only daemon."""
        self._daemon.begin()
        super().add_daemon_heartbeat(daemon_heartbeat)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        self._engine.dispose()
        self._daemon.end()
        super().dispose()


class OpenSqliteStorage(DagsterSqliteStorage):
    """Both, with Dagster's own storage of schedules. `base_dir`: Dagster's home."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Makes what is new.
        super().__init__(base_dir, inst_data)
        self._event_log_storage: SqliteEventLogStorage = OpenEventLog(self._event_log_storage._base_dir)
        self._run_storage: SqliteRunStorage = OpenRunStorage(
            self._run_storage._conn_string, Path(base_dir) / DAEMON_LOCK
        )

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "OpenSqliteStorage":
        return cls.from_local(inst_data=inst_data, **config_value)
