"""What teams return: read whatever was done to the file, refused row by row where it cannot be, and nothing double."""

from __future__ import annotations

import io
import shutil
import stat
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from vroeg_pipeline.outcomes.columns import OUTCOME_COLUMNS, REFUSALS
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.returned import (
    HEADER_ROW,
    Told,
    as_csv,
    attempts,
    case_ids,
    columns,
    filled,
    hand_in,
    issued,
    reasons,
    refusals,
    resaved,
    results,
    settle,
    worklist,
)
from vroeg_pipeline_tests.kit.world import World, moment

DAY = datetime(2021, 3, 12)  # noqa: DTZ001
HELP = "Vervolghulp en/of verwijzing"
VISIT: Told = {"contact_kind": "Huisbezoek", "reached": "Nee", "contacted_on": DAY}
CALL: Told = {
    "attempt": 2, "contact_kind": "Telefoon", "reached": "Ja", "contacted_on": "15-03-2021", "day_part": "Avond",
    "end_result": HELP,
}  # fmt: skip
TOLD: dict[int, Sequence[Told]] = {
    1: [VISIT, CALL], 2: [{"end_result": "Inwoner is overleden"}], 3: [{**VISIT, "day_part": "Ochtend"}],
}  # fmt: skip
ATTEMPTS = [
    (1, 1, "Huisbezoek", False, "12-03-2021", None),
    (1, 2, "Telefoon", True, "15-03-2021", "Avond"),
    (3, 1, "Huisbezoek", False, "12-03-2021", "Ochtend"),
]
RESULTS = {1: HELP, 2: "Inwoner is overleden"}


@pytest.fixture
def town(world: World) -> World:
    return issued(world, 1, 2, 3, 4)


def changed(path: Path, change: Callable[[Worksheet, dict[str, int]], None]) -> Path:
    """The file after somebody changed its list."""
    book = openpyxl.load_workbook(path)
    change(book["Werklijst"], columns(book["Werklijst"]))
    book.save(path)
    return path


def lines(sheet: Worksheet) -> list[list[Any]]:
    return [[cell.value for cell in line] for line in sheet.iter_rows(min_row=HEADER_ROW + 1)]


def replies(world: World) -> list[Worksheet]:
    paths = sorted(world.home.outbox.rglob("terugmelding_*.xlsx"))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    return [openpyxl.load_workbook(path).worksheets[0] for path in paths]


def told_by(world: World, cells: Sequence[Told]) -> bytes:
    """A CSV about the first address, a row an attempt."""
    return as_csv([{"case_id": case_ids(world)[1], **each} for each in cells])


def test_a_filled_in_list_is_read(town: World, tmp_path: Path) -> None:
    hand_in(town, filled(worklist(town), tmp_path / "lijst.xlsx", TOLD))
    settle(town)
    assert (attempts(town), results(town), reasons(town)) == (ATTEMPTS, RESULTS, {})
    (file,) = town.table("outcome_files")
    assert (file["status"], file["row_count"], file["attempt_count"], file["refused_count"]) == ("accepted", 4, 3, 0)
    assert {(r["worklist"], r["ended_on"] and f"{r['ended_on']:%d-%m}") for r in town.table("case_results")} == {
        ("wijkteam_noord", "15-03"), ("wijkteam_noord", None),
    }  # fmt: skip
    assert replies(town) == []
    assert (town.home.archive / "outcomes/2021-03" / file["file_sha256"]).is_file()


def test_saved_again_by_libreoffice_sorted_and_filtered(town: World, tmp_path: Path) -> None:
    def sort(sheet: Worksheet, at: dict[str, int]) -> None:
        ordered = sorted(lines(sheet), key=lambda line: str(line[at["Kenmerk (niet wijzigen)"] - 1]))
        sheet.delete_rows(HEADER_ROW + 1, sheet.max_row)
        for number, line in enumerate(ordered, start=HEADER_ROW + 1):
            sheet.append(line)
            sheet.row_dimensions[number].hidden = number % 2 == 0
        sheet.delete_cols(at["Waarom"])

    path = changed(filled(worklist(town), tmp_path / "lijst.xlsx", TOLD), sort)
    hand_in(town, resaved(path, tmp_path))
    settle(town)
    assert (attempts(town), results(town), reasons(town)) == (ATTEMPTS, RESULTS, {})


def test_saved_as_csv_by_libreoffice(town: World, tmp_path: Path) -> None:
    path = filled(worklist(town), tmp_path / "lijst.xlsx", TOLD)
    hand_in(town, resaved(path, tmp_path, "csv"), name="lijst.csv")
    settle(town)
    assert (attempts(town), results(town), reasons(town)) == (ATTEMPTS, RESULTS, {})


def test_an_issued_list_that_libreoffice_saved_can_be_filled_in(town: World, tmp_path: Path) -> None:
    saved = resaved(worklist(town), tmp_path)
    hand_in(town, filled(saved, tmp_path / "lijst.xlsx", TOLD))
    settle(town)
    assert (attempts(town), results(town)) == (ATTEMPTS, RESULTS)


def test_two_halves_a_double_and_a_copy(town: World, tmp_path: Path) -> None:
    first = filled(worklist(town), tmp_path / "a.xlsx", {1: TOLD[1]})
    second = filled(worklist(town), tmp_path / "b.xlsx", {2: TOLD[2], 3: TOLD[3]}, keep_others=False)
    hand_in(town, first, name="a.xlsx")
    hand_in(town, second, name="b.xlsx", received="2021-03-26 10:00")
    hand_in(town, first, name="nog_eens.xlsx", received="2021-03-27 10:00")
    settle(town)
    assert (attempts(town), results(town)) == (ATTEMPTS, RESULTS)
    assert refusals(town) == {"a.xlsx": None, "b.xlsx": None}


def test_the_last_word_counts_and_an_empty_cell_wipes_nothing(town: World) -> None:
    hand_in(town, told_by(town, [{**VISIT, "contacted_on": "12-03-2021", "day_part": "Avond", "end_result": HELP}]))
    later = told_by(town, [{"contact_kind": "Kaartje", "contacted_on": "2021-03-13", "reached": ""}])
    hand_in(town, later, name="later.csv", received="2021-03-26 10:00")
    settle(town)
    assert attempts(town) == [(1, 1, "Kaartje", False, "13-03-2021", "Avond")]
    assert results(town) == {1: HELP}
    hand_in(
        town,
        told_by(town, [{"end_result": "Inwoner is overleden"}]),
        name="laatst.csv",
        received="2021-03-27 10:00",
    )
    settle(town)
    assert results(town) == {1: "Inwoner is overleden"}


def test_an_old_version_sent_again_replaces_nothing(town: World) -> None:
    old = told_by(town, [{"end_result": HELP}])
    hand_in(town, old, name="a.csv")
    hand_in(town, told_by(town, [{"end_result": "Inwoner is overleden"}]), name="b.csv", received="2021-03-26 10:00")
    hand_in(town, old, name="c.csv", received="2021-03-27 10:00")
    settle(town)
    assert results(town) == {1: "Inwoner is overleden"}


def test_what_was_taken_away_still_counts(town: World) -> None:
    path = hand_in(town, told_by(town, [{"end_result": HELP}]))
    settle(town)
    path.unlink()
    settle(town)
    assert results(town) == {1: HELP}


@pytest.mark.parametrize("unseen", ["\u200b", "\u3000", '=""'])
def test_what_nobody_sees_is_nothing_filled_in(town: World, unseen: str) -> None:
    hand_in(town, as_csv([{"case_id": case_ids(town)[1], "end_result": unseen}]))
    settle(town)
    assert town.table("outcome_files")[0]["row_count"] == 0


def test_nothing_filled_in_is_no_outcome(town: World) -> None:
    hand_in(town, worklist(town))
    settle(town)
    assert (attempts(town), results(town), reasons(town), replies(town)) == ([], {}, {}, [])
    assert town.table("outcome_files")[0]["row_count"] == 0


KIND = {"contact_kind": "Brief"}
REFUSED = [
    ({**KIND, "contacted_on": "gisteren"}, "Datum contact: is geen datum"),
    ({**KIND, "contacted_on": "31-02-2021"}, "Datum contact: is geen datum"),
    ({**KIND, "contacted_on": "15-03-21"}, "Datum contact: is geen datum"),
    ({**KIND, "contacted_on": "26-03-2021"}, "Datum contact: ligt na de dag"),
    ({**KIND, "contacted_on": "28-02-2021"}, "Datum contact: ligt voor de maand"),
    (KIND, "Datum contact: ontbreekt"),
    ({"contacted_on": "12-03-2021"}, "Soort contact: ontbreekt"),
    ({"contact_kind": "Aangebeld", "contacted_on": "12-03-2021"}, "Soort contact: staat niet in de lijst"),
    ({**KIND, "contacted_on": "12-03-2021", "reached": "misschien"}, "Bereikt: kies Ja of Nee"),
    ({**KIND, "contacted_on": "12-03-2021", "day_part": "Nacht"}, "Dagdeel: staat niet in de lijst"),
    ({"end_result": "Opgelost"}, "Eindresultaat: staat niet in de lijst"),
    ({"end_result": HELP, "attempt": "tweede"}, "Poging: is geen getal"),
    ({"end_result": HELP, "case_id": ""}, "Kenmerk: ontbreekt"),
    ({"end_result": HELP, "case_id": "0123456789abcdef"}, "Kenmerk: kennen wij niet"),
]


@pytest.mark.parametrize(("cells", "reason"), REFUSED)
def test_a_row_that_cannot_be_read_is_refused_and_the_rest_counts(town: World, cells: Told, reason: str) -> None:
    other = {"case_id": case_ids(town)[2], "end_result": "Inwoner is overleden"}
    hand_in(town, as_csv([{"case_id": case_ids(town)[1], **cells}, other]))
    settle(town)
    assert [len(found) for found in reasons(town).values()] == [1]
    assert reasons(town)[2][0].startswith(reason)
    assert (attempts(town), results(town)) == ([], {2: "Inwoner is overleden"})


@pytest.mark.parametrize("written", ["15-03-2021", "15/3/2021", "15.03.2021", " 2021-03-15 ", "2021-03-15T09:30:00"])
def test_dates_as_text_are_read(town: World, written: str) -> None:
    kind = {"contact_kind": " huis  bezoek ".replace("s  b", "sb"), "reached": "ja", "contacted_on": written}
    hand_in(town, told_by(town, [kind]))
    settle(town)
    assert attempts(town) == [(1, 1, "Huisbezoek", True, "15-03-2021", None)]


def test_an_attempt_that_was_copied_and_not_numbered_is_not_guessed(town: World) -> None:
    visit = {**VISIT, "contacted_on": "12-03-2021"}
    hand_in(town, told_by(town, [visit, {**visit, "contacted_on": "14-03-2021"}]))
    settle(town)
    assert attempts(town) == []
    assert all(found[0].startswith("Poging: staat twee keer") for found in reasons(town).values())
    hand_in(town, told_by(town, [visit, visit]), name="b.csv")
    settle(town)
    assert attempts(town) == [(1, 1, "Huisbezoek", False, "12-03-2021", None)]


def test_a_refused_row_goes_back_marked_and_comes_back_mended(town: World, tmp_path: Path) -> None:
    wrong = {1: [{**VISIT, "contacted_on": "vorige week"}], 2: [{"contact_kind": "Aangebeld", "end_result": HELP}]}
    hand_in(town, filled(worklist(town), tmp_path / "lijst.xlsx", {**wrong, 3: TOLD[3]}))
    settle(town)
    assert attempts(town) == ATTEMPTS[2:]
    (sheet,) = replies(town)
    header = next(line for line in sheet.iter_rows() if line[0].value == "Blad")
    at = {str(cell.value): cell.column for cell in header}
    assert set(OUTCOME_COLUMNS.values()) < set(at)
    rows = {
        str(sheet.cell(n, at["Adres"]).value).split("\n")[0]: n for n in range(header[0].row + 1, sheet.max_row + 1)
    }
    assert sheet.cell(rows["1"], at["Regel"]).value == "6"
    assert sheet.cell(rows["1"], at["Datum contact"]).value == "vorige week"
    marked = {
        (number, sheet.cell(header[0].row, cell.column).value)
        for number, line in rows.items()
        for cell in sheet[line]
        if cell.fill.fgColor.rgb == "FFFFC7CE"
    }
    assert marked == {("1", "Datum contact"), ("2", "Soort contact"), ("2", "Datum contact")}
    assert "staat niet in de lijst" in sheet.cell(rows["2"], at["Waarom niet gelezen"]).value
    # Whoever mends it chooses from the lists of the worklist, and sees every line of a cell.
    lists = {}
    for validation in sheet.data_validations.dataValidation:
        title, cells = validation.formula1.removeprefix("=").split("!")
        column = next(iter(validation.sqref.ranges)).min_col
        lists[str(header[column - 1].value)] = [cell.value for (cell,) in sheet.parent[title][cells.replace("$", "")]]
    assert set(lists) == {"Soort contact", "Bereikt", "Dagdeel", "Eindresultaat"}
    assert "Kaartje" in lists["Soort contact"]
    assert all(sheet.row_dimensions[number].height > 20 for number in rows.values())

    sheet.cell(rows["1"], at["Datum contact"]).value = "12-03-2021"
    sheet.cell(rows["2"], at["Soort contact"]).value = "Kaartje"
    sheet.cell(rows["2"], at["Datum contact"]).value = DAY
    sheet.parent.save(tmp_path / "verbeterd.xlsx")
    hand_in(town, tmp_path / "verbeterd.xlsx", name="verbeterd.xlsx", received="2021-03-26 10:00")
    settle(town)
    assert (attempts(town), results(town)) == (
        [ATTEMPTS[0], (2, 1, "Kaartje", None, "12-03-2021", None), ATTEMPTS[2]],
        {2: HELP},
    )


def test_formulas_and_merged_cells_are_refused_and_nothing_is_taken_from_them(town: World, tmp_path: Path) -> None:
    def change(sheet: Worksheet, at: dict[str, int]) -> None:
        first = HEADER_ROW + 1
        sheet.cell(first, at["Eindresultaat"]).value = f'=CONCATENATE("{HELP}","")'
        result = sheet.cell(first + 1, at["Eindresultaat"])
        result.value = HELP
        sheet.merge_cells(start_row=first + 1, end_row=first + 2, start_column=result.column, end_column=result.column)
        sheet.merge_cells(start_row=first + 3, end_row=first + 3, start_column=at["Adres"], end_column=at["Adres"] + 1)
        sheet.cell(first + 3, at["Eindresultaat"]).value = HELP
        sheet.cell(first + 6, at["Totaal"]).value = "=SUM(J6:J9)"

    path = changed(filled(worklist(town), tmp_path / "lijst.xlsx", {}), change)
    for saved in (path, resaved(path, tmp_path)):
        hand_in(town, saved, name=f"{saved.parent.name[:3]}.xlsx")
    settle(town)
    assert results(town) == {4: HELP}  # merged where nothing is read
    found = {(r["row_number"], reason) for r in town.table("refused_outcomes") for reason in r["reasons"]}
    merged = "Eindresultaat: samengevoegde cellen; splits ze en vul elke regel in"
    assert found == {
        (6, "Eindresultaat: bevat een formule; vul de waarde zelf in"), (7, merged), (8, merged),
    }  # fmt: skip
    assert len(town.table("refused_outcomes")) == 6


def test_merged_case_ids_are_refused(town: World, tmp_path: Path) -> None:
    def change(sheet: Worksheet, at: dict[str, int]) -> None:
        column = at["Kenmerk (niet wijzigen)"]
        sheet.merge_cells(start_row=HEADER_ROW + 1, end_row=HEADER_ROW + 2, start_column=column, end_column=column)

    told = {1: [VISIT], 2: [VISIT], 3: [VISIT]}
    hand_in(town, changed(filled(worklist(town), tmp_path / "lijst.xlsx", told), change))
    settle(town)
    assert attempts(town) == [(3, 1, "Huisbezoek", False, "12-03-2021", None)]
    assert set(reasons(town)) == {6, 7}


def test_pictures_are_told_of_and_the_rest_counts(town: World, tmp_path: Path) -> None:
    path = filled(worklist(town), tmp_path / "lijst.xlsx", TOLD)
    with zipfile.ZipFile(path, "a") as container:
        container.writestr("xl/media/image1.png", b"a note with a pen, photographed")
    hand_in(town, path)
    settle(town)
    assert attempts(town) == ATTEMPTS
    (sheet,) = replies(town)
    assert "afbeeldingen" in str(sheet["A3"].value)


def melted(world: World) -> bytes:
    """Rows with a column Opmerking, in which quotes stand that nobody doubled."""
    header, *lines = as_csv([{"case_id": id_, "end_result": HELP} for id_ in case_ids(world).values()]).splitlines()
    assert len(lines) > 1
    remarks = [b'"let op', *[b""] * (len(lines) - 2), b'"hond']
    return b"\n".join([b"Opmerking;" + header, *(b";".join(pair) for pair in zip(remarks, lines, strict=True))])


def refused_files(town: World, tmp_path: Path) -> dict[str, tuple[bytes, str]]:
    """Name → content and why it is refused."""
    good = filled(worklist(town), tmp_path / "goed.xlsx", TOLD)

    def list_with(change: Callable[[Worksheet, dict[str, int]], None]) -> bytes:
        path = tmp_path / "anders.xlsx"
        path.write_bytes(good.read_bytes())
        return changed(path, change).read_bytes()

    def rename(sheet: Worksheet, at: dict[str, int]) -> None:
        sheet.cell(HEADER_ROW, at["Bereikt"]).value = "Gesproken"

    def double(sheet: Worksheet, at: dict[str, int]) -> None:
        sheet.cell(HEADER_ROW, at["Opmerking"]).value = "Bereikt"

    def sort_the_header_along(sheet: Worksheet, at: dict[str, int]) -> None:
        sheet.move_range(f"A{HEADER_ROW}:T{HEADER_ROW}", rows=3)

    with_macros = good.read_bytes()
    issued(town, 7, month="2021-02")
    of_february = filled(worklist(town, "2021-02"), tmp_path / "februari.xlsx", {7: [{"end_result": HELP}]})
    csv = told_by(town, [{"end_result": HELP}])
    return {
        "kapot.xlsx": (good.read_bytes()[:3000], "unreadable"),
        "inhoud_kapot.xlsx": (good.read_bytes().replace(b"PK\x01\x02", b"PK\x09\x09"), "unreadable"),
        "wachtwoord.xlsx": (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "unreadable"),
        "brief.docx": (word_processor_text(), "unreadable"),
        "macro.xlsm": (with_macros, "macros"),
        "kop.xlsx": (list_with(rename), "missing_columns"),
        "dubbel.xlsx": (list_with(double), "missing_columns"),
        "kop_verplaatst.xlsx": (list_with(sort_the_header_along), "missing_columns"),
        "kolom_weg.xlsx": (list_with(lambda sheet, at: sheet.delete_cols(at["Kenmerk (niet wijzigen)"])), "missing_columns"),
        "kop_weg.xlsx": (list_with(lambda sheet, at: sheet.delete_rows(HEADER_ROW)), "missing_columns"),
        "leeg.csv": (b"", "missing_columns"),
        "brief.txt": (b"Beste collega, het is gelukt.", "missing_columns"),
        "open.csv": (csv + b'"', "unreadable"),
        # Two remarks begin with a quote: the result of the first row would be that of the last one's household.
        "gesmolten.csv": (melted(town), "unreadable"),
        "februari.xlsx": (of_february.read_bytes(), "other_month"),
        "haarlemmermeer.csv": (as_csv([{"case_id": "ffffffffffffffff", "end_result": HELP}]), "unknown_cases"),
    }  # fmt: skip


def word_processor_text() -> bytes:
    with io.BytesIO() as content:
        with zipfile.ZipFile(content, "w") as container:
            container.writestr("[Content_Types].xml", "<Types/>")
            container.writestr("word/document.xml", "<document/>")
        return content.getvalue()


def test_files_that_are_refused_say_why_in_dutch_and_nothing_of_them_counts(town: World, tmp_path: Path) -> None:
    files = refused_files(town, tmp_path)
    for name, (content, _) in files.items():
        hand_in(town, content, name=name)
    settle(town)
    assert refusals(town) == {name: refusal for name, (_, refusal) in files.items()}
    assert (attempts(town), results(town), reasons(town)) == ([], {}, {})
    assert len(replies(town)) == len(files)
    told = {
        str(sheet["A2"].value).split(",")[0].removeprefix("Bestand: "): str(sheet["A3"].value)
        for sheet in replies(town)
    }
    assert "'Bereikt' ontbreekt" in told["kop.xlsx"]
    assert told["brief.docx"] == (
        "Dit is geen XLSX of CSV die wij kunnen lezen: het bestand is een document van een tekstverwerker (.docx); sla het "
        "op als .xlsx en stuur dat. Stuur de werklijst terug als Excel-werkmap (.xlsx), zonder wachtwoord."
    )
    heights = [sheet.row_dimensions[3].height for sheet in replies(town) if len(str(sheet["A3"].value)) > 180]
    assert heights
    assert min(heights) > 13  # two lines
    assert "februari 2021" in told["februari.xlsx"]
    assert set(REFUSALS) == {refusal for _, refusal in files.values()} | {"too_large"}


def test_a_file_that_is_too_large_is_refused(town: World) -> None:
    town.settings(max_file_mb=0.001)
    hand_in(town, told_by(town, [{"end_result": HELP}]) * 20, name="groot.csv")
    settle(town)
    assert refusals(town) == {"groot.csv": "too_large"}


def test_a_line_of_another_month_among_good_ones_says_which(town: World) -> None:
    issued(town, 7, month="2021-02")
    other = case_ids(town, "2021-02")[7]
    hand_in(town, as_csv([{"case_id": c, "end_result": HELP} for c in (other, case_ids(town)[1])]), name="a.csv")
    settle(town)
    assert results(town) == {1: HELP}
    assert reasons(town)[2] == [
        "Kenmerk: hoort bij de werklijst van 02-2021; lever deze regel aan in de map van die maand"
    ]


def test_what_comes_before_its_worklist_counts_once_that_is_issued(world: World) -> None:
    issued(world, 2)
    case_id = "559536aa8a744885"  # of 2021AB_1__ in March 2021
    hand_in(world, as_csv([{"case_id": case_id, "end_result": HELP}]))
    settle(world)
    assert refusals(world) == {"lijst.xlsx": "unknown_cases"}
    assert len(replies(world)) == 1
    issued(world, 1)
    assert case_ids(world)[1] == case_id
    settle(world)
    assert (refusals(world), results(world), replies(world)) == ({"lijst.xlsx": None}, {1: HELP}, [])


CELLS = st.fixed_dictionaries(
    {
        "contact_kind": st.sampled_from(["Huisbezoek", "telefoon", "Brief"]),
        "contacted_on": st.sampled_from(["12-03-2021", "13/3/2021", "2021-03-14"]),
        "reached": st.sampled_from(["Ja", "nee", ""]),
        "day_part": st.sampled_from(["Avond", ""]),
    }
)
ENDS = st.sampled_from(["", HELP, "Inwoner is overleden"])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> World:
    return issued(World(tmp_path_factory.mktemp("lab") / "home"), 1, 2, 3)


def forget(world: World) -> None:
    """As if nothing was ever returned."""
    for folder in (world.home.inbox, world.home.archive):
        shutil.rmtree(folder / "outcomes", ignore_errors=True)
    with world.warehouse.connect() as connection:
        for table in ("outcome_files", "outcome_rows", "contact_attempts", "case_results", "refused_outcomes"):
            connection.execute(f"DELETE FROM {table}")


@settings(max_examples=examples(8, 200), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_however_rows_are_divided_over_files_the_tables_are_the_same(lab: World, data: st.DataObject) -> None:
    """Any order, any partition, any row returned twice, whatever is refused between them, seen in any number of runs."""
    ids = case_ids(lab)
    told = data.draw(st.dictionaries(st.tuples(st.sampled_from([1, 2, 3]), st.integers(1, 3)), CELLS, min_size=1))
    ends = {number: data.draw(ENDS) for number in ids}
    rows: list[Told] = [
        {"case_id": ids[number], "attempt": attempt, **cells, "end_result": ends[number]}
        for (number, attempt), cells in told.items()
    ]
    rows += [{"case_id": "0000000000000000", "end_result": HELP}, {"case_id": ids[1], "end_result": "x"}]
    forget(lab)
    hand_in(lab, as_csv(rows), name="alles.csv")
    settle(lab)
    expected = (attempts(lab), results(lab))
    assert len(expected[0]) == len(told)
    assert len(expected[1]) == len({number for number, _ in told if ends[number]})

    forget(lab)
    again = data.draw(st.lists(st.sampled_from(rows), max_size=3))
    parts: dict[int, list[Told]] = {}
    for number, row in enumerate(data.draw(st.permutations([*rows, *again]))):
        part = data.draw(st.integers(1, 3))
        parts.setdefault(part, []).append(row)
        hand_in(lab, as_csv(parts[part]), name=f"deel_{part}.csv", received=f"2021-03-2{part} 10:00")
        if number in (0, len(rows) // 2):
            settle(lab)
    settle(lab)
    assert (attempts(lab), results(lab)) == expected
    assert len(lab.table("case_results")) == len({r["case_id"] for r in lab.table("case_results")})


def test_runs_that_saw_files_in_another_order_end_the_same(world: World, tmp_path: Path) -> None:
    ends = [HELP, "Inwoner is overleden", "Niet opgepakt: andere reden"]
    found = []
    for name, order in (("a", (0, 1, 2)), ("b", (2, 0, 1)), ("c", (1, 2, 0))):
        town = issued(World(tmp_path / name), 1)
        for number in order:
            content = told_by(town, [{"end_result": ends[number]}])
            hand_in(town, content, name=f"{number}.csv", received=f"2021-03-2{number} 10:00")
            settle(town)
        found.append(town.table("case_results"))
    assert found[0] == found[1] == found[2]
    assert found[0][0]["end_result"] == ends[2]
    assert found[0][0]["reported_at"] == moment("2021-03-22 10:00")
