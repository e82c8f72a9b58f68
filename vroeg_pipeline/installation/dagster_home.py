"""Dagster's own home within an installation, with our instance settings."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
from pathlib import Path
from typing import Any

import yaml

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, replacing

# Dagster's settings of the instance, in its home, and what they name where its storage is PostgreSQL.
SETTINGS = "dagster.yaml"
POSTGRES_STORAGE = "PooledPostgresStorage"
# Held by the daemon of the installation, in Dagster's home.
DAEMON_LOCK = "daemon.lock"
# Held by its code server.
CODE_LOCK = "code.lock"
# By which Dagster knows our code, and where its server listens there.
CODE_LOCATION = "vroeg_pipeline.definitions"
CODE_SOCKET = "code.sock"
# The tag by which it knows the location of a run: the repository, which has this name in each, at the location.
LOCATION_TAG = ".dagster/repository"
ONLY_REPOSITORY = "__repository__"
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


# What of our settings is another for many towns.
_ONE_AT_A_TIME = """\
# One run at a time: the others wait in the queue, where the UI shows them, instead of at the warehouse's lock.
concurrency:
  runs:
    max_concurrent_runs: 1
"""
_MANY_AT_ONCE = """\
# As many runs at once as the machine has processors, and of each town one: the others wait in the queue, where the UI
# shows them.
concurrency:
  runs:
    max_concurrent_runs: {runs}
    tag_concurrency_limits:
      - key: town
        value:
          applyLimitPerUniqueValue: true
        limit: 1

# Each town has its own sensors and schedules; a few are asked at once.
sensors:
  use_threads: true
  num_workers: 4
schedules:
  use_threads: true
  num_workers: 4
"""


def code_socket(location: str) -> str:
    """The name of the socket in Dagster's home at which the code server of a location listens."""
    return CODE_SOCKET if location == CODE_LOCATION else f"{location}.sock"


def prepare_dagster_home(home: Home) -> None:
    """Makes Dagster's home where it is new, with our instance settings, and points the process to it.

    Settings that somebody changed stay as they are.
    """
    prepare_dagster_folder(home.dagster, of_many=home.cooperation is not None)


def prepare_dagster_folder(folder: Path, *, of_many: bool) -> None:
    """The same for the folder itself; `of_many`: towns share it."""
    private_folder(folder)
    settings = folder / SETTINGS
    if not settings.exists() or hashlib.sha256(settings.read_bytes()).hexdigest() in _ONCE_SHIPPED:
        shipped = importlib.resources.files("vroeg_pipeline").joinpath("dagster.yaml").read_text(encoding="utf-8")
        with replacing(settings) as temporary:
            temporary.write_text(_for_many(shipped) if of_many else shipped, encoding="utf-8")
    check_dagster_folder(folder)
    os.environ["DAGSTER_HOME"] = str(folder)


def _for_many(shipped: str) -> str:
    """Our instance settings, with as many runs at once as the machine has processors, one a town."""
    before, _, after = shipped.partition(_ONE_AT_A_TIME)
    return before + _MANY_AT_ONCE.format(runs=os.cpu_count() or 1) + after


def check_dagster_home(home: Home) -> None:
    """Raises VroegError when this user cannot write to Dagster's storage, as also who only reads it does, or when its
    database in PostgreSQL cannot be used.
    """
    check_dagster_folder(home.dagster)


def check_dagster_folder(folder: Path) -> None:
    """The same for the folder itself."""
    for path in (folder, *folder.glob("*/*.db")):
        if not os.access(path, os.W_OK, effective_ids=True):
            raise VroegError("cannot be written", where=path, do="give it to this user")
    if postgres_db := server_of(folder):
        # Asked for here, as it is an extra, and most installations have none.
        try:
            from vroeg_pipeline.installation.dagster_postgres import check_server
        except ImportError:
            what = "names PostgreSQL, for which packages are missing"
            raise VroegError(what, where=folder / SETTINGS, do="install vroeg-pipeline[server]") from None
        check_server(postgres_db)


def server_of(folder: Path) -> dict[str, Any] | None:
    """How Dagster's database in PostgreSQL is reached, as its settings say (`deploy/postgresql`); None where it is SQLite.

    Raises VroegError when the settings cannot be read.
    """
    path = folder / SETTINGS
    if not path.exists() or POSTGRES_STORAGE not in (text := path.read_text(encoding="utf-8")):
        return None
    try:
        found: dict[str, Any] = yaml.safe_load(text)["storage"]["custom"]["config"]["postgres_db"]
    except (yaml.YAMLError, KeyError, TypeError):
        what = "how PostgreSQL is reached cannot be read from it"
        raise VroegError(what, where=path, do="compare it with deploy/postgresql/dagster.yaml") from None
    return found
