"""Who started a run in the UI is whom the proxy names, and nobody else can name somebody (DOMAIN §14)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import dagster as dg
import pytest
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.workspace.context import WorkspaceRequestContext
from starlette.requests import Request

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.settings import parse_settings
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.log import account, read_log
from vroeg_pipeline.installation.town import ALONE
from vroeg_pipeline.installation.warehouse import _logged_run
from vroeg_pipeline.installation.who_started import NamingRunCoordinator, tags_of

UNKNOWN = "unknown user of the UI"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("who"))
    home.settings.write_text("log: {user_header: X-Forwarded-User}\n", encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VROEG_HOME", str(home.root))
        patch.delenv("DAGSTER_HOME", raising=False)
        prepare_dagster_home(home)
        with dg.DagsterInstance.get() as opened:
            yield opened
        os.environ.pop("DAGSTER_HOME")


def asked(instance: dg.DagsterInstance, *headers: tuple[str, str]) -> WorkspaceRequestContext:
    scope = {"type": "http", "headers": [(name.lower().encode(), value.encode()) for name, value in headers]}
    return WorkspaceRequestContext(instance, MagicMock(), MagicMock(), None, Request(scope), read_only=False)


def put(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    """A run that is still to be queued."""
    return instance.add_run(dg.DagsterRun("month", tags={**ALONE.tags_of_command_line, **tags}))


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ([("X-Forwarded-User", " s.jansen@haarlem.example ")], "s.jansen@haarlem.example"),
        ([("x-forwarded-user", "a" * 500)], "a" * 100),
        ([("X-Forwarded-User", "José\x1b[2J\u009b")], "José[2J"),
        ([], UNKNOWN),
        ([("X-Forwarded-User", "")], UNKNOWN),
        ([("X-User", "somebody")], UNKNOWN),
        ([("X-Forwarded-User", "of the client"), ("X-Forwarded-User", "of the proxy")], UNKNOWN),
    ],
)
def test_the_user_is_whom_the_proxy_names(
    instance: dg.DagsterInstance, headers: list[tuple[str, str]], user: str
) -> None:
    assert isinstance(instance.run_coordinator, NamingRunCoordinator)
    # As one who starts again what a sensor started, or writes a tag himself.
    run = put(instance, {"user": "somebody else", "dagster/sensor_name": "arrivals"})
    instance.run_coordinator.submit_run(SubmitRunContext(run, asked(instance, *headers)))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert (found.status, found.tags["user"]) == (dg.DagsterRunStatus.QUEUED, user)


@pytest.mark.parametrize(
    ("tags", "origin", "actor"),
    [
        ({"user": "s.jansen", "dagster/sensor_name": "arrivals"}, "UI", "s.jansen"),
        ({"dagster/sensor_name": "arrivals"}, "sensor arrivals", account()),
        ({"dagster/schedule_name": "worklists"}, "schedule worklists", account()),
        ({}, "UI", UNKNOWN),
    ],
)
def test_the_log_tells_who_or_what_started_a_run(tmp_path: Path, tags: dict[str, str], origin: str, actor: str) -> None:
    home = Home(tmp_path)
    with _logged_run(home, dg.DagsterRun("month", tags=tags)):
        pass
    (line,) = read_log(home)
    assert (line["origin"], line["actor"]) == (origin, actor)


def test_no_header_counts_that_the_settings_do_not_name(
    instance: dg.DagsterInstance, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VROEG_HOME", str(tmp_path))
    assert tags_of(asked(instance, ("X-Forwarded-User", "somebody"))) == {"user": UNKNOWN}
    with pytest.raises(VroegError, match=r"log\.user_header"):
        parse_settings("log: {user_header: 'X User'}", "settings.yaml")


def test_what_the_daemon_starts_keeps_whom_the_webserver_noted(instance: dg.DagsterInstance) -> None:
    of_daemon = WorkspaceRequestContext(instance, MagicMock(), MagicMock(), None, None, read_only=False)
    assert tags_of(of_daemon) == {}
    run = put(instance, {"user": "who started the backfill"})
    assert instance.run_coordinator is not None
    submitted = instance.run_coordinator.submit_run(SubmitRunContext(run, of_daemon))
    assert submitted.tags["user"] == "who started the backfill"
