"""What goes back to a team of a worklist that it returned: the rows that could not be read, the cells marked, and why.

Has the columns of the worklist, so that a team can mend it and return it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.formats.workbook import (
    HEADER,
    ROWS_A_SHEET,
    STRONG,
    TEXT,
    TITLE,
    WARNING_COLOUR,
    Book,
    Look,
    drop_down,
    legal,
    page,
    row_points,
    write_row,
    writing,
)
from vroeg_pipeline.outcomes.columns import ADDRESS_COLUMN, OUTCOME_COLUMNS
from vroeg_pipeline.worklists.worklist_file import month_title

# (header, width, field of the row); the Kenmerk is marked under its short name.
_COLUMNS = (
    ("Blad", 11, None), ("Regel", 6, None), (ADDRESS_COLUMN, 34, "address"),
    *((OUTCOME_COLUMNS[field], width, field) for field, width in (
        ("attempt", 7), ("contact_kind", 13), ("reached", 8), ("contacted_on", 11), ("day_part", 8), ("end_result", 24),
        ("case_id", 17),
    )),
    ("Waarom niet gelezen", 38, None),
)  # fmt: skip
_WIDTHS = [width for _, width, _ in _COLUMNS]
_CHOICES = {
    "contact_kind": EnumContactsoort, "reached": ("Ja", "Nee"), "day_part": EnumDagdeel, "end_result": EnumEindresultaat,
}  # fmt: skip
_CHOICES_SHEET = "Lijsten"
_HEADER_ROW = 5


@dataclass(frozen=True)
class Reply:
    """What stands above the rows. `detail`: what the team is told of the file as a whole."""

    month: date
    file_name: str
    received_at: datetime
    is_refused: bool
    detail: str | None
    refused_rows: int


@dataclass(frozen=True)
class RefusedRow:
    """A row as it was written, a cell a field, and the reasons, each behind the header of its column."""

    sheet: str
    row_number: int
    reasons: Sequence[str]
    written: Mapping[str, str | None]


def reply_file_name(month: date, sha256: str) -> str:
    """The name of a reply; it names no person, nor the file that it answers: that may (DOMAIN §12)."""
    return f"terugmelding_{month:%Y-%m}_{sha256[:12]}.xlsx"


def write_reply(path: Path, reply: Reply, rows: Iterable[RefusedRow], scratch: Path) -> None:
    """Writes the file, whole or not at all, for the owner alone. The same input gives the same bytes."""
    with writing(path, "Terugmelding", reply.received_at, scratch) as book:
        line = {**TEXT, "text_wrap": True, "border": 1, "border_color": "#BFBFBF"}
        plain, title = book.form(line), book.form(TITLE)
        # A heavy frame too: a mark must also show on a black-and-white print.
        wrong = book.form(line, {"bg_color": "#FFC7CE", "border": 2, "border_color": WARNING_COLOUR})
        sheet = book.sheet("Terugmelding", _WIDTHS)
        page(sheet)
        sheet.set_row(0, 24)
        sheet.write_string(0, 0, f"Terugmelding op een werklijst van {month_title(reply.month)}", title)
        _message(book, sheet, 1, f"Bestand: {reply.file_name}, ontvangen op {moment_text(reply.received_at)}", {})
        if reply.detail:
            _message(book, sheet, 2, reply.detail, {**STRONG, "font_color": WARNING_COLOUR})
        if reply.is_refused:
            _message(book, sheet, 3, "Uit dit bestand is niets overgenomen.", {})
            return
        _message(
            book,
            sheet,
            3,
            f"Niet gelezen regels: {reply.refused_rows}. Al het andere is gelezen. Verbeter de gemarkeerde cellen en "
            "stuur dit bestand terug.",
            {},
        )
        sheet.set_row(_HEADER_ROW, 30)
        write_row(sheet, _HEADER_ROW, [name for name, _, _ in _COLUMNS], book.form(line, HEADER))
        sheet.freeze_panes(_HEADER_ROW + 1, 0)
        sheet.repeat_rows(_HEADER_ROW)
        last = _HEADER_ROW
        for last, row in zip(range(_HEADER_ROW + 1, ROWS_A_SHEET), rows, strict=False):
            marked = {reason.split(":")[0] for reason in row.reasons}
            written = [_shown(row.written[field]) if field else "" for _, _, field in _COLUMNS]
            cells = [row.sheet, str(row.row_number), *written[2:-1], "\n".join(row.reasons)]
            sheet.set_row(last, row_points(dict(enumerate(cells)), _WIDTHS))
            for column, text in enumerate(cells):
                is_wrong = _COLUMNS[column][0].split(" (")[0] in marked
                sheet.write_string(last, column, text, wrong if is_wrong else plain)
        _drop_downs(book, sheet, last)


def _message(book: Book, sheet: Worksheet, row: int, text: str, look: Look) -> None:
    """A text over the whole width, as high as it needs to be."""
    width = sum(_WIDTHS)
    sheet.set_row(row, row_points({0: text}, (width,), bold=(0,)))
    sheet.merge_range(row, 0, row, len(_COLUMNS) - 1, legal(text), book.form(TEXT, {"text_wrap": True}, look))


def _drop_downs(book: Book, sheet: Worksheet, last: int) -> None:
    """The lists of the worklist, where something can be chosen from one."""
    if last == _HEADER_ROW:
        return
    choices = book.sheet(_CHOICES_SHEET, ())
    choices.very_hidden()
    for row in range(max(map(len, _CHOICES.values()))):
        for column, values in enumerate(_CHOICES.values()):
            if row < len(values):
                choices.write_string(row, column, values[row])
    fields = [field for _, _, field in _COLUMNS]
    for column, (field, values) in enumerate(_CHOICES.items()):
        source = f"={_CHOICES_SHEET}!${'ABCD'[column]}$1:${'ABCD'[column]}${len(values)}"
        message = "Kies een waarde uit de lijst."
        drop_down(sheet, (_HEADER_ROW + 1, last), fields.index(field), OUTCOME_COLUMNS[field], source, message)


def _shown(cell: str | None) -> str:
    """A cell as its reader wrote it, without its kind; a date as people write it."""
    if not cell:
        return ""
    if cell[0] == "d":
        return "-".join(reversed(cell[1:].split("-")))
    return legal(cell[1:])
