"""What each partner hears of its month, as files in a folder of its own: a CSV with statuses, an XLSX report, a text.

Who learns what, and the words, stand in `feedback.wording`. A partner's files hold rows that it delivered itself and no
others: a successor reads nothing of its predecessor.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from xlsxwriter.worksheet import Worksheet

from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.ddas import EnumSignaalstatus
from vroeg_pipeline.domain.months import add_months, moment_text, month_text, months_between
from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH
from vroeg_pipeline.feedback.one_municipality import seen_by
from vroeg_pipeline.feedback.wording import (
    DeliveredMonth,
    DeliveryReport,
    file_said,
    gap_said,
    status_for_partner,
    text_for_contact,
)
from vroeg_pipeline.formats.workbook import (
    HEADER,
    ROWS_A_SHEET,
    STRONG,
    TEXT,
    TITLE,
    Book,
    legal,
    looks_like_formula,
    page,
    row_points,
    write_text,
    writing,
)
from vroeg_pipeline.installation.home import Home, private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import sql, streamed, temporary_columns, temporary_step, temporary_table
from vroeg_pipeline.quality.delivery_register import registered
from vroeg_pipeline.worklists.worklist_file import month_title

# Files in the register, by month and partner.
FilesByMonth = Mapping[date, Mapping[str, Sequence[RegisteredFile]]]

CSV_HEADER = ("Regel", "Klantkenmerk", "Status", "Bestand")
# Of all partners together that are read back.
_LINES_AT_ONCE = 100_000
# Of the trend in a report.
_TREND_MONTHS = 12


@dataclass(frozen=True)
class Feedback:
    """What one partner was told, in numbers."""

    partner: str
    told: Counter[str]
    rejected: int


def feedback_paths(home: Home, month: date, partner: str, municipality: str | None = None) -> dict[str, Path]:
    """The three files of a partner and month, by their suffix; `municipality`: of one alone, where they are separate."""
    folder = home.outbox_of(month) / "partners" / partner
    names = {"csv": "terugkoppeling", "xlsx": "leveringsrapport", "txt": "bericht"}
    of = "_".join(filter(None, (partner, month_text(month), municipality)))
    return {suffix: folder / f"{name}_{of}.{suffix}" for suffix, name in names.items()}


def write_feedback(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[Feedback]:
    """Writes the files of every partner with an agreement that sent something for the month, for each municipality of its
    own where they are separate.
    """
    told = []
    for municipality in installation.municipalities:
        with seen_by(connection, installation, municipality) as own:
            sent = registered(connection, None)
            # Once for all partners, as each look at the tables takes longer than what a small partner has there.
            for name, select in _TOLD.items():
                temporary_step(connection, name, select)
            told += [
                _write(connection, own, month, agreement, sent, municipality)
                for agreement in own.partners.agreements.values()
                if agreement.partner in sent.get(month, {})
            ]
    for partner in {each.partner for each in told}:
        _remove_others(installation, month, partner)
    return told


def _remove_others(installation: Installation, month: date, partner: str) -> None:
    """Removes the files of all municipalities together, or of one alone, from before the setting was changed."""
    current = [feedback_paths(installation.home, month, partner, code) for code in installation.municipalities]
    expected = {path for paths in current for path in paths.values()}
    for path in expected:
        for other in path.parent.glob(f"{path.stem.split('_')[0]}_{partner}_{month_text(month)}*{path.suffix}"):
            if other not in expected:
                other.unlink()


_TOLD = {
    "told_signals": """
        SELECT partner, row_number, customer_reference, ddas_status, file_name, received_at
        FROM signal_statuses INNER JOIN delivery_files USING (month, partner, file_sha256)
        WHERE month = getvariable('month') AND customer_reference IS NOT NULL
    """,
    "told_rejections": """
        SELECT partner, row_number, customer_reference, reasons, file_name, received_at
        FROM (SELECT * EXCLUDE (received_at) FROM rejected_rows)
        INNER JOIN delivery_files USING (month, partner, file_sha256)
        WHERE month = getvariable('month')
    """,
    "told_months": f"""
        SELECT
            partner, month, max(due_at) AS due_at, sum(row_count)::INTEGER AS row_count,
            sum(rejected_count)::INTEGER AS rejected_count,
            (
                SELECT count(*) FROM rejected_rows AS row
                WHERE row.month = file.month AND row.partner = file.partner AND list_contains(row.reasons, 'outdated')
            ) AS outdated_count,
            (
                SELECT count(reminder_sent) FROM validated_signals AS row
                WHERE row.month = file.month AND row.partner = file.partner
            ) AS reminder_known,
            (
                SELECT count(*) FROM validated_signals AS row
                WHERE row.month = file.month AND row.partner = file.partner AND NOT row.reminder_sent
            ) AS not_reminded
        FROM delivery_files AS file
        -- A file that was taken in alone has not been judged yet.
        WHERE status = 'accepted' AND rejected_count IS NOT NULL
            AND month > getvariable('month') - INTERVAL {_TREND_MONTHS} MONTH AND month <= getvariable('month')
        GROUP BY month, partner
    """,
}


def _statuses_told(connection: duckdb.DuckDBPyConnection, partner: str) -> Iterator[tuple[int, str, str, str]]:
    """(row number, the partner's reference, what it is told, the name of its file) of each signal that it is told about."""
    query = """
        SELECT row_number, customer_reference, ddas_status, file_name FROM told_signals
        WHERE partner = ? ORDER BY received_at, file_name, row_number
    """
    for row_number, reference, ddas_status, file_name in streamed(connection, query, [partner]):
        if (status := status_for_partner(ddas_status)) is not None:
            yield row_number, reference, status, file_name


def feedback_breaches(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    month: date,
    partners: Iterable[str],
    municipality: str | None = None,
) -> dict[str, int]:
    """How often the CSV of each partner that has one says what it should not, or not what it should; none are left out."""
    words = [(status, status_for_partner(status)) for status in EnumSignaalstatus]
    temporary_table(connection, "told_statuses", "ddas_status VARCHAR, may_learn VARCHAR", words)
    breaches: dict[str, int] = {}
    read: list[tuple[str, list[list[str]]]] = []
    paths = {partner: feedback_paths(home, month, partner, municipality)["csv"] for partner in partners}
    for partner, path in paths.items():
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                read.append((partner, list(csv.reader(file, delimiter=";"))[1:]))
        # Together, as each statement takes longer than a small partner's file.
        if sum(len(lines) for _, lines in read) > _LINES_AT_ONCE:
            breaches |= _breaches(connection, read)
            read.clear()
    return breaches | _breaches(connection, read)


def _breaches(connection: duckdb.DuckDBPyConnection, read: Sequence[tuple[str, list[list[str]]]]) -> dict[str, int]:
    lines = [(partner, *line[:4]) for partner, of_partner in read for line in of_partner]
    of_partner, numbers, references, statuses, files = zip(*lines, strict=True) if lines else ((), (), (), (), ())
    temporary_columns(
        connection,
        "read_feedback",
        {
            "partner": ("VARCHAR", of_partner),
            "row_number": ("INTEGER", numbers),
            "customer_reference": ("VARCHAR", references),
            "status": ("VARCHAR", statuses),
            "file_name": ("VARCHAR", files),
        },
    )
    temporary_columns(connection, "read_partners", {"partner": ("VARCHAR", [partner for partner, _ in read])})
    return dict(connection.execute(sql("feedback_breaches")).fetchall())


def _write(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    agreement: Agreement,
    sent: FilesByMonth,
    municipality: str | None,
) -> Feedback:
    paths = feedback_paths(installation.home, month, agreement.partner, municipality)
    private_folder(paths["csv"].parent)
    counts: Counter[str] = Counter()
    with replacing(paths["csv"]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(CSV_HEADER)
        for row_number, reference, status, file_name in _statuses_told(connection, agreement.partner):
            writer.writerow((row_number, _csv_cell(reference), status, _csv_cell(file_name)))
            counts[status] += 1
    report = _report(connection, installation, month, agreement, sent, counts, municipality)
    rejected = streamed(
        connection,
        "SELECT row_number, coalesce(customer_reference, ''), reasons, file_name FROM told_rejections "
        "WHERE partner = ? ORDER BY received_at, file_name, row_number",
        [agreement.partner],
    )
    _write_report(paths["xlsx"], report, rejected, installation.home.scratch)
    with replacing(paths["txt"]) as temporary:
        signature = installation.settings.alerts.signature
        text = text_for_contact(report, signature, paths["csv"].name, paths["xlsx"].name)
        temporary.write_text(text, encoding="utf-8")
    return Feedback(agreement.partner, counts, report.delivered.rejected_count if report.delivered else 0)


def _csv_cell(text: str) -> str:
    """Text for a CSV that people open in a spreadsheet: an apostrophe in front of what would become a formula."""
    return f"'{text}" if looks_like_formula(text) else text


def _report(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    agreement: Agreement,
    sent: FilesByMonth,
    counts: Counter[str],
    municipality: str | None,
) -> DeliveryReport:
    reasons = dict(
        connection.execute(
            "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM told_rejections WHERE partner = ?) "
            "GROUP BY reason",
            [agreement.partner],
        ).fetchall()
    )
    trend = _delivered_months(connection, agreement, sent)
    return DeliveryReport(
        agreement.name,
        agreement.contact.name or agreement.name,
        PartnerMonth(agreement, month, sent[month][agreement.partner]),
        {code: reasons[code] for code in REASONS_IN_DUTCH if code in reasons},
        dict(sorted(counts.items())),
        trend,
        _gaps(installation, month, agreement, sent, {of.month for of in trend}),
        municipality,
    )


def _gaps(
    installation: Installation, month: date, agreement: Agreement, sent: FilesByMonth, delivered: set[date]
) -> dict[date, str]:
    """The months of the trend without a usable delivery, since anything was registered, and what became of them."""
    first = max(add_months(month, 1 - _TREND_MONTHS), min(sent))
    months = [
        PartnerMonth(agreement, of, sent.get(of, {}).get(agreement.partner, ()))
        for of in months_between(first, month)
        if of not in delivered
    ]
    return {of.month: gap_said(of, installation.now()) for of in months if of.is_owed or of.files}


def _delivered_months(
    connection: duckdb.DuckDBPyConnection, agreement: Agreement, sent: FilesByMonth
) -> list[DeliveredMonth]:
    """The last months of which files of the partner count."""
    counts = connection.execute(
        "SELECT * EXCLUDE (partner) FROM told_months WHERE partner = ? ORDER BY month", [agreement.partner]
    ).fetchall()
    delivered = []
    for month, due_at, *figures in counts:
        first = PartnerMonth(agreement, month, sent[month][agreement.partner]).first_usable
        delivered.append(DeliveredMonth(month, first.received_at if first else None, due_at, *figures))
    return delivered


def _write_report(path: Path, report: DeliveryReport, rejected: Iterator[tuple[Any, ...]], scratch: Path) -> None:
    created = report.files[-1].received_at
    with writing(path, f"Leveringsrapport {month_title(report.month)}", created, scratch) as book:
        sheets = _Sheets(book)
        _overview(sheets, report)
        _trend(sheets, report)
        _rejected(sheets, rejected)


class _Sheets:
    """Sheets that are written from top to bottom."""

    def __init__(self, book: Book) -> None:
        self.book = book
        base = {**TEXT, "align": "left", "text_wrap": True}
        self.text = book.text_form(base)
        self.formats = {
            "title": book.form(TITLE, {"align": "left"}),
            "note": book.form(TEXT, {"align": "left"}),
            "header": book.form(base, HEADER),
            "strong": book.form(base, STRONG),
            "share": book.form(base, {"num_format": "[$-413]0.0%"}),
            "text": self.text.plain,
        }

    def sheet(self, name: str, widths: Sequence[int]) -> _Sheet:
        sheet = self.book.sheet(name, widths)
        page(sheet, footer="Vertrouwelijk")
        return _Sheet(self, sheet, widths)


class _Sheet:
    def __init__(self, of: _Sheets, sheet: Worksheet, widths: Sequence[int]) -> None:
        self._of, self.sheet, self._widths = of, sheet, widths
        self.row = 0

    def add(self, *cells: str | float | None, form: str = "text") -> None:
        """The next row; a share is a float, a count an int."""
        formats = self._of.formats
        if form in ("text", "header"):
            texts = {column: cell for column, cell in enumerate(cells) if isinstance(cell, str)}
            bold = texts if form == "header" else ()
            self.sheet.set_row(self.row, row_points(texts or {0: ""}, self._widths, bold))
        for column, cell in enumerate(cells):
            if isinstance(cell, str) and form == "text":
                write_text(self.sheet, self.row, column, cell, self._of.text)
            elif isinstance(cell, str):
                self.sheet.write_string(self.row, column, legal(cell), formats[form])
            elif cell is not None:
                self.sheet.write_number(self.row, column, cell, formats["share" if isinstance(cell, float) else form])
        self.row += 1


def _overview(sheets: _Sheets, report: DeliveryReport) -> None:
    sheet = sheets.sheet("Overzicht", (58, 20, 70))
    town = f", gemeente {report.municipality}" if report.municipality else ""
    sheet.add(f"Leveringsrapport {month_title(report.month)} – {report.partner_name}{town}", form="title")
    sheet.add()
    sheet.add("Ontvangen op", "Regels", "Wat ermee is gebeurd", form="header")
    for file in report.files:
        sheet.add(moment_text(file.received_at), file.row_count, file_said(file, report.sent))
    sheet.add()
    if found := report.delivered:
        sheet.add("Uw levering", "Aantal", form="header")
        if found.due_at:
            came = "nog niet ontvangen" if found.received_at is None else "op tijd" if found.on_time else "te laat"
            sheet.add("Uiterlijk afgesproken", moment_text(found.due_at), came)
        sheet.add("Regels", found.row_count)
        sheet.add("Verwerkt", found.row_count - found.rejected_count)
        sheet.add("Afgekeurd", found.rejected_count)
        sheet.add(
            "Aandeel verouderd (peildatum te oud)", found.outdated_count / found.row_count if found.row_count else 0
        )
        if found.reminder_told:
            sheet.add("Aandeel zonder herinnering vooraf", found.without_reminder / found.reminder_told)
        sheet.add()
    sheet.add("Afgekeurd wegens (een regel kan meer dan één reden hebben)", "Regels", form="header")
    for code, number in report.rejected.items():
        sheet.add(REASONS_IN_DUTCH[code], number)
    if not report.rejected:
        sheet.add("geen")
    sheet.add()
    sheet.add("Wat er met de signalen is gebeurd", "Signalen", form="header")
    for status, number in report.told.items():
        sheet.add(status, number)
    sheet.add("Welke het zijn, staat in het CSV-bestand." if report.told else "niets terug te melden")
    sheet.add()
    sheet.add(
        "Dit rapport gaat alleen over wat u zelf hebt aangeleverd. Het bevat persoonsgegevens: deel het niet verder.",
        form="note",
    )


def _trend(sheets: _Sheets, report: DeliveryReport) -> None:
    sheet = sheets.sheet("Verloop", (12, 20, 12, 10, 12, 20, 20))
    sheet.add(
        "Maand",
        "Ontvangen op",
        "Op tijd",
        "Regels",
        "Afgekeurd",
        "Aandeel afgekeurd",
        "Aandeel verouderd",
        form="header",
    )
    trend: dict[date, DeliveredMonth | str] = {**report.gaps, **{of.month: of for of in report.trend}}
    for month, of in sorted(trend.items()):
        if isinstance(of, str):
            sheet.add(month_text(month), of)
            continue
        rows = of.row_count or 1
        sheet.add(
            month_text(month), moment_text(of.received_at) if of.received_at else "nog niet",
            ("ja" if of.on_time else "nee") if of.received_at else None, of.row_count,
            of.rejected_count, of.rejected_count / rows, of.outdated_count / rows,
        )  # fmt: skip
    if len(trend) < 2:
        return
    last = len(trend)
    chart = sheets.book.workbook.add_chart({"type": "line"})
    for column, name in ((5, "Aandeel afgekeurd"), (6, "Aandeel verouderd")):
        chart.add_series(
            {
                "name": name,
                "categories": ["Verloop", 1, 0, last, 0],
                "values": ["Verloop", 1, column, last, column],
                "marker": {"type": "automatic"},
            }
        )
    chart.set_title({"name": "Afgekeurde en verouderde regels"})
    chart.set_y_axis({"num_format": "0%", "min": 0})
    chart.set_legend({"position": "bottom"})
    sheet.sheet.insert_chart(last + 3, 0, chart)


def _rejected(sheets: _Sheets, rejected: Iterator[tuple[Any, ...]]) -> None:
    sheet, number = None, 0
    for row_number, reference, reasons, file_name in rejected:
        if sheet is None or sheet.row > ROWS_A_SHEET:
            number += 1
            sheet = _rejected_sheet(sheets, number)
        sheet.add(row_number, reference, "; ".join(REASONS_IN_DUTCH[code] for code in reasons), file_name)
    if sheet is None:
        _rejected_sheet(sheets, 1).add(None, None, "geen")


def _rejected_sheet(sheets: _Sheets, number: int) -> _Sheet:
    sheet = sheets.sheet("Afgekeurde regels" + (f" ({number})" if number > 1 else ""), (7, 26, 84, 40))
    sheet.add("Regel", "Uw klantkenmerk", "Reden", "Bestand", form="header")
    sheet.sheet.freeze_panes(1, 0)
    return sheet
