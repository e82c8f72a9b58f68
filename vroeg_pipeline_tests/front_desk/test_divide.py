"""One sender, many towns (docs/front-desk.md): each row arrives once in its town or is told back, and none is kept."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from vroeg_pipeline.cli.app import app
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.front_desk.divide import Note, Outcome, all_notes, divide
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline_tests.kit.killed import killed_at_event
from vroeg_pipeline_tests.kit.world import LATER, World, as_csv, row

HAARLEM, ZANDVOORT, AMSTERDAM, NOWHERE = "2011AB", "2042AB", "1011AB", "onbekend"


@pytest.fixture
def desk(world: World) -> World:
    """A front desk of two towns, for a supplier of energy."""
    world.agree("stroom", type="Energie", municipalities=["0392", "0473", "0363"], delivery={"additions": "*spoed*"})
    world.reference(
        "municipalities.csv", "postcode4_from,postcode4_to,gemeentecode", "2011,2037,0392", "2041,2042,0473",
        "1011,1109,0363",
    )  # fmt: skip
    for name in ("haarlem", "zandvoort"):
        (town(world, name) / "inbox").mkdir(parents=True)
    towns = {"0392": str(town(world, "haarlem")), "0473": str(town(world, "zandvoort"))}
    world.settings(front_desk={"towns": towns, "keep_days": 2})
    return world


def town(world: World, name: str) -> Path:
    return world.home.root.parent / "towns" / name


def rows_of(*postcodes: str) -> list[dict[str, str]]:
    return [row(customer_reference=f"R{number}", postcode=code) for number, code in enumerate(postcodes, start=1)]


def divided(home: Home, days_later: float = 0) -> Outcome:
    return divide(Installation.load(home, lambda: LATER + timedelta(days=days_later)), lambda _: None)


def delivered(world: World, name: str) -> list[Path]:
    """The files in a town's inbox, those that are half written too."""
    return sorted(path for path in (town(world, name) / "inbox").rglob("*") if path.is_file())


def references(world: World, name: str) -> list[str]:
    lines = [line for path in delivered(world, name) for line in path.read_text("utf-8").splitlines()[1:]]
    return [line.split(";")[0] for line in lines]


def test_each_row_goes_to_its_town_or_is_told_back(desk: World) -> None:
    source = desk.deliver("stroom", "2021-03", rows_of(HAARLEM, AMSTERDAM, ZANDVOORT, NOWHERE, "2012 ab"))
    outcome = divided(desk.home)
    assert (outcome.rows, outcome.delivered, outcome.told_back, outcome.problems) == (5, 3, 2, [])
    assert (references(desk, "haarlem"), references(desk, "zandvoort")) == (["R1", "R5"], ["R3"])
    (told,) = desk.home.outbox.rglob("terugmelding_*.csv")
    lines = ["rij onder de kop;reden", "2;gemeente is niet aangesloten", "4;gemeente is niet te bepalen"]
    assert told.read_text("utf-8-sig").splitlines() == lines
    (part,) = delivered(desk, "haarlem")
    assert part.parent == town(desk, "haarlem") / "inbox/stroom/2021-03"
    assert part.read_text("utf-8").splitlines()[0] == source.read_text("utf-8").splitlines()[0]
    assert part.stat().st_mode & 0o777 == 0o600
    assert part.stat().st_mtime_ns == source.stat().st_mtime_ns


def test_the_register_goes_before_the_postcode_areas(desk: World) -> None:
    desk.register("2011AB,1,,,0473", "2011AC,2,,,0392", "2011AC,3,,,0473")
    desk.deliver("stroom", "2021-03", rows_of("2011AB", "2011AC", "2011AD"))
    assert divided(desk.home).told_back == 1
    assert (references(desk, "haarlem"), references(desk, "zandvoort")) == (["R3"], ["R1"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([HAARLEM, ZANDVOORT, AMSTERDAM, NOWHERE, ""]), max_size=12))
def test_rows_that_came_are_rows_in_towns_and_rows_told_back(desk: World, postcodes: Sequence[str]) -> None:
    name = f"levering_spoed_{next(_numbers)}.csv"
    before = len(references(desk, "haarlem") + references(desk, "zandvoort"))
    path = desk.deliver("stroom", "2021-03", rows_of(*postcodes), name=name)
    known = {note.sha256 for note in all_notes(desk.home)}
    outcome = divided(desk.home)
    path.unlink()
    after = len(references(desk, "haarlem") + references(desk, "zandvoort"))
    is_new = len({note.sha256 for note in all_notes(desk.home)} - known) == 1
    assert outcome.rows == outcome.delivered + outcome.told_back == (len(postcodes) if is_new else 0)
    assert after - before == outcome.delivered


_numbers = count()


def test_the_same_file_again_is_not_divided_twice_and_a_corrected_one_is(desk: World) -> None:
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM))
    assert divided(desk.home).files == 1
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM), name="nogmaals.csv")
    assert divided(desk.home).files == 0
    desk.deliver("stroom", "2021-03", rows_of(ZANDVOORT))
    assert divided(desk.home).files == 1
    # Haarlem hears that nobody of it is in the corrected file.
    assert len(delivered(desk, "haarlem")) == 2
    assert references(desk, "haarlem") == ["R1"]


def test_nothing_of_a_town_is_in_another_or_at_the_desk_after_its_term(desk: World) -> None:
    of_haarlem, of_nobody = {**row(surname="Kanarie"), "postcode": HAARLEM}, {**row(surname="Mus"), "postcode": NOWHERE}
    desk.deliver("stroom", "2021-03", [of_haarlem, of_nobody, *rows_of(ZANDVOORT)])
    assert divided(desk.home).delivered == 2
    assert not holding(town(desk, "zandvoort"), b"Kanarie", b"Mus")
    assert not holding(town(desk, "haarlem"), b"Mus")
    (archived,) = (path for path in desk.home.archive.rglob("*") if path.is_file())
    assert archived.stat().st_mode & 0o077 == 0
    assert divided(desk.home, days_later=1).removed == 0
    assert holding(desk.home.root, b"Kanarie")
    assert divided(desk.home, days_later=2).removed == 1
    assert not holding(desk.home.root, b"Kanarie", b"Mus", row()["surname"].encode())
    desk.deliver("stroom", "2021-03", [of_haarlem, of_nobody, *rows_of(ZANDVOORT)])
    assert divided(desk.home, days_later=3).files == 0
    assert not holding(desk.home.root, b"Kanarie", b"Mus")


def holding(folder: Path, *canaries: bytes) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(canary in path.read_bytes() for canary in canaries)]


def test_a_town_that_is_away_gets_its_rows_later_and_keeps_no_other_waiting(desk: World) -> None:
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM, ZANDVOORT))
    (town(desk, "zandvoort") / "inbox").rename(town(desk, "zandvoort") / "away")
    outcome = divided(desk.home)
    assert [problem.split(", ", 1)[1].split(",")[0] for problem in outcome.problems] == [
        f"{next(all_notes(desk.home)).sha256[:12]}: 1 rows of zandvoort not delivered yet"
    ]
    assert references(desk, "haarlem") == ["R1"]
    delivered(desk, "haarlem")[0].unlink()
    assert divided(desk.home, days_later=9).removed == 0
    (town(desk, "zandvoort") / "away").rename(town(desk, "zandvoort") / "inbox")
    assert divided(desk.home, days_later=9).problems == []
    assert (references(desk, "haarlem"), references(desk, "zandvoort")) == ([], ["R2"])


def test_a_town_that_is_away_too_long_is_given_up_and_its_rows_are_told_back(desk: World) -> None:
    path = desk.deliver("stroom", "2021-03", rows_of(HAARLEM, NOWHERE, ZANDVOORT))
    (town(desk, "zandvoort") / "inbox").rename(town(desk, "zandvoort") / "away")
    assert divided(desk.home).waiting == 1
    assert divided(desk.home, days_later=13.9).removed == 0
    outcome = divided(desk.home, days_later=14)
    assert (outcome.undelivered, outcome.removed) == (1, 1)
    assert len(outcome.problems) == 1
    assert not path.exists()
    (note,) = all_notes(desk.home)
    assert note.row_count == sum(note.rows.values()) + note.told_back + note.undelivered == 3
    (told,) = desk.home.outbox.rglob("terugmelding_*.csv")
    assert told.read_text("utf-8-sig").splitlines() == [
        "rij onder de kop;reden", "2;gemeente is niet te bepalen",
        "3;niet bezorgd, de gemeente was onbereikbaar: lever het bestand opnieuw aan",
    ]  # fmt: skip
    assert not holding(desk.home.root, b"R1;", row()["surname"].encode())
    # Which the sender does.
    (town(desk, "zandvoort") / "away").rename(town(desk, "zandvoort") / "inbox")
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM, NOWHERE, ZANDVOORT))
    assert divided(desk.home, days_later=15).problems == []
    assert (references(desk, "haarlem"), references(desk, "zandvoort")) == (["R1"], ["R3"])
    assert len(told.read_text("utf-8-sig").splitlines()) == 2


def test_a_town_whose_folder_is_mended_in_the_settings_gets_what_waits(desk: World) -> None:
    towns = {"0392": str(town(desk, "haarlem")), "0473": str(town(desk, "zandvort"))}
    desk.settings(front_desk={"towns": towns})
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM, ZANDVOORT))
    assert divided(desk.home).waiting == 1
    desk.settings(front_desk={"towns": towns | {"0473": str(town(desk, "zandvoort"))}})
    assert divided(desk.home, days_later=1).waiting == 0
    assert references(desk, "zandvoort") == ["R2"]


def test_what_cannot_be_divided_is_told_and_keeps_nothing_else_waiting(desk: World) -> None:
    desk.deliver("stroom", "2021-03", b"\x00\x01\x02", name="kapot.csv")
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM))
    outcome = divided(desk.home)
    assert outcome.files == 1
    assert [text.split(": ")[1].split(",")[0] for text in outcome.problems] == ["not divided"]
    told = [path.read_text("utf-8-sig") for path in desk.home.outbox.rglob("terugmelding_*.csv")]
    assert ["niet verdeeld: " in text.splitlines()[1] for text in told] == [True]
    assert divided(desk.home, days_later=2).removed == 1
    assert divided(desk.home, days_later=14).removed == 1
    assert [path for path in desk.home.inbox.rglob("*") if path.is_file()] == []


def test_what_nobody_reads_is_told_at_once_and_goes_after_its_term(desk: World) -> None:
    desk.deliver("mevrouw Kanarie", "2021-03", rows_of(HAARLEM))
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM), folder="withdrawals")
    desk.deliver("stroom", "2021-03", rows_of(ZANDVOORT), name="levering.csv.part")
    (desk.home.inbox / "stroom" / "los.csv").write_bytes(as_csv(rows_of(HAARLEM)))
    (desk.home.inbox / "los.csv").write_bytes(as_csv(rows_of(HAARLEM)))
    # Where an agreement comes for it in time, it is a file as any.
    of_gas = desk.deliver("gas", "2021-03", rows_of(ZANDVOORT))
    assert [told.split(";")[0] for told in divided(desk.home).problems] == [
        "inbox: 2 files in no month's folder of a sender: move them to inbox/SENDER/YYYY-MM/",
        "inbox: 2 files of a sender without an agreement: add agreements/SENDER.yaml",
        "inbox: 1 file with withdrawals or confirmations: each town takes its own",
    ]
    desk.agree("gas", type="Energie", municipalities=["0392", "0473"])
    (unfinished,) = [told for told in divided(desk.home, days_later=1).problems if "still being written" in told]
    assert "the first was seen 01-01-2022, each is removed 14 days after it was" in unfinished
    assert references(desk, "zandvoort") == ["R1"]
    assert divided(desk.home, days_later=13.9).removed_unread == 0
    assert divided(desk.home, days_later=14).removed_unread == 5
    assert [path for path in desk.home.inbox.rglob("*") if path.is_file()] == []
    assert not of_gas.exists()
    assert divided(desk.home, days_later=14).problems == []
    assert not holding(desk.home.root, b"Kanarie", row()["surname"].encode())


def test_a_workbook_is_divided_with_its_numbers_and_dates(desk: World) -> None:
    desk.agree("stroom", type="Energie", municipalities=["0392", "0473"], delivery={"format": "xlsx"})
    content, rows = io.BytesIO(), rows_of(HAARLEM, ZANDVOORT)
    with xlsxwriter.Workbook(content, {"in_memory": True}) as workbook:
        sheet, day = workbook.add_worksheet(), workbook.add_format({"num_format": "dd-mm-yyyy"})
        sheet.write_row(0, 0, [name.title() for name in rows[0]])
        for down, each in enumerate(rows, start=1):
            for along, (name, text) in enumerate(each.items()):
                if name == "arrears_since":
                    sheet.write_datetime(down, along, date(2021, 1, 2), day)
                elif name == "amount_due":
                    sheet.write_number(down, along, 123.45)
                else:
                    sheet.write_string(down, along, text)
    desk.deliver("stroom", "2021-03", content.getvalue(), name="levering.xlsx")
    assert divided(desk.home).problems == []
    (part,) = delivered(desk, "zandvoort")
    (first,) = CalamineWorkbook.from_path(part).get_sheet_by_index(0).to_python()[1:]
    names = list(rows[0])
    assert first[names.index("customer_reference")] == "R2"
    assert first[names.index("amount_due")] == 123.45
    assert first[names.index("arrears_since")] == date(2021, 1, 2)


def test_whenever_it_is_killed_each_row_arrives_once(desk: World) -> None:
    rows = rows_of(HAARLEM, ZANDVOORT, NOWHERE)
    kills = 0
    for event in range(0, 60, 3):
        name = f"levering_spoed_{event}.csv"
        marked = [{**each, "customer_reference": f"E{event}{each['customer_reference']}"} for each in rows]
        desk.deliver("stroom", "2021-03", marked, name=name)
        kills += (was_killed := killed_at_event(event, partial(divided, desk.home)))
        assert divided(desk.home).problems == []
        for place, number in (("haarlem", 1), ("zandvoort", 2)):
            assert references(desk, place).count(f"E{event}R{number}") == 1
            assert [path for path in delivered(desk, place) if path.suffix == ".tmp"] == []
        if not was_killed:
            break
    assert kills >= 3
    assert divided(desk.home, days_later=2).removed == len(list(all_notes(desk.home)))
    # Not in what a killed process was writing, either.
    assert not holding(desk.home.root, b"R1;", b"R2;", b"R3;", row()["surname"].encode())


def test_the_command_says_counts_and_a_dry_run_changes_nothing(desk: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VROEG_HOME", str(desk.home.root))
    desk.deliver("stroom", "2021-03", as_csv(rows_of(HAARLEM, NOWHERE)))
    dry = CliRunner().invoke(app, ["front-desk", "--dry-run"])
    assert "1 files would be divided: 2 rows came, 1 to towns, 1 told back" in dry.output
    assert (delivered(desk, "haarlem"), list(all_notes(desk.home))) == ([], [])
    assert CliRunner().invoke(app, ["front-desk"]).exit_code == 0
    (line,) = read_log(desk.home)
    assert "vroeg front-desk" in str(line)
    assert "told_back" in str(line)


def test_without_towns_it_is_no_front_desk(world: World) -> None:
    with pytest.raises(VroegError, match="field 'front_desk' is expected"):
        divided(world.home)


def test_a_long_name_keeps_its_ending(tmp_path: Path) -> None:
    note = Note("stroom", "2021-03", "a1" * 32, f"{'é' * 120}.csv", 0, "")
    assert note.part_name.endswith(".csv")
    (tmp_path / f".{note.part_name}.tmp").touch()
    assert len(os.fsencode(replace(note, name="kort.csv").part_name)) == len("kort-") + 12 + len(".csv")


def test_a_postcode_of_two_municipalities_is_not_guessed(desk: World) -> None:
    header = "postcode4_from,postcode4_to,gemeentecode"
    desk.reference("municipalities.csv", header, "2011,2037,0392", "2030,2042,0473")
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM))
    with pytest.raises(VroegError, match=r"municipalities.csv line 3: 2030 is of 0392 too"):
        divided(desk.home)


def test_what_is_noted_of_a_file_that_is_gone_tells_no_name(desk: World) -> None:
    desk.deliver("stroom", "2021-03", rows_of(HAARLEM), name="mevrouw Kanariegeel.csv")
    divided(desk.home)
    divided(desk.home, days_later=3)
    notes = [path.read_text("utf-8") for path in (desk.home.root / "divided").rglob("*.json")]
    assert notes
    assert not any("Kanariegeel" in note for note in notes)


def told_by(world: World) -> list[dict[str, Any]]:
    """What a town's own rules made of the rows, but for what tells of the file."""
    world.make("2021-03", upto="validated_signals")
    of_file = ("signal_id", "file_sha256", "row_number", "received_at", "first_received_at", "crisis_received_at")
    told = [*world.table("validated_signals"), *world.table("rejected_rows")]
    return sorted(({k: v for k, v in each.items() if k not in of_file} for each in told), key=str)


def workbook(rows: Sequence[Mapping[str, object]]) -> bytes:
    names = [name.title() for name in row()]
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(names)
    for each in rows:
        sheet.append([each.get(name.lower(), "") for name in names])
    sheet["A1"].comment = Comment("Kanarie", "Kanarie")
    book.properties.creator = "Kanarie"
    hidden = book.create_sheet("Kanarie")
    hidden.append(["Kanarie"])
    hidden.sheet_state = "hidden"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def fixed(rows: Sequence[Mapping[str, object]]) -> bytes:
    """Without blanks behind a line, so that not all are as long."""
    lines = ["".join(f"{each[name]:{WIDTH}}" for name in row()).rstrip() for each in rows]
    return "\n".join(["overzicht", *lines]).encode("cp1252")


def xml(rows: Sequence[Mapping[str, object]]) -> bytes:
    root = ElementTree.Element("levering")
    ElementTree.SubElement(root, "contact").text = "Kanarie"
    within = ElementTree.SubElement(root, "signalen")
    for each in rows:
        within.append(ElementTree.Comment("Kanarie"))
        record = ElementTree.SubElement(within, "signaal", id=str(each["customer_reference"]))
        client = ElementTree.SubElement(record, "klant")
        for name, value in each.items():
            if name != "customer_reference":
                ElementTree.SubElement(client, name.title()).text = str(value)
    return ElementTree.tostring(root, encoding="iso-8859-1").replace(b"^", b"&#13;")


def in_json(rows: Sequence[Mapping[str, object]], shape: str) -> bytes:
    records = [{"Customer_Reference": each["customer_reference"], "klant": dict(each)} for each in rows]
    if shape == "jsonl":
        return "\n".join(json.dumps(record | {"notitie": "half a character: \ud83d"}) for record in records).encode()
    return json.dumps({"contact": "Kanarie", "levering": {"signalen": records}}, ensure_ascii=False).encode()


def zipped(content: bytes) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as container:
        container.writestr("Kanarie/", b"")
        container.writestr("__MACOSX/Kanarie", b"Kanarie")
        container.writestr("van mevrouw Kanarie", content)
    return whole.getvalue()


def by_place(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode()


def opened(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """All that is in a file, packed in it too, with the name that it has there."""
    yield b"", content
    if content.startswith(b"\x1f\x8b"):
        yield from opened(gzip.decompress(content))
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            for member in container.infolist():
                yield member.filename.encode(), b""
                yield from opened(container.read(member))


WIDTH = 30
OF_A_CLIENT: dict[str, Any] = {name: f"klant.{name.title()}" for name in row()}
GIVEN: list[dict[str, Any]] = [
    row(customer_reference="H1", amount_due="1.250,50"), row(customer_reference="H2", amount_due="veel"),
    row(customer_reference="H;3", surname="Café 'n <&> \"x\"", house_number="12-II"),
    row(customer_reference="Z1", postcode="2041AA", surname="Kanarie"), row(customer_reference="H4", surname=""),
]  # fmt: skip
BLANK: dict[str, Any] = dict.fromkeys(row(), "")
TYPED: list[dict[str, Any]] = [
    row() | {"customer_reference": "H5", "amount_due": 312.5, "reminder_sent": True},
    row() | {"customer_reference": "H6", "surname": True, "amount_due": 99},
]
DATED = [each | {"arrears_since": date(2021, 1, 1)} for each in TYPED]
# One that has a header, or the longest line, that none of the others has.
OTHER = row(customer_reference="Z2", postcode="2041AA", phone="0612345678", reminder_sent=f"ja{'.' * WIDTH}")
FORMS: dict[str, tuple[dict[str, Any], bytes, dict[str, Any]]] = {
    "csv": ({}, as_csv([*GIVEN, BLANK, GIVEN[0] | {"customer_reference": "H7", "phone": "'0612345678"}]), {}),
    "csv_in_utf16": ({"encoding": "utf-16"}, as_csv(GIVEN).decode().encode("utf-16"), {}),
    "csv_in_gz": (
        {"packed": "gz", "encoding": "auto", "header_row": 2},
        gzip.compress(b"overzicht\n" + as_csv(GIVEN).decode().encode("cp1252")), {}
    ),
    "csv_by_place": (
        {"header_row": 0}, by_place([[*GIVEN[3].values(), "0612345678"], *(each.values() for each in GIVEN)]),
        {name: at for at, name in enumerate([*row(), "phone"], start=1)},
    ),
    "xlsx": ({"format": "xlsx"}, workbook([*GIVEN, *DATED]), {}),
    "xlsx_in_zip": ({"format": "xlsx", "packed": "zip"}, zipped(workbook([*DATED, *GIVEN])), {}),
    "fixed": (
        {"format": "fixed", "skip_rows": 1, "encoding": "cp1252"},
        fixed([*(each | {"reminder_sent": ""} for each in GIVEN), OTHER]),
        {name: f"{at * WIDTH + 1}-{(at + 1) * WIDTH}" for at, name in enumerate(row())},
    ),
    "json": (
        {"format": "json", "records_at": "levering.signalen"}, in_json([OTHER, *GIVEN, BLANK, *TYPED], "json"),
        OF_A_CLIENT | {"customer_reference": "Customer_Reference", "phone": "klant.phone"},
    ),
    "jsonl_in_zip": (
        {"format": "jsonl", "packed": "zip"}, zipped(in_json([*TYPED, OTHER, *GIVEN], "jsonl")), OF_A_CLIENT,
    ),
    "xml": (
        {"format": "xml", "records_at": "levering.signalen.signaal"},
        xml([*GIVEN, BLANK, OTHER, row(customer_reference="H8\n9", surname="Van^Dijk")]),
        OF_A_CLIENT | {"customer_reference": "@id", "phone": ["klant.telefoon", "klant.phone"]},
    ),
}  # fmt: skip


def test_a_town_judges_its_part_as_it_would_judge_the_file(tmp_path: Path) -> None:
    alone, of_town, desk = (World(tmp_path / name) for name in ("alone", "town", "desk"))
    (tmp_path / "other/inbox").mkdir(parents=True)
    desk.settings(front_desk={"towns": {"0392": str(of_town.root), "0473": str(tmp_path / "other")}})
    for form, (delivery, content, columns) in FORMS.items():
        for world in (alone, of_town, desk):
            world.agree(form, delivery=delivery, **({"columns": columns} if columns else {}))
        for world in (alone, desk):
            world.deliver(form, "2021-03", content, name="levering.csv.gz")
    assert divided(desk.home).problems == []
    parts = {path.parent.parent.name: path for path in (of_town.home.inbox).rglob("*.csv.gz")}
    assert parts.keys() == FORMS.keys()
    for path in parts.values():
        assert not {name for name, content in opened(path.read_bytes()) if b"Kanarie" in name + content}
    expected, told = told_by(alone), told_by(of_town)
    assert {each["partner"] for each in told} == FORMS.keys()
    assert told == [each for each in expected if not str(each["customer_reference"]).startswith("Z")]


def test_a_sender_of_several_partners_is_divided_too(tmp_path: Path) -> None:
    of_town, desk = World(tmp_path / "town"), World(tmp_path / "desk")
    for world in (of_town, desk):
        world.agree_sender("portaal", {"Huur BV": "huur"})
        world.agree_delivered("huur", "portaal")
    desk.settings(front_desk={"towns": {"0392": str(of_town.root)}})
    header = [*(name.title() for name in row()), "Instantie"]
    codes = enumerate(("2021AB", "2041AA"), 1)
    lines = [[*row(postcode=code, customer_reference=f"K{n}").values(), "Huur BV"] for n, code in codes]
    desk.deliver("portaal", "2021-03", "\n".join(";".join(line) for line in [header, *lines]).encode())
    assert divided(desk.home).told_back == 1
    of_town.make("2021-03", upto="validated_signals")
    signals = of_town.table("validated_signals")
    assert [(each["partner"], each["customer_reference"]) for each in signals] == [("huur", "K1")]
