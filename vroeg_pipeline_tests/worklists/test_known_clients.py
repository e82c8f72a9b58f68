"""Known clients from every kind of source, PostgreSQL from a real server; errors tell no secret and no value."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import duckdb
import pytest

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline.worklists.known_clients import known_clients_are_told
from vroeg_pipeline.worklists.routing import set_routing
from vroeg_pipeline_tests.kit.postgres import PASSWORD, Server, postgres_server
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
    warehouse = WarehouseResource(home=str(world.root))
    with months_at_work(warehouse, world.installation, [month("2021-03")]) as months:
        for of in months:
            connection = of.connection
            set_routing(connection, of.installation)
            (ours,) = connection.execute("SELECT current_database()").fetchall()[0]
            assert ours == "warehouse"
            return set(connection.execute("SELECT address_key, known_to FROM known_addresses").fetchall())
    raise AssertionError


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
    world.run("2021-03", upto="prioritised_worklists")
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
