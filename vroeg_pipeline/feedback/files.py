"""What each partner hears of its month, as files in a folder of its own: a CSV with statuses, an XLSX report, a text.

Who learns what, and the words, stand in `feedback.wording`. A partner's files hold rows that it delivered itself and no
others: a successor reads nothing of its predecessor.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.workbook import Workbook

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.months import AMSTERDAM, moment_text, month_text
from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH
from vroeg_pipeline.feedback.wording import (
    DeliveredMonth,
    DeliveryReport,
    file_said,
    status_for_partner,
    text_for_contact,
)
from vroeg_pipeline.installation.home import Home, private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.installation.statements import fetch_one, sql, temporary_columns
from vroeg_pipeline.quality.delivery_register import registered
from vroeg_pipeline.worklists.worklist_file import ROWS_A_SHEET, legal, looks_like_formula, month_title

CSV_HEADER = ("Regel", "Klantkenmerk", "Status")
_TREND_MONTHS = 12
_BATCH = 5_000


@dataclass(frozen=True)
class Feedback:
    """What one partner was told, in numbers."""

    partner: str
    told: Counter[str]
    rejected: int


def feedback_paths(home: Home, month: date, partner: str) -> dict[str, Path]:
    """The three files of a partner and month, by their suffix."""
    folder = home.outbox_of(month) / "partners" / partner
    names = {"csv": "terugkoppeling", "xlsx": "leveringsrapport", "txt": "bericht"}
    return {suffix: folder / f"{name}_{partner}_{month_text(month)}.{suffix}" for suffix, name in names.items()}


def write_feedback(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[Feedback]:
    """Writes the files of every partner with an agreement that sent something for the month."""
    sent = registered(connection, month).get(month, {})
    return [
        _write(connection, installation, month, agreement, sent[agreement.partner])
        for agreement in installation.partners.agreements.values()
        if agreement.partner in sent
    ]


def statuses_told(connection: duckdb.DuckDBPyConnection, partner: str) -> Iterator[tuple[int, str, str]]:
    """(row number, the partner's reference, what it is told) of each signal that it is told about."""
    query = """
        SELECT row_number, customer_reference, ddas_status FROM signal_statuses
        WHERE month = getvariable('month') AND partner = ? AND customer_reference IS NOT NULL ORDER BY row_number
    """
    for row_number, reference, ddas_status in _streamed(connection, query, partner):
        if (status := status_for_partner(ddas_status)) is not None:
            yield row_number, reference, status


def feedback_breaches(connection: duckdb.DuckDBPyConnection, home: Home, month: date, partner: str) -> int:
    """How often the partner's CSV, where there is one, says what it should not, or not what it should."""
    path = feedback_paths(home, month, partner)["csv"]
    if not path.exists():
        return 0
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter=";"))[1:]
    numbers, references, statuses = ([line[column] for line in lines] for column in range(3))
    temporary_columns(
        connection,
        "read_feedback",
        {
            "row_number": ("INTEGER", numbers),
            "customer_reference": ("VARCHAR", references),
            "status": ("VARCHAR", statuses),
        },
    )
    connection.execute("SET VARIABLE partner = ?", [partner])
    (breaches,) = fetch_one(connection, sql("feedback_breaches"))
    return int(breaches)


def _write(
    connection: duckdb.DuckDBPyConnection,
    installation: Installation,
    month: date,
    agreement: Agreement,
    files: Sequence[RegisteredFile],
) -> Feedback:
    paths = feedback_paths(installation.home, month, agreement.partner)
    private_folder(paths["csv"].parent)
    counts: Counter[str] = Counter()
    with replacing(paths["csv"]) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(CSV_HEADER)
        for row_number, reference, status in statuses_told(connection, agreement.partner):
            writer.writerow((row_number, _csv_cell(reference), status))
            counts[status] += 1
    report = _report(connection, month, agreement, files, counts)
    rejected = _streamed(
        connection,
        "SELECT row_number, coalesce(customer_reference, ''), reasons FROM rejected_rows "
        "WHERE month = getvariable('month') AND partner = ? ORDER BY row_number",
        agreement.partner,
    )
    with replacing(paths["xlsx"]) as temporary:
        _write_report(temporary, report, rejected, installation.home.scratch)
    with replacing(paths["txt"]) as temporary:
        attachments = [paths["csv"].name, paths["xlsx"].name]
        text = text_for_contact(report, installation.settings.alerts.signature, attachments)
        temporary.write_text(text, encoding="utf-8")
    return Feedback(agreement.partner, counts, report.delivered.rejected_count if report.delivered else 0)


def _csv_cell(text: str) -> str:
    """Text for a CSV that people open in a spreadsheet: an apostrophe in front of what would become a formula."""
    return f"'{text}" if looks_like_formula(text) else text


def _report(
    connection: duckdb.DuckDBPyConnection,
    month: date,
    agreement: Agreement,
    files: Sequence[RegisteredFile],
    counts: Counter[str],
) -> DeliveryReport:
    reasons = dict(
        connection.execute(
            "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM rejected_rows "
            "WHERE month = getvariable('month') AND partner = ?) GROUP BY reason",
            [agreement.partner],
        ).fetchall()
    )
    trend = connection.execute(
        f"""
        SELECT
            month, received_at, due_at, row_count, rejected_count,
            (
                SELECT count(*) FROM rejected_rows AS row
                WHERE row.month = file.month AND row.partner = file.partner AND list_contains(row.reasons, 'outdated')
            )
        FROM delivery_files AS file
        WHERE partner = ? AND status = 'accepted'
            AND month > getvariable('month') - INTERVAL {_TREND_MONTHS} MONTH AND month <= getvariable('month')
        ORDER BY month
        """,
        [agreement.partner],
    ).fetchall()
    return DeliveryReport(
        agreement.name,
        agreement.contact.name or agreement.name,
        month,
        files,
        {code: reasons[code] for code in REASONS_IN_DUTCH if code in reasons},
        dict(sorted(counts.items())),
        [DeliveredMonth(*of_month) for of_month in trend],
    )


def _streamed(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> Iterator[tuple[Any, ...]]:
    rows = connection.execute(query, list(parameters))
    while batch := rows.fetchmany(_BATCH):
        yield from batch


def _write_report(path: Path, report: DeliveryReport, rejected: Iterator[tuple[Any, ...]], scratch: Path) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(private_folder(scratch)),
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    try:
        # The same input gives the same bytes.
        created = report.files[-1].received_at.astimezone(AMSTERDAM).replace(tzinfo=None)
        workbook.set_properties({"title": f"Leveringsrapport {month_title(report.month)}", "created": created})
        book = _Book(workbook)
        _overview(book, report)
        _trend(book, report)
        _rejected(book, rejected)
    finally:
        workbook.close()


class _Book:
    """Sheets that are written from top to bottom."""

    def __init__(self, workbook: Workbook) -> None:
        self.workbook = workbook
        base = {"font_name": "Calibri", "font_size": 11, "valign": "top", "align": "left"}
        self.formats = {
            "title": workbook.add_format({**base, "bold": True, "font_size": 16, "font_color": "#1F3864"}),
            "header": workbook.add_format({**base, "bold": True, "bg_color": "#1F3864", "font_color": "#FFFFFF"}),
            "strong": workbook.add_format({**base, "bold": True}),
            "share": workbook.add_format({**base, "num_format": "0.0%"}),
            "quoted": workbook.add_format({**base, "quote_prefix": True}),
            "text": workbook.add_format(base),
        }

    def sheet(self, name: str, widths: Sequence[int]) -> _Sheet:
        sheet = self.workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        sheet.set_footer("&L&8Vertrouwelijk&R&8Pagina &P van &N")
        return _Sheet(self, sheet)


class _Sheet:
    def __init__(self, book: _Book, sheet: Any) -> None:
        self._formats, self.sheet = book.formats, sheet
        self.row = 0

    def add(self, *cells: str | float | None, form: str = "text") -> None:
        """The next row; a share is a float, a count an int."""
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                quoted = form == "text" and looks_like_formula(cell)
                self.sheet.write_string(self.row, column, legal(cell), self._formats["quoted" if quoted else form])
            elif cell is not None:
                self.sheet.write_number(
                    self.row, column, cell, self._formats["share" if isinstance(cell, float) else form]
                )
        self.row += 1


def _overview(book: _Book, report: DeliveryReport) -> None:
    sheet = book.sheet("Overzicht", (60, 22, 60, 10))
    sheet.add(f"Leveringsrapport {month_title(report.month)} – {report.partner_name}", form="title")
    sheet.add()
    sheet.add("Ontvangen op", "Regels", "Wat ermee is gedaan", form="header")
    for file in report.files:
        sheet.add(moment_text(file.received_at), file.row_count, file_said(file))
    sheet.add()
    if found := report.delivered:
        sheet.add("Uw levering", "Aantal", form="header")
        if found.due_at:
            sheet.add("Uiterlijk afgesproken", moment_text(found.due_at), "op tijd" if found.on_time else "te laat")
        sheet.add("Regels", found.row_count)
        sheet.add("Verwerkt", found.row_count - found.rejected_count)
        sheet.add("Afgekeurd", found.rejected_count)
        sheet.add(
            "Aandeel verouderd (peildatum te oud)", found.outdated_count / found.row_count if found.row_count else 0
        )
        sheet.add()
    sheet.add("Afgekeurd wegens (een regel kan meer dan één reden hebben)", "Regels", form="header")
    for code, number in report.rejected.items():
        sheet.add(REASONS_IN_DUTCH[code], number)
    sheet.add()
    sheet.add("Teruggekoppeld (zie het CSV-bestand)", "Signalen", form="header")
    for status, number in report.told.items():
        sheet.add(status, number)
    sheet.add()
    sheet.add(
        "Dit rapport gaat alleen over wat u zelf hebt aangeleverd. Het bevat persoonsgegevens: deel het niet verder."
    )


def _trend(book: _Book, report: DeliveryReport) -> None:
    sheet = book.sheet("Verloop", (12, 20, 12, 10, 12, 20, 20))
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
    for of in report.trend:
        rows = of.row_count or 1
        sheet.add(
            month_text(of.month), moment_text(of.received_at), "ja" if of.on_time else "nee", of.row_count,
            of.rejected_count, of.rejected_count / rows, of.outdated_count / rows,
        )  # fmt: skip
    if len(report.trend) < 2:
        return
    last = len(report.trend)
    chart = book.workbook.add_chart({"type": "line"})
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


def _rejected(book: _Book, rejected: Iterator[tuple[Any, ...]]) -> None:
    sheet, number = None, 0
    for row_number, reference, reasons in rejected:
        if sheet is None or sheet.row > ROWS_A_SHEET:
            number += 1
            sheet = _rejected_sheet(book, number)
        sheet.add(row_number, reference, "; ".join(REASONS_IN_DUTCH[code] for code in reasons))
    if sheet is None:
        _rejected_sheet(book, 1).add(None, None, "geen")


def _rejected_sheet(book: _Book, number: int) -> _Sheet:
    sheet = book.sheet("Afgekeurde regels" + (f" ({number})" if number > 1 else ""), (8, 30, 100))
    sheet.add("Regel", "Uw klantkenmerk", "Reden", form="header")
    sheet.sheet.freeze_panes(1, 0)
    return sheet
