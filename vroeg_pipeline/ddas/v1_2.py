"""DDAS-Vroegsignalering v1.2, the exchange model (uitwisselmodel) of VNG and CBS, with the standard's own names.

Another version is another module with the same functions beside this one, and a line in `ddas.file`. A test
compares the models with the schema.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from vroeg_pipeline.ddas.contradictions import contradictions
from vroeg_pipeline.ddas.rows import Case, Signal
from vroeg_pipeline.domain.ddas import (
    EnumContactsoort,
    EnumDagdeel,
    EnumEindresultaat,
    EnumSignaalpartner,
    EnumSignaalstatus,
)
from vroeg_pipeline.domain.settings import Ddas, DdasMunicipality

# Characters of a huisnummertoevoeging (information model: AN4).
LONGEST_SUFFIX = 4


def _one_of(values: Iterable[str]) -> AfterValidator:
    allowed = frozenset(values)

    def check(value: str) -> str:
        if value not in allowed:
            raise ValueError("a value of the standard's list is expected")
        return value

    return AfterValidator(check)


# The standard writes moments as YYYY-MM-DDTHH:MM:SSZ.
DatumTijd = Annotated[datetime, PlainSerializer(lambda moment: f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def as_json(self) -> str:
        """Its JSON; what is not known is left out, as the standard wants."""
        return self.model_dump_json(exclude_none=True, by_alias=True)


class Contactpersoon(_Model):
    naam: str | None = None
    telefoonnummer: str | None = None
    email: str | None = None
    functietitel: str | None = None


class AanleverendeOrganisatie(_Model):
    naam: str | None = None
    kvk_nummer: str | None = Field(default=None, alias="kvk-nummer")
    contactpersonen: list[Contactpersoon] | None = Field(default=None, min_length=1)


class Signaalpartner(_Model):
    type: Annotated[str, _one_of(EnumSignaalpartner)] | None = None


class Client(_Model):
    """Who a signal is about: either the burgerservicenummer alone, or the address."""

    burgerservicenummer: str | None = Field(default=None, min_length=9, max_length=9)
    geslachtsaanduiding: Annotated[str, _one_of(("Man", "Vrouw", "Onbekend", "Leeg"))] | None = None
    geboortedatum: date | None = None
    postcode: str | None = None
    huisnummer: str | None = None
    huisnummertoevoeging: str | None = Field(default=None, max_length=LONGEST_SUFFIX)

    @model_validator(mode="after")
    def _bsn_alone_or_address(self) -> Client:
        if self.burgerservicenummer is not None:
            if self.model_fields_set != {"burgerservicenummer"}:
                raise ValueError("with a burgerservicenummer nothing else may be told")
        elif self.postcode is None or self.huisnummer is None:
            raise ValueError("postcode and huisnummer are expected")
        return self


class Vroegsignaal(_Model):
    ID: str
    crisissignaal: bool | None = None
    warmeOverdracht: bool | None = None
    bedrag: int | None = None
    ontstaansdatum: date | None = None
    signaaldatum: date | None = None
    status: Annotated[str, _one_of(EnumSignaalstatus)] | None = None
    signaalpartner: Signaalpartner
    client: Client


class VroegsignaalReferentie(_Model):
    ID: str


class Contactpoging(_Model):
    soort: Annotated[str, _one_of(EnumContactsoort)] | None = None
    bereikt: bool | None = None
    datum: date | None = None
    dagdeel: Annotated[str, _one_of(EnumDagdeel)] | None = None


class Vroegsignaalzaak(_Model):
    resultaat: Annotated[str, _one_of(EnumEindresultaat)] | None = None
    matchingsdatum: date | None = None
    startdatumMatchingperiode: date | None = None
    datumOpgepakt: date | None = None
    einddatumMatchingperiode: date | None = None
    vroegsignalen: list[VroegsignaalReferentie] | None = Field(default=None, min_length=1)
    contactpogingen: list[Contactpoging] | None = None


class Levering(_Model):
    teller: int
    gemeentecode: str
    aanleverendeOrganisatie: AanleverendeOrganisatie
    vroegsignalen: list[Vroegsignaal] | None = None
    vroegsignaalzaken: list[Vroegsignaalzaak] | None = None


class Uitwisselmodel(_Model):
    startdatumLevering: date
    einddatumLevering: date
    aanleverdatumEnTijd: DatumTijd
    codeGegevensleverancier: str
    leveringen: list[Levering] | None = Field(default=None, min_length=1)


def _given(value: object) -> object:
    if value is None:
        raise ValueError("null is no value")
    return value


def _whole_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise ValueError("a whole number is expected")
    return int(value)


def _day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is expected")
    return date.fromisoformat(value)


_Day = Annotated[date | None, BeforeValidator(_day)]
_Number = Annotated[int | None, BeforeValidator(_whole_number), Field(ge=1)]


class GegevensRequest(_Model):
    """What CBS asks by the API; what it does not say is left to us."""

    aanleverperiodeStartdatum: _Day = None
    aanleverperiodeEinddatum: _Day = None
    aanleverendeOrganisatie: Annotated[str | None, BeforeValidator(_given)] = None
    page: _Number = None
    pageSize: _Number = None


def text(
    settings: Ddas,
    first_day: date,
    last_day: date,
    now: datetime,
    rows: Callable[[str], tuple[Iterable[Signal], Iterable[Case]]],
) -> Iterator[str]:
    """The file, piece by piece, so that its signals need not be held; each signal and each case is a line of its own.

    `rows` gives signals and cases of a municipality, by its code; `now` is aware.
    """
    yield _open(_head(settings, first_day, last_day, now), "leveringen")
    for number, (code, municipality) in enumerate(sorted(settings.municipalities.items()), 1):
        signals, cases = rows(code)
        yield (",\n" if number > 1 else "") + _open(levering(number, code, municipality), "vroegsignalen")
        yield from _lines(map(vroegsignaal, signals))
        yield '],"vroegsignaalzaken":[\n'
        yield from _lines(map(vroegsignaalzaak, cases))
        yield "]}"
    yield "\n]}\n"


def _head(settings: Ddas, first_day: date, last_day: date, now: datetime) -> Uitwisselmodel:
    return Uitwisselmodel(
        startdatumLevering=first_day,
        einddatumLevering=last_day,
        aanleverdatumEnTijd=now,
        codeGegevensleverancier=settings.supplier,
    )


def totals(lines: Iterable[str]) -> Counter[str]:
    """What a file of `text` adds up to, read back line by line; counted as `ddas/ddas_totals.sql` does."""
    found: Counter[str] = Counter()
    for told in _read_back(lines):
        if "ID" in told:
            found[f"signals, {told['status']}"] += 1
            found["euro"] += told.get("bedrag", 0)
        else:
            found["cases"] += 1
            found["signals in cases"] += len(told["vroegsignalen"])
            found["results"] += "resultaat" in told
            found["contact attempts"] += len(told["contactpogingen"])
    return found


def contradicted(lines: Iterable[str]) -> Counter[str]:
    """What cannot all be true in a file of `text`, and how often (`ddas.contradictions`)."""
    return contradictions(_read_back(lines))


def _read_back(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Each signal and each case of a file of `text`."""
    return (json.loads(text) for _, text in parts(lines))


def parts(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The same as their JSON, each with its municipality: those stand on a line of their own."""
    municipality = ""
    for line in lines:
        text = line.rstrip(",\n")
        if line.startswith('{"teller":'):
            municipality = json.loads(f"{text}]}}")["gemeentecode"]
        elif line.startswith(('{"ID":', '{"resultaat":', '{"matchingsdatum":')):
            yield municipality, text


def message(
    settings: Ddas,
    first_day: date,
    last_day: date,
    now: datetime,
    rows: Mapping[str, tuple[Iterable[str], Iterable[str]]],
) -> Iterator[str]:
    """The same as `text` gives, of signals and cases that are JSON already, by municipality."""
    yield _open(_head(settings, first_day, last_day, now), "leveringen")
    for number, (code, (signals, cases)) in enumerate(rows.items(), 1):
        yield (",\n" if number > 1 else "") + _open(
            levering(number, code, settings.municipalities[code]), "vroegsignalen"
        )
        yield ",\n".join(signals)
        yield '],"vroegsignaalzaken":[\n'
        yield ",\n".join(cases)
        yield "]}"
    yield "\n]}"


def _open(model: _Model, array: str) -> str:
    """The JSON of an object that ends in an array which is still to be written."""
    return f'{model.as_json()[:-1]},"{array}":[\n'


def _lines(models: Iterable[_Model]) -> Iterator[str]:
    line = ""
    for model in models:
        if line:
            yield line + ",\n"
        line = model.as_json()
    if line:
        yield line + "\n"


def levering(number: int, code: str, municipality: DdasMunicipality) -> Levering:
    """The levering of one municipality without its signals and cases; leveringen are counted from 1."""
    contacts = [
        Contactpersoon(naam=c.name, telefoonnummer=c.phone, email=c.email, functietitel=c.job_title)
        for c in municipality.contacts
    ]
    organisation = AanleverendeOrganisatie(
        naam=municipality.organisation, contactpersonen=contacts or None, **{"kvk-nummer": municipality.kvk_number}
    )
    return Levering(teller=number, gemeentecode=code, aanleverendeOrganisatie=organisation)


def vroegsignaal(signal: Signal) -> Vroegsignaal:
    """A signal. Amounts are whole euros in DDAS, rounded half up."""
    return Vroegsignaal(
        ID=signal.signal_id,
        crisissignaal=signal.crisis,
        warmeOverdracht=signal.warm_handover,
        bedrag=_whole_euros(signal.amount_due),
        ontstaansdatum=signal.arrears_since,
        signaaldatum=signal.received_on,
        status=signal.ddas_status,
        signaalpartner=Signaalpartner(type=signal.partner_type),
        client=Client(**_client(signal)),
    )


def vroegsignaalzaak(case: Case) -> Vroegsignaalzaak:
    """A report with its signals and contact attempts."""
    return Vroegsignaalzaak(
        resultaat=case.end_result,
        matchingsdatum=case.matched_on,
        startdatumMatchingperiode=case.first_day,
        datumOpgepakt=case.opened_on,
        einddatumMatchingperiode=case.last_day,
        vroegsignalen=[VroegsignaalReferentie(ID=signal_id) for signal_id in case.signal_ids],
        contactpogingen=[
            Contactpoging(soort=a.contact_kind, bereikt=a.reached, datum=a.contacted_on, dagdeel=a.day_part)
            for a in case.attempts
        ],
    )


def _client(signal: Signal) -> dict[str, Any]:
    if signal.bsn is not None:
        return {"burgerservicenummer": signal.bsn}
    address: dict[str, Any] = {"postcode": signal.postcode, "huisnummer": str(signal.house_number)}
    if suffix := _suffix(signal):
        address["huisnummertoevoeging"] = suffix
    if signal.birth_date is not None:
        address["geboortedatum"] = signal.birth_date
    return address


def _suffix(signal: Signal) -> str:
    """Letter and addition. What is too long is cut between the two: half an addition is another door."""
    whole = signal.house_letter + signal.house_number_addition
    return whole if len(whole) <= LONGEST_SUFFIX else signal.house_letter


def _whole_euros(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount.quantize(Decimal(1), ROUND_HALF_UP))
