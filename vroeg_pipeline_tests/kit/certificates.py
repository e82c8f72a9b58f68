"""Certificates that tests make: authorities with their revocation lists, and who gets a certificate of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LONG_AGO, LONG_AFTER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """The RSA key of that name, made once a process."""
    return rsa.generate_private_key(65537, 2048)


def pem(*certificates: x509.Certificate) -> bytes:
    """The certificates as PEM, in their order."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def der_text(certificate: x509.Certificate) -> str:
    """A certificate as x5c has it."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def put_key(path: Path, key: Key) -> None:
    """Writes a key as PEM, for its owner alone."""
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@dataclass
class Authority:
    """An authority, by default a root; `above` issued it."""

    name: str
    above: Authority | None = None
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.certificate = self._signed(
            self.name,
            self.key,
            [
                (x509.BasicConstraints(ca=True, path_length=None), True),
                (_usage(key_cert_sign=True, crl_sign=True), True),
            ],
            by=self.above or self,
        )

    def issue(
        self,
        name: str,
        key: Key,
        *,
        oin: str | None = None,
        until: datetime = LONG_AFTER,
        purposes: Sequence[x509.ObjectIdentifier] = (),
        signs: bool = True,
    ) -> x509.Certificate:
        """A certificate for signing, or for what `purposes` say."""
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(digital_signature=signs, key_encipherment=not signs), True),
            (x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]), False),
        ]
        if purposes:
            extensions.append((x509.ExtendedKeyUsage(purposes), False))
        return self._signed(name, key, extensions, by=self, oin=oin, until=until)

    def revoking(self, *revoked: x509.Certificate, until: datetime = LONG_AFTER) -> x509.CertificateRevocationList:
        """The list of what it revoked."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(LONG_AGO).next_update(until)
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(LONG_AGO)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, SHA256())

    def _signed(
        self,
        name: str,
        key: Key,
        extensions: Sequence[tuple[x509.ExtensionType, bool]],
        *,
        by: Authority,
        oin: str | None = None,
        until: datetime = LONG_AFTER,
    ) -> x509.Certificate:
        names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if oin:
            names.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, oin))
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(names))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(LONG_AGO + timedelta(days=1))
            .not_valid_after(until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key()), False)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(by.key, SHA256())


def _usage(**wanted: bool) -> x509.KeyUsage:
    none = dict.fromkeys(
        (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        ),
        False,
    )  # fmt: skip
    return x509.KeyUsage(**{**none, **wanted})


FOR_SERVERS = (ExtendedKeyUsageOID.SERVER_AUTH,)
FOR_CLIENTS = (ExtendedKeyUsageOID.CLIENT_AUTH,)
