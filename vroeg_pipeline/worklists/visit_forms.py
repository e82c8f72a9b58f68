"""A form for each visit, on A5, to take along: who, where, what to have in mind, and room to write (DOMAIN §9, §12).

No amounts and no partners: a form can be left behind at a door. What is written on it is filled in on the worklist later.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.domain.ddas import EnumDagdeel
from vroeg_pipeline.domain.tiers import CRISIS
from vroeg_pipeline.formats.workbook import (
    CRISIS as CRISIS_LOOK,
)
from vroeg_pipeline.formats.workbook import (
    LINE_POINTS,
    STRONG,
    TEXT,
    Book,
    row_points,
    word_width,
    write_text,
    writing,
)
from vroeg_pipeline.worklists.worklist_file import (
    ACTIONS,
    TIER_TITLES,
    WorklistEntry,
    WorklistHeading,
    address_lines,
    attention_lines,
    in_file_names,
    month_title,
    worklist_title,
)

# In characters; A5 with these margins has room for 60.
_WIDTHS = (14, 44)
_MARGINS = {"left": 0.4, "right": 0.4, "top": 0.4, "bottom": 0.6}
_A5 = 11
# What is left of the height of A5 within the margins, in points, with some to spare.
_PAGE_POINTS = 480.0
_LEAST_LINES, _WRITING_POINTS = 3, 22.0
# Excel knows 1,023 page breaks a sheet.
_FORMS_A_SHEET = 1_000
_BOX = "☐"
# How large the letters of where and who are, by those of all else: smaller where a word would be broken.
_SIZES = (1.6, 1.2)


def forms_file_name(heading: WorklistHeading) -> str:
    """The name of the file; it names no person or address (DOMAIN §12)."""
    return f"bezoekformulieren_{heading.month:%Y-%m}_{in_file_names(heading.worklist)}.xlsx"


def write_forms(path: Path, heading: WorklistHeading, entries: Iterable[WorklistEntry], scratch: Path) -> int:
    """Writes a page for each home visit, whole or not at all, for the owner alone; gives their number."""
    title = f"Bezoekformulieren {worklist_title(heading.worklist)} – {month_title(heading.month)}"
    visits = [entry for entry in entries if entry.change == "added" and entry.action == "home_visit"]
    with writing(path, title, heading.issued_at, scratch) as book:
        writer = _Writer(book, heading)
        for first in range(0, max(len(visits), 1), _FORMS_A_SHEET):
            writer.sheet(visits[first : first + _FORMS_A_SHEET], first // _FORMS_A_SHEET + 1)
    return len(visits)


class _Writer:
    def __init__(self, book: Book, heading: WorklistHeading) -> None:
        self._book, self._heading = book, heading
        wrapped = {**TEXT, "text_wrap": True}
        self._small = book.form(TEXT, {"font_size": 9, "font_color": "#404040"})
        self._label = book.form(wrapped, STRONG)
        self._text = book.text_form(wrapped)
        self._where = {size: book.text_form(wrapped, STRONG, {"font_size": 10 * size}) for size in _SIZES}
        self._crisis = book.text_form(wrapped, CRISIS_LOOK)
        # A frame, so that it is seen on a black-and-white print.
        self._attention = book.text_form(wrapped, STRONG, {"border": 2})
        self._line = book.form({"bottom": 1, "bottom_color": "#808080"})

    def sheet(self, visits: list[WorklistEntry], number: int) -> None:
        """A sheet of forms, each on a page of its own."""
        sheet = self._book.sheet("Bezoeken" if number == 1 else f"Bezoeken ({number})", _WIDTHS)
        sheet.set_paper(_A5)
        sheet.set_portrait()
        sheet.set_margins(**_MARGINS)
        sheet.hide_gridlines(2)
        sheet.set_footer("&L&9Vertrouwelijk – na gebruik vernietigen")
        row, breaks = 0, []
        for entry in visits:
            row = self._form(sheet, row, entry)
            breaks.append(row)
        sheet.set_h_pagebreaks(breaks[:-1])
        sheet.print_area(0, 0, max(row - 1, 0), 1)

    def _form(self, sheet: Worksheet, row: int, entry: WorklistEntry) -> int:
        """One page from this row on; gives the first row of the next."""
        heading = self._heading
        of = f"{worklist_title(heading.worklist)} – {month_title(heading.month)} – Kenmerk {entry.case_id}"
        sheet.write_string(row, 0, of, self._small)
        deadline = f"uiterlijk {entry.deadline:%d-%m-%Y}" if entry.deadline else ""
        what = [f"Nr {entry.rank}", TIER_TITLES.get(entry.tier_name or "", ""), ACTIONS["home_visit"], deadline]
        used, row = LINE_POINTS + 2.0, row + 1
        where, who = address_lines(entry), entry.residents.replace("; ", "\n")
        where_size, who_size = _size(where), _size(who)
        lines = (
            (" · ".join(filter(None, what)), self._crisis if entry.tier_name == CRISIS.name else self._text, "Bezoek", 1.0),
            (where, self._where[where_size], "Waar", where_size),
            (who, self._where[who_size], "Wie", who_size),
            ("\n".join(filter(None, (entry.phone.replace("; ", "\n"), entry.email.replace("; ", "\n")))), self._text,
             "Bereikbaar", 1.0),
            (attention_lines(entry), self._attention, "Let op", 1.05),
            (entry.last_time, self._text, "Vorige keer", 1.0),
        )  # fmt: skip
        for text, form, label, size in lines:
            if text:
                # Larger letters take more of the width and more height.
                bold = () if form is self._text else (1,)
                height = row_points({1: text}, (0, int(_WIDTHS[1] / size)), bold) * size + 5
                sheet.set_row(row, height)
                sheet.write_string(row, 0, label, self._label)
                write_text(sheet, row, 1, text, form)
                used, row = used + height, row + 1
        day_parts = "  ".join(f"{_BOX} {part.lower()}" for part in EnumDagdeel)
        for label, text in (
            ("Datum", "…… - …… - ……   " + day_parts),
            ("Bereikt", f"{_BOX} ja   {_BOX} nee"),
            ("Eindresultaat", "………………………………………………………"),
            ("Besproken", ""),
        ):
            sheet.set_row(row, _WRITING_POINTS)
            sheet.write_string(row, 0, label, self._label)
            sheet.write_string(row, 1, text, self._text.plain)
            used, row = used + _WRITING_POINTS, row + 1
        for _ in range(max(_LEAST_LINES, int((_PAGE_POINTS - used) / _WRITING_POINTS))):
            sheet.set_row(row, _WRITING_POINTS)
            for column in range(len(_WIDTHS)):
                sheet.write_blank(row, column, None, self._line)
            row += 1
        return row


def _size(text: str) -> float:
    large, small = _SIZES
    return large if word_width(text, bold=True) * large <= _WIDTHS[1] else small
