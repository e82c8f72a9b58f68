"""Reads a BAG Extract 2.0 of the Kadaster: a ZIP with ZIPs of XML, every object in it with all its occurrences.

A stream in constant memory, whatever lies in the file (docs/adr/0012). What the occurrences mean together is decided
in `addresses/bag_entries.sql`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn
from xml.parsers import expat
from zipfile import ZipFile, ZipInfo

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told, is_encrypted
from vroeg_pipeline.installation.home import temporary_file

# The columns of each table of rows, as the XML writes them; dates as YYYY-MM-DD, what is absent is None.
TABLES = {
    "bag_numbers": (
        "id", "occurrence", "begin_on", "end_on", "status", "postcode", "house_number", "house_letter", "addition",
        "object_kind", "street_id", "city_id",
    ),
    "bag_streets": ("id", "occurrence", "begin_on", "end_on", "name", "city_id"),
    "bag_cities": ("id", "occurrence", "begin_on", "end_on", "name", "municipality"),
    "bag_municipalities": ("city_id", "begin_on", "end_on", "status", "municipality"),
    "bag_objects": ("id", "occurrence", "begin_on", "end_on", "status", "object_kind", "number_id", "is_main"),
}  # fmt: skip
Row = tuple[str | None, ...]

_PARTS = {
    "NUM": "numbers",
    "OPR": "public places",
    "WPL": "towns",
    "VBO": "dwellings",
    "LIG": "berths",
    "STA": "pitches",
}
_PART_NAME = re.compile(r"(?:[0-9]{4}(NUM|OPR|WPL|VBO|LIG|STA|GEM)|(GEM-WPL-RELATIE)-)[0-9]{8}(?:-[0-9]+)?\.(xml|zip)")
_DEEPEST_ZIP = 3

_KINDS = {
    "Nummeraanduiding", "OpenbareRuimte", "Woonplaats", "Verblijfsobject", "Ligplaats", "Standplaats",
    "GemeenteWoonplaatsRelatie",
}  # fmt: skip
# Elements in which an identification means another object than the one it stands in.
_ROLES = {"heeftAlsHoofdadres", "heeftAlsNevenadres", "gerelateerdeWoonplaats", "gerelateerdeGemeente"}
_FIELDS = {
    "identificatie", "NummeraanduidingRef", "OpenbareRuimteRef", "WoonplaatsRef", "GemeenteIdentificatie", "huisnummer",
    "huisletter", "huisnummertoevoeging", "postcode", "typeAdresseerbaarObject", "naam", "status",
    "voorkomenidentificatie", "beginGeldigheid", "eindGeldigheid", "begindatumTijdvakGeldigheid",
    "einddatumTijdvakGeldigheid", "tijdstipInactief", "tijdstipInactiefLV", "tijdstipNietBagLV",
}  # fmt: skip
# An occurrence with one of these was a mistake: it never held.
_NEVER_HELD = ("tijdstipInactief", "tijdstipInactiefLV", "tijdstipNietBagLV")

_BLOCK = 65_536
# Real extracts unpack to fifty times their size and are a dozen elements deep.
_MOST_UNPACKED_AT_LEAST = 64 * 1024**2
_MOST_NAMES = 1_000
_MOST_DEPTH = 100
_MOST_TEXT = 100


@dataclass(frozen=True)
class Limits:
    """What no extract of Kadaster comes near: how many times its size it may unpack to, and the bytes of one element.

    Real ones unpack to fifty times their size, and no element of them is a MiB long.
    """

    unpacked: int = 250
    element: int = 4 * 1024**2


LIMITS = Limits()


def read_extract(path: Path, scratch: Path, limits: Limits = LIMITS) -> Iterator[tuple[str, Row]]:
    """Each occurrence of each object as a table of `TABLES` and its row, in the order of the file.

    `scratch` is a folder for the ZIPs within. Raises VroegError when the file is no whole extract, or one that no
    Kadaster made.
    """
    unpacking = _Unpacking(path, scratch, limits.unpacked)
    try:
        with broken_zip_told(), ZipFile(path) as archive:
            for part, name, file in unpacking.parts(archive):
                unpacking.seen.add(part)
                try:
                    yield from _rows(file, limits.element)
                except (expat.ExpatError, _NotSoundError) as error:
                    # Expat says what and where, never a value.
                    unpacking.refuse(f"{name} is no sound XML ({error})")
    except BrokenZipError:
        unpacking.refuse("is no whole ZIP file")
    lacking = [f"{part} ({meaning})" for part, meaning in _PARTS.items() if part not in unpacking.seen]
    if lacking:
        unpacking.refuse(f"lacks {', '.join(lacking)}")


class _NotSoundError(Exception):
    """What no Kadaster writes: XML made to exhaust who reads it."""


class _Unpacking:
    """One extract being unpacked: which parts were seen, and how much more may come out of it."""

    def __init__(self, path: Path, scratch: Path, most_unpacked: int) -> None:
        self.seen: set[str] = set()
        self._path = path
        self._scratch = scratch
        self._most_unpacked = most_unpacked
        self._allowed = _MOST_UNPACKED_AT_LEAST + most_unpacked * path.stat().st_size

    def refuse(self, what: str) -> NoReturn:
        raise VroegError(what, where=self._path.name, do="fetch the extract again") from None

    def parts(self, archive: ZipFile, depth: int = 1) -> Iterator[tuple[str, str, IO[bytes]]]:
        """Part, name and content of every XML that is wanted; buildings and mistakes (Inactief, NietBag) are not."""
        for member in archive.infolist():
            name = PurePosixPath(member.filename).name
            found = _PART_NAME.fullmatch(name)
            if not found:
                continue
            with archive.open(self._affordable(member)) as file:
                if found[3] == "xml":
                    yield found[1] or found[2], name, file
                elif depth < _DEEPEST_ZIP:
                    # A ZIP is read from its end, so that one in a ZIP must be copied first.
                    with temporary_file(self._scratch) as copy:
                        with copy.open("wb") as target:
                            shutil.copyfileobj(file, target, _BLOCK)
                        with ZipFile(copy) as inner:
                            yield from self.parts(inner, depth + 1)

    def _affordable(self, member: ZipInfo) -> ZipInfo:
        if is_encrypted(member):
            raise BrokenZipError("encrypted")
        # zipfile never gives more than the size that a member says it has.
        self._allowed -= member.file_size
        if self._allowed < 0:
            self.refuse(f"unpacks to more than {self._most_unpacked} times its size")
        return member


def _rows(file: IO[bytes], longest_element: int) -> Iterator[tuple[str, Row]]:
    reader = _Reader(longest_element)
    while block := file.read(_BLOCK):
        reader.feed(block)
        yield from reader.taken()
    reader.feed(b"", last=True)
    yield from reader.taken()


class _Reader:
    """Turns XML into rows as it comes, keeping no more than the object at hand.

    Goes by the names of elements without their namespace: they are unique within an extract, and its schemas carry a
    date that changes.
    """

    def __init__(self, longest_element: int) -> None:
        self._longest_element = longest_element
        self._names: dict[str, str] = {}
        self._kind: str | None = None
        self._role: str | None = None
        self._values: dict[str, list[str]] = {}
        self._text: list[str] = []
        self._rows: list[tuple[str, Row]] = []
        self._municipality: str | None = None
        self._depth = 0
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        # Without a document type there are no entities, so nothing that grows or is fetched from elsewhere.
        self._parser.StartDoctypeDeclHandler = _no_document_type

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """Raises ExpatError or _NotSoundError."""
        try:
            self._parser.Parse(block, last)
        except (LookupError, ValueError):
            raise _NotSoundError("an encoding that nobody knows") from None
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > self._longest_element or len(self._text) > _MOST_TEXT:
            raise _NotSoundError("an element without end")

    def taken(self) -> list[tuple[str, Row]]:
        """The rows that came since the last time."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, qualified: str, _: object) -> None:
        name = self._names.get(qualified)
        if name is None:
            name = self._names[qualified] = qualified.rpartition(":")[2]
            if len(self._names) > _MOST_NAMES:
                raise _NotSoundError("too many different elements")
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise _NotSoundError("elements in elements without end")
        if name in _FIELDS:
            self._text.clear()
            self._parser.CharacterDataHandler = self._text.append
        elif name in _KINDS and self._kind is None:
            self._kind = name
            self._values = {}
        elif name in _ROLES:
            self._role = name

    def _end(self, qualified: str) -> None:
        name = self._names[qualified]
        self._depth -= 1
        if name in _FIELDS:
            self._parser.CharacterDataHandler = None
            text = "".join(self._text).strip()
            if name == "GemeenteIdentificatie":
                self._municipality = text
            elif self._kind and text:
                values = self._values.setdefault(self._role or name, [])
                if len(values) > _MOST_NAMES:
                    raise _NotSoundError("an object without end")
                values.append(text)
        elif name == self._kind:
            self._kind = None
            if not any(mistake in self._values for mistake in _NEVER_HELD):
                self._rows += self._rows_of(name)
        elif name == self._role:
            self._role = None

    def _rows_of(self, kind: str) -> list[tuple[str, Row]]:
        get = self._get
        if kind == "GemeenteWoonplaatsRelatie":
            period = get("begindatumTijdvakGeldigheid"), get("einddatumTijdvakGeldigheid")
            row = get("gerelateerdeWoonplaats"), *period, get("status"), get("gerelateerdeGemeente")
            return [("bag_municipalities", row)]
        which = get("identificatie"), get("voorkomenidentificatie"), get("beginGeldigheid"), get("eindGeldigheid")
        if kind == "Woonplaats":
            return [("bag_cities", (*which, get("naam"), self._municipality))]
        if kind == "OpenbareRuimte":
            return [("bag_streets", (*which, get("naam"), get("WoonplaatsRef")))]
        if kind == "Nummeraanduiding":
            number = get("status"), get("postcode"), get("huisnummer"), get("huisletter"), get("huisnummertoevoeging")
            lies = get("typeAdresseerbaarObject"), get("OpenbareRuimteRef"), get("WoonplaatsRef")
            return [("bag_numbers", (*which, *number, *lies))]
        addresses = [("heeftAlsHoofdadres", "true"), ("heeftAlsNevenadres", "false")]
        return [
            ("bag_objects", (*which, get("status"), kind, number, is_main))
            for role, is_main in addresses
            for number in self._values.get(role, [])
        ]

    def _get(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None


def _no_document_type(*_: object) -> NoReturn:
    raise _NotSoundError("a document type")
