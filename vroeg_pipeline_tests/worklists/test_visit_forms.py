"""The forms that visitors take along, a page each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from vroeg_pipeline.cli.worklists import by_street
from vroeg_pipeline.worklists.visit_forms import write_forms
from vroeg_pipeline_tests.worklists.test_worklist_file import ENTRY, HEADING, HOSTILE, WITHDRAWN

HEIGHT_OF_A5 = 210 / 25.4 * 72


def written(folder: Path, *changes: dict[str, object]) -> openpyxl.Workbook:
    path = folder / "bezoeken.xlsx"
    write_forms(path, replace(HEADING, issue=None), [replace(ENTRY, **each) for each in changes], folder / "scratch")
    return openpyxl.load_workbook(path)


def test_a_form_says_who_where_and_what_to_have_in_mind_and_no_amount(tmp_path: Path) -> None:
    sheet = written(tmp_path, {})["Bezoeken"]
    said = {line[0].value: line[1].value for line in sheet.iter_rows(min_row=2) if line[0].value}
    assert said["Waar"] == "Teststraat 12A\n2021 AB Haarlem"
    assert said["Wie"] == "A. Testman"
    assert said["Bereikbaar"] == "0612345678\na@voorbeeld.example"
    assert said["Let op"] == "Warme overdracht aangeboden\nBekend bij wijkteam"
    assert said["Vorige keer"] == "13-02 huisbezoek, niet bereikt"
    assert said["Bezoek"] == "Nr 1 · Huur · Huisbezoek · uiterlijk 31-03-2021"
    everything = " ".join(str(cell.value) for line in sheet.iter_rows() for cell in line)
    assert "Kenmerk 0123456789abcdef" in everything
    assert not [word for word in ("€", "Pré Wonen", "1.234") if word in everything]
    assert "Let op" not in {c.value for c in written(tmp_path, {"attention": "", "last_time": ""})["Bezoeken"]["A"]}


def test_each_visit_has_a_page_of_a5(tmp_path: Path) -> None:
    long = {
        "residents": "J.P. van der Meulen-Achterberg; A. Testman",
        "attention": "warme overdracht aangeboden; mogelijk een nieuwe bewoner, daarom behandeld als nieuw adres",
        "last_time": "13-02 huisbezoek, niet bereikt; in totaal 3 pogingen; Geen reactie na eerder contact",
    }
    book = written(tmp_path, {}, long, {"action": "phone"}, {"attention": "", "email": ""})
    sheet = book["Bezoeken"]
    assert sheet.page_setup.paperSize == 11
    assert not sheet.sheet_properties.pageSetUpPr.fitToPage  # Excel has no page breaks where it fits a sheet to pages
    breaks = [each.id for each in sheet.row_breaks.brk]
    assert len(breaks) == 2
    margins = (sheet.page_margins.top + sheet.page_margins.bottom) * 72
    for first, last in zip([0, *breaks], [*breaks, sheet.max_row], strict=True):
        heights = [sheet.row_dimensions[row].height or 12.75 for row in range(first + 1, last + 1)]
        assert 0.7 * (HEIGHT_OF_A5 - margins) < sum(heights) < HEIGHT_OF_A5 - margins
    # A column of n characters of Arial 10 is up to 7.5n + 5 pixels of 1/96 inch.
    width = sum(7.5 * sheet.column_dimensions[letter].width + 5 for letter in "AB") / 96
    assert width < 148 / 25.4 - sheet.page_margins.left - sheet.page_margins.right
    assert min(cell.font.size for line in sheet.iter_rows() for cell in line if cell.value) >= 8


def test_letters_are_smaller_where_a_word_would_be_broken(tmp_path: Path) -> None:
    long = {"street": "Achterkrommenieuwerkersewegen", "residents": "A. van den Boogaard-Oudenaarden tot Westerwolde"}
    first, second = (written(tmp_path, each)["Bezoeken"] for each in ({}, long))
    assert [first["B3"].font.size, first["B4"].font.size] == [16, 16]
    assert [second["B3"].font.size, second["B4"].font.size] == [12, 16]
    # Two lines of that size.
    assert second.row_dimensions[4].height > 2 * 16 * 1.15


def test_many_visits_go_on_in_the_next_sheet(tmp_path: Path) -> None:
    assert written(tmp_path, *[{}] * 1_001).sheetnames == ["Bezoeken", "Bezoeken (2)"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_never_becomes_a_formula(tmp_path: Path, text: str) -> None:
    fields = ("residents", "street", "phone", "email", "attention", "last_time", "city")
    sheet = written(tmp_path, dict.fromkeys(fields, text))["Bezoeken"]
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "n"}


def test_sorted_by_street() -> None:
    places = [("Zuidweg", "2"), ("dorpsstraat", "10"), ("Dorpsstraat", "9"), ("Dorpsstraat", "9A"), ("", "1")]
    entries = [replace(ENTRY, street=street, house_number=number) for street, number in places]
    found = [(entry.street, entry.house_number) for entry in sorted([*entries, WITHDRAWN], key=by_street)]
    assert found == [
        ("", "1"), ("Dorpsstraat", "9"), ("Dorpsstraat", "9A"), ("dorpsstraat", "10"), ("Teststraat", "12A"),
        ("Zuidweg", "2"),
    ]  # fmt: skip
