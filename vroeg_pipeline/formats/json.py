"""Reads JSON objects, in an array or one a line; numbers stay as they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault, Said
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.encodings import encoding_of, not_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.records import NOWHERE, Number, Repeating, path_of, value_at

# Not as an agreement writes it: Excel saves no JSON.
_ENCODING = "UTF-8"
_LINE_END = re.compile(r"\r\n|\n|\r")
_WRAPPERS = (
    "data", "value", "values", "items", "rows", "records", "results", "result", "content", "response", "list", "signals",
    "signalen", "meldingen", "achterstanden", "regels", "lijst", "levering",
)  # fmt: skip


def json_records(path: Path, records_at: str | None = None) -> list[dict[str, object]]:
    """The objects of an array; `records_at`: the path to it within an object.

    Raises UnreadableError when the file is no array of objects.
    """
    text = _text(path)
    try:
        content = _parsed(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _is_object(text.lstrip()):
            raise UnreadableError(Fault.OBJECT_A_LINE.said()) from None
        raise _no_json(error, text) from None
    if records_at is not None:
        if isinstance(content, list):
            raise UnreadableError(Fault.ARRAY_NOT_OBJECT.said(path=records_at))
        content = value_at(content, path_of(records_at))
        if content is NOWHERE:
            raise UnreadableError(Fault.NOTHING_AT_PATH.said(path=records_at))
    elif isinstance(content, dict):
        raise UnreadableError(_about_object(content))
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise UnreadableError(Fault.NO_ARRAY_AT_PATH.said(path=records_at) if records_at else Fault.NO_ARRAY.said())
    return content


def json_content(path: Path) -> object:
    """Whatever one JSON text holds; None where the file holds several behind each other.

    Raises UnreadableError when it is no JSON.
    """
    text = _text(path)
    try:
        return _parsed(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return None
        raise _no_json(error, text) from None


def json_lines(path: Path) -> list[dict[str, object]]:
    """The objects of a file with one a line.

    Raises UnreadableError when a line holds anything else.
    """
    records = []
    for number, line in enumerate(_LINE_END.split(_text(path)), start=1):
        if not line.strip():
            continue
        try:
            record = _parsed(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            if number == 1 and line.lstrip().startswith("["):
                raise UnreadableError(Fault.ARRAY_NOT_LINES.said())
            raise UnreadableError(Fault.NO_OBJECT_IN_LINE.said(line=number))
        records.append(record)
    return records


def _text(path: Path) -> str:
    refuse_other_kind(path, "json")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding_of(path, _ENCODING)
        raise not_utf8(path, _ENCODING) from None


def _parsed(text: str) -> object:
    try:
        # A control character spoils its value, not its file (DOMAIN §4).
        return json.loads(
            text, parse_float=Number, parse_int=Number, parse_constant=_no_constant,
            object_pairs_hook=_object, strict=False,
        )  # fmt: skip
    except RecursionError:
        raise UnreadableError(Fault.TOO_DEEP.said()) from None


def _is_object(text: str) -> bool:
    return isinstance(json.JSONDecoder(strict=False).raw_decode(text)[0], dict)


def _about_object(content: dict[str, object]) -> Said:
    """A name in the file is repeated only when it is no person's."""
    inside = [key for key, value in content.items() if isinstance(value, list)]
    if not inside:
        return Fault.ONE_OBJECT.said()
    if len(inside) == 1 and inside[0].casefold() in _WRAPPERS:
        return Fault.ARRAY_WITHIN.said(where=f"'{inside[0]}'")
    return Fault.ARRAY_WITHIN.said(where=Said("one of its fields", "een van de velden"))


def _no_json(error: json.JSONDecodeError, text: str) -> UnreadableError:
    if error.msg == "Extra data":
        return UnreadableError(Fault.SEVERAL_JSON.said())
    # A text that begins and never ends is told from its beginning on.
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return UnreadableError(Fault.JSON_CUT_OFF.said(line=error.lineno), error.lineno)
    return UnreadableError(Fault.NO_JSON.said(line=error.lineno, column=error.colno), error.lineno)


def _no_constant(name: str) -> object:
    raise UnreadableError(Fault.NO_JSON_NUMBER.said(name=name))


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    folded = [header_name(key) for key, _ in pairs]
    return dict(pairs) if len({*folded}) == len(pairs) else Repeating(pairs, folded)
