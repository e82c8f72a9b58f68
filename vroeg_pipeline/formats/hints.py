"""Where the agreed headers stand when they are not the first row, for who has to mend the file. No cell is repeated."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault, Said, delimiter_said
from vroeg_pipeline.formats.cells import Header
from vroeg_pipeline.formats.values import is_value

# Below so many lines no header is looked for.
LOOKED_AT = 20
_DELIMITERS = ";,\t|"
# Of so many cells of the first row half are values: a row with people, and no headers.
_FEWEST_VALUES = 3
_TELLING = ("postcode", "arrears_since", "reference_date")


def where_headers_stand(
    rows: Sequence[tuple[int, Sequence[str]]], header: Sequence[str], agreed: Collection[str], lines_above: int
) -> Said | None:
    """`rows`: (line, cells) of the first rows; `header`: the row that was taken for the headers; `agreed`: those that were
    agreed, with so many lines above them. None when they are nowhere else."""
    if _are_headers(header, agreed):
        return None
    for line, cells in rows:
        if _are_headers(cells, agreed):
            if lines_above:
                return Fault.HEADERS_ELSEWHERE.said(line=line, agreed=lines_above + 1)
            return Fault.HEADERS_BELOW.said(line=line)
    if sum(is_value(cell) for cell in header) >= max(_FEWEST_VALUES, sum(bool(cell.strip()) for cell in header) / 2):
        return Fault.VALUES_NOT_HEADERS.said()
    return None


def how_headers_stand(
    lines: Sequence[str], delimiter: str, header: Sequence[str], agreed: Collection[str], lines_above: int
) -> Said | None:
    """The same for the first lines of a CSV that was split by `delimiter`: another one, or quotes around whole lines."""
    if _are_headers(header, agreed):
        return None
    split = [*enumerate(_split(lines, delimiter), start=1)]
    if below := where_headers_stand(split, header, agreed, lines_above):
        return below
    # Quotes around whole lines leave one cell a line.
    whole = ["".join(cells[:1]) for _, cells in split]
    said = delimiter_said(delimiter)
    for other in dict.fromkeys((delimiter, *_DELIMITERS)):
        name = delimiter_said(other)
        for line, cells in enumerate(_split(whole, other), start=1):
            if _are_headers(cells, agreed) and any('"' in text for text in lines[line - 1 : line]):
                return Fault.QUOTED_LINES.said(sign=name)
        for line, cells in enumerate(_split(lines, other), start=1):
            if other != delimiter and _are_headers(cells, agreed):
                where = f" on line {line}" if line > 1 else ""
                return Fault.OTHER_DELIMITER.said(found=name, agreed=said, where=where)
    return Fault.NO_DELIMITER.said(agreed=said) if len(header) == 1 and len(agreed) > 1 else None


def goes_on_with_a_row(header: Header) -> bool:
    """Whether a row stands behind the headers, as their line end is missing: a postcode and dates as far from each other as
    their headers are.
    """
    if not all(field in header.positions for field in _TELLING):
        return False
    places = [header.positions[field] for field in _TELLING]
    return any(
        all(is_value(header.unexpected.get(further + place, "")) for place in places)
        for further in range(max(header.positions.values()) + 1, header.width)
    )


def _are_headers(cells: Sequence[str], agreed: Collection[str]) -> bool:
    """Whether at least half of the agreed headers are among the cells."""
    wanted = {header_name(header) for header in agreed}
    return len(wanted) > 0 and 2 * len(wanted & {header_name(cell) for cell in cells}) >= len(wanted)


def _split(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    for line in lines:
        yield next(csv.reader([line.strip("\r\n").replace("\n", " ")], delimiter=delimiter), [])
