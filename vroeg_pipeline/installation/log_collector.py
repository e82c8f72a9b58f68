"""Sends the lines of the log to a collector, as spans of OpenTelemetry over HTTP (OTLP), where the settings name one.

The file comes first and is always written; what is sent is read from it, by who waits for nothing else, so that a collector
that is away delays nobody and misses nothing. A line is sent again where it is not known to have arrived, as the same span.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from itertools import islice
from typing import TYPE_CHECKING, Any

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.log import ACTIVITY, lines_after
from vroeg_pipeline.installation.notes import LOG_SENT, LogPlace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

# Lines in a message, and messages in a go.
_AT_ONCE, _GO = 500, 10
_PATIENCE_SECONDS = 5
# What BIO2 8.15 asks for and the Logboek Dataverwerkingen has no name for.
_BESIDES = ("action", "object", "result", "origin", "actor")


@dataclass(frozen=True)
class Sent:
    """So many lines went; `is_away`: the collector did not take the next ones; `is_all`: none wait."""

    lines: int
    is_away: bool
    is_all: bool


def check_can_send() -> None:
    """Raises VroegError where the packages are missing that sending needs."""
    try:
        metadata.version("opentelemetry-exporter-otlp-proto-http")
    except metadata.PackageNotFoundError:
        do = 'install it: pip install "vroeg-pipeline[otlp]"'
        raise VroegError("log.otlp needs the exporter of OpenTelemetry", do=do) from None


def send_lines(home: Home, collector: str, activity: str | None = None) -> Sent:
    """Sends what was not sent yet, up to 5,000 lines, oldest first. `activity`: the processing that they are of, in the
    register of the town.

    Raises VroegError where the packages are missing or there is no key.
    """
    check_can_send()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter = OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces", timeout=_PATIENCE_SECONDS)
    waiting, lines = lines_after(home, LOG_SENT.read(home) or LogPlace()), 0
    try:
        for _ in range(_GO):
            batch = list(islice(waiting, _AT_ONCE))
            if not batch:
                return Sent(lines, is_away=False, is_all=True)
            if exporter.export([_span(line, activity) for _, line in batch]) is not SpanExportResult.SUCCESS:
                return Sent(lines, is_away=True, is_all=False)
            LOG_SENT.write(home, batch[-1][0])
            lines += len(batch)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    return Sent(lines, is_away=False, is_all=False)


def waiting_since(home: Home) -> tuple[int, datetime] | None:
    """How many lines were not sent yet, and the aware moment of the oldest; None when all were."""
    waiting = [line["time"] for _, line in lines_after(home, LOG_SENT.read(home) or LogPlace())]
    return (len(waiting), datetime.fromisoformat(waiting[0])) if waiting else None


def _span(line: Mapping[str, Any], activity: str | None) -> ReadableSpan:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

    return ReadableSpan(
        line["name"],
        SpanContext(
            int(line["trace_id"], 16),
            int(line["span_id"], 16),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED),
        ),
        resource=Resource(line["resource"]),
        attributes={
            **line["attributes"],
            **({ACTIVITY: activity} if activity else {}),
            **{f"vroeg.{name}": line[name] for name in _BESIDES},
        },
        status=Status(StatusCode.ERROR if line["status"] == "error" else StatusCode.OK),
        start_time=_nanoseconds(line["start_time"]),
        end_time=_nanoseconds(line["end_time"]),
    )


def _nanoseconds(moment: str) -> int:
    # In whole numbers: a float loses the microseconds.
    at = datetime.fromisoformat(moment)
    return int(at.replace(microsecond=0).timestamp()) * 1_000_000_000 + at.microsecond * 1000
