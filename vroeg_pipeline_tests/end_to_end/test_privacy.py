"""No personal data in logs, events, metadata, checks, Data Docs, file names or on the terminal (DOMAIN §12)."""

from __future__ import annotations

import re

import duckdb
import pytest
from dagster import (
    DagsterEventType,
    DagsterInstance,
    EventLogEntry,
    FloatMetadataValue,
    IntMetadataValue,
    serialize_value,
)

from vroeg_pipeline.installation.extract import without_persons
from vroeg_pipeline.installation.schema import PERSONAL_TAG, described_tables
from vroeg_pipeline.verdicts import NOT_JUDGED
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.returned import as_csv as as_outcomes
from vroeg_pipeline_tests.kit.returned import hand_in
from vroeg_pipeline_tests.kit.world import World, as_csv, row

PERSON = {
    "customer_reference": "Klantkenmerkzebra",
    "surname": "Achternaamzebra",
    "initials": "Initialenzebra",
    "prefix": "Voorvoegselzebra",
    "phone": "0600987654",
    "email": "postzebra@voorbeeld.example",
    "street": "Straatnaamzebra",
    "city": "Plaatszebra",
    "postcode": "2021ZZ",
    "house_number": "98765",
    "birth_date": "29-02-1996",
}
MARKERS = [*PERSON.values(), "2021ZZ_98765__", "1996-02-29", "bestandzebra"]


@pytest.fixture
def watched(world: World) -> World:
    """A month in which everything goes wrong that can put a person in a message."""
    world.agree("huur")
    world.agree("water", type="Water")
    world.agree("licht", type="Energie", delivery={"format": "json"})
    world.agree("zorg", type="Zorg", delivery={"format": "xlsx"})
    good = row(**PERSON)
    spoilt = [row(**{**PERSON, field: "zebra?"}) for field in ("amount_due", "reference_date", "crisis", "postcode")]
    world.deliver("huur", "2021-03", [good, good, *spoilt], name="bestandzebra.csv")
    world.deliver("water", "2021-03", as_csv([good]).split(b"\r\n", 1)[1], name="zonder_kop_bestandzebra.csv")
    world.deliver("water", "2021-03", as_csv([good]) + b'"' + PERSON["surname"].encode(), name="open_quote.csv")
    world.deliver("licht", "2021-03", f'[{{"Surname": "{PERSON["surname"]}", }}]'.encode(), name="stuk.json")
    world.deliver("zorg", "2021-03", PERSON["surname"].encode(), name="geen.xlsx")
    world.deliver(PERSON["surname"], "2021-03", [good])
    world.slip("huur", "2021-03", "withdrawals", PERSON["customer_reference"])
    world.deliver("huur", "2021-03", PERSON["customer_reference"].encode(), name="kapot.csv", folder="withdrawals")
    told = {"case_id": PERSON["surname"], "contact_kind": PERSON["phone"]}
    hand_in(world, as_outcomes([told]), name="bestandzebra.csv")
    return world


def found_in(text: str) -> list[str]:
    """The markers in a text; those of digits not within a longer number, as a moment in seconds can hold any."""
    return [m for m in MARKERS if re.search(rf"(?<![0-9.]){re.escape(m)}(?![0-9])", text, re.IGNORECASE)]


def test_nothing_personal_in_events_or_on_the_terminal(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = [
        vroeg(watched.root, *words, width=250)
        for words in (
            ["run", "--month", "2021-03", "--verbose"],
            ["status"],
            ["run", "--month", "2021-03"],
            ["evaluate"],
        )
    ]
    assert [output.returncode for output in outputs] == [0, 0, 0, 0], outputs
    assert found_in("".join(output.stdout + output.stderr for output in outputs)) == []
    monkeypatch.setenv("DAGSTER_HOME", str(watched.home.dagster))
    with DagsterInstance.get() as instance:
        runs = instance.get_runs()
        events = [entry for run in runs for entry in instance.all_logs(run.run_id)]
        told = "".join(serialize_value(entry) for entry in events) + "".join(str(run.tags) for run in runs)
    assert len(events) > 200
    assert found_in(told) == []
    assert str(watched.root) not in told
    # No source of known clients is linked here, so there is nothing to count.
    assert without_a_number(events) == {"prioritised_worklists:known_clients_are_found"}
    assert unmarked_columns(watched) == set()
    assert found_in(all_without_persons(watched)) == []
    for path in watched.home.quality.rglob("*"):
        assert found_in(path.name) == []
        assert path.is_dir() or found_in(path.read_text(encoding="utf-8")) == []
    with duckdb.connect(str(watched.home.outbox / "reading.duckdb"), read_only=True) as figures:
        names = [name for (name,) in figures.execute("SHOW TABLES").fetchall()]
        told = "".join(str(figures.execute(f"FROM {name}").fetchall()) for name in names)
    assert {*names} == {"evaluation", "buurten", "months", "deliveries", "measures", "verdicts", "partners"}
    assert found_in(told) == []
    pages = list(watched.home.outbox.rglob("evaluatie_*.html"))
    assert len(pages) == 2
    assert found_in("".join(page.read_text(encoding="utf-8") for page in pages)) == []
    for path in (*watched.home.outbox.rglob("*"), *watched.home.dagster.rglob("*")):
        assert found_in(str(path.relative_to(watched.root))) == []


def without_a_number(events: list[EventLogEntry]) -> set[str]:
    """The checks that show no number with a bound in what they judged, though the UI plots those."""
    verdicts = [
        event.dagster_event.asset_check_evaluation_data
        for event in events
        if event.dagster_event and event.dagster_event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION
    ]
    assert len({verdict.asset_check_key for verdict in verdicts}) > 50
    return {
        verdict.asset_check_key.to_user_string()
        for verdict in verdicts
        if NOT_JUDGED not in verdict.metadata
        and not any(
            isinstance(value, IntMetadataValue | FloatMetadataValue) and name.endswith((", at most", ", at least"))
            for name, value in verdict.metadata.items()
        )
    }


def unmarked_columns(world: World) -> set[str]:
    """The columns of tables in the UI that hold a person, and do not say so."""
    tables = {name: schema for name, (_, schema) in described_tables().items() if "." not in name}
    holding = {
        f"{table}.{column}"
        for table in tables
        for row in world.query(f"FROM {table}")
        for column, value in row.items()
        if found_in(str(value))
    }
    marked = {f"{table}.{c.name}" for table, schema in tables.items() for c in schema.columns if PERSONAL_TAG in c.tags}
    assert holding & marked
    return holding - marked


def all_without_persons(world: World) -> str:
    """Every row of every table and view as `vroeg sql` and reading.duckdb give them."""
    with world.warehouse.connect(read_only=True) as connection:
        selects = without_persons(connection, "zout", world.installation.partners.agreements)
        rows = {name: connection.execute(select).fetchall() for name, select in selects.items()}
    assert min(len(rows["validated_signals"]), len(rows["signal_statuses"])) > 0
    return str(rows)


def test_a_failing_run_tells_no_row(watched: World) -> None:
    select = "FROM address_matches WHERE 0 = (SELECT max(surname::INTEGER) FROM validated_signals)"
    result = watched.run("2021-03", succeeds=False, statements={"address_matches": select})
    assert not result.success
    told = "".join(serialize_value(entry) for entry in watched.instance.all_logs(result.run_id))
    assert "Could not convert string" in told
    assert found_in(told) == []
