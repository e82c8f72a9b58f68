"""Senders: who sends one file for several partners, such as a portal (DOMAIN §4).

A sender's agreement says how its files look and which partner each name in them means. What is owed and which rows are
accepted stands in the agreement of each partner, which names the sender in `delivered_by`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import Field, field_validator

from vroeg_pipeline.domain.agreements import Agreement, Contact, DeliveryTerms, inbox_name, named_after_file
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.layouts import FileForm, Layout
from vroeg_pipeline.domain.reading import model_from, nearest

# What is agreed with each partner; all else under `delivery` is the form of the file.
_BOUNDS = DeliveryTerms.model_fields.keys() - FileForm.model_fields.keys()
_OF_A_PARTNER = ("partner", "type", "valid_from", "valid_until", "succeeds", "municipalities", "owner", "delivered_by")
# Of the sender itself; all else in its file is the form of the file.
_OF_A_SENDER = ("sender", "name", "contact", "partner_column", "partners")


class SenderAgreement(Layout):
    """How the files of a sender look, `agreements/<sender>.yaml`. `partners`: names in the file to partners."""

    sender: str
    name: str = Field(min_length=1)
    contact: Contact = Contact()
    partner_column: str
    partners: dict[str, str] = Field(min_length=1)

    @field_validator("sender")
    @classmethod
    def _sender_id(cls, value: str) -> str:
        return inbox_name(value)

    @field_validator("partner_column", mode="before")
    @classmethod
    def _position_as_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) else value

    @field_validator("partner_column")
    @classmethod
    def _some_header(cls, value: str) -> str:
        if not header_name(value):
            raise ValueError("the header of the column with the names of partners is expected")
        return value

    @field_validator("partners")
    @classmethod
    def _told_apart(cls, value: dict[str, str]) -> dict[str, str]:
        seen: dict[str, str] = {}
        for name in value:
            if not header_name(name):
                raise ValueError("a name is empty")
            if (same := seen.setdefault(header_name(name), name)) != name:
                raise ValueError(f"'{same}' and '{name}' are the same name, as capitals and spaces make no difference")
        return value

    @cached_property
    def _partner_by_name(self) -> Mapping[str, str]:
        return {header_name(name): partner for name, partner in self.partners.items()}

    def partner_of(self, written: str | None) -> str | None:
        """The partner that a name in the file means, compared as headers are; None when the agreement lacks the name."""
        return self._partner_by_name.get(header_name(written or ""))


def sender_from(content: Mapping[str, Any], where: object, expected: str) -> SenderAgreement:
    """A sender's agreement from the fields of its file.

    Raises VroegError that names the file (`where`), the field and what was expected.
    """
    delivery = content.get("delivery")
    bounds = [f"delivery.{field}" for field in _BOUNDS if isinstance(delivery, Mapping) and field in delivery]
    for field in [*(field for field in _OF_A_PARTNER if field in content), *bounds]:
        raise VroegError(
            f"field '{field}' belongs in the agreement of each partner, not in that of a sender", where=where
        )
    sender = model_from(SenderAgreement, dict(content), where)
    named_after_file("sender", sender.sender, expected, where)
    return sender


def with_form_of_sender(
    content: Mapping[str, Any], senders: Mapping[str, Mapping[str, Any]], where: object
) -> dict[str, Any]:
    """The fields of a partner's agreement, with the form of the file where a sender delivers it.

    `senders`: the fields of each sender's file. Raises VroegError that names the file (`where`), the field and what was
    expected.
    """
    name = content.get("delivered_by")
    if name is None:
        return dict(content)
    sender = senders.get(name) if isinstance(name, str) else None
    if sender is None:
        guess = nearest(str(name), senders)
        raise VroegError(
            f"field 'delivered_by': there is no sender '{name}'" + (f", did you mean '{guess}'?" if guess else ""),
            where=where,
            do="name one that has an agreement with 'sender'",
        )
    own = content.get("delivery") or {}
    if not isinstance(own, Mapping):
        raise VroegError("field 'delivery': 'field: value' lines are expected", where=where)
    form = {field: value for field, value in sender.items() if field not in _OF_A_SENDER}
    written = [field for field in (*Layout.model_fields, "partners") if field in content and field != "delivery"]
    written += [f"delivery.{field}" for field in own if field in FileForm.model_fields]
    if written:
        raise VroegError(
            f"field '{written[0]}' is the form of the file, which stands in agreements/{name}.yaml",
            where=where,
            do="take it out here",
        )
    return {**content, **form, "delivery": {**form["delivery"], **own}}


def check_senders(senders: Mapping[str, SenderAgreement], agreements: Mapping[str, Agreement]) -> None:
    """Raises VroegError where senders and the agreements of partners do not name each other."""
    for sender in senders.values():
        where = f"agreements/{sender.sender}.yaml"
        for partner in sender.partners.values():
            if partner in senders:
                raise VroegError(f"field 'partners': '{partner}' is a sender, not a partner", where=where)
            if partner not in agreements:
                raise VroegError(
                    f"field 'partners': '{partner}' has no agreement", where=where, do=f"add agreements/{partner}.yaml"
                )
            if agreements[partner].delivered_by != sender.sender:
                raise VroegError(
                    f"field 'partners': '{partner}' is not delivered by this sender",
                    where=where,
                    do=f"write 'delivered_by: {sender.sender}' in agreements/{partner}.yaml",
                )
    for agreement in agreements.values():
        where = f"agreements/{agreement.partner}.yaml"
        if agreement.delivered_by and agreement.partner not in senders[agreement.delivered_by].partners.values():
            raise VroegError(
                f"field 'delivered_by': no name in the files of '{agreement.delivered_by}' means '{agreement.partner}'",
                where=where,
                do=f"add it to 'partners' in agreements/{agreement.delivered_by}.yaml",
            )
        for predecessor in agreement.succeeds:
            if predecessor in senders:
                raise VroegError(f"field 'succeeds': '{predecessor}' is a sender, not a partner", where=where)
