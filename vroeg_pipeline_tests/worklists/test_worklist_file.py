"""The worklist as a team gets it, read back with another library and opened with LibreOffice."""

from __future__ import annotations

import re
import stat
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
    COLUMNS,
    WorklistEntry,
    WorklistHeading,
    worklist_file_name,
    worklist_title,
    write_worklist,
)
from vroeg_pipeline_tests.kit.paper import printed

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
    attention="warme overdracht aangeboden; bekend bij wijkteam",
    last_time="13-02 huisbezoek, niet bereikt",
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
    assert (line["Telefoon"], line["E-mail"]) == ("0612345678", "a@voorbeeld.example")
    assert line["Waarom"] == ENTRY.explanation
    assert line["Let op"] == "Warme overdracht aangeboden\nBekend bij wijkteam"
    assert line["Vorige keer"] == "13-02 huisbezoek, niet bereikt"
    assert line["Partners en bedragen"] == "Pré Wonen €\u00a01.234,56\nYmere €\u00a080,00"
    assert line["Totaal"] == "€ 1.314,56"
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
    assert sheet.auto_filter.ref == "A5:T7"
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
        # No link but to a phone number.
        assert {cell.hyperlink.target for cell in cells if cell.hyperlink} <= {"tel:0612345678", "tel:+31612345678"}
    shown = each["Werklijst"].cell(HEADER_ROW + 1, 6)
    assert shown.value == text.replace("\r", "\n").replace("\x01", "\ufffd")
    if text[0] in "=+-@\t\r\x01":
        # Edited or saved as CSV it must stay text too.
        assert shown.quotePrefix


def test_withdrawn_lines_stand_apart(tmp_path: Path) -> None:
    book = written(tmp_path, ENTRY, WITHDRAWN, heading=replace(HEADING, issue=2))
    assert book.sheetnames[:2] == ["Werklijst", "Ingetrokken"]
    assert "aanvulling" in book["Werklijst"]["A2"].value
    assert book["Werklijst"]["A4"].value is None
    texts = [str(cell.value) for line in book["Ingetrokken"].iter_rows() for cell in line if cell.value]
    assert any("2021 AB" in text for text in texts)
    assert not any("Testman" in text for text in texts)


@pytest.mark.parametrize(("withdrawn", "said"), [(1, "1 adres is vervallen"), (2, "2 adressen zijn vervallen")])
def test_what_was_withdrawn_is_said_in_red_on_the_first_sheet(tmp_path: Path, withdrawn: int, said: str) -> None:
    heading = replace(HEADING, issue=2, withdrawn=withdrawn)
    mixed = written(tmp_path, ENTRY, *[WITHDRAWN] * withdrawn, heading=heading)
    assert said in mixed["Werklijst"]["A4"].value
    assert mixed["Werklijst"]["A4"].font.color.rgb == "FF9C0006"
    only = written(tmp_path, *[WITHDRAWN] * withdrawn, heading=heading)
    assert only.sheetnames[0] == only.active.title == "Ingetrokken"
    assert only["Ingetrokken"]["A1"].font.color.rgb == "FF9C0006"
    assert only["Ingetrokken"].max_row == HEADER_ROW + withdrawn
    # A team may return it as it is.
    assert [cell.value for cell in only["Werklijst"][HEADER_ROW]][-1] == "Kenmerk (niet wijzigen)"


@pytest.mark.parametrize(
    ("phone", "link"),
    [
        ("06 - 12 34 56 78", "tel:0612345678"),
        ("+31612345678", "tel:+31612345678"),
        ("(023) 511-1111", "tel:0235111111"),
        ("0235111111; 0612345678", None),
        ("geen", None),
        ("", None),
        ("12", None),
        ("0612345678 (zoon)", None),
        ("+31612345678&A1", None),
    ],
)
def test_a_phone_number_can_be_clicked(tmp_path: Path, phone: str, link: str | None) -> None:
    cell = written(tmp_path, replace(ENTRY, phone=phone))["Werklijst"].cell(HEADER_ROW + 1, 7)
    assert (cell.hyperlink.target if cell.hyperlink else None) == link
    assert str(cell.value or "").split("\n") == phone.split("; ")


def test_no_mail_address_is_broken_in_a_word(tmp_path: Path) -> None:
    mails = ("kort@zorg.example", "voornaam.van.der.achternaam-meisjesnaam@afdeling.voorbeeld.example")
    (width,) = [width for header, width in COLUMNS if header == "E-mail"]
    shown = str(written(tmp_path, replace(ENTRY, email="; ".join(mails)))["Werklijst"].cell(HEADER_ROW + 1, 8).value)
    assert shown.split("\n")[0] == mails[0]
    assert shown.replace("\n", "") == "".join(mails)
    assert all(len(line) <= width * 1.1 and line[-1] in "@._-e" for line in shown.split("\n"))


def test_nothing_is_printed_in_less_than_eight_points(tmp_path: Path) -> None:
    sheet = written(tmp_path, ENTRY)["Werklijst"]
    first, last = sheet.print_area.split("!")[1].replace("$", "").split(":")
    printed = [cell for line in sheet[first:last] for cell in line]
    assert [cell.value for cell in sheet[HEADER_ROW] if cell in printed][-1] == "Totaal"
    assert min(cell.font.size for cell in printed if cell.value) * scale_on_paper(sheet) >= 8
    assert not sheet.HeaderFooter.scaleWithDoc


def scale_on_paper(sheet: Any) -> float:
    """How large a sheet comes out on A4."""
    last = sheet.print_area.split("!")[1].replace("$", "").split(":")[1]
    # Columns of one width that follow each other are kept together.
    kept = sheet.column_dimensions.values()
    widths = [each.width for each in kept for column in range(each.min, each.max + 1) if column <= sheet[last].column]
    # A column of n characters of Arial 10 is 7n + 5 pixels of 1/96 inch, as is kept; A4 has 297 mm of 25.4 mm an inch.
    inches = sum(7 * width for width in widths) / 96
    return min(1.0, (297 / 25.4 - sheet.page_margins.left - sheet.page_margins.right) / inches)


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


LONG = {
    "as they are": {
        "street": "Burgemeester van Reenenstraat-Noord",
        "residents": "J.P.M. van den Boogaard-Oudenaarden tot Westerwolde; A. Razafindrakotomanana",
        "city": "Nieuwerkerksetussenweg",
        "partners": "Woningbouwvereniging Noord-Kennemerland € 1.234,56; Pré Wonen € 80,00",
    },
    "in capitals": {"street": "NIEUWERKERKSETUSSENWEG", "residents": "A.B. WICKRAMASINGHEARACHCHI"},
    "thirty letters": {"street": "Achterkrommenieuwerkersewegen", "city": "Achterkrommenieuwerkersewegen"},
    "two of them": {"street": "Achterkrommenieuwerkersewegen", "residents": "A. van Achterkrommenieuwerkersewegen"},
}


@pytest.mark.parametrize("names", LONG.values(), ids=LONG)
def test_on_paper_no_name_or_street_is_broken_in_a_word(tmp_path: Path, names: dict[str, str]) -> None:
    path = tmp_path / "lijst.xlsx"
    write_worklist(path, HEADING, [ENTRY, replace(ENTRY, **names)], tmp_path / "scratch")
    sheet, *_ = openpyxl.load_workbook(path)
    assert scale_on_paper(sheet) * 10 >= 8
    page, *_ = text = printed(path).split("\f")
    # One page wide: the list, what it means, and what stands behind the last form feed.
    assert len(text) == 3
    words = re.findall("[^ -]+-?", " ".join(names.values()).replace(";", ""))
    assert [word for word in words if not re.search(rf"(?<!\w){re.escape(word)}", page)] == []


def test_on_paper_no_word_of_ours_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "lijst.xlsx"
    known = replace(ENTRY, attention="warme overdracht; bekend bij schulddienstverlening; nazorg (schuldhulpverlening)")
    write_worklist(path, HEADING, [known, replace(ENTRY, rank=2, residents="=1+1")], tmp_path / "scratch")
    text = printed(path)
    assert "Werklijst Wijkteam Noord" in text
    assert "=1+1" in text
    assert {"schulddienstverlening", "(schuldhulpverlening)"} <= set(text.split())
