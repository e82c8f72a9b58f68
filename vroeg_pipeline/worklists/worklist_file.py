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
from typing import Any, Literal

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.domain.ddas import EnumContactsoort, EnumDagdeel, EnumEindresultaat
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.domain.tiers import CRISIS, CRISIS_WORKING_DAYS, TIERS, Action
from vroeg_pipeline.installation.home import private_folder, replacing

# Excel has 1,048,576 rows a sheet; a longer list goes on in the next sheet.
ROWS_A_SHEET = 1_000_000

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

# (header, width in characters); what the team fills in comes last but one, so that it prints on the same page.
COLUMNS = (
    ("Nr", 4), ("Prioriteit", 11), ("Eerst doen", 11), ("Uiterlijk", 10), ("Adres", 20), ("Bewoner(s)", 18),
    ("Telefoon en e-mail", 22), ("Waarom", 42), ("Partners en bedragen", 20), ("Totaal", 10),
    ("Poging", 7), ("Soort contact", 10), ("Bereikt", 8), ("Datum contact", 10), ("Dagdeel", 8), ("Eindresultaat", 14),
    ("Opmerking", 12), ("Kenmerk (niet wijzigen)", 18),
)  # fmt: skip
_HEADERS = [header for header, _ in COLUMNS]
_FIRST_TO_FILL, _LAST_TO_FILL = _HEADERS.index("Poging"), _HEADERS.index("Opmerking")
_MOST_ATTEMPTS = 99
_CASE_ID = _HEADERS.index("Kenmerk (niet wijzigen)")
_HEADER_ROW = 4
_LINE_POINTS = 14.5

# XML knows no other control characters; a lone surrogate cannot be written either.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LOOKS_LIKE_FORMULA = re.compile(r"[=+\-@\t\r\n]|[\x00-\x1f]")


@dataclass(frozen=True)
class WorklistHeading:
    """What stands above the list. `issued_at` is aware; shown in Amsterdam time."""

    month: date
    worklist: str
    issue: int
    issued_at: datetime
    missing_partners: Sequence[str]


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
    partners: str
    total_amount: Decimal | None
    longest_days: int | None
    is_recidivist: bool
    known_to: str | None


def worklist_title(worklist: str) -> str:
    """A worklist as people call it: wijkteam_noord is Wijkteam Noord."""
    first, *rest = worklist.split("_")
    proper = first in ("wijkteam", "team")
    return " ".join([first.capitalize(), *(word.capitalize() if proper else word for word in rest)])


def month_title(month: date) -> str:
    """A month in Dutch: maart 2021."""
    return f"{MONTHS[month.month - 1]} {month.year}"


def worklist_file_name(month: date, worklist: str, issue: int) -> str:
    """The name of an issue's file; it names no person or address (DOMAIN §12)."""
    return f"werklijst_{month:%Y-%m}_{worklist.replace('_', '-')}_uitgifte-{issue}.xlsx"


def write_worklist(path: Path, heading: WorklistHeading, entries: Iterable[WorklistEntry], scratch: Path) -> int:
    """Writes the file, whole or not at all, for the owner alone; gives the number of lines.

    Lines are written as they come, so that a list of any length takes little memory. Withdrawn lines must come after
    the added ones; they get a sheet of their own. The same input gives the same bytes. `scratch`: a private folder for
    what the library keeps on disk meanwhile.
    """
    with replacing(path) as temporary:
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "tmpdir": str(private_folder(scratch)),
        }
        workbook = xlsxwriter.Workbook(str(temporary), options)
        try:
            created = heading.issued_at.astimezone(AMSTERDAM).replace(tzinfo=None)
            workbook.set_properties({"title": _title(heading), "created": created})
            return _Writer(workbook, heading).write(entries)
        finally:
            workbook.close()


def _title(heading: WorklistHeading) -> str:
    return f"Werklijst {worklist_title(heading.worklist)} – {month_title(heading.month)}"


class _Writer:
    def __init__(self, workbook: Workbook, heading: WorklistHeading) -> None:
        self._book = workbook
        self._heading = heading
        base: dict[str, Any] = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
        line = {**base, "text_wrap": True, "bottom": 1, "bottom_color": "#BFBFBF"}
        self._formats = {
            "title": workbook.add_format({**base, "bold": True, "font_size": 16, "font_color": "#1F3864"}),
            "subtitle": workbook.add_format({**base, "font_color": "#404040"}),
            "missing": workbook.add_format({**base, "bold": True, "font_color": "#9C0006"}),
            "header": workbook.add_format(
                {**line, "bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF", "valign": "vcenter"}
            ),
            "fill_header": workbook.add_format(
                {**line, "bold": True, "bg_color": "#FFE699", "font_color": "#000000", "valign": "vcenter"}
            ),
            "text": workbook.add_format(line),
            "quoted": workbook.add_format({**line, "quote_prefix": True}),
            "strong": workbook.add_format({**line, "bold": True}),
            # Black and bold on grey: a crisis must also show on a black-and-white print.
            "crisis": workbook.add_format({**line, "bold": True, "bg_color": "#D9D9D9", "font_color": "#9C0006"}),
            "number": workbook.add_format({**line, "num_format": "0", "align": "center"}),
            "date": workbook.add_format({**line, "num_format": "dd-mm-yyyy", "align": "left"}),
            "money": workbook.add_format({**line, "num_format": "[$€-413] #,##0.00"}),
            "fill": workbook.add_format({**line, "bg_color": "#FFF9E5", "left": 1, "left_color": "#E0D3A8"}),
            "fill_date": workbook.add_format(
                {**line, "bg_color": "#FFF9E5", "num_format": "dd-mm-yyyy", "left": 1, "left_color": "#E0D3A8"}
            ),
            "small": workbook.add_format({**line, "font_size": 7, "font_color": "#808080"}),
            "paragraph": workbook.add_format({**base, "text_wrap": True}),
            "paragraph_strong": workbook.add_format({**base, "text_wrap": True, "bold": True}),
        }

    def write(self, entries: Iterable[WorklistEntry]) -> int:
        """All sheets; gives the number of lines. Sheets follow each other, as lines cannot be gone back to."""
        lines = 0
        waiting = iter(entries)
        entry = next(waiting, None)
        sheets = 0
        while (entry is not None and entry.change == "added") or sheets == 0:
            sheets += 1
            name = "Werklijst" if sheets == 1 else f"Werklijst ({sheets})"
            sheet = self._list_sheet(name)
            row = _HEADER_ROW
            while entry is not None and entry.change == "added" and row - _HEADER_ROW < ROWS_A_SHEET:
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
        sheet = self._book.add_worksheet(name)
        for column, (_, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
        sheet.set_row(0, 24)
        sheet.write_string(0, 0, _title(heading), formats["title"])
        what = "eerste uitgifte" if heading.issue == 1 else "aanvulling: alleen wat is bijgekomen of vervallen"
        when = f"{heading.issued_at.astimezone(AMSTERDAM):%d-%m-%Y %H:%M}"
        sheet.write_string(1, 0, f"Uitgifte {heading.issue} ({what}), gemaakt op {when}", formats["subtitle"])
        if heading.missing_partners:
            missing = f"Niet ontvangen deze maand: {', '.join(heading.missing_partners)}"
            sheet.write_string(2, 0, legal(missing), formats["missing"])
        else:
            sheet.write_string(2, 0, "Alle partners hebben deze maand geleverd.", formats["subtitle"])
        sheet.set_row(_HEADER_ROW, 30)
        for column, header in enumerate(_HEADERS):
            to_fill = _FIRST_TO_FILL <= column <= _LAST_TO_FILL
            sheet.write_string(_HEADER_ROW, column, header, formats["fill_header" if to_fill else "header"])
        sheet.freeze_panes(_HEADER_ROW + 1, _HEADERS.index("Bewoner(s)"))
        self._page(sheet)
        sheet.repeat_rows(_HEADER_ROW)
        return sheet

    @staticmethod
    def _page(sheet: Worksheet) -> None:
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer("&L&8Vertrouwelijk – persoonsgegevens&R&8Pagina &P van &N")
        sheet.hide_gridlines(2)

    def _line(self, sheet: Worksheet, row: int, entry: WorklistEntry) -> None:
        formats = self._formats
        crisis = entry.tier_name == CRISIS.name
        contact = "\n".join(part for part in (entry.phone, entry.email) if part)
        partners = entry.partners.replace("; ", "\n")
        wrapped = {4: _address(entry), 5: entry.residents, 6: contact, 7: entry.explanation, 8: partners}
        # Programs do not fit the height of a wrapped row that they did not write themselves.
        sheet.set_row(row, max(text_lines(text, COLUMNS[c][1]) for c, text in wrapped.items()) * _LINE_POINTS)
        self._number(sheet, row, 0, entry.rank)
        sheet.write_string(row, 1, TIER_TITLES.get(entry.tier_name or "", ""), formats["crisis" if crisis else "text"])
        sheet.write_string(row, 2, ACTIONS[entry.action] if entry.action else "", formats["strong"])
        if entry.deadline:
            sheet.write_datetime(row, 3, _at_midnight(entry.deadline), formats["date"])
        else:
            sheet.write_blank(row, 3, None, formats["text"])
        for column, text in wrapped.items():
            self._text(sheet, row, column, text)
        if entry.total_amount is not None:
            sheet.write_number(row, 9, float(entry.total_amount), formats["money"])
        else:
            sheet.write_blank(row, 9, None, formats["text"])
        sheet.write_number(row, _FIRST_TO_FILL, 1, formats["fill"])
        for column in range(_FIRST_TO_FILL + 1, _LAST_TO_FILL + 1):
            fill = "fill_date" if _HEADERS[column] == "Datum contact" else "fill"
            sheet.write_blank(row, column, None, formats[fill])
        sheet.write_string(row, _CASE_ID, legal(entry.case_id), formats["small"])

    def _finish(self, sheet: Worksheet, last_row: int) -> None:
        """What needs to know how long the list became."""
        sheet.autofilter(_HEADER_ROW, 0, max(last_row, _HEADER_ROW), _LAST_TO_FILL)
        sheet.print_area(0, 0, max(last_row, _HEADER_ROW), _LAST_TO_FILL)
        if last_row <= _HEADER_ROW:
            return
        for position, (header, values) in enumerate(_LISTS.items()):
            column, letter = _HEADERS.index(header), chr(ord("A") + position)
            sheet.data_validation(
                _HEADER_ROW + 1, column, last_row, column,
                {
                    "validate": "list",
                    # In a sheet of its own: Excel allows 255 characters for a list that is written out.
                    "source": f"=Lijsten!${letter}$2:${letter}${len(values) + 1}",
                    "error_title": header,
                    "error_message": "Kies een waarde uit de lijst.",
                },
            )  # fmt: skip
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
        sheet = self._book.add_worksheet("Ingetrokken")
        for column, width in enumerate((40, 60, 24)):
            sheet.set_column(column, column, width)
        sheet.set_row(0, 24)
        sheet.write_string(0, 0, "Ingetrokken: niet (meer) naartoe gaan", formats["title"])
        sheet.write_string(
            1, 0, "Deze adressen stonden in een eerdere uitgifte en horen niet meer op deze lijst.", formats["subtitle"]
        )
        for column, header in enumerate(("Adres", "Wat te doen", "Kenmerk (niet wijzigen)")):
            sheet.write_string(_HEADER_ROW, column, header, formats["header"])
        sheet.freeze_panes(_HEADER_ROW + 1, 0)
        self._page(sheet)
        row = _HEADER_ROW
        entry: WorklistEntry | None = first
        while entry is not None:
            row += 1
            self._text(sheet, row, 0, _address(entry))
            do = "Geen contact opnemen; is er al contact geweest, meld dat dan bij de teamcoördinator."
            sheet.write_string(row, 1, do, formats["text"])
            sheet.write_string(row, 2, legal(entry.case_id), formats["small"])
            entry = next(others, None)
        return row - _HEADER_ROW

    def _explanation_sheet(self) -> None:
        sheet = self._book.add_worksheet("Uitleg")
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 100)
        self._page(sheet)
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
            ("Waarom", "Waarom dit adres op deze plaats staat, en wat al bekend is."),
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
        for row, (word, meaning) in enumerate(lines):
            sheet.write_string(row, 0, word, self._formats["paragraph_strong"])
            sheet.write_string(row, 1, meaning, self._formats["paragraph"])

    def _choices_sheet(self) -> None:
        sheet = self._book.add_worksheet("Lijsten")
        sheet.very_hidden()
        for row in range(max(len(values) for values in _LISTS.values()) + 1):
            for column, (header, values) in enumerate(_LISTS.items()):
                if row <= len(values):
                    sheet.write_string(row, column, header if row == 0 else values[row - 1])

    def _text(self, sheet: Worksheet, row: int, column: int, text: str) -> None:
        form: Format = self._formats["quoted" if looks_like_formula(text) else "text"]
        sheet.write_string(row, column, legal(text), form)

    def _number(self, sheet: Worksheet, row: int, column: int, number: int | None) -> None:
        if number is None:
            sheet.write_blank(row, column, None, self._formats["text"])
        else:
            sheet.write_number(row, column, number, self._formats["number"])


def _address(entry: WorklistEntry) -> str:
    where = " ".join(part for part in (entry.street, entry.house_number) if part)
    postcode = f"{entry.postcode[:4]} {entry.postcode[4:]}"
    return f"{where}\n{' '.join(part for part in (postcode, entry.city) if part)}"


def text_lines(text: str, width: int) -> int:
    """How many lines a text takes in a column of so many characters, rather one too many than one too few."""
    return min(25, sum(-(-len(line) * 21 // (width * 20)) or 1 for line in text.split("\n")) if text else 1)


def looks_like_formula(text: str) -> bool:
    """Whether a cell with this text would become a formula when somebody edits it or saves the sheet as CSV."""
    return _LOOKS_LIKE_FORMULA.match(text) is not None


def legal(text: str) -> str:
    """Text that a sheet can hold: one kind of line end, without what XML does not know, at most as long as a cell."""
    return _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))[:32_767]


def _at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001
