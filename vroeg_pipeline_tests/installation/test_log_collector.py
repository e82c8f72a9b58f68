"""A collector gets each line of the log as a span, once it is there, and nothing waits for it (DOMAIN §14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from vroeg_pipeline.cli.health import findings
from vroeg_pipeline.cli.log import send
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import COMMAND_LINE, Done, log_done, read_log, what_is_wrong_with
from vroeg_pipeline.installation.log_collector import Sent, send_lines
from vroeg_pipeline_tests.kit.listeners import Collector, collector
from vroeg_pipeline_tests.kit.world import moment

NOW = moment("2021-03-03 10:00")
DONE = Done(
    "vroeg subject", "export", "done", COMMAND_LINE, "tester", moment("2021-03-03 09:59"), subject="Kanariegeel"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.agreements.mkdir(parents=True)
    log_done(home, NOW, DONE, replace(DONE, action="run", result="failed: VroegError", subject=None))
    return home


@pytest.fixture
def there() -> Iterator[Collector]:
    with collector() as listening:
        yield listening


def test_a_line_becomes_the_span_that_it_tells_of(home: Home, there: Collector) -> None:
    assert send_lines(home, f"{there.url}/") == Sent(2, is_away=False, is_all=True)
    first, second = read_log(home)
    span = there.spans[first["trace_id"], first["span_id"]]
    attributes = {each.key: each.value.string_value for each in span.attributes}
    assert attributes == {
        **first["attributes"],
        "vroeg.action": "vroeg subject", "vroeg.object": "export", "vroeg.result": "done",
        "vroeg.origin": COMMAND_LINE, "vroeg.actor": "tester",
    }  # fmt: skip
    assert attributes["dpl.core.data_subject_id"]
    assert (span.name, span.status.code) == ("vroeg subject", 1)
    assert (span.end_time_unix_nano - span.start_time_unix_nano, span.end_time_unix_nano) == (
        60 * 10**9,
        int(NOW.timestamp()) * 10**9,
    )
    assert there.spans[second["trace_id"], second["span_id"]].status.code == 2
    assert there.resources[0] == first["resource"]
    assert "Kanarie" not in str(there.spans)


def test_the_processing_is_that_of_the_register_of_the_town(home: Home, there: Collector) -> None:
    send_lines(home, there.url, "https://register.haarlem.example/12")
    for span in there.spans.values():
        (activity,) = (a.value.string_value for a in span.attributes if a.key == "dpl.core.processing_activity_id")
        assert activity == "https://register.haarlem.example/12"


def test_what_a_collector_did_not_take_comes_later_and_once(home: Home, there: Collector) -> None:
    there.is_refusing = True
    assert send_lines(home, there.url) == Sent(0, is_away=True, is_all=False)
    log_done(home, moment("2021-04-03 10:00"), DONE)
    there.is_refusing = False
    assert send_lines(home, there.url).lines == 3
    assert send_lines(home, there.url) == Sent(0, is_away=False, is_all=True)
    log_done(home, moment("2021-04-03 10:00"), DONE)
    assert send_lines(home, there.url).lines == 1
    assert len(there.spans) == 4


def test_what_was_altered_or_is_half_written_is_not_sent(home: Home, there: Collector) -> None:
    log_done(home, NOW, DONE)
    path = home.log / "2021-03.jsonl"
    first, second, third = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(first + second.replace("tester", "iemand") + third[:-9], encoding="utf-8")
    assert send_lines(home, there.url).lines == 1
    path.write_text(first + second.replace("tester", "iemand") + third, encoding="utf-8")
    assert send_lines(home, there.url).lines == 1
    assert "iemand" not in str(there.spans)
    # A back-up that is put back has a shorter file: what comes then is sent, and of what was sent the same span.
    path.write_text(first, encoding="utf-8")
    assert send_lines(home, there.url).lines == 1
    assert len(there.spans) == 2


def test_the_log_is_written_and_health_says_what_waits(
    home: Home, there: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.settings.write_text(f"log: {{otlp: '{there.url}'}}\n", encoding="utf-8")
    there.is_refusing = True

    def said(at: str) -> tuple[bool, str]:
        found = findings(Installation.load(home, lambda: moment(at)))
        (log,) = [finding for finding in found if finding.part == "log"]
        return log.healthy, log.said

    waits = "2 lines wait for the collector since 03-03-2021 10:00"
    assert (said("2021-03-03 10:20"), said("2021-03-03 10:40")) == ((True, waits), (False, waits))
    said_there = StringIO()
    out = Console(file=said_there)
    with pytest.raises(VroegError, match="the collector took 0 lines and not the next one"):
        send(home, out)
    assert what_is_wrong_with(home) is None
    there.is_refusing = False
    send(home, out)
    assert said_there.getvalue() == "The collector has the whole log: 2 lines more\n"
    assert said("2021-03-03 10:40") == (True, "the collector has all of it")
    # What it needs may be left out where nobody asks for it.
    monkeypatch.setattr(metadata, "version", _not_there)
    healthy, missing = said("2021-03-03 10:40")
    assert not healthy
    assert 'pip install "vroeg-pipeline[otlp]"' in missing


def _not_there(name: str) -> str:
    raise metadata.PackageNotFoundError(name)
