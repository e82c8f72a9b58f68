"""A login in front of the UI: what deploy/nginx says, on a real nginx, with what stands for the two webservers behind it."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from vroeg_pipeline.cli import service
from vroeg_pipeline.cli.service import Service, run_service
from vroeg_pipeline.installation.home import CHECKOUT, Home
from vroeg_pipeline_tests.kit.certificates import Authority, pem, put_key, rsa_key
from vroeg_pipeline_tests.kit.live import free_port

OPERATOR, READER, PASSWORD = "J. Bakker", "s.jansen", "geheim-wachtwoord-8"


class _Told(BaseHTTPRequestHandler):
    """Answers with what came: the port, and the headers as they came, each of them."""

    def do_GET(self) -> None:
        told = {"port": self.server.server_address[1], "headers": self.headers.items()}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Login:
    """A running nginx. `folder` has certificates and keys; `ports`: of the UI and of the one that is read-only."""

    folder: Path
    port: int
    ports: tuple[int, int]

    def ask(self, who: str | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """The status, and what the webserver behind was told; `who`: whose certificate is shown."""
        context = ssl.create_default_context(cafile=self.folder / "server-ca.pem")
        if who:
            context.load_cert_chain(self.folder / f"{who}.pem", self.folder / f"{who}.key")
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=10)
        connection.request("GET", "/runs", headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if answer.status == 200 else {}

    def user(self, told: dict[str, Any]) -> list[str]:
        """What the webserver reads under the name of the user's header."""
        return [value for name, value in told["headers"] if name.lower().replace("_", "-") == "x-forwarded-user"]


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
    """Certificates of the server, of two of the staff, and of somebody whom another authority knows."""
    folder = tmp_path_factory.mktemp("login")
    ours, staff, others = Authority("Server CA"), Authority("Staff CA"), Authority("Other CA")
    (folder / "server-ca.pem").write_bytes(pem(ours.certificate))
    (folder / "staff-ca.pem").write_bytes(pem(staff.certificate))
    client, server = [ExtendedKeyUsageOID.CLIENT_AUTH], [ExtendedKeyUsageOID.SERVER_AUTH]
    for by, name, purposes, file in (
        (ours, "localhost", server, "server"), (staff, OPERATOR, client, "operator"),
        (staff, READER, client, "reader"), (others, OPERATOR, client, "stranger"),
        (staff, f"x,CN={OPERATOR}", client, "two_names"),
    ):  # fmt: skip
        (folder / f"{file}.pem").write_bytes(pem(by.issue(name, rsa_key(file), purposes=purposes)))
        put_key(folder / f"{file}.key", rsa_key(file))
    (folder / "operators").write_text(f'"{OPERATOR}" 3000;\n', encoding="utf-8")
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
    )
    users = "".join(f"{name}:{hashed.stdout.strip()}\n" for name in (OPERATOR, READER))
    (folder / "users").write_text(users, encoding="utf-8")
    return folder


@contextmanager
def nginx(keys: Path, behind: tuple[int, int], login: str) -> Iterator[Login]:
    """Starts nginx with our recipe and this way to log in."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    program = shutil.which("nginx") or program
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    port = free_port()
    shutil.copy(CHECKOUT / "deploy/nginx" / login, keys / "login.conf")
    recipe = (CHECKOUT / "deploy/nginx/vroeg.conf").read_text(encoding="utf-8")
    operators = (keys / "operators").read_text(encoding="utf-8")
    (keys / "operators").write_text(operators.replace(" 3000;", f" {behind[0]};"), encoding="utf-8")
    for written, here in (("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("default 3002", f"default {behind[1]}")):
        assert written in recipe
        recipe = recipe.replace(written, here)
    for name, text in (("vroeg.conf", recipe), ("login.conf", (keys / "login.conf").read_text(encoding="utf-8"))):
        (keys / name).write_text(text.replace("/etc/vroeg/nginx", str(keys)), encoding="utf-8")
    folders = " ".join(
        f"{kind}_temp_path {keys / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"daemon off; pid {keys}/nginx.pid; error_log {keys}/error.log; worker_processes 1; user root;\n"
        f"events {{}}\nhttp {{ access_log off; {folders} include {keys}/vroeg.conf; }}\n"
    )
    (keys / "nginx.conf").write_text(whole, encoding="utf-8")
    process = subprocess.Popen([program, "-c", str(keys / "nginx.conf"), "-e", str(keys / "error.log")])
    try:
        end = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert process.poll() is None, (keys / "error.log").read_text(encoding="utf-8")
            assert time.monotonic() < end
            time.sleep(0.05)
        yield Login(keys, port, behind)
    finally:
        process.terminate()
        process.wait(20)


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
    monkeypatch.setattr(service, "_wait_for_code", lambda door: None)
    monkeypatch.setattr(service, "_become", lambda *words: started.append(words))
    for read_only in (False, True):
        run_service(Home(tmp_path), Service.WEBSERVER, free_port(), with_parent=False, read_only=read_only)
    assert ["--read-only" in words for words in started] == [False, True]
    unit = (CHECKOUT / "deploy/vroeg-webserver-readonly.service").read_text(encoding="utf-8")
    assert "vroeg service webserver --port 3002 --read-only\n" in unit
