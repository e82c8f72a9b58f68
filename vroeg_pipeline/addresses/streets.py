"""Street names as people write them: which of the register's names a text can mean, and what follows it.

Plain Python on distinct texts, so that each is read once however many records carry it. Which dwelling an address
means is decided in the statements of this room; here a text only gets its possible names, each with what had to be assumed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

# What had to be assumed to take a text for a name, and how much that weighs. A typing error weighs more by its size.
SAME, VARIANT, FORMER, SHORTENED, PART, TYPO = "same", "variant", "former", "shortened", "part", "typo"
WEIGHTS = {SAME: 0, VARIANT: 1, FORMER: 2, SHORTENED: 2, PART: 3, TYPO: 2}

# One spelling a word, the first of each line. Words that share an abbreviation (van and an initial, Prins and Prinses)
# tell no two streets of one town apart.
_WORDS = {
    word: spellings.split()[0]
    for spellings in (
        "v van", "d de der den het t ter", "burg burgemeester burgem bgm", "dr doctor dokter", "st sint sinte",
        "prof professor", "ds dominee", "mr meester", "mgr monseigneur monsgr", "ir ingenieur", "past pastoor",
        "kap kapelaan", "gen generaal", "adm admiraal", "pres president", "weth wethouder", "kon koning koningin",
        "pr prins prinses prs", "grote gr groot", "kleine kl klein", "nieuwe nw nieuw", "zr zuster",
        "1e eerste 1ste", "2e tweede 2de", "3e derde 3de", "4e vierde 4de", "5e vijfde 5de", "6e zesde 6de",
        "7e zevende 7de", "8e achtste 8ste", "9e negende 9de", "10e tiende 10de",
    )
    for word in spellings.split()
}  # fmt: skip
_TITLES = {"burg", "dr", "st", "prof", "ds", "mr", "mgr", "ir", "past", "kap", "gen", "adm", "pres", "weth", "pr"}
_KINDS = {
    short: spellings.split()[0]
    for spellings in (
        "straat str strt straet strat", "laan ln", "weg wg", "plein pln pl", "plantsoen plnts plants plts", "gracht "
        "gr grt",
        "singel sngl sgl", "kade kd", "dyk dk", "hof hf", "pad pd", "steeg stg", "dreef drf", "park prk", "eiland eil",
    )
    for short in spellings.split()
}  # fmt: skip
_KIND_AT_END = re.compile(rf"(?:{'|'.join(sorted(_KINDS, key=len, reverse=True))})$")
# Spelling before 1947 and other ways to write the same sound, after which double letters are one.
_FORMER = (("ae", "a"), ("ck", "k"), ("gh", "g"), ("th", "t"), ("ph", "f"), ("uy", "ui"), ("ei", "y"), ("ey", "y"))
_FORMER_PATTERNS = ((re.compile("sch(?![aeiouy])"), "s"), (re.compile("c(?!h)"), "k"))
_TOKEN = re.compile(r"[0-9]+(?:e|de|ste)?(?![a-z])|[0-9]+|[a-z]+")
# Where a number can begin: at digits that do not begin the text.
_NUMBER_AT = re.compile(r"(?<=[^0-9])[0-9]+")
_NUMBER_WORD = re.compile(r"[\s,.]*\b(?:nr|no|nummer|huisnr|huisnummer)?[\s,.:]*$", re.IGNORECASE)
# Whoever lives opposite or beside a door does not live behind it (DOMAIN §6); many of these words begin a street's name too.
_ANOTHER_DOOR = re.compile(r"(?<![a-z])(?:t/o|tegenover|nabij|bij|naast|achter|hoek)(?![a-z])[\s:.,]*")
_NEVER_A_NAME = re.compile(r"(?<![a-z])(?:t/o|tegenover|nabij)(?![a-z])")
_YEAR = re.compile(r"1[5-9][0-9]{2}|20[0-9]{2}")
_NO_STREET = {"", "onbekend", "nvt", "geen", "x", "xx"}


def _letters(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Nothing but the letters and digits, without case and accents."""
    return "".join(_TOKEN.findall(_letters(text)))


def _words(text: str) -> list[str]:
    """The words of a name in one spelling each, what stands behind a comma or in brackets put in front."""
    letters = _letters(text)
    if "," in letters or "(" in letters:
        first, _, behind = letters.replace("(", ",").replace(")", " ").partition(",")
        letters = f"{behind} {first}"
    words: list[str] = []
    for word in _TOKEN.findall(letters):
        words.extend(("v", "d") if word == "vd" else (_WORDS.get(word, word),))
    if words:
        words[-1] = _KIND_AT_END.sub(lambda found: _KINDS[found[0]], words[-1].replace("ij", "y"))
    return words


def _joined(words: Iterable[str]) -> str:
    return "".join(words).replace("ij", "y")


def _former(form: str) -> str:
    for old, new in _FORMER:
        form = form.replace(old, new)
    if "c" in form:
        for pattern, new in _FORMER_PATTERNS:
            form = pattern.sub(new, form)
    return "".join(letter for letter, before in zip(form, " " + form, strict=False) if letter != before)


def _untitled(words: Sequence[str]) -> set[str]:
    """The name, with its titles and without."""
    return {_joined(words), _joined(w for w in words if w not in _TITLES)}


def _with_initials(words: Sequence[str]) -> set[str]:
    """The name with initials for its first names, with titles and without."""
    if len(words) < 2 or not words[-1][0].isalpha():
        return set()
    reduced = [*(w if w in _TITLES else w[0] for w in words[:-1]), words[-1]]
    return _untitled(reduced)


def _shortened(words: Sequence[str]) -> set[str]:
    """What is left of a name when titles, initials, particles or first names are left out or reduced."""
    names = [w for w in words if len(w) > 1 and w not in _TITLES]
    forms = {
        *_untitled(words),
        *_with_initials(words),
        *_with_initials(names),
        *(_joined(words[start:]) for start in range(1, len(words))),
        *(_joined(names[start:]) for start in range(len(names))),
    }
    return {form for form in forms if len(form) >= 3 and not form.isdigit()}


@dataclass(frozen=True)
class Reading:
    """One name that a text can mean: its place in the register's names, what was assumed, and what that weighs."""

    name: int
    how: str
    weight: int


class StreetNames:
    """The street names of a register, to look texts up in."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._words = [_words(name) for name in names]
        self._forms = [_joined(words) for words in self._words]
        self._plain_forms = [plain(name) for name in names]
        self._plain: dict[str, set[int]] = {}
        self._variant: dict[str, set[int]] = {}
        self._former: dict[str, set[int]] = {}
        self._untitled: dict[str, set[int]] = {}
        self._short: dict[str, set[int]] = {}
        for number, (same, form) in enumerate(zip(self._plain_forms, self._forms, strict=True)):
            self._plain.setdefault(same, set()).add(number)
            self._variant.setdefault(form, set()).add(number)
            self._former.setdefault(_former(form), set()).add(number)
            for short in _untitled(self._words[number]):
                self._untitled.setdefault(short, set()).add(number)
            for short in _shortened(self._words[number]):
                self._short.setdefault(short, set()).add(number)

    def known(self, text: str) -> list[Reading]:
        """The names that a text means without any typing error, the likeliest first."""
        found: dict[int, str] = dict.fromkeys(self._plain.get(plain(text), ()), SAME)
        words = _words(text)
        form = _joined(words)
        for number in self._variant.get(form, ()):
            found.setdefault(number, VARIANT)
        for number in self._former.get(_former(form), ()):
            found.setdefault(number, FORMER)
        for short in _untitled(words) if len(words) > 1 else (form,):
            for number in self._short.get(short, ()):
                found.setdefault(number, SHORTENED)
        # First names in full against initials in the register, but never against other first names.
        for short in _with_initials(words):
            for number in self._untitled.get(short, ()):
                found.setdefault(number, SHORTENED)
        return sorted((Reading(n, how, WEIGHTS[how]) for n, how in found.items()), key=lambda r: (r.weight, r.name))

    def alike(self, texts: Sequence[str]) -> list[list[Reading]]:
        """For each text the names that it can mean with a small typing error, the likeliest first."""
        fewest: list[dict[int, int]] = [{} for _ in texts]
        # As written too: a mistake in a word that has an abbreviation keeps it from being taken for one.
        for forms, known in (
            ([_joined(_words(text)) for text in texts], self._forms),
            ([plain(text) for text in texts], self._plain_forms),
        ):
            for text, name, distance in near(forms, known, 3):
                if distance <= min(_typing_errors(forms[text]), fewest[text].get(name, 3)):
                    fewest[text][name] = distance
        return [
            sorted((Reading(n, TYPO, WEIGHTS[TYPO] + d) for n, d in found.items()), key=lambda r: (r.weight, r.name))
            for found in fewest
        ]

    def agrees(self, text: str, name: int) -> str | None:
        """How a text can mean the name that its postcode gives; None when it says something else.

        Wider than `alike`, as the postcode says so too: an unfinished name, words cut short, one more typing error.
        """
        words = _words(text)
        for form, known in ((_joined(words), self._forms[name]), (plain(text), self._plain_forms[name])):
            if OSA.distance(form, known, score_cutoff=4) <= _typing_errors(form) + (len(form) >= 6):
                return TYPO
        if _cut_short(words, self._words[name]):
            return PART
        short, long = sorted((plain(text), plain(self.names[name])), key=len)
        return PART if len(short) >= 5 and short in long else None


def _typing_errors(form: str) -> int:
    """How many typing errors a name of that length bears without turning into another."""
    return min(3, max(1, len(form) // 5))


def _cut_short(words: Sequence[str], name: Sequence[str]) -> bool:
    """Whether each word begins a word of the name, in order, the last one the last (`Wilh.str.`, `Nels. Mandelahof`)."""
    left = list(words)
    for word in name:
        if left and word.startswith(left[0]):
            left.pop(0)
    return not left and len(words) > 0 and len(words[-1]) >= 3 and name[-1].startswith(words[-1])


def near(texts: Sequence[str], known: Sequence[str], limit: int) -> Iterator[tuple[int, int, int]]:
    """(place in texts, place in known, distance) of all pairs at most so many typing errors apart."""
    if not known:
        return
    step = max(1, 20_000_000 // len(known))  # bounds the matrix of distances to 20 MB
    for start in range(0, len(texts), step):
        distances = process.cdist(
            texts[start : start + step], known, scorer=OSA.distance, score_cutoff=limit, dtype=np.uint8, workers=-1
        )
        rows, columns = np.nonzero(distances <= limit)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            yield start + row, column, int(distances[row, column])


def distances(left: Sequence[str], right: Sequence[str]) -> list[int]:
    """The number of typing errors between the texts of each pair."""
    if not left:
        return []
    found: list[int] = process.cpdist(left, right, scorer=OSA.distance, dtype=np.uint8).tolist()
    return found


@dataclass(frozen=True)
class StreetText:
    """A street as written: the name in it, what follows it (a number, perhaps), and the names it can mean.

    `another_door`: it says that another door is meant, like one opposite (DOMAIN §6).
    """

    text: str
    name: str
    rest: str
    certain: bool
    readings: list[Reading]
    another_door: bool = False


def read_streets(texts: Sequence[str], names: StreetNames) -> list[StreetText]:
    """Reads each text, without the words that mean another door than the one named, if it has such words."""
    marked = [_points_elsewhere(text, names) for text in texts]
    plain_texts = [
        _ANOTHER_DOOR.sub(" ", text.lower()).strip() if mark else text for text, mark in zip(texts, marked, strict=True)
    ]
    found = _read_names(plain_texts, names)
    return [
        replace(street, text=text, another_door=mark) for street, text, mark in zip(found, texts, marked, strict=True)
    ]


def _points_elsewhere(text: str, names: StreetNames) -> bool:
    """Whether a text says that another door is meant. Not where the word belongs to a street's name (Achter de Hoven)."""
    letters = _letters(text)
    if not _ANOTHER_DOOR.search(letters):
        return False
    if _NEVER_A_NAME.search(letters):
        return True
    for name, _ in _splits(text):
        own = [names.names[reading.name] for reading in [*names.known(name), *names.alike([name])[0]]]
        if any(_ANOTHER_DOOR.search(_letters(known)) for known in own):
            return False
    return bool(names.names) or _ANOTHER_DOOR.match(letters) is None


def _read_names(texts: Sequence[str], names: StreetNames) -> list[StreetText]:
    """Splits each text into name and number by the longest name that the register knows, and looks the name up.

    A text that means nothing (`onbekend`) gets no name. A name without readings is not known; where the text holds
    no digits, small typing errors are not looked for yet, as the postcode may make that needless (`agrees`).
    """
    known = cache(names.known)
    found = []
    unsure: list[tuple[int, list[tuple[str, str]]]] = []
    for text in texts:
        splits = list(_splits(text))
        for name, rest in splits:
            readings = known(name)
            if readings or plain(name) in _NO_STREET:
                found.append(StreetText(text, name if readings else "", rest, bool(readings), readings))
                break
        else:
            if len(splits) > 1:
                unsure.append((len(found), splits))
            found.append(StreetText(text, *_likely_split(splits), False, []))
    alike = iter(names.alike([name for _, splits in unsure for name, _ in splits]))
    for place, splits in unsure:
        options = [(readings, split) for split in splits if (readings := next(alike))]
        if options:
            readings, (name, rest) = min(options, key=lambda option: option[0][0].weight)
            found[place] = StreetText(found[place].text, name, rest, True, readings)
    return found


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """The ways to split a text into name and number, the longest name first; the whole text may be a name."""
    yield text, ""
    for number in reversed(list(_NUMBER_AT.finditer(text))):
        name = _NUMBER_WORD.sub("", text[: number.start()])
        if name:
            yield name, text[number.start() :]


def _likely_split(splits: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Of an unknown name: before its first number, unless that is a year in the name (`Plein 1945 27`)."""
    if len(splits) > 2 and _YEAR.match(splits[-1][1]):
        return splits[-2]
    return splits[-1]
