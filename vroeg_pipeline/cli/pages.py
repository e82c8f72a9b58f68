"""`vroeg pages`: what an installation wrote for people to read, and what its tables mean, as pages that are only read.

Board, evaluations, Data Docs, the tables with what is personal in them, and the docs. No page holds a person; worklists,
texts for partners and whatever else lies in the outbox are not served.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from html import escape
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import Console
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from vroeg_pipeline.cli.dpia import PAGE as DPIA
from vroeg_pipeline.ddas.serving import is_loopback, serve
from vroeg_pipeline.domain.settings import Pages
from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.quality.board_page import PAGE as BOARD
from vroeg_pipeline.quality.board_page import RELOAD

DOCS = CHECKOUT / "docs"
# All that is served of an installation: pages without persons, by their place in it.
_SERVED = re.compile(
    rf"outbox/({re.escape(BOARD)}|{re.escape(DPIA)})|outbox/(\d{{4}}-\d\d/)?evaluatie_\d{{4}}-\d\d(_\d{{4}}-\d\d)?(_\d{{4}})?\.html"
    r"|quality/data_docs/[a-z0-9_-]+\.html"
)
_DATA_DOCS = "quality/data_docs/index.html"
_HERE = ("localhost", "127.0.0.1", "::1")

# The board loads itself anew; nothing else runs, is loaded, sent or framed.
_RELOADS = base64.b64encode(hashlib.sha256(RELOAD.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    f"script-src 'sha256-{_RELOADS}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_STYLE = """
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 1.5rem auto; max-width: 70rem; padding: 0 1rem;
  color: #14202b; background: #fff; overflow-wrap: anywhere }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2rem } h3 { font-size: 1rem }
a[href] { color: #0b5a8a }
.scroll { overflow-x: auto } .scroll:focus-visible { outline: 2px solid #14202b }
table { border-collapse: collapse; width: 100% } .scroll table { min-width: 36rem } pre { white-space: pre-wrap }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid #d9e2ec; padding: .3rem .6rem .3rem 0 }
.columns th[scope=row], .columns td:nth-child(2) { white-space: nowrap; padding-right: 1.2rem }
img { max-width: 100%; height: auto }
mark { background: #fdeec2; padding: 0 .3rem; white-space: nowrap }
"""


def serve_pages(home: Home, host: str | None, port: int | None, out: Console, problems: Console) -> None:
    """Serves until SIGINT or SIGTERM; `host` and `port` go before the settings.

    Raises VroegError where the settings are wrong, or the port is not free.
    """
    settings = Installation.load(home).settings.pages
    host = host or settings.host
    if not is_loopback(host):
        problems.print(
            f"! whoever reaches {host} reads the pages: put a proxy before it that asks who is there", markup=False
        )
    config = uvicorn.Config(
        app_of(home, settings, host),
        host=host,
        port=settings.port if port is None else port,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=64,
    )
    serve(uvicorn.Server(config), lambda address: out.print(f"Pages: {address}, until Ctrl-C", soft_wrap=True))


def app_of(home: Home, settings: Pages, host: str) -> Starlette:
    """The application. On this machine alone it answers to the names of this machine and of `pages.url`, so that no page of
    another place that a browser has open can read it.
    """
    named = urlsplit(settings.url or "").hostname
    hosts = {*_HERE, host, *([named] if named else [])} if is_loopback(host) else frozenset[str]()
    routes = [
        Route("/", lambda request: _page("Vroeg Eropaf", _index(home))),
        Route("/tables", lambda request: _page("Tables", _tables())),
        Route("/docs/{place:path}", _doc),
        Route("/{place:path}", _of_installation(home)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=_guarded(hosts))])


Next = Callable[[Request], Awaitable[Response]]


def _guarded(hosts: Collection[str]) -> Callable[[Request, Next], Awaitable[Response]]:
    async def guard(request: Request, call_next: Next) -> Response:
        if request.method not in ("GET", "HEAD"):
            response: Response = PlainTextResponse("Pages are only read.\n", 405, {"Allow": "GET, HEAD"})
        elif hosts and urlsplit(f"//{request.headers.get('host', '')}").hostname not in hosts:
            response = PlainTextResponse("These are the pages of another name: see pages.url in settings.yaml.\n", 421)
        else:
            response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    return guard


def _of_installation(home: Home) -> Callable[[Request], Response]:
    def served(request: Request) -> Response:
        try:
            if path := _found(home, request.path_params["place"]):
                return HTMLResponse(path.read_bytes())
        except FileNotFoundError:
            pass  # it was replaced or removed since it was looked for
        raise HTTPException(404, "There is no such page, or it was not made yet.\n")

    return served


def _found(home: Home, place: str) -> Path | None:
    """The page at that place of the installation. A link is none: it may lead to anything."""
    path = home.root.resolve() / place
    return path if _SERVED.fullmatch(place) and path.is_file() and path.resolve() == path else None


def _page(title: str, body: str, language: str = "en") -> Response:
    return HTMLResponse(
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _index(home: Home) -> str:
    evaluations = [*home.outbox.glob("evaluatie_*.html"), *home.outbox.glob("*/evaluatie_*.html")]
    evaluations.sort(key=lambda path: path.name, reverse=True)
    found = [path.relative_to(home.root).as_posix() for path in evaluations]
    parts = {
        "Now": [("delivery board, and what is wrong now", f"outbox/{BOARD}")],
        "Evaluations": [(place.rpartition("/")[2].removesuffix(".html"), place) for place in found],
        "Quality": [("Data Docs of all deliveries", _DATA_DOCS)],
        "Handleidingen": [(_title(path), f"docs/nl/{path.stem}") for path in sorted((DOCS / "nl").glob("[a-z]*.md"))],
        "What it means": [
            ("tables and columns, and which are personal data", "tables"),
            ("verwerking van persoonsgegevens, voor verwerkingsregister en DPIA", f"outbox/{DPIA}"),
            *((_title(path), f"docs/{path.stem}") for path in sorted(DOCS.glob("*.md"))),
        ],
    }
    sections = []
    for title, links in parts.items():
        shown = [(text, place) for text, place in links if not place.endswith(".html") or _found(home, place)]
        listed = "".join(f'<li><a href="{escape(place)}">{escape(text)}</a></li>' for text, place in shown)
        sections.append(
            f"<h2>{title}</h2>"
            + (f"<ul>{listed}</ul>" if listed else f"<p>Nothing yet: {home.command} run --month YYYY-MM.</p>")
        )
    return "<h1>Vroeg Eropaf</h1>" + "".join(sections)


def _title(doc: Path) -> str:
    return doc.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _tables() -> str:
    sections = []
    for part in schema.parts():
        if part.kind not in ("TABLE", "VIEW"):
            continue
        rows = "".join(
            f"<tr><th scope='row'>{column.name}</th><td>{escape(column.type)}</td><td>{_marked(column)}</td></tr>"
            for column in part.columns
        )
        columns = (
            f'<div class="scroll columns" tabindex="0" role="group" aria-label="Columns of {part.name}"><table><thead><tr>'
            + (
                f"<th scope='col'>column</th><th scope='col'>type</th><th scope='col'>meaning</th></tr></thead>"
                f"<tbody>{rows}</tbody></table></div>"
            )
        )
        view = "" if part.kind == "TABLE" else " (view)"
        sections.append(
            f'<h2 id="{part.name}">{part.name}{view}</h2><p>{escape(part.meaning)}</p>{columns if part.columns else ""}'
        )
    return "<h1>Tables</h1><p>Marked is what tells of a person or a door.</p>" + "".join(sections)


def _marked(column: schema.Column) -> str:
    said = escape(column.meaning.removesuffix(schema.PERSONAL).strip())
    return f"{said} <mark>{schema.PERSONAL.removesuffix('.')}</mark>".strip() if column.is_personal else said


def _doc(request: Request) -> Response:
    place = request.path_params["place"]
    known = {path.relative_to(DOCS).as_posix(): path for kind in ("md", "png") for path in DOCS.rglob(f"*.{kind}")}
    if picture := known.get(place):
        return Response(picture.read_bytes(), media_type="image/png") if place.endswith(".png") else _nothing()
    page = known.get(f"{place}.md")
    if page is None:
        return _nothing()
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = [token for token in markdown.parse(page.read_text(encoding="utf-8")) if token.info != "mermaid"]
    for heading, text in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", re.sub(r"[^\w\- ]", "", text.content.lower()).replace(" ", "-"))
    _lead_within(tokens, page.parent, {path.resolve() for path in known.values()})
    language = "nl" if place.startswith("nl/") else "en"
    return _page(_title(page), markdown.renderer.render(tokens, markdown.options, {}), language)


def _nothing() -> Response:
    raise HTTPException(404, "There is no such page.\n")


def _lead_within(tokens: Iterable[Token], folder: Path, known: Collection[Path]) -> None:
    """Links of a page in that folder lead to the `known` pages, or to another machine; all others become words."""
    for token in tokens:
        _lead_within(token.children or (), folder, known)
        if token.type != "link_open":
            continue
        place, _, heading = str(token.attrs.pop("href", "")).partition("#")
        if place.startswith("https://") or not place:
            token.attrSet("href", f"{place}#{heading}" if heading else place)
        elif (folder / place).resolve() in known:
            token.attrSet("href", place.removesuffix(".md") + (f"#{heading}" if heading else ""))
