"""What CBS asks and gets: `POST /gegevens` of the API of DDAS-Vroegsignalering 2.0.0 (docs/ddas.md).

It answers from the files of `ddas.answers` and never opens the warehouse. `openapi.yaml` beside this module says what it
does, and the contract tests hold it to that.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from anyio import to_thread
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from vroeg_pipeline.ddas import v1_2 as ddas_v1_2
from vroeg_pipeline.ddas.answers import Page, months_kept, months_unanswered, opened_answers
from vroeg_pipeline.ddas.file import complete
from vroeg_pipeline.ddas.signing import (
    CertificateExpiredError,
    RefusedError,
    SignatureMissingError,
    Signer,
    Trust,
    digest_of,
)
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, last_day_of, month_of, months_between
from vroeg_pipeline.domain.settings import Ddas
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import NETWORK, Done, log_done

OPENAPI = Path(__file__).with_name("openapi.yaml")
SIGNATURE = "nlgov-adr-payload-sig"
# Signals in a message, by the standard's page on what is not functional.
MOST_SIGNALS = 50_000
# Bytes of a request: a question has a few hundred, a chain of certificates stands in a header.
LARGEST_QUESTION = 65_536
# What is sent beyond that is read and thrown away up to here, so that the client hears why.
_THROWN_AWAY = 256 * 1024 * 1024
_CHUNK = 256 * 1024
_YEARS = range(2000, 2100)
_PROBLEMS = "https://vng-realisatie.github.io/ddas-vroegsignalering/problemen/"
# One connection a question: nothing is gained by keeping it, and a slow client keeps nothing either.
_CLOSE = {"Connection": "close", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Call:
    """What is logged of a call: counts, months and codes; nothing of a person, and nothing that a caller wrote."""

    caller: str | None = None
    first: date | None = None
    last: date | None = None
    municipalities: tuple[str, ...] = ()
    page: int | None = None
    page_size: int | None = None
    signals: int = 0
    cases: int = 0


class ProblemError(Exception):
    """Something to say instead of an answer; `call` is what is known of who asked."""

    def __init__(self, status: int, title: str, detail: str, fsc: str | None = None, **headers: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.fsc = fsc
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.call = Call()


def _unauthorized(error: RefusedError) -> ProblemError:
    code = "INVALID"
    if isinstance(error, SignatureMissingError):
        code = "MISSING"
    elif isinstance(error, CertificateExpiredError):
        code = "EXPIRED"
    return ProblemError(401, "Niet te verifiëren", str(error), f"ACCESS_TOKEN_{code}", WWW_Authenticate="Bearer")


_ELSEWHERE = {
    404: ("Niet gevonden", "Deze service heeft alleen /gegevens", "SERVICE_NOT_FOUND"),
    405: ("Methode niet ondersteund", "Vraag gegevens op met POST", "METHOD_UNSUPPORTED"),
}


class _Answer(StreamingResponse):
    """A body that is sent in pieces, so that a slow client does not make us keep more than one copy."""

    def __init__(self, body: bytes, headers: dict[str, str], done: Callable[[], None]) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), _CHUNK):
                yield body[start : start + _CHUNK]

        super().__init__(pieces(), 200, {**headers, "Content-Length": str(len(body))}, "application/json")
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._done()


class Service:
    """One installation that answers. Settings and agreements are those of when it was started."""

    def __init__(self, installation: Installation, trust: Trust, signer: Signer) -> None:
        service = installation.settings.ddas.service
        if service is None:
            raise VroegError("does not say how CBS is answered", where="settings.yaml", do="add ddas.service")
        self._service = service
        self._home = installation.home
        self._now = installation.now
        self._settings: Ddas = complete(installation)
        self._trust = trust
        self._signer = signer
        self._busy = 0

    def app(self) -> Starlette:
        """The ASGI application."""
        handlers: Any = {
            ProblemError: self._told,
            HTTPException: self._elsewhere,
            ClientDisconnect: self._gone,
            Exception: self._broken,
        }
        return Starlette(routes=[Route("/gegevens", self._gegevens, methods=["POST"])], exception_handlers=handlers)

    async def _gegevens(self, request: Request) -> Response:
        body = await self._body(request)
        if self._busy >= self._service.at_once:
            raise ProblemError(429, "Te veel vragen tegelijk", "Probeer het straks opnieuw", Retry_After="5")
        self._busy += 1
        try:
            digests, signatures = request.headers.getlist("digest"), request.headers.getlist(SIGNATURE)
            media_type = request.headers.get("content-type", "")
            answer, headers, call = await to_thread.run_sync(self._answered, digests, signatures, media_type, body)
            await to_thread.run_sync(self._log, 200, None, call)
        except BaseException:
            self._done()
            raise
        return _Answer(answer, {**headers, **_CLOSE}, self._done)

    def _done(self) -> None:
        self._busy -= 1

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        read = 0
        try:
            async with asyncio.timeout(self._service.patience_seconds):
                async for chunk in request.stream():
                    read += len(chunk)
                    if read <= LARGEST_QUESTION:
                        body += chunk
                    elif read > _THROWN_AWAY:
                        break
        except TimeoutError:
            raise ProblemError(408, "Te langzaam", "Het bericht was niet op tijd binnen") from None
        if read > LARGEST_QUESTION:
            raise ProblemError(413, "Te groot", f"Een vraag heeft hoogstens {LARGEST_QUESTION} bytes")
        return bytes(body)

    def _answered(
        self, digests: list[str], signatures: list[str], media_type: str, body: bytes
    ) -> tuple[bytes, dict[str, str], Call]:
        call = Call()
        try:
            try:
                call = Call(caller=self._trust.signer_of(digests, signatures, body))
            except RefusedError as error:
                raise _unauthorized(error) from None
            if call.caller not in self._service.callers:
                raise ProblemError(
                    403, "Geen toegang", "Deze organisatie mag hier niets opvragen", "WRONG_GROUP_ID_IN_TOKEN"
                )
            question = _question(media_type, body)
            (first, last), municipalities = self._asked_period(question), self._asked_municipalities(question)
            call = replace(
                call,
                first=first,
                last=last,
                municipalities=tuple(municipalities),
                page=question.page,
                page_size=question.pageSize,
            )
            answer, page = self._message(question, first, last, municipalities)
        except ProblemError as error:
            error.call = call
            raise
        digest = digest_of(answer)
        return (
            answer,
            {"Digest": digest, SIGNATURE: self._signer.sign(digest)},
            replace(call, signals=page.signals, cases=page.cases),
        )

    def _asked_period(self, question: ddas_v1_2.GegevensRequest) -> tuple[date, date]:
        first, last = question.aanleverperiodeStartdatum, question.aanleverperiodeEinddatum
        kept = sorted([*months_kept(self._home), *months_unanswered(self._home)])
        if not kept:
            raise _unprocessable("Er zijn nog geen gegevens om te leveren")
        # What is not asked is of the last quarter that is past and of which there is something.
        past = _quarter(min(add_months(_quarter(month_of(self._now())), -1), kept[-1]))
        first = first or (_quarter(last) if last else past)
        last = last or last_day_of(add_months(past, 2))
        if last < first:
            raise _unprocessable("De periode eindigt voor zij begint")
        if first.year not in _YEARS or last.year not in _YEARS:
            raise _unprocessable("De periode ligt niet in deze eeuw")
        if first.day != 1 or last != last_day_of(last.replace(day=1)):
            raise _unprocessable("De periode bestaat niet uit hele kalendermaanden")
        return first, last

    def _asked_municipalities(self, question: ddas_v1_2.GegevensRequest) -> list[str]:
        everyone = sorted(self._settings.municipalities)
        if question.aanleverendeOrganisatie is None:
            return everyone
        asked = question.aanleverendeOrganisatie.strip().casefold()
        if found := [code for code in everyone if asked in self._names(code)]:
            return found
        raise _unprocessable("Van deze organisatie worden hier geen gegevens geleverd")

    def _names(self, code: str) -> set[str]:
        municipality = self._settings.municipalities[code]
        names = (municipality.organisation, municipality.kvk_number, municipality.oin, code)
        return {name.strip().casefold() for name in names if name}

    def _message(
        self, question: ddas_v1_2.GegevensRequest, first: date, last: date, municipalities: list[str]
    ) -> tuple[bytes, Page]:
        try:
            with opened_answers(self._home, months_between(first, last), municipalities) as answers:
                page = answers.page(question.page or 1, question.pageSize, MOST_SIGNALS)
        except VroegError:
            raise _unprocessable("Over een van deze maanden kan nu niet geleverd worden") from None
        gegevens = ddas_v1_2.message(self._settings, first, last, self._now(), page.rows)
        paging = ""
        # All four fields or none: they are told where there are several pages, or one was asked for.
        if page.total_pages > 1 or question.page or question.pageSize:
            size = min(question.pageSize or MOST_SIGNALS, MOST_SIGNALS)
            fields = {
                "pageSize": size,
                "currentPage": question.page or 1,
                "totalPages": page.total_pages,
                "totalRecords": page.total_signals,
            }
            paging = f',"paginering":{json.dumps(fields)}'
        return f'{{"gegevens":{"".join(gegevens)}{paging}}}'.encode(), page

    async def _told(self, request: Request, error: ProblemError) -> Response:
        await to_thread.run_sync(self._log, error.status, error.fsc, error.call)
        content: dict[str, Any] = {"title": error.title, "detail": error.detail, "status": error.status}
        headers = {**_CLOSE, **error.headers}
        if error.fsc:
            code = f"ERROR_CODE_{error.fsc}"
            content = {"code": code, "domain": "ERROR_DOMAIN_INWAY", **content}
            headers["Fsc-Error-Code"] = code
        else:
            content["type"] = f"{_PROBLEMS}{error.status}"
        return JSONResponse(content, error.status, headers, "application/problem+json")

    async def _elsewhere(self, request: Request, error: HTTPException) -> Response:
        title, detail, code = _ELSEWHERE[error.status_code]
        allowed = {"Allow": "POST"} if error.status_code == 405 else {}
        return await self._told(request, ProblemError(error.status_code, title, detail, code, **allowed))

    async def _gone(self, request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400, headers=_CLOSE)

    async def _broken(self, request: Request, error: Exception) -> Response:
        problem = ProblemError(500, "Er ging hier iets mis", "Neem contact op met de gemeente")
        return await self._told(request, problem)

    def _log(self, status: int, fsc: str | None, call: Call) -> None:
        told = {
            "status": status,
            "fsc": fsc,
            "from": call.first and f"{call.first}",
            "to": call.last and f"{call.last}",
            "municipalities": list(call.municipalities),
            "page": call.page,
            "page_size": call.page_size,
            "signals": call.signals,
            "cases": call.cases,
        }
        result = "answered" if status < 400 else f"failed: {fsc or status}"
        now = self._now()
        done = Done("POST /gegevens", "ddas", result, NETWORK, call.caller or "nobody known", now, told)
        log_done(self._home, now, done)


def _question(media_type: str, body: bytes) -> ddas_v1_2.GegevensRequest:
    if media_type.split(";")[0].strip().lower() != "application/json":
        raise ProblemError(400, "Ongeldig verzoek", "Het bericht moet application/json zijn")
    try:
        return ddas_v1_2.GegevensRequest.model_validate_json(body)
    except ValidationError as error:
        # Names of the standard's own fields; never what stands in the message.
        known = {str(found["loc"][0]) for found in error.errors() if found["loc"]} & {
            *ddas_v1_2.GegevensRequest.model_fields
        }
        where = f" (zie {', '.join(sorted(known))})" if known else ""
        raise ProblemError(400, "Ongeldig verzoek", f"Het bericht is niet dat van de standaard{where}") from None


def _unprocessable(detail: str) -> ProblemError:
    return ProblemError(422, "Niet te verwerken", detail)


def _quarter(day: date) -> date:
    return day.replace(month=day.month - (day.month - 1) % 3, day=1)
