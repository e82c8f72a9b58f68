"""One issue of a worklist as an XLSX in Dutch, as a team receives it (DOMAIN §9, §12).

Only how it looks. Which lines it has and what they say comes from `worklists/worklist_entries.sql`; `outcomes.reader`
reads a filled-in file back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.domain.agreements import list_of_no_town, town_of_list
from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.dutch import euro_text, in_dutch
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.domain.tiers import CRISIS, CRISIS_WORKING_DAYS, TIERS, Action
from vroeg_pipeline.formats.workbook import (
    CRISIS as CRISIS_LOOK,
)
from vroeg_pipeline.formats.workbook import (
    DATE,
    FILL,
    FILL_HEADER,
    HEADER,
    LINE,
    MONEY,
    ROWS_A_SHEET,
    SMALL,
    STRONG,
    TEXT,
    TITLE,
    WARNING_COLOUR,
    Book,
    drop_down,
    fitted,
    legal,
    page,
    row_points,
    write_phone,
    write_row,
    write_text,
    writing,
)

MONTHS = (
    "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november",
    "december",
)  # fmt: skip
ACTIONS: dict[Action, str] = {
    "home_visit": "Huisbezoek",
    "phone": "Bellen",
    "letter": "Brief",
    "check_address": "Adres uitzoeken",
}
TIER_TITLES = {tier.name: tier.title for tier in TIERS}
_LISTS = {
    "Soort contact": EnumContactsoort,
    "Bereikt": ("Ja", "Nee"),
    "Dagdeel": EnumDagdeel,
    "Eindresultaat": EnumEindresultaat,
}

# (header, width in characters). What is printed comes first: if it were wider together, paper would have it in less than
# eight points. What the team fills in comes behind it, on the screen only.
COLUMNS = (
    ("Nr", 4), ("Prioriteit", 9), ("Eerst doen", 10), ("Uiterlijk", 10), ("Adres", 17), ("Bewoner(s)", 17),
    ("Telefoon", 11), ("E-mail", 18), ("Waarom", 21), ("Let op", 21), ("Vorige keer", 14), ("Partners en bedragen", 15),
    ("Totaal", 11),
    ("Poging", 7), ("Soort contact", 14), ("Bereikt", 8), ("Datum contact", 11), ("Dagdeel", 9), ("Eindresultaat", 30),
    ("Opmerking", 20), ("Kenmerk (niet wijzigen)", 18),
)  # fmt: skip
_HEADERS = [header for header, _ in COLUMNS]
_WIDTHS = [width for _, width in COLUMNS]
_LAST_PRINTED = _HEADERS.index("Totaal")
_FIRST_TO_FILL, _LAST_TO_FILL = _HEADERS.index("Poging"), _HEADERS.index("Opmerking")
_PHONE, _MAIL, _ATTENTION = (_HEADERS.index(header) for header in ("Telefoon", "E-mail", "Let op"))
_MOST_ATTEMPTS = 99
_WITHDRAWN_WIDTHS = (40, 60, 24)
_CASE_ID = _HEADERS.index("Kenmerk (niet wijzigen)")
_HEADER_ROW = 4


@dataclass(frozen=True)
class WorklistHeading:
    """What stands above the list. `issued_at` is aware; shown in Amsterdam time. `issue`: None of a list as it stands then.
    `withdrawn`: how many addresses the issue takes off the list.
    """

    month: date
    worklist: str
    issue: int | None
    issued_at: datetime
    missing_partners: Sequence[str]
    withdrawn: int = 0


@dataclass(frozen=True)
class WorklistEntry:
    """One line. Its texts come from partners and may be hostile."""

    case_id: str
    change: Literal["added", "withdrawn"]
    rank: int | None
    tier_name: str | None
    action: Action | None
    over_capacity: bool
    deadline: date | None
    residents: str
    street: str
    postcode: str
    house_number: str
    city: str
    phone: str
    email: str
    explanation: str
    attention: str
    last_time: str
    partners: str
    total_amount: Decimal | None
    longest_days: int | None
    is_recidivist: bool
    known_to: str | None


def worklist_title(worklist: str) -> str:
    """A worklist as people call it: wijkteam_noord is Wijkteam Noord."""
    first, *rest = list_of_no_town(worklist).split("_")
    proper = first in ("wijkteam", "team")
    town = [code] if (code := town_of_list(worklist)) else []
    return " ".join([*town, first.capitalize(), *(word.capitalize() if proper else word for word in rest)])


def month_title(month: date) -> str:
    """A month in Dutch: maart 2021."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def worklist_file_name(month: date, worklist: str, issue: int | None) -> str:
    """The name of an issue's file, or of that of a list as it stands; it names no person or address (DOMAIN §12)."""
    what = "stand" if issue is None else f"uitgifte-{issue}"
    return f"werklijst_{month:%Y-%m}_{in_file_names(worklist)}_{what}.xlsx"


def in_file_names(worklist: str) -> str:
    """A worklist in the names of files: wijkteam-noord, and where municipalities are separate 0392_wijkteam-noord."""
    own = list_of_no_town(worklist)
    return worklist.removesuffix(own) + own.replace("_", "-")


def write_worklist(
    path: Path,
    heading: WorklistHeading,
    entries: Iterable[WorklistEntry],
    scratch: Path,
    rows_a_sheet: int = ROWS_A_SHEET,
) -> int:
    """Writes the file, whole or not at all, for the owner alone; gives the number of lines.

    Lines are gone through twice, for the words that columns must hold, and written as they come, so that a list of any
    length takes little memory. Withdrawn lines must come after the added ones; they get a sheet of their own. The same
    input gives the same bytes. `scratch`: a private folder for what the library keeps on disk meanwhile.
    """
    with writing(path, _title(heading), heading.issued_at, scratch) as book:
        return _Writer(book, heading, _widths_for(entries), rows_a_sheet).write(entries)


def _widths_for(entries: Iterable[WorklistEntry]) -> list[int]:
    texts = (_wrapped(entry, 0) for entry in entries if entry.change == "added")
    words = ({column: text for column, text in each.items() if column != _PHONE} for each in texts)
    return fitted(_WIDTHS, words, _LAST_PRINTED + 1, bold=[_ATTENTION])


def _wrapped(entry: WorklistEntry, mail_width: int) -> dict[int, str]:
    """The texts that can take several lines, by column."""
    texts = {
        "Adres": address_lines(entry),
        "Bewoner(s)": entry.residents,
        "Telefoon": entry.phone.replace("; ", "\n"),
        "E-mail": mail_lines(entry.email, mail_width),
        "Waarom": entry.explanation,
        "Let op": attention_lines(entry),
        "Vorige keer": entry.last_time,
        # An amount is not parted from its sign.
        "Partners en bedragen": entry.partners.replace("; ", "\n").replace("€ ", "€\u00a0"),
    }
    return {_HEADERS.index(header): text for header, text in texts.items()}


def _title(heading: WorklistHeading) -> str:
    return f"Werklijst {worklist_title(heading.worklist)} – {month_title(heading.month)}"


class _Writer:
    def __init__(self, book: Book, heading: WorklistHeading, widths: Sequence[int], rows_a_sheet: int) -> None:
        self._book = book
        self._heading = heading
        self._widths = widths
        self._rows_a_sheet = rows_a_sheet
        self._text_form, self._strong_form = book.text_form(LINE), book.text_form(LINE, STRONG)
        middle = {"valign": "vcenter"}
        self._formats = {
            "title": book.form(TITLE),
            "warning": book.form(TITLE, {"font_color": WARNING_COLOUR}),
            "subtitle": book.form(TEXT, {"font_color": "#404040"}),
            "missing": book.form(TEXT, STRONG, {"font_color": WARNING_COLOUR}),
            "header": book.form(LINE, HEADER, middle),
            "fill_header": book.form(LINE, FILL_HEADER, middle),
            "text": self._text_form.plain,
            "strong": book.form(LINE, STRONG),
            "crisis": book.form(LINE, CRISIS_LOOK),
            "number": book.form(LINE, {"num_format": "0", "align": "center"}),
            "date": book.form(LINE, DATE, {"align": "left"}),
            "money": book.form(LINE, MONEY),
            "fill": book.form(FILL),
            "fill_date": book.form(FILL, DATE),
            "small": book.form(SMALL),
        }

    def write(self, entries: Iterable[WorklistEntry]) -> int:
        """All sheets; gives the number of lines. Sheets follow each other, as lines cannot be gone back to."""
        lines = 0
        waiting = iter(entries)
        entry = next(waiting, None)
        sheets = 0
        if entry is not None and entry.change == "withdrawn":
            # Nothing was added: what must not be visited any more comes first, before a list that is empty.
            lines, entry = self._withdrawn_sheet(entry, waiting), None
        while (entry is not None and entry.change == "added") or sheets == 0:
            sheets += 1
            name = "Werklijst" if sheets == 1 else f"Werklijst ({sheets})"
            sheet = self._list_sheet(name)
            row = _HEADER_ROW
            while entry is not None and entry.change == "added" and row - _HEADER_ROW < self._rows_a_sheet:
                row += 1
                self._line(sheet, row, entry)
                entry = next(waiting, None)
            lines += row - _HEADER_ROW
            self._finish(sheet, row)
        if entry is not None:
            lines += self._withdrawn_sheet(entry, waiting)
        self._explanation_sheet()
        self._choices_sheet()
        return lines

    def _list_sheet(self, name: str) -> Worksheet:
        heading, formats = self._heading, self._formats
        sheet = self._book.sheet(name, self._widths)
        sheet.set_row(0, 24)
        sheet.write_string(0, 0, _title(heading), formats["title"])
        sheet.write_string(1, 0, _said_of_issue(heading), formats["subtitle"])
        if heading.missing_partners:
            missing = f"Niet ontvangen deze maand: {', '.join(heading.missing_partners)}"
            sheet.write_string(2, 0, legal(missing), formats["missing"])
        else:
            sheet.write_string(2, 0, "Alle partners hebben deze maand geleverd.", formats["subtitle"])
        if heading.withdrawn:
            addresses = in_dutch(heading.withdrawn, "adres is", "adressen zijn")
            said = f"Let op: {addresses} vervallen, daar niet (meer) naartoe gaan. Zie het blad Ingetrokken."
            sheet.write_string(3, 0, said, formats["missing"])
        sheet.set_row(_HEADER_ROW, 30)
        to_fill = dict.fromkeys(_HEADERS[_FIRST_TO_FILL : _LAST_TO_FILL + 1], formats["fill_header"])
        write_row(sheet, _HEADER_ROW, _HEADERS, formats["header"], to_fill)
        sheet.freeze_panes(_HEADER_ROW + 1, _HEADERS.index("Bewoner(s)"))
        page(sheet)
        sheet.repeat_rows(_HEADER_ROW)
        return sheet

    def _line(self, sheet: Worksheet, row: int, entry: WorklistEntry) -> None:
        formats = self._formats
        crisis = entry.tier_name == CRISIS.name
        wrapped = _wrapped(entry, self._widths[_MAIL])
        sheet.set_row(row, row_points(wrapped, self._widths, bold=[_ATTENTION]))
        self._number(sheet, row, 0, entry.rank)
        sheet.write_string(row, 1, TIER_TITLES.get(entry.tier_name or "", ""), formats["crisis" if crisis else "text"])
        sheet.write_string(row, 2, ACTIONS[entry.action] if entry.action else "", formats["strong"])
        if entry.deadline:
            sheet.write_datetime(row, 3, _at_midnight(entry.deadline), formats["date"])
        else:
            sheet.write_blank(row, 3, None, formats["text"])
        for column, text in wrapped.items():
            if column == _PHONE:
                write_phone(sheet, row, column, text, self._text_form)
            else:
                form = self._strong_form if column == _ATTENTION else self._text_form
                write_text(sheet, row, column, text, form, None if column == _MAIL else self._widths[column])
        total = "" if entry.total_amount is None else euro_text(entry.total_amount)
        sheet.write_string(row, _LAST_PRINTED, total, formats["money"])
        sheet.write_number(row, _FIRST_TO_FILL, 1, formats["fill"])
        for column in range(_FIRST_TO_FILL + 1, _LAST_TO_FILL + 1):
            fill = "fill_date" if _HEADERS[column] == "Datum contact" else "fill"
            sheet.write_blank(row, column, None, formats[fill])
        sheet.write_string(row, _CASE_ID, legal(entry.case_id), formats["small"])

    def _finish(self, sheet: Worksheet, last_row: int) -> None:
        """What needs to know how long the list became."""
        sheet.autofilter(_HEADER_ROW, 0, max(last_row, _HEADER_ROW), _LAST_TO_FILL)
        sheet.print_area(0, 0, max(last_row, _HEADER_ROW), _LAST_PRINTED)
        # Nobody adds them up, and Excel would mark each.
        sheet.ignore_errors(
            {"number_stored_as_text": f"A1:{xl_rowcol_to_cell(max(last_row, _HEADER_ROW), _LAST_PRINTED)}"}
        )
        if last_row <= _HEADER_ROW:
            return
        for position, (header, values) in enumerate(_LISTS.items()):
            letter = chr(ord("A") + position)
            # In a sheet of its own: Excel allows 255 characters for a list that is written out.
            choices = f"=Lijsten!${letter}$2:${letter}${len(values) + 1}"
            rows = (_HEADER_ROW + 1, last_row)
            drop_down(sheet, rows, _HEADERS.index(header), header, choices, "Kies een waarde uit de lijst.")
        sheet.data_validation(
            _HEADER_ROW + 1, _FIRST_TO_FILL, last_row, _FIRST_TO_FILL,
            {
                "validate": "integer",
                "criteria": "between",
                "minimum": 1,
                "maximum": _MOST_ATTEMPTS,
                "error_title": "Poging",
                "error_message": "Nummer de pogingen bij een adres: 1, 2, 3 …",
            },
        )  # fmt: skip
        contact_date = _HEADERS.index("Datum contact")
        sheet.data_validation(
            _HEADER_ROW + 1, contact_date, last_row, contact_date,
            {
                "validate": "date",
                "criteria": ">=",
                "value": datetime(2020, 1, 1),  # noqa: DTZ001
                "error_title": "Datum contact",
                "error_message": "Vul een datum in, bijvoorbeeld 15-03-2021.",
            },
        )  # fmt: skip

    def _withdrawn_sheet(self, first: WorklistEntry, others: Iterator[WorklistEntry]) -> int:
        """Addresses that a team was told before and must not go to any more."""
        formats = self._formats
        sheet = self._book.sheet("Ingetrokken", _WITHDRAWN_WIDTHS)
        sheet.set_row(0, 24)
        sheet.write_string(0, 0, "Ingetrokken: niet (meer) naartoe gaan", formats["warning"])
        sheet.write_string(
            1, 0, "Deze adressen stonden in een eerdere uitgifte en horen niet meer op deze lijst.", formats["subtitle"]
        )
        write_row(sheet, _HEADER_ROW, ("Adres", "Wat te doen", "Kenmerk (niet wijzigen)"), formats["header"])
        sheet.freeze_panes(_HEADER_ROW + 1, 0)
        page(sheet)
        row = _HEADER_ROW
        entry: WorklistEntry | None = first
        while entry is not None:
            row += 1
            do = "Geen contact opnemen; is er al contact geweest, meld dat dan bij de teamcoördinator."
            sheet.set_row(row, row_points({0: address_lines(entry), 1: do}, _WITHDRAWN_WIDTHS))
            write_text(sheet, row, 0, address_lines(entry), self._text_form)
            sheet.write_string(row, 1, do, formats["text"])
            sheet.write_string(row, 2, legal(entry.case_id), formats["small"])
            entry = next(others, None)
        return row - _HEADER_ROW

    def _explanation_sheet(self) -> None:
        lines = (
            ("Wat is dit?", "Adressen waar een betaalachterstand is gemeld. De volgorde is een voorstel: u beslist."),
            *(
                (
                    tier.title,
                    f"{tier.meaning} Binnen {CRISIS_WORKING_DAYS} werkdagen contact."
                    if tier is CRISIS
                    else f"{tier.meaning} {ACTIONS[tier.first_action]}.",
                )
                for tier in TIERS
            ),
            ("Uiterlijk", "De dag waarop het eerste contact geweest moet zijn."),
            ("Waarom", "Waarom dit adres op deze plaats staat."),
            (
                "Let op",
                "Wat u moet weten voor u gaat: warme overdracht, bekend bij, nazorg, nieuwe bewoner, hersteld adres.",
            ),
            ("Vorige keer", "Wat er van het vorige contact met dit adres kwam, als dat is teruggemeld."),
            ("Afdrukken", "De gele kolommen en het kenmerk komen niet op papier; die vult u in het bestand in."),
            ("Gele kolommen", "Vult u in: kies uit de lijst in de cel. Datum als dag-maand-jaar. Geen formules."),
            ("Poging", "Nog een poging bij hetzelfde adres? Kopieer de regel en nummer de pogingen 1, 2, 3 …"),
            ("Eindresultaat", "Vult u in zodra het bekend is; wat u eerder invulde, hoeft u niet te herhalen."),
            ("Opmerking", "Voor uzelf; wij nemen die niet over."),
            (
                "Terugsturen",
                "Mag zo vaak u wilt, ook half ingevuld, gesorteerd of in delen. Wat het laatst kwam, geldt.",
            ),
            ("Kenmerk", "Hieraan herkennen wij de regel als u de lijst terugstuurt. Niet wijzigen."),
            (
                "Vertrouwelijk",
                "Deze lijst bevat persoonsgegevens over schulden. Niet doorsturen, na gebruik vernietigen.",
            ),
        )
        page(self._book.explanation(lines))

    def _choices_sheet(self) -> None:
        sheet = self._book.sheet("Lijsten", ())
        sheet.very_hidden()
        for row in range(max(len(values) for values in _LISTS.values()) + 1):
            for column, (header, values) in enumerate(_LISTS.items()):
                if row <= len(values):
                    sheet.write_string(row, column, header if row == 0 else values[row - 1])

    def _number(self, sheet: Worksheet, row: int, column: int, number: int | None) -> None:
        if number is None:
            sheet.write_blank(row, column, None, self._formats["text"])
        else:
            sheet.write_number(row, column, number, self._formats["number"])


def _said_of_issue(heading: WorklistHeading) -> str:
    when = f"{heading.issued_at.astimezone(AMSTERDAM):%d-%m-%Y %H:%M}"
    if heading.issue is None:
        return f"Alle adressen die op {when} op de lijst stonden"
    what = "eerste uitgifte" if heading.issue == 1 else "aanvulling: alleen wat is bijgekomen of vervallen"
    return f"Uitgifte {heading.issue} ({what}), gemaakt op {when}"


def attention_lines(entry: WorklistEntry) -> str:
    """What a visitor must have in mind, a line each."""
    return "\n".join(part[:1].upper() + part[1:] for part in entry.attention.split("; "))


def mail_lines(mails: str, width: int) -> str:
    """E-mail addresses, a line each; one that does not fit is broken behind a sign in it, never in a word."""
    lines = []
    for mail in mails.split("; "):
        lines.append("")
        for part in re.split(r"(?<=[@._-])", mail):
            # Digits, by which the width is counted, are wider than most letters.
            if lines[-1] and len(lines[-1] + part) > width * 11 // 10:
                lines.append("")
            lines[-1] += part
    return "\n".join(lines)


def address_lines(entry: WorklistEntry) -> str:
    """The address, on two lines."""
    where = " ".join(part for part in (entry.street, entry.house_number) if part)
    postcode = f"{entry.postcode[:4]} {entry.postcode[4:]}"
    return f"{where}\n{' '.join(part for part in (postcode, entry.city) if part)}"


def _at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
