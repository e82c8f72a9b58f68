"""Reads an array of JSON objects as rows; numbers stay as they are written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.formats.cells import NOTHING, Cell, Kind, UnreadableError
from vroeg_pipeline.formats.encodings import encoding_of, not_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind

_LONGEST_NUMBER = 40
_WRAPPERS = (
    "data", "value", "values", "items", "rows", "records", "results", "result", "content", "response", "list", "signals",
    "signalen", "meldingen", "achterstanden", "regels", "lijst", "levering",
)  # fmt: skip


class _Number(str):
    """A JSON number as it is written."""


def is_empty_list(path: Path) -> bool:
    """Whether the file says that there are no rows."""
    return re.fullmatch(rb"(\xef\xbb\xbf)?\s*\[\s*\]\s*", path.read_bytes()) is not None


def json_rows(path: Path) -> Iterator[list[Cell]]:
    """The header (every key of any object) and then a row an object.

    Raises UnreadableError when the file is no array of objects.
    """
    refuse_other_kind(path, "json")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding_of(path, "utf-8")
        raise not_utf8(path, "utf-8") from None
    if not text.strip():
        return
    try:
        content = json.loads(
            text, parse_float=_Number, parse_int=_Number, parse_constant=_no_constant, object_pairs_hook=_unique_keys
        )
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_object(text.lstrip()):
            raise UnreadableError("is one object a line; an array of objects was agreed: [{…}, {…}]") from None
        raise UnreadableError(f"is no valid JSON at line {error.lineno}") from None
    except RecursionError:
        raise UnreadableError("is nested too deeply") from None
    if isinstance(content, dict):
        raise UnreadableError(_about_object(content))
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise UnreadableError("is no array of objects")
    keys: dict[str, str] = {}
    for item in content:
        for key in item:
            keys.setdefault(header_name(key), key)
    if not keys:
        return
    yield [(key, Kind.TEXT) for key in keys.values()]
    for item in content:
        folded = {header_name(key): value for key, value in item.items()}
        yield [_json_cell(folded.get(key)) for key in keys]


def _is_object(text: str) -> bool:
    return isinstance(json.JSONDecoder().raw_decode(text)[0], dict)


def _about_object(content: dict[str, object]) -> str:
    """A name in the file is repeated only when it is no person's."""
    inside = [key for key, value in content.items() if isinstance(value, list)]
    if not inside:
        return "is one object; an array of objects was agreed: [{…}, {…}]"
    where = f"'{inside[0]}'" if len(inside) == 1 and inside[0].casefold() in _WRAPPERS else "one of its fields"
    return f"is an object with an array in {where}; the array alone was agreed: [{{…}}, {{…}}]"


def _no_constant(name: str) -> object:
    raise UnreadableError(f"holds {name}, which is no JSON")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({header_name(key) for key, _ in pairs}) < len(pairs):
        raise UnreadableError("an object has a field twice; which one is meant is not guessed")
    return dict(pairs)


def _json_cell(value: object) -> Cell:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower(), Kind.FLAG
    if isinstance(value, _Number):
        return plain_number(value), Kind.TYPED
    if isinstance(value, str):
        return value, Kind.TEXT
    return json.dumps(value, ensure_ascii=False), Kind.OTHER


def plain_number(text: str) -> str:
    """A number without exponent, and without decimals where they are zero: 12.0 is 12, 1e3 is 1000."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        return text
    if number == number.to_integral_value():
        return (
            f"{number.to_integral_value():f}".replace("-0", "0") if number == 0 else f"{number.to_integral_value():f}"
        )
    return f"{number:f}"
