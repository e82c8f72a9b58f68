"""Where the fields of lines of fixed widths probably begin and end, by what stands in them and where they are blank."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

# Characters from-to, from 0, the end not included.
Span = tuple[int, int]

# What has a width of its own is found where it touches the next field too. A postcode may have a space in it.
_DATE = re.compile(r"[0-3][0-9][-/.][01][0-9][-/.][12][0-9]{3}|[12][0-9]{3}[-/.]?[01][0-9][-/.]?[0-3][0-9]")
_POSTCODE = re.compile(r"[1-9][0-9]{3}(?:[A-Z]{2}[^0-9]|[A-Z]{2}$| [A-Z]{2})")
_WIDTHS = ((_DATE, 10), (_DATE, 8), (_POSTCODE, 7))
_MOST = 0.7
# In so many lines one blank character is no chance.
_MANY = 20


def spans_of(lines: Sequence[str], names: str = "") -> list[Span]:
    """The spans of the fields of lines that are as long as each other, in their order. Each ends where the next begins.

    `names`: the line above them that names the fields, if there is one.
    """
    width = max(map(len, [names, *lines]), default=0)
    padded = [line.ljust(width) for line in lines]
    known: list[Span] = []
    for pattern, length in _WIDTHS:
        known += _of_pattern(padded, pattern, length, known)
    known.sort()
    found: list[Span] = []
    for first, last in zip([0, *(end for _, end in known)], [*(start for start, _ in known), width], strict=True):
        found += _by_blanks(padded, names.ljust(width), first, last)
    starts = sorted({start for start, _ in [*known, *found]})
    return [*zip(starts, [*starts[1:], width], strict=True)]


def _of_pattern(lines: Sequence[str], pattern: re.Pattern[str], length: int, taken: Sequence[Span]) -> Iterator[Span]:
    at, width = 0, len(lines[0]) if lines else 0
    while at + length <= width:
        is_free = all(end <= at or at + length <= start for start, end in taken)
        filled = [line[at : at + length] for line in lines if line[at : at + length].strip()]
        fitting = sum(pattern.fullmatch(text) is not None for text in filled)
        if is_free and filled and 2 * len(filled) >= len(lines) and fitting >= _MOST * len(filled):
            yield at, at + length
            at += length
        else:
            at += 1


def _by_blanks(lines: Sequence[str], names: str, first: int, last: int) -> list[Span]:
    """The spans within a stretch: between two of them no line has anything."""
    least = 1 if len(lines) >= _MANY else 2
    blank = [all(line[at] == " " for line in (*lines, names)) for at in range(first, last)]
    pieces = [
        (first + found.start(), first + found.end())
        for found in re.finditer(rf"x(?:_{{0,{least - 1}}}x)*", "".join("_" if b else "x" for b in blank))
    ]
    spans: list[Span] = []
    start = first
    for number, (_, end) in enumerate(pieces):
        behind = pieces[number + 1][0] if number + 1 < len(pieces) else last
        # What is aligned to the right has room in front of it: a longer number has its first digits there.
        is_left = number + 1 == len(pieces) or sum(line[behind] != " " for line in lines) >= _MOST * len(lines)
        stop = behind if is_left else (end + behind) // 2
        spans.append((start, stop))
        start = stop
    return spans
