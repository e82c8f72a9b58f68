"""`vroeg sql`: what can be asked, that nobody is in an answer who was not asked for, and what the log has of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from vroeg_pipeline.cli.sql import Form, ask
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.installation import CLOCK
from vroeg_pipeline.installation.log import account, read_log
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY
from vroeg_pipeline_tests.kit.tables import Tables, key_of
from vroeg_pipeline_tests.kit.world import World

NAME, PHONE, REFERENCE = "Zebrastra", "0600-314159", "KLANT2718"
DOOR = key_of(7261)
OF_THE_PERSON = (NAME, PHONE, REFERENCE, DOOR, "7261")

# In each of these somebody would be, were the persons anywhere near.
TRIED = [
    "SELECT surname FROM validated_signals",
    "FROM validated_signals",
    "SELECT COLUMNS('.*name.*|.*key.*|phone') FROM validated_signals",
    "SELECT s.* FROM validated_signals AS s, (SELECT max(surname) FROM validated_signals) AS t",
    "SELECT (SELECT phone FROM warehouse.main.validated_signals LIMIT 1)",
    "SELECT * FROM query('FROM validated_' || 'signals')",
    "SELECT * FROM query_table('validated_signals')",
    "FROM pragma_storage_info('validated_signals')",
    "SUMMARIZE validated_signals",
    "FROM duckdb_columns()",
    "FROM duckdb_databases()",
    "FROM case_results WHERE case_id = sha256('2021-03|2021AB_' || 7260 + 1 || '__')[:16]",
    "SELECT a.address_key FROM signal_statuses AS a JOIN results_of_addresses USING (address_key)",
    "FROM raw.delivery_rows",
    "FROM read_duckdb('{home}/warehouse.duckdb', table_name = 'validated_signals')",
    "FROM read_blob('{home}/warehouse.duckdb')",
    "FROM read_text('{home}/agreements/*')",
    "FROM read_csv('/etc/passwd')",
    "FROM glob('{home}/*')",
]
NO_QUESTIONS = [
    "DELETE FROM validated_signals",
    "CREATE TABLE t AS FROM validated_signals",
    "ATTACH '{home}/warehouse.duckdb' AS other",
    "COPY (FROM validated_signals) TO '{home}/out.csv'",
    "EXPLAIN ANALYZE COPY (FROM validated_signals) TO '{home}/out.csv'",
    "EXPORT DATABASE '{home}/out'",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "SELECT 1; SELECT 2",
    "",
    "SELECT FROM WHERE",
]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> World:
    return made_town(tmp_path_factory.mktemp("town") / "home")


def made_town(root: Path) -> World:
    """One signal, reported at its address and worked on; in an encrypted warehouse where there is a key."""
    world = World(root)
    world.agree("huur")
    with world.warehouse.connect() as connection:
        world.installation.define_macros(connection)
        tables = Tables(connection, world)
        tables.signal(number=7261, surname=NAME, phone=PHONE, customer_reference=REFERENCE)
        tables.delivered(surname=NAME, amount_due=NAME)
        tables.address(7261)
        connection.execute(
            "INSERT INTO case_results BY NAME SELECT '2021-03-01'::DATE AS month, $key AS address_key, "
            "case_id_of('2021-03-01'::DATE, $key) AS case_id, 'Inwoner is overleden' AS end_result, now() AS reported_at, "
            "'' AS file_sha256, 'noord' AS worklist",
            {"key": DOOR},
        )
    return world


def answer(world: World, question: str, form: Form = "json", *, personal: bool = False) -> str:
    text = io.StringIO()
    out = Console(file=text, width=200)
    ask(world.home, question.format(home=world.root), out, out, form=form, personal=personal)
    return text.getvalue()


@pytest.mark.parametrize("question", TRIED)
def test_nobody_is_in_an_answer(town: World, question: str) -> None:
    try:
        told = answer(town, question)
    except VroegError as error:
        told = str(error)
    assert [said for said in OF_THE_PERSON if said in told] == []
    assert "root:" not in told
    assert list(town.home.scratch.iterdir()) == []


def test_a_key_is_a_pseudonym_of_one_answer(town: World) -> None:
    """By it tables come together; another answer has another one, and nobody can try addresses."""
    question = "SELECT address_key, end_result FROM address_matches JOIN case_results USING (month, address_key)"
    first, second = (json.loads(answer(town, question)) for _ in range(2))
    assert first[0]["end_result"] == "Inwoner is overleden"
    assert first[0]["address_key"] != second[0]["address_key"]
    assert hashlib.sha256(DOOR.encode()).hexdigest()[:16] not in {first[0]["address_key"], second[0]["address_key"]}


def test_partners_are_named_and_other_folders_of_the_inbox_are_not(town: World) -> None:
    with town.warehouse.connect() as connection:
        for partner in ("huur", "jan_zebrastra"):
            Tables(connection, town).delivery(partner, month="2021-02")
    found = {row["partner"] for row in json.loads(answer(town, "SELECT partner FROM delivery_files"))}
    assert "huur" in found
    assert len(found) == 2
    assert not any("zebra" in partner for partner in found)


def test_what_there_is_can_be_asked(town: World) -> None:
    assert {"validated_signals", "signal_statuses"} <= {row["name"] for row in json.loads(answer(town, "SHOW TABLES"))}
    columns = {row["column_name"] for row in json.loads(answer(town, "DESCRIBE validated_signals"))}
    assert {"amount_due", "address_key"} <= columns
    assert not {"surname", "postcode"} & columns


def test_persons_are_there_when_asked_for_and_the_log_says_so(
    town: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clock").write_text("2022-01-01T01:00:00+01:00")
    monkeypatch.setenv(CLOCK, str(tmp_path / "clock"))
    question = f"SELECT surname FROM validated_signals WHERE surname = '{NAME}'"
    assert json.loads(answer(town, question, personal=True)) == [{"surname": NAME}]
    answer(town, "SELECT count(*) FROM address_matches")
    lines = [line for line in read_log(town.home) if line["action"] == "vroeg sql"]
    assert [line["details"] for line in lines[-2:]] == [
        {"personal": True, "tables": ["validated_signals"]}, {"personal": False, "tables": ["address_matches"]},
    ]  # fmt: skip
    assert (lines[-1]["time"], lines[-1]["actor"]) == ("2022-01-01T00:00:00.000000Z", account())
    assert NAME not in str(lines)


@pytest.mark.parametrize("personal", [True, False])
@pytest.mark.parametrize("question", NO_QUESTIONS)
def test_nothing_but_a_question_is_taken(town: World, question: str, personal: bool) -> None:
    before = town.home.warehouse.read_bytes()
    with pytest.raises(VroegError):
        answer(town, question, personal=personal)
    assert town.home.warehouse.read_bytes() == before
    assert not list(town.root.glob("out*"))


@pytest.mark.parametrize("question", ["FROM read_csv('/etc/passwd')", "FROM read_text('{home}/agreements/huur.yaml')"])
def test_with_persons_other_files_stay_closed_too(town: World, question: str) -> None:
    with pytest.raises(VroegError, match="Permission"):
        answer(town, question, personal=True)


def test_forms_of_an_answer(town: World) -> None:
    question = "SELECT range AS n, NULL AS nothing, '[red]' AS word FROM range(250)"
    assert list(csv.reader(io.StringIO(answer(town, question, "csv"))))[:2] == [
        ["n", "nothing", "word"],
        ["0", "", "[red]"],
    ]
    assert json.loads(answer(town, question))[249] == {"n": 249, "nothing": None, "word": "[red]"}
    lines = answer(town, question, "table").splitlines()
    assert lines[1].split() == ["0", "[red]"]
    assert lines[-1] == "50 more rows: --format csv has all"


def test_where_a_table_is_too_wide_a_column_has_a_line(town: World) -> None:
    columns = ", ".join(f"{number} / 3 AS a_column_of_some_length_{number}" for number in range(12))
    lines = answer(town, f"SELECT {columns} FROM range(2)", "table").splitlines()
    assert lines[:2] == ["a_column_of_some_length_0   0", "a_column_of_some_length_1   0.333333"]
    assert len(lines) == 2 * (12 + 1)


def test_an_error_quotes_no_value(town: World) -> None:
    with pytest.raises(VroegError, match="values left out") as error:
        answer(town, "SELECT surname::INTEGER FROM validated_signals", personal=True)
    assert NAME not in str(error.value)


def test_an_encrypted_warehouse_is_asked_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENCRYPTION_KEY, "een sleutel met een ' erin")
    town = made_town(tmp_path / "home")
    assert json.loads(answer(town, "SELECT count(*) AS n FROM validated_signals")) == [{"n": 1}]
    monkeypatch.setenv(ENCRYPTION_KEY, "een andere")
    with pytest.raises(VroegError, match=ENCRYPTION_KEY):
        answer(town, "SELECT 1")


def test_without_a_warehouse_there_is_nothing_to_ask(world: World) -> None:
    with pytest.raises(VroegError, match="no warehouse yet"):
        answer(world, "SELECT 1")
