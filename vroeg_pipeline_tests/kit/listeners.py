"""A real SMTP server and a real HTTP listener on this machine, for what goes out by e-mail and webhook."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Mailbox:
    """What an SMTP server took. `url`: its Apprise URL, to which recipients are added."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?mode=insecure&from=vroeg@haarlem.example&format=text&to="

    def texts(self, to: str) -> list[tuple[str, str]]:
        """(subject, body) of the mails to an address."""
        return [(str(m["Subject"]), _body(m)) for m in self.mails if to in str(m["To"])]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(cast(EmailMessage, parsed))
        return "250 OK"


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(("plain", "html"))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """Listens on a free port until the block ends."""
    mailbox = Mailbox(free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Webhook:
    """What an HTTP listener took; while `is_down` it answers with an error."""

    port: int = 0
    is_down: bool = False
    refused: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/alerts"


@dataclass
class Collector:
    """The spans that a collector of OpenTelemetry took, by trace and span; while `is_refusing` it takes none."""

    port: int = 0
    is_refusing: bool = False
    resources: list[dict[str, str]] = field(default_factory=list)
    spans: dict[tuple[str, str], Span] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, content: bytes) -> int:
        """The status that answers what was sent to the path."""
        if self.is_refusing or path != "/v1/traces":
            return 400
        for part in ExportTraceServiceRequest.FromString(content).resource_spans:
            self.resources.append({each.key: each.value.string_value for each in part.resource.attributes})
            for span in (span for scope in part.scope_spans for span in scope.spans):
                self.spans[span.trace_id.hex(), span.span_id.hex()] = span
        return 200


@contextmanager
def collector() -> Iterator[Collector]:
    """Listens on a free port until the block ends."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(found.take(self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    with _listening(Handler) as found.port:
        yield found


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Listens on a free port until the block ends."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if hook.is_down:
                hook.refused += 1
            else:
                hook.messages.append(json.loads(content))
            self.send_response(503 if hook.is_down else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing: the tests look at what came."""

    with _listening(Handler) as hook.port:
        yield hook


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
