"""Known clients from every kind of source, PostgreSQL from a real server; errors tell no secret and no value."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.evaluation.figures import set_evaluation
from vroeg_pipeline.installation.statements import temporary_step
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline.worklists.checks import CHECKS
from vroeg_pipeline.worklists.known_clients import known_clients_are_told, known_clients_told
from vroeg_pipeline.worklists.routing import set_routing
from vroeg_pipeline_tests.kit.postgres import PASSWORD, Server, postgres_server
from vroeg_pipeline_tests.kit.sql import load_register
from vroeg_pipeline_tests.kit.tables import Tables
from vroeg_pipeline_tests.kit.world import World, month

ROWS = [("2021 ab", 1, None, "rood", "wijkteam"), ("2021AB", 2, None, None, "schulddienst")]
MADE = "(postcode text, huisnummer integer, huisletter text, huisnummertoevoeging text, known_to text)"
WANTED = {("2021AB_1__RD", "wijkteam"), ("2021AB_2__", "schulddienst")}
VALUES = ", ".join(f"('{p}', {n}, NULL, {repr(a) if a else 'NULL'}, '{k}')" for p, n, _, a, k in ROWS)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        running.execute(
            "CREATE SCHEMA sociaal",
            f"CREATE TABLE sociaal.clienten {MADE}",
            f"INSERT INTO sociaal.clienten VALUES {VALUES}",
            "CREATE TABLE dossiers (adres_postcode text, nr integer, afgesloten boolean)",
            "INSERT INTO dossiers VALUES ('2021AB', 2, false), ('2021AB', 1, true)",
        )
        yield running


def known(world: World) -> set[tuple[str, str]]:
    """What the worklists would see."""
    return {(key, known_to) for key, known_to, _ in known_and_finished(world)}


def known_and_finished(world: World) -> set[tuple[str, str, bool]]:
    """The same, and whether a track was finished."""
    warehouse = world.warehouse
    with months_at_work(warehouse, world.installation, [month("2021-03")]) as months:
        for of in months:
            connection = of.connection
            set_routing(connection, of.installation)
            (ours,) = connection.execute("SELECT current_database()").fetchall()[0]
            assert ours == "warehouse"
            return set(connection.execute("SELECT address_key, known_to, is_finished FROM known_addresses").fetchall())
    raise AssertionError


WITH_STATUS = f"{MADE[:-1]}, status text)"
STATUSES = ("lopend", "Afgerond", None, "gestopt")
CLIENTS = ", ".join(f"('2021AB', {n}, 'w', {repr(s) if s else 'NULL'})" for n, s in enumerate(STATUSES, 1))
INSERT = f"INSERT INTO clienten (postcode, huisnummer, known_to, status) VALUES {CLIENTS}"
FINISHED = {(f"2021AB_{n}__", "w", n == 2) for n in range(1, 5)}


@pytest.mark.parametrize("kind", ["reference", "csv", "parquet", "sqlite", "postgres"])
def test_every_source_tells_who_finished_a_track(
    world: World, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"source": f"reference/clienten.{kind}", "table": "clienten"}
    lines = [f"2021AB,{n},,,w,{status or ''}" for n, status in enumerate(STATUSES, 1)]
    if kind in ("reference", "csv"):
        name = "known_clients.csv" if kind == "reference" else "clienten.csv"
        world.reference(name, "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to,STATUS", *lines)
        source = {"source": "reference/clienten.csv"}
    elif kind == "parquet":
        path = world.home.reference / "clienten.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE clienten {WITH_STATUS}; {INSERT}; COPY clienten TO '{path}'")
        source = {"source": str(path)}
    elif kind == "sqlite":
        with sqlite3.connect(world.home.reference / "clienten.sqlite") as database:
            database.execute(f"CREATE TABLE clienten {WITH_STATUS}")
            database.execute(INSERT)
    else:
        server = request.getfixturevalue("server")
        server.execute(f"CREATE TABLE clienten {WITH_STATUS}", INSERT)
        monkeypatch.setenv("PGPASSWORD", PASSWORD)
        source = {"source": server.url, "table": "clienten"}
    if kind != "reference":
        world.settings(known_clients=source)
    assert known_and_finished(world) == FINISHED


def test_nothing_named_and_no_file_is_told(world: World) -> None:
    assert not known_clients_are_told(world.home, world.installation.settings)
    assert known(world) == set()
    world.settings(known_clients={"source": "x.csv"})
    assert known_clients_are_told(world.home, world.installation.settings)


def test_a_csv_is_read_as_it_is_written(world: World) -> None:
    """Case g21: what follows a # was cut off as a comment, and the client known to nobody."""
    world.reference("dossiers.csv", "postcode;Huisnummer;known_to", "2021AB;2;#1 wijkteam", '2021AB;3;"1; noord"')
    world.settings(known_clients={"source": "reference/dossiers.csv"})
    assert known(world) == {("2021AB_2__", "#1 wijkteam"), ("2021AB_3__", "1; noord")}


def test_csv_with_a_query(world: World) -> None:
    world.reference("dossiers.csv", "pc;nr;dienst", "2021AB;2;schulddienst", "2021AB;3;wijkteam")
    query = "SELECT pc AS postcode, nr AS huisnummer, dienst AS known_to FROM source WHERE dienst <> 'wijkteam';"
    world.settings(known_clients={"source": "reference/dossiers.csv", "query": query.rstrip(";")})
    assert known(world) == {("2021AB_2__", "schulddienst")}


def test_parquet(world: World) -> None:
    path = world.home.reference / "clienten.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t {MADE}; INSERT INTO t VALUES {VALUES}; COPY t TO '{path}'")
    world.settings(known_clients={"source": str(path)})
    assert known(world) == WANTED


def test_sqlite_whatever_its_columns_hold(world: World) -> None:
    with sqlite3.connect(world.home.reference / "clienten.db") as database:
        database.execute(f"CREATE TABLE clienten {MADE}")
        database.executemany(
            "INSERT INTO clienten VALUES (?, ?, ?, ?, ?)", [*ROWS, ("2021AB", "12 hs", None, None, "x")]
        )
    world.settings(known_clients={"source": "reference/clienten.db", "table": "clienten"})
    assert known(world) == WANTED | {("2021AB_12__HS", "x")}


def test_a_real_postgres(world: World, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENTEN", server.url.replace("vroeg@", f"vroeg:{PASSWORD}@"))
    world.settings(known_clients={"source": "${CLIENTEN}", "table": "sociaal.clienten"})
    assert known(world) == WANTED
    monkeypatch.delenv("CLIENTEN")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    query = (
        "SELECT adres_postcode AS postcode, nr AS huisnummer, 'schulddienst' AS known_to "
        "FROM dossiers WHERE NOT afgesloten"
    )
    world.settings(known_clients={"source": server.url, "query": query})
    assert known(world) == {("2021AB_2__", "schulddienst")}
    host = f"host=127.0.0.1 port={server.port} user=vroeg dbname=postgres"
    world.settings(known_clients={"source": host, "table": "sociaal.clienten"})
    assert known(world) == WANTED


def test_a_month_flags_whom_postgres_knows(world: World, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from vroeg_pipeline_tests.kit.world import row

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    world.agree("huur")
    world.settings(known_clients={"source": server.url, "table": "sociaal.clienten"})
    world.deliver("huur", "2021-03", [row(house_number="2"), row(house_number="3", customer_reference="K2")])
    world.make("2021-03", upto="prioritised_worklists")
    assert [entry["known_to"] for entry in world.table("prioritised_worklists", "address_key")] == [
        "schulddienst",
        None,
    ]
    stored = world.query("SELECT DISTINCT database_name AS name FROM duckdb_tables() WHERE NOT internal")
    assert {row["name"] for row in stored} == {"warehouse"}


_REST = "postcode, huisnummer, known_to FROM sociaal.clienten"
MISTAKES = [
    ({"source": "${NIET_GEZET}"}, "NIET_GEZET is not set"),
    ({"source": "reference/weg.parquet"}, "is not there"),
    ({"source": "reference/areas.csv"}, "lacks the column postcode, huisnummer, known_to"),
    ({"source": "reference/areas.csv", "table": "t"}, "for databases"),
    ({"source": "reference/dubbel.csv"}, "there twice"),
    ({"source": "reference/open.csv"}, "open.csv line 2: cannot be read as CSV"),
    ({"source": "reference/areas.csv", "query": "SELECT zebra FROM source"}, "BinderException"),
    ({"source": "reference/lijst.xls"}, "no file ending in"),
    ({"source": "reference/stuk.db", "table": "t"}, "cannot be read"),
    ({"source": "postgresql://zebra@127.0.0.1:1/x", "table": "t"}, "does not answer"),
]


@pytest.mark.parametrize(("setting", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_one_line_of_our_own(world: World, setting: dict[str, str], said: str) -> None:
    world.reference("lijst.xls", "x")
    world.reference("stuk.db", "zebra")
    world.reference("dubbel.csv", "postcode,huisnummer,known_to,Known_to", "2021AB,2,zebra,zebra")
    world.reference("open.csv", "postcode,huisnummer,known_to", '2021AB,2,"zebra', "2021AB,3,zebra")
    world.settings(known_clients=setting)
    with pytest.raises(VroegError, match=said) as caught:
        known(world)
    assert "known_clients" in str(caught.value)
    assert "zebra" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": "postgresql://vroeg:fout-zebra@127.0.0.1:PORT/postgres"}, "refuses the login"),
        ({"table": "zebra"}, "not there|CatalogException"),
        ({"table": None}, "a table or a query"),
        ({"table": None, "query": f"SELECT postcode::INTEGER AS {_REST}"}, "cannot be read"),
        ({"table": None, "query": "SELECT FROM zebra WHERE"}, "ParserException"),
    ],
)  # fmt: skip
def test_postgres_errors_tell_no_secret_and_no_value(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch, change: dict[str, str | None], said: str
) -> None:
    source = change.get("source") or server.url.replace("vroeg@", f"vroeg:{PASSWORD}@")
    monkeypatch.setenv("CLIENTEN", source.replace("PORT", str(server.port)))
    settings = {
        "source": "${CLIENTEN}",
        "table": "sociaal.clienten",
        **{k: v for k, v in change.items() if k != "source"},
    }
    world.settings(known_clients={name: value for name, value in settings.items() if value})
    with pytest.raises(VroegError, match=said) as caught:
        known(world)
    for secret in (PASSWORD, "zebra", "127.0.0.1", str(server.port), "2021"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    ["postgresql://u:zebra@h/d", "host=h password=zebra", "host=h PASSWORD = 'zebra'", "postgres://u:zebra${X}@h/d"],
)
def test_a_password_in_the_settings_is_refused_and_not_repeated(world: World, source: str) -> None:
    world.settings(known_clients={"source": source, "table": "t"})
    with pytest.raises(VroegError, match=r"known_clients.source': a password does not belong here") as caught:
        world.home.load_settings()
    assert "zebra" not in str(caught.value)


def test_a_password_from_the_environment_is_fine(world: World) -> None:
    for source in ("postgresql://u:${P}@h/d", "host=h password=${P}", "postgresql://u@h:5432/d"):
        world.settings(known_clients={"source": source, "table": "t"})
        world.home.load_settings()


# What became of them ----------------------------------------------------------------------------------------------------

HEADER = "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to"


def parquet(world: World, select: str) -> Path:
    """Makes a file of a query the source; gives the file."""
    path = world.home.reference / "clienten.parquet"
    duckdb.execute(f"COPY ({select}) TO '{path}'")
    world.settings(known_clients={"source": str(path)})
    return path


@pytest.mark.parametrize("kind", ["DOUBLE", "DECIMAL(9, 1)", "FLOAT", "INTEGER"])
def test_a_number_column_of_parquet_holds_whole_numbers(world: World, kind: str) -> None:
    """Case g10: 7.0 was no number of a house, so all clients flagged nobody."""
    empty = "NULL" if kind.startswith(("DEC", "INT")) else "'NaN'"
    parquet(
        world,
        f"SELECT '2021AB' AS postcode, 7::{kind} AS huisnummer, {empty}::{kind} AS huisletter, "
        f"2::{kind} AS huisnummertoevoeging, 'wijkteam' AS known_to "
        f"UNION ALL SELECT '2021AB', {empty}::{kind}, NULL, NULL, 'wijkteam'",
    )
    assert known(world) == {("2021AB_7__2", "wijkteam")}


def test_a_number_column_of_sqlite_and_csv_holds_whole_numbers(world: World) -> None:
    with sqlite3.connect(world.home.reference / "clienten.db") as database:
        database.execute("CREATE TABLE c (postcode, huisnummer REAL, huisnummertoevoeging REAL, known_to)")
        database.executemany("INSERT INTO c VALUES (?, ?, ?, ?)", [("2021AB", 7, 3, "w"), ("2021AB", 9, None, "w")])
    world.settings(known_clients={"source": "reference/clienten.db", "table": "c"})
    found = known(world)
    assert found == {("2021AB_7__3", "w"), ("2021AB_9__", "w")}
    world.reference("known_clients.csv", HEADER, "2021AB,7.0,,3.0,w", '2021AB,"9,0",NaN,nan,w')
    world.home.settings.unlink()
    assert known(world) == found


def test_the_services_of_a_list_are_joined_and_an_address_of_several_values_is_none(world: World) -> None:
    parquet(
        world,
        "SELECT '2021AB' AS postcode, [7] AS huisnummer, ['wijkteam', NULL, 'bank', 'wijkteam'] AS known_to "
        "UNION ALL SELECT '2021AB', [8, 9], ['wijkteam']",
    )
    assert known(world) == {("2021AB_7__", "bank, wijkteam")}


def test_an_address_is_known_to_each_service_once_and_in_one_line(world: World) -> None:
    from vroeg_pipeline_tests.kit.world import row

    parquet(
        world,
        "SELECT '2021AB' AS postcode, 12 AS huisnummer, ['wijkteam', 'schuld\nhulp'] AS known_to "
        "UNION ALL SELECT '2021AB', 12, ['wijkteam']",
    )
    world.agree("huur")
    world.deliver("huur", "2021-03", [row()])
    world.make("2021-03", upto="prioritised_worklists")
    (entry,) = world.table("prioritised_worklists")
    assert (entry["known_to"], "\n" in entry["explanation"]) == ("schuld hulp, wijkteam", False)


def test_a_column_that_is_there_twice_stops(world: World) -> None:
    path = parquet(world, "SELECT '2021AB' AS postcode, 'x' AS Postcodx, 7 AS huisnummer, 'w' AS known_to")
    path.write_bytes(path.read_bytes().replace(b"Postcodx", b"Postcode"))
    with pytest.raises(VroegError, match="the column postcode is there twice"):
        known(world)
    twice = "SELECT pc AS postcode, nr AS huisnummer, nr AS huisnummer, 'w' AS known_to FROM source"
    world.reference("dossiers.csv", "pc,nr", "2021AB,2")
    world.settings(known_clients={"source": "reference/dossiers.csv", "query": twice})
    with pytest.raises(VroegError, match="the column huisnummer is there twice"):
        known(world)
    world.reference("known_clients.csv", f"{HEADER},Known_To", "2021AB,7,,,w,x")
    world.home.settings.unlink()
    with pytest.raises(VroegError, match="there twice"):
        known(world)


def listed(tables: Tables, *clients: str) -> dict[str | None, int]:
    """How many of the addresses 2 and 3 were known before; number 1 is ambiguous in the register."""
    load_register(
        tables.connection,
        [("2021AB", 1, "", "RD"), ("2021AB", 1, "", "ZW"), ("2021AB", 2, "", ""), ("2021AB", 3, "", "")],
    )
    tables.world.reference("known_clients.csv", HEADER, *clients)
    for number in (2, 3):
        tables.address(number)
    tables.worklists()
    set_evaluation(tables.connection, tables.world.installation, month("2021-03"))
    tables.connection.execute("SET VARIABLE help_results = []::VARCHAR[]")
    tables.connection.execute("SET VARIABLE now = now()")
    temporary_step(tables.connection, "evaluation_reports")
    reports = tables.query("SELECT known, sum(reports)::INTEGER AS n FROM evaluation_reports GROUP BY ALL")
    return {row["known"]: row["n"] for row in reports}


def test_what_became_of_the_clients_is_counted(tables: Tables) -> None:
    """Case g13."""
    clients = ("2021AB,2,,,w", "2021AB,3.0,,,w", "2021AB,1,,,w", "9999ZZ,7,,,w", "2021AB,,,,w", "2021AB,2,,,", ",,,,")
    listed(tables, *clients)
    (counts,) = tables.query("FROM known_client_counts")
    assert list(counts.values())[1:] == [True, 6, 2, 1, 1, 2, False, 0]
    of = tables.at("2021-03")
    told = "6 read: 2 found, 1 ambiguous, 1 not in the register, 2 unreadable"
    assert known_clients_told(of.connection) == told
    (check,) = [check for check in CHECKS if check.name == "known_clients_are_found"]
    assert not check.blocking
    wrong, _ = check.look(of)
    assert wrong == f"most known clients have no address ({told}): mend the source, see docs/readings.md"


def test_a_status_that_is_none_counts_as_running_and_is_told(tables: Tables) -> None:
    tables.world.reference(
        "known_clients.csv", "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to,status",
        "2021AB,1,,,w,gestopt", "2021AB,2,,,w,LOPEND", "2021AB,3,,,w,", "2021AB,4,,,w,Afgerond",
    )  # fmt: skip
    for number in range(1, 5):
        tables.address(number)
    tables.worklists()
    (check,) = [check for check in CHECKS if check.name == "known_clients_have_a_status"]
    said, _ = check.look(tables.at("2021-03"))
    assert said == "known clients with a status that is neither lopend nor afgerond: 1; they count as lopend"
    actions = {n: e["action"] for n, e in tables.rows("prioritised_worklists").items()}
    assert actions == {1: "letter", 2: "letter", 3: "letter", 4: "phone"}


@pytest.mark.parametrize(
    ("clients", "known_before", "holds"),
    [
        (("2021AB,2,,,w",), {"known": 1, "unknown": 1}, True),
        (("2021AB,2,,,w", "2021AB,1,,,w"), {"known": 1, "unknown": 1}, True),  # half of them
        (("2021AB,2,,,w", "2021AB,1,,,w", "9999ZZ,7,,,w"), {None: 2}, False),
        (("2021AB,7.5,,,w",), {None: 2}, False),
        ((), {None: 2}, False),
    ],
)
def test_a_source_that_cannot_be_used_does_not_make_everybody_unknown(
    tables: Tables, clients: tuple[str, ...], known_before: dict[str | None, int], holds: bool
) -> None:
    assert listed(tables, *clients) == known_before
    (check,) = [check for check in CHECKS if check.name == "known_clients_are_found"]
    assert (check.look(tables.at("2021-03"))[0] is None) == holds


def test_without_a_source_the_check_holds_and_nobody_is_unknown(tables: Tables) -> None:
    tables.address(2)
    tables.worklists()
    (counts,) = tables.query("FROM known_client_counts")
    assert (counts["is_linked"], counts["is_usable"]) == (False, False)
    assert known_clients_told(tables.connection) == "no source"
    (check,) = [check for check in CHECKS if check.name == "known_clients_are_found"]
    assert check.look(tables.at("2021-03"))[0] is None


def test_with_nobody_known_the_tables_are_those_of_who_is_and_nothing_is_resolved(tables: Tables) -> None:
    made = {}
    for clients in ([], ["2021AB,1,,,wijkteam"]):
        tables.connection.execute("DROP TABLE IF EXISTS resolved_addresses")
        tables.world.reference("known_clients.csv", HEADER, *clients)
        set_routing(tables.connection, tables.at("2021-03").installation)
        described = [tables.query(f"DESCRIBE {table}") for table in ("known_answers", "known_addresses")]
        made[len(clients)] = described
        is_resolved = tables.query("FROM duckdb_tables() WHERE table_name = 'resolved_addresses'")
        assert bool(is_resolved) is bool(clients)
    assert made[0] == made[1]
