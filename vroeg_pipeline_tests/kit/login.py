"""The login in front of the UI for a test: nginx with what deploy/nginx says, and who may come in."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.x509.oid import ExtendedKeyUsageOID

from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline_tests.kit.certificates import Authority, pem, put_key, rsa_key
from vroeg_pipeline_tests.kit.listeners import free_port

OPERATOR, READER, PASSWORD = "J. Bakker", "s.jansen", "geheim-wachtwoord-8"


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

    def session(self, who: str) -> requests.Session:
        """One who shows that certificate at each question."""
        session = requests.Session()
        session.trust_env = False  # the machine may name certificates of its own
        session.verify = str(self.folder / "server-ca.pem")
        session.cert = (str(self.folder / f"{who}.pem"), str(self.folder / f"{who}.key"))
        return session

    def user(self, told: dict[str, Any]) -> list[str]:
        """What the webserver reads under the name of the user's header."""
        return [value for name, value in told["headers"] if name.lower().replace("_", "-") == "x-forwarded-user"]


def login_keys(folder: Path) -> Path:
    """Makes certificates in the folder: of the server, of two of the staff, and of who is known to another authority."""
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
        pytest.fail("nginx is not installed: apt-get install nginx")
    port = free_port()
    shutil.copy(CHECKOUT / "deploy/nginx" / login, keys / "login.conf")
    recipe = (CHECKOUT / "deploy/nginx/vroeg.conf").read_text(encoding="utf-8")
    (keys / "operators").write_text(f'"{OPERATOR}" {behind[0]};\n', encoding="utf-8")
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
