"""What the cells of a column look like: dates, amounts, postcodes. Only counts of them leave this module, no cell does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from vroeg_pipeline.formats.cells import Cell, Kind

# In the order in which they are preferred where a text fits more than one. What may stand behind a moment is part of it.
_ZONES = ("", "Z", "+00:00", "+01:00", "+02:00")
DATE_FORMATS: tuple[str, ...] = (
    "%d-%m-%Y", "%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d.%m.%Y", "%Y/%m/%d", "%d%m%Y", "%d-%m-%y", "%d/%m/%y", "%m/%d/%Y",
    "%d-%m-%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f", *(f"%Y-%m-%dT%H:%M:%S{zone}" for zone in _ZONES),
    *(f"%Y-%m-%dT%H:%M:%S.%f{zone}" for zone in _ZONES), "%Y-%m-%dT%H:%M",
)  # fmt: skip
_YEARS = (1900, 2100)
# Days since 1899-12-30 from 1954 to 2064.
_SERIALS = (20_000, 60_000)

_DATE = re.compile(r"[0-9]{1,4}[-/.]?[0-9]{1,2}[-/.]?[0-9]{2,4}(?:[T ].{4,21})?")
_POSTCODE = r"[1-9][0-9]{3}\s?[A-Za-z]{2}"
_NUMBER = r"[1-9][0-9]{0,4}(?:\s*[-/]?\s*(?:[A-Za-z]{1,4}|[0-9]{1,4}|[A-Za-z][0-9]{1,3}|hs|huis|bis))?"
_WORD = r"[^\W\d_]"
_PATTERNS = {
    "postcode": _POSTCODE,
    "place": rf"{_POSTCODE}\s+{_WORD}.*",
    "street_and_number": rf"(?=.*{_WORD}{{2}})(?:\S.*?)\s+{_NUMBER}",
    "whole_address": rf"(?=.*{_WORD}{{2}})(?:\S.*?)\s+{_NUMBER}(?:,\s*|\s+){_POSTCODE}\s+{_WORD}.*",
    "house_number": rf"(?:(?:nr|no|huisnr)\.?\s*)?{_NUMBER}",
    "letter": _WORD,
    "short": r".{1,8}",
    "words": rf"(?=.*{_WORD}).*",
    "name": rf"[^\d@]*{_WORD}[^\d@]*",
    "name_with_comma": rf"[^\d@,]*{_WORD}[^\d@,]*,\s*[A-Z][A-Za-z.\s]{{0,15}}?\.?(?:\s+[a-z'’][a-z'’\s]*)?",
    "name_with_initials": rf"(?:[A-Z]\.\s?)+\s*(?:[a-z'’]+\s+)*[A-Z]{_WORD}.*",
    "initials": r"(?:[A-Za-z]{1,2}\.\s?){1,6}|[A-Z]{1,5}|[A-Z]",
    "prefix": r"(?:[Vv]an|[Dd]er?|[Dd]en|[Tt]e[nr]?|'[ts]|[Vv]/d|[Vv]\.?\s?d\.?|[Ee]l|[Bb]en|[Oo]p|[Ii]n|[Uu]it)"
    r"(?:\s+(?:de[rn]?|het|'t|la))?",
    "street": r".*(?:straat|str\.?|laan|weg|plein|gracht|kade|singel|hof|dijk|pad|park|markt|steeg)\b.*",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "phone": r"(?:\+|00|0)[0-9][0-9\s()-]{6,16}",
    "flag": r"(?i:ja|j|nee|n|true|false|waar|onwaar|x|yes|no|y|1|0)",
    "known_flag": r"(?i:ja|j|true|1|x|nee|n|false|0)",
    "whole": r"[+-]?[0-9]+",
    "days": r"[0-9]{1,5}",
    "cents_comma": r".*[0-9],[0-9]{1,2}\D*|.*\.[0-9]{3},.*|.*[0-9],-.*",
    "cents_point": r".*[0-9]\.[0-9]{1,2}\D*|.*,[0-9]{3}\..*",
    "reference": r"(?=.*[0-9])[\w./ -]{1,40}",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
_AMOUNT = re.compile(
    r"[-+−]?[0-9]{1,3}(?:[. ,][0-9]{3})*(?:[.,][0-9]+)?(?:,--?|,=)?[-−]?|[-+−]?[0-9]+(?:[.,][0-9]+)?[-−]?"
)


@dataclass(frozen=True)
class Values:
    """The filled cells of a column, for questions about them."""

    cells: tuple[tuple[str, bool], ...]

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Values:
        found = ((text.strip(), kind is Kind.TYPED) for text, kind in cells if text)
        return cls(tuple((text, typed) for text, typed in found if text))

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def distinct(self) -> int:
        return len({text for text, _ in self.cells})

    def share(self, *names: str) -> float:
        """Which part of the cells is one of these; 0 where there are none."""
        tests = [_TESTS[name] for name in names]
        return sum(any(test(text) for test in tests) for text, _ in self.cells) / max(len(self.cells), 1)

    def count(self, name: str) -> int:
        return sum(_TESTS[name](text) for text, _ in self.cells)

    def count_formats(self, chosen: Sequence[str]) -> dict[str, int]:
        """How many dates fit each format that none of the chosen ones reads."""
        found = dict.fromkeys(DATE_FORMATS, 0)
        for text, typed in self.cells:
            if typed and _is_iso(text):
                continue
            fitting = formats_of(text)
            if not set(fitting) & set(chosen):
                for date_format in fitting:
                    found[date_format] += 1
        return found

    @property
    def serials(self) -> int:
        """How many cells are the serial number of a day as Excel counts them."""
        return sum(_is_serial(text) for text, _ in self.cells)

    @property
    def median_day(self) -> date | None:
        """The day in the middle; None where there are no dates."""
        days = sorted(day for text, _ in self.cells if (day := _day(text)))
        return days[len(days) // 2] if days else None

    @property
    def median_number(self) -> float:
        """The number in the middle, 0 where there are none; text counts as written, without its separators."""
        found = sorted(number for text, _ in self.cells if (number := _number(text)) is not None)
        return found[len(found) // 2] if found else 0


def is_value(text: str) -> bool:
    """Whether a text is a value and can be no header: a date, a postcode, an amount, an address for e-mail."""
    text = text.strip()
    return any(_TESTS[name](text) for name in ("date", "postcode", "amount", "email", "phone"))


@lru_cache(maxsize=16_384)
def formats_of(text: str) -> tuple[str, ...]:
    """The formats by which a text is a day of this century or the one before."""
    if not _DATE.fullmatch(text):
        return ()
    return tuple(date_format for date_format in DATE_FORMATS if _parsed(text, date_format))


def _parsed(text: str, date_format: str) -> date | None:
    try:
        day = datetime.strptime(text, date_format).date()  # noqa: DTZ007
    except ValueError:
        return None
    return day if _YEARS[0] <= day.year <= _YEARS[1] else None


def _day(text: str) -> date | None:
    found = formats_of(text)
    return _parsed(text, found[0]) if found else None


def _is_iso(text: str) -> bool:
    return re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None


def _is_serial(text: str) -> bool:
    found = re.fullmatch(r"([0-9]{5})(?:[.,][0-9]+)?", text)
    return found is not None and _SERIALS[0] <= int(found[1]) <= _SERIALS[1]


def _is_amount(text: str) -> bool:
    bare = re.sub(r"(?i)€|eur|\s", "", text)
    return _AMOUNT.fullmatch(bare) is not None


def _number(text: str) -> float | None:
    digits = re.sub(r"[^0-9]", "", re.sub(r"[.,][0-9]{1,2}\D*$", "", text))
    return float(digits) if digits and _is_amount(text) else None


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: len(text) <= 200 and pattern.fullmatch(text) is not None


_TESTS: dict[str, Callable[[str], bool]] = {
    **{name: _matches(pattern) for name, pattern in _COMPILED.items()},
    "date": lambda text: bool(formats_of(text)),
    "serial": _is_serial,
    "amount": _is_amount,
    "any": lambda text: bool(text),
}
