"""What Dagster noted, from SQLite to PostgreSQL (`vroeg move-dagster`, deploy/postgresql/README.md)."""

from __future__ import annotations

from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import (
    CODE_LOCK,
    DAEMON_LOCK,
    SETTINGS,
    check_dagster_home,
    server_of,
)
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.locking import holder_of


def move(home: Home, out: Console) -> None:
    """Copies it to the database that `dagster.yaml` names; the files stay as they are.

    Raises VroegError when `dagster.yaml` names none or it cannot be used, services are at work, there is nothing to copy, or
    something in its place.
    """
    for lock in (DAEMON_LOCK, CODE_LOCK):
        if holder := holder_of(home.dagster / lock):
            raise VroegError(f"{holder} is at work", where=home.dagster, do="stop the services first")
    check_dagster_home(home)
    postgres_db = server_of(home.dagster)
    if postgres_db is None:
        do = "put deploy/postgresql/dagster.yaml there"
        raise VroegError("names no PostgreSQL", where=home.dagster / SETTINGS, do=do)
    # An extra, which server_of tells.
    from vroeg_pipeline.installation.dagster_postgres import take_from_sqlite, url_of

    counts = take_from_sqlite(url_of(postgres_db), home.dagster)
    out.print(
        f"{counts['runs']:,} runs, {counts['event_logs']:,} events and {counts['job_ticks']:,} ticks "
        "are in PostgreSQL now. Start the services again"
    )
