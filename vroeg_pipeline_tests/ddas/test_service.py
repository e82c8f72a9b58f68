"""CBS asks and is answered, over TLS: what stands in an answer, who gets one, and what all others are told."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from vroeg_pipeline.ddas import service as ddas_service
from vroeg_pipeline.ddas.answers import withhold_answers
from vroeg_pipeline.ddas.service import OPENAPI
from vroeg_pipeline.ddas.serving import server_of
from vroeg_pipeline.deliveries.worked_on import note_issued
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.log import read_log
from vroeg_pipeline_tests.kit.cbs import OIN, SIGNATURE, Caller, Desk, digest, keep, signed_by
from vroeg_pipeline_tests.kit.certificates import FOR_SERVERS, LONG_AGO, Authority, pem, put_key, rsa_key
from vroeg_pipeline_tests.kit.world import LATER, World

MUNICIPALITIES = {
    "0392": {"organisation": "Gemeente Haarlem", "kvk_number": "12345678", "oin": "00000001001234567000"},
    "0473": {"organisation": "Gemeente Zandvoort"},
}
JANUARY, FEBRUARY, MARCH = (date(2021, month, 1) for month in (1, 2, 3))
QUARTER = {"aanleverperiodeStartdatum": "2021-01-01", "aanleverperiodeEinddatum": "2021-03-31"}


class Town:
    """The service of a town while it runs."""

    def __init__(self, desk: Desk, url: str) -> None:
        self.desk = desk
        self.url = url
        self.session = desk.session()

    def ask(self, question: Any = None, by: Caller | None = None, **changes: Any) -> requests.Response:
        """A question of CBS, or of `by`; `changes` are of what is signed."""
        body = (
            question if isinstance(question, bytes) else json.dumps(QUARTER if question is None else question).encode()
        )
        return self.post(body, (by or self.desk.cbs).headers(body, **changes))

    def post(self, body: Any, headers: dict[str, str]) -> requests.Response:
        return self.session.post(f"{self.url}/gegevens", data=body, headers=headers, timeout=30)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Three months of two municipalities: 12 signals, of which 7 in cases of several."""
    world = World(tmp_path_factory.mktemp("town") / "home")
    desk = Desk(world)
    world.settings(ddas={"municipalities": MUNICIPALITIES, "service": desk.settings()})
    keep(world.home, JANUARY, [2, 1, 3], alone=2)
    keep(world.home, FEBRUARY, [1], alone=0, municipality="0473")
    keep(world.home, MARCH, [2], alone=1)
    with desk.answering() as url:
        yield Town(desk, url)


def refused(answer: requests.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem that an answer tells, which is never signed nor kept."""
    told: dict[str, Any] = answer.json()
    assert answer.status_code == told["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert told["title"]
    assert answer.headers.get("Fsc-Error-Code") == (code and f"ERROR_CODE_{code}")
    if code:
        assert (told["code"], told["domain"]) == (f"ERROR_CODE_{code}", "ERROR_DOMAIN_INWAY")
    else:
        assert told["type"].endswith(f"/{status}")
    return told


def test_an_answer_is_that_of_the_standard_and_signed(town: Town, ddas_schema: Path) -> None:
    answer = town.ask()
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert signed_by(answer.headers, answer.content) == town.desk.ours
    told = answer.json()
    # All fits in one message, and no page was asked for.
    assert set(told) == {"gegevens"}
    schema = json.loads(ddas_schema.read_text(encoding="utf-8"))
    jsonschema.validate(told["gegevens"], schema, jsonschema.Draft202012Validator)
    assert (told["gegevens"]["startdatumLevering"], told["gegevens"]["einddatumLevering"]) == (
        "2021-01-01",
        "2021-03-31",
    )
    haarlem, zandvoort = told["gegevens"]["leveringen"]
    assert [haarlem["gemeentecode"], zandvoort["gemeentecode"]] == ["0392", "0473"]
    assert [len(haarlem["vroegsignalen"]), len(zandvoort["vroegsignalen"])] == [11, 1]
    assert [len(haarlem["vroegsignaalzaken"]), len(zandvoort["vroegsignaalzaken"])] == [4, 1]


def test_pages_hold_everything_once_and_cases_with_their_signals(town: Town) -> None:
    seen: list[str] = []
    for number in (1, 2, 3, 4):
        told = town.ask({**QUARTER, "page": number, "pageSize": 5}).json()
        assert told["paginering"] == {"pageSize": 5, "currentPage": number, "totalPages": 3, "totalRecords": 12}
        here = [s["ID"] for levering in told["gegevens"]["leveringen"] for s in levering["vroegsignalen"]]
        cases = [c for levering in told["gegevens"]["leveringen"] for c in levering["vroegsignaalzaken"]]
        assert {s["ID"] for c in cases for s in c["vroegsignalen"]} <= {*here}
        assert len(here) == {1: 5, 2: 5, 3: 2, 4: 0}[number]
        seen += here
    assert len({*seen}) == len(seen) == 12


@pytest.mark.parametrize(
    ("asked", "signals"),
    [
        ("gemeente haarlem ", 11),
        ("Gemeente Zandvoort", 1),
        ("0473", 1),
        ("12345678", 11),
        ("00000001001234567000", 11),
        (None, 12),
    ],
)
def test_an_organisation_gets_its_own(town: Town, asked: str | None, signals: int) -> None:
    question = {**QUARTER, **({"aanleverendeOrganisatie": asked} if asked else {})}
    leveringen = town.ask(question).json()["gegevens"]["leveringen"]
    assert sum(len(levering["vroegsignalen"]) for levering in leveringen) == signals
    assert len(leveringen) == (1 if asked else 2)


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ({}, ("2021-01-01", "2021-03-31")),
        ({"aanleverperiodeStartdatum": "2021-02-01"}, ("2021-02-01", "2021-03-31")),
        ({"aanleverperiodeEinddatum": "2021-02-28"}, ("2021-01-01", "2021-02-28")),
        (
            {"aanleverperiodeStartdatum": "2019-01-01", "aanleverperiodeEinddatum": "2019-12-31"},
            ("2019-01-01", "2019-12-31"),
        ),
    ],
)
def test_what_is_not_asked_is_the_last_quarter(town: Town, question: dict[str, str], period: tuple[str, str]) -> None:
    told = town.ask(question).json()["gegevens"]
    assert (told["startdatumLevering"], told["einddatumLevering"]) == period


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"page": NaN}',
        b"[" * 60_000,
        '{"page": 1}'.encode("utf-16"),
        {"page": 0},
        {"page": "1"},
        {"page": True},
        {"page": None},
        {"page": 1.5},
        {"pageSize": -1},
        {"aanleverperiodeStartdatum": "01-01-2021"},
        {"aanleverperiodeStartdatum": "2021-W01-1"},
        {"aanleverperiodeStartdatum": "2021-02-30"},
        {"aanleverperiodeStartdatum": 1609459200},
        {"aanleverendeOrganisatie": None},
        {"aanleverendeOrganisatie": 473},
        {"gemeente": "0473"},
    ],
)
def test_what_is_no_question_of_the_standard_is_refused(town: Town, question: Any) -> None:
    told = refused(town.ask(question), 400)
    assert "gemeente" not in told["detail"]


@pytest.mark.parametrize(
    "question",
    [
        {**QUARTER, "aanleverendeOrganisatie": "Gemeente Elders"},
        {"aanleverperiodeStartdatum": "2021-03-01", "aanleverperiodeEinddatum": "2021-01-31"},
        {"aanleverperiodeStartdatum": "2021-01-15", "aanleverperiodeEinddatum": "2021-03-31"},
        {"aanleverperiodeStartdatum": "2021-01-01", "aanleverperiodeEinddatum": "2021-03-30"},
        {"aanleverperiodeStartdatum": "0001-01-01", "aanleverperiodeEinddatum": "9999-12-31"},
    ],
)
def test_what_cannot_be_answered_is_told_why(town: Town, question: dict[str, str]) -> None:
    told = refused(town.ask(question), 422)
    assert "Elders" not in json.dumps(told)


def test_who_is_not_in_the_settings_gets_nothing(town: Town) -> None:
    refused(town.ask(by=town.desk.caller("Elders", oin="00000009000000000000")), 403, "WRONG_GROUP_ID_IN_TOKEN")


INVALID = "ACCESS_TOKEN_INVALID"


def test_without_digest_or_signature_there_is_no_answer(town: Town) -> None:
    body = json.dumps(QUARTER).encode()
    headers = town.desk.cbs.headers(body)
    for lacks in ("Digest", SIGNATURE):
        answer = town.post(body, {name: value for name, value in headers.items() if name != lacks})
        refused(answer, 401, "ACCESS_TOKEN_MISSING")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_signature_holds_for_its_own_message_alone(town: Town) -> None:
    body, other = (json.dumps(question).encode() for question in (QUARTER, {}))
    headers = town.desk.cbs.headers(body)
    refused(town.post(other, headers), 401, INVALID)
    # The digest of this message, signed for another.
    refused(town.post(other, {**headers, "Digest": digest(other)}), 401, INVALID)
    head, _, signature = headers[SIGNATURE].split(".")
    turned = signature[:-10] + ("A" if signature[-10] != "A" else "B") + signature[-9:]
    for wrong in (
        f"{head}..{turned}",
        f"{head}..",
        f"..{signature}",
        f"{head}.e30.{signature}",
        "x",
        f"e30..{signature}",
    ):
        refused(town.post(body, {**headers, SIGNATURE: wrong}), 401, INVALID)
    assert town.post(body, headers).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "RS256"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"b64": True},
        {"b64": None, "crit": ["sigD"]},
        {"crit": ["b64"]},
        {"crit": None},
        {"crit": ["sigD", "b64", "exp"], "exp": 1},
        {"kid": None},
        {"x5c": None},
        {"x5c": []},
        {"x5c": ["AAAA"]},
        {"x5c": "AAAA"},
        {"sigD": None},
        {"sigD": {"mId": "http://uri.etsi.org/19182/HttpHeaders", "pars": ["digest", "host"]}},
        {"sigD": {"mId": "http://uri.etsi.org/19182/ObjectIdByURI", "pars": ["digest"]}},
    ],
)
def test_only_the_profile_of_the_standard_is_taken(town: Town, changes: dict[str, Any]) -> None:
    refused(town.ask(**changes), 401, INVALID)


def test_more_in_the_header_is_left_alone(town: Town) -> None:
    assert town.ask(typ="JOSE", iat=1).status_code == 200


def test_a_header_that_stands_there_twice_is_no_signature(town: Town) -> None:
    body = json.dumps(QUARTER).encode()
    headers = town.desk.cbs.headers(body)
    twice = [*headers.items(), (SIGNATURE, headers[SIGNATURE])]
    assert raw_status(town, twice, body) == 401
    assert raw_status(town, [*headers.items()], body) == 200


def test_certificates_are_judged_by_what_the_settings_trust(town: Town) -> None:
    desk = town.desk
    stranger = Authority("Root", key=rsa_key("stranger"))
    wrong = {
        "of another root with the same name": desk.caller("CBS", by=stranger, oin=OIN),
        "signed by itself": desk.caller("CBS", by=Authority("CBS"), oin=OIN),
        "of transport": desk.caller("CBS", oin=OIN, purposes=FOR_SERVERS),
        "not for signatures": desk.caller("CBS", oin=OIN, signs=False),
        "without OIN": desk.caller("CBS"),
        "without the one between": replace(desk.cbs, chain=desk.cbs.chain[:1]),
        "with the key of another": replace(desk.cbs, key=rsa_key("stranger")),
    }
    told = {name: (answer.status_code, answer.headers.get("Fsc-Error-Code")) for name, answer in
            ((name, town.ask(by=caller)) for name, caller in wrong.items())}  # fmt: skip
    assert told == dict.fromkeys(wrong, (401, f"ERROR_CODE_{INVALID}"))
    expired = desk.caller("CBS", oin=OIN, until=LATER.replace(year=2021))
    refused(town.ask(by=expired), 401, "ACCESS_TOKEN_EXPIRED")
    assert town.ask(by=desk.caller("CBS again", oin=OIN)).status_code == 200


def test_a_certificate_that_was_revoked_is_refused_from_the_next_question(town: Town) -> None:
    desk = town.desk
    try:
        desk.revoke(desk.cbs.chain[0])
        assert "ingetrokken" in refused(town.ask(), 401, INVALID)["detail"]
        # A list that is past its time does not say that a certificate still holds.
        desk.revoke(until=LONG_AGO.replace(year=2001))
        refused(town.ask(), 401, INVALID)
    finally:
        desk.revoke()
    assert town.ask().status_code == 200


def test_other_paths_and_methods_are_told_as_fsc_does(town: Town) -> None:
    refused(town.session.get(f"{town.url}/", timeout=30), 404, "SERVICE_NOT_FOUND")
    for method in ("GET", "PUT", "DELETE"):
        answer = town.session.request(method, f"{town.url}/gegevens", timeout=30)
        refused(answer, 405, "METHOD_UNSUPPORTED")
        assert answer.headers["Allow"] == "POST"


def test_without_the_certificate_of_the_inway_nobody_comes_in(town: Town) -> None:
    with pytest.raises(requests.RequestException):
        requests.post(f"{town.url}/gegevens", data=b"{}", verify=str(town.desk.keys / "network.pem"), timeout=30)


def test_a_body_of_100_mb_is_not_kept(town: Town) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(1024 * 1024)

    refused(town.post(pieces(), {"Content-Type": "application/json"}), 413)


def raw(town: Town) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(town.desk.keys / "network.pem"))
    context.load_cert_chain(str(town.desk.keys / "inway.pem"), str(town.desk.keys / "inway.key"))
    plain = socket.socket()
    plain.settimeout(30)
    # Else the kernel takes in megabytes that nobody reads.
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect(("127.0.0.1", int(town.url.rsplit(":", 1)[1])))
    return context.wrap_socket(plain, server_hostname="localhost")


def raw_status(town: Town, headers: list[tuple[str, str]], body: bytes) -> int:
    lines = [
        "POST /gegevens HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]  # fmt: skip
    with raw(town) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return int(connection.recv(64).split()[1])


@contextmanager
def one_at_a_time(world: World, patience_seconds: float) -> Iterator[Town]:
    """A service that waits so long, with an answer of a few megabytes."""
    desk = Desk(world)
    service = desk.settings(patience_seconds=patience_seconds, at_once=1)
    world.settings(ddas={"municipalities": MUNICIPALITIES, "service": service})
    keep(world.home, JANUARY, [], alone=20_000)
    with desk.answering() as url:
        yield Town(desk, url)


@contextmanager
def never_reading(town: Town) -> Iterator[None]:
    """Somebody who asks, and takes only the first bytes of the answer."""
    body = json.dumps(QUARTER).encode()
    lines = [f"{name}: {value}" for name, value in town.desk.cbs.headers(body).items()]
    head = "\r\n".join(["POST /gegevens HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""])
    with raw(town) as connection:
        connection.sendall(head.encode() + body)
        assert connection.recv(64).split()[1] == b"200"
        yield


def is_answered(town: Town) -> bool:
    """Whether an answer comes in the end."""
    return 200 in (town.ask().status_code for _ in range(1000))


def test_slow_clients_are_cut_off(world: World) -> None:
    with one_at_a_time(world, patience_seconds=1) as town:
        with raw(town) as never_asks:
            assert never_asks.recv(64) == b""
        with raw(town) as half_a_head:
            half_a_head.sendall(b"POST /gegevens HTTP/1.1\r\nHost:")
            assert half_a_head.recv(64) == b""
        with raw(town) as half_a_body:
            half_a_body.sendall(b"POST /gegevens HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
            assert half_a_body.recv(64).split()[1] == b"408"
        with never_reading(town):
            assert is_answered(town)


def test_who_comes_when_enough_are_answered_is_told_to_come_back(world: World) -> None:
    with one_at_a_time(world, patience_seconds=60) as town:
        with never_reading(town):
            answer = town.ask()
            refused(answer, 429)
            assert answer.headers["Retry-After"] == "5"
        assert is_answered(town)


def test_every_call_is_logged_without_what_the_caller_wrote(town: Town) -> None:
    def calls() -> list[Mapping[str, Any]]:
        return [line for line in read_log(town.desk.world.home) if line["action"] == "POST /gegevens"]

    before = len(calls())
    town.ask({**QUARTER, "page": 2, "pageSize": 5})
    town.ask({**QUARTER, "aanleverendeOrganisatie": "Naamzebra"})
    town.post(b"{}", {})
    answered, unknown, unsigned = calls()[before:]
    assert (answered["time"], answered["origin"], answered["actor"]) == (
        "2022-01-01T00:00:00.000000Z", "network", OIN,
    )  # fmt: skip
    assert answered["details"] == {
        "status": 200,
        "fsc": None,
        "from": "2021-01-01",
        "to": "2021-03-31",
        "municipalities": ["0392", "0473"],
        "page": 2,
        "page_size": 5,
        "signals": 5,
        "cases": answered["details"]["cases"],
    }
    assert (unknown["details"]["status"], unknown["actor"]) == (422, OIN)
    assert (unsigned["details"]["status"], unsigned["result"]) == (401, "failed: ACCESS_TOKEN_MISSING")
    assert unsigned["actor"] == "nobody known"
    assert "zebra" not in str(calls())
    assert "2021AB" not in str(calls())


def test_a_month_that_could_not_be_delivered_is_no_empty_one(world: World) -> None:
    desk = Desk(world)
    world.settings(ddas={"municipalities": MUNICIPALITIES, "service": desk.settings()})
    with desk.answering() as url:
        town = Town(desk, url)
        refused(town.ask(), 422)
        keep(world.home, JANUARY, [], alone=1)
        assert town.ask().status_code == 200
        withhold_answers(world.home, FEBRUARY)
        refused(town.ask(), 422)
        keep(world.home, FEBRUARY, [], alone=1)
        assert town.ask().status_code == 200
        # A month that ran before runs kept what is answered.
        note_issued(world.home, MARCH)
        refused(town.ask(), 422)
        assert town.ask({**QUARTER, "aanleverperiodeEinddatum": "2021-02-28"}).status_code == 200


def test_what_breaks_here_is_told_and_nothing_of_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("Naamzebra")

    with monkeypatch.context() as patch:
        patch.setattr(ddas_service, "opened_answers", broken)
        assert "zebra" not in json.dumps(refused(town.ask(), 500))
    assert town.ask().status_code == 200


# What the file says is what the service does.
SPECIFICATION = yaml.safe_load(OPENAPI.read_text(encoding="utf-8"))
_WHATEVER = schemathesis.openapi.from_dict(SPECIFICATION)
_SIGNED = schemathesis.openapi.from_dict(
    {
        **SPECIFICATION,
        "paths": {
            "/gegevens": {
                "post": {k: v for k, v in SPECIFICATION["paths"]["/gegevens"]["post"].items() if k != "parameters"}
            }
        },
    }
)
_FEW = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Signing(requests.auth.AuthBase):
    """Signs whatever is sent."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        signed = self.caller.headers(body)
        request.headers.update({name: signed[name] for name in ("Digest", SIGNATURE)})
        return request


@_WHATEVER.parametrize()
@_FEW
def test_nothing_unsigned_is_answered_otherwise_than_the_file_says(case: schemathesis.Case, town: Town) -> None:
    answer = case.call(base_url=town.url, session=town.session, verify=town.session.verify)
    assert answer.status_code != 200
    case.validate_response(answer)


@_SIGNED.parametrize()
@_FEW
def test_what_is_signed_is_answered_as_the_file_says(case: schemathesis.Case, town: Town) -> None:
    case.call_and_validate(
        base_url=town.url,
        session=town.session,
        verify=town.session.verify,
        auth=Signing(town.desk.cbs),
        # A period or an organisation may be written well and be none of ours: 422.
        excluded_checks=[positive_data_acceptance],
    )


def test_the_file_and_the_program_know_the_same_errors() -> None:
    told = {int(status) for status in SPECIFICATION["paths"]["/gegevens"]["post"]["responses"]}
    source = Path(ddas_service.__file__).read_text(encoding="utf-8")
    raised = re.findall(r"ProblemError\(\s*([45][0-9]{2})|^    ([45][0-9]{2}): \(", source, re.MULTILINE)
    assert told == {200, *(int(one or other) for one, other in raised)}


# Settings and keys that are not right are told before anybody is answered.
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"transport": None, "host": "192.0.2.1"}, "without TLS only this machine may ask"),
        (
            {"signing": {"certificate": "keys/transport.pem", "key": "keys/signing.key"}},
            "is not the key of the certificate",
        ),
        ({"signing": {"certificate": "keys/signing.pem", "key": "keys/none.key"}}, "none.key: cannot be read"),
        ({"signing": {"certificate": "keys/signing.pem", "key": "keys/open.key"}}, "open.key: can be read by others"),
        ({"signing": {"certificate": "keys/signing.pem", "key": "keys/roots.pem"}}, "is no private key"),
        ({"signing": {"certificate": "keys/transport.pem", "key": "keys/transport.key"}}, "is no RSA key"),
        ({"signing": {"certificate": "keys/old.pem", "key": "keys/signing.key"}}, "old.pem: is past its time"),
        ({"trusted_roots": ["keys/none.pem"]}, "none.pem: cannot be read"),
        ({"trusted_roots": ["keys/root.crl"]}, "root.crl: holds no certificate"),
        ({"revocation_lists": ["keys/roots.pem"]}, "roots.pem: holds no certificate or list"),
    ],
)
def test_a_service_that_cannot_be_right_is_not_started(world: World, changes: dict[str, Any], said: str) -> None:
    desk = Desk(world)
    put_key(desk.keys / "open.key", rsa_key("town"))
    (desk.keys / "open.key").chmod(0o640)
    (desk.keys / "old.pem").write_bytes(
        pem(desk.issuing.issue("Gemeente", rsa_key("town"), until=LATER.replace(year=2021)))
    )
    for name in ("roots.pem", "transport.pem"):
        (desk.keys / name).chmod(0o600)
    world.settings(ddas={"municipalities": MUNICIPALITIES, "service": desk.settings(**changes)})
    with pytest.raises(VroegError, match=said):
        server_of(world.installation)


def test_the_certificate_of_the_transport_does_not_sign(world: World) -> None:
    desk = Desk(world)
    same = {"certificate": "keys/signing.pem", "key": "keys/signing.key"}
    world.settings(ddas={"service": desk.settings(transport={**same, "client_roots": "keys/network.pem"})})
    with pytest.raises(VroegError, match="that of the transport too"):
        server_of(world.installation)


def test_the_command_says_where_it_answers_and_ends_when_told(world: World) -> None:
    desk = Desk(world)
    world.settings(ddas={"municipalities": MUNICIPALITIES, "service": desk.settings()})
    keep(world.home, JANUARY, [2], alone=1)
    note_issued(world.home, date(2020, 12, 1))
    command = [sys.executable, "-m", "vroeg_pipeline.cli.app", "serve-ddas"]
    environment = {**os.environ, "VROEG_HOME": str(world.root)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        url = said.removeprefix("Answering on ").removesuffix("/gegevens, until Ctrl-C\n")
        assert url.startswith("https://127.0.0.1:")
        assert Town(desk, url).ask(QUARTER).status_code == 200
        again = [*command, "--port", url.rsplit(":", 1)[1]]
        taken = subprocess.run(again, env=environment, capture_output=True, text=True, check=False)
        assert taken.returncode == 1
        assert "cannot be listened on (Address already in use); give --host and --port" in taken.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        _, problems = process.communicate()
    assert problems.count("\n") == 1
    assert "1 of the months that were run have no answers" in problems
    assert problems.endswith("vroeg run --from 2020-12 --to 2020-12\n")


def test_without_settings_there_is_no_service(world: World) -> None:
    with pytest.raises(VroegError, match=r"add ddas\.service"):
        server_of(world.installation)
