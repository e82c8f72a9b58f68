"""A login in front of the UI: what deploy/nginx says, on a real nginx, with what stands for the two webservers behind it."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vroeg_pipeline.cli import service
from vroeg_pipeline.cli.service import Service, run_service
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline_tests.kit.live import free_port
from vroeg_pipeline_tests.kit.login import OPERATOR, PASSWORD, READER, Login, login_keys, nginx


class _Told(BaseHTTPRequestHandler):
    """Answers with what came: the port, and the headers as they came, each of them."""

    def do_GET(self) -> None:
        told = {"port": self.server.server_address[1], "headers": self.headers.items()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def behind() -> Iterator[tuple[int, int]]:
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), _Told) for _ in range(2)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield servers[0].server_address[1], servers[1].server_address[1]
    for each in servers:
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return login_keys(tmp_path_factory.mktemp("login"))


@pytest.fixture(scope="module")
def by_certificate(keys: Path, behind: tuple[int, int]) -> Iterator[Login]:
    with nginx(keys, behind, "login-certificate.conf") as login:
        yield login


def test_who_shows_a_certificate_of_ours_comes_in_and_the_others_do_not(by_certificate: Login) -> None:
    assert by_certificate.ask()[0] == 400
    assert by_certificate.ask("stranger")[0] == 400
    assert by_certificate.ask("two_names")[0] == 403
    assert by_certificate.ask("reader")[0] == 200


@pytest.mark.parametrize(("who", "name", "role"), [("operator", OPERATOR, 0), ("reader", READER, 1)])
def test_operators_come_to_the_ui_and_others_to_the_one_that_is_read_only(
    by_certificate: Login, who: str, name: str, role: int
) -> None:
    _, told = by_certificate.ask(who)
    assert told["port"] == by_certificate.ports[role]
    assert by_certificate.user(told) == [name]


@pytest.mark.parametrize("header", ["X_Forwarded_User", "x_forwarded_user"])
def test_nobody_can_say_that_he_is_somebody_else(by_certificate: Login, header: str) -> None:
    _, told = by_certificate.ask("reader", **{header: OPERATOR})
    assert (told["port"], by_certificate.user(told)) == (by_certificate.ports[1], [READER])


def test_the_line_that_the_ui_keeps_open_goes_through(by_certificate: Login) -> None:
    _, told = by_certificate.ask("operator", Upgrade="websocket", Connection="Upgrade")
    found = {name.lower(): value for name, value in told["headers"]}
    assert (found["upgrade"], found["connection"]) == ("websocket", "upgrade")


def test_with_passwords_a_name_alone_is_not_enough(keys: Path, behind: tuple[int, int]) -> None:
    def basic(name: str, password: str) -> str:
        return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"

    with nginx(keys, behind, "login-password.conf") as login:
        assert login.ask()[0] == 401
        assert login.ask(Authorization=basic(OPERATOR, "fout"))[0] == 401
        assert login.ask(Authorization=basic("nobody", PASSWORD))[0] == 401
        for name, role in ((OPERATOR, 0), (READER, 1)):
            status, told = login.ask(Authorization=basic(name, PASSWORD), X_Forwarded_User="another")
            assert (status, told["port"], login.user(told)) == (200, behind[role], [name])
            assert "authorization" not in {name.lower() for name, _ in told["headers"]}


def test_the_webserver_for_readers_is_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(service, "wait_for_code", lambda doors: None)
    monkeypatch.setattr(service, "_become", lambda *words: started.append(words))
    for read_only in (False, True):
        run_service(Home(tmp_path), Service.WEBSERVER, free_port(), with_parent=False, read_only=read_only)
    assert ["--read-only" in words for words in started] == [False, True]
    unit = (CHECKOUT / "deploy/vroeg-webserver-readonly.service").read_text(encoding="utf-8")
    assert "vroeg service webserver --port 3002 --read-only\n" in unit
