"""Who signed a message of CBS and whether that holds, and the signature under an answer.

A detached JWS over the digest of the body, as the API of DDAS-Vroegsignalering 2.0.0 wants it (ADR payload signing, JAdES
HttpHeaders). Signatures and chains are judged by `joserfc` and `cryptography`; here stands only what this standard asks.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.registry import HeaderParameter

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.domain.settings import DdasService

ALGORITHM = "PS256"
MECHANISM = {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest"]}
_DETACHED = re.compile(r"[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+")
_LISTS = re.compile(rb"-----BEGIN X509 CRL.+?-----END X509 CRL-----", re.DOTALL)
_LONGEST_CHAIN = 6
# New ones are ordered and take days to come.
_TIME_TO_RENEW = timedelta(days=30)
T = TypeVar("T")


class RefusedError(Exception):
    """A message whose signature does not hold. The text says why, in Dutch, without anything of the message."""


class SignatureMissingError(RefusedError):
    """There is no signature, or no digest."""


class CertificateExpiredError(RefusedError):
    """The signing certificate is past its validity."""


def digest_of(body: bytes) -> str:
    """The value of the header Digest."""
    return f"SHA-256={base64.b64encode(sha256(body).digest()).decode()}"


def _signed_text(digest: str) -> bytes:
    # ETSI TS 119 182-1, 5.2.8.2: the name in small letters, a colon, a space, the value.
    return f"digest: {digest}".encode()


def _is_mechanism(value: object) -> None:
    if value != MECHANISM:
        raise ValueError("another mechanism")


class _Profile(jws.JWSRegistry):
    """The profile of DDAS: what must stand in the protected header, and room for a chain of certificates."""

    max_header_length = 32_768

    def __init__(self) -> None:
        # What is critical and not known is refused by joserfc; what is known more is left alone, as RFC 7515 wants.
        wanted = {"sigD": HeaderParameter("what is signed", _is_mechanism, required=True)}
        super().__init__(wanted, [ALGORITHM], strict_check_header=False)


@dataclass(frozen=True)
class Signer:
    """What answers are signed with."""

    key: RSAKey
    chain: tuple[str, ...]
    key_id: str

    def sign(self, digest: str) -> str:
        """The value of `nlgov-adr-payload-sig` for a message with that digest."""
        protected = {
            "alg": ALGORITHM,
            "b64": False,
            "crit": ["sigD", "b64"],
            "kid": self.key_id,
            "x5c": list(self.chain),
            "sigD": MECHANISM,
        }
        return jws.serialize_compact(protected, _signed_text(digest), self.key, registry=_Profile())


@dataclass(frozen=True)
class Trust:
    """Whose signatures count: files with roots and revocation lists, read anew when they change."""

    roots: tuple[Path, ...]
    revocation_lists: tuple[Path, ...]
    now: Callable[[], datetime]

    def signer_of(self, digests: Sequence[str], signatures: Sequence[str], body: bytes) -> str:
        """The OIN (subject serialNumber) of who signed the body.

        Raises RefusedError where the signature does not hold, for whatever reason.
        """
        if not digests or not signatures:
            raise SignatureMissingError("Digest of nlgov-adr-payload-sig ontbreekt")
        # ADR: a header that stands in a message twice makes the signature invalid.
        if len(digests) > 1 or len(signatures) > 1 or not _DETACHED.fullmatch(signatures[0]):
            raise RefusedError("Digest of nlgov-adr-payload-sig heeft niet de vorm van de standaard")
        if digests[0].strip() != digest_of(body):
            raise RefusedError("Digest is niet die van dit bericht")
        try:
            signed = jws.extract_compact(signatures[0].encode(), _signed_text(digests[0].strip()), _Profile())
            header = signed.headers()
            if header.get("b64") is not False or not {"sigD", "b64"} <= set(header.get("crit") or ()):
                raise RefusedError("De ondertekening is niet die van payload signing met alleen de digest")
            chain = [x509.load_der_x509_certificate(base64.b64decode(one, validate=True)) for one in header["x5c"]]
            if not header.get("kid") or not 0 < len(chain) <= _LONGEST_CHAIN:
                raise RefusedError("kid of x5c ontbreekt in de ondertekening, of de keten is te lang")
            key = RSAKey.import_key(_public_key(chain[0]))
            if not jws.validate_compact(signed, key, registry=_Profile()):
                raise RefusedError("De handtekening klopt niet")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError, UnsupportedAlgorithm, x509.InvalidVersion):
            raise RefusedError("De ondertekening is niet te lezen of volgt de standaard niet") from None
        self._trusted(chain)
        oins = chain[0].subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        if len(oins) != 1:
            raise RefusedError("Het certificaat noemt geen OIN")
        return str(oins[0].value)

    def _trusted(self, chain: list[x509.Certificate]) -> None:
        now = self.now()
        if now > chain[0].not_valid_after_utc:
            raise CertificateExpiredError("Het certificaat is verlopen")
        store = Store([root for path in self.roots for root in _kept(path, _certificates)])
        verifier = (
            PolicyBuilder()
            .store(store)
            .time(now)
            .max_chain_depth(_LONGEST_CHAIN)
            .extension_policies(ca_policy=_authority(), ee_policy=_for_signing())
            .build_client_verifier()
        )
        try:
            verified = verifier.verify(chain[0], chain[1:]).chain
        except VerificationError:
            raise RefusedError(
                "Het certificaat is niet van een vertrouwde uitgever, niet geldig of niet om te tekenen"
            ) from None
        lists = [one for path in self.revocation_lists for one in _kept(path, _revocation_lists)]
        for certificate, issuer in pairwise(verified):
            _not_revoked(certificate, issuer, lists, now)


def _public_key(certificate: x509.Certificate) -> RSAPublicKey:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("no RSA")
    return key


def _authority() -> ExtensionPolicy:
    # Authorities of PKIoverheid name more purposes than those of the web.
    return ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)


def _for_signing() -> ExtensionPolicy:
    """A certificate for digital signatures, and not one of a server: signing and transport have their own."""

    def signs(_policy: object, _certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
        if not usage.digital_signature:
            raise ValueError("not for signatures")

    def no_server(_policy: object, _certificate: x509.Certificate, purposes: x509.ExtendedKeyUsage | None) -> None:
        if purposes is not None and ExtendedKeyUsageOID.SERVER_AUTH in purposes:
            raise ValueError("for transport")

    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.KeyUsage, Criticality.AGNOSTIC, signs)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, no_server)
    )


def _not_revoked(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    lists: Sequence[x509.CertificateRevocationList],
    now: datetime,
) -> None:
    """Raises RefusedError when the certificate was revoked, or no list that still holds tells."""
    key: Any = issuer.public_key()
    ours = [one for one in lists if one.issuer == certificate.issuer and one.is_signature_valid(key)]
    if any(one.get_revoked_certificate_by_serial_number(certificate.serial_number) for one in ours):
        raise RefusedError("Het certificaat is ingetrokken")
    if not any(one.next_update_utc is not None and one.next_update_utc >= now for one in ours):
        raise RefusedError("Of het certificaat is ingetrokken is nu niet na te gaan")


def _certificates(data: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(data)


def _revocation_lists(data: bytes) -> list[x509.CertificateRevocationList]:
    if b"-----BEGIN" not in data:
        return [x509.load_der_x509_crl(data)]
    return [x509.load_pem_x509_crl(block) for block in _LISTS.findall(data)]


def _kept(path: Path, read: Callable[[bytes], list[T]]) -> list[T]:
    """What stands in a file, read again only when it changed.

    Raises VroegError when it cannot be read or holds nothing.
    """
    try:
        state = path.stat()
        found = _read(path, read, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise VroegError(
            f"cannot be read ({error.strerror})", where=path, do="see ddas.service in settings.yaml"
        ) from None
    except ValueError:
        found = []
    if not found:
        raise VroegError("holds no certificate or list", where=path, do="put the PEM of it there")
    return found


@lru_cache(maxsize=32)
def _read(path: Path, read: Callable[[bytes], list[T]], _changed: int, _size: int) -> list[T]:
    return read(path.read_bytes())


def load_trust(service: DdasService, root: Path, now: Callable[[], datetime]) -> Trust:
    """Whom the settings trust; paths are relative to `root`, and read once to see that they can be.

    Raises VroegError that names the file.
    """
    trust = Trust(
        tuple(root / name for name in service.trusted_roots),
        tuple(root / name for name in service.revocation_lists),
        now,
    )
    for path in trust.roots:
        _kept(path, _certificates)
    for path in trust.revocation_lists:
        _kept(path, _revocation_lists)
    return trust


def certificates_to_renew(service: DdasService, root: Path, now: datetime) -> list[str]:
    """What somebody should see to before the service stops answering, each on one line: files that cannot be read,
    certificates that end within 30 days, revocation lists that should have been fetched anew.
    """
    transport = (service.transport.certificate, service.transport.client_roots) if service.transport else ()
    said = []
    for name in dict.fromkeys([service.signing.certificate, *transport, *service.trusted_roots]):
        try:
            ends = min(one.not_valid_after_utc for one in _kept(root / name, _certificates))
        except VroegError as error:
            said.append(str(error))
            continue
        if ends <= now:
            said.append(f"{name} is past its time since {moment_text(ends)}")
        elif ends <= now + _TIME_TO_RENEW:
            said.append(f"{name} ends on {moment_text(ends)}: get a new one")
    for name in service.revocation_lists:
        try:
            updates = [one.next_update_utc for one in _kept(root / name, _revocation_lists)]
        except VroegError as error:
            said.append(str(error))
            continue
        if any(update is None or update < now for update in updates):
            said.append(f"{name} does not hold any more: fetch it anew, else nobody is trusted")
    return said


def load_signer(service: DdasService, root: Path, now: datetime) -> Signer:
    """What the settings sign with.

    Raises VroegError that names the file: it cannot be read, is past its time, does not fit, is open to others, or is
    that of the transport.
    """
    signing, where = service.signing, root / service.signing.key
    chain = _kept(root / signing.certificate, _certificates)
    if now > chain[0].not_valid_after_utc:
        raise VroegError("is past its time", where=root / signing.certificate, do="put a new one there, with its key")
    private_file(where)
    try:
        key = load_pem_private_key(where.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise VroegError("is no private key without a password", where=where, do="put the PEM of it there") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise VroegError("is no RSA key of 2048 bits or more", where=where, do="PS256 needs one")
    if key.public_key() != chain[0].public_key():
        raise VroegError("is not the key of the certificate", where=where, do=f"see {signing.certificate}")
    if (
        service.transport
        and _kept(root / service.transport.certificate, _certificates)[0].public_key() == key.public_key()
    ):
        raise VroegError("is that of the transport too", where=where, do="sign with a certificate of its own")
    texts = tuple(base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in chain)
    return Signer(RSAKey.import_key(key), texts, signing.key_id or f"{chain[0].serial_number:x}")


def private_file(path: Path) -> None:
    """Raises VroegError when a key is not there, or others than its owner can read it."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise VroegError(
            f"cannot be read ({error.strerror})", where=path, do="see ddas.service in settings.yaml"
        ) from None
    if mode & 0o077:
        raise VroegError("can be read by others", where=path, do="chmod 600")
