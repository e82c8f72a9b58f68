"""Great Expectations' Data Docs of deliveries: a page a partner and month, and an index (DOMAIN §12).

The table of expectations on a page is the library's own rendering of its result. The frame around it is ours: that of
the library loads scripts, styles, fonts and a logo from six other hosts, while nothing may call home and the network
is closed (ARCHITECTURE decision 14). So a page is one file that needs nothing else and can be sent to a partner.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from vroeg_pipeline.installation.home import replacing
from vroeg_pipeline.quality.expectations import Measures

INDEX = "index.html"

# The classes are those of the library: its icons come from a font that is not here.
_STYLE = """
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
  color: #1f2933; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: .25rem } h2 { font-size: 1.15rem; margin-top: 2rem } a { color: #0b5a8a }
table { border-collapse: collapse; width: 100% } p { margin: .25rem 0 }
td, th { border-bottom: 1px solid #d9e2ec; padding: .4rem .6rem; text-align: left; vertical-align: top }
.text-success, .text-danger { font-style: normal; font-weight: 600 }
.text-success { color: #16693a } .text-danger { color: #b3261e }
i.text-success::before { content: "✓ as expected" } i.text-danger::before { content: "✗ not as expected" }
.scroll { overflow-x: auto } .scroll:focus-visible { outline: 2px solid #0b5a8a }
@media (min-width: 50rem) { td:first-child { white-space: nowrap } }
footer { margin-top: 3rem; color: #52606d; font-size: .85rem }
"""

# Wider than a phone: it scrolls by itself, also by keyboard.
_SCROLL = '<div class="scroll" tabindex="0">'

# Shown beneath the verdicts, in this order.
_NUMBERS = {
    "row_count": "data rows",
    "accepted_count": "rows that became signals",
    "rejected_count": "rows that were rejected",
    "median_amount": "median arrear in euro",
}

_PAGE_NAME = re.compile(r"(\d{4}-\d{2})_([a-z0-9_]+)\.html")
_FAILED = re.compile(r'<meta name="not-as-expected" content="(\d+)">')


@dataclass(frozen=True)
class Page:
    """What a page says besides the verdicts."""

    partner: str
    month: date
    name: str
    agreement: str
    measures: Measures
    not_judged: tuple[str, ...]


def page_name(partner: str, month: date) -> str:
    """The file name of the page of a delivery."""
    return f"{month:%Y-%m}_{partner}.html"


def kept_beside(page: Path) -> Path:
    """Where the verdicts of a page are kept."""
    return page.with_suffix(".json")


class PageWriter:
    """Writes the pages of one folder, owner-only, each in place of an older one."""

    def __init__(self, folder: Path) -> None:
        from great_expectations import __version__
        from great_expectations.render.view import DefaultJinjaComponentView

        self._folder = folder
        self._version = __version__
        # Compiling the library's templates takes longer than all else, so they are kept for all pages.
        self._view = DefaultJinjaComponentView()

    def write(self, page: Page, result: Any) -> Path:
        """Writes the page of a validation result; gives its path."""
        from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer

        results = list(result.results)
        failed = sum(not result.success for result in results)
        title = f"{page.name}, {page.month:%Y-%m}"
        verdict = f"{failed} of {len(results)} expectations are not met" if failed else "All expectations are met"
        table = ""
        if results:
            # Failed ones first: that is what the page is opened for.
            block = ValidationResultsTableContentBlockRenderer.render(sorted(results, key=lambda o: bool(o.success)))
            loop = {"index": 1}
            table = self._view.render(
                {"content_block": block.to_json_dict(), "section_loop": loop, "content_block_loop": loop}
            )
        body = [
            f'<p><a href="{INDEX}">All deliveries</a></p><h1>{escape(title)}</h1>',
            f"<p>Judged against {escape(page.agreement)}. {verdict}.</p>",
            f"<h2>Expectations</h2>{_SCROLL}{table}</div>",
            *_not_judged(page.not_judged),
            f"<h2>The delivery in numbers</h2>{_numbers(page.measures)}",
            "<footer>Counts and shares only: no data of any person was given to Great Expectations "
            f"{escape(self._version)}, which judged and rendered this.</footer>",
        ]
        mark = f'<meta name="not-as-expected" content="{failed}">'
        path = self._folder / page_name(page.partner, page.month)
        _write(path, title, "".join(body), mark)
        return path


def _not_judged(lines: Iterable[str]) -> list[str]:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return [f"<h2>Not judged in this delivery</h2><ul>{items}</ul>"] if items else []


def _numbers(measures: Measures) -> str:
    rows = "".join(
        f"<tr><td>{escape(words)}</td><td>{measures[name]}</td></tr>"
        for name, words in _NUMBERS.items()
        if measures.get(name) is not None
    )
    return f"{_SCROLL}<table>{rows}</table></div>"


def remove_pages(folder: Path, months: Collection[date], keep: Collection[Path]) -> None:
    """Removes the pages of months that were judged again and of which nothing is judged any more."""
    for month in months:
        for path in folder.glob(f"{month:%Y-%m}_*.html"):
            if path not in keep:
                path.unlink(missing_ok=True)
                kept_beside(path).unlink(missing_ok=True)


def write_index(folder: Path) -> Path:
    """Writes the table of all pages, a row a month, newest first; gives its path."""
    pages = {(m[1], m[2]): p for p in folder.glob("*.html") if (m := _PAGE_NAME.fullmatch(p.name))}
    partners = sorted({partner for _, partner in pages})
    head = "".join(f'<th scope="col">{escape(partner)}</th>' for partner in partners)
    lines = []
    for month in sorted({month for month, _ in pages}, reverse=True):
        cells = "".join(f"<td>{_cell(pages.get((month, partner)))}</td>" for partner in partners)
        lines.append(f'<tr><th scope="row">{month}</th>{cells}</tr>')
    body = (
        "<h1>Deliveries against their agreements</h1><p>Each mark leads to the page of a delivery; an empty cell is a "
        f'month without one.</p>{_SCROLL}<table><tr><th scope="col">month</th>{head}</tr>{"".join(lines)}</table></div>'
    )
    path = folder / INDEX
    _write(path, "Deliveries against their agreements", body)
    return path


def _cell(page: Path | None) -> str:
    if page is None:
        return ""
    with page.open(encoding="utf-8") as opened:
        found = _FAILED.search(opened.read(1000))
    failed = int(found[1]) if found else 0
    mark, colour = (f"✗ {failed}", "danger") if failed else ("✓", "success")
    return f'<a class="text-{colour}" href="{page.name}">{mark}</a>'


def _write(path: Path, title: str, body: str, mark: str = "") -> None:
    page = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{mark}<title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
