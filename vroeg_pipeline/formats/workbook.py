"""The one look of every workbook that we write: how it is opened, its forms, its page, and text that stays text.

What stands in a workbook is its stage's own. Texts come from partners and may be hostile (DOMAIN §12).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.url import Url, UrlTypes
from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.installation.home import replacing, temporary_folder

# Excel has 1,048,576 rows a sheet; a longer list goes on in the next sheet.
ROWS_A_SHEET = 1_000_000
# The height of a line of text, in points.
LINE_POINTS = 13

Look = Mapping[str, Any]
# On every computer, or with letters of the same width: columns are as wide as their font makes them.
_FONT: Look = {"font_name": "Arial", "font_size": 10}
TEXT: Look = {**_FONT, "valign": "top"}
LINE: Look = {**TEXT, "text_wrap": True, "bottom": 1, "bottom_color": "#BFBFBF"}
STRONG: Look = {"bold": True}
TITLE: Look = {**TEXT, "bold": True, "font_size": 15, "font_color": "#1F3864"}
HEADER: Look = {"bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF"}
# What its reader fills in is yellow.
FILL_HEADER: Look = {"bold": True, "bg_color": "#FFE699", "font_color": "#000000"}
FILL: Look = {**LINE, "bg_color": "#FFF9E5", "left": 1, "left_color": "#E0D3A8"}
SMALL: Look = {**LINE, "font_size": 9, "font_color": "#808080"}
# Amounts are texts (`domain.dutch.euro_text`): separators of a number are those of the reader's computer.
MONEY: Look = {"align": "right", "indent": 1, "text_wrap": False}
DATE: Look = {"num_format": "dd-mm-yyyy"}
WARNING_COLOUR = "#9C0006"
# Bold on grey too: a crisis must also show on a black-and-white print.
CRISIS: Look = {**STRONG, "bg_color": "#D9D9D9", "font_color": WARNING_COLOUR}
_NARROW = {"left": 0.3, "right": 0.3, "top": 0.5, "bottom": 0.6}
_A4 = 9
# Of A4 across within these margins, in pixels of 1/96 inch, where ten points come out as eight; a column is 7 for each of
# its characters and 5 more.
_MOST_PIXELS = (297 / 25.4 - _NARROW["left"] - _NARROW["right"]) * 96 / 0.8
# What no column is narrowed below; a word that is wider than the widest is no word of anybody.
_LEAST_WIDTH, _WIDEST_WORD = 12, 34
# Programs break lines at spaces and behind these alone, unless a word does not fit.
_PARTS = re.compile(r"[^ \n/-]+[/-]?|[ /-]")
# Of Arial, in digits; a sign that is not here takes no more than a digit where it is small, or than N.
_WIDTHS_OF_SIGNS = {
    sign: width
    for signs, width in (
        ("ijl'|", 0.4), (" ftI.,:;/!", 0.5), ("r()-", 0.6), ("cksvxyzJ", 0.9), ("L", 1.0), ("FTZ", 1.1),
        ("ABEKPSVXY&", 1.2), ("GOQ", 1.4), ("mM", 1.5), ("w", 1.3), ("W", 1.7), ("@%", 1.9),
    )
    for sign in signs
}  # fmt: skip
_WIDTH_OF_CAPITALS, _WIDTH_OF_BOLD = 1.3, 1.1
# A character of a column's width is 7 pixels, a digit of the font 7.4.
_ROOM = 0.94
_ROOM_OF_BOLD = _ROOM / _WIDTH_OF_BOLD
# Of the 409 points that a row can have.
_MOST_LINES = 409 // LINE_POINTS
_WIDEST_SIGN = 1.9 * _WIDTH_OF_BOLD
# The same letters, narrower.
_NARROW_FONT, _NARROWER = {"font_name": "Arial Narrow"}, 0.82

# XML knows no other control characters; a lone surrogate cannot be written either.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_LIKE_FORMULA = re.compile(r"[=+\-@\t\r\n]|[\x00-\x1f]")
_LONGEST_CELL = 32_767
# As many as Excel takes on a sheet; we put one in a row.
_MOST_LINKS = 65_530


@dataclass(frozen=True)
class TextForm:
    """The form of cells with text of others: `quoted` is for what would become a formula when somebody edits it, `narrow`
    for a word that would be broken.
    """

    plain: Format
    quoted: Format
    narrow: Format
    narrow_quoted: Format

    def of(self, text: str, width: int | None) -> Format:
        """That of a text in a column of so many characters; None: of any width."""
        is_narrow = width is not None and _may_be_wider(text, width) and word_width(text) > width
        if looks_like_formula(text):
            return self.narrow_quoted if is_narrow else self.quoted
        return self.narrow if is_narrow else self.plain


class _PhoneLink(Url):  # type: ignore[misc]
    """A link that dials. XlsxWriter knows no `tel:`, and asks this of each link."""

    def _parse_url(self) -> None:
        self._link_type = UrlTypes.URL


class Book:
    """A workbook that is being written."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self.workbook = workbook

    def form(self, *looks: Look) -> Format:
        """A form with all of the looks, a later one before an earlier one."""
        return self.workbook.add_format({key: value for look in looks for key, value in look.items()})

    def text_form(self, *looks: Look) -> TextForm:
        """The same for text of others."""
        quoted = {"quote_prefix": True}
        return TextForm(
            self.form(*looks),
            self.form(*looks, quoted),
            self.form(*looks, _NARROW_FONT),
            self.form(*looks, _NARROW_FONT, quoted),
        )

    def sheet(self, name: str, widths: Sequence[float]) -> Worksheet:
        """A new sheet; the widths of its columns in characters."""
        sheet = self.workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return sheet

    def explanation(self, lines: Sequence[tuple[str, str]]) -> Worksheet:
        """A sheet `Uitleg`: words and what they mean."""
        sheet = self.sheet("Uitleg", (24, 100))
        word, meaning = self.form(TEXT, STRONG, {"text_wrap": True}), self.form(TEXT, {"text_wrap": True})
        for row, (left, right) in enumerate(lines):
            sheet.write_string(row, 0, left, word)
            sheet.write_string(row, 1, right, meaning)
        return sheet


@contextmanager
def writing(path: Path, title: str, created: datetime, scratch: Path, *, by_row: bool = True) -> Iterator[Book]:
    """A workbook that stands at `path`, whole or not at all, for the owner alone, when the block ends well.

    The same cells and the same `created` (aware; shown in Amsterdam time) give the same bytes. `by_row`: rows are written
    from top to bottom, so that a sheet of any length takes little memory. `scratch`: a private folder for what the
    library keeps on disk meanwhile.
    """
    options: dict[str, Any] = {
        "constant_memory": by_row,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {**_FONT},
    }
    with (
        replacing(path) as temporary,
        temporary_folder(scratch) as folder,
        xlsxwriter.Workbook(str(temporary), {**options, "tmpdir": str(folder)}) as workbook,
    ):
        workbook.set_properties({"title": title, "created": created.astimezone(AMSTERDAM).replace(tzinfo=None)})
        yield Book(workbook)


def page(
    sheet: Worksheet, *, footer: str | None = "Vertrouwelijk – persoonsgegevens", margins: Look | None = _NARROW
) -> None:
    """Sets the sheet up for A4, as wide as the page. With a footer the grid is hidden, as forms have lines of their own."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    if margins:
        sheet.set_margins(**margins)
    if footer:
        # Not scaled with the sheet, or it would be unreadable; LibreOffice does so all the same.
        sheet.set_footer(f"&L&10{footer}&R&10Pagina &P van &N", {"scale_with_doc": False})
        sheet.hide_gridlines(2)


def write_row(
    sheet: Worksheet, row: int, texts: Sequence[str], form: Format, others: Mapping[str, Format] | None = None
) -> None:
    """A row of headers of ours; `others`: those that have another form."""
    for column, text in enumerate(texts):
        sheet.write_string(row, column, text, (others or {}).get(text, form))


def write_text(sheet: Worksheet, row: int, column: int, text: str, form: TextForm, width: int | None = None) -> None:
    """Text of others in a cell: it is never a formula, now or later. `width`: of the column, where no word is to be
    broken.
    """
    sheet.write_string(row, column, legal(text), form.of(text, width))


def write_phone(sheet: Worksheet, row: int, column: int, text: str, form: TextForm) -> None:
    """Text of others that dials when it is clicked and is one phone number; anything else is text."""
    dialled = re.sub(r"[ ().-]", "", text)
    # Of several numbers LibreOffice would show a link without its line ends.
    if not re.fullmatch(r"\+?[0-9]{8,15}", dialled, re.ASCII) or len(sheet.hyperlinks) >= _MOST_LINKS:
        write_text(sheet, row, column, text, form)
        return
    link = _PhoneLink(f"tel:{dialled}")
    link.text = legal(text)
    sheet.write_url(row, column, link, form.of(text, None))


def drop_down(
    sheet: Worksheet,
    rows: tuple[int, int],
    column: int,
    title: str,
    choices: str | Sequence[str],
    message: str,
    **more: Any,
) -> None:
    """A list in the cells of a column, from the first row to the last: `choices` or a reference to them."""
    validation = {"validate": "list", "source": choices, "error_title": title, "error_message": message, **more}
    sheet.data_validation(rows[0], column, rows[1], column, validation)


def text_lines(text: str, width: int, *, bold: bool = False) -> int:
    """How many lines a text takes in a column of so many characters, rather one too many than one too few."""
    room = width * (_ROOM_OF_BOLD if bold else _ROOM)
    return min(_MOST_LINES, sum(_lines_of_words(line, room) for line in text.split("\n")))


def _lines_of_words(line: str, room: float) -> int:
    if len(line) * _WIDEST_SIGN <= room:
        return 1
    lines, used = 1, 0.0
    for part in _PARTS.findall(line):
        wide = _width_of(part)
        # A space that does not fit hangs over.
        if used and part != " " and used + wide > room:
            lines, used = lines + 1, 0.0
        used += wide
        if wide > room:
            more = ceil(used / room) - 1
            lines, used = lines + more, used - more * room
    return lines


def word_width(text: str, *, bold: bool = False) -> int:
    """How wide a column must be, in characters, for the widest word that is not to be broken."""
    widest = max(map(_width_of, _PARTS.findall(text)), default=0.0)
    return ceil(widest / (_ROOM_OF_BOLD if bold else _ROOM))


# Most of the words of a list are ours, and come back in each line.
@lru_cache(maxsize=4096)
def _width_of(word: str) -> float:
    return sum(_WIDTHS_OF_SIGNS.get(sign, _WIDTH_OF_CAPITALS if sign.isupper() else 1.0) for sign in word)


def _may_be_wider(text: str, width: int) -> bool:
    """Whether to look at each sign: most words are shorter than what there is room for."""
    return max(map(len, text.replace("\n", " ").split(" "))) * _WIDEST_SIGN > width * _ROOM


def fitted(
    widths: Sequence[int], rows: Iterable[Mapping[int, str]], printed: int, bold: Collection[int] = ()
) -> list[int]:
    """The widths with which no word in the rows is broken: columns with longer words take of those that need less, as far as
    the first ones, `printed` of them, still go on paper in eight points. Where they cannot, narrow letters must do
    (`Book.text_form`), and then those that come first go first. `bold`: the columns that are so.
    """
    needed: dict[int, int] = {}
    for texts in rows:
        for column, text in texts.items():
            if column not in needed or _may_be_wider(text, needed[column]):
                width = min(word_width(text, bold=column in bold), _WIDEST_WORD)
                needed[column] = max(needed.get(column, _LEAST_WIDTH), width)
    spare = int((_MOST_PIXELS - 5 * printed) / 7) - sum(widths[:printed])
    gives = sum(max(0, widths[column] - width) for column, width in needed.items())
    lacking = {column: width for column, width in sorted(needed.items()) if widths[column] < width}
    if sum(width - widths[column] for column, width in lacking.items()) > spare + gives:
        lacking = {column: max(ceil(width * _NARROWER), widths[column]) for column, width in lacking.items()}
    found = list(widths)
    for column, width in lacking.items():
        while found[column] < width:
            giver = max(needed, key=lambda each: found[each] - needed[each])
            if spare > 0:
                spare -= 1
            elif found[giver] > needed[giver]:
                found[giver] -= 1
            else:
                return found
            found[column] += 1
    return found


def row_points(texts: Mapping[int, str], widths: Sequence[int], bold: Collection[int] = ()) -> float:
    """The height of a row with wrapped texts, by column: programs fit only the rows that they wrote themselves. `bold`: the
    columns that are so.
    """
    lines = max(text_lines(text, widths[column], bold=column in bold) for column, text in texts.items())
    return lines * LINE_POINTS


def looks_like_formula(text: str) -> bool:
    """Whether a cell with this text would become a formula when somebody edits it or saves the sheet as CSV."""
    return _LOOKS_LIKE_FORMULA.match(text) is not None


def legal(text: str) -> str:
    """Text that a sheet can hold: one kind of line end, without what XML does not know, at most as long as a cell."""
    return _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))[:_LONGEST_CELL]
