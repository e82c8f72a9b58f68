"""All agreements of an installation together: who took over whom (DOMAIN §7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.domain.errors import VroegError


@dataclass(frozen=True)
class Partners:
    """All agreements of an installation, and the successions between them (DOMAIN §7)."""

    agreements: Mapping[str, Agreement]

    @classmethod
    def of(cls, agreements: Iterable[Agreement]) -> Partners:
        """Puts agreements together.

        Raises VroegError when one partner would have two successors, or would in the end succeed itself.
        """
        partners = cls({a.partner: a for a in sorted(agreements, key=lambda a: a.partner)})
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

    def owed(self, month: date) -> list[Agreement]:
        """The agreements under which a delivery is owed for the month."""
        return [a for a in self.agreements.values() if a.is_owed(month)]
