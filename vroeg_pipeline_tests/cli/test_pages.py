"""`vroeg pages`: what is served, to whom, and that it is only read."""

from __future__ import annotations

import io
import posixpath
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
import uvicorn
from rich.console import Console

from vroeg_pipeline.cli import pages
from vroeg_pipeline.cli.pages import DOCS, app_of, serve_pages
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.settings import Pages
from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.world import World

BOARD = "outbox/delivery_board.html"
SERVED = [
    BOARD, "outbox/verwerking.html",
    "outbox/2021-03/evaluatie_2021-03.html", "outbox/evaluatie_2021-01_2021-03.html", "quality/data_docs/index.html",
    "quality/data_docs/2021-03_huur.html",
]  # fmt: skip
NOT_SERVED = [
    "settings.yaml", "warehouse.duckdb", "outbox/2021-03/werklijst_2021-03_noord_uitgifte-1.xlsx",
    "outbox/2021-03/partners/huur/terugkoppeling.csv", "outbox/2021-03/evaluatie_2021-03.html.bak",
    "quality/data_docs/2021-03_huur.json", "outbox/evaluatie_2021-02.html", "inbox/huur/2021-03/levering.csv",
]  # fmt: skip
OUTSIDE = [
    "../secret.html", "outbox/../../secret.html", "outbox/..%2f..%2fsecret.html", "%2e%2e/secret.html",
    "docs/../../secret.html", "docs/..%2f..%2fsecret", "docs/way.md", "docs/images",
    "//etc/passwd", "outbox/%00delivery_board.html",
    "quality/data_docs/../../settings.yaml",
]  # fmt: skip


@dataclass
class Site:
    """Pages that are served, asked without a library that mends addresses."""

    port: int

    def get(self, place: str, method: str = "GET", host: str | None = None) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, place, headers={"Host": host or f"localhost:{self.port}"})
        return connection.getresponse()

    def ask(self, place: str, method: str = "GET", host: str | None = None) -> tuple[HTTPResponse, str]:
        answer = self.get(place, method, host)
        return answer, answer.read().decode()


@contextmanager
def served(home: Home, settings: Pages) -> Iterator[Site]:
    server = uvicorn.Server(uvicorn.Config(app_of(home, settings, "127.0.0.1"), lifespan="off", log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield Site(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "secret.html").write_text("secret")
    world = World(folder / "home")
    for place in (*SERVED, *NOT_SERVED):
        path = world.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<p>{place}</p>")
    (world.home.outbox / "evaluatie_2021-02.html").unlink()
    (world.home.outbox / "evaluatie_2021-02.html").symlink_to(folder / "secret.html")
    with served(world.home, Pages(url="https://pages.haarlem.example/vroeg")) as found:
        yield found


@pytest.mark.parametrize("place", SERVED)
def test_pages_are_served_by_their_place(site: Site, place: str) -> None:
    answer, text = site.ask(f"/{place}")
    assert (answer.status, text) == (200, f"<p>{place}</p>")
    _, index = site.ask("/")
    assert (f'href="{place}"' in index) == ("2021-03_huur" not in place)


@pytest.mark.parametrize("place", [*NOT_SERVED, *OUTSIDE])
def test_nothing_else_is(site: Site, place: str) -> None:
    answer, text = site.ask(f"/{place}")
    assert answer.status == 404
    assert "secret" not in text
    assert place not in site.ask("/")[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_pages_are_only_read(site: Site, method: str) -> None:
    for place in ("/", f"/{BOARD}", "/nowhere"):
        answer, _ = site.ask(place, method)
        assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")
    assert site.ask("/", "HEAD")[0].status == 200


def test_each_answer_is_kept_by_nobody_and_runs_nothing(site: Site) -> None:
    for place, method in (("/", "GET"), ("/nowhere", "GET"), ("/", "POST"), ("/tables", "GET")):
        headers = site.ask(place, method)[0].headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'sha256-" in policy
        assert headers["Server"] is None or "uvicorn" in headers["Server"]


def test_the_name_must_be_that_of_this_machine_or_of_the_settings(site: Site) -> None:
    """A page of another place cannot have its own name lead here and read along."""
    hosts = ("evil.example", "127.0.0.1", "[::1]:3001", "pages.haarlem.example", "")
    assert [site.ask("/", host=host)[0].status for host in hosts if host] == [421, 200, 200, 200]


def test_every_column_is_in_the_tables_with_what_is_personal(site: Site, tmp_path: Path) -> None:
    _, text = site.ask("/tables")
    columns = [column for part in schema.parts() for column in part.columns]
    assert text.count("<th scope='row'>") == len(columns)
    assert text.count("<mark>") == sum(column.is_personal for column in columns) > 50
    page = tmp_path / "tables.html"
    # They all look alike, and a browser takes half a minute for all.
    page.write_text("<h2 id=".join(text.split("<h2 id=")[:3]) + "</main></body></html>", encoding="utf-8")
    assert barriers(page) == {}


def test_the_docs_are_pages_that_lead_to_each_other(site: Site) -> None:
    known = {}
    for path in DOCS.rglob("*.md"):
        place = path.relative_to(DOCS).with_suffix("").as_posix()
        answer, text = site.ask(f"/docs/{place}")
        assert answer.status == 200
        assert "<h1" in text
        known[place] = text
    assert "flowchart" not in known["way"]
    assert '<html lang="nl">' in known["nl/coach"]
    dead = set()
    for place, text in known.items():
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            to, _, heading = link.partition("#")
            led = posixpath.normpath(posixpath.join(posixpath.dirname(place), to)) if to else place
            if to.endswith(".png"):
                is_there = (DOCS / led).is_file()
            else:
                is_there = led in known and (not heading or f'id="{heading}"' in known[led])
            if not link.startswith("https://") and not is_there:
                dead.add((place, link))
    assert dead == set()
    (picture,) = set(re.findall(r'src="../(images/nl-adresdesk.png)"', known["nl/adresdesk"]))
    answer = site.get(f"/docs/{picture}")
    assert (answer.status, answer.getheader("Content-Type")) == (200, "image/png")
    assert "Handleidingen" in site.ask("/")[1]


def test_the_settings_say_where_and_a_host_for_others_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[uvicorn.Server] = []
    monkeypatch.setattr(pages, "serve", lambda server, ready: asked.append(server))
    world.settings(pages={"port": 0})
    text = io.StringIO()
    out = Console(file=text, width=200)
    serve_pages(world.home, None, None, out, out)
    assert (asked[0].config.host, asked[0].config.port, text.getvalue()) == ("127.0.0.1", 0, "")
    serve_pages(world.home, "0.0.0.0", 3005, out, out)  # noqa: S104
    assert (asked[1].config.host, asked[1].config.port) == ("0.0.0.0", 3005)  # noqa: S104
    assert "put a proxy before it" in text.getvalue()
    world.settings(pages={"url": "haarlem.example"})
    with pytest.raises(VroegError, match=r"pages\.url"):
        serve_pages(world.home, None, None, out, out)
