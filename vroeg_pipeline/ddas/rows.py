"""What a delivery to CBS is made of, whatever the version of DDAS that it is written in.

How a version names and shapes it stands in a module of its own, `ddas.v1_2`; what it is read from, in the statements
of this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Signal(NamedTuple):
    """One signal with its status, as `ddas_signals.sql` gives it. Without `bsn` the address says who it is about.

    `signal_id`: as CBS gets it, a keyed hash.
    """

    signal_id: str
    crisis: bool | None
    warm_handover: bool | None
    amount_due: Decimal | None
    arrears_since: date | None
    received_on: date
    ddas_status: str
    partner_type: str
    bsn: str | None
    birth_date: date | None
    postcode: str
    house_number: int
    house_letter: str
    house_number_addition: str


class Attempt(NamedTuple):
    """One contact attempt of a case."""

    contact_kind: str
    reached: bool | None
    contacted_on: date
    day_part: str | None


class Case(NamedTuple):
    """One case: an address in a month that was taken up, with the signals that count in it and what the team did."""

    end_result: str | None
    matched_on: date
    opened_on: date | None
    first_day: date
    last_day: date
    signal_ids: Sequence[str]
    attempts: Sequence[Attempt]
