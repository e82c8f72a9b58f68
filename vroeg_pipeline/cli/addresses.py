"""`vroeg addresses`: resolves a file of addresses, or shows the way to the answer for one.

Prints; what an address means is decided in `addresses/`. Needs no Dagster, and no installation where a register is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.addresses.address_text import fields_of
from vroeg_pipeline.addresses.files import open_register, resolve_file, resolve_one
from vroeg_pipeline.domain.errors import VroegError

# What an answer rests on, and why there is none (`address_evidence`, reason).
_REASONS = {
    "postcode_and_number": "postcode, number and suffix are one dwelling, and the street does not say otherwise",
    "street_and_number": "street, number and suffix are one dwelling; its postcode is missing or mistyped",
    "postcode_nearby_and_number": "one typing error from the postcode stands one dwelling with this number and suffix",
    "no_house_number": "there is no house number from 1 to 99999 to be read",
    "two_numbers": "the street and the house number each give a number, and not the same",
    "another_door": "a word says that another door than the one named is meant",
    "damaged_suffix": "a spreadsheet made something else of the letter or the addition",
    "two_suffixes": "two suffixes are written that do not mean the same",
    "no_register": "there is no register to look in",
    "street_contradicts_postcode": "the street is another one than the postcode's",
    "street_not_in_register": "the postcode has this number, but not in a street that this can be",
    "suffix_missing": "dwellings with a suffix stand at this number, and none is written",
    "several_dwellings": "more than one dwelling fits",
    "suffix_not_in_register": "the number is there, but not with this suffix",
    "tie": "two readings are equally likely",
    "postcode_too_different": "the street has this number, but the postcode is too far from its postcode",
    "postcode_of_same_street": "the postcode is another one of this street, so the number may be the mistake",
    "postcode_of_other_municipality": "the postcode belongs to another municipality, where the address may be",
    "postcode_of_other_town": "neither the postcode nor the town is the register's, so the address may be elsewhere",
    "number_not_in_register": "the postcode is there, but not with this number",
    "no_postcode_and_no_street": "there is neither a postcode nor a street to go by",
    "not_in_register": "the register has nothing that fits",
}

_STEPS = (
    (
        "Read",
        """
        SELECT concat_ws(
            ', ', 'postcode ' || coalesce(postcode, typed || ' (not valid)'), 'street ' || street_text,
            'number ' || number, 'suffix ' || nullif(suffix, ''), 'which means ' || nullif(meaning, suffix),
            'town ' || city
        )
        FROM written_addresses
        """,
    ),
    (
        "Street can mean",
        "SELECT street || ' (' || how || ')' FROM street_readings ORDER BY weight, street",
    ),
    (
        "By postcode and number",
        """
        SELECT coalesce(dwelling.address_key || '  ' || dwelling.street, 'nothing')
        FROM written_addresses AS written
        LEFT JOIN dwellings AS dwelling
            ON written.postcode = dwelling.postcode AND written.number = dwelling.house_number
        ORDER BY dwelling.suffix
        """,
    ),
    (
        "By street, number and suffix",
        "SELECT address_key || '  ' || street || ' (' || how || ')' FROM found_by_street ORDER BY weight, address_key",
    ),
    ("By a postcode nearby", "SELECT address_key FROM found_near_postcode ORDER BY errors, address_key"),
)
_SHOWN = 8


def resolve_to_file(register: Path | None, source: Path, target: Path, out: Console) -> None:
    """Resolves each line of a CSV into another and tells how many got which status.

    Raises VroegError when a file cannot be used.
    """
    with open_register(register) as connection:
        counts = resolve_file(connection, source, target)
    told = ", ".join(f"{status} {count:,}" for status, count in counts.items()) or "no lines"
    out.print(f"{sum(counts.values()):,} addresses in {target.name}: {told}", soft_wrap=True)


def explain(register: Path | None, line: str, out: Console) -> None:
    """Shows what an address on one line is taken for, step by step.

    Raises VroegError when the line is empty or there is no register.
    """
    written = fields_of(line)
    if not written:
        raise VroegError("no address is given", do='give one like "1382 KD, Achtergracht 12"')
    with open_register(register) as connection:
        answer = resolve_one(connection, written)
        for title, query in _STEPS:
            _show(out, title, _lines(connection, query))
    evidence = json.loads(answer["address_evidence"])
    _show(out, "Stage", [f"{answer['address_stage']}: {_REASONS[evidence['reason']]}"])
    _show(out, "Answer", [f"{answer['address_key'] or 'no key'}  {answer['address_status']}"])
    if answer["nummeraanduiding_id"]:
        _show(out, "In the register", [f"{answer['register_street']}, {answer['register_city']}, "
                                       f"nummeraanduiding {answer['nummeraanduiding_id']}"])  # fmt: skip
    for kind in ("candidates", "rivals"):
        found = [f"{c['address_key']}  {c.get('street', '')} ({c['found_by']})" for c in evidence.get(kind, ())]
        _show(out, kind.capitalize(), found)
    _show(out, "Evidence", [answer["address_evidence"]])


def _lines(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [text for (text,) in connection.execute(query).fetchall() if text]


def _show(out: Console, title: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(_some(lines)):
        out.print(f"[bold]{title if number == 0 else '':<30}[/bold]{escape(line)}", soft_wrap=True)


def _some(lines: Sequence[str]) -> Iterable[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"… and {len(lines) - _SHOWN} more"
