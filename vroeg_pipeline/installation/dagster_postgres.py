"""Dagster's storage in PostgreSQL with its connections kept open, and the promises of that in SQLite (docs/adr/0032).

Dagster's own tables and classes: an installation can go from `dagster_postgres` to this and back. Named in
`deploy/postgresql/dagster.yaml`; asks for the extra `[server]`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as db
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.config import pg_config
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable, RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._daemon.types import DaemonHeartbeat
from dagster._serdes import ConfigurableClassData
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import create_pg_engine, pg_url_from_config

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import DAEMON_LOCK
from vroeg_pipeline.installation.dagster_storage import OneDaemon, forget_assets, forget_run, with_origin

# Of the daemon, in its database; a number that nothing else takes.
_DAEMON_KEY = 7_306_094_718
# Of SQLite the files in Dagster's home, and what each has.
_TABLES = {
    "history/runs.db": RunStorageSqlMetadata,
    "history/runs/index.db": SqlEventLogStorageMetadata,
    "schedules/schedules.db": ScheduleStorageSqlMetadata,
}
# What SQLite keeps of each run in the index of all runs too.
_IN_INDEX = [kind.value for kind in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS)]


def _pooled(url: str) -> db.Engine:
    # Asked before each use whether it still answers, as a server that was started again has closed it.
    return create_pg_engine(url, isolation_level="AUTOCOMMIT", pool_pre_ping=True, max_overflow=-1)


class OneDaemonOfServer(OneDaemon):
    """One daemon of a database too, from whatever machine: the server holds the lock for as long as the connection lives."""

    def __init__(self, lock: Path, url: str) -> None:
        super().__init__(lock)
        self._engine = create_pg_engine(url, poolclass=db.NullPool, isolation_level="AUTOCOMMIT")
        self._connection: db.Connection | None = None

    def _hold(self) -> None:
        super()._hold()
        if self._connection is not None:
            try:
                self._connection.execute(db.text("SELECT 1"))
                return
            except db.exc.DBAPIError:
                # The server was away, and with it the lock.
                self._connection.invalidate()
                self._connection.close()
                self._connection = None
        connection = self._engine.connect()
        if not connection.execute(db.select(db.func.pg_try_advisory_lock(_DAEMON_KEY))).scalar_one():
            connection.close()
            what = "a daemon of another machine is at work already"
            raise VroegError(what, where=f"the database {self._engine.url.database}", do="stop it first")
        self._connection = connection

    def end(self) -> None:
        """Another may begin."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        super().end()


class PooledEventLog(PostgresEventLogStorage):
    """The event log."""

    keeps_what_is_shown = True

    def __init__(self, url: str, *, should_autocreate_tables: bool) -> None:
        super().__init__(url, should_autocreate_tables)
        self._engine = _pooled(url)
        self._tables_found: set[str] = set()

    def delete_events(self, run_id: str) -> None:
        """Deletes the log of a run, but for what stays (`forget_run`)."""
        with self.index_transaction() as connection:
            forget_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)

    def forget_assets_of(self, town: str) -> None:
        """Deletes all that is noted of the assets of a town."""
        with self.index_transaction() as connection:
            forget_assets(connection, town)

    def has_table(self, table_name: str) -> bool:
        """Whether the database has the table. Asked for every event; what is there stays there."""
        if table_name not in self._tables_found and super().has_table(table_name):
            self._tables_found.add(table_name)
        return table_name in self._tables_found

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()


class PooledRunStorage(PostgresRunStorage):
    """The runs, and the heartbeats of the daemon: one daemon at a time. `folder`: Dagster's home."""

    def __init__(self, url: str, folder: Path, *, should_autocreate_tables: bool) -> None:
        super().__init__(url, should_autocreate_tables)
        self._engine = _pooled(url)
        self._folder, self._daemon = folder, OneDaemonOfServer(folder / DAEMON_LOCK, url)

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        """Adds a run, one of the command line with an origin."""
        return super().add_run(with_origin(dagster_run, self._folder))

    def add_daemon_heartbeat(self, daemon_heartbeat: DaemonHeartbeat) -> None:
        """Writes a heartbeat of the only daemon."""
        self._daemon.begin()
        super().add_daemon_heartbeat(daemon_heartbeat)

    def dispose(self) -> None:
        self._engine.dispose()
        self._daemon.end()
        super().dispose()


class PooledScheduleStorage(PostgresScheduleStorage):
    """Sensors, schedules and their ticks."""

    def __init__(self, url: str, *, should_autocreate_tables: bool) -> None:
        super().__init__(url, should_autocreate_tables)
        self._engine = _pooled(url)

    def dispose(self) -> None:
        self._engine.dispose()
        super().dispose()


class PooledPostgresStorage(DagsterPostgresStorage):
    """All three. `base_dir`: Dagster's home, where sockets, locks and print lie."""

    def __init__(
        self,
        postgres_url: str,
        base_dir: str,
        *,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        # Makes what is new.
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        self._event_log_storage = PooledEventLog(postgres_url, should_autocreate_tables=should_autocreate_tables)
        self._run_storage = PooledRunStorage(
            postgres_url, Path(base_dir), should_autocreate_tables=should_autocreate_tables
        )
        self._schedule_storage = PooledScheduleStorage(postgres_url, should_autocreate_tables=should_autocreate_tables)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Dagster's own of PostgreSQL, and `base_dir`."""
        own: Any = pg_config()
        return {**own, "base_dir": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledPostgresStorage":
        return cls(
            pg_url_from_config(config_value),
            config_value["base_dir"],
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
        )


def take_from_sqlite(url: str, folder: Path) -> dict[str, int]:
    """Copies what Dagster noted in SQLite in its home to a database that has no runs, in one transaction, and gives the
    number of rows by table. Ids stay, as cursors of sensors count by them. What a run logged besides what it made, judged
    and how it ended has no ids among those of other runs: it gets new ones, in its order, after all that have any.

    Raises VroegError when there is nothing to copy, or the database has runs.
    """
    if not (folder / "history" / "runs.db").exists():
        raise VroegError("Dagster noted nothing here", where=folder, do="start the services, there is nothing to move")
    # Makes the tables.
    DagsterPostgresStorage(url)
    engine, counts = create_pg_engine(url, poolclass=db.NullPool), {}
    with engine.begin() as target:
        if target.execute(db.select(db.func.count()).select_from(RunsTable)).scalar_one():
            raise VroegError("has runs", where=f"the database {engine.url.database}", do="give an empty one")
        for name, tables in _TABLES.items():
            with _opened(folder / name).connect() as of:
                for table in tables.sorted_tables:
                    # Which changes of its tables are made, the new database knows of itself.
                    if table.name == "secondary_indexes" or not db.inspect(of).has_table(table.name):
                        continue
                    counts[table.name] = _copy(of, target, table)
        for (run_id,) in target.execute(db.select(RunsTable.c.run_id).order_by(RunsTable.c.id)).all():
            counts["event_logs"] += _copy_log(target, folder / "history" / "runs" / f"{run_id}.db")
    return counts


def _copy_log(target: db.Connection, log: Path) -> int:
    """Copies what the log of a run has and the index of all runs has not, nor had: an asset that was wiped stays so."""
    if not log.exists():
        return 0
    columns = [column for column in SqlEventLogStorageTable.c if column.name != "id"]
    kind = SqlEventLogStorageTable.c.dagster_event_type
    own = db.or_(kind.is_(None), kind.not_in(_IN_INDEX))
    lines, count = db.select(*columns).where(own).order_by(SqlEventLogStorageTable.c.id), 0
    with _opened(log).connect() as of:
        for rows in of.execute(lines).mappings().partitions(1000):
            target.execute(SqlEventLogStorageTable.insert(), [dict(row) for row in rows])
            count += len(rows)
    return count


def _opened(path: Path) -> db.Engine:
    return db.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true", poolclass=db.NullPool)


def _copy(of: db.Connection, target: db.Connection, table: db.Table) -> int:
    target.execute(table.delete())
    count = 0
    for rows in of.execute(db.select(table)).mappings().partitions(1000):
        target.execute(table.insert(), [dict(row) for row in rows])
        count += len(rows)
    if "id" in table.c and isinstance(table.c.id.type, db.Integer):
        last = db.select(db.func.max(table.c.id)).scalar_subquery()
        target.execute(db.select(db.func.setval(db.func.pg_get_serial_sequence(table.name, "id"), last)))
    return count


def url_of(postgres_db: Mapping[str, Any]) -> str:
    """How the database of `dagster.yaml` is reached, with its password.

    Raises VroegError when a variable is not set or the port is no number.
    """
    values = {name: _value(found) for name, found in postgres_db.items()}
    if not str(values.get("port", 0)).isdecimal():
        where = postgres_db["port"]["env"] if isinstance(postgres_db["port"], dict) else "the port"
        raise VroegError(f"{where} is no number", where="dagster.yaml", do="give the port of PostgreSQL")
    return pg_url_from_config({"postgres_db": values})


def check_server(postgres_db: Mapping[str, Any]) -> None:
    """Raises VroegError when the database of `dagster.yaml` cannot be used: a variable is not set, it is away, refuses the
    user, or has the tables of another version of Dagster.
    """
    url = url_of(postgres_db)
    engine = create_pg_engine(url, poolclass=db.NullPool, connect_args={"connect_timeout": 10})
    where = f"Dagster's database {engine.url.database} at {engine.url.host}"
    try:
        with engine.connect() as connection:
            is_new = not db.inspect(connection).has_table("alembic_version")
    except db.exc.OperationalError as error:
        said = str(error.orig).strip().splitlines()[0]
        raise VroegError(f"cannot be used ({said})", where=where, do="see deploy/postgresql/README.md") from None
    if is_new:
        return
    log = PostgresEventLogStorage(url, should_autocreate_tables=False)
    found, wanted = log.alembic_version()
    if found != wanted:
        what = f"its tables are of another version of Dagster ({found}, where this one has {wanted})"
        do = "with all services stopped and a pg_dump made: dagster instance migrate"
        raise VroegError(what, where=where, do=do)


def _value(found: object) -> object:
    if not isinstance(found, dict) or "env" not in found:
        return found
    name = str(found["env"])
    if name not in os.environ:
        raise VroegError(f"{name} is not set", where="dagster.yaml", do="put it in the environment of the services")
    return os.environ[name]
