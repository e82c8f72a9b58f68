"""The DuckDB warehouse: opened for a moment, locked, encrypted where asked, replaced month by month.

Knows files, locks and transactions. What a table means stands in its room's `schema.sql`, which rows it gets in the
statement of its name.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import TIME_ZONE
from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.dagster_home import STARTED_BY
from vroeg_pipeline.installation.extensions import load_extension
from vroeg_pipeline.installation.garbage import seldom_collected
from vroeg_pipeline.installation.home import Home, check_restored, private_folder, temporary_path
from vroeg_pipeline.installation.installation import Installation, current_moment
from vroeg_pipeline.installation.lake import WHERE as LAKE_SETTING
from vroeg_pipeline.installation.lake import CatalogueAwayError, Lake, forget
from vroeg_pipeline.installation.locking import Patience, Say, run_lock
from vroeg_pipeline.installation.log import COMMAND_LINE, UI, UNKNOWN_USER, Done, account, is_traced, log_done
from vroeg_pipeline.installation.progress import progress_in
from vroeg_pipeline.installation.statements import MEMORY_LIMIT, fetch_one, insert_rows, quoted, transaction

ENCRYPTION_KEY = "VROEG_ENCRYPTION_KEY"
CATALOG = "warehouse"
# Of a town among many, for its catalogue.
_MINUTES_OF_MANY = 1.0

# These name tables, columns and our own statements; all others may name values.
_ERRORS_ABOUT_SQL = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


# What is asked of the connection of a run before it is closed, by the id of the run: Dagster makes the resource that has it.
_ASKED_LAST: dict[str, Callable[[duckdb.DuckDBPyConnection], object]] = {}


class WarehouseError(Exception):
    """What DuckDB could not do, in its words, without any value of a row."""


@contextmanager
def asked_last(run_id: str, question: Callable[[duckdb.DuckDBPyConnection], object]) -> Iterator[None]:
    """Within the block, a run of that id that comes to its end in this process calls `question` with its connection, which
    costs less than opening another one: a DuckLake loads three extensions. Not called where its last step left none.
    """
    _ASKED_LAST[run_id] = question
    try:
        yield
    finally:
        del _ASKED_LAST[run_id]


def _nowhere(message: str) -> None:
    """Says nothing: for who opens the warehouse without anybody looking on."""


class WarehouseResource(DuckDBResource):
    """The warehouse of one installation.

    Each connection is an in-memory DuckDB to which the file, or the DuckLake, is attached: temporary tables stay out of it,
    and an encryption key is given at one place. Within a Dagster run the installation's lock is held from the first step
    to the last, so that two runs never mix their months; its steps share one connection, which an error ends.
    """

    database: str = ":memory:"
    home: str
    lock_timeout_minutes: float = 60
    lake: Lake | None = None
    _say: Say = PrivateAttr(default_factory=lambda: _nowhere)
    _run: ExitStack | None = PrivateAttr(default=None)
    _shared: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, installation: Installation, say: Say = _nowhere, *, patience_minutes: float | None = None) -> Self:
        """That of an installation. Says to `say` what it waits for; waits as long as the settings say, or as is asked."""
        settings = installation.settings
        patience = settings.lock_timeout_minutes if patience_minutes is None else patience_minutes
        made = cls(home=str(installation.home.root), lock_timeout_minutes=patience, lake=Lake.of(installation.settings))
        made._say = say
        return made

    @property
    def catalogue_minutes(self) -> float:
        """How long a catalogue that is away is waited for. Of a town among many not long, as its run has a place in the
        queue that others wait for; what it left is tried again later.
        """
        of_many = Home(Path(self.home)).town
        return min(self.lock_timeout_minutes, _MINUTES_OF_MANY) if of_many else self.lock_timeout_minutes

    def exists(self) -> bool:
        """Whether there is one yet.

        Raises VroegError when that cannot be told.
        """
        if self.lake is None:
            return Home(Path(self.home)).warehouse.exists()
        with closing(duckdb.connect()) as connection:
            return self._attach_lake(connection, self.lake, CATALOG, read_only=True)

    def must_exist(self) -> None:
        """Raises VroegError when there is none yet, or that cannot be told."""
        if not self.exists():
            raise self._none_yet()

    def _none_yet(self) -> VroegError:
        home = Home(Path(self.home))
        where, do = LAKE_SETTING if self.lake else home.warehouse, f"start with: {home.command} run --month YYYY-MM"
        return VroegError("there is no warehouse yet", where=where, do=do)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        self._say = progress_in(context.log) if context.log else self._say
        holder = f"run {context.run.run_id[:8]}" if context.run else "a run"
        private_folder(Path(self.home))
        with run_lock(Home(Path(self.home)).run_lock, holder, self._say, self.lock_timeout_minutes * 60):
            with seldom_collected(), _logged_run(Home(Path(self.home)), context.run), ExitStack() as self._run:
                yield self
                if self._shared and context.run and (question := _ASKED_LAST.get(context.run.run_id)):
                    with self._in_our_words():
                        question(self._shared)
            self._run = self._shared = None

    @contextmanager
    def connect(self, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse, closed when the block ends, or when the run ends within which it is asked for.

        Waits, and says so, while another process has the file open. Raises VroegError when that lasts too long, the
        encryption key does not fit, or there is no warehouse yet to read; WarehouseError, without any value of a row,
        for what goes wrong in DuckDB within the block.
        """
        if self._run is None or read_only:
            with self._in_our_words(), self._opened(read_only) as connection:
                yield connection
            return
        try:
            with self._in_our_words():
                if self._shared is None:
                    self._shared = self._run.enter_context(self._opened(read_only))
                yield self._shared
        except BaseException:
            # What an error left of it is not known; the next step opens another one.
            self._shared = None
            self._run.close()
            raise

    @contextmanager
    def _opened(self, read_only: bool, *, is_moving: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        home = Home(Path(self.home))
        check_restored(home)
        if self.lake is None and read_only:
            self.must_exist()
        if self.lake and home.warehouse.exists() and not is_moving:
            do = f"{home.command} move-warehouse, or take warehouse out of {home.settings.name}"
            raise VroegError("the tables are here still, and the settings name a DuckLake", where=home.warehouse, do=do)
        with _owner_only_files(), self.get_connection() as connection:
            spill = temporary_path(private_folder(home.scratch))
            connection.execute(f"SET TimeZone = '{TIME_ZONE}'")
            connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
            connection.execute(f"SET temp_directory = {quoted(str(spill))}")
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET enable_progress_bar = false")  # it would come between the lines of a command
            self._attach(connection, home.warehouse, read_only)
            if not _is_up_to_date(connection, self._fingerprint):
                # Who only reads an older warehouse reads what this version says.
                if read_only:
                    self._attach_again(connection, home.warehouse, read_only=False)
                self._bring_schema_up_to_date(connection)
                if read_only:
                    self._attach_again(connection, home.warehouse, read_only=True)
            if self.lake:
                self._look_there_last(connection)
            # DuckDBResource leaves the connection open after an error, and an open file is closed to all others.
            with closing(connection):
                yield connection

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            known = self.lake.known(error) if self.lake else None
            raise known or WarehouseError(_without_values(error)) from None

    def rewrite(self, then: str = "", *, key: str | None = None) -> None:
        """Writes all that the warehouse has into new files that take the place of the old, so that what was deleted is in no
        byte.

        `then`: a statement on the new one. `key`: with which a new file is encrypted ('': not), when it is another. Needs
        the room of the warehouse once more. Only by who holds the lock of the installation; its shared connection ends
        here. Raises VroegError when there is no room; then nothing changed.
        """
        if self._run is not None:
            self._shared = None
            self._run.close()
        if self.lake:
            with self._in_our_words(), self._opened(read_only=False) as connection:
                self.lake.keep_values_out(connection, CATALOG)
                forget(connection, CATALOG)
                if then:
                    connection.execute(then)
            return
        path = Home(Path(self.home)).warehouse
        temporary = temporary_path(path.parent)
        try:
            with self._opened(read_only=False) as connection:
                _write_anew(connection, temporary, then, key)
                # Without a write-ahead log nothing is written or removed by the old file's name when that is closed.
                connection.execute(f"CHECKPOINT {CATALOG}")
                temporary.chmod(path.stat().st_mode & 0o777)
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
                temporary.replace(path)
        finally:
            for leftover in (temporary, Path(f"{temporary}.wal")):
                leftover.unlink(missing_ok=True)

    def empty(self) -> None:
        """Removes all tables of a DuckLake that were moved to the file, and their bytes. Only by who holds the lock of the
        installation.
        """
        with self._in_our_words(), self._opened(read_only=False, is_moving=True) as connection:
            connection.execute(f"USE {CATALOG}")
            for part in reversed(schema.parts()):
                connection.execute(f"DROP {part.kind} {part.name}")
            forget(connection, CATALOG)

    def tidy(self) -> None:
        """Removes old states of the tables and what killed runs left, where they are a DuckLake; once a day. Only by who
        holds the lock of the installation; its shared connection ends here.
        """
        if self.lake:
            self.rewrite()

    def copy_to(self, path: Path) -> None:
        """Writes all that the warehouse has into a new file, for its owner alone, with the same key; others may read it.

        Raises VroegError when there is no room.
        """
        with self._opened(read_only=True) as connection:
            _write_anew(connection, path)

    def take_from(self, other: Self) -> Mapping[str, int]:
        """Copies all rows of another warehouse into this one, which has none or the same already; gives their number by
        table, once each table has the same in both. Only by who holds the lock of the installation.

        Raises VroegError when there is something else in this one, nothing to copy, or no room; then this one is as it was.
        """
        path, counts = Home(Path(other.home)).warehouse, {}
        with other._in_our_words(), other._opened(read_only=True, is_moving=True):
            pass  # it is of this version by now
        with self._in_our_words(), self._opened(read_only=False, is_moving=True) as connection:
            other._attach_as("other", connection, path, read_only=True)
            with transaction(connection):
                for table in (part for part in schema.parts() if part.kind == "TABLE"):
                    counts[table.name] = self._copy(connection, table)
        return counts

    def _copy(self, connection: duckdb.DuckDBPyConnection, table: schema.Part) -> int:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        name = table.name if "." in table.name else f"main.{table.name}"
        rows = f"SELECT {columns} FROM {{}}.{name}"
        if table.name == "reference.sources":
            rows += " WHERE name <> 'schema.sql'"  # of which version the tables are is not copied
        known = f"SELECT count(*), sum(hash({columns})) FROM ({rows})"
        own, theirs = (fetch_one(connection, known.format(catalog)) for catalog in (CATALOG, "other"))
        if own[0] and own != theirs:
            where = LAKE_SETTING if self.lake else Home(Path(self.home)).warehouse
            raise VroegError(
                f"there are other rows in {table.name} already", where=where, do="take it away, or keep it"
            )
        if not own[0]:
            connection.execute(f"INSERT INTO {CATALOG}.{name} ({columns}) {rows.format('other')}")
            if fetch_one(connection, known.format(CATALOG)) != theirs:
                raise RuntimeError(f"{table.name} is not the same after it was copied")
        return int(theirs[0])

    def _attach_again(self, connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
        connection.execute(f"USE memory; DETACH {CATALOG}")
        self._attach(connection, path, read_only)

    @property
    def _fingerprint(self) -> str:
        return self.lake.fingerprint() if self.lake else schema.fingerprint()

    def _bring_schema_up_to_date(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes what the schema has, where it is not there."""
        if self.lake:
            self.lake.keep_values_out(connection, CATALOG)
        with transaction(connection):
            schema.create_tables(connection)
            if self.lake:
                self.lake.partition(connection, CATALOG)
            connection.execute("DELETE FROM reference.sources WHERE name = 'schema.sql'")
            connection.execute("INSERT INTO reference.sources VALUES ('schema.sql', ?, 0, now())", [self._fingerprint])
        if self.lake:
            self.lake.count_nothing(connection, CATALOG)

    def _look_there_last(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Puts what DuckDB has itself before the tables: else a DuckLake is asked for each function and each temporary table
        whether it has one of that name.
        """
        schemas = [f"{CATALOG}.main", *(f"{CATALOG}.{part.name}" for part in schema.parts() if part.kind == "SCHEMA")]
        connection.execute(f"SET search_path = {quoted(','.join(['system.main', *schemas]))}")

    def _attach_lake(self, connection: duckdb.DuckDBPyConnection, lake: Lake, catalog: str, *, read_only: bool) -> bool:
        patience = Patience(self._say, self.catalogue_minutes * 60)
        while True:
            try:
                return lake.attach(connection, catalog, read_only=read_only)
            except CatalogueAwayError as error:
                away = error
            try:
                patience.wait("waiting for the catalogue of the warehouse, which cannot be reached")
            except VroegError:
                raise away from None

    def _attach(self, connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool) -> None:
        self._attach_as(CATALOG, connection, path, read_only)
        connection.execute(f"USE {CATALOG}")

    def _attach_as(self, catalog: str, connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool) -> None:
        if self.lake:
            if not self._attach_lake(connection, self.lake, catalog, read_only=read_only):
                raise self._none_yet()
            return
        options = ["READ_ONLY"] if read_only else []
        if key := os.environ.get(ENCRYPTION_KEY):
            # The packaged, signed extension brings OpenSSL, which DuckDB wants for writing encrypted files.
            load_extension(connection, "httpfs")
            connection.execute("SET temp_file_encryption = true")
            options.append(f"ENCRYPTION_KEY {quoted(key)}")
        patience = Patience(self._say, self.lock_timeout_minutes * 60)
        statement = f"ATTACH {quoted(str(path))} AS {catalog}" + (f" ({', '.join(options)})" if options else "")
        while True:
            try:
                connection.execute(statement)
                return
            except duckdb.Error as error:
                blocked_by = _lock_holder(error)
                if blocked_by is None:
                    raise _readable(error, path, bool(key)) from None
            patience.wait(f"waiting for {path.name}, which {blocked_by} has open")


def _write_anew(connection: duckdb.DuckDBPyConnection, path: Path, then: str = "", key: str | None = None) -> None:
    key = os.environ.get(ENCRYPTION_KEY, "") if key is None else key
    if key:
        load_extension(connection, "httpfs")
    options = f" (ENCRYPTION_KEY {quoted(key)})" if key else ""
    try:
        connection.execute(f"ATTACH {quoted(str(path))} AS rewritten{options}")
        connection.execute(f"COPY FROM DATABASE {CATALOG} TO rewritten")
        if then:
            connection.execute(f"USE rewritten; {then}; USE {CATALOG}")
        # What COPY leaves out (comments) is made anew by who opens it next.
        connection.execute("DELETE FROM rewritten.reference.sources WHERE name = 'schema.sql'")
        connection.execute("CHECKPOINT rewritten; DETACH rewritten")
    except duckdb.IOException as error:
        what = f"the warehouse cannot be written anew ({_without_values(error)})"
        raise VroegError(what, where=path.parent, do="look how full the disk is") from None


@contextmanager
def _logged_run(home: Home, run: dg.DagsterRun | None) -> Iterator[None]:
    """Logs a run, and what it wrote for people (DOMAIN §14). What became of its steps stands in Dagster."""
    started, now = current_moment(), time.time_ns()
    try:
        yield
    finally:
        tags = run.tags if run else {}
        by = [f"{kind} {tags[tag]}" for kind in ("schedule", "sensor") if (tag := f"dagster/{kind}_name") in tags]
        by_itself = [COMMAND_LINE] if is_traced() else by
        # What somebody starts again in the UI keeps the tags of what a sensor started.
        in_ui = STARTED_BY in tags or not by_itself
        origin = UI if in_ui else by_itself[0]
        actor = tags.get(STARTED_BY, UNKNOWN_USER) if in_ui else account()
        months = tags.get("months") or tags.get("dagster/partition") or ""
        of_run = {"run": run.run_id, "job": run.job_name} if run else {}
        written = sorted(
            path.relative_to(home.root).as_posix()
            for path in home.outbox.rglob("*")
            if path.is_file() and path.stat().st_mtime_ns >= now and not path.name.startswith(".")
        )
        log_done(
            home,
            current_moment(),
            Done("run", months, "ended", origin, actor, started, of_run),
            *(Done("export", path, "written", origin, actor, started) for path in written),
        )


def _is_up_to_date(connection: duckdb.DuckDBPyConnection, fingerprint: str) -> bool:
    """Whether this version of the schema made the tables, and not another one, or none."""
    with suppress(duckdb.CatalogException):
        known = connection.execute("SELECT sha256 FROM reference.sources WHERE name = 'schema.sql'").fetchone()
        return known == (fingerprint,)
    return False


@contextmanager
def _owner_only_files() -> Iterator[None]:
    # DuckDB makes the file, its write-ahead log and what it spills with the permissions of the process.
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _lock_holder(error: duckdb.Error) -> str | None:
    """Who has the file open, when that is what the error says."""
    text = str(error)
    if "Could not set lock on file" not in text:
        return None
    process = re.search(r"\(PID (\d+)\)", text)
    return f"process {process[1]}" if process else "another process"


def _without_values(error: duckdb.Error) -> str:
    """What went wrong. Errors about data quote it, and that is a person (DOMAIN §12): those end before the quote."""
    text = str(error).strip()
    if isinstance(error, _ERRORS_ABOUT_SQL):
        return text
    return re.split(r"[\"'0-9]", text, maxsplit=1)[0].rstrip(" :(") + " (values left out)"


def _readable(error: duckdb.Error, path: Path, has_key: bool) -> VroegError:
    text = str(error)
    if "encrypt" in text.lower() or "decrypt" in text.lower() or "wrong key" in text.lower():
        if has_key:
            do = f"check {ENCRYPTION_KEY}"
            return VroegError("the encryption key does not fit, or the file is not encrypted", where=path, do=do)
        return VroegError("is encrypted", where=path, do=f"set {ENCRYPTION_KEY}")
    return VroegError(f"cannot be opened ({text.splitlines()[0]})", where=path, do="check the file and the disk")


# Another machine that writes the same tables is done in a moment, or is at work on the same months.
_RETRIES, _RETRY_SECONDS = 3, 1.0


_ANOTHER_MONTH = "a row is not of the month at work"
# Each row is looked at on its way in: to count them in the table afterwards is one more look at a DuckLake.
_OF_MONTH = (
    "SELECT * REPLACE (CASE WHEN month = getvariable('month') THEN month "
    f"ELSE error({quoted(_ANOTHER_MONTH)}) END AS month) FROM ({{select}})"
)


def replace_month(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], then: str | None = None
) -> dict[str, int]:
    """Replaces the rows of the month at work (the variable `month`) in each table by those of its SELECT, all in one
    transaction; gives the row counts.

    `then`: a statement that belongs to the same transaction.

    An error leaves the old month as it was. Raises ValueError when a SELECT gives a row of another month; VroegError when
    somebody else goes on writing the same tables, as can be of a DuckLake.
    """
    for attempt in range(_RETRIES + 1):
        try:
            return _replace_month(connection, tables, then)
        except duckdb.TransactionException as error:
            if "onflict" not in str(error):
                raise
            if attempt == _RETRIES:
                what = f"somebody else writes the same tables ({', '.join(tables)})"
                raise VroegError(what, do="let one machine at a time work, with one VROEG_HOME that both see") from None
        time.sleep(_RETRY_SECONDS * 2**attempt)
    raise AssertionError("not reached")


def _replace_month(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], then: str | None
) -> dict[str, int]:
    counts = {}
    with transaction(connection):
        for table, select in tables.items():
            connection.execute(f"DELETE FROM {table} WHERE month = getvariable('month')")
            try:
                counts[table] = insert_rows(connection, table, _OF_MONTH.format(select=select))
            except duckdb.InvalidInputException as error:
                if _ANOTHER_MONTH in str(error):
                    raise ValueError(f"{table}: {_ANOTHER_MONTH}") from None
                raise
        if then:
            connection.execute(then)
    return counts
