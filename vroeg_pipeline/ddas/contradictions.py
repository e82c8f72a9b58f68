"""What cannot all be true in one delivery to CBS (DDAS v1.2): looked for in the file alone, whatever it was made of.

Whether it is true of the warehouse is asked elsewhere (`ddas_totals.sql`).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from vroeg_pipeline.domain.ddas import EnumSignaalstatus

_NOT_YET, _TAKEN_UP = "Nog niet opgepakt", "Opgepakt"
_REPEATED = "Niet opgepakt: herhaalde melding"
# Whoever has not the key reads no partner, month or row in it.
_OPAQUE = re.compile(r"[0-9a-f]{32}")
_LONGEST_SUFFIX = 4

Told = Mapping[str, Any]


class _Known(NamedTuple):
    """What the cases of a file are compared with: a file can have a million signals, so no more than that is held."""

    status: str
    day: str
    # A number for postcode and house number; None where a burgerservicenummer stands in their place.
    door: int | None


def contradictions(told: Iterable[Told]) -> Counter[str]:
    """How often each contradiction is in the vroegsignalen and vroegsignaalzaken of a file, in its order: a signal stands
    before the case that holds it.
    """
    found: Counter[str] = Counter()
    known: dict[str, _Known] = {}
    in_cases: Counter[str] = Counter()
    for each in told:
        if "ID" in each:
            found["a signal is told twice"] += each["ID"] in known
            known[each["ID"]] = _known(each)
            found.update(_of_signal(each))
        else:
            ids = [reference["ID"] for reference in each.get("vroegsignalen", [])]
            in_cases.update(ids)
            found["a case holds a signal that is not told"] += sum(one not in known for one in ids)
            found.update(_of_case(each, [known[one] for one in ids if one in known]))
    found["a signal is in two cases"] += sum(times > 1 for times in in_cases.values())
    found["a signal was taken up in no case"] += sum(
        signal.status == _TAKEN_UP and one not in in_cases for one, signal in known.items()
    )
    return +found


def _known(signal: Told) -> _Known:
    client = signal["client"]
    door = hash((client["postcode"], client.get("huisnummer"))) if "postcode" in client else None
    # Of statuses and days there are few.
    return _Known(sys.intern(signal["status"]), sys.intern(signal["signaaldatum"]), door)


def _of_signal(signal: Told) -> Iterable[str]:
    if not _OPAQUE.fullmatch(signal["ID"]):
        yield "an ID says something"
    if len(signal["client"].get("huisnummertoevoeging", "")) > _LONGEST_SUFFIX:
        yield "a huisnummertoevoeging is too long"
    if signal.get("ontstaansdatum", "") > signal["signaaldatum"]:
        yield "a signal came before its arrear"


def _of_case(case: Told, signals: list[_Known]) -> Iterable[str]:
    statuses = {signal.status for signal in signals}
    result, opened, attempts = case.get("resultaat"), case.get("datumOpgepakt"), case.get("contactpogingen", [])
    if not signals:
        yield "a case has no signal"
        return
    if _NOT_YET in statuses:
        yield "a case holds a signal that is not taken up yet"
    if case["matchingsdatum"] < max(signal.day for signal in signals):
        yield "a case was matched before its newest signal came"
    if statuses != {_REPEATED} and opened is None:
        yield "a case was taken up on no day"
    if attempts and (opened is None or opened > min(attempt["datum"] for attempt in attempts)):
        yield "a case was contacted before it was taken up"
    if statuses - {result if result in EnumSignaalstatus else _TAKEN_UP, _REPEATED}:
        yield "the status of a signal is not that of its case"
    if len({signal.door for signal in signals} - {None}) > 1:
        yield "a case holds signals of several doors"
