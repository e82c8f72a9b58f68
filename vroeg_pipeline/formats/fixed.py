"""Reads a file in which each field stands at fixed characters of a line."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.cells import UnreadableError, is_blank
from vroeg_pipeline.formats.encodings import AUTO, decoded, is_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.spans import Span

# DOS writes it behind the last line.
_END_OF_FILE = "\x1a"
_LOOKED_AT = 20
# Of dates and postcodes.
_ENOUGH_DIGITS, _ENOUGH_FIELDS = 4, 2


def fixed_lines(path: Path, encoding: str, lines_above: int, spans: Sequence[Span] = ()) -> list[str]:
    """The lines with anything on them below those that are none of the table.

    `spans`: characters from-to of each field, from 1, both included. Raises UnreadableError when the file is no text in the
    agreed encoding, is measured in bytes, or has rows behind each other in one line.
    """
    refuse_other_kind(path, "fixed")
    below = _lines(path, encoding)[lines_above:]
    numbered = [(number, line) for number, line in enumerate(below, start=lines_above + 1) if not is_blank(line)]
    lines = [line for _, line in numbered]
    _refuse_rows_behind_each_other(numbered, spans)
    if (encoding == AUTO or is_utf8(encoding)) and is_measured_in_bytes(lines):
        raise UnreadableError(Fault.FIXED_BYTES.said())
    return lines


def first_lines(path: Path, encoding: str, count: int) -> list[str]:
    """The first lines of a file that `fixed_lines` reads."""
    return _lines(path, encoding)[:count]


def is_measured_in_bytes(lines: Sequence[str]) -> bool:
    """Whether lines are as long as each other in bytes of UTF-8, and not in characters."""
    return len(lines) > 1 and len({len(line.encode()) for line in lines}) == 1 < len({len(line) for line in lines})


def _lines(path: Path, encoding: str) -> list[str]:
    text = decoded(path, encoding).removeprefix("\ufeff").rstrip(_END_OF_FILE)
    # A printer begins a page by a form feed.
    return [line.rstrip("\n").lstrip("\f") for line in io.StringIO(text, newline=None)]


def _refuse_rows_behind_each_other(lines: Sequence[tuple[int, str]], spans: Sequence[Span]) -> None:
    """Raises UnreadableError where a line goes on behind its last field as it began: a line end is missing there.

    What is not agreed may stand behind the fields too, so a line that is long is looked at only where others are not so
    long, or among the first.
    """
    if not lines or not spans:
        return
    end = max(last for _, last in spans)
    usual = Counter(len(line) for _, line in lines).most_common(1)[0][0]
    for at, (number, line) in enumerate(lines):
        if len(line) >= 2 * end and (at < _LOOKED_AT or len(line) != usual) and _begins_anew(line, end, spans):
            raise UnreadableError(Fault.ROWS_BEHIND_EACH_OTHER.said(line=number), number)


def _begins_anew(line: str, end: int, spans: Sequence[Span]) -> bool:
    """Whether what fills its field with digits (dates, postcodes) is there again behind the last field, each as far away:
    01-03-2021 is as 31-12-2020. So is the beginning of the first field, as two dates may well follow each other elsewhere.
    """
    shape = "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in line)
    begin = min(first for first, _ in spans) - 1
    fields = [(first - 1, shape[first - 1 : last]) for first, last in spans]
    telling = [
        (at, text)
        for at, text in fields
        if text.count("9") >= _ENOUGH_DIGITS and text == text.strip() and "," not in text
    ]
    if len(telling) < _ENOUGH_FIELDS:
        return False
    at, text = telling[0]
    found = shape.find(text, at + end)
    while found >= 0:
        further = found - at
        if all(shape.startswith(other, start + further) for start, other in [*telling, (begin, shape[begin])]):
            return True
        found = shape.find(text, found + 1)
    return False
