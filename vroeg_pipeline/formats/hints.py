"""Where the agreed headers stand when they are not the first row, for who has to mend the file. No cell is repeated."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence

from vroeg_pipeline.domain.fields import header_name

# Below so many lines no header is looked for.
LOOKED_AT = 20
_DELIMITERS = {";": "';'", ",": "','", "\t": "a tab", "|": "'|'"}


def where_headers_stand(
    rows: Sequence[tuple[int, Sequence[str]]], header: Sequence[str], agreed: Collection[str], lines_above: int
) -> str | None:
    """`rows`: (line, cells) of the first rows; `header`: the row that was taken for the headers; `agreed`: those that were
    agreed, with so many lines above them. None when they are nowhere else."""
    if _are_headers(header, agreed):
        return None
    below = (line for line, cells in rows if _are_headers(cells, agreed))
    instead = (
        f"header_row: {lines_above + 1} was agreed"
        if lines_above
        else "they have to stand above all else, unless header_row: {} is agreed"
    )
    return next((f"the headers stand on line {line}; {instead.format(line)}" for line in below), None)


def how_headers_stand(
    lines: Sequence[str], delimiter: str, header: Sequence[str], agreed: Collection[str], lines_above: int
) -> str | None:
    """The same for the first lines of a CSV that was split by `delimiter`: another one, or quotes around whole lines."""
    if _are_headers(header, agreed):
        return None
    split = [*enumerate(_split(lines, delimiter), start=1)]
    if below := where_headers_stand(split, header, agreed, lines_above):
        return below
    # Quotes around whole lines leave one cell a line.
    whole = ["".join(cells[:1]) for _, cells in split]
    for other, name in {delimiter: _DELIMITERS.get(delimiter, f"'{delimiter}'"), **_DELIMITERS}.items():
        for line, cells in enumerate(_split(whole, other), start=1):
            if _are_headers(cells, agreed) and any('"' in text for text in lines[line - 1 : line]):
                return (
                    f"each line stands in quotes as a whole; write quotes around cells alone, with {name} between them"
                )
        for line, cells in enumerate(_split(lines, other), start=1):
            if other != delimiter and _are_headers(cells, agreed):
                where = f" on line {line}" if line > 1 else ""
                agreed_one = _DELIMITERS.get(delimiter, f"'{delimiter}'")
                return f"the delimiter is {name}, {agreed_one} was agreed; with {name} the headers are there{where}"
    return None


def _are_headers(cells: Sequence[str], agreed: Collection[str]) -> bool:
    """Whether at least half of the agreed headers are among the cells."""
    wanted = {header_name(header) for header in agreed}
    return len(wanted) > 0 and 2 * len(wanted & {header_name(cell) for cell in cells}) >= len(wanted)


def _split(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    for line in lines:
        yield next(csv.reader([line.strip("\r\n").replace("\n", " ")], delimiter=delimiter), [])
