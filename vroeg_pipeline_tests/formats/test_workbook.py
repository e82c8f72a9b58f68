"""Workbooks of ours on paper: rows are as high as their texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from vroeg_pipeline.formats.workbook import LINE, LINE_POINTS, STRONG, TEXT, text_lines, write_text, writing
from vroeg_pipeline_tests.kit.paper import printed

TEXTS = (
    "Huurachterstand en meer dan één partner; 2 partners (Huur, Zorg); 2 signalen; langste achterstand 77 dagen; eerder "
    "gemeld in 1 maand, laatst 08-2026",
    "26-08 telefoon, bereikt; in totaal 2 pogingen; Vervolghulp en/of verwijzing niet financieel",
    "Adres hersteld: niet elke partner schreef het zo, vraag eerst naar de naam",
    "Woningbouwvereniging Noord-Kennemerland € 1.234,56\nPré Wonen € 80,00\nWMO MAATSCHAPPIJ € 12.345.678,90",
    "J.P.M. van den Boogaard-Oudenaarden tot Westerwolde; A. Razafindrakotomanana",
    "BURGEMEESTER VAN REENENSTRAAT-NOORD 12-1204 AB HAARLEM-OOST",
    "WWWWWWWWW MMMMMMMMMM WMWMWMWMWM mwmwmwmwm @@@@@@@ %%%%%%%",
    "iiiii-lllll/ttttt-aaaaaaaaaaa-bbbbbbbbbb-cccccccc-ddddddddddd/eeeeeeeeeeeeee-fffffff",
    "Achterkrommenieuwerkersewegenaanhetwaterlangsdedijk",
    "11111 222222 33333 44444 55555 66666 77777 88888",
)
WIDTHS = (12, 14, 17, 21, 30)
BOLD = (False, True)


def test_no_text_takes_more_lines_on_paper_than_its_row_is_high_for_and_few_take_less(tmp_path: Path) -> None:
    path = tmp_path / "lijst.xlsx"
    with writing(path, "lijst", datetime(2021, 3, 1, tzinfo=UTC), tmp_path / "scratch") as book:
        forms = {True: book.text_form(LINE, STRONG), False: book.text_form(LINE)}
        end = book.form(TEXT, {"valign": "bottom"})
        for width, bold in product(WIDTHS, BOLD):
            sheet = book.sheet(f"{width} {bold}", (width, 8))
            for row, text in enumerate(TEXTS):
                sheet.set_row(row, LINE_POINTS * 25)
                write_text(sheet, row, 0, text, forms[bold])
                # Below the text, whatever that takes.
                sheet.write_string(row, 1, "einde", end)
    taken = [len(re.findall(r"\S.*\n", text)) for text in printed(path).replace("\f", "").split("einde")[:-1]]
    counted = [text_lines(text, width, bold=bold) for width, bold in product(WIDTHS, BOLD) for text in TEXTS]
    assert [lines for lines, needed in zip(counted, taken, strict=True) if lines < needed] == []
    assert sum(counted) < 1.15 * sum(taken)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", 1),
        ("aaaa", 1),
        ("aaaaa", 2),
        ("aaa bbb", 2),
        ("a bb ccc dddd", 3),
        ("a" * 23, 5),
        ("een\ntwee", 2),
        ("a\n" * 99, 31),
    ],
)
def test_a_row_is_as_high_as_its_words_need(text: str, lines: int) -> None:
    assert text_lines(text, 5) == lines
