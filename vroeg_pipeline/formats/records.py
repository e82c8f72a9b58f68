"""Records of JSON and XML, objects in objects, as rows: an agreed header may be a path (client, a point, naam)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.cells import NOTHING, Cell, Kind, UnreadableError, is_blank

_LONGEST_NUMBER = 40
_MORE: Cell = ("more", Kind.TEXT)


class Number(str):
    """A number as it is written."""


class Element(dict[str, object]):
    """An element of XML that has attributes (`@id`) or elements within; its own text is `#text`."""

    @property
    def is_text(self) -> bool:
        return all(key[0] in "@#" for key in self)


class Repeating(dict[str, object]):
    """An object of JSON that has names more than once (`repeated`, as `header_name` gives them). Only of a name that was
    agreed it matters which is meant.
    """

    def __init__(self, pairs: Iterable[tuple[str, object]], folded: Iterable[str]) -> None:
        super().__init__(pairs)
        self.repeated = frozenset(name for name, count in Counter(folded).items() if count > 1)


class _Nowhere:
    """Where a path leads that is not there."""


NOWHERE = _Nowhere()


def path_of(header: str) -> list[str]:
    """A header with points as the names of objects in objects."""
    return [header_name(part) for part in header.split(".")]


def value_at(record: object, path: Sequence[str], seen: dict[int, Mapping[str, object]] | None = None) -> object:
    """What stands at a path, NOWHERE where there is nothing. A name that has points itself goes before a path.

    `seen`: of the same record, so that each object in it is looked through once. Raises UnreadableError where the path goes
    through a name that an object has twice.
    """
    if not path:
        return record
    if not isinstance(record, Mapping):
        return NOWHERE
    folded = _folded(record, {} if seen is None else seen)
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        _refuse_repeated(record, name)
        if name in folded and (found := value_at(folded[name], path[length:], seen)) is not NOWHERE:
            return found
    return NOWHERE


def _refuse_repeated(record: Mapping[str, object], name: str) -> None:
    if isinstance(record, Repeating) and name in record.repeated:
        raise UnreadableError(Fault.FIELD_TWICE.said())


def _folded(record: Mapping[str, object], seen: dict[int, Mapping[str, object]]) -> Mapping[str, object]:
    if id(record) not in seen:
        seen[id(record)] = {header_name(key): value for key, value in record.items()}
    return seen[id(record)]


def record_rows(
    records: Sequence[Mapping[str, object]], agreed: Collection[str], own_name: str = ""
) -> Iterator[list[Cell]]:
    """The header (every name in any record, and of `agreed` the paths that lead somewhere) and then a row a record.

    `own_name`: of the records themselves, with which a path may begin. Raises UnreadableError where an object has what was
    agreed twice.
    """
    names, plain, paths = _columns(records, agreed, own_name)
    if not plain and not paths:
        return
    through = _through(paths, agreed)
    wanted = {header_name(header) for header in agreed}.intersection(plain)
    # The last column has no name: that there is more in a record than what is agreed.
    yield [(text, Kind.TEXT) for text in [*(names[name] for name in plain), *paths, ""]]
    for record in records:
        seen: dict[int, Mapping[str, object]] = {}
        folded = _folded(record, seen)
        for name in wanted if isinstance(record, Repeating) else ():
            _refuse_repeated(record, name)
        row = [cell_of(folded.get(name)) for name in plain]
        row += [cell_of(value_at(record, path, seen)) for path in paths.values()]
        yield [*row, _MORE if any(_holds_anything(folded.get(name)) for name in through) else NOTHING]


def blank_record(
    records: Sequence[Mapping[str, object]], agreed: Collection[str], own_name: str = ""
) -> dict[str, object]:
    """A record without a value, which is no row, with each name and agreed path that any of the records has: before some of
    them it makes their columns those of all."""
    names, _, paths = _columns(records, agreed, own_name)
    blank: dict[str, object] = dict.fromkeys(names.values())
    for path in paths.values():
        here = blank
        for part in path[:-1]:
            name = _as_written(here, part)
            within = here.get(name)
            if not isinstance(within, dict):
                within = here[name] = {}
            here = within
        here.setdefault(_as_written(here, path[-1]), None)
    return blank


def _as_written(names: Collection[str], folded: str) -> str:
    return next((name for name in names if header_name(name) == folded), folded)


def _columns(
    records: Sequence[Mapping[str, object]], agreed: Collection[str], own_name: str
) -> tuple[dict[str, str], list[str], dict[str, Sequence[str]]]:
    """The names in any record, folded to as written; those that are a column; the agreed paths that lead somewhere."""
    names: dict[str, str] = {}
    for record in records:
        for name in record:
            names.setdefault(header_name(name), name)
    wanted = {header_name(header): path_of(header) for header in agreed if "." in header}
    paths = _that_lead_somewhere(records, wanted)
    below = {header: path[1:] for header, path in wanted.items() if header not in paths and path[0] == own_name}
    paths |= _that_lead_somewhere(records, below)
    through = _through(paths, agreed)
    return names, [name for name in names if name not in paths and name not in through], paths


def _through(paths: Mapping[str, Sequence[str]], agreed: Collection[str]) -> set[str]:
    """The names that only agreed paths go through: what is known of them is what these lead to."""
    return {path[0] for path in paths.values()} - {header_name(header) for header in agreed}


def _that_lead_somewhere(
    records: Sequence[Mapping[str, object]], paths: Mapping[str, Sequence[str]]
) -> dict[str, Sequence[str]]:
    missing = dict(paths)
    for record in records:
        if not missing:
            break
        seen: dict[int, Mapping[str, object]] = {}
        missing = {h: path for h, path in missing.items() if value_at(record, path, seen) is NOWHERE}
    return {header: path for header, path in paths.items() if header not in missing}


def _holds_anything(value: object) -> bool:
    if isinstance(value, str):
        return not is_blank(value)
    if isinstance(value, Mapping):
        return any(map(_holds_anything, value.values()))
    return any(map(_holds_anything, value)) if isinstance(value, list) else value is not None


def leaves_of(record: Mapping[str, object], deepest: int) -> Iterator[tuple[str, ...]]:
    """The path of each value in objects in objects that is no object or list itself."""
    for name, value in record.items():
        if isinstance(value, Element) and value.is_text and "#text" in value:
            yield (name,)
        if isinstance(value, Mapping) and deepest > 1:
            yield from ((name, *path) for path in leaves_of(value, deepest - 1))
        elif not isinstance(value, Mapping | list) and name != "#text":
            yield (name,)


def cell_of(value: object) -> Cell:
    """A value as a cell."""
    if value is None or value is NOWHERE:
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower(), Kind.FLAG
    if isinstance(value, Number):
        return plain_number(value), Kind.TYPED
    if isinstance(value, str):
        return value, Kind.TEXT
    if isinstance(value, Element) and value.is_text:
        return str(value.get("#text", "")), Kind.TEXT
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
