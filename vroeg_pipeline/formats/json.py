"""Reads JSON objects, in an array or one a line; numbers stay as they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.encodings import encoding_of, not_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.records import NOWHERE, Number, path_of, value_at

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
            raise UnreadableError(
                "is one object a line; an array of objects was agreed: [{…}, {…}] (format jsonl can be agreed)"
            ) from None
        raise UnreadableError(f"is no valid JSON at line {error.lineno}") from None
    if records_at is not None:
        if isinstance(content, list):
            raise UnreadableError(f"is an array; an object with an array at '{records_at}' was agreed")
        content = value_at(content, path_of(records_at))
        if content is NOWHERE:
            raise UnreadableError(f"has nothing at '{records_at}', where an array of objects was agreed")
    elif isinstance(content, dict):
        raise UnreadableError(_about_object(content))
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        where = f"has no array of objects at '{records_at}'" if records_at else "is no array of objects"
        raise UnreadableError(where)
    return content


def json_content(path: Path) -> object:
    """Whatever one JSON text holds; None where the file holds several behind each other.

    Raises UnreadableError when it is no JSON.
    """
    try:
        return _parsed(_text(path))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return None
        raise UnreadableError(f"is no valid JSON at line {error.lineno}") from None


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
                raise UnreadableError("is an array; one object a line was agreed (format json can be agreed)")
            raise UnreadableError(f"has no JSON object in line {number}; one object a line was agreed")
        records.append(record)
    return records


def _text(path: Path) -> str:
    refuse_other_kind(path, "json")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        encoding_of(path, "utf-8")
        raise not_utf8(path, "utf-8") from None


def _parsed(text: str) -> object:
    try:
        return json.loads(
            text, parse_float=Number, parse_int=Number, parse_constant=_no_constant, object_pairs_hook=_unique_keys
        )
    except RecursionError:
        raise UnreadableError("is nested too deeply") from None


def _is_object(text: str) -> bool:
    return isinstance(json.JSONDecoder().raw_decode(text)[0], dict)


def _about_object(content: dict[str, object]) -> str:
    """A name in the file is repeated only when it is no person's."""
    inside = [key for key, value in content.items() if isinstance(value, list)]
    if not inside:
        return "is one object; an array of objects was agreed: [{…}, {…}]"
    where = f"'{inside[0]}'" if len(inside) == 1 and inside[0].casefold() in _WRAPPERS else "one of its fields"
    return (
        f"is an object with an array in {where}; the array alone was agreed: [{{…}}, {{…}}] (records_at can be agreed)"
    )


def _no_constant(name: str) -> object:
    raise UnreadableError(f"holds {name}, which is no JSON")


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({header_name(key) for key, _ in pairs}) < len(pairs):
        raise UnreadableError("an object has a field twice; which one is meant is not guessed")
    return dict(pairs)
