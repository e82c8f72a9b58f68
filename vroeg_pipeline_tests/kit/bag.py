"""Writes BAG sources for tests: an extract as the Kadaster nests it, and bag-light as PDOK lays it out."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

ISSUED = "Naamgeving uitgegeven"
IN_USE = "Verblijfsobject in gebruik"
PARTS = ("NUM", "OPR", "WPL", "VBO", "LIG", "STA")
_KIND_PARTS = {"Verblijfsobject": "VBO", "Ligplaats": "LIG", "Standplaats": "STA"}


def zipped(**members: bytes) -> bytes:
    """A ZIP of members by name; `__` in a name is a dot, so that they can be keywords."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return data.getvalue()


@dataclass
class Extract:
    """An extract of one municipality. Each call adds one occurrence; `until` is its end, half open."""

    municipality: str = "0392"
    day: str = "15102021"
    objects: dict[str, list[str]] = field(default_factory=lambda: {part: [] for part in PARTS})
    relations: list[str] = field(default_factory=list)
    _occurrences: dict[str, int] = field(default_factory=dict)

    def number(
        self,
        key: str,
        postcode: str,
        number: object,
        *,
        letter: str = "",
        addition: str = "",
        since: str = "2010-01-01",
        until: str = "",
        street: str = "s1",
        city: str = "",
        status: str = ISSUED,
        mistake: bool = False,
    ) -> Extract:
        """A number designation."""
        self._add(
            "NUM",
            "Nummeraanduiding",
            key,
            since,
            until,
            _tag("huisnummer", str(number))
            + _tag("huisletter", letter)
            + _tag("huisnummertoevoeging", addition)
            + _tag("postcode", postcode)
            + _tag("typeAdresseerbaarObject", "Verblijfsobject")
            + _tag("status", status)
            + f"<O:ligtAan>{_tag('OpenbareRuimteRef', street, 'R')}</O:ligtAan>"
            + (f"<O:ligtIn>{_tag('WoonplaatsRef', city, 'R')}</O:ligtIn>" if city else ""),
            mistake,
        )
        return self

    def street(
        self, key: str = "s1", name: str = "Teststraat", *, since: str = "2010-01-01", until: str = "", city: str = "c1"
    ) -> Extract:
        """A public place."""
        content = _tag("naam", name) + f"<O:ligtIn>{_tag('WoonplaatsRef', city, 'R')}</O:ligtIn>"
        self._add("OPR", "OpenbareRuimte", key, since, until, content)
        return self

    def city(self, key: str = "c1", name: str = "Haarlem", *, since: str = "2010-01-01", until: str = "") -> Extract:
        """A town."""
        self._add("WPL", "Woonplaats", key, since, until, _tag("naam", name))
        return self

    def dwelling(
        self,
        key: str,
        main: str,
        *,
        side: Sequence[str] = (),
        status: str = IN_USE,
        since: str = "2010-01-01",
        until: str = "",
        kind: str = "Verblijfsobject",
    ) -> Extract:
        """An addressable object with its main and side addresses."""
        refs = f"<O:heeftAlsHoofdadres>{_tag('NummeraanduidingRef', main, 'R')}</O:heeftAlsHoofdadres>"
        refs += "".join(
            f"<O:heeftAlsNevenadres>{_tag('NummeraanduidingRef', one, 'R')}</O:heeftAlsNevenadres>" for one in side
        )
        self._add(_KIND_PARTS[kind], kind, key, since, until, refs + _tag("status", status))
        return self

    def relation(self, city: str, municipality: str, *, since: str, until: str = "") -> Extract:
        """To which municipality a town belongs."""
        self.relations.append(
            "<G:GemeenteWoonplaatsRelatie><G:tijdvakgeldigheid>"
            + _tag("begindatumTijdvakGeldigheid", since)
            + _tag("einddatumTijdvakGeldigheid", until)
            + f"</G:tijdvakgeldigheid><G:gerelateerdeWoonplaats>{_tag('identificatie', city)}</G:gerelateerdeWoonplaats>"
            + f"<G:gerelateerdeGemeente>{_tag('identificatie', municipality)}</G:gerelateerdeGemeente>"
            + _tag("status", "definitief")
            + "</G:GemeenteWoonplaatsRelatie>"
        )
        return self

    def _add(
        self, part: str, element: str, key: str, since: str, until: str, content: str, mistake: bool = False
    ) -> None:
        self._occurrences[element + key] = number = self._occurrences.get(element + key, 0) + 1
        history = _tag("voorkomenidentificatie", str(number)) + _tag("beginGeldigheid", since)
        history += _tag("eindGeldigheid", until) + (_tag("tijdstipInactief", "2020-01-01T00:00:00") if mistake else "")
        self.objects[part].append(
            f"<O:{element}>{_tag('identificatie', key)}{content}<O:voorkomen>{history}</O:voorkomen></O:{element}>"
        )

    def xml(self, part: str) -> bytes:
        """The XML of a part."""
        info = (
            f"<i:bagInfo><i:Gemeente>{_tag('GemeenteIdentificatie', self.municipality, 'i')}</i:Gemeente></i:bagInfo>"
        )
        objects = "".join(f"<s:stand><b:bagObject>{one}</b:bagObject></s:stand>" for one in self.objects[part])
        return _document(info + objects)

    def content(self, *, without: Sequence[str] = (), **replaced: bytes) -> bytes:
        """The bytes of the ZIP; `replaced` gives the XML of a part."""
        parts = {
            f"{self.municipality}{part}{self.day}__zip": zipped(
                **{f"{self.municipality}{part}{self.day}-000001__xml": replaced.get(part, self.xml(part))}
            )
            for part in PARTS
            if part not in without
        }
        relations = {f"GEM-WPL-RELATIE-{self.day}-000001__xml": _document("".join(self.relations))}
        return zipped(
            **{
                "Leveringsdocument-BAG-Extract__xml": b"<x/>",
                f"{self.municipality}GEM{self.day}__zip": zipped(**parts),
                f"GEM-WPL-RELATIE-{self.day}__zip": zipped(**relations),
            }
        )

    def write(self, folder: Path) -> Path:
        """Puts it in a folder under its own name."""
        path = folder / f"BAGGEM{self.municipality}L-{self.day}.zip"
        path.write_bytes(self.content())
        return path


def extract(municipality: str = "0392", day: str = "15102021") -> Extract:
    """One with a street in a town, and nothing on it yet."""
    return Extract(municipality, day).city().street()


def _document(content: str) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="urn:{prefix}"' for prefix in "bisORG")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<b:bagStand {spaces}>{content}</b:bagStand>'.encode()


def _tag(name: str, text: str, prefix: str = "O") -> str:
    return f"<{prefix}:{name}>{text}</{prefix}:{name}>" if text else ""


LIGHT_COLUMNS = (
    "identificatie", "status", "openbare_ruimte_naam", "huisnummer", "huisletter", "toevoeging", "postcode",
    "woonplaats_naam", "nummeraanduiding_hoofdadres_identificatie", "bronhouder_identificatie",
)  # fmt: skip


def write_light(path: Path, columns: Sequence[str] = LIGHT_COLUMNS, **addresses: Sequence[Sequence[object]]) -> Path:
    """A bag-light.gpkg with the addresses of each table, in the order of `LIGHT_COLUMNS`."""
    with closing(sqlite3.connect(path)) as connection:
        for table in ("verblijfsobject", "ligplaats", "standplaats"):
            connection.execute(
                f"CREATE TABLE {table} (feature_id INTEGER PRIMARY KEY, {', '.join(columns)}, geom BLOB)"
            )
            for number, address in enumerate(addresses.get(table, [])):
                marks = ", ".join("?" * (len(address) + 2))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", [number, *address, b"GP\x00\x01"])
        connection.commit()
    return path
