"""Delivery agreements: what a partner delivers, how and by when (DOMAIN §4).

An agreement is read from text; finding the files is `installation.home`'s work, judging a delivery is SQL's.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, field_validator, model_validator

from vroeg_pipeline.domain.ddas import PartnerType
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.layouts import FileForm, Layout
from vroeg_pipeline.domain.months import delivery_due, parse_month
from vroeg_pipeline.domain.reading import StrictModel, model_from, parse_yaml

# What teams and the address desk send back lies in the inbox under these names (DOMAIN §13).
OUTCOMES, ADDRESS_DESK = "outcomes", "adresdesk"
RESERVED_PARTNERS = frozenset({OUTCOMES, ADDRESS_DESK})


def list_of_no_town(worklist: str) -> str:
    """The name of a worklist without the municipality that may stand in front of it: 0473_budgetcoach is budgetcoach."""
    return re.sub(r"^[0-9]{4}_", "", worklist)


def town_of_list(worklist: str) -> str | None:
    """The municipality that stands in front of its name, if any."""
    own = list_of_no_town(worklist)
    return worklist.removesuffix(f"_{own}") if own != worklist else None


def inbox_name(value: str) -> str:
    """The name of a partner or sender, which is that of its folder in the inbox.

    Raises ValueError that says what is expected.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError("lower-case letters, digits and _ are expected, beginning with a letter")
    if value in RESERVED_PARTNERS:
        raise ValueError(f"'{value}' is reserved for what teams and the address desk send back")
    return value


def _month(value: object) -> object:
    if isinstance(value, str):
        try:
            return parse_month(value)
        except VroegError as error:
            raise ValueError(str(error)) from None
    if isinstance(value, date) and value.day == 1:
        return value
    raise ValueError("a month is expected, written as YYYY-MM")


def _municipality(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}", value):
        raise ValueError('a municipality code of four digits in quotes is expected, for example "0392"')
    return value


def _owner(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"team:\S+|[\w.+-]+@[\w-]+(\.[\w-]+)+", value):
        raise ValueError("an e-mail address is expected, or team: and a name without spaces")
    return value


Month = Annotated[date, BeforeValidator(_month)]
Municipality = Annotated[str, BeforeValidator(_municipality)]
# Who is named in the UI as the owner of an asset.
Owner = Annotated[str, BeforeValidator(_owner)]


class Contact(StrictModel):
    """Whom to call at the partner."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None

    @field_validator("email")
    @classmethod
    def _can_be_written_to(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ValueError("an e-mail address is expected, for example incasso@partner.example")
        return value


class DeliveryTerms(FileForm):
    """The form of the file and the bounds within which its rows are accepted."""

    due_working_day: int = Field(default=5, ge=1, le=23)
    max_age_days: int = Field(default=14, ge=0)
    min_amount: Decimal = Field(default=Decimal("75.00"), ge=0, max_digits=12, decimal_places=2)
    min_days: int = Field(default=30, ge=0)
    max_days: int | None = Field(default=None, ge=0)
    expected_rows: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    confirmation: bool = False
    additions: str | None = Field(default=None, min_length=1)
    max_missing_share: Decimal = Field(default=Decimal("0.5"), ge=0, le=1)

    @model_validator(mode="after")
    def _bounds_in_order(self) -> DeliveryTerms:
        if self.max_days is not None and self.max_days < self.min_days:
            raise ValueError(f"max_days ({self.max_days}) is below min_days ({self.min_days})")
        if self.expected_rows is not None and self.expected_rows[0] > self.expected_rows[1]:
            raise ValueError("expected_rows is written as [lowest, highest]")
        return self


class Thresholds(StrictModel):
    """From when an arrear is a signal; what is not given is as agreed with the partner."""

    min_amount: Decimal | None = Field(default=None, ge=0, max_digits=12, decimal_places=2, description="euro")
    min_days: int | None = Field(default=None, ge=0, description="from arrears_since to the reference date")


class Agreement(Layout):
    """One partner's delivery agreement (leveringsafspraak), `agreements/<partner>.yaml`.

    `delivered_by`: the sender in whose files its rows stand; the form of the file is then the sender's. When it was first
    seen is no part of the file (`seen`).
    """

    partner: str
    name: str = Field(min_length=1)
    type: PartnerType
    valid_from: Month
    valid_until: Month | None = None
    succeeds: tuple[str, ...] = ()
    municipalities: tuple[Municipality, ...] = Field(min_length=1)
    contact: Contact = Contact()
    owner: Owner | None = None
    delivered_by: str | None = None
    delivery: DeliveryTerms
    _first_seen: datetime | None = PrivateAttr(None)

    @field_validator("partner")
    @classmethod
    def _partner_id(cls, value: str) -> str:
        return inbox_name(value)

    @field_validator("partner_column")
    @classmethod
    def _of_a_sender(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError("a column of partners stands in the agreement of a sender alone")
        return value

    @model_validator(mode="after")
    def _period_in_order(self) -> Agreement:
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until lies before valid_from")
        if self.partner in self.succeeds:
            raise ValueError("a partner cannot succeed itself")
        return self

    def seen(self, first: datetime | None) -> Agreement:
        """The same agreement, first seen at this aware moment; None: it was always there."""
        agreement = self.model_copy()
        agreement._first_seen = first
        return agreement

    def is_active(self, month: date) -> bool:
        """Whether the agreement holds in the month (first of the month), both ends included."""
        return self.valid_from <= month and (self.valid_until is None or month <= self.valid_until)

    def is_owed(self, month: date) -> bool:
        """Whether a delivery is owed for the month: nothing is for a deadline that had passed when it was first seen."""
        return self.is_active(month) and (self._first_seen is None or self._first_seen <= self.due(month))

    def adds(self, name: str) -> bool:
        """Whether a file of this name adds to the month's delivery, and replaces nothing (DOMAIN §4)."""
        pattern = self.delivery.additions
        return pattern is not None and fnmatchcase(name.casefold(), pattern.casefold())

    @property
    def is_delivered_in_parts(self) -> bool:
        """Whether every file adds, so that the month is delivered with the first of them."""
        return self.delivery.additions == "*"

    def due(self, month: date) -> datetime:
        """The moment by which the delivery for the month must be in, Europe/Amsterdam (DOMAIN §3)."""
        return delivery_due(month, self.delivery.due_working_day)


def parse_agreement(text: str, where: object, expected_partner: str) -> Agreement:
    """An agreement from its YAML text.

    Raises VroegError that names the file (`where`), the field and what was expected; also when the partner in the
    text is not the one the file is named after.
    """
    return agreement_from(parse_yaml(text, where), where, expected_partner)


def agreement_from(content: dict[str, Any], where: object, expected_partner: str) -> Agreement:
    """An agreement from the fields of its file; raises as `parse_agreement` does."""
    agreement = model_from(Agreement, content, where)
    named_after_file("partner", agreement.partner, expected_partner, where)
    return agreement


def named_after_file(field: str, name: str, expected: str, where: object) -> None:
    """Raises VroegError when the file of a partner or sender has another name than it says in `field`."""
    if name != expected:
        raise VroegError(
            f"field '{field}': '{expected}' is expected, as the file is named", where=where, do="rename one of the two"
        )
