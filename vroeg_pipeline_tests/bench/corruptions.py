"""Addresses of a register as people get them wrong: one class an error, so that each can be counted by itself.

Deterministic by seed. A class that an address cannot have (a suffix that is missing where there is none) gives nothing.
"""

from __future__ import annotations

import csv
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Written:
    """An address as written; what is absent is empty."""

    postcode: str
    street: str
    house_number: str
    house_letter: str = ""
    house_number_addition: str = ""
    city: str = ""


@dataclass(frozen=True)
class Dwelling:
    """A dwelling of the register."""

    key: str
    postcode: str
    street: str
    number: int
    letter: str
    addition: str
    city: str

    @property
    def suffix(self) -> str:
        return self.letter + self.addition

    def written(self) -> Written:
        """Its address without any mistake, suffix behind the number."""
        number = f"{self.number}{self.letter}" + (f"-{self.addition}" if self.addition else "")
        return Written(self.postcode, self.street, number, city=self.city)


Corruption = Callable[[random.Random, Dwelling], Written | None]

_LETTERS = "abcdefghijklmnoprstuvwz"
_POSTCODE_LETTERS = "ABCDEFGHJKLMNPRSTVWXZ"
_GROUPS = (
    ("HS", "H", "huis", "BG", "begane grond"), ("1", "I", "1hoog", "1 hg", "1e"), ("2", "II", "2hoog", "2 hg", "2e"),
    ("3", "III", "3hoog", "3 hg", "3e"), ("RD", "R", "rood"), ("ZW", "Z", "zwart"), ("BIS", "BS"), ("BEN", "beneden"),
    ("BOV", "boven"),
)  # fmt: skip
_SUFFIXES = ("A", "B", "C", "HS", "1", "2", "BEN", "BOV", "RD", "ZW")
_SHORT = (
    ("straat", "str."), ("straat", "str"), ("laan", "ln"), ("laan", "ln."), ("weg", "wg"), ("plein", "pln"),
    ("gracht", "gr."), ("singel", "sngl"), ("kade", "kd"), ("dijk", "dk"), ("hof", "hf"), ("plantsoen", "plnts"),
    ("steeg", "stg"), ("van der ", "v.d. "), ("van ", "v. "), ("van ", "v "), ("Burgemeester ", "Burg. "),
    ("Dr.", "dr "), ("Sint ", "St. "), ("Mr.", "mr "), ("Prinses ", "Pr. "), ("Prins ", "Pr. "), ("Pastoor ", "Past. "),
)  # fmt: skip


def read_dwellings(register: Path) -> list[Dwelling]:
    """The dwellings of a register CSV (DOMAIN §13), one a key."""
    found = {}
    with register.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            letter, addition = row["huisletter"].upper(), row["huisnummertoevoeging"].upper()
            key = f"{row['postcode']}_{row['huisnummer']}_{letter}_{addition}"
            found[key] = Dwelling(
                key, row["postcode"], row["straat"], int(row["huisnummer"]), letter, addition, row["woonplaats"]
            )
    return list(found.values())


def mistyped(rng: random.Random, text: str, errors: int = 1) -> str:
    """The text with so many typing errors in it, never in its first letter and never nothing changed."""
    made = text
    while made.casefold() == text.casefold():
        made = text
        for _ in range(errors):
            place = rng.randrange(1, len(made))
            kind = rng.randrange(4)
            if kind == 0:
                made = made[:place] + rng.choice(_LETTERS) + made[place:]
            elif kind == 1:
                made = made[:place] + made[place + 1 :]
            elif kind == 2:
                made = made[:place] + rng.choice(_LETTERS) + made[place + 1 :]
            elif place + 1 < len(made):
                made = made[:place] + made[place + 1] + made[place] + made[place + 2 :]
    return made


def _same(rng: random.Random, dwelling: Dwelling) -> Written:
    return dwelling.written()


def _number_format(rng: random.Random, dwelling: Dwelling) -> Written:
    number, suffix = str(dwelling.number), dwelling.suffix
    forms = [f"{number} {suffix}", f"{number}-{suffix}", f"{number}/{suffix}", f"{number}{suffix.lower()}",
             f"00{number} {suffix.lower()}", f" {number} {suffix} "]  # fmt: skip
    # A number written against a suffix that begins with a digit would be another number.
    usable = [form for form in forms if not (suffix[:1].isdigit() and f"{number}{suffix.lower()}" in form)]
    return replace(dwelling.written(), house_number=rng.choice(usable))


def _suffix_format(rng: random.Random, dwelling: Dwelling) -> Written | None:
    if not dwelling.suffix:
        return None
    written = replace(dwelling.written(), house_number=str(dwelling.number))
    words = next((group for group in _GROUPS if dwelling.suffix in (word.upper() for word in group)), None)
    if words and rng.random() < 0.7:
        return replace(written, house_number=f"{dwelling.number} {rng.choice(words)}")
    if rng.random() < 0.5:
        return replace(written, house_letter=dwelling.letter.lower(), house_number_addition=dwelling.addition.lower())
    return replace(written, house_number_addition=f"{dwelling.letter}{dwelling.addition}".lower())


def _postcode_format(rng: random.Random, dwelling: Dwelling) -> Written:
    digits, letters = dwelling.postcode[:4], dwelling.postcode[4:]
    form = rng.choice([f"{digits} {letters}", f"{digits}{letters.lower()}", f"{digits}  {letters.lower()}"])
    return replace(dwelling.written(), postcode=form)


def _street_format(rng: random.Random, dwelling: Dwelling) -> Written:
    street = dwelling.street
    bare = "".join(c for c in unicodedata.normalize("NFKD", street) if not unicodedata.combining(c))
    form = rng.choice(
        [street.upper(), street.lower(), bare, street.replace("ij", "y"), street.replace(".", ". "),
         street.replace(".", " "), f" {street} ", street.replace("-", " "), street.replace("'", "")]
    )  # fmt: skip
    return replace(dwelling.written(), street=form)


def _number_in_street(rng: random.Random, dwelling: Dwelling) -> Written:
    written = dwelling.written()
    return replace(written, street=f"{written.street} {written.house_number}", house_number="")


def _street_abbreviated(rng: random.Random, dwelling: Dwelling) -> Written | None:
    usable = [(long, short) for long, short in _SHORT if long in dwelling.street]
    if not usable:
        return None
    street = dwelling.street
    for long, short in rng.sample(usable, rng.randint(1, len(usable))):
        street = street.replace(long, short)
    return replace(dwelling.written(), street=street)


def _street_order(rng: random.Random, dwelling: Dwelling) -> Written | None:
    front = re.match(r"^((?:[A-Z][a-z]{0,2}\.)+(?:van |de |du )?|van |De |Het )(.+)$", dwelling.street)
    return replace(dwelling.written(), street=f"{front[2]}, {front[1].strip()}") if front else None


def _street_short(rng: random.Random, dwelling: Dwelling) -> Written | None:
    front = re.match(r"^(?:(?:[A-Z][a-z]{0,2}\.)+(?:van |de |du )?)(.+)$", dwelling.street)
    return replace(dwelling.written(), street=front[1]) if front else None


def _street_former(rng: random.Random, dwelling: Dwelling) -> Written | None:
    spellings = (("eren", "eeren"), ("Grote", "Groote"), ("Hoge", "Hooge"), ("straat", "straet"), ("dijk", "dyk"),
                 ("os", "osch"), ("laan", "laen"))  # fmt: skip
    changed = [dwelling.street.replace(new, old) for new, old in spellings if new in dwelling.street]
    return replace(dwelling.written(), street=rng.choice(changed)) if changed else None


def _street_misspelt(rng: random.Random, dwelling: Dwelling) -> Written:
    errors = 2 if len(dwelling.street) >= 10 and rng.random() < 0.3 else 1
    return replace(dwelling.written(), street=mistyped(rng, dwelling.street, errors))


def _street_missing(rng: random.Random, dwelling: Dwelling) -> Written:
    return replace(dwelling.written(), street="")


def _postcode_missing(rng: random.Random, dwelling: Dwelling) -> Written:
    return replace(dwelling.written(), postcode="")


def _postcode_swapped(rng: random.Random, dwelling: Dwelling) -> Written | None:
    code = dwelling.postcode
    places = [p for p in range(5) if code[p] != code[p + 1] and p != 3]
    place = rng.choice(places)
    return replace(dwelling.written(), postcode=code[:place] + code[place + 1] + code[place] + code[place + 2 :])


def _postcode_mistyped(rng: random.Random, dwelling: Dwelling) -> Written:
    code = dwelling.postcode
    place = rng.randrange(6)
    others = [c for c in ("123456789" if place < 4 else _POSTCODE_LETTERS) if c != code[place]]
    return replace(dwelling.written(), postcode=code[:place] + rng.choice(others) + code[place + 1 :])


def _postcode_alike(rng: random.Random, dwelling: Dwelling) -> Written | None:
    code = dwelling.postcode
    forms = {code[:4].replace("0", "O") + code[4:], code[:4].replace("1", "I") + code[4:], code.replace("1", "l", 1)}
    changed = sorted(forms - {code})
    return replace(dwelling.written(), postcode=rng.choice(changed)) if changed else None


def _postcode_digits(rng: random.Random, dwelling: Dwelling) -> Written:
    return replace(dwelling.written(), postcode=dwelling.postcode[:4])


def _town_misspelt(rng: random.Random, dwelling: Dwelling) -> Written:
    return replace(dwelling.written(), city=mistyped(rng, dwelling.city))


def _town_other(rng: random.Random, dwelling: Dwelling) -> Written:
    return replace(dwelling.written(), city="Amsterdam")


def _with_number(dwelling: Dwelling, number: int) -> Written:
    return replace(dwelling, number=number).written()


def _number_swapped(rng: random.Random, dwelling: Dwelling) -> Written | None:
    digits = str(dwelling.number)
    places = [p for p in range(len(digits) - 1) if digits[p] != digits[p + 1] and digits[p + 1] != "0"]
    if not places:
        return None
    place = rng.choice(places)
    return _with_number(dwelling, int(digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]))


def _number_wrong(rng: random.Random, dwelling: Dwelling) -> Written:
    digits = str(dwelling.number)
    place = rng.randrange(len(digits))
    others = [c for c in "123456789" if c != digits[place]]
    return _with_number(dwelling, int(digits[:place] + rng.choice(others) + digits[place + 1 :]))


def _suffix_missing(rng: random.Random, dwelling: Dwelling) -> Written | None:
    return replace(dwelling.written(), house_number=str(dwelling.number)) if dwelling.suffix else None


def _suffix_swapped(rng: random.Random, dwelling: Dwelling) -> Written:
    # Another spelling of the same suffix (H and HS) is no mistake.
    own = next((words for words in _GROUPS if dwelling.suffix in words), (dwelling.suffix,))
    others = [suffix for suffix in _SUFFIXES if suffix not in own]
    return replace(dwelling.written(), house_number=f"{dwelling.number} {rng.choice(others)}")


FORMAT = ("as_registered", "number_format", "suffix_format", "postcode_format", "street_format", "number_in_street")
STREET = ("street_abbreviated", "street_order", "street_short", "street_former", "street_misspelt", "street_missing")
TOWN = ("town_misspelt", "town_other")
POSTCODE = ("postcode_missing", "postcode_swapped", "postcode_mistyped", "postcode_alike", "postcode_digits")
NUMBER = ("number_swapped", "number_wrong")
SUFFIX = ("suffix_missing", "suffix_swapped")
CLASSES = (*FORMAT, *STREET, *TOWN, *POSTCODE, *NUMBER, *SUFFIX)
_MAKERS: dict[str, Corruption] = {name: globals()[f"_{name}"] for name in CLASSES if name != "as_registered"} | {
    "as_registered": _same
}


def corrupted(
    dwellings: Sequence[Dwelling], seed: int, classes: Sequence[str] = CLASSES
) -> Iterator[tuple[str, Dwelling, Written]]:
    """Each dwelling once in each class that it can have."""
    for name in classes:
        rng = random.Random(f"{seed} {name}")
        for dwelling in dwellings:
            written = _MAKERS[name](rng, dwelling)
            if written:
                yield name, dwelling, written
