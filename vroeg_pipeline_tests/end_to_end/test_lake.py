"""The tables as a DuckLake on a real PostgreSQL: what it must keep, what it must not, and what is said when it cannot."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from vroeg_pipeline.cli.doctor import diagnosis
from vroeg_pipeline.cli.move_warehouse import move
from vroeg_pipeline.cli.rekey import rekey
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation import warehouse as warehouses
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.lake import Lake
from vroeg_pipeline.installation.requests import Asked, Request
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month
from vroeg_pipeline.residents.erasing import erase
from vroeg_pipeline.residents.finding import Wanted
from vroeg_pipeline.retention.removal import remove_due
from vroeg_pipeline_tests.kit import lake
from vroeg_pipeline_tests.kit.bucket import KEYS, Buckets, buckets
from vroeg_pipeline_tests.kit.command import Running, vroeg
from vroeg_pipeline_tests.kit.full_disk import files_of_at_most
from vroeg_pipeline_tests.kit.world import World, row

CANARIES = ("Kanariegeel", "0611122233", "kanarie@example.org", "REF-KANARIE", "Kanariestraat")
UPTO = ("prioritised_worklists", "worklist_issues")


@pytest.fixture(scope="module", autouse=True)
def on_a_lake() -> Iterator[None]:
    with lake.lakes():
        yield


def told(world: World, surname: str = "Testman", month: str = "2021-03") -> None:
    """Somebody is reported, and the month is made."""
    fields = dict(zip(("phone", "email", "customer_reference", "street"), CANARIES[1:], strict=True))
    world.agree("huur")
    world.deliver("huur", month, [row(surname=surname, reference_date=f"01-{month[5:]}-2021", **fields)])
    world.make(month, upto=UPTO)


def changed(world: World, **changes: Any) -> None:
    """The setting of where the warehouse lies, with other values."""
    world.settings(warehouse=lake.settings_of(world.database, world.root, **changes), lock_timeout_minutes=0)


def in_files(world: World) -> set[str]:
    files = [path.read_bytes() for path in world.store.rglob("*") if path.is_file()]
    return {word for word in CANARIES if any(word.encode() in content for content in files)}


def in_catalogue(world: World) -> set[str]:
    return {word for word in CANARIES if word in world.catalogue()}


def encryption(world: World) -> str:
    """What `vroeg doctor` says of it."""
    return next(finding.said for finding in diagnosis(world.home) if finding.part == "encryption")


def test_no_value_of_a_person_stands_in_the_catalogue_and_where_it_would_doctor_says_so(world: World) -> None:
    told(world, CANARIES[0])
    assert in_files(world) == {*CANARIES}
    assert in_catalogue(world) == set()
    assert "2021-03-01" in world.catalogue()  # by which files are left out
    assert "who reads" in encryption(world)
    for table in ("ducklake_file_column_stats", "ducklake_table_column_stats"):
        lake.query(world.database, f"DROP TRIGGER without_values ON {lake.SCHEMA}.{table}")
    told(world, CANARIES[0], "2021-04")
    assert in_catalogue(world) == {*CANARIES}
    assert "values of rows" in encryption(world)
    remove_due(world.warehouse, world.installation, date(2021, 4, 1))
    assert in_catalogue(world) == set()
    assert "who reads" in encryption(world)


def test_encrypted_files_hold_nobody_and_so_does_the_catalogue(tmp_path: Path) -> None:
    world = World(tmp_path / "home")
    database = lake.unused_name()
    lake.query("postgres", f"CREATE DATABASE {database}")
    shutil.rmtree(world.store)
    world.settings(warehouse=lake.settings_of(database, world.root, encrypted=True))
    told(world, CANARIES[0])
    assert world.table("validated_signals")[0]["surname"] == CANARIES[0]
    assert in_files(world) | in_catalogue(world) == set()
    assert "and the catalogue" in encryption(world)
    assert {path.stat().st_mode & 0o077 for path in world.store.rglob("*") if path.is_file()} == {0}


def test_old_states_and_what_a_killed_run_left_go_every_day(world: World) -> None:
    told(world)
    told(world, "Opvolger")
    (folder,) = world.store.iterdir()
    left = folder / "main" / "validated_signals" / "ducklake-left.parquet"
    left.write_bytes(CANARIES[0].encode())
    for name in ("een", "twee"):
        with world.warehouse.connect() as connection:
            connection.execute("INSERT INTO reference.sources VALUES (?, '', 0, now())", [name])
    states = f"SELECT count(*) FROM {lake.SCHEMA}.ducklake_snapshot"
    small = (
        f"SELECT count(*) FROM {lake.SCHEMA}.ducklake_data_file AS f JOIN {lake.SCHEMA}.ducklake_table USING (table_id) "
        "WHERE table_name = 'sources' AND f.end_snapshot IS NULL"
    )
    assert int(lake.query(world.database, small)) > 1
    assert int(lake.query(world.database, states)) > 2
    before = world.table("validated_signals")
    assert not remove_due(world.warehouse, world.installation, date(2021, 4, 1)).rewritten
    assert int(lake.query(world.database, states)) == 1
    assert int(lake.query(world.database, small)) == 1
    known = " + ".join(f"(SELECT count(*) FROM {lake.SCHEMA}.ducklake_{kind}_file)" for kind in ("data", "delete"))
    assert len(list(world.store.rglob("*.parquet"))) == int(lake.query(world.database, f"SELECT {known}"))
    assert not left.exists()
    assert world.table("validated_signals") == before


def test_another_process_reads_whole_months_while_a_run_writes(world: World) -> None:
    told(world)
    query = "SELECT month::VARCHAR, count(*) FROM prioritised_worklists GROUP BY ALL ORDER BY 1"
    world.deliver("huur", "2021-04", [row(reference_date="01-04-2021", arrears_since="01-02-2021")])
    seen = []
    with world.warehouse.connect(read_only=True) as connection:
        run = Running(world.root, "run", "--from", "2021-03", "--to", "2021-04")
        while not run.is_done():
            seen.append(connection.execute(query).fetchall())
    assert run.finished().returncode == 0
    march, april = ("2021-03-01", 1), ("2021-04-01", 1)
    assert seen[0] == [march]
    assert {tuple(state) for state in seen} <= {(march,), (march, april)}
    with world.warehouse.connect(read_only=True) as connection:
        assert connection.execute(query).fetchall() == [march, april]


def test_readers_of_figures_have_a_lake_of_their_own_without_anybody(world: World) -> None:
    told(world, CANARIES[0])
    world.make("2021-03", upto="evaluation_page")
    where = world.installation.settings.warehouse
    assert where
    own = Lake(catalogue=where.catalogue, data=where.data, schema_name=f"{where.schema_name}_reading", encrypted=False)
    with duckdb.connect() as reader, duckdb.connect(str(world.home.outbox / "reading.duckdb"), read_only=True) as file:
        assert own.attach(reader, "reading", read_only=True)
        for table in ("months", "deliveries", "evaluation"):
            rows = reader.execute(f"FROM reading.{table} ORDER BY ALL").fetchall()
            assert rows == file.execute(f"FROM {table} ORDER BY ALL").fetchall(), table
            assert rows, table
    folder = next(path for path in world.store.iterdir() if path.name.startswith(f"{where.schema_name}_reading-"))
    content = b"".join(path.read_bytes() for path in folder.rglob("*.parquet"))
    assert not any(word.encode() in content for word in CANARIES)
    assert in_catalogue(world) == set()


def meanwhile(monkeypatch: pytest.MonkeyPatch, table: str, work: Callable[[], object], times: int) -> list[str]:
    """Does something else each time that a month of the table is written, between deleting and inserting."""
    insert, done = warehouses.insert_rows, list[str]()

    def insert_rows(connection: duckdb.DuckDBPyConnection, into: str, select: str) -> int:
        if into == table and len(done) < times:
            done.append(into)
            work()
        return insert(connection, into, select)

    monkeypatch.setattr(warehouses, "insert_rows", insert_rows)
    return done


def test_who_writes_the_same_month_meanwhile_is_given_way_to_and_in_the_end_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world)
    before = world.table("address_matches")
    monkeypatch.setattr(warehouses, "_RETRY_SECONDS", 0.01)

    def writes() -> None:
        with world.warehouse.connect() as other:
            other.execute("UPDATE address_matches SET longest_days = longest_days + 1")

    with monkeypatch.context() as patch:
        done = meanwhile(patch, "address_matches", writes, 2)
        world.make("2021-03", upto="address_matches")
        assert len(done) == 2
    assert world.table("address_matches") == before
    with monkeypatch.context() as patch:
        meanwhile(patch, "address_matches", writes, 9)
        with pytest.raises(
            VroegError, match=r"somebody else writes the same tables \(address_matches\); let one machine"
        ):
            world.make("2021-03", upto="address_matches")


def test_a_catalogue_that_goes_away_leaves_the_old_month_and_the_next_run_is_right(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(world)
    before = world.table("address_matches")
    world.deliver("huur", "2021-03", [row(amount_due="900,00")], received="2021-03-04 10:00")

    def goes() -> None:
        lake.query(
            "postgres",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{world.database}'",
        )

    with monkeypatch.context() as patch:
        meanwhile(patch, "address_matches", goes, 1)
        assert not world.run("2021-03", upto="address_matches", succeeds=False).success
    assert world.table("address_matches") == before
    world.run("2021-03", upto="address_matches")
    assert [each["total_amount"] for each in world.table("address_matches")] == [900]


def other_version(world: World) -> None:
    lake.query(world.database, f"UPDATE {lake.SCHEMA}.ducklake_metadata SET value = '0.2' WHERE key = 'version'")


def half_made(world: World) -> None:
    lake.query(world.database, f"DROP TABLE {lake.SCHEMA}.ducklake_metadata")


def of_nobody(world: World) -> None:
    text = world.home.settings.read_text(encoding="utf-8")
    world.home.settings.write_text(text.replace("user=vroeg", "user=niemand"), encoding="utf-8")


def as_who(limit: str) -> Callable[[World], None]:
    """Somebody who may not come in, or not now."""

    def change(world: World) -> None:
        name = lake.unused_name()
        lake.query("postgres", f"CREATE ROLE {name} {limit} PASSWORD '{os.environ['PGPASSWORD']}'")
        text = world.home.settings.read_text(encoding="utf-8")
        world.home.settings.write_text(text.replace("user=vroeg", f"user={name}"), encoding="utf-8")

    return change


def closed(world: World) -> None:
    lake.query("postgres", f"ALTER DATABASE {world.database} ALLOW_CONNECTIONS false")


def away(world: World) -> None:
    text = world.home.settings.read_text(encoding="utf-8")
    world.home.settings.write_text(text.replace("port=", "port=1 passfile="), encoding="utf-8")


WRONG: dict[str, tuple[Callable[[World], object], str]] = {
    "away": (away, "the catalogue cannot be reached; look whether PostgreSQL is up"),
    "closed": (closed, "the catalogue cannot be reached"),
    "too many": (as_who("LOGIN CONNECTION LIMIT 0"), "the catalogue cannot be reached"),
    "no rights": (as_who("LOGIN"), "that user may not do all in the catalogue; make it the owner"),
    "no login": (as_who("NOLOGIN"), "lets nobody in by that name and password; check user and PGPASSWORD"),
    "login": (of_nobody, "lets nobody in by that name and password; check user and PGPASSWORD"),
    "no database": (
        lambda world: world.settings(warehouse=lake.settings_of("nergens", world.root)), "has no such database",
    ),
    "encrypted": (lambda world: changed(world, encrypted=True), "encrypted is true, and the tables were made without"),
    "elsewhere": (lambda world: changed(world, data="/elders"), "the catalogue has its files elsewhere: .*; put data back"),
    "version": (other_version, "is of another version of DuckLake; docs/server.md says"),
    "half made": (half_made, "the catalogue is half made"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(world: World, case: str) -> None:
    break_it, said = WRONG[case]
    changed(world)
    break_it(world)
    with pytest.raises(VroegError, match=rf"^settings.yaml: warehouse: .*{said}") as caught, world.warehouse.connect():
        pass
    assert os.environ["PGPASSWORD"] not in str(caught.value)
    assert "\n" not in str(caught.value)


AWAY, HALF_MADE = "the catalogue cannot be reached", "the catalogue is half made"
COMMIT = 'Failed to commit: Failed to execute query "INSERT INTO "main"."t" VALUES (\'{}\')": '
SAYS: list[tuple[duckdb.Error, str | None]] = [
    (duckdb.ConversionException("Could not convert string 'connection refused' to INT32"), None),
    (duckdb.ConstraintException('Duplicate key "surname: already exists" violates'), None),
    (duckdb.TransactionException(COMMIT.format("refused") + "ERROR: division by zero"), None),
    (duckdb.TransactionException(COMMIT.format("already exists") + "server closed the connection unexpectedly"), AWAY),
    (duckdb.TransactionException(COMMIT.format("refused")), AWAY),
    (duckdb.TransactionException('Conflict on "refused'), None),
    (duckdb.Error(COMMIT.format("refused") + "ERROR: duplicate key\nDETAIL: Key (n)=(refused) already exists."), None),
    (duckdb.Error(COMMIT.format("x") + 'ERROR: invalid input syntax for type integer: "refused"'), None),
    (duckdb.Error(COMMIT.format("x") + 'ERROR: relation "ducklake_table" already exists'), HALF_MADE),
    (duckdb.InvalidInputException("version mismatch of what somebody wrote"), None),
]


@pytest.mark.parametrize("case", range(len(SAYS)))
def test_only_what_lies_outside_is_told_as_such_and_never_by_a_value(case: int) -> None:
    error, said = SAYS[case]
    known = Lake(catalogue="postgres:dbname=x", data="/srv/x", schema_name="s", encrypted=True).known(error)
    assert (known and str(known).split("; ")[0]) == (said and f"settings.yaml: warehouse: {said}")


def test_a_value_that_sounds_like_a_failure_is_an_error_of_the_statement(world: World) -> None:
    with pytest.raises(warehouses.WarehouseError, match=r"values left out"), world.warehouse.connect() as opened:
        opened.execute("SELECT 'connection refused, already exists'::INTEGER")


def test_a_town_of_many_waits_a_minute_for_its_catalogue_as_others_wait_for_its_place(tmp_path: Path) -> None:
    cooperation = Cooperation(tmp_path)
    for home, minutes in ((cooperation.add("haarlem"), 1), (Home(tmp_path / "alone"), 60)):
        assert WarehouseResource(home=str(home.root)).catalogue_minutes == minutes
        assert WarehouseResource(home=str(home.root), lock_timeout_minutes=0.5).catalogue_minutes == 0.5


def test_a_full_disk_leaves_the_old_month(world: World) -> None:
    told(world)
    before = world.table("validated_signals")

    def writes() -> None:
        with world.warehouse.connect() as opened:
            opened.execute("SET VARIABLE month = DATE '2021-03-01'; CREATE TEMP TABLE kept AS FROM validated_signals")
            with files_of_at_most(100):
                replace_month(opened, {"validated_signals": "FROM kept"})

    with pytest.raises(VroegError, match="the disk of the files is full; make room"):
        writes()
    assert world.table("validated_signals") == before


def test_a_folder_of_the_files_without_rights_is_told_in_a_line(world: World) -> None:
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    folders = [world.store, *(path for path in world.store.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    done = vroeg(world.root, "run", "--month", "2021-03", bound=True)
    for folder in folders:
        folder.chmod(0o700)
    assert done.returncode == 1
    said = "settings.yaml: warehouse: the folder of the files cannot be written; give it to this user;"
    assert re.fullmatch(rf"Error: step \w+: {said} the whole story of run \w+ is in the UI: make dev\n", done.stderr)
    # What comes behind that step is not told of one by one.
    assert "address_matches" not in done.stdout


@contextmanager
def in_bucket(world: World, *, asks_for_key: bool = False) -> Iterator[Buckets]:
    """The files of the world are to lie in the bucket `tables`, which is not there yet."""
    database = lake.unused_name()
    lake.query("postgres", f"CREATE DATABASE {database}")
    world.settings(warehouse=lake.settings_of(database, world.root, data="s3://tables/haarlem"), lock_timeout_minutes=0)
    with buckets(asks_for_key=asks_for_key) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": server.url}.items():
            patch.setenv(name, value)
        yield server


def test_a_bucket_that_lets_nobody_in_by_that_key_is_told_in_a_line(world: World) -> None:
    with (
        in_bucket(world, asks_for_key=True),
        pytest.raises(
            VroegError, match=r"^settings.yaml: warehouse: the bucket lets nobody in by that key; check AWS_A"
        ),
        world.warehouse.connect(),
    ):
        pass


@pytest.fixture
def with_buckets(world: World) -> Iterator[Buckets]:
    """A server that lets anybody in."""
    with in_bucket(world) as server:
        yield server


def test_tables_in_a_bucket_are_written_and_what_is_erased_is_in_no_byte_of_it(
    world: World, with_buckets: Buckets
) -> None:
    with (
        pytest.raises(VroegError, match=r"^settings.yaml: warehouse: there is no such bucket; make it, or mend data$"),
        world.warehouse.connect(),
    ):
        pass
    lake.query(world.database, f"DROP SCHEMA {lake.SCHEMA} CASCADE")
    with_buckets.make("tables")
    world.agree("huur")
    resident = row(surname=CANARIES[0], customer_reference=CANARIES[3])
    world.deliver("huur", "2021-03", [resident, row(customer_reference="K2", house_number="14")])
    world.make("2021-03", upto="validated_signals")

    def known() -> set[str]:
        content = b"".join(with_buckets.objects("tables").values())
        return {word for word in (CANARIES[0], CANARIES[3], "Testman") if word.encode() in content}

    assert {name.split("/")[0] for name in with_buckets.objects("tables")} == {"haarlem"}
    assert known() == {CANARIES[0], CANARIES[3], "Testman"}
    request = Request(1, Asked.ERASE, "Tester", "gevraagd", world.now, "", ())
    erase(world.warehouse, world.installation, Wanted("2021 AB", "12", CANARIES[0]), request)
    assert known() == {"Testman"}
    assert [each["surname"] for each in world.table("validated_signals")] == ["Testman"]


def test_a_password_stands_in_the_environment_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given = lake.settings_of(world.database, world.root)
    password = os.environ["PGPASSWORD"]
    monkeypatch.delenv("PGPASSWORD")
    world.settings(warehouse={**given, "catalogue": f"{given['catalogue']} password={password}"})
    with pytest.raises(VroegError, match=r"a password does not belong here; write \$\{NAME\}"):
        world.installation  # noqa: B018
    world.settings(warehouse={**given, "catalogue": f"{given['catalogue']} password=${{CATALOGUE_PASSWORD}}"})
    with pytest.raises(VroegError, match="CATALOGUE_PASSWORD is not set"):
        world.warehouse.exists()
    monkeypatch.setenv("CATALOGUE_PASSWORD", password)
    assert world.warehouse.exists()


def test_who_only_reads_makes_no_catalogue(world: World) -> None:
    database = lake.unused_name()
    lake.query("postgres", f"CREATE DATABASE {database}")
    world.settings(warehouse=lake.settings_of(database, world.root))
    with (
        pytest.raises(VroegError, match="there is no warehouse yet; start with: vroeg run"),
        world.warehouse.connect(read_only=True),
    ):
        pass
    assert not world.warehouse.exists()
    assert lake.query(database, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'ducklake%'") == "0\n"


def test_tables_move_to_a_file_and_back_and_are_compared(world: World) -> None:
    told(world)
    signals, said = world.table("validated_signals"), StringIO()
    assert signals
    out = Console(file=said, width=200)
    move(world.home, out, to_file=True)
    assert not list(world.store.rglob("*.parquet"))
    file = WarehouseResource(home=str(world.root))
    with file.connect() as connection:
        assert len(connection.execute("FROM validated_signals").fetchall()) == len(signals)
    # Killed before the file was taken away: nobody works with one of two.
    with pytest.raises(VroegError, match=r"the tables are here still, .*; vroeg move-warehouse"):
        world.table("validated_signals")
    kept = world.home.warehouse.read_bytes()
    for _ in range(2):
        move(world.home, out, to_file=False)
        assert not world.home.warehouse.exists()
        assert world.table("validated_signals") == signals
        world.home.warehouse.write_bytes(kept)
    with file.connect() as connection:
        connection.execute("UPDATE validated_signals SET surname = 'Ander'")
    with pytest.raises(VroegError, match="there are other rows in validated_signals already"):
        move(world.home, out, to_file=False)
    assert world.home.warehouse.exists()
    assert "tables are the same in both" in said.getvalue()


def test_a_key_of_a_file_is_not_one_of_a_lake(world: World) -> None:
    with pytest.raises(VroegError, match="the tables are a DuckLake; nothing: a DuckLake has a key of its own"):
        rekey(world.home, Console(file=StringIO()))
