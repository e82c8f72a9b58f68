"""What goes back to a team of a worklist that it returned: the rows that could not be read, the cells marked, and why.

Has the columns of the worklist, so that a team can mend it and return it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.formats.workbook import (
    HEADER,
    ROWS_A_SHEET,
    STRONG,
    WARNING_COLOUR,
    legal,
    page,
    write_row,
    writing,
)
from vroeg_pipeline.outcomes.columns import ADDRESS_COLUMN, OUTCOME_COLUMNS
from vroeg_pipeline.worklists.worklist_file import month_title

# (header, width, field of the row); the Kenmerk is marked under its short name.
_COLUMNS = (
    ("Blad", 14, None), ("Regel", 7, None), (ADDRESS_COLUMN, 24, "address"),
    *((OUTCOME_COLUMNS[field], width, field) for field, width in (
        ("attempt", 8), ("contact_kind", 14), ("reached", 9), ("contacted_on", 14), ("day_part", 10), ("end_result", 28),
        ("case_id", 27),
    )),
    ("Waarom niet gelezen", 60, None),
)  # fmt: skip
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
        line = {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#BFBFBF"}
        plain, title = book.form(line), book.form(STRONG, {"font_size": 16})
        # A heavy frame too: a mark must also show on a black-and-white print.
        wrong = book.form(line, {"bg_color": "#FFC7CE", "border": 2, "border_color": WARNING_COLOUR})
        sheet = book.sheet("Terugmelding", [width for _, width, _ in _COLUMNS])
        sheet.write_string(0, 0, f"Terugmelding op een werklijst van {month_title(reply.month)}", title)
        sheet.write_string(1, 0, legal(f"Bestand: {reply.file_name}, ontvangen op {moment_text(reply.received_at)}"))
        if reply.detail:
            sheet.write_string(2, 0, reply.detail, book.form(STRONG, {"font_color": WARNING_COLOUR}))
        if reply.is_refused:
            sheet.write_string(3, 0, "Uit dit bestand is niets overgenomen.")
            return
        sheet.write_string(
            3,
            0,
            f"Niet gelezen regels: {reply.refused_rows}. Al het andere is gelezen. Verbeter de gemarkeerde cellen en "
            "stuur dit bestand terug.",
        )
        write_row(sheet, _HEADER_ROW, [name for name, _, _ in _COLUMNS], book.form(line, HEADER))
        sheet.freeze_panes(_HEADER_ROW + 1, 0)
        page(sheet, footer=None, margins=None)
        for number, row in zip(range(_HEADER_ROW + 1, ROWS_A_SHEET), rows, strict=False):
            marked = {reason.split(":")[0] for reason in row.reasons}
            for column, (name, _, field) in enumerate(_COLUMNS[:-1]):
                text = _shown(row.written[field]) if field else (row.sheet, str(row.row_number))[column]
                sheet.write_string(number, column, text, wrong if name.split(" (")[0] in marked else plain)
            sheet.write_string(number, len(_COLUMNS) - 1, "\n".join(row.reasons), plain)


def _shown(cell: str | None) -> str:
    """A cell as its reader wrote it, without its kind; a date as people write it."""
    if not cell:
        return ""
    if cell[0] == "d":
        return "-".join(reversed(cell[1:].split("-")))
    return legal(cell[1:])
