"""The canonical fields of a delivered row, in the order of DOMAIN §4; what partners call them is in their agreements."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

CANONICAL_FIELDS: tuple[str, ...] = (
    "customer_reference",
    "surname",
    "initials",
    "prefix",
    "birth_date",
    "phone",
    "email",
    "postcode",
    "street",
    "house_number",
    "house_letter",
    "house_number_addition",
    "city",
    "amount_due",
    "arrears_since",
    "reference_date",
    "crisis",
    "warm_handover",
    "reminder_sent",
    "objection",
)

# What a file can give: these, and what one of them can be worked out from.
DELIVERED_FIELDS: tuple[str, ...] = (*CANONICAL_FIELDS, "days_in_arrears")

REQUIRED_FIELDS: tuple[str, ...] = (
    "customer_reference",
    "surname",
    "postcode",
    "house_number",
    "amount_due",
    "arrears_since",
    "reference_date",
)

# Yes or no.
FLAG_FIELDS: tuple[str, ...] = ("crisis", "warm_handover", "reminder_sent", "objection")

DATE_FIELDS: tuple[str, ...] = ("birth_date", "arrears_since", "reference_date")


@lru_cache(maxsize=4_096)
def header_name(header: str) -> str:
    """A header to compare with another: composed, without case, characters that nobody sees and runs of white space."""
    if not header.isascii():
        header = "".join(c for c in unicodedata.normalize("NFC", header) if unicodedata.category(c) != "Cf")
    return " ".join(header.split()).casefold()
