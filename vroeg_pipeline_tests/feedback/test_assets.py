"""What partners hear back: their own rows, what they may learn of them, and how their delivery was."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.domain.ddas import EnumEindresultaat
from vroeg_pipeline.feedback.files import feedback_breaches, feedback_paths, write_feedback
from vroeg_pipeline.installation.schema import create_tables
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline_tests.kit.returned import as_csv, case_ids, hand_in
from vroeg_pipeline_tests.kit.world import World, month, row

MARCH = month("2021-03")
REPEAT, UNJUSTIFIED = "Niet opgepakt: herhaalde melding", "Niet opgepakt: onterecht signaal"
NO_RESIDENT, DECEASED = "Persoon is geen inwoner (meer) in de gemeente", "Inwoner is overleden"
OTHER = "Niet opgepakt: andere reden"


@pytest.fixture
def town(world: World) -> World:
    """A landlord that took over another one."""
    world.agree("oud", valid_until="2021-03")
    world.agree("nieuw", succeeds=["oud"], contact={"name": "Afdeling incasso"})
    return world


def told(world: World, partner: str) -> list[list[str]]:
    """The lines of a partner's CSV."""
    path = feedback_paths(world.home, MARCH, partner)["csv"]
    assert path.stat().st_mode & 0o077 == 0
    with path.open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file, delimiter=";")
    assert header == ["Regel", "Klantkenmerk", "Status", "Bestand"]
    assert {line.pop() for line in lines} <= {"levering.csv"}
    return lines


def sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    return [tuple(cell for cell in line if cell is not None) for line in openpyxl.load_workbook(path)[name].values]


def test_each_hears_of_its_own_rows(town: World) -> None:
    old = {"arrears_since": "01-11-2020", "reference_date": "01-02-2021"}
    town.deliver("oud", "2021-02", [row(**old), row(customer_reference="K9", house_number="30", **old)])
    town.deliver("oud", "2021-03", [row(customer_reference="K9", house_number="30", arrears_since="01-11-2020")])
    town.deliver(
        "nieuw",
        "2021-03",
        [
            row(arrears_since="01-11-2020", reminder_sent="nee"),
            row(customer_reference="=K2;x", amount_due="10", house_number="14"),
            row(customer_reference="K3", postcode="2051AB"),
            row(customer_reference="K4", objection="ja", house_number="16"),
            row(customer_reference="K5", house_number="18"),
            row(customer_reference="", amount_due="10"),
            row(customer_reference="K7", reference_date="01-01-2021", arrears_since="01-10-2020"),
        ],
        received="2021-03-06 10:00",
    )
    town.make("2021-02", "2021-03", upto=("partner_feedback", "worklist_files"))
    assert told(town, "nieuw") == [
        ["1", "K1", REPEAT], ["2", "'=K2;x", UNJUSTIFIED], ["3", "K3", NO_RESIDENT], ["4", "K4", OTHER],
        ["7", "K7", OTHER],
    ]  # fmt: skip
    assert told(town, "oud") == [["1", "K9", REPEAT]]

    report = feedback_paths(town.home, MARCH, "nieuw")["xlsx"]
    assert sheet(report, "Afgekeurde regels") == [
        ("Regel", "Uw klantkenmerk", "Reden", "Bestand"),
        (2, "=K2;x", "bedrag ligt onder het minimum", "levering.csv"),
        (3, "K3", "adres ligt niet in de afgesproken gemeenten", "levering.csv"),
        (4, "K4", "bezwaar van de klant tegen doorgeven, volgens uw bestand", "levering.csv"),
        (6, "", "klantkenmerk ontbreekt; bedrag ligt onder het minimum", "levering.csv"),
        (7, "K7", "peildatum is te oud", "levering.csv"),
    ]
    assert openpyxl.load_workbook(report)["Afgekeurde regels"]["B2"].quotePrefix
    overview = sheet(report, "Overzicht")
    for line in (
        ("06-03-2021 10:00", 7, "verwerkt"), ("Regels", 7), ("Verwerkt", 2), ("Afgekeurd", 5),
        ("bedrag ligt onder het minimum", 2),
    ):  # fmt: skip
        assert line in overview
    (outdated,) = (line[1] for line in overview if line[:1] == ("Aandeel verouderd (peildatum te oud)",))
    assert outdated == pytest.approx(1 / 7)
    assert ("Aandeel zonder herinnering vooraf", 0.5) in [line[:2] for line in overview]
    # A successor sees nothing of what another sent in the months before it, but that it sent nothing itself.
    assert [line[:2] for line in sheet(report, "Verloop")[1:]] == [
        ("2021-02", "niet ontvangen"), ("2021-03", "06-03-2021 10:00"),
    ]  # fmt: skip
    assert [line[0] for line in sheet(feedback_paths(town.home, MARCH, "oud")["xlsx"], "Verloop")][1:3] == [
        "2021-02", "2021-03",
    ]  # fmt: skip
    text = feedback_paths(town.home, MARCH, "nieuw")["txt"].read_text(encoding="utf-8")
    assert text.startswith(
        "Beste Afdeling incasso,\n\nUw aanlevering voor de signaalmaand 2021-03 is ontvangen op 06-03"
    )
    assert "Regels: 7. Verwerkt: 2. Afgekeurd: 5 (71,4%), waarvan te oud: 1 (14,3% van alle regels)." in text
    assert "Zonder herinnering vooraf, volgens uw bestand: 1 van 2 verwerkte regels (50,0%). De wet vraagt" in text
    assert "- 1 × Niet opgepakt: onterecht signaal" in text
    assert "K7" not in text


def test_a_partner_whose_file_was_refused_hears_why(town: World) -> None:
    town.deliver("oud", "2021-03", b"Kolom;Andere\r\n1;2\r\n")
    town.deliver("Naamzebra", "2021-03", [row()])
    # Of another one all rows are rejected: that is no delivery that was processed.
    town.deliver("nieuw", "2021-03", [row(amount_due="1"), row(amount_due="2", customer_reference="K2")])
    town.make("2021-03", upto=("partner_feedback", "worklist_files"))
    rejected = feedback_paths(town.home, MARCH, "nieuw")
    assert ("03-03-2021 10:00", 2, "gelezen; alle regels zijn afgekeurd") in sheet(rejected["xlsx"], "Overzicht")
    text = rejected["txt"].read_text(encoding="utf-8")
    assert "Geen enkele regel kon worden verwerkt: alle regels zijn afgekeurd. Wilt u een nieuw bestand" in text
    assert "Wat er met de signalen is gebeurd" in text
    overview = openpyxl.load_workbook(rejected["xlsx"])["Overzicht"]
    assert all(overview.row_dimensions[row].height for row in range(3, overview.max_row) if overview.cell(row, 1).value)
    assert ("2021-03", "geweigerd") in sheet(feedback_paths(town.home, MARCH, "oud")["xlsx"], "Verloop")
    text = feedback_paths(town.home, MARCH, "oud")["txt"].read_text(encoding="utf-8")
    assert "gebruiken we niet (geweigerd: deze kolommen ontbreken: " in text
    assert "; geef elke kolom de afgesproken kop). Wilt u een nieuw bestand aanleveren?" in text
    assert told(town, "oud") == []
    assert sorted(path.name for path in (town.home.outbox_of(MARCH) / "partners").iterdir()) == ["nieuw", "oud"]


def told_of(world: World, partner: str) -> str:
    return feedback_paths(world.home, MARCH, partner)["txt"].read_text(encoding="utf-8")


def test_a_text_names_what_is_in_the_attachments_and_no_others(town: World) -> None:
    town.deliver("oud", "2021-03", b"Kolom;Andere\r\n1;2\r\n")
    town.deliver("nieuw", "2021-03", [row(), row(customer_reference="K2", objection="ja")])
    town.make("2021-03", upto="partner_feedback")
    refused, processed = told_of(town, "oud"), told_of(town, "nieuw")
    history = "leveringsrapport_{}_2021-03.xlsx: wat wij van u ontvingen, deze maand en de maanden ervoor"
    of_rows = "met het regelnummer en uw eigen klantkenmerk"
    assert f"\nBijlage:\n- {history.format('oud')}\n\n" in refused
    assert of_rows not in refused
    assert (
        "\nBijlagen:\n"
        f"- terugkoppeling_nieuw_2021-03.csv: wat er met die signalen is gebeurd, {of_rows}\n"
        f"- {history.format('nieuw')}; de afgekeurde regels en waarom, {of_rows}\n\n"
    ) in processed
    assert "Stuur dan het hele bestand opnieuw, niet alleen die regels" in processed
    overview = sheet(feedback_paths(town.home, MARCH, "oud")["xlsx"], "Overzicht")
    assert ("geen",) in overview
    assert ("niets terug te melden",) in overview


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ([("a.csv", [row()]), ("b.csv", b"Kolom\r\n1\r\n")], "Wilt u het geweigerde bestand verbeteren en opnieuw"),
        (
            [("a.csv", b"Kolom\r\n1\r\n"), ("b.csv", b"Kol\r\n1\r\n")],
            "2021-03 gebruiken we niet:\n- 03-03-2021 10:00: g",
        ),
        (
            [("a.csv", [row(customer_reference=f"K{n}") for n in range(8)]), ("b.csv", [row()])],
            "Wilt u ons laten weten of het bestand van 03-03-2021 11:00 uur uw levering vervangt, of een aanvulling",
        ),
        (
            [("spoed.csv", [row()])],
            "zelf ontvingen wij nog niet, afgesproken was uiterlijk 05-03-2021 17:00 uur. Wilt u die",
        ),
        ([("a.csv", [])], "Er staan geen regels in: u meldt deze maand niemand. Klopt dat niet, wilt u dan een nieuw"),
    ],
    ids=["refused after a good one", "all refused", "questioned", "only an addition", "no rows"],
)
def test_a_text_says_what_the_partner_can_do(world: World, sent: list[tuple[str, Any]], asked: str) -> None:
    world.agree("huur", delivery={"additions": "*spoed*"})
    for hour, (name, rows) in enumerate(sent, 10):
        world.deliver("huur", "2021-03", rows, name=name, received=f"2021-03-03 {hour}:00")
    world.make("2021-03", upto="partner_feedback")
    assert asked in told_of(world, "huur")


def test_a_file_for_a_month_without_an_agreement_is_not_asked_for_again(world: World) -> None:
    world.agree("later", valid_from="2021-04")
    world.agree("huur")
    world.deliver("later", "2021-03", [row()])
    path = world.deliver("huur", "2021-03", [row()])
    world.decide("huur", "2021-03", path, "refused")
    world.make("2021-03", upto="partner_feedback")
    text = told_of(world, "later")
    assert "Hoort het bij een andere maand? Wilt u het dan voor die maand aanleveren?" in text
    assert "nieuw bestand" not in text
    assert "gebruiken we niet (geweigerd: het bestand wordt niet gebruikt; dat heeft een" in told_of(world, "huur")


def test_outcomes_are_told_when_they_come(town: World) -> None:
    numbers = range(20, 20 + 2 * len(EnumEindresultaat), 2)
    town.deliver("nieuw", "2021-03", [row(customer_reference=f"K{n}", house_number=str(n)) for n in numbers])
    town.make("2021-03", upto=("partner_feedback", "worklist_files"))
    assert told(town, "nieuw") == []
    known = case_ids(town)
    results = zip(numbers, EnumEindresultaat, strict=True)
    hand_in(town, as_csv([{"case_id": known[n], "end_result": result} for n, result in results]), name="lijst.csv")
    town.make("2021-03", upto=("partner_feedback", "worklist_files"))
    expected = {
        "Niet opgepakt: herhaalde melding": REPEAT, "Niet opgepakt: onterecht signaal": UNJUSTIFIED,
        "Persoon is geen inwoner (meer) in de gemeente": NO_RESIDENT, "Inwoner is overleden": DECEASED,
        "Niet opgepakt: andere reden": OTHER, "Inwoner al bekend bij schuldhulpverlening": OTHER,
    }  # fmt: skip
    by_number = dict(zip(numbers, EnumEindresultaat, strict=True))
    assert {line[1]: line[2] for line in told(town, "nieuw")} == {
        f"K{n}": expected[result] for n, result in by_number.items() if result in expected
    }
    everything = b"".join(path.read_bytes() for path in feedback_paths(town.home, MARCH, "nieuw").values())
    assert b"schuldhulpverlening" not in everything


# What may be true of a signal or a rejected row; what it must come to stands in `expected`.
SIGNAL = st.fixed_dictionaries(
    {
        "partner": st.sampled_from(["oud", "nieuw"]),
        # Both have customers with the same reference, and references that a spreadsheet would take for a formula.
        "reference": st.sampled_from(["K1", "K2", "-3", "=4", 'é;"5\n']),
        "address": st.sampled_from(["a", "b", "c"]),
        "rejected": st.sampled_from([None, None, None, "", UNJUSTIFIED, NO_RESIDENT, OTHER]),
        "held": st.sampled_from([None, None, "withdrawn", "not_confirmed"]),
        "repeat": st.booleans(),
    }
)
OUTCOMES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.tuples(st.sampled_from([None, *EnumEindresultaat]), st.booleans())
)


def expected(signal: dict[str, Any], outcomes: dict[str, tuple[str | None, bool]]) -> str | None:
    """What its partner is told of a signal, written from the issue and DOMAIN alone."""
    if signal["rejected"] is not None:
        return signal["rejected"] or None
    if signal["held"]:
        return OTHER
    if signal["repeat"]:
        return REPEAT
    result, _ = outcomes.get(signal["address"], (None, False))
    if result in (REPEAT, UNJUSTIFIED, NO_RESIDENT, DECEASED):
        return result
    return OTHER if result in (OTHER, "Inwoner al bekend bij schuldhulpverlening") else None


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        create_tables(connection)
        connection.execute("SET VARIABLE month = ?", [MARCH])
        yield connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(signals=st.lists(SIGNAL, max_size=12), outcomes=OUTCOMES)
def test_partners_read_their_own_and_what_they_may(
    tables: duckdb.DuckDBPyConnection,
    world: World,
    signals: list[dict[str, Any]],
    outcomes: dict[str, tuple[str | None, bool]],
) -> None:
    world.agree("oud")
    world.agree("nieuw", succeeds=["oud"])
    tables.begin()
    try:
        fill(tables, signals, outcomes)
        write_feedback(tables, world.installation, MARCH)
        for partner in ("oud", "nieuw"):
            own = {number: s for number, s in enumerate(signals) if s["partner"] == partner}
            lines = {int(number): (reference, status) for number, reference, status in told(world, partner)}
            wanted = {number: (s["reference"], expected(s, outcomes)) for number, s in own.items()}
            assert {n: (reference.removeprefix("'"), status) for n, (reference, status) in lines.items()} == {
                number: (reference, status) for number, (reference, status) in wanted.items() if status
            }
            assert feedback_breaches(tables, world.home, MARCH, [partner]) == {}
            spoil(feedback_paths(world.home, MARCH, partner)["csv"])
            assert feedback_breaches(tables, world.home, MARCH, ["oud", "nieuw"])[partner] > 0
        counted = tables.execute("SELECT count(*), count(DISTINCT signal_id) FROM signal_statuses").fetchall()
        of_signals = sum(s["rejected"] != "" for s in signals)
        assert counted == [(of_signals, of_signals)]  # each exactly one status
    finally:
        tables.rollback()


def spoil(path: Path) -> None:
    """Adds another partner's reference, as a mistake would."""
    path.write_text(path.read_text(encoding="utf-8") + f"99;Kzebra;{REPEAT};levering.csv\n", encoding="utf-8")


def fill(
    connection: duckdb.DuckDBPyConnection,
    signals: list[dict[str, Any]],
    outcomes: dict[str, tuple[str | None, bool]],
) -> None:
    """Puts signals and outcomes in the tables of March."""
    for partner in ("oud", "nieuw"):
        connection.execute(
            "INSERT INTO delivery_files BY NAME SELECT $month AS month, $partner AS partner, $partner AS file_sha256, "
            "'levering.csv' AS file_name, TIMESTAMPTZ '2021-03-03 10:00:00+01:00' AS received_at, 1 AS size_bytes, "
            "'accepted' AS status, 0 AS row_count, 0 AS accepted_count, 0 AS rejected_count",
            {"month": MARCH, "partner": partner},
        )
    for number, signal in enumerate(signals):
        values = {key: signal[key] for key in ("partner", "reference")} | {"month": MARCH, "n": number}
        if signal["rejected"] is not None:
            connection.execute(
                "INSERT INTO rejected_rows BY NAME SELECT $month AS month, $partner AS partner, $partner AS file_sha256, "
                "$n AS row_number, ['outdated'] AS reasons, nullif($status, '') AS ddas_status, "
                "$reference AS customer_reference",
                {**values, "status": signal["rejected"]},
            )
            continue
        connection.execute(
            """
            INSERT INTO validated_signals BY NAME
            SELECT $month AS month, 's' || $n AS signal_id, $partner AS partner, 'Huur' AS partner_type,
                $partner AS file_sha256, $n AS row_number, now() AS received_at, $reference AS customer_reference,
                $address AS address_key, 'exact' AS address_status, false AS needs_review, 1 AS amount_due,
                $month AS arrears_since, $month AS reference_date, 0 AS days_in_arrears, false AS crisis,
                false AS warm_handover, false AS reminder_sent, $held AS held_reason, 'X' AS surname, ['x'] AS surnames,
                '2021AB' AS postcode, 1 AS house_number, '' AS house_letter, '' AS house_number_addition
            """,
            {**values, "address": signal["address"], "held": signal["held"]},
        )
        if signal["repeat"] and not signal["held"]:
            connection.execute("INSERT INTO repeat_signals VALUES (?, ?, 'earlier')", [MARCH, f"s{number}"])
    for address, (result, attempted) in outcomes.items():
        if result:
            connection.execute(
                "INSERT INTO case_results VALUES (?, ?, ?, 'w', ?, NULL, now(), 'f')", [MARCH, address, address, result]
            )
        if attempted:
            for attempt in (1, 2):
                connection.execute(
                    "INSERT INTO contact_attempts VALUES (?, ?, ?, 'w', ?, 'Brief', NULL, ?, NULL, now(), 'f')",
                    [MARCH, address, address, attempt, MARCH],
                )


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (f"0;'K5;{UNJUSTIFIED};levering.csv\n", ""),
        (f";{UNJUSTIFIED};", f";{REPEAT};"),
        ("0;'K5;", "1;'K5;"),
        ("'K5;", "K5;"),
        ("'K5;", "K6;"),
        ("levering.csv", "andere.csv"),
        ("'extra.csv", "extra.csv"),
    ],
    ids=["left out", "status", "row", "apostrophe lost", "reference", "file", "apostrophe of a file lost"],
)
def test_a_line_that_is_not_as_it_should_be_is_a_breach(
    tables: duckdb.DuckDBPyConnection, world: World, written: str, instead: str
) -> None:
    world.agree("oud")
    # Its own reference begins with an apostrophe, as one has that is put before what looks like a formula.
    signal = {"partner": "oud", "reference": "'K5", "address": "a", "rejected": UNJUSTIFIED}
    tables.begin()
    try:
        fill(tables, [signal], {})
        # A second file of the month, with the same row.
        for table, others in (
            ("delivery_files", "'''extra.csv' AS file_name"),
            ("rejected_rows", "'K7' AS customer_reference"),
        ):
            tables.execute(
                f"INSERT INTO {table} BY NAME SELECT * REPLACE ('second' AS file_sha256, {others}) FROM {table} "
                "WHERE partner = 'oud'"
            )
        write_feedback(tables, world.installation, MARCH)
        path = feedback_paths(world.home, MARCH, "oud")["csv"]
        assert feedback_breaches(tables, world.home, MARCH, ["oud"]) == {}
        told_so = path.read_text(encoding="utf-8")
        assert written in told_so
        path.write_text(told_so.replace(written, instead), encoding="utf-8")
        assert list(feedback_breaches(tables, world.home, MARCH, ["oud"])) == ["oud"]
    finally:
        tables.rollback()


def test_a_file_is_compared_with_its_rows_without_comparing_each_with_each(
    tables: duckdb.DuckDBPyConnection, world: World
) -> None:
    """It was, and took as long as all the rest of a month of a million signals."""
    feedback_breaches(tables, world.home, MARCH, [])
    plan = tables.execute(f"EXPLAIN (FORMAT json) {sql('feedback_breaches')}").fetchall()[0][1]
    # The outermost one, which joins what was read.
    assert re.findall(r'"name": "(\w*JOIN)"', plan)[0] == "HASH_JOIN"
