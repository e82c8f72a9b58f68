"""A server that speaks S3, for a test: on loopback, what it holds in memory, stopped at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests
from defusedxml import ElementTree

from vroeg_pipeline_tests.kit.listeners import free_port

# It lets anybody in, by whatever key, unless it asks for one; then nobody.
KEYS = {"AWS_ACCESS_KEY_ID": "vroeg", "AWS_SECRET_ACCESS_KEY": "geheim", "AWS_REGION": "eu-west-1"}
_XML = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@dataclass(frozen=True)
class Buckets:
    """A running server."""

    url: str

    def make(self, bucket: str) -> None:
        """Makes one, empty."""
        requests.put(f"{self.url}/{bucket}", timeout=30).raise_for_status()

    def objects(self, bucket: str) -> dict[str, bytes]:
        """All that one holds; a few, as a test has."""
        names = [each.text for each in ElementTree.fromstring(self._got(bucket)).iter(f"{_XML}Key")]
        return {str(name): self._got(f"{bucket}/{name}") for name in names}

    def _got(self, path: str) -> bytes:
        # Of whom nothing is said gets nothing.
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=vroeg/20210301/eu-west-1/s3/aws4_request"}
        answer = requests.get(f"{self.url}/{path}", headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.content


@contextmanager
def buckets(*, asks_for_key: bool = False) -> Iterator[Buckets]:
    """Starts a server. `asks_for_key`: it knows none, so that nobody is let in."""
    port = free_port()
    environment = os.environ | ({"INITIAL_NO_AUTH_ACTION_COUNT": "0"} if asks_for_key else {})
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(found := Buckets(f"http://127.0.0.1:{port}"))
            yield found
        finally:
            process.kill()


def _wait_for(server: Buckets) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(server.url, timeout=30)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
