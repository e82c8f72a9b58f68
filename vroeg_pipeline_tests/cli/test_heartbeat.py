"""A command that is at work says so, and is silent about it while it says other things."""

from __future__ import annotations

import io
import time

from rich.console import Console

from vroeg_pipeline.cli.heartbeat import Heartbeat


def test_silence_is_broken_every_five_seconds_with_what_is_done() -> None:
    said = io.StringIO()
    heartbeat = Heartbeat(Console(file=said, width=100), "loading [Dagster]")
    now = time.monotonic()
    heartbeat.beat(now + 4)
    assert said.getvalue() == ""
    heartbeat.beat(now + 6)
    heartbeat.beat(now + 7)
    assert said.getvalue().splitlines() == ["  … loading [Dagster], 6 s"]
    heartbeat.beat(now + 12)
    assert said.getvalue().splitlines()[1:] == ["  … loading [Dagster], 12 s"]


def test_a_line_of_the_command_is_a_sign_of_life() -> None:
    said = io.StringIO()
    heartbeat = Heartbeat(Console(file=said, width=100), "signals")
    heartbeat.print("[bold]done[/bold]")
    heartbeat.doing("matches")
    now = time.monotonic()
    heartbeat.beat(now + 4.9)
    assert said.getvalue() == "done\n"
    heartbeat.beat(now + 5.1)
    assert said.getvalue().splitlines() == ["done", "  … matches, 5 s"]


def test_nothing_is_said_after_the_block() -> None:
    said = io.StringIO()
    with Heartbeat(Console(file=said), "signals") as heartbeat:
        pass
    assert not heartbeat._thread.is_alive()
    assert said.getvalue() == ""
