"""The tiers of a worklist, best first, and by when first contact must be made (DOMAIN §9).

When an address belongs to which stands in `worklists/prioritised_worklists.sql`, which reads the rest here: this is the
temporary table `tiers`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, NamedTuple

from vroeg_pipeline.domain.months import working_days_after

Action = Literal["home_visit", "phone", "letter", "check_address"]

# Days after the delivery, and in crisis working days.
FIRST_CONTACT_DAYS, CRISIS_WORKING_DAYS = 28, 3


class Tier(NamedTuple):
    """One tier. `first_action`: where visits are allowed and left; `for_area`: a wijkteam's, not of the lighter track.
    `title`, `why` and `meaning` are what teams read: on the line, in its explanation, on the sheet Uitleg.
    """

    number: int
    name: str
    first_action: Action
    for_area: bool
    title: str
    why: str
    meaning: str


CRISIS = Tier(
    0, "crisis", "home_visit", True, "CRISIS", "Crisis: afsluiting of ontruiming aangekondigd",
    "Afsluiting of ontruiming is aangekondigd.",
)  # fmt: skip
RENT_ENRICHED = Tier(
    1, "rent_enriched", "home_visit", True, "Huur + meer", "Huurachterstand en meer dan één partner",
    "Huurachterstand en een melding van nog een partner.",
)  # fmt: skip
RENT = Tier(2, "rent", "home_visit", True, "Huur", "Huurachterstand", "Alleen huurachterstand.")
MULTIPLE = Tier(
    3, "multiple", "phone", True, "Meervoudig", "Achterstand bij meer dan één partner",
    "Twee of meer partners, geen huur.",
)  # fmt: skip
SINGLE_HIGH = Tier(
    4, "single_high", "phone", False, "Enkel, hoog", "Eén partner, hoog bedrag", "Eén partner, hoog bedrag."
)
SINGLE = Tier(5, "single", "letter", False, "Enkelvoudig", "Eén partner", "Eén partner.")
TIERS = (CRISIS, RENT_ENRICHED, RENT, MULTIPLE, SINGLE_HIGH, SINGLE)


def first_contact_by(received_on: date, *, crisis: bool) -> date:
    """The last day for first contact after a delivery that was received on an Amsterdam calendar day."""
    if crisis:
        return working_days_after(received_on, CRISIS_WORKING_DAYS)
    return received_on + timedelta(days=FIRST_CONTACT_DAYS)
