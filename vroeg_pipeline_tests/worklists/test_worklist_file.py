"""The worklist as a team gets it, read back with another library and opened with LibreOffice."""

from __future__ import annotations

import shutil
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.tiers import TIERS
from vroeg_pipeline.worklists.worklist_file import (
    WorklistEntry,
    WorklistHeading,
    worklist_file_name,
    worklist_title,
    write_worklist,
)

HEADING = WorklistHeading(
    date(2021, 3, 1), "wijkteam_noord", 1, datetime(2021, 3, 9, 5, 0, tzinfo=UTC), ["Vattenfall", "Ymere"]
)
ENTRY = WorklistEntry(
    case_id="0123456789abcdef",
    change="added",
    rank=1,
    tier_name="rent",
    action="home_visit",
    over_capacity=False,
    deadline=date(2021, 3, 31),
    residents="A. Testman",
    street="Teststraat",
    postcode="2021AB",
    house_number="12A",
    city="Haarlem",
    phone="0612345678",
    email="a@voorbeeld.example",
    explanation="Huurachterstand; 1 partner (Huur)",
    partners="Pré Wonen € 1.234,56; Ymere € 80,00",
    total_amount=Decimal("1314.56"),
    longest_days=90,
    is_recidivist=False,
    known_to=None,
)
WITHDRAWN = replace(
    ENTRY, change="withdrawn", rank=None, tier_name=None, action=None, deadline=None, total_amount=None, residents=""
)
HEADER_ROW = 5


def written(folder: Path, *entries: WorklistEntry, heading: WorklistHeading = HEADING) -> Any:
    path = folder / "lijst.xlsx"
    assert write_worklist(path, heading, entries, folder / "scratch") == len(entries)
    return openpyxl.load_workbook(path)


def test_a_line_has_who_where_why_what_and_before_when(tmp_path: Path) -> None:
    sheet = written(tmp_path, ENTRY)["Werklijst"]
    headers = [cell.value for cell in sheet[HEADER_ROW]]
    line = dict(zip(headers, [cell.value for cell in sheet[HEADER_ROW + 1]], strict=True))
    assert line["Nr"] == 1
    assert line["Prioriteit"] == "Huur"
    assert line["Eerst doen"] == "Huisbezoek"
    assert line["Uiterlijk"] == datetime(2021, 3, 31)  # noqa: DTZ001
    assert line["Adres"] == "Teststraat 12A\n2021 AB Haarlem"
    assert line["Bewoner(s)"] == "A. Testman"
    assert line["Telefoon en e-mail"] == "0612345678\na@voorbeeld.example"
    assert line["Waarom"] == ENTRY.explanation
    assert line["Partners en bedragen"] == "Pré Wonen € 1.234,56\nYmere € 80,00"
    assert line["Totaal"] == pytest.approx(1314.56)
    assert line["Kenmerk (niet wijzigen)"] == ENTRY.case_id
    assert line["Poging"] == 1
    to_fill = ("Soort contact", "Bereikt", "Datum contact", "Dagdeel", "Eindresultaat", "Opmerking")
    assert [line[name] for name in to_fill] == [None] * 6


def test_the_title_says_the_month_and_who_is_missing(tmp_path: Path) -> None:
    sheet = written(tmp_path, ENTRY)["Werklijst"]
    assert sheet["A1"].value == "Werklijst Wijkteam Noord – maart 2021"
    assert sheet["A2"].value == "Uitgifte 1 (eerste uitgifte), gemaakt op 09-03-2021 06:00"
    assert sheet["A3"].value == "Niet ontvangen deze maand: Vattenfall, Ymere"
    complete = written(tmp_path, ENTRY, heading=replace(HEADING, missing_partners=[]))["Werklijst"]
    assert complete["A3"].value == "Alle partners hebben deze maand geleverd."


def test_it_is_made_to_be_worked_with(tmp_path: Path) -> None:
    book = written(tmp_path, ENTRY, replace(ENTRY, rank=2))
    sheet = book["Werklijst"]
    assert sheet.freeze_panes == "F6"
    assert sheet.auto_filter.ref == "A5:Q7"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.print_title_rows == "$5:$5"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert "Vertrouwelijk" in sheet.oddFooter.left.text
    assert book["Lijsten"].sheet_state == "veryHidden"


def test_the_sheet_beside_it_explains_each_tier_as_lines_name_it(tmp_path: Path) -> None:
    entries = [replace(ENTRY, tier_name=tier.name) for tier in TIERS]
    book = written(tmp_path, *entries)
    explained = [(word.value, meaning.value) for word, meaning in book["Uitleg"].iter_rows(min_row=2, max_row=7)]
    assert explained == [
        ("CRISIS", "Afsluiting of ontruiming is aangekondigd. Binnen 3 werkdagen contact."),
        ("Huur + meer", "Huurachterstand en een melding van nog een partner. Huisbezoek."),
        ("Huur", "Alleen huurachterstand. Huisbezoek."),
        ("Meervoudig", "Twee of meer partners, geen huur. Bellen."),
        ("Enkel, hoog", "Eén partner, hoog bedrag. Bellen."),
        ("Enkelvoudig", "Eén partner. Brief."),
    ]
    named = [book["Werklijst"].cell(HEADER_ROW + at, 2).value for at in range(1, len(TIERS) + 1)]
    assert named == [title for title, _ in explained]


def test_drop_down_lists_are_those_of_ddas(tmp_path: Path) -> None:
    book = written(tmp_path, ENTRY)
    validations = book["Werklijst"].data_validations.dataValidation
    lists = {}
    for validation in validations:
        if validation.type == "list":
            title, cells = validation.formula1.removeprefix("=").split("!")
            values = tuple(cell.value for (cell,) in book[title.strip("'")][cells.replace("$", "")])
            header = book["Werklijst"].cell(HEADER_ROW, next(iter(validation.sqref.ranges)).min_col).value
            lists[header] = values
    assert lists == {
        "Soort contact": EnumContactsoort,
        "Bereikt": ("Ja", "Nee"),
        "Dagdeel": EnumDagdeel,
        "Eindresultaat": EnumEindresultaat,
    }
    assert any(validation.type == "date" for validation in validations)


HOSTILE = (
    "=1+1",
    "+31612345678",
    "-5",
    "@SUM(A1)",
    "\tx",
    "\rx",
    '=HYPERLINK("http://x")',
    "\x01y",
    "{=1}",
    "http://x",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_never_becomes_a_formula(tmp_path: Path, text: str) -> None:
    fields = dict.fromkeys(("residents", "street", "phone", "explanation", "partners", "city"), text)
    book = written(tmp_path, replace(ENTRY, **fields), replace(WITHDRAWN, street=text, city=text))
    heading = replace(HEADING, missing_partners=[text])
    for each in (book, written(tmp_path, replace(ENTRY, residents=text), heading=heading)):
        cells = [cell for sheet in each for line in sheet.iter_rows() for cell in line]
        assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
        assert not any(cell.hyperlink for cell in cells)
    shown = each["Werklijst"].cell(HEADER_ROW + 1, 6)
    assert shown.value == text.replace("\r", "\n").replace("\x01", "\ufffd")
    if text[0] in "=+-@\t\r\x01":
        # Edited or saved as CSV it must stay text too.
        assert shown.quotePrefix


def test_withdrawn_lines_stand_apart(tmp_path: Path) -> None:
    book = written(tmp_path, ENTRY, WITHDRAWN, heading=replace(HEADING, issue=2))
    assert book.sheetnames[:2] == ["Werklijst", "Ingetrokken"]
    assert "aanvulling" in book["Werklijst"]["A2"].value
    texts = [str(cell.value) for line in book["Ingetrokken"].iter_rows() for cell in line if cell.value]
    assert any("2021 AB" in text for text in texts)
    assert not any("Testman" in text for text in texts)


def test_a_long_list_goes_on_in_the_next_sheet(tmp_path: Path) -> None:
    entries = [replace(ENTRY, rank=rank) for rank in range(1, 8)]
    path = tmp_path / "lijst.xlsx"
    assert write_worklist(path, HEADING, entries, tmp_path / "scratch", rows_a_sheet=3) == 7
    book = openpyxl.load_workbook(path)
    names = [name for name in book.sheetnames if name.startswith("Werklijst")]
    ranks = [book[name].cell(row, 1).value for name in names for row in range(HEADER_ROW + 1, book[name].max_row + 1)]
    assert ranks == [1, 2, 3, 4, 5, 6, 7]


def test_the_same_list_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("een.xlsx", "twee.xlsx"):
        write_worklist(tmp_path / name, HEADING, [ENTRY, WITHDRAWN], tmp_path / "scratch")
    assert (tmp_path / "een.xlsx").read_bytes() == (tmp_path / "twee.xlsx").read_bytes()


def test_it_appears_whole_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "lijst.xlsx"

    def breaks() -> Any:
        yield ENTRY
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError):
        write_worklist(path, HEADING, breaks(), tmp_path / "scratch")
    assert [p.name for p in tmp_path.iterdir()] in (["scratch"], [])
    write_worklist(path, HEADING, [ENTRY], tmp_path / "scratch")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list((tmp_path / "scratch").iterdir()) == []


def test_names_tell_nothing_of_people() -> None:
    name = worklist_file_name(date(2021, 3, 1), "wijkteam_noord", 2)
    assert name == "werklijst_2021-03_wijkteam-noord_uitgifte-2.xlsx"
    assert [worklist_title(w) for w in ("wijkteam_noord", "budgetcoach", "lichte_opvolging")] == [
        "Wijkteam Noord",
        "Budgetcoach",
        "Lichte opvolging",
    ]


def test_libreoffice_opens_it(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    path = tmp_path / "lijst.xlsx"
    write_worklist(path, HEADING, [ENTRY, replace(ENTRY, rank=2, residents="=1+1")], tmp_path / "scratch")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    convert = [
        office,
        "--headless",
        profile,
        "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76",
        "--outdir",
        str(tmp_path),
        str(path),
    ]
    subprocess.run(convert, check=True, capture_output=True, timeout=120)
    text = (tmp_path / "lijst.csv").read_text(encoding="utf-8")
    assert "Werklijst Wijkteam Noord" in text
    assert "=1+1" in text
