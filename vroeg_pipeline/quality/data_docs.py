"""Great Expectations' Data Docs of a delivery, one page a partner and month, and an index (DOMAIN §12).

The pages are the library's own; what they would load from elsewhere is taken out, as nothing may call home and the
network is closed (ARCHITECTURE decision 14).
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from vroeg_pipeline.resources.home import replacing

_STYLE = """
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #1f2933; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { border-bottom: 1px solid #d9e2ec; padding: .35rem .5rem; text-align: left; vertical-align: top }
h1, h2, h3, h4, h5 { color: #102a43 } .badge { font-weight: 600 } a { color: #0b69a3 }
.navbar, .ge-breadcrumbs, form, button, svg { display: none }
.alert { background: #f0f4f8; padding: .5rem .75rem; border-radius: 4px }
</style>
"""


def write_page(path: Path, result: Any, title: str) -> None:
    """Writes the page of a validation result, owner-only, in place of an older one."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    page = DefaultJinjaPageView().render(document)
    heading = f"<h1>{html.escape(title)}</h1>"
    page = without_remote(page).replace("</head>", f"{_STYLE}</head>", 1)
    page = re.sub(r"(<body[^>]*>)", rf"\1{heading}", page, count=1)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def write_index(folder: Path) -> Path:
    """Writes the list of all pages, newest month first; gives its path."""
    pages = sorted((p for p in folder.glob("*_*.html")), key=lambda p: p.name, reverse=True)
    lines = "".join(f'<tr><td>{p.stem[:7]}</td><td><a href="{p.name}">{p.stem[8:]}</a></td></tr>' for p in pages)
    index = folder / "index.html"
    with replacing(index) as temporary:
        temporary.write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Deliveries</title>{_STYLE}</head><body>'
            f"<h1>Deliveries against their agreements</h1><table><tr><th>Month</th><th>Partner</th></tr>{lines}</table>"
            "</body></html>",
            encoding="utf-8",
        )
    return index


def without_remote(page: str) -> str:
    """A page without scripts and without anything that is loaded from another host."""
    page = re.sub(r"<script\b.*?</script\s*>", "", page, flags=re.DOTALL | re.IGNORECASE)
    page = re.sub(r"<(link|img|iframe)\b[^>]*\b(href|src)\s*=\s*[\"']?(https?:)?//[^>]*>", "", page, flags=re.IGNORECASE)
    page = re.sub(r"@import\s+[^;]*;", "", page)
    return re.sub(r"<a\b[^>]*href\s*=\s*[\"']https?://[^>]*>(.*?)</a\s*>", r"\1", page, flags=re.DOTALL | re.IGNORECASE)
