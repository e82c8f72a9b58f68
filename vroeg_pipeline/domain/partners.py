"""All agreements of an installation together: who took over whom, and who sends files for several partners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from vroeg_pipeline.domain.agreements import Agreement, Thresholds, agreement_from
from vroeg_pipeline.domain.ddas import PartnerType
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.reading import parse_yaml
from vroeg_pipeline.domain.senders import SenderAgreement, check_senders, sender_from, with_form_of_sender


def parse_partners(texts: Iterable[tuple[str, str]]) -> Partners:
    """All agreements from (name of the file without .yaml, its text).

    A partner that a sender delivers for gets the form of the sender's files, so that its agreement is as whole as
    any other. Raises VroegError that names the file, the field and what was expected.
    """
    contents = {name: parse_yaml(text, _file(name)) for name, text in texts}
    senders = {name: sender_from(of, _file(name), name) for name, of in contents.items() if "sender" in of}
    forms = {name: contents[name] for name in senders}
    agreements = {}
    for name in sorted(contents.keys() - senders.keys()):
        content = with_form_of_sender(contents[name], forms, _file(name))
        agreements[name] = agreement_from(content, _file(name), name)
    check_senders(senders, agreements)
    return Partners.of(agreements.values(), senders.values())


def _file(name: str) -> str:
    return f"agreements/{name}.yaml"


@dataclass(frozen=True)
class Partners:
    """All agreements of an installation, the successions between them (DOMAIN §7), and who sends for several of them.

    A sender is no partner: it owes nothing itself.
    """

    agreements: Mapping[str, Agreement]
    senders: Mapping[str, SenderAgreement] = field(default_factory=dict)

    @classmethod
    def of(cls, agreements: Iterable[Agreement], senders: Iterable[SenderAgreement] = ()) -> Partners:
        """Puts agreements together.

        Raises VroegError when one partner would have two successors, or would in the end succeed itself.
        """
        partners = cls(
            {a.partner: a for a in sorted(agreements, key=lambda a: a.partner)},
            {s.sender: s for s in sorted(senders, key=lambda s: s.sender)},
        )
        successor: dict[str, str] = {}
        for agreement in partners.agreements.values():
            for predecessor in agreement.succeeds:
                if successor.setdefault(predecessor, agreement.partner) != agreement.partner:
                    raise VroegError(
                        f"'{predecessor}' has two successors, {successor[predecessor]} and {agreement.partner}",
                        where=f"agreements/{agreement.partner}.yaml",
                        do="let one partner succeed it",
                    )
        for partner in successor:
            seen = {partner}
            while (partner := successor.get(partner, "")) != "":
                if partner in seen:
                    raise VroegError(
                        "field 'succeeds': the successions go round in a circle",
                        where=f"agreements/{partner}.yaml",
                        do="take one of them out",
                    )
                seen.add(partner)
        return partners

    def ancestry(self) -> list[tuple[str, str, int]]:
        """(partner, itself or a predecessor, distance): distance 0 is the partner, 1 whom it took over, and so on.

        Partners that only a `succeeds` names stand in it too: their own agreement may be gone.
        """
        rows: list[tuple[str, str, int]] = []
        named = {p for a in self.agreements.values() for p in a.succeeds}
        for partner in sorted(set(self.agreements) | named):
            level, distance = [partner], 0
            while level:
                rows += [(partner, ancestor, distance) for ancestor in level]
                level = [p for a in level if a in self.agreements for p in self.agreements[a].succeeds]
                distance += 1
        return rows

    def line_of(self, partner: str) -> list[str]:
        """A partner and all whom it took over, directly or not."""
        return [ancestor for of, ancestor, _ in self.ancestry() if of == partner]

    def seen(self, first: Mapping[str, datetime | None]) -> Partners:
        """The same, each agreement first seen at the aware moment of its partner; who is not named was always there."""
        agreements = {partner: each.seen(first.get(partner)) for partner, each in self.agreements.items()}
        return replace(self, agreements=agreements)

    def under(self, thresholds: Mapping[PartnerType, Thresholds]) -> Partners:
        """The same with the thresholds of the town, by partner type: they go before those of an agreement.

        Raises VroegError where an agreement would let nothing through.
        """
        agreements = dict(self.agreements)
        for partner, agreement in agreements.items():
            if (own := thresholds.get(agreement.type)) is None:
                continue
            terms = agreement.delivery.model_copy(update=own.model_dump(exclude_none=True))
            if terms.max_days is not None and terms.max_days < terms.min_days:
                raise VroegError(
                    f"field 'thresholds.{agreement.type}.min_days': {terms.min_days} is above max_days "
                    f"({terms.max_days}) of agreements/{partner}.yaml",
                    where="settings.yaml",
                    do="change one of the two",
                )
            agreements[partner] = agreement.model_copy(update={"delivery": terms})
        return replace(self, agreements=agreements)

    def active(self, month: date) -> list[Agreement]:
        """The agreements that hold in the month."""
        return [a for a in self.agreements.values() if a.is_active(month)]

    def asking(self, agreement: Agreement) -> SenderAgreement | None:
        """The sender that is asked about a partner's deliveries: who sends its file, where it can be written to."""
        sender = self.senders.get(agreement.delivered_by or "")
        return sender if sender and sender.contact.email else None

    def is_known(self, folder: str) -> bool:
        """Whether files in that folder of the inbox are expected: of a partner, or of a sender."""
        return folder in self.agreements or folder in self.senders

    def delivered_in(self, folder: str) -> frozenset[str]:
        """The partners whose rows files in that folder of the inbox can hold."""
        sender = self.senders.get(folder)
        return frozenset(sender.partners.values()) if sender else frozenset({folder})
