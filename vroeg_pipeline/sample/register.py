"""Dwellings of the sample world: a synthetic register of Haarlem-Noord and Zandvoort, or a real one that is given.

Where dwellings are. Who lives in them stands in `sample.people`.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vroeg_pipeline.domain.errors import VroegError

COLUMNS = (
    "nummeraanduiding_id", "straat", "huisnummer", "huisletter", "huisnummertoevoeging", "postcode", "woonplaats",
    "gemeentecode",
)  # fmt: skip

_STREETS = (
    "Lepelaarstraat", "Kievitlaan", "Wulpweg", "Scholeksterstraat", "Tureluurplein", "Grutsingel", "Meerkoethof",
    "Fuutstraat", "Zwaluwlaan", "Merelpad", "Koekoekstraat", "Roerdomplaan", "Plevierweg", "Strandloperstraat",
    "Sternplein", "Aalscholverkade", "Ibislaan", "Karekietstraat", "Wielewaalhof", "Goudvinkstraat", "Putterweg",
    "Kneustraat", "Vinkenlaan", "Lijsterstraat", "Spreeuwhof", "Kauwplein", "Roekstraat", "Eksterlaan",
)  # fmt: skip
_LETTERS = "ABCDEGHJKLMNPRSTVWXZ"
_NORTH, _COAST = (2021, 2022, 2023, 2024, 2025, 2026), (2041, 2042)


@dataclass(frozen=True)
class Dwelling:
    """One address as a register has it."""

    postcode: str
    number: int
    letter: str
    addition: str
    street: str
    city: str
    municipality: str


def synthetic_register(rng: random.Random, dwellings: int) -> list[Dwelling]:
    """About so many dwellings: single ones, upper and lower (RD, ZW), floors, letters and additions."""
    found: list[Dwelling] = []
    pairs = [a + b for a in _LETTERS for b in _LETTERS if a + b not in ("SA", "SD", "SS")]
    for index, pair in enumerate(pairs):
        for digits in (*_NORTH, *_COAST):
            if len(found) >= dwellings:
                return found
            north = digits in _NORTH
            street = f"{_STREETS[(index + digits) % len(_STREETS)]}"
            city, municipality = ("Haarlem", "0392") if north else ("Zandvoort", "0473")
            first = rng.randrange(1, 180)
            for number in range(first, first + 24, 2):
                for letter, addition in _dwellings_at_number(rng, north):
                    found.append(Dwelling(f"{digits}{pair}", number, letter, addition, street, city, municipality))
    return found


def _dwellings_at_number(rng: random.Random, north: bool) -> Sequence[tuple[str, str]]:
    kinds: Sequence[tuple[int, Sequence[tuple[str, str]]]] = (
        (62, [("", "")]),
        (12 if north else 2, [("", "ZW"), ("", "RD")]),
        (6, [("", "HS"), ("", "1"), ("", "2")]),
        (6, [("", ""), ("A", "")]),
        (4, [("A", ""), ("B", "")]),
        (3, [("", ""), ("", "BIS")]),
        (3, [("A", "1"), ("A", "2"), ("A", "3")]),
        (2, [("", "BEN"), ("", "BOV")]),
        (2, [("", str(flat)) for flat in range(1, 9)]),
    )
    return rng.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]


def read_register(path: Path) -> list[Dwelling]:
    """The dwellings of a register file with the columns of DOMAIN §13.

    Raises VroegError when a column is missing or nothing can be used.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        lacking = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if lacking:
            raise VroegError(
                f"lacks the column {', '.join(lacking)}", where=path, do="give a register as in DOMAIN §13"
            )
        found = [
            Dwelling(
                row["postcode"].replace(" ", "").upper(), int(row["huisnummer"]), row["huisletter"].upper(),
                row["huisnummertoevoeging"].upper(), row["straat"], row["woonplaats"], row["gemeentecode"],
            )
            for row in reader
            if row["postcode"] and row["huisnummer"].isdigit()
        ]  # fmt: skip
    if not found:
        raise VroegError("holds no address with a postcode", where=path)
    return found


def write_register(path: Path, dwellings: Sequence[Dwelling]) -> None:
    """Writes a register file with the columns of DOMAIN §13."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, d in enumerate(dwellings, start=1):
            writer.writerow(
                [f"{d.municipality}2000{number:08d}", d.street, d.number, d.letter, d.addition, d.postcode, d.city,
                 d.municipality]
            )  # fmt: skip


def as_written(
    rng: random.Random, dwelling: Dwelling, separate_letter: bool, separate_addition: bool
) -> dict[str, str]:
    """The address as some partner writes it: all ways mean the same dwelling (DOMAIN §6), some need mending for it."""
    code = dwelling.postcode
    swapped = code[:4] + code[5] + code[4]
    postcode = rng.choices([code, f"{code[:4]} {code[4:]}", code.lower(), swapped], [70, 24, 5, 1])[0]
    suffix = dwelling.letter + dwelling.addition
    fields = {"postcode": postcode, "street": _street_as_written(rng, dwelling.street), "city": dwelling.city}
    if separate_letter and separate_addition and rng.random() < 0.7:
        return {
            **fields,
            "house_number": str(dwelling.number),
            "house_letter": dwelling.letter,
            "house_number_addition": dwelling.addition,
        }
    spelled = rng.choice(_SPELLINGS.get(suffix, (suffix, suffix.lower())))
    if separate_addition and rng.random() < 0.6:
        return {**fields, "house_number": str(dwelling.number), "house_number_addition": spelled}
    between = rng.choice(("", " ", "-", "/")) if spelled else ""
    return {**fields, "house_number": f"{dwelling.number}{between}{spelled}"}


def _street_as_written(rng: random.Random, street: str) -> str:
    """As registered, abbreviated, or with a letter left out."""
    kind = next((kind for kind in _SHORT_KINDS if street.endswith(kind)), "")
    short = street.removesuffix(kind) + _SHORT_KINDS.get(kind, "")
    at = rng.randrange(2, len(street) - 1)
    return rng.choices([street, short, street[:at] + street[at + 1 :]], [80, 17, 3])[0]


_SHORT_KINDS = {"straat": "str.", "laan": "ln", "weg": "wg", "plein": "pln", "singel": "sngl"}
_SPELLINGS = {
    "": ("",),
    "HS": ("hs", "HS", "huis", "H", "bg"),
    "1": ("1", "I", "1hoog", "1-hoog", "1e", "01"),
    "2": ("2", "II", "2hoog", "2 hg", "02"),
    "3": ("3", "III", "3hoog"),
    "RD": ("rd", "RD", "rood", "R"),
    "ZW": ("zw", "ZW", "zwart", "Z"),
    "BIS": ("bis", "BIS", "bs"),
    "BEN": ("ben", "beneden"),
    "BOV": ("bov", "boven"),
}
