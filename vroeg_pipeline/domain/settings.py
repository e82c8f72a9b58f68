"""The settings of one installation, `settings.yaml`; what is left out has the default of DOMAIN."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from importlib import metadata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from vroeg_pipeline.domain.agreements import Month, Municipality, Owner, Thresholds
from vroeg_pipeline.domain.alerts import ASKED_OF_PARTNERS, AlertKind, Language
from vroeg_pipeline.domain.ddas import HELP_ACCEPTED, EnumEindresultaat, PartnerType
from vroeg_pipeline.domain.months import is_month, month_text
from vroeg_pipeline.domain.reading import StrictModel, model_from, nearest, parse_yaml
from vroeg_pipeline.domain.retention import Retention


class ContactPolicy(StrictModel):
    """What teams may do in a month; a lockdown, for example, forbids home visits."""

    home_visits: bool = True


def _time_of_day(value: object) -> object:
    # YAML takes an unquoted 20:00 for a number in base sixty.
    if isinstance(value, int) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    try:
        return time.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('a time of day is expected, for example "20:00"') from None


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class Channel(StrictModel):
    """Who gets alerts, where, and which. Secrets in a URL come from the environment: `${NAME}`."""

    urls: tuple[str, ...] = Field(min_length=1, description="Apprise URLs")
    kinds: tuple[AlertKind, ...] = tuple(AlertKind)
    language: Language = "en"
    worklists: tuple[str, ...] = Field(
        default=(), description="what is about one worklist (crisis, returned): of these alone, where any is named"
    )


class PartnerLetters(StrictModel):
    """Messages in Dutch to the contact of a partner's agreement; `{email}` in the URL stands for its address."""

    url: str
    kinds: tuple[AlertKind, ...] = (AlertKind.MISSING, AlertKind.REFUSED, AlertKind.OUTDATED)

    @field_validator("url")
    @classmethod
    def _goes_to_the_contact(cls, value: str) -> str:
        if "{email}" not in value:
            raise ValueError("{email} is expected where the contact's address must stand")
        return value

    @field_validator("kinds")
    @classmethod
    def _partners_can_mend_it(cls, value: tuple[AlertKind, ...]) -> tuple[AlertKind, ...]:
        if others := [kind.value for kind in value if kind not in ASKED_OF_PARTNERS]:
            allowed = ", ".join(ASKED_OF_PARTNERS)
            raise ValueError(f"a partner is written to about {allowed}, not {', '.join(others)}")
        return value


class Alerts(StrictModel):
    """Who is told what, and when (ARCHITECTURE decision 11). Times of day are those of Amsterdam."""

    channels: dict[str, Channel] = Field(default_factory=dict)
    partners: PartnerLetters | None = None
    months: int = Field(default=2, ge=1, le=24, description="the newest months of which something is news")
    reminder_working_days: int = Field(default=3, ge=1, le=60)
    quiet_hours: tuple[TimeOfDay, TimeOfDay] | None = None
    crisis_at_any_hour: bool = Field(default=False, description="a crisis on a worklist is told in quiet hours too")
    link: str | None = Field(default=None, description="address of the Dagster UI, for in the messages")
    signature: str = Field(default="Team vroegsignalering", description="under the texts for partners")


class DdasContact(StrictModel):
    """Whom CBS writes to about a delivery."""

    name: str | None = None
    phone: str | None = None
    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    job_title: str | None = None


class DdasMunicipality(StrictModel):
    """A municipality on whose behalf is delivered, and the organisation that does so."""

    organisation: str = Field(min_length=1, max_length=200)
    kvk_number: str | None = Field(default=None, pattern=r"^[0-9]{8}$")
    oin: str | None = Field(default=None, pattern=r"^[0-9]{20}$", description="by which CBS may ask for it too")
    contacts: tuple[DdasContact, ...] = ()


class DdasTransport(StrictModel):
    """TLS of the service, towards the inway: PEM files, relative to VROEG_HOME. Only clients of `client_roots` come in."""

    certificate: str = Field(min_length=1, description="the certificate and those between it and its root")
    key: str = Field(min_length=1)
    client_roots: str = Field(min_length=1)


class DdasSigning(StrictModel):
    """What answers are signed with: PEM files, relative to VROEG_HOME. Never the certificate of the transport."""

    certificate: str = Field(min_length=1, description="the certificate and those between it and its root, in order")
    key: str = Field(min_length=1, description="RSA, as PS256 wants it")
    key_id: str | None = Field(default=None, min_length=1, description="kid; else the serial number of the certificate")


class DdasService(StrictModel):
    """`vroeg serve-ddas`, by which CBS asks (docs/ddas.md). Files are PEM (lists also DER), relative to VROEG_HOME."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8443, ge=0, le=65535, description="0 is any that is free")
    transport: DdasTransport | None = Field(default=None, description="without it only this machine can ask")
    signing: DdasSigning
    trusted_roots: tuple[str, ...] = Field(min_length=1, description="roots that a caller's certificate leads to")
    revocation_lists: tuple[str, ...] = Field(min_length=1, description="of every authority of a caller's chain")
    callers: tuple[Annotated[str, Field(pattern=r"^[0-9]{8,20}$")], ...] = Field(
        min_length=1, description="OIN of those who may ask, as in the serialNumber of their certificate"
    )
    at_once: int = Field(default=2, ge=1, le=16, description="answers that are made and sent at the same time")
    patience_seconds: float = Field(default=20, gt=0, le=600, description="after which a slow client is cut off")


class Ddas(StrictModel):
    """The delivery to CBS (docs/ddas.md)."""

    version: Literal["1.2"] = "1.2"
    supplier: str = Field(default=f"vroeg-pipeline {metadata.version('vroeg-pipeline')}", min_length=1)
    bsn: bool = Field(
        default=False, description="tell a burgerservicenummer, where one is known, instead of the address"
    )
    municipalities: dict[Municipality, DdasMunicipality] = Field(default_factory=dict)
    service: DdasService | None = None


def _no_password(value: str) -> str:
    if re.search(r"password\s*=\s*(?!\$\{)|://[^/@]*:(?!\$\{\w+\}@)[^/@]*@", value, re.IGNORECASE):
        raise ValueError("a password does not belong here; write ${NAME} for it and set that in the environment")
    return value


WithoutPassword = Annotated[str, AfterValidator(_no_password)]


class KnownClients(StrictModel):
    """Where known clients are read from, when not from `reference/known_clients.csv`: a file (CSV, Parquet, SQLite; relative
    to VROEG_HOME) or a PostgreSQL connection. Secrets come from the environment: `${NAME}`, or libpq's own PGPASSWORD.
    """

    source: WithoutPassword = Field(min_length=1)
    table: str | None = Field(default=None, min_length=1, description="of a database: table, or schema.table")
    query: str | None = Field(default=None, min_length=1, description="in DuckDB's SQL; a file is called source in it")

    @model_validator(mode="after")
    def _table_or_query(self) -> KnownClients:
        if self.table and self.query:
            raise ValueError("give a table or a query, not both")
        return self


class Pages(StrictModel):
    """`vroeg pages` (docs/questions.md)."""

    url: str | None = Field(
        default=None, pattern=r"^https?://[^\s?#]*[^\s?#/]$", description="address under which people open the pages"
    )
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=3001, ge=0, le=65535, description="0 is any that is free")


class LogSettings(StrictModel):
    """What the log knows besides what is done (docs/retention.md)."""

    user_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="header by which the proxy before the UI names the user; it must not let through one from outside",
    )
    otlp: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#@]+$",
        description="address of an OpenTelemetry collector (OTLP over HTTP) that gets each line too, without /v1/traces",
    )
    activity: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9+.-]*:\S+$",
        description="URI of this processing in the town's register, as the collector is told",
    )


class WarehouseSettings(StrictModel):
    """Where the tables are, when not in `warehouse.duckdb`: a DuckLake (docs/server.md). Its catalogue is a PostgreSQL
    connection; secrets come from the environment: `${NAME}`, or libpq's own PGPASSWORD; those of S3 by the names of AWS.
    """

    catalogue: WithoutPassword = Field(
        pattern=r"^postgres:.*=", description="postgres:host=… dbname=…, as libpq has it"
    )
    data: str = Field(pattern=r"^(/|s3://[^/]+)", description="folder that all machines see, or s3://bucket/folder")
    schema_name: str = Field(
        default="vroeg", alias="schema", pattern=r"^[a-z][a-z0-9_]{0,40}$", description="of the catalogue, a town each"
    )
    encrypted: bool = Field(default=True, description="the files; their keys stand in the catalogue")


class FrontDesk(StrictModel):
    """What divides one sender's files over the towns (docs/front-desk.md)."""

    towns: dict[Municipality, str] = Field(min_length=1, description="municipality to the folder of its installation")
    keep_days: int = Field(default=3, ge=0, le=31, description="how long a file is kept after it was divided")
    wait_days: int = Field(
        default=14, ge=1, le=62, description="how long one is kept that cannot be read, divided or delivered to a town"
    )

    @field_validator("towns")
    @classmethod
    def _whole_paths(cls, value: dict[str, str]) -> dict[str, str]:
        for code, folder in value.items():
            if not folder.startswith("/"):
                raise ValueError(f"'{code}': a whole path is expected, for example /srv/vroeg/towns/haarlem")
        return value


class EvaluationSettings(StrictModel):
    """What the evaluation counts and compares; what counts as help also decides who gets aftercare."""

    inhabitants: int | None = Field(default=None, gt=0, description="of the area that partners deliver for")
    help_results: tuple[str, ...] = Field(default=HELP_ACCEPTED, min_length=1, description="end results that are help")

    @field_validator("help_results")
    @classmethod
    def _results_of_the_standard(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for result in value:
            if result not in EnumEindresultaat:
                guess = nearest(result, EnumEindresultaat)
                hint = f", did you mean '{guess}'?" if guess else ""
                raise ValueError(f"'{result}' is no Eindresultaat of DDAS{hint}")
        return value


class Settings(StrictModel):
    """Everything an installation may set. Amounts in euro, sizes in MiB, durations as the name says."""

    matching_working_day: int = Field(default=7, ge=1, le=23, description="working day on which worklists are made")
    lookback_months: int = Field(default=24, ge=1, le=240, description="months in which an earlier report counts")
    repeat_months: int = Field(default=3, ge=0, le=240, description="months in which the same arrear is a repeat")
    aftercare_months: int = Field(default=6, ge=0, le=240, description="months in which help that was given is told")
    high_amount: Decimal = Field(default=Decimal("500.00"), ge=0, description="from here a single signal is phoned")
    thresholds: dict[PartnerType, Thresholds] = Field(
        default_factory=dict, description="by partner type, in place of those of the agreements"
    )
    below_threshold: Literal["reject", "light_track"] = Field(
        default="reject", description="what becomes of an amount below min_amount"
    )
    separate_municipalities: bool = Field(
        default=False, description="all that goes out holds one municipality, as each is a controller of its own"
    )
    settle_seconds: float = Field(default=10, ge=0, description="a file changed less than this ago is left alone")
    max_file_mb: float = Field(default=50, gt=0, description="a larger delivery is refused")
    mortgage_is_housing: bool = Field(default=False, description="Hypotheek counts as rent in the tiers")
    register_max_loss: float = Field(
        default=0.01, ge=0, le=1, description="share of its addresses that a new address register may have lost"
    )
    lock_timeout_minutes: float = Field(default=60, ge=0, description="how long a run waits for the warehouse")
    watch_seconds: int = Field(default=30, ge=1, le=3600, description="how often inbox and alerts are looked at")
    keep_runs_months: int = Field(
        default=24, ge=3, le=240, description="how long Dagster's runs and ticks are kept, besides this month"
    )
    alerts: Alerts = Alerts()
    ddas: Ddas = Ddas()
    pages: Pages = Pages()
    owner: Owner = Field(default="team:vroegsignalering", description="in the UI, of what has no other")
    first_month: Month | None = Field(
        default=None, description="first month in the UI, when not the oldest agreement's"
    )
    contact_policy: dict[str, ContactPolicy] = Field(default_factory=dict, description="per month; '' is any other")
    known_clients: KnownClients | None = Field(default=None, description="another source than the file in reference/")
    warehouse: WarehouseSettings | None = Field(default=None, description="a DuckLake in place of the file")
    front_desk: FrontDesk | None = Field(default=None, description="files of one sender are divided over these towns")
    evaluation: EvaluationSettings = EvaluationSettings()
    capacity: dict[str, int] = Field(default_factory=dict, description="home visits per worklist and month")
    retention: Retention = Retention()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _general_policy(cls, content: dict[str, Any]) -> dict[str, Any]:
        # `{home_visits: true}` and `{"2021-01": {home_visits: false}}` may both be written, also together (DOMAIN §13).
        policy = content.get("contact_policy")
        if not isinstance(policy, dict):
            return content
        general = {key: value for key, value in policy.items() if not is_month(str(key))}
        by_month = {str(key): value for key, value in policy.items() if is_month(str(key))}
        return {**content, "contact_policy": {**by_month, **({"": general} if general else {})}}

    @model_validator(mode="after")
    def _capacity_not_negative(self) -> Settings:
        for worklist, visits in self.capacity.items():
            if visits < 0:
                raise ValueError(f"capacity of '{worklist}' is below zero")
        return self

    @model_validator(mode="after")
    def _kept_as_long_as_needed(self) -> Settings:
        needed = [(name, getattr(self, name), "signals") for name in ("repeat_months", "aftercare_months")]
        needed.append(("lookback_months", self.lookback_months, "history"))
        for name, months, kept in needed:
            term = getattr(self.retention, kept)
            if term is not None and term < months:
                raise ValueError(f"retention.{kept} is {term}, and {name} needs {months} months of them (DOMAIN §14)")
        return self

    def home_visits_allowed(self, month: date) -> bool:
        """Whether teams may visit in the month; months the policy does not name follow its general rule, or may."""
        policy = self.contact_policy.get(month_text(month)) or self.contact_policy.get("") or ContactPolicy()
        return policy.home_visits


def parse_settings(text: str, where: object) -> Settings:
    """The settings from their YAML text.

    Raises VroegError that names the file (`where`), the field and what was expected.
    """
    return model_from(Settings, parse_yaml(text, where), where)
