"""Households of the sample world and their arrears, month after month. None of them exists.

Who owes what to whom. How it is delivered, and what goes wrong on the way, stands in `sample.world`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from vroeg_pipeline.sample.register import Dwelling

_SURNAMES = (
    ("", "Voorbeeld"), ("", "Testma"), ("van der", "Proef"), ("de", "Fictie"), ("", "Jansen-Proef"), ("van", "Verzinsel"),
    ("", "Öztest"), ("", "El Modelli"), ("", "Probowska"), ("", "Schijnveld"), ("van den", "Schets"), ("", "Bënali-Test"),
    ("", "Demirproef"), ("ter", "Ontwerp"), ("", "Nagemaakt"), ("", "Denkbeeld"), ("'t", "Hofstuk"), ("", "Schaduwsma"),
    ("", "Kleinproef"), ("", "Grootproef"), ("de", "Nep"), ("", "Papiersma"), ("", "Ramdinproef"), ("", "Oefening"),
)  # fmt: skip
_INITIALS = "ABCDEFGHJKLMNPRSTVWZ"
# Shares of the signals a month, as the pilot roughly had them; what the sample does not have a partner for falls out.
_TYPE_WEIGHTS = {"Huur": 34, "Energie": 25, "Water": 14, "Zorg": 27}
_PERSISTS, _SECOND_PARTNER, _COMES_BACK, _MOVES = 0.22, 0.26, 0.06, 0.06


@dataclass(frozen=True)
class Household:
    """Who lives in a dwelling."""

    number: int
    dwelling: Dwelling
    prefix: str
    surname: str
    initials: str
    birth_date: date
    phone: str
    email: str


@dataclass(frozen=True)
class Arrear:
    """What a household owes one partner in one month; amounts in cents."""

    partner: str
    reference: str
    household: Household
    cents: int
    since: date
    crisis: bool
    warm_handover: bool


class Population:
    """Lives through the months: arrears last, grow, shrink, come back, and people move."""

    def __init__(
        self, rng: random.Random, dwellings: Sequence[Dwelling], partners: Sequence[tuple[str, str, Sequence[str]]]
    ) -> None:
        """`partners`: (id, DDAS type, municipalities it serves)."""
        self._rng = rng
        self._dwellings = dwellings
        self._households: dict[int, Household] = {}
        self._born = 0
        self._active: list[Arrear] = []
        self._settled: list[Arrear] = []
        by_type: dict[str, list[str]] = {}
        for partner, kind, _ in partners:
            by_type.setdefault(kind, []).append(partner)
        self._by_type = {kind: by_type[kind] for kind in _TYPE_WEIGHTS if kind in by_type}
        self._types = {partner: kind for partner, kind, _ in partners}
        self._serves = {partner: set(municipalities) for partner, _, municipalities in partners}

    def succeed(self, predecessor: str, successor: str) -> None:
        """From now on the successor reports the predecessor's customers, under the same references."""
        self._active = [replace(a, partner=successor) if a.partner == predecessor else a for a in self._active]
        self._settled = [replace(a, partner=successor) if a.partner == predecessor else a for a in self._settled]
        for partners in self._by_type.values():
            if predecessor in partners:
                partners.remove(predecessor)

    def month(self, reference_date: date, signals: int) -> list[Arrear]:
        """The arrears of a month, about so many signals, in no particular order."""
        rng = self._rng
        lasting = [self._next(a) for a in self._active if rng.random() < _PERSISTS]
        self._settled += [a for a in self._active if rng.random() < 0.3]
        current = lasting[: max(1, signals * 2 // 3)] if lasting else []
        while len(current) < signals:
            draw = rng.random()
            if self._settled and draw < _COMES_BACK:
                back = self._settled.pop(rng.randrange(len(self._settled)))
                current.append(replace(back, since=reference_date - timedelta(days=rng.randrange(35, 60))))
            elif current and draw < _COMES_BACK + _SECOND_PARTNER:
                current.append(self._new(rng.choice(current).household, reference_date))
            else:
                current.append(self._new(self._somebody(rng.randrange(len(self._dwellings))), reference_date))
        unique = {(a.partner, a.reference, a.household.dwelling): a for a in current}
        self._active = list(unique.values())
        return self._active

    def _somebody(self, dwelling: int) -> Household:
        if dwelling not in self._households or self._rng.random() < _MOVES:
            self._households[dwelling] = self._household(self._dwellings[dwelling])
        return self._households[dwelling]

    def _household(self, dwelling: Dwelling) -> Household:
        rng = self._rng
        self._born += 1
        prefix, surname = rng.choice(_SURNAMES)
        return Household(
            self._born,
            dwelling,
            prefix,
            surname,
            f"{rng.choice(_INITIALS)}.",
            date(1940, 1, 1) + timedelta(days=rng.randrange(22_000)),
            f"0600-{self._born % 1_000_000:06d}" if rng.random() < 0.85 else "",
            f"bewoner{self._born}@voorbeeld.example" if rng.random() < 0.6 else "",
        )

    def _new(self, household: Household, reference_date: date) -> Arrear:
        rng = self._rng
        here = household.dwelling.municipality
        serving = {kind: [p for p in partners if here in self._serves[p]] for kind, partners in self._by_type.items()}
        kinds = [kind for kind, partners in serving.items() if partners]
        kind = rng.choices(kinds, [_TYPE_WEIGHTS[k] for k in kinds])[0]
        partner = rng.choice(serving[kind])
        cents = int(rng.lognormvariate(5.9 if kind == "Huur" else 5.3, 0.6) * 100) + 7_600
        days = rng.randrange(35, 95) if kind == "Zorg" else rng.randrange(35, 240)
        return Arrear(
            partner,
            f"{partner[:2].upper()}{household.number * 7 + 100_000}",
            household,
            min(cents, 900_000),
            reference_date - timedelta(days=days),
            crisis=rng.random() < 0.012 and kind != "Zorg",
            warm_handover=rng.random() < 0.05,
        )

    def _next(self, arrear: Arrear) -> Arrear:
        rng = self._rng
        household = arrear.household
        if rng.random() < _MOVES:
            household = self._household(household.dwelling)
            return replace(
                arrear, household=household, reference=f"{arrear.partner[:2].upper()}{household.number * 7 + 100_000}"
            )
        factor = rng.choices((1.0, 0.8, 1.3), (35, 30, 35))[0]
        since = arrear.since
        if self._types[arrear.partner] == "Zorg":
            since = max(since, since + timedelta(days=30))  # health insurers hand older arrears to the CAK
        return replace(arrear, cents=max(7_600, int(arrear.cents * factor)), since=since)
