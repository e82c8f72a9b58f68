"""The service as a server: uvicorn with TLS, on this machine alone unless the settings say otherwise, patient to a limit."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from vroeg_pipeline.ddas.service import Service
from vroeg_pipeline.ddas.signing import load_signer, load_trust, private_file
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.settings import DdasService
from vroeg_pipeline.installation.installation import Installation

# Connections at the same time; each holds at most a question or a part of an answer.
_CONNECTIONS = 64


def server_of(installation: Installation, host: str | None = None, port: int | None = None) -> uvicorn.Server:
    """A server that is not started yet; `host` and `port` go before the settings.

    Raises VroegError when settings, certificates or keys are not what they should be.
    """
    service = installation.settings.ddas.service
    if service is None:
        raise VroegError(
            "does not say how CBS is answered", where="settings.yaml", do="add ddas.service (docs/ddas.md)"
        )
    root = installation.home.root
    host = host or service.host
    if service.transport is None and not is_loopback(host):
        raise VroegError(
            f"without TLS only this machine may ask, and {host} is more than that",
            where="settings.yaml: field 'ddas.service.transport'",
            do="name a certificate, its key and the roots of the inway",
        )
    app = Service(
        installation, load_trust(service, root, installation.now), load_signer(service, root, installation.now())
    ).app()
    config = uvicorn.Config(
        app,
        host=host,
        port=service.port if port is None else port,
        http=_patient(service.patience_seconds),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=10,
        **_tls(service, installation),
    )
    try:
        config.load()
    except (OSError, ssl.SSLError):
        raise VroegError(
            "do not fit together, or hold no PEM",
            where="the files of ddas.service.transport",
            do="see the certificate, its key and the roots of the inway",
        ) from None
    return uvicorn.Server(config)


def serve(server: uvicorn.Server, ready: Callable[[str], None]) -> None:
    """Answers until SIGINT or SIGTERM, and lets answers that are being sent end first; `ready` hears the address.

    Raises VroegError when nobody can listen there.
    """
    config = server.config
    try:
        family = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((config.host, config.port), family=family)
    except OSError as error:
        reason = f"{error.strerror}".split(" (")[0]
        raise VroegError(
            f"cannot be listened on ({reason})",
            where=f"{config.host}:{config.port}",
            do="give --host and --port",
        ) from None
    host = f"[{config.host}]" if family == socket.AF_INET6 else config.host
    with listener, suppress(KeyboardInterrupt):
        ready(f"{'https' if config.is_ssl else 'http'}://{host}:{listener.getsockname()[1]}")
        server.run([listener])


def _tls(service: DdasService, installation: Installation) -> dict[str, Any]:
    if service.transport is None:
        return {}
    root = installation.home.root
    private_file(root / service.transport.key)
    return {
        "ssl_certfile": root / service.transport.certificate,
        "ssl_keyfile": root / service.transport.key,
        "ssl_ca_certs": str(root / service.transport.client_roots),
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
    }


def is_loopback(host: str) -> bool:
    """Whether it is this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _patient(seconds: float) -> type[H11Protocol]:
    """A protocol that cuts off who takes longer to ask, or to take the next part of the answer.

    The body of a question is timed by the service itself, which says so.
    """

    class Patient(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            asked = self.cycle is not None
            super().data_received(data)
            if not asked and self.cycle is not None:
                self._stop()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._wait()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._stop()
            self._timer = self.loop.call_later(seconds, self.transport.abort)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Patient
