"""A webserver with its daemon for a test, and how to ask it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from vroeg_pipeline.cli.dev import services
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.listeners import free_port

LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "vroeg_pipeline.definitions"}


@dataclass(frozen=True)
class Live:
    """A webserver with its daemon."""

    url: str
    home: Home

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a GraphQL query; fails on its errors."""
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=30).json()
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])


def wait_until(what: str, met: Callable[[], Any], seconds: float = 120) -> Any:
    """What `met` gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := met():
            return found
        time.sleep(0.5)
    raise AssertionError(f"waited {seconds:g} seconds for {what}")


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables of the environment for the length of the block."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def dagster_on(home: Home) -> Iterator[Live]:
    """Webserver and daemon of an installation, once they answer."""
    port = free_port()
    with services(home, port, output=subprocess.DEVNULL):
        found = Live(f"http://127.0.0.1:{port}", home)
        wait_until("the webserver", lambda: _answers(found))
        yield found


def _answers(live: Live) -> bool:
    try:
        return bool(live.ask("{version}")["version"])
    except requests.ConnectionError:
        return False
