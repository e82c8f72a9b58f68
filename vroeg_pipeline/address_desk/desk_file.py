"""The list of the address desk as an XLSX in Dutch: what is asked, what it can be, and cells for a decision.

Only how it looks. What is asked comes from `address_desk/address_desk.sql`; how a decision is read, from
`address_desk.decisions`. The header stands in the first row, so that the file can be sent back as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from vroeg_pipeline.address_desk.decisions import (
    AS_WRITTEN,
    DECIDED_BY,
    DECISION,
    DESK_ID,
    NOT_FOUND,
    WHY,
    WITHDRAWN,
)
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.formats.workbook import (
    FILL,
    FILL_HEADER,
    HEADER,
    LINE,
    MONEY,
    SMALL,
    STRONG,
    Book,
    drop_down,
    page,
    row_points,
    write_row,
    write_text,
    writing,
)
from vroeg_pipeline.worklists.worklist_file import month_title

COLUMNS = (
    ("Nr", 4), ("Wat is er", 34), ("Geschreven als", 26), ("Bewoner(s)", 20), ("Gemeld door", 18), ("Bedrag", 10),
    ("Mogelijke adressen", 44), (DECISION, 24), (DECIDED_BY, 14), (WHY, 22), (DESK_ID, 18),
)  # fmt: skip
_HEADERS = [header for header, _ in COLUMNS]
_WIDTHS = [width for _, width in COLUMNS]
_CANDIDATES_SHOWN = 8
# Excel takes a list of at most so many characters that is written out in the cell.
_LONGEST_LIST = 255
# No real moment: a list that says the same shall be the same file.
_MADE = datetime(2020, 1, 1, tzinfo=AMSTERDAM)

REASONS = {
    "no_house_number": "Geen huisnummer te lezen",
    "two_numbers": "In de straat en bij het huisnummer staan verschillende nummers",
    "another_door": "Er staat dat een andere deur is bedoeld (t/o, bij, naast …)",
    "two_suffixes": "Twee toevoegingen die niet hetzelfde betekenen",
    "street_contradicts_postcode": "De straat hoort niet bij deze postcode",
    "street_not_in_register": "De straat komt bij deze postcode niet voor",
    "suffix_missing": "Op dit nummer zijn meer woningen en de toevoeging ontbreekt",
    "several_dwellings": "Meer dan één woning past",
    "suffix_not_in_register": "Het nummer bestaat, deze toevoeging niet",
    "tie": "Twee adressen passen even goed",
    "postcode_too_different": "De straat heeft dit nummer, maar met een heel andere postcode",
    "postcode_of_same_street": "De postcode is van een ander deel van deze straat; postcode of nummer is fout",
    "postcode_of_other_municipality": "De postcode ligt in een andere gemeente",
    "postcode_of_other_town": "Postcode en plaats zijn niet van hier",
    "number_not_in_register": "De postcode bestaat, dit nummer niet",
    "not_in_register": "Het adres staat niet in het register",
    "customer_at_another_number": "Deze klant stond vorige maand op een ander nummer",
    "person_next_door": "Dezelfde naam en geboortedatum staan bij een andere partner op een nummer ernaast",
    "register_says_otherwise": "Uw besluit en het register van nu zijn het niet eens; het besluit geldt",
    "decision_not_in_register": "Het adres van uw besluit staat niet (meer) in het register; het besluit geldt",
}
_FOUND_BY = {
    "postcode": "postcode en nummer",
    "street": "straat en nummer",
    "postcode_nearby": "postcode lijkt erop",
    "other_suffix": "zelfde nummer, andere toevoeging",
    "number_nearby": "nummer lijkt erop",
    "last_month": "vorige maand",
    "next_door": "bij een andere partner",
    "register": "volgens het register van nu",
}
_DECISIONS = {"address": "dit adres gekozen", "as_written": AS_WRITTEN.lower(), "not_found": NOT_FOUND.lower()}


@dataclass(frozen=True)
class DeskLine:
    """One line. Its texts come from partners and may be hostile. `candidates`: address, street, found_by."""

    desk_id: str
    reason: str
    partners: Sequence[str]
    has_crisis: bool
    total_amount: Decimal
    written: str
    residents: str
    candidates: Sequence[Mapping[str, str | None]]
    earlier_decision: str | None
    decided_on: date | None
    refusal: str | None


def desk_file_name(month: date) -> str:
    """The name of the month's list; it names no person or address (DOMAIN §12)."""
    return f"adresdesk_{month:%Y-%m}.xlsx"


def write_desk_file(path: Path, month: date, lines: Sequence[DeskLine], scratch: Path) -> None:
    """Writes the list, whole or not at all, for the owner alone. The same lines give the same bytes."""
    with writing(path, f"Adresdesk – {month_title(month)}", _MADE, scratch, by_row=False) as book:
        _list_sheet(book, lines)
        _explanation_sheet(book, month)


def _list_sheet(book: Book, lines: Sequence[DeskLine]) -> None:
    middle = {"valign": "vcenter"}
    text, strong = book.text_form(LINE), book.text_form(LINE, STRONG)
    number, money = book.form(LINE, {"align": "center"}), book.form(LINE, MONEY, {"align": "left"})
    fill, small = book.form(FILL), book.form(SMALL)
    to_fill = (DECISION, DECIDED_BY, WHY)
    sheet = book.sheet("Adresdesk", _WIDTHS)
    page(sheet)
    sheet.set_row(0, 24)
    fill_header = book.form(LINE, FILL_HEADER, middle)
    write_row(sheet, 0, _HEADERS, book.form(LINE, HEADER, middle), dict.fromkeys(to_fill, fill_header))
    sheet.freeze_panes(1, _HEADERS.index("Geschreven als"))
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(1, len(lines)), len(COLUMNS) - 1)
    sheet.print_area(0, 0, max(1, len(lines)), _HEADERS.index(WHY))
    for row, line in enumerate(lines, 1):
        cells = {
            "Wat is er": _what(line), "Geschreven als": line.written, "Bewoner(s)": line.residents,
            "Gemeld door": "\n".join(line.partners), "Mogelijke adressen": _candidates(line),
        }  # fmt: skip
        wrapped = {_HEADERS.index(name): content for name, content in cells.items()}
        sheet.set_row(row, row_points(wrapped, _WIDTHS))
        sheet.write_number(row, 0, row, number)
        for column, content in wrapped.items():
            form = strong if _HEADERS[column] == "Wat is er" and line.has_crisis else text
            write_text(sheet, row, column, content, form)
        sheet.write_number(row, _HEADERS.index("Bedrag"), float(line.total_amount), money)
        for name in to_fill:
            sheet.write_blank(row, _HEADERS.index(name), None, fill)
        sheet.write_string(row, _HEADERS.index(DESK_ID), line.desk_id, small)
        other = "Een ander adres? Schrijf postcode en huisnummer: 1234 AB 12-A."
        decision = _HEADERS.index(DECISION)
        drop_down(sheet, (row, row), decision, DECISION, _choices(line), other, error_type="information")


def _what(line: DeskLine) -> str:
    said = [f"CRISIS. {REASONS[line.reason]}" if line.has_crisis else REASONS[line.reason]]
    if line.earlier_decision and line.decided_on:
        said.append(f"Besluit van {line.decided_on:%d-%m-%Y}: {_DECISIONS[line.earlier_decision]}.")
    if line.refusal:
        said.append(f"Vorig besluit niet verwerkt: {line.refusal}.")
    return "\n".join(said)


def _candidates(line: DeskLine) -> str:
    shown = [
        f"{candidate['address']}  {candidate['street'] or ''}".rstrip() + f" ({_FOUND_BY[str(candidate['found_by'])]})"
        for candidate in line.candidates[:_CANDIDATES_SHOWN]
    ]
    more = len(line.candidates) - _CANDIDATES_SHOWN
    return "\n".join([*shown, *([f"en nog {more}"] if more > 0 else [])]) or "geen"


def _choices(line: DeskLine) -> list[str]:
    """What the cell proposes; another address can be typed."""
    fixed = [AS_WRITTEN, NOT_FOUND, *([WITHDRAWN] if line.earlier_decision else [])]
    proposed: list[str] = []
    for candidate in line.candidates[:_CANDIDATES_SHOWN]:
        if len(",".join([*proposed, str(candidate["address"]), *fixed])) <= _LONGEST_LIST:
            proposed.append(str(candidate["address"]))
    return [*proposed, *fixed]


def _explanation_sheet(book: Book, month: date) -> None:
    title = month_title(month)
    lines = (
        ("Wat is dit?", f"Adressen uit de meldingen van {title} die wij niet zeker weten. Wij raden nooit: u beslist."),
        (DECISION, "Kies uit de lijst in de cel, of schrijf een ander adres: postcode en huisnummer, zoals in de BAG."),
        (AS_WRITTEN, "Het adres klopt zoals de partner het schrijft, ook al staat het niet in het register."),
        (NOT_FOUND, "U heeft gezocht en het is niet te vinden. Het blijft op de lijst, met uw besluit erbij."),
        (WITHDRAWN, "Een eerder besluit geldt niet meer."),
        (DECIDED_BY, "Wie dit besloot; nodig. In Toelichting kunt u schrijven waarom."),
        ("Geldt voor", "Deze schrijfwijze met deze achternaam: bij elke partner, in elke maand, met elk register."),
        ("Terugsturen", f"Zet het bestand in de map adresdesk/{month:%Y-%m}. Niet alles hoeft ingevuld te zijn."),
        ("Vertrouwelijk", "Deze lijst bevat persoonsgegevens over schulden. Niet doorsturen, daarna vernietigen."),
    )
    book.explanation(lines)
