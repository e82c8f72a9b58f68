"""A PostgreSQL server of our own for a test: in a folder of its own, on loopback, with a password, stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

PASSWORD = "geheim-wachtwoord-7"


@dataclass(frozen=True)
class Server:
    """A running server. The user `vroeg` may log in with PASSWORD."""

    port: int
    database: str = "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://vroeg@127.0.0.1:{self.port}/{self.database}"

    def execute(self, *statements: str) -> None:
        """Runs PostgreSQL statements."""
        connection = psycopg2.connect(self.url, password=PASSWORD)
        try:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)
        finally:
            connection.close()


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(installed[-1]) if installed else None)
    if found is None:
        pytest.fail(f"PostgreSQL is not installed ({name}): apt-get install postgresql")
    return found


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Starts a server; fails where PostgreSQL is not installed."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    # PostgreSQL refuses to work for root, and pytest's folders are closed to others.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="vroeg-postgres-"))
    try:
        if user:
            shutil.chown(folder, user)
        password = folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        password.chmod(0o644)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]

        def run(*command: str) -> None:
            done = subprocess.run(
                command, user=user, cwd=folder, capture_output=True, text=True, timeout=120, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

        data, log = str(folder / "data"), str(folder / "log")
        run(
            initdb, "-D", data, "-U", "vroeg", "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-sync"
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        # With its output to a file: pg_ctl leaves the server behind, which would keep a pipe open.
        with subprocess.Popen(
            [pg_ctl, "-D", data, "-l", log, "-o", options, "-w", "start"],
            user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as starting:  # fmt: skip
            assert starting.wait(timeout=60) == 0, Path(log).read_text(encoding="utf-8")
        try:
            yield Server(port)
        finally:
            run(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
