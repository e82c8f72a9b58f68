"""The delivery board as one HTML file that needs nothing else: for a browser, a wall screen, or paper.

How the board looks. What is on it comes from `quality.board`. It holds partners, moments and counts: no person (DOMAIN §12).
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from itertools import groupby
from pathlib import Path

from vroeg_pipeline.deliveries.partner_month import DeliveryState
from vroeg_pipeline.domain.months import AMSTERDAM, moment_text, month_text
from vroeg_pipeline.installation.home import Home, private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import ToBeRemoved
from vroeg_pipeline.quality.board import Board, Cell, Line
from vroeg_pipeline.quality.delivery_register import noted_board
from vroeg_pipeline.quality.wrong_now import Wrong, wrong_now

PAGE = "delivery_board.html"
MONTHS_SHOWN = 12
# Who looks at the page on a wall must be able to see that it is kept up to date.
_REWRITE_AFTER_SECONDS = 600

# A mark besides the colour: on a black-and-white print, and for who does not see red from green.
_MARKS = {
    DeliveryState.ON_TIME: "✓",
    DeliveryState.LATE: "◷",
    DeliveryState.MISSING: "✗",
    DeliveryState.REFUSED: "⊘",
    DeliveryState.OUTDATED: "↺",
    DeliveryState.EXPECTED: "…",
    DeliveryState.NOT_OWED: "",
}
_MEANINGS = {
    DeliveryState.ON_TIME: "a usable delivery came before its deadline",
    DeliveryState.LATE: "it came after the deadline",
    DeliveryState.MISSING: "the deadline has passed and nothing came",
    DeliveryState.REFUSED: "something came that cannot be used",
    DeliveryState.OUTDATED: "its newest reference date is too old, or it is an older delivery again",
    DeliveryState.EXPECTED: "nothing came yet, and the deadline is still ahead",
}

_STYLE = """
:root { color-scheme: light }
body { font: 15px/1.4 system-ui, "DejaVu Sans", sans-serif; margin: 1.5rem auto; max-width: 110rem; padding: 0 1.5rem;
  color: #14202b; background: #fff }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem } p { margin: .2rem 0; color: #45535f }
.scroll { overflow-x: auto } .scroll:focus-visible { outline: 2px solid #14202b; outline-offset: 2px }
table { border-collapse: separate; border-spacing: 3px; width: 100%; margin-top: 1rem; table-layout: fixed }
th { text-align: left; font-weight: 600; padding: .3rem .4rem; overflow-wrap: anywhere } th:first-child { width: 11rem }
td { padding: .35rem .5rem; border-radius: 4px; vertical-align: top; background: #f2f4f6;
  overflow-wrap: anywhere }
td div + div { margin-top: .35rem; border-top: 1px solid #0002; padding-top: .35rem }
b { display: block } small { display: block; color: #45535f }
small span { white-space: nowrap }
.seam { border-left: 5px double #14202b }
.on-time { background: #d8f0dd } .late { background: #fdeec2 } .missing { background: #f6c6c2; font-weight: 600 }
.refused { background: #f9d9c8 } .outdated { background: #e8d9f3 } .expected { background: #dcebf8 }
.not-owed { background: #f7f8f9; color: #5a6670 }
ul { padding-left: 1.2rem; margin: .3rem 0 } li { margin: .35rem 0; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; margin: .5rem 0 }
dt { padding: 0 .5rem; border-radius: 4px } dd { margin: 0; color: #45535f }
section { break-inside: avoid } svg { display: block; margin-top: .3rem }
svg text { font: 11px system-ui, sans-serif; fill: #45535f }
svg rect { fill: #4a7ba6 } svg rect.gap { fill: #b3261e }
@media screen and (max-width: 60rem) { body { padding: 0 .8rem; margin: 1rem auto }
  /* It opens at the newest month, which is the last. */
  .scroll { direction: rtl } .scroll > * { direction: ltr } table { width: max-content; min-width: 100% }
  td, thead th + th { width: 7.2rem } th:first-child { width: 6.2rem; position: sticky; left: 0; background: #fff } }
@media print { @page { size: A4 landscape; margin: 10mm } body { margin: 0; font-size: 10px; max-width: none }
  .scroll { overflow: visible } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""
# Every five minutes, for a wall screen; never under the hands of who reads it (WCAG 2.2.1).
RELOAD = (
    "let waits; const again = () => { clearTimeout(waits); waits = setTimeout(() => location.reload(), 300000) };"
    'for (const event of ["keydown", "pointermove", "scroll"]) addEventListener(event, again, true); again()'
)
_MADE_AT = re.compile("<time>[^<]*</time>")
_BAR_WIDTH, _BAR_HEIGHT = 56, 70


def write_board(home: Home, board: Board) -> Path:
    """Writes the page, owner-only, in place of an older one; gives its path."""
    path = private_folder(home.outbox) / PAGE
    with replacing(path) as temporary:
        temporary.write_text(board_page(board, wrong_now(home, board.months)), encoding="utf-8")
    return path


def refresh_board(installation: Installation) -> None:
    """Brings the page up to date from what runs noted, where something changed by what came or by the time it is now."""
    board = noted_board(installation, MONTHS_SHOWN)
    if not board.months:
        return
    try:
        path = installation.home.outbox / PAGE
        old, age = path.read_text(encoding="utf-8"), time.time() - path.stat().st_mtime
    except OSError:
        old, age = "", 0.0
    page = board_page(board, wrong_now(installation.home, board.months))
    changed = _MADE_AT.sub("", old) != _MADE_AT.sub("", page)
    if changed or age > _REWRITE_AFTER_SECONDS:
        write_board(installation.home, board)


def board_page(board: Board, wrong: Sequence[Wrong]) -> str:
    """The page as text, with what is wrong in its months."""
    made = moment_text(board.made_at)
    head = "".join(f'<th scope="col">{month_text(month)}</th>' for month in board.months)
    rows = "".join(
        f'<tr><th scope="row">{escape(line.name)}</th>{_row(line, board.months)}</tr>' for line in board.lines
    )
    legend = "".join(
        f'<dt class="{_class(state)}">{_MARKS[state]} {state}</dt><dd>{meaning}</dd>'
        for state, meaning in _MEANINGS.items()
    )
    silent = "".join(f"<li>{escape(str(silence))}</li>" for silence in board.silences)
    silences = f"<h2>Alerts that are silent</h2><ul>{silent}</ul>" if silent else ""
    leaving = f"<h2>What is removed within a week</h2>{_leaving(board.leaving)}" if board.leaving else ""
    histories = "".join(_history(line, board.months) for line in board.lines)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<script>{RELOAD}</script><title>Delivery board</title><style>{_STYLE}</style></head><body><main>"
        f"<h1>Delivery board</h1><p>By the register of deliveries, <time>{made}</time> (Amsterdam time). A double line is "
        'where a partner took over another.</p><div class="scroll" tabindex="0" role="group" '
        'aria-label="Partners by months"><table>'
        f'<thead><tr><th scope="col">partner</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"<dl>{legend}</dl><h2>What is wrong now</h2>{_wrong(wrong)}{silences}{leaving}<h2>Rows delivered</h2>{histories}"
        "</main></body></html>\n"
    )


def _wrong(wrong: Sequence[Wrong]) -> str:
    if not wrong:
        return "<p>Nothing: every check of these months holds.</p>"
    months = []
    for month, of_month in groupby(wrong, key=lambda each: each.month):
        items = "".join(
            f"<li><b>{escape(each.verdict.asset)}, {each.verdict.check}</b>{escape(each.verdict.said)}"
            + (f"<small>→ {escape(each.do)}</small>" if each.do else "")
            + "</li>"
            for each in of_month
        )
        months.append(f"<h3>{month_text(month)}</h3><ul>{items}</ul>")
    return "".join(months)


def _leaving(leaving: Sequence[ToBeRemoved]) -> str:
    items = []
    for month, of_month in groupby(leaving, key=lambda each: each.month):
        gone = list(of_month)
        terms = ", ".join(sorted({each.kept for each in gone}))
        items.append(f"<li>{month_text(month)}: {sum(each.count for each in gone):,} rows and files ({terms})</li>")
    return f"<p>As its term is over (retention); the month is not run again then.</p><ul>{''.join(items)}</ul>"


def _class(state: DeliveryState) -> str:
    return state.value.replace(" ", "-")


def _row(line: Line, months: Sequence[date]) -> str:
    cells = []
    for month in months:
        of_month = line.cells[month]
        seam = " seam" if line.has_seam(month) else ""
        content = "".join(f"<div>{_content(cell, named=len(of_month) > 1)}</div>" for cell in of_month)
        # Two partners of one line in a month: the worse one colours the cell.
        worst = max((cell.state for cell in of_month), key=list(DeliveryState).index)
        shown = worst if worst != DeliveryState.NOT_OWED or len(of_month) == 1 else of_month[0].state
        cells.append(f'<td class="{_class(shown)}{seam}">{content}</td>')
    return "".join(cells)


def _content(cell: Cell, *, named: bool) -> str:
    name = f"<small>{escape(cell.agreement.name)}</small>" if named else ""
    said = f"{name}<b>{_MARKS[cell.state]} {cell.state}</b>"
    rows, last = f"{cell.row_count:,} rows", cell.delivery.received_at if cell.delivery else None
    if cell.first and last:
        said += f"<small>{rows}, {_whole(cell.first.received_at)}</small>"
        if last > cell.first.received_at:
            said += f"<small>last {_whole(last)}</small>"
    elif cell.state != DeliveryState.NOT_OWED:
        said += f"<small>due {_whole(cell.agreement.due(cell.month))}</small>"
        if last:
            said += f"<small>added: {rows}, {_whole(last)}</small>"
    if cell.questioned:
        said += "<small>questioned: a file that lacks people waits for a decision</small>"
    if cell.refusals:
        why = escape(", ".join(cell.refusals)).replace("_", "_<wbr>")
        said += f"<small>refused: {why}</small>"
    return said


def _whole(moment: datetime) -> str:
    """The Amsterdam day and time, which no line breaks."""
    return f"<span>{moment.astimezone(AMSTERDAM):%d-%m %H:%M}</span>"


def board_as_markdown(board: Board) -> str:
    """The board as a table for the UI, which cannot open a page on the disk of its server."""
    lines = ["| partner | " + " | ".join(month_text(month) for month in board.months) + " |"]
    lines.append("|---" * (len(board.months) + 1) + "|")
    for line in board.lines:
        shown = []
        for month in board.months:
            cells = [
                f"{_MARKS[cell.state]} {cell.state}"
                + (f", {cell.row_count:,} rows" if cell.delivery else "")
                + (", questioned" if cell.questioned else "")
                for cell in line.cells[month]
            ]
            shown.append(("⇥ " if line.has_seam(month) else "") + " / ".join(cells))
        lines.append(f"| {line.name.replace('|', ' ')} | {' | '.join(shown)} |")
    return "\n".join([*lines, "", f"As of {moment_text(board.made_at)}. ⇥: taken over."])


def _history(line: Line, months: Sequence[date]) -> str:
    contacts = []
    for agreement in line.agreements:
        contact = agreement.contact
        parts = [escape(part) for part in (contact.name, contact.email, contact.phone) if part]
        contacts.append(f"{escape(agreement.name)}: {', '.join(parts) or 'no contact in the agreement'}")
    return f"<section><h3>{escape(line.name)}</h3><p>{'; '.join(contacts)}</p>{_bars(line, months)}</section>"


def _bars(line: Line, months: Sequence[date]) -> str:
    """Rows a month as bars; a gap is a month that was owed and has no delivery."""
    counts = [
        sum(cell.row_count for cell in line.cells[m]) if any(cell.delivery for cell in line.cells[m]) else None
        for m in months
    ]
    highest = max((count for count in counts if count), default=1)
    drawn = []
    for number, (month, count) in enumerate(zip(months, counts, strict=True)):
        x, owed = number * _BAR_WIDTH, any(c.state != DeliveryState.NOT_OWED for c in line.cells[month])
        height = round((count or 0) / highest * _BAR_HEIGHT)
        if count is not None:
            drawn.append(f'<rect x="{x}" y="{_BAR_HEIGHT + 14 - height}" width="{_BAR_WIDTH - 10}" height="{height}"/>')
            drawn.append(f'<text x="{x}" y="{_BAR_HEIGHT + 10 - height}">{count:,}</text>')
        elif owed:
            drawn.append(f'<rect class="gap" x="{x}" y="{_BAR_HEIGHT + 10}" width="{_BAR_WIDTH - 10}" height="4"/>')
        drawn.append(f'<text x="{x}" y="{_BAR_HEIGHT + 28}">{month_text(month)}</text>')
    width = max(1, len(months)) * _BAR_WIDTH
    title = f"<title>Rows delivered by {escape(line.name)}</title>"
    size = f'width="{width}" height="{_BAR_HEIGHT + 32}"'
    return f'<div class="scroll" tabindex="0"><svg role="img" {size}>{title}{"".join(drawn)}</svg></div>'
