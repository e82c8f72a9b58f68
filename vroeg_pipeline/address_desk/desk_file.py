"""The list of the address desk as an XLSX in Dutch: what is asked, what it can be, and cells for a decision.

Only how it looks. What is asked comes from `address_desk/desk_lines.sql`; how a decision is read, from
`address_desk.decisions`. The file can be sent back as it is. On sheets of their own stand the addresses in no area of a
wijkteam, and what came back and has no line: with them this is all that the desk gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.address_desk.decisions import (
    AS_WRITTEN,
    DECIDED_BY,
    DECISION,
    DESK_ID,
    NOT_FOUND,
    WHY,
    WITHDRAWN,
)
from vroeg_pipeline.domain.dutch import euro_text, in_dutch
from vroeg_pipeline.domain.months import AMSTERDAM
from vroeg_pipeline.domain.tiers import CRISIS as CRISIS_TIER
from vroeg_pipeline.formats.workbook import (
    CRISIS,
    DATE,
    FILL,
    FILL_HEADER,
    HEADER,
    LINE,
    MONEY,
    SMALL,
    TEXT,
    TITLE,
    WARNING_COLOUR,
    Book,
    drop_down,
    fitted,
    page,
    row_points,
    write_phone,
    write_row,
    write_text,
    writing,
)
from vroeg_pipeline.worklists.worklist_file import (
    TIER_TITLES,
    WorklistEntry,
    address_lines,
    attention_lines,
    month_title,
)

# (header, width in characters). What is printed comes first, and is narrow enough for eight points on A4.
COLUMNS = (
    ("Nr", 4), ("Wat is er", 30), ("Uiterlijk", 10), ("Geschreven als", 22), ("Bewoner(s)", 18), ("Telefoon", 11),
    ("Gemeld door", 14), ("Bedrag", 11), ("Mogelijke adressen", 42),
    (DECISION, 26), (DECIDED_BY, 14), (WHY, 24), (DESK_ID, 18),
)  # fmt: skip
_HEADERS = [header for header, _ in COLUMNS]
_WIDTHS = [width for _, width in COLUMNS]
_LAST_PRINTED = _HEADERS.index("Mogelijke adressen")
_HEADER_ROW = 3
_UNASSIGNED = (
    ("Nr", 4), ("Prioriteit", 12), ("Uiterlijk", 11), ("Adres", 34), ("Bewoner(s)", 34), ("Telefoon", 14),
    ("Waarom", 40), ("Totaal", 11),
)  # fmt: skip
_REFUSED = (
    ("Ontvangen", 11), ("Kenmerk", 18), ("Uw besluit", 26), (DECIDED_BY, 14), (WHY, 24), ("Waarom niet verwerkt", 40),
)  # fmt: skip
_CANDIDATES_SHOWN = 8
# Excel takes a list of at most so many characters that is written out in the cell.
_LONGEST_LIST = 255
# No real moment: a list that says the same shall be the same file.
_MADE = datetime(2020, 1, 1, tzinfo=AMSTERDAM)

REASONS = {
    "no_house_number": "Geen huisnummer te lezen",
    "two_numbers": "In de straat en bij het huisnummer staan verschillende nummers",
    "another_door": "Er staat dat een andere deur is bedoeld (t/o, bij, naast …)",
    "damaged_suffix": "Een spreadsheet heeft van de huisletter of toevoeging iets anders gemaakt",
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
    "decision_not_used": "Uw laatste besluit kon niet worden verwerkt",
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
_UNASSIGNED_SHEET = "Zonder wijkteam"
_REFUSED_SHEET = "Niet verwerkt"
_DECISIONS = {"address": "dit adres gekozen", "as_written": AS_WRITTEN.lower(), "not_found": NOT_FOUND.lower()}


@dataclass(frozen=True)
class DeskLine:
    """One line. Its texts come from partners and may be hostile. `candidates`: address, street, found_by; `is_no_door`: it
    names another door, two, or none; `refused_…`: what was written in a decision that could not be used.
    """

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
    is_no_door: bool
    deadline: date | None
    phone: str | None
    refused_decision: str | None
    refused_by: str | None
    refused_why: str | None


@dataclass(frozen=True)
class RefusedLine:
    """What came back, could not be used and has no line on the list. Its texts may be anything."""

    received_on: date
    desk_id: str | None
    written: str
    decided_by: str | None
    why: str | None
    refusal: str


def desk_file_name(month: date, municipality: str | None = None) -> str:
    """The name of the month's list, or of that of one municipality; it names no person or address (DOMAIN §12)."""
    return "_".join(filter(None, ("adresdesk", f"{month:%Y-%m}", municipality))) + ".xlsx"


def write_desk_file(
    path: Path,
    month: date,
    lines: Sequence[DeskLine],
    refused: Sequence[RefusedLine],
    unassigned: Sequence[WorklistEntry],
    scratch: Path,
) -> None:
    """Writes the list, whole or not at all, for the owner alone. The same lines give the same bytes."""
    with writing(path, _title(month), _MADE, scratch, by_row=False) as book:
        _list_sheet(book, month, lines, len(unassigned))
        if unassigned:
            _unassigned_sheet(book, unassigned)
        if refused:
            _refused_sheet(book, refused)
        _explanation_sheet(book, month)


def _title(month: date) -> str:
    return f"Adresdesk – {month_title(month)}"


def _list_sheet(book: Book, month: date, lines: Sequence[DeskLine], unassigned: int) -> None:
    middle = {"valign": "vcenter"}
    text, crisis = book.text_form(LINE), book.text_form(LINE, CRISIS)
    number, money = book.form(LINE, {"align": "center"}), book.form(LINE, MONEY)
    fill, small, day = book.text_form(FILL), book.form(SMALL), book.form(LINE, DATE, {"align": "left"})
    # A heavy frame too: a mark must also show on a black-and-white print.
    refused = book.text_form(FILL, {"border": 2, "border_color": WARNING_COLOUR, "font_color": WARNING_COLOUR})
    to_fill = (DECISION, DECIDED_BY, WHY)
    texts = [{_HEADERS.index(name): content for name, content in _wrapped(line).items()} for line in lines]
    words = ({column: text for column, text in each.items() if _HEADERS[column] != "Telefoon"} for each in texts)
    widths = fitted(_WIDTHS, words, _LAST_PRINTED + 1)
    sheet = book.sheet("Adresdesk", widths)
    page(sheet)
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, _title(month), book.form(TITLE))
    sheet.write_string(1, 0, _said(lines, unassigned), book.form(TEXT, {"font_color": "#404040"}))
    sheet.set_row(_HEADER_ROW, 24)
    fill_header = book.form(LINE, FILL_HEADER, middle)
    write_row(sheet, _HEADER_ROW, _HEADERS, book.form(LINE, HEADER, middle), dict.fromkeys(to_fill, fill_header))
    last_row = _HEADER_ROW + max(1, len(lines))
    sheet.freeze_panes(_HEADER_ROW + 1, _HEADERS.index("Uiterlijk"))
    sheet.repeat_rows(_HEADER_ROW)
    sheet.autofilter(_HEADER_ROW, 0, last_row, len(COLUMNS) - 1)
    sheet.print_area(0, 0, last_row, _LAST_PRINTED)
    for row, (line, wrapped) in enumerate(zip(lines, texts, strict=True), _HEADER_ROW + 1):
        marked = [_HEADERS.index("Wat is er")] if line.has_crisis else []
        sheet.set_row(row, row_points(wrapped, widths, bold=marked))
        sheet.write_number(row, 0, row - _HEADER_ROW, number)
        for column, content in wrapped.items():
            if _HEADERS[column] == "Telefoon":
                write_phone(sheet, row, column, content, text)
            else:
                write_text(sheet, row, column, content, crisis if column in marked else text, widths[column])
        _day(sheet, row, _HEADERS.index("Uiterlijk"), line.deadline, day)
        sheet.write_string(row, _HEADERS.index("Bedrag"), euro_text(line.total_amount), money)
        written = (line.refused_decision, line.refused_by, line.refused_why)
        for name, told in zip(to_fill, written, strict=True):
            form = refused if name == DECISION and line.refused_decision else fill
            if told:
                write_text(sheet, row, _HEADERS.index(name), told, form)
            else:
                sheet.write_blank(row, _HEADERS.index(name), None, form.plain)
        sheet.write_string(row, _HEADERS.index(DESK_ID), line.desk_id, small)
        other = "Een ander adres? Schrijf postcode en huisnummer: 1234 AB 12-A."
        decision = _HEADERS.index(DECISION)
        drop_down(sheet, (row, row), decision, DECISION, _choices(line), other, error_type="information")


def _wrapped(line: DeskLine) -> dict[str, str]:
    """The texts that can take several lines."""
    return {
        "Wat is er": _what(line), "Geschreven als": line.written, "Bewoner(s)": line.residents.replace("; ", "\n"),
        "Telefoon": (line.phone or "").replace("; ", "\n"), "Gemeld door": "\n".join(line.partners),
        "Mogelijke adressen": _candidates(line),
    }  # fmt: skip


def _said(lines: Sequence[DeskLine], unassigned: int) -> str:
    said = in_dutch(len(lines), "schrijfwijze", "schrijfwijzen") + " om uit te zoeken"
    if crises := sum(line.has_crisis for line in lines):
        said += f", waarvan {crises} met CRISIS"
    if unassigned:
        said += f"; {in_dutch(unassigned, 'adres', 'adressen')} zonder wijkteam, op het blad {_UNASSIGNED_SHEET}"
    return f"{said}. Vul de gele kolommen in en stuur het bestand terug."


def _unassigned_sheet(book: Book, entries: Sequence[WorklistEntry]) -> None:
    """Addresses that are certain, and lie in no area of a wijkteam."""
    text, crisis = book.text_form(LINE), book.text_form(LINE, CRISIS)
    number, money = book.form(LINE, {"align": "center"}), book.form(LINE, MONEY)
    day, widths = book.form(LINE, DATE, {"align": "left"}), [width for _, width in _UNASSIGNED]
    sheet = book.sheet(_UNASSIGNED_SHEET, widths)
    page(sheet)
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, "Adressen in geen gebied van een wijkteam", book.form(TITLE))
    sheet.write_string(
        1, 0, "Wijs ze aan een wijkteam toe: de beheerder vult reference/areas.csv aan.", book.form(TEXT)
    )
    write_row(sheet, _HEADER_ROW, [header for header, _ in _UNASSIGNED], book.form(LINE, HEADER))
    sheet.repeat_rows(_HEADER_ROW)
    sheet.freeze_panes(_HEADER_ROW + 1, 0)
    for row, entry in enumerate(entries, _HEADER_ROW + 1):
        phone = entry.phone.replace("; ", "\n")
        why = "\n".join(part for part in (entry.explanation, attention_lines(entry)) if part)
        wrapped = {3: address_lines(entry), 4: entry.residents.replace("; ", "\n"), 5: phone, 6: why}
        sheet.set_row(row, row_points(wrapped, widths))
        sheet.write_number(row, 0, row - _HEADER_ROW, number)
        tier = TIER_TITLES.get(entry.tier_name or "", "")
        write_text(sheet, row, 1, tier, crisis if entry.tier_name == CRISIS_TIER.name else text)
        _day(sheet, row, 2, entry.deadline, day)
        for column, content in wrapped.items():
            write_text(sheet, row, column, content, text)
        write_phone(sheet, row, 5, phone, text)
        total = "" if entry.total_amount is None else euro_text(entry.total_amount)
        sheet.write_string(row, 7, total, money)


def _refused_sheet(book: Book, lines: Sequence[RefusedLine]) -> None:
    """Decisions on a Kenmerk that is not on the list, and files that could not be read."""
    text, day = book.text_form(LINE), book.form(LINE, DATE, {"align": "left"})
    widths = [width for _, width in _REFUSED]
    sheet = book.sheet(_REFUSED_SHEET, widths)
    page(sheet)
    sheet.set_row(0, 24)
    sheet.write_string(0, 0, "Wat wij niet konden verwerken en niet op de lijst staat", book.form(TITLE))
    sheet.write_string(1, 0, "Stuur het opnieuw, met het kenmerk van onze lijst.", book.form(TEXT))
    write_row(sheet, _HEADER_ROW, [header for header, _ in _REFUSED], book.form(LINE, HEADER))
    sheet.repeat_rows(_HEADER_ROW)
    sheet.freeze_panes(_HEADER_ROW + 1, 0)
    for row, line in enumerate(lines, _HEADER_ROW + 1):
        told = (line.desk_id, line.written, line.decided_by, line.why, line.refusal)
        wrapped = {column: content or "" for column, content in enumerate(told, 1)}
        sheet.set_row(row, row_points(wrapped, widths))
        _day(sheet, row, 0, line.received_on, day)
        for column, content in wrapped.items():
            write_text(sheet, row, column, content, text)


def _day(sheet: Worksheet, row: int, column: int, day: date | None, form: Format) -> None:
    if day:
        sheet.write_datetime(row, column, datetime(day.year, day.month, day.day), form)  # noqa: DTZ001
    else:
        sheet.write_blank(row, column, None, form)


def _what(line: DeskLine) -> str:
    said = [f"CRISIS. {REASONS[line.reason]}" if line.has_crisis else REASONS[line.reason]]
    if line.earlier_decision and line.decided_on:
        said.append(f"Besluit van {line.decided_on:%d-%m-%Y}: {_DECISIONS[line.earlier_decision]}.")
    if line.refusal:
        written = f" ({line.refused_decision})" if line.refused_decision else ""
        said.append(f"Vorig besluit{written} niet verwerkt: {line.refusal}.")
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
    decided = line.earlier_decision or line.refusal
    fixed = [*([] if line.is_no_door else [AS_WRITTEN]), NOT_FOUND, *([WITHDRAWN] if decided else [])]
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
        ("Rood", "Een besluit van u dat wij niet konden verwerken, zoals u het schreef; de reden staat bij Wat is er."),
        (_REFUSED_SHEET, "Wat u deze maand stuurde, wij niet konden verwerken en niet op de lijst staat."),
        (_UNASSIGNED_SHEET, "Adressen die zeker zijn, maar in geen gebied van een wijkteam liggen."),
        ("Geldt voor", "Deze schrijfwijze met deze achternaam: bij elke partner, in elke maand, met elk register."),
        ("Terugsturen", f"Zet het bestand in de map adresdesk/{month:%Y-%m}. Niet alles hoeft ingevuld te zijn."),
        ("Vertrouwelijk", "Deze lijst bevat persoonsgegevens over schulden. Niet doorsturen, daarna vernietigen."),
    )
    page(book.explanation(lines))
