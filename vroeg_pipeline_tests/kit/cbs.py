"""CBS as it asks, and an installation that may answer it: certificates, settings and signatures of tests."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from vroeg_pipeline.ddas import v1_2
from vroeg_pipeline.ddas.answers import keep_answers
from vroeg_pipeline.ddas.rows import Case, Signal
from vroeg_pipeline.ddas.serving import server_of
from vroeg_pipeline.domain.months import last_day_of
from vroeg_pipeline.domain.settings import Ddas, DdasMunicipality
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.certificates import (
    FOR_CLIENTS,
    FOR_SERVERS,
    Authority,
    der_text,
    pem,
    put_key,
    rsa_key,
)
from vroeg_pipeline_tests.kit.world import World

NOW = datetime(2021, 6, 1, tzinfo=UTC)
SETTINGS = Ddas(
    municipalities={
        "0392": DdasMunicipality(organisation="Gemeente Haarlem"),
        "0473": DdasMunicipality(organisation="Gemeente Zandvoort"),
    }
)


def signal(signal_id: str) -> Signal:
    day = date(2021, 3, 3)
    return Signal(
        signal_id, False, None, Decimal("100.50"), day, day, "Opgepakt", "Huur", None, None, "2021AB", 12, "", ""
    )


def case(month: date, *ids: str) -> Case:
    return Case(None, month, month, month, last_day_of(month), ids, [])


def keep(home: Home, month: date, cases: Sequence[int], alone: int, municipality: str = "0392") -> list[str]:
    """Answers of a month with cases of so many signals, and signals without a case; gives the IDs."""
    ids = [[f"{month:%Y%m}-{municipality}-{number}-{of}" for of in range(size)] for number, size in enumerate(cases)]
    loose = [f"{month:%Y%m}-{municipality}-x-{number}" for number in range(alone)]
    every = sorted([*(one for group in ids for one in group), *loose], reverse=True)
    rows = {
        code: ([signal(one) for one in every], [case(month, *group) for group in ids])
        if code == municipality
        else ([], [])
        for code in SETTINGS.municipalities
    }
    delivery = home.root / "delivery.json"
    with delivery.open("w", encoding="utf-8") as file:
        file.writelines(v1_2.text(SETTINGS, month, last_day_of(month), NOW, rows.__getitem__))
    keep_answers(home, month, delivery)
    return every


OIN = "00000001821002193000"
SIGNATURE = "nlgov-adr-payload-sig"


def text64(data: bytes) -> str:
    """base64url without what fills it up."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def digest(body: bytes) -> str:
    return "SHA-256=" + base64.b64encode(sha256(body).digest()).decode()


@dataclass(frozen=True)
class Caller:
    """Who signs a question. Written by the standard, without the code under test."""

    key: RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    def headers(self, body: bytes, **changes: Any) -> dict[str, str]:
        """The headers of a question; `changes` are of the protected header, None leaves one out."""
        protected = {
            "alg": "PS256",
            "b64": False,
            "crit": ["sigD", "b64"],
            "kid": "cbs-2021",
            "x5c": [der_text(one) for one in self.chain],
            "sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]},
            **changes,
        }
        head = text64(json.dumps({name: value for name, value in protected.items() if value is not None}).encode())
        signed = self.key.sign(f"{head}.digest: {digest(body)}".encode(), _PSS, SHA256())
        return {"Content-Type": "application/json", "Digest": digest(body), SIGNATURE: f"{head}..{text64(signed)}"}


_PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def signed_by(headers: Mapping[str, str], body: bytes) -> x509.Certificate:
    """The certificate that signed an answer; fails where the signature is not what the standard asks."""
    assert headers["Digest"] == digest(body)
    head, nothing, signature = headers[SIGNATURE].split(".")
    assert nothing == ""
    protected = json.loads(bytes64(head))
    assert protected["crit"] == ["sigD", "b64"]
    assert (protected["alg"], protected["b64"]) == ("PS256", False)
    assert protected["kid"]
    assert protected["sigD"] == {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]}
    certificate = x509.load_der_x509_certificate(base64.b64decode(protected["x5c"][0]))
    key: Any = certificate.public_key()
    key.verify(bytes64(signature), f"{head}.digest: {headers['Digest']}".encode(), _PSS, SHA256())
    return certificate


class Desk:
    """An installation of a test that answers CBS, with an authority of its own for each purpose."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = world.home.root / "keys"
        self.keys.mkdir()
        self.root = Authority("Root")
        self.issuing = Authority("Issuing", above=self.root)
        self.network = Authority("Network")
        ours = self.issuing.issue("Gemeente", rsa_key("town"), oin="00000001001234567000")
        self._put("signing.pem", pem(ours, self.issuing.certificate))
        put_key(self.keys / "signing.key", rsa_key("town"))
        self._put("roots.pem", pem(self.root.certificate))
        self.revoke()
        transport, client = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self._put("transport.pem", pem(self.network.issue("localhost", transport, purposes=FOR_SERVERS)))
        put_key(self.keys / "transport.key", transport)
        self._put("network.pem", pem(self.network.certificate))
        self._put("inway.pem", pem(self.network.issue("inway", client, purposes=FOR_CLIENTS)))
        put_key(self.keys / "inway.key", client)
        self.ours = ours
        self.cbs = self.caller("CBS", oin=OIN)

    def caller(self, name: str, *, by: Authority | None = None, **of_certificate: Any) -> Caller:
        """Somebody with a certificate for signing, by default of the authority that is trusted."""
        by = by or self.issuing
        key = rsa_key("caller")
        above = () if by.above is None else (by.certificate,)
        return Caller(key, (by.issue(name, key, **of_certificate), *above))

    def revoke(self, *certificates: x509.Certificate, **changes: Any) -> None:
        """Publishes the lists of both authorities anew."""
        self._put("issuing.crl", self.issuing.revoking(*certificates, **changes).public_bytes(Encoding.PEM))
        self._put("root.crl", self.root.revoking().public_bytes(Encoding.DER))

    def _put(self, name: str, data: bytes) -> None:
        (self.keys / name).write_bytes(data)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """What stands under `ddas.service`."""
        return {
            "port": 0,
            "transport": {
                "certificate": "keys/transport.pem",
                "key": "keys/transport.key",
                "client_roots": "keys/network.pem",
            },
            "signing": {"certificate": "keys/signing.pem", "key": "keys/signing.key"},
            "trusted_roots": ["keys/roots.pem"],
            "revocation_lists": ["keys/issuing.crl", "keys/root.crl"],
            "callers": [OIN],
            **changes,
        }

    @contextmanager
    def answering(self) -> Iterator[str]:
        """The address of the service while it runs."""
        server = server_of(self.world.installation)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.01)
            assert thread.is_alive()
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"https://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()

    def session(self) -> requests.Session:
        """A client with the certificate of the inway."""
        session = requests.Session()
        session.trust_env = False  # the machine's own authorities are not those of the test
        session.verify = str(self.keys / "network.pem")
        session.cert = (str(self.keys / "inway.pem"), str(self.keys / "inway.key"))
        return session
