"""`vroeg dpia`: a privacy officer reads what is so, and nobody is in it."""

from __future__ import annotations

import io
import re
import stat
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from vroeg_pipeline.cli.dpia import FIELDS, KINDS, PAGE, TABLES, write_dpia
from vroeg_pipeline.cli.dpia_facts import personal_tables
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS
from vroeg_pipeline.installation.log import log_done
from vroeg_pipeline.installation.notes import BACK_UPS, BackUp, BackUps
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline_tests.installation.test_log import done
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.world import World, agreement, moment, row


@pytest.fixture
def town(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two partners, one with a file, an empty warehouse, a log."""
    clock = world.root.parent / "clock"
    clock.write_text(moment("2021-03-10 09:00").isoformat(), encoding="utf-8")
    monkeypatch.setenv("VROEG_CLOCK", str(clock))
    monkeypatch.delenv(ENCRYPTION_KEY, raising=False)
    world.agree("huur", name="Wonen & Zo", ignored_columns=["Huisarts"])
    columns = {field: header for field, header in agreement("x")["columns"].items() if field != "phone"}
    world.agree("overige", name="Sportclub", type="Overige", valid_until="2021-02", columns=columns)
    world.deliver("huur", "2021-03", [row(surname="Kanariegeel")], name="kanariegeel.csv")
    world.reference("areas.csv", "postcode_from,postcode_to,worklist", "2021AA,2026ZZ,wijkteam_noord")
    world.home.make()
    with WarehouseResource(home=str(world.root)).connect() as connection:
        connection.execute("SELECT 1")
    log_done(world.home, moment("2021-03-10 09:00"), done("2021-03", moment("2021-03-10 09:00")))
    return world


def told(world: World) -> str:
    """The words of the page."""
    write_dpia(world.home, None, Console(file=io.StringIO()))
    page = (world.home.outbox / PAGE).read_text(encoding="utf-8")
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(text).split()).replace(" .", ".").replace(" ,", ",")


def test_every_field_and_table_has_its_dutch_name() -> None:
    assert FIELDS.keys() == set(DELIVERED_FIELDS)
    assert sorted(field for fields in KINDS.values() for field in fields) == sorted(DELIVERED_FIELDS)
    assert TABLES.keys() == {table.name for table in personal_tables()}


def test_it_tells_what_is_agreed_and_set(town: World) -> None:
    town.settings(
        retention={"files": 3, "signals": 20},
        log={"user_header": "X-Forwarded-User", "otlp": "https://collector.example:4318"},
        ddas={"municipalities": {"0392": {"organisation": "Gemeente Haarlem"}}},
        alerts={"channels": {"coaches": {"urls": ["mailto://x"]}}},
    )
    said = told(town)
    for expected in (
        "Gemaakt op 10-03-2021 09:00",
        # From whom, and what of it.
        "Wonen & Zo Huur 2020-01",
        "Stuurt mee, niet gebruikt : Huisarts",
        "Sportclub Overige 2020-01 tot en met 2021-02",
        "Bereikbaarheid telefoon, e‑mail alle partners",
        # How long, and until when that goes today.
        "bestanden en regels zoals geleverd 3 december 2020",
        "al het andere dat een persoon of adres aanwijst 20 juli 2019",
        "wat een latere maand moet weten, alleen als versleutelde hash 27 december 2018",
        "regels zoals geleverd, alleen de afgesproken kolommen raw.delivery_rows 3 maanden",
        # Who gets it.
        "de werklijst van hun adressen: Adresdesk, Budgetcoach, Lichte opvolging en Wijkteam Noord",
        "namens Gemeente Haarlem; als bestand",
        "coaches aantallen, partners en maanden; geen bewoners",
        "https://collector.example:4318",
        # Which measures.
        "Versleuteling van het warehouse uit",
        "de gebruiker die de inlogproxy noemt in X-Forwarded-User",
        "elke regel is aan de vorige geketend. Gecontroleerd: heel",
        "alles wat personen aanwijst, is alleen van de eigenaar",
        str(town.root),
    ):
        assert expected in said
    assert "kanarie" not in said.lower()


def test_the_last_back_up_and_the_last_test_are_told(town: World) -> None:
    assert "Er is geen back-up gemaakt met vroeg backup" in told(town)
    made = BackUp(moment("2021-03-09 23:00"), "/backup/vroeg/vroeg_2021.tar", 1)
    BACK_UPS.write(town.home, BackUps((made,)))
    stands_out = told(town).split("Wie verantwoordelijk is")[0]
    assert "De laatste back-up is niet versleuteld" in stands_out
    assert "nooit beproefd" in stands_out
    sealed = replace(made, path=f"{made.path}.sealed")
    BACK_UPS.write(town.home, BackUps((sealed,), moment("2021-03-10 08:00")))
    said = told(town)
    assert "Back-up laatste van 09-03-2021 23:00, in /backup/vroeg ; versleuteld" in said
    assert "Laatste proef met terugzetten 10-03-2021 08:00" in said
    assert "back-up" not in said.split("Wie verantwoordelijk is")[0]


def test_what_is_not_as_it_should_be_stands_first(town: World) -> None:
    town.home.inbox.chmod(0o755)
    town.settings(log={"otlp": "http://collector.example:4318"})
    with WarehouseResource(home=str(town.root)).connect() as connection:
        connection.execute(
            "INSERT INTO repeat_signals BY NAME SELECT 's' AS signal_id, 'r' AS repeats_signal_id, ? AS month",
            [date(2020, 1, 1)],
        )
    path = next(town.home.log.glob("*.jsonl"))
    path.write_text(path.read_text(encoding="utf-8").replace("tester", "iemand"), encoding="utf-8")
    stands_out = told(town).split("Wat opvalt")[1].split("Wie verantwoordelijk is")[0]
    for expected in (
        "niet versleuteld",
        "Ook anderen dan de eigenaar kunnen bij: inbox.",
        "1 regel of bestand is over de termijn",
        "Het log is niet heel: log/2021-03.jsonl line 1 was altered",
        "Het log gaat zonder versleuteling (http)",
        "niet wie in het beheerscherm (Dagster) iets start",
        "Sportclub (Overige) is van een ander type",
        "kolommen mee waar niemand iets mee doet",
    ):
        assert expected in stands_out
    assert "burgerservicenummer" not in stands_out


def test_nothing_stands_out_where_all_is_set(town: World, monkeypatch: pytest.MonkeyPatch) -> None:
    town.home.warehouse.unlink()
    monkeypatch.setenv(ENCRYPTION_KEY, "a key of the tests")
    with WarehouseResource(home=str(town.root)).connect() as connection:
        connection.execute("SELECT 1")
    made = BackUp(moment("2021-03-09 23:00"), "/backup/vroeg_2021.tar.sealed", 1)
    BACK_UPS.write(town.home, BackUps((made,), moment("2021-03-10 08:00")))
    (town.home.agreements / "overige.yaml").unlink()
    town.agree("huur")
    town.settings(log={"user_header": "X-Forwarded-User"})
    said = told(town)
    assert "Wat opvalt Niets: de maatregelen hieronder zijn ingesteld." in said
    assert "Versleuteling van het warehouse aan" in said


def test_it_is_its_owners_alone_and_anybody_can_read_it(town: World, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.html"
    write_dpia(town.home, target, Console(file=io.StringIO()))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert barriers(target) == {}
