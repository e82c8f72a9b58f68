"""The pictures of the handbooks and of README, from the sample world: nobody in them exists.

`make pictures` makes them anew, after what they show changed; whoever changes that looks at them. It takes some minutes, and
needs LibreOffice, pdftoppm and Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import load_workbook

from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline_tests.kit.browser import chromium
from vroeg_pipeline_tests.kit.live import dagster_on

FOLDER = CHECKOUT / "docs/images"
_DOTS_AN_INCH = 96
_FIRST, _MONTH = "2020-10", "2021-03"
_NOW = "2021-04-05T09:00:00+02:00"
# Large enough for the whole graph with its names, which moves for a moment.
_GRAPH_WINDOW, _GRAPH_SETTLES = (1900, 1300), 5
_WITHOUT_DOTS = "document.querySelectorAll('div').forEach(each => each.style.backgroundImage = 'none')"


@dataclass(frozen=True)
class Page:
    """A picture of a page of a file of the outbox's month. `cut`: left, top, width and height, in shares of the page."""

    name: str
    file: str
    cut: tuple[float, float, float, float]
    page: int = 1


PAGES = (
    Page("werklijst", "werklijst_*_wijkteam-noord_uitgifte-1.xlsx", (0.02, 0.03, 0.96, 0.62)),
    Page("werklijst-coach", "werklijst_*_budgetcoach_uitgifte-1.xlsx", (0.02, 0.03, 0.96, 0.62)),
    Page("bezoekformulier", "bezoekformulieren_*_wijkteam-noord.xlsx", (0.02, 0.02, 0.96, 0.62)),
    Page("adresdesk", "adresdesk_*.xlsx", (0.02, 0.03, 0.96, 0.62)),
    Page("leveringsrapport", "partners/elan_wonen/leveringsrapport_*.xlsx", (0.02, 0.03, 0.96, 0.5)),
    Page("invullen", "invullen.xlsx", (0.02, 0.03, 0.8, 0.36)),
)


def make_pictures(folder: Path = FOLDER) -> None:
    """Writes all of them."""
    with _sample_month() as month:
        _filled_in(month)
        for page in PAGES:
            (file,) = month.glob(page.file)
            _draw(file, page, folder / f"nl-{page.name}.png")
        for name, path, height in (
            ("evaluation", month.parent / f"evaluatie_{_FIRST}_{_MONTH}.html", 1000),
            ("nl-bord", month.parent / "delivery_board.html", 620),
        ):
            with chromium(path.as_uri()) as browser:
                browser.driver.set_window_size(1000, height)
                browser.driver.get(browser.url)
                browser.driver.save_screenshot(str(folder / f"{name}.png"))
        draw_graph(Home(month.parent.parent), folder / "asset-graph.png")


def draw_graph(home: Home, picture: Path) -> None:
    """The way from agreements and deliveries to worklists, as the UI of the installation shows it."""
    with dagster_on(home) as live, chromium(live.url) as browser:
        browser.driver.set_window_size(*_GRAPH_WINDOW)
        browser.open(
            "/assets/worklist_files?view=lineage&lineageScope=upstream&lineageDepth=10", "agreements", "worklist_files"
        )
        time.sleep(_GRAPH_SETTLES)
        # The graph fills the window to its edge, and the dots behind it are most of the bytes.
        browser.driver.set_window_size(_GRAPH_WINDOW[0], _GRAPH_WINDOW[1] + 150)
        browser.driver.execute_script(_WITHOUT_DOTS)
        time.sleep(_GRAPH_SETTLES)
        drawings = browser.driver.find_elements("tag name", "svg")
        max(drawings, key=lambda drawing: drawing.size["width"]).screenshot(str(picture))


@contextmanager
def _sample_month() -> Iterator[Path]:
    """The outbox of the last month of the sample world."""
    with TemporaryDirectory() as made:
        home, clock = Path(made) / "home", Path(made) / "clock"
        clock.write_text(_NOW)
        around = {**os.environ, "VROEG_HOME": str(home), "VROEG_CLOCK": str(clock)}
        for words in (
            ("sample", "--last", _MONTH),
            ("run", "--all"),
            ("evaluate",),
            ("worklists", "--month", _MONTH, "--worklist", "wijkteam_noord", "--forms"),
        ):
            subprocess.run([sys.executable, "-m", "vroeg_pipeline.cli.app", *words], env=around, check=True)
        yield home / "outbox" / _MONTH


def _filled_in(month: Path) -> None:
    """The list of a team with what it fills in, of which paper has nothing."""
    (issued,) = month.glob("werklijst_*_wijkteam-noord_uitgifte-1.xlsx")
    book = load_workbook(issued)
    sheet = book["Werklijst"]
    headers = {str(cell.value): cell for cell in sheet[5]}
    told = (
        (1, "Huisbezoek", "Nee", date(2021, 3, 11), "Middag", None),
        (1, "Huisbezoek", "Ja", date(2021, 3, 11), "Middag", "Vervolghulp en/of verwijzing financieel"),
        (1, "Telefoon", "Ja", date(2021, 3, 12), "Ochtend", None),
    )
    shown = ("Poging", "Soort contact", "Bereikt", "Datum contact", "Dagdeel", "Eindresultaat")
    for row, values in enumerate(told, 6):
        for header, value in zip(shown, values, strict=True):
            sheet.cell(row, headers[header].column, value)
    for header, cell in headers.items():
        sheet.column_dimensions[cell.column_letter].hidden = header not in (*shown, "Nr", "Adres", "Bewoner(s)")
    for row in range(6, 11):
        sheet.row_dimensions[row].height = 36
    sheet.print_area = f"A5:{headers['Eindresultaat'].column_letter}10"
    for name in book.sheetnames:
        if name not in ("Werklijst", "Lijsten"):
            del book[name]
    book.save(month / "invullen.xlsx")


def _draw(file: Path, of: Page, picture: Path) -> None:
    with TemporaryDirectory() as scratch:
        office = [_program("soffice"), f"-env:UserInstallation=file://{scratch}/profile", "--headless"]
        subprocess.run([*office, "--convert-to", "pdf", "--outdir", scratch, file], check=True, capture_output=True)
        (paper,) = Path(scratch).glob("*.pdf")
        drawing = [_program("pdftoppm"), "-r", str(_DOTS_AN_INCH), "-png", "-singlefile", "-f", str(of.page)]
        wide, high = _size(paper, of.page)
        left, top, width, height = of.cut
        box = ("-x", left * wide, "-y", top * high, "-W", width * wide, "-H", height * high)
        cut = [part if isinstance(part, str) else str(round(part)) for part in box]
        subprocess.run([*drawing, *cut, paper, picture.with_suffix("")], check=True)


def _size(paper: Path, page: int) -> tuple[float, float]:
    """Of a page, in dots."""
    told = subprocess.run(
        [_program("pdfinfo"), "-f", str(page), "-l", str(page), paper], check=True, capture_output=True, text=True
    ).stdout
    (line,) = [line for line in told.splitlines() if "size:" in line and line.startswith("Page")]
    wide, _, high = line.split(":")[1].split()[:3]
    return float(wide) / 72 * _DOTS_AN_INCH, float(high) / 72 * _DOTS_AN_INCH


def _program(name: str) -> str:
    if not (found := shutil.which(name)):
        raise SystemExit(f"{name} is not installed; it draws the pictures")
    return found


if __name__ == "__main__":
    make_pictures(*map(Path, sys.argv[1:2]))
