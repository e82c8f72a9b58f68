"""The tables as a DuckLake: their rows in Parquet files of a shared folder or a bucket, the rest in PostgreSQL.

What DuckLake itself would keep of people is kept out of its catalogue here: see `WITHOUT_VALUES`.
"""

import hashlib
import os
import re
import uuid
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

import dagster as dg
import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.extensions import load_extension
from vroeg_pipeline.installation.secrets import filled_in
from vroeg_pipeline.installation.statements import fetch_one, quoted, transaction

WHERE = "settings.yaml: warehouse"
# The catalogue as DuckDB names it beside the tables, and where all that DuckLake knows stands.
_CATALOGUE = "__ducklake_metadata_{}"

# DuckLake notes the lowest and the highest value of each column of each file, as plain text: names among them. These
# triggers empty them before they reach a table, a write-ahead log or a back-up of PostgreSQL; without one DuckLake reads a
# file instead of leaving it out. Only the month stays, which is what files are left out by. DuckLake has no setting for it.
WITHOUT_VALUES = """
CREATE OR REPLACE FUNCTION {schema}.without_values() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM {schema}.ducklake_partition_column AS p
        WHERE p.table_id = NEW.table_id AND p.column_id = NEW.column_id
    ) THEN
        NEW.min_value := NULL;
        NEW.max_value := NULL;
    END IF;
    NEW.extra_stats := NULL;
    RETURN NEW;
END $$;
"""
_OF_VALUES = ("ducklake_file_column_stats", "ducklake_table_column_stats", "ducklake_file_variant_stats")
_TRIGGER = """
CREATE OR REPLACE TRIGGER without_values BEFORE INSERT OR UPDATE ON {schema}.{table}
FOR EACH ROW EXECUTE FUNCTION {schema}.without_values();
UPDATE {schema}.{table} AS s SET extra_stats = NULL
WHERE coalesce(s.min_value, s.max_value, s.extra_stats) IS NOT NULL AND NOT EXISTS (
    SELECT FROM {schema}.ducklake_partition_column AS p WHERE p.table_id = s.table_id AND p.column_id = s.column_id
);
"""

_COUNTED = """
WITH uncounted AS (
    SELECT table_id FROM {schema}.ducklake_table AS t
    WHERE t.end_snapshot IS NULL
        AND NOT EXISTS (SELECT FROM {schema}.ducklake_table_stats AS s WHERE s.table_id = t.table_id)
), counted AS (
    INSERT INTO {schema}.ducklake_table_stats (table_id, record_count, next_row_id, file_size_bytes)
    SELECT table_id, 0, 0, 0 FROM uncounted
)
INSERT INTO {schema}.ducklake_table_column_stats (table_id, column_id, contains_null)
SELECT table_id, column_id, false FROM {schema}.ducklake_column JOIN uncounted USING (table_id)
WHERE end_snapshot IS NULL;
"""

# What was deleted is in old files and in old states of the tables until these were called, in this order. Nobody else may
# write meanwhile; who reads an old state gets an error and reads again.
_REMOVE = (
    "CALL ducklake_expire_snapshots('{catalog}', older_than => now())",
    "CALL ducklake_cleanup_old_files('{catalog}', cleanup_all => true)",
    "CALL ducklake_delete_orphaned_files('{catalog}', cleanup_all => true)",
)
_FORGET = (
    "CALL ducklake_rewrite_data_files('{catalog}', delete_threshold => 0)",
    "CALL ducklake_merge_adjacent_files('{catalog}')",
    *_REMOVE,
)

_CONNECT_SECONDS = 10
# What DuckDB raises for what is outside of it; `Error` itself is what it makes of PostgreSQL's errors. All other classes are
# about statements and values, whatever words stand in them.
_OUTSIDE = (duckdb.IOException, duckdb.TransactionException, duckdb.ConnectionException)
# What PostgreSQL, DuckLake and the system say, and what that means. Their own words can hold a value, or a password.
_AWAY = (
    r"refused|timed? ?out|could not translate|unreachable|starting up|shutting down|closed the connection|no route"
    r"|not currently accepting connections|too many (clients|connections)|connection slots are reserved"
    # A statement of which PostgreSQL says nothing: the connection is gone.
    r"|Failed to execute query …$"
)
_FAILURES = {
    r"password authentication failed|no password supplied|role .* (does not exist|is not permitted to log in)": (
        "the catalogue lets nobody in by that name and password", "check user and PGPASSWORD, for the daemon too",
    ),
    r"database .* does not exist": ("the catalogue has no such database", "make it: createdb"),
    _AWAY: ("the catalogue cannot be reached", "look whether PostgreSQL is up, and at host and port"),
    r"version mismatch|migrat|not supported.*version": (
        "the catalogue is of another version of DuckLake", "docs/server.md says how it is brought up to date",
    ),
    r"permission denied for|must be owner": (
        "that user may not do all in the catalogue", "make it the owner of its schema (docs/server.md)",
    ),
    r"already exists": ("the catalogue is half made", "look what stands in that schema of it (docs/server.md)"),
    r"NoSuchBucket": ("there is no such bucket", "make it, or mend data"),
    r"Permission denied|Read-only file system|Failed to create directory": (
        "the folder of the files cannot be written", "give it to this user",
    ),
    r"No space left|Disk quota|File too large": ("the disk of the files is full", "make room"),
    r"AccessDenied|InvalidAccessKey|SignatureDoesNotMatch|HTTP.*403": (
        "the bucket lets nobody in by that key", "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
}  # fmt: skip


class CatalogueAwayError(VroegError):
    """The catalogue cannot be reached, which may pass."""


class Lake(dg.Config):
    """Where the tables of an installation are, when not in its folder (`settings.yaml`: `warehouse`)."""

    catalogue: str
    data: str
    schema_name: str
    encrypted: bool

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """That of an installation; None where its tables are in its folder."""
        if (where := settings.warehouse) is None:
            return None
        return cls(catalogue=where.catalogue, data=where.data, schema_name=where.schema_name, encrypted=where.encrypted)

    def attach(self, connection: duckdb.DuckDBPyConnection, catalog: str, *, read_only: bool) -> bool:
        """Attaches the tables, and makes the catalogue where it is not there; gives False when somebody who only reads finds
        none.

        Raises VroegError that says what is wrong, and CatalogueAwayError.
        """
        try:
            for name in ("httpfs", "postgres_scanner", "ducklake"):
                load_extension(connection, name)
        except ModuleNotFoundError:
            do = "install it: pip install 'vroeg-pipeline[server]'"
            raise VroegError("what a DuckLake needs is not installed", where=WHERE, do=do) from None
        # What does not fit in memory is as readable as a file of the tables. Not set again, as that is an error once there
        # is such a file.
        if fetch_one(connection, "SELECT current_setting('temp_file_encryption')") != (self.encrypted,):
            connection.execute(f"SET temp_file_encryption = {self.encrypted}")
        _use_bucket(connection, self.data)
        options = [
            f"METADATA_SCHEMA {quoted(self.schema_name)}",
            # A few rows would otherwise stand in the catalogue itself.
            "DATA_INLINING_ROW_LIMIT 0",
            *(["READ_ONLY"] if read_only else []),
        ]
        try:
            try:
                self._attach(connection, catalog, [*options, "CREATE_IF_NOT_EXISTS false"])
            except duckdb.Error as error:
                if not re.search(r"does not exist.*creating|creating a new|CREATE_IF_NOT_EXISTS", str(error)):
                    raise
                if read_only:
                    return False
                # In a folder of its own: who cleans up removes all that the catalogue does not know of.
                folder = f"{self.data.rstrip('/')}/{self.schema_name}-{uuid.uuid4().hex[:8]}/"
                options += [f"DATA_PATH {quoted(folder)}", *(["ENCRYPTED"] if self.encrypted else [])]
                self._attach(connection, catalog, options)
            self._check(connection, catalog)
        except duckdb.Error as error:
            what = f"the tables cannot be opened ({type(error).__name__})"
            raise self.known(error, is_opening=True) or VroegError(
                what, where=WHERE, do="check catalogue and data"
            ) from None
        return True

    def _attach(self, connection: duckdb.DuckDBPyConnection, catalog: str, options: list[str]) -> None:
        to = f"ducklake:postgres:{self._connection()}"
        connection.execute(f"ATTACH {quoted(to)} AS {catalog} ({', '.join(options)})")

    def _connection(self) -> str:
        given = filled_in(self.catalogue.removeprefix("postgres:"), WHERE)
        # libpq waits for ever.
        return given if "connect_timeout" in given else f"{given} connect_timeout={_CONNECT_SECONDS}"

    def _check(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Raises VroegError when the tables are not where, or as, the settings say."""
        query = f"SELECT value FROM ducklake_options({quoted(catalog)}) WHERE option_name = ?"
        (folder,) = fetch_one(connection, query, ["data_path"])
        if not folder.startswith(self.data.rstrip("/") + "/"):
            do = "put data back as it was, or move the tables (docs/server.md)"
            raise VroegError(f"the catalogue has its files elsewhere: {folder}", where=WHERE, do=do)
        (encrypted,) = fetch_one(connection, query, ["encrypted"])
        if (encrypted == "true") != self.encrypted:
            what = (
                f"encrypted is {self.encrypted}, and the tables were made {'without' if self.encrypted else 'with'} it"
            )
            raise VroegError(what.lower(), where=WHERE, do="put it back, or move the tables (docs/server.md)")

    def known(self, error: duckdb.Error, *, is_opening: bool = False) -> VroegError | None:
        """What is wrong in one line, without any value, where it is something that can be mended outside. `is_opening`: no
        statement that knows rows was put yet, and DuckLake itself may have refused.
        """
        outside = (*_OUTSIDE, duckdb.InvalidInputException) if is_opening else _OUTSIDE
        if not isinstance(error, outside) and type(error) is not duckdb.Error:
            return None
        text = _said(error)
        for pattern, (what, do) in _FAILURES.items():
            if re.search(pattern, text, re.IGNORECASE):
                error_type = CatalogueAwayError if pattern == _AWAY else VroegError
                return error_type(what, where=WHERE, do=do)
        return None

    def fingerprint(self) -> str:
        """Of all that is made for the tables: the schema, and what keeps values out of the catalogue."""
        return hashlib.sha256(f"{schema.fingerprint()}{WITHOUT_VALUES}{_TRIGGER}".encode()).hexdigest()

    def keep_values_out(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Lets no value of a row into the catalogue: before there is any row, and each night once more. What came in while
        the triggers were not there is emptied.
        """
        triggers = [_TRIGGER.format(schema=self._schema, table=table) for table in _OF_VALUES]
        statements = WITHOUT_VALUES.format(schema=self._schema) + "".join(triggers)
        connection.execute("CALL postgres_execute(?, ?)", [_CATALOGUE.format(catalog), statements])

    def partition(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Gives each month files of its own, so that a month is replaced without reading another one."""
        known = f"{_CATALOGUE.format(catalog)}.{self._schema}"
        partitioned = {
            name
            for (name,) in connection.execute(
                f"SELECT CASE s.schema_name WHEN 'main' THEN t.table_name ELSE s.schema_name || '.' || t.table_name END "
                f"FROM {known}.ducklake_partition_info AS p JOIN {known}.ducklake_table AS t USING (table_id) "
                f"JOIN {known}.ducklake_schema AS s USING (schema_id)"
            ).fetchall()
        }
        for table in sorted(schema.monthly_tables().keys() - partitioned):
            connection.execute(f"ALTER TABLE {table} SET PARTITIONED BY (month)")

    def count_nothing(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Notes of each table in which nothing was ever written that it is empty, as DuckLake's format has it: it would look
        for that five times in each statement that reads it, which takes twice as long as reading a table with rows.
        """
        connection.execute(
            "CALL postgres_execute(?, ?)", [_CATALOGUE.format(catalog), _COUNTED.format(schema=self._schema)]
        )

    def values_in_catalogue(self, connection: duckdb.DuckDBPyConnection, catalog: str) -> int:
        """How many lowest and highest values but months stand in the catalogue: none, or people are in it."""
        known = f"{_CATALOGUE.format(catalog)}.{self._schema}"
        counted = " + ".join(
            f"(SELECT count(*) FROM {known}.{table} AS s ANTI JOIN {known}.ducklake_partition_column AS p "
            "USING (table_id, column_id) WHERE coalesce(min_value, max_value, extra_stats) IS NOT NULL)"
            for table in _OF_VALUES
        )
        return int(fetch_one(connection, f"SELECT {counted}")[0])

    @property
    def _schema(self) -> str:
        return '"' + self.schema_name.replace('"', '""') + '"'


def _said(error: duckdb.Error) -> str:
    """What an error says, without the statement or connection that it is said of: these can hold a value, or a password."""
    text = str(error)
    before, _, _ = text.partition('"')
    _, quote_ends, said = text.rpartition('": ')
    if not quote_ends:
        # Of files and buckets it is said of a path.
        return text if isinstance(error, duckdb.IOException) else before
    # PostgreSQL shows the statement once more, or the row, and what it could not read.
    said = re.split(r"\n(?:LINE|DETAIL|CONTEXT)", said)[0]
    without_quotes = re.sub(r'"[^"]*"', "…", said)
    return f"{before}…{without_quotes.rstrip()}"


def publish(connection: duckdb.DuckDBPyConnection, lake: Lake, path: Path, name: str, tables: Collection[str]) -> None:
    """Puts these tables of a DuckDB file in the place of those of a DuckLake of its own, whose schema in the catalogue ends
    with that name: who may read that schema and its folder reads these tables, and no others.

    Beside what `connection` has open, as loading the extensions is most of what opening a DuckLake costs; an error leaves
    it unfit for more. Raises VroegError, as `Lake.attach`.
    """
    own = Lake(
        catalogue=lake.catalogue, data=lake.data, schema_name=f"{lake.schema_name}_{name}", encrypted=lake.encrypted
    )
    with closing(connection.cursor()) as beside:
        own.attach(beside, "published", read_only=False)
        beside.execute(f"ATTACH {quoted(str(path))} AS made (READ_ONLY)")
        with transaction(beside):
            for table in tables:
                beside.execute(f"CREATE OR REPLACE TABLE published.{table} AS FROM made.{table}")
        # Of tables that are made anew nothing is left to rewrite or merge.
        forget(beside, "published", _REMOVE)
        beside.execute("DETACH made; DETACH published")


def forget(connection: duckdb.DuckDBPyConnection, catalog: str, calls: Sequence[str] = _FORGET) -> None:
    """Removes all that was deleted from the files and the catalogue, and what killed runs left. Only by who holds the lock
    of the installation.
    """
    for call in calls:
        connection.execute(call.format(catalog=catalog)).fetchall()


def _use_bucket(connection: duckdb.DuckDBPyConnection, data: str) -> None:
    """Gives DuckDB the key of a bucket, by the names that AWS's own tools read from the environment."""
    if not data.startswith("s3://"):
        return
    given = {
        "KEY_ID": os.environ.get("AWS_ACCESS_KEY_ID"),
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY"),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
    }
    if url := os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        scheme, _, host = url.partition("://")
        given |= {"ENDPOINT": host.rstrip("/"), "USE_SSL": str(scheme == "https").lower(), "URL_STYLE": "path"}
    options = ", ".join(f"{name} {quoted(value)}" for name, value in given.items() if value)
    connection.execute(f"CREATE OR REPLACE TEMPORARY SECRET bucket (TYPE s3, {options})")
