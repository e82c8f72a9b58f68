"""What stands in a file in another form than a field has: cells that hold several fields, and constants.

A cell that does not fit its pattern goes as a whole to a field of it, so that its row is judged and never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import duckdb

from vroeg_pipeline.domain.fields import DELIVERED_FIELDS, REQUIRED_FIELDS
from vroeg_pipeline.domain.layouts import DIGITS, Layout, fields_of, from_name, parts_of
from vroeg_pipeline.formats.cells import is_blank_in_sql
from vroeg_pipeline.installation.statements import quoted

_SPACE = r"[\s\p{Z}]"
_EDGE = r"[\s\p{Z}\p{Cf}]*"
_TEXT = r"\S.*?"
_FIELDS = {
    "postcode": rf"[1-9][0-9]{{3}}{_SPACE}?[A-Za-z]{{2}}",
    # From the first digit behind a space on: of `Plein 1940-1945 12` no door is certain, and none is wrong.
    "house_number": r"[0-9].*?",
    "house_letter": r"\p{L}",
    "initials": r"\p{Lu}.*?",
    "prefix": rf"['’]?\p{{Ll}}\S*(?:{_SPACE}+['’]?\p{{Ll}}\S*)*",
}


class NoDateInNameError(Exception):
    """The file's name has no date of the agreed format, or two of them: `found`."""

    def __init__(self, found: int) -> None:
        super().__init__()
        self.found = found


def shape(con: duckdb.DuckDBPyConnection, layout: Layout, into: str, name: str) -> None:
    """Makes the table `into` anew with its fields from cells that are split and from constants; `name`: the file's.

    Raises NoDateInNameError, and then leaves the table as it is.
    """
    if not layout.split and not layout.constants:
        return
    constants = {field: _constant(constant, name) for field, constant in layout.constants.items()}
    whole = dict(_wholes(layout))
    fields = [f"{_field(field, layout, constants, whole)} AS {field}" for field in DELIVERED_FIELDS]
    partner = ["partner_in_file"] if layout.partner_column is not None else []
    split = []
    for number, pattern in enumerate(layout.split.values()):
        fields_within = fields_of(pattern)
        names = ", ".join(quoted(field) for field in fields_within)
        # No field is empty where the cell fits, but those that are not required.
        must = sorted(fields_within, key=lambda field: field not in REQUIRED_FIELDS)[0]
        split += [
            f"regexp_extract(split_{number}, {quoted(f'^{regex_of(pattern)}$')}, [{names}]) AS parts_{number}",
            f"struct_extract(parts_{number}, '{must}') <> ''"
            f" AND NOT coalesce(list_has_any(typed, ['split_{number}', 'split_{number}:other']), false) AS fits_{number}",
        ]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS "
        f"SELECT {', '.join(['row_number', *fields, *partner, _typed(constants, whole)])} "
        f"FROM (SELECT {', '.join(['*', *split])} FROM {into})"
    )


def regex_of(pattern: str) -> str:
    """A pattern of fields as a regular expression of DuckDB, for the whole cell.

    Fields that are not required may be absent, with the text between them and the field on which they hang.
    """
    (*parts, (end, _)) = parts_of(pattern)
    is_required = [field in REQUIRED_FIELDS for _, field in parts]
    anchor = is_required.index(True) if True in is_required else 0
    behind, may_be_absent = "", True
    for (text, field), required in reversed([*zip(parts, is_required, strict=True)][anchor + 1 :]):
        piece = f"{_between(text)}{_group(field)}"
        if required:
            behind, may_be_absent = piece + behind, False
        else:
            behind = f"(?:{piece}{behind})?" if may_be_absent else f"(?:{piece})?{behind}"
    before = "".join(
        f"(?:{_group(field)}{_between(parts[number + 1][0])})?" for number, (_, field) in enumerate(parts[:anchor])
    )
    return f"(?s){_EDGE}{_between(parts[0][0])}{before}{_group(parts[anchor][1])}{behind}{_between(end)}{_EDGE}"


def date_in_name(name: str, date_format: str) -> date:
    """The date in a file's name.

    Raises NoDateInNameError when there is none of this format, or there are two.
    """
    pieces = re.split(r"%(.)", date_format)
    regex = re.escape(pieces[0])
    for directive, text in zip(pieces[1::2], pieces[2::2], strict=True):
        regex += ("%" if directive == "%" else f"[0-9]{{{DIGITS[directive]}}}") + re.escape(text)
    found = set()
    for written in re.findall(rf"(?<![0-9]){regex}(?![0-9])", name):
        try:
            found.add(datetime.strptime(written, date_format).date())  # noqa: DTZ007
        except ValueError:
            continue
    if len(found) != 1:
        raise NoDateInNameError(len(found))
    return found.pop()


def _constant(constant: str, name: str) -> tuple[str, bool]:
    """The text of a constant, and whether it is a date as a spreadsheet has them."""
    date_format = from_name(constant)
    return (constant, False) if date_format is None else (date_in_name(name, date_format).isoformat(), True)


def _own(field: str) -> str:
    return f"CASE WHEN NOT {is_blank_in_sql(field)} THEN {field} END"


def _wholes(layout: Layout) -> Iterator[tuple[str, tuple[int, str]]]:
    """Each field that gets a cell as a whole: the number of the cell, and when. First the required ones do, then others,
    and none that has a text of its own."""
    for number, pattern in enumerate(layout.split.values()):
        when = f"NOT fits_{number}"
        for field in sorted(fields_of(pattern), key=lambda field: field not in REQUIRED_FIELDS):
            if field not in layout.columns:
                yield field, (number, when)
                break
            yield field, (number, f"{when} AND {_own(field)} IS NULL")
            when += f" AND {_own(field)} IS NOT NULL"


def _field(
    field: str, layout: Layout, constants: dict[str, tuple[str, bool]], whole: dict[str, tuple[int, str]]
) -> str:
    if field in constants:
        return quoted(constants[field][0])
    found = [_own(field)] if field in layout.columns else []
    for number, pattern in enumerate(layout.split.values()):
        if field in fields_of(pattern):
            fitting = f"WHEN fits_{number} THEN nullif(parts_{number}.{field}, '')"
            other = f" WHEN {whole[field][1]} THEN split_{number}" if field in whole else ""
            found.append(f"CASE {fitting}{other} END")
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0] if found else "NULL::VARCHAR"


def _typed(constants: dict[str, tuple[str, bool]], whole: dict[str, tuple[int, str]]) -> str:
    """The fields that were no text in the file: a whole cell takes along what it was."""
    lists = ["list_filter(coalesce(typed, []), lambda field: NOT starts_with(field, 'split_'))"]
    for field, (number, when) in whole.items():
        for cell, said in ((f"split_{number}", field), (f"split_{number}:other", f"{field}:other")):
            lists.append(f"CASE WHEN {when} AND list_contains(typed, '{cell}') THEN ['{said}'] ELSE [] END")
    dates = [quoted(field) for field, (_, is_date) in constants.items() if is_date]
    lists += [f"[{', '.join(dates)}]"] if dates else []
    return f"({' || '.join(lists)})::VARCHAR[] AS typed"


def _group(field: str) -> str:
    return f"(?P<{field}>{_FIELDS.get(field, _TEXT)})"


def _between(text: str) -> str:
    """The text between two fields: white space is any, and beside other signs it may be absent."""
    pieces: Sequence[str] = [piece for piece in re.split(r"(\s+)", text) if piece]
    many = "*" if len(pieces) > 1 else "+"
    return "".join(f"{_SPACE}{many}" if piece.isspace() else re.escape(piece) for piece in pieces)
