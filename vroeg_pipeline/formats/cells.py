"""What all formats share: cells, headers, and the error of a file that cannot be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.installation.statements import quoted

# White space of any kind and characters that cannot be seen, as first and last of a range: the same as in the macro text_of.
_BLANKS = (
    (0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0xAD, 0xAD), (0x0600, 0x0605), (0x061C, 0x061C),
    (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x0891), (0x08E2, 0x08E2), (0x1680, 0x1680), (0x180E, 0x180E),
    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x2064), (0x2066, 0x206F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0001, 0xE0001), (0xE0020, 0xE007F),
)  # fmt: skip
# What counts as nothing at the edges of a text.
BLANK = "".join(chr(code) for first, last in _BLANKS for code in range(first, last + 1))
_EMPTY = quoted(f'{BLANK}="')


class Kind(Enum):
    """What a cell was to the program that wrote it. FLAG: yes or no; OTHER: an object, a list, a time."""

    TEXT = 1
    TYPED = 2  # a number or date
    FLAG = 3
    OTHER = 4
    UNSAVED = 5  # a formula of which the outcome was not saved


# Its text and its kind.
Cell = tuple[str | None, Kind]
NOTHING: Cell = (None, Kind.TEXT)


def is_blank(text: str | None) -> bool:
    """Whether nothing is left of a text (DOMAIN §4), as that of a cell in which nobody sees anything."""
    bare = text.strip(BLANK) if text else ""
    # A spreadsheet may write an empty text as ="".
    return not bare or (bare[:2] == '="' and bare[2:-1].strip(BLANK) == "" and bare[-1] == '"' and len(bare) > 2)


def is_blank_in_sql(text: str) -> str:
    """The same of an expression of DuckDB, of which signs like `==` are nothing either."""
    # Trimming so many characters takes ten times as long as a look at the first one.
    is_sign = f"unicode({text}) BETWEEN 33 AND 126 AND unicode({text}) <> 61"
    return f"CASE WHEN {is_sign} THEN false ELSE trim({text}, {_EMPTY}) = '' END"


def is_blank_row(row: Iterable[Cell]) -> bool:
    """Whether a row is wholly empty, and so none."""
    return all(is_blank(text) for text, _ in row)


_SOME_OTHER = Said("another encoding", "een andere codering")


class UnreadableError(Exception):
    """The file's form is broken; it says how, without its content. `line`: where, from 1, as far as that is known."""

    def __init__(self, said: Said, line: int | None = None) -> None:
        super().__init__(said.english)
        self.said, self.line = said, line


class WrongEncodingError(UnreadableError):
    """The file's bytes are no text in the encoding that is expected. `found`: in which they are instead."""

    def __init__(self, said: Said, line: int | None = None, found: Said = _SOME_OTHER) -> None:
        super().__init__(said, line)
        self.found = found


@dataclass(frozen=True)
class Header:
    """The headers of a file against the wanted ones. `positions`: name of the wanted one to column. `written`: all as
    they are written; `unexpected`: column, from 0, to what stands there, which may be a person (DOMAIN §12)."""

    positions: Mapping[str, int]
    width: int
    written: tuple[str, ...]
    unexpected: Mapping[int, str]

    @classmethod
    def of(cls, headers: Sequence[str], wanted: Mapping[str, tuple[str, ...]]) -> Header:
        """`wanted`: name to the headers it may have, of which the first that is there counts.

        Raises UnreadableError when a wanted header is there twice.
        """
        found = [header_name(header) for header in headers]
        positions: dict[str, int] = {}
        known = set()
        for name, alike in wanted.items():
            for header in alike:
                folded = header_name(header)
                if found.count(folded) > 1:
                    raise UnreadableError(Fault.COLUMN_TWICE.said(header=header))
                if folded in found:
                    positions.setdefault(name, found.index(folded))
                    known.add(found.index(folded))
        unexpected = {at: h.strip(BLANK) for at, h in enumerate(headers) if at not in known and h.strip(BLANK)}
        return cls(positions, len(headers), tuple(headers), unexpected)

    @classmethod
    def by_position(cls, width: int, wanted: Mapping[str, int]) -> Header:
        """Of a file without a header, as wide as this. `wanted`: name to column, from 0."""
        return cls({name: at for name, at in wanted.items() if 0 <= at < width}, width, (), {})
