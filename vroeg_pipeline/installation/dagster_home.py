"""Dagster's own home within an installation, with our instance settings."""

from __future__ import annotations

import hashlib
import importlib.resources
import os

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, replacing

# Held by the daemon of the installation, in Dagster's home.
DAEMON_LOCK = "daemon.lock"
# Held by its code server.
CODE_LOCK = "code.lock"
# By which Dagster knows our code, and where its server listens there.
CODE_LOCATION = "vroeg_pipeline.definitions"
CODE_SOCKET = "code.sock"
# Puts a run of the command line under the code location in the UI, as if it had been launched there.
OF_COMMAND_LINE = {".dagster/repository": f"__repository__@{CODE_LOCATION}"}
# Tag of a run that somebody started in the UI, which shows it as *Created by*: the user, if anybody knows.
STARTED_BY = "user"
# What writes it, and dagster.yaml names (`installation.who_started`).
COORDINATOR = "NamingRunCoordinator"
# Settings that earlier versions put there; as long as nobody changed them they are ours to renew.
_ONCE_SHIPPED = {
    "07813797b7ce622743152dae00ebd6fee2ceaa489763b3e50b7f7ec7e2b7165b",
    "75da3e26c3481ac731f7c4d91087b690c3d182a82ce7a21d9ff371a9d0e4f89b",
    "64e63d4d6b07a8eb25c5706a7f2781ef400f507794fd90e8c1e00c47878535fc",
}


def prepare_dagster_home(home: Home) -> None:
    """Makes Dagster's home where it is new, with our instance settings, and points the process to it.

    Settings that somebody changed stay as they are.
    """
    folder = private_folder(home.dagster)
    settings = folder / "dagster.yaml"
    if not settings.exists() or hashlib.sha256(settings.read_bytes()).hexdigest() in _ONCE_SHIPPED:
        shipped = importlib.resources.files("vroeg_pipeline").joinpath("dagster.yaml").read_text(encoding="utf-8")
        with replacing(settings) as temporary:
            temporary.write_text(shipped, encoding="utf-8")
    check_dagster_home(home)
    os.environ["DAGSTER_HOME"] = str(folder)


def check_dagster_home(home: Home) -> None:
    """Raises VroegError when this user cannot write to Dagster's storage, as also who only reads it does."""
    for path in (home.dagster, *home.dagster.glob("*/*.db")):
        if not os.access(path, os.W_OK, effective_ids=True):
            raise VroegError("cannot be written", where=path, do="give it to this user")
