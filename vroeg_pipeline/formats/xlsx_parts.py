"""The parts of an XLSX workbook as Excel finds them, and a copy of it for a library that is less patient.

Parts are found by `_rels`, without regard to case or the direction of slashes. What the library loses or stumbles over is
mended in the copy: error values, formulas without a saved value, the extent that a sheet says it has.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote
from xml.etree import ElementTree

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>'
# Stands in the copy for a formula without a saved value.
UNSAVED = "\ue0ff unsaved formula \ue0ff"

_CHUNK = 1 << 20
_LONGEST_CHUNK = 16 * _CHUNK
_SHORTEST_END = 4
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOK = "xl/workbook.xml"
_KEPT = ("worksheet", "sharedStrings", "styles", "chartsheet", "dialogsheet", "xlMacrosheet")

_DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^>]*?(?:/>|>\s*</(?:\w+:)?dimension\s*>)")
_USUAL_DIMENSION = re.compile(rb"<dimension ref=\"[A-Z]{1,3}[0-9]{1,7}(?::[A-Z]{1,3}[0-9]{1,7})?\"\s*/>")
_ERROR = re.compile(rb"""(<(?:\w+:)?c\s(?:[^>]*?\s)?t\s*=\s*)(["'])e\2""")
_FORMULA_ALONE = re.compile(
    rb"<((?:\w+:)?)c((?:\s[^>]*?)?)>\s*<\1f(?:\s[^>]*?)?(?:/>|>[^<]*</\1f\s*>)"
    rb"\s*(<\1v(?:\s[^>]*?)?(?:/>|>\s*</\1v\s*>))?\s*</\1c\s*>"
)
_HIDDEN_ROW = re.compile(
    rb"""<(?:\w+:)?row\s(?=[^>]*?\bhidden\s*=\s*["'](?:1|true)["'])[^>]*?\br\s*=\s*["']([0-9]{1,7})["']"""
)
_IS_TEXT = re.compile(rb"""\st\s*=\s*["']str["']""")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+[0-9]+)["']""")


class NoPartError(Exception):
    """A part that the workbook speaks of, or the workbook itself, is not there."""


class BrokenPartError(Exception):
    """A part of the workbook cannot be read; the text says what was raised, without its content."""


@contextmanager
def broken_part_told() -> Iterator[None]:
    """Makes what a parser raises over a part a BrokenPartError. Only a parser stands in the block: what anything else
    raises there would be called the sender's mistake too.
    """
    try:
        yield
    except (MemoryError, OSError):
        raise
    except BaseException as error:
        # A panic within the library is no Exception.
        if not isinstance(error, Exception) and type(error).__module__ != "pyo3_runtime":
            raise
        raise BrokenPartError(type(error).__name__) from None


class Parts:
    """The parts of a container, by the names that its `_rels` give them."""

    def __init__(self, container: zipfile.ZipFile) -> None:
        self._container = container
        self._names = {_folded(name): name for name in container.namelist()}

    @property
    def workbook(self) -> str:
        """The name of the workbook's part.

        Raises NoPartError when there is none.
        """
        found = [target for kind, _, target in self._relations("") if kind == "officeDocument"]
        return self.named(found[0] if found else _WORKBOOK)

    def named(self, wanted: str) -> str:
        """The name that a part has in the container.

        Raises NoPartError when it is not there.
        """
        try:
            return self._names[_folded(wanted)]
        except KeyError:
            raise NoPartError from None

    def used(self) -> list[tuple[str, str, str]]:
        """(kind, id, name) of each part that the workbook's cells need."""
        relations = self._relations(self.workbook)
        return [(kind, ident, self.named(target)) for kind, ident, target in relations if kind in _KEPT]

    def sheets(self) -> dict[str, str]:
        """The name of the part of each sheet."""
        targets = {ident: target for _, ident, target in self._relations(self.workbook)}
        found = {}
        for sheet in self._xml(self.workbook).iter():
            if sheet.tag.rsplit("}", 1)[-1] == "sheet":
                ident = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
                if ident in targets:
                    found[sheet.get("name", "")] = self.named(targets[ident])
        return found

    def _relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """(kind, id, target) of each relation of a part; the empty name is the container itself."""
        part = part.replace("\\", "/")
        folder, name = posixpath.split(part)
        rels = self._names.get(_folded(posixpath.join(folder, "_rels", f"{name}.rels")))
        if rels is None:
            return
        for relation in self._xml(rels):
            target = unquote(relation.get("Target", "")).replace("\\", "/")
            if relation.get("TargetMode", "").lower() != "external":
                whole = posixpath.normpath(posixpath.join("/", folder, target))
                yield relation.get("Type", "").rsplit("/", 1)[-1], relation.get("Id", ""), whole

    def _xml(self, part: str) -> ElementTree.Element:
        content = self._container.read(part)
        with broken_part_told():
            return ElementTree.fromstring(content)  # noqa: S314 no entities: xlsx looked


def prepared(source: str, copy: str, *, marks_unsaved: bool) -> tuple[str, dict[str, set[int]]]:
    """The path of the workbook that is to be read, `copy` where a copy is needed, and the hidden rows of each sheet.

    Rows are numbered from 1. `marks_unsaved`: a formula without a saved value becomes UNSAVED. Raises NoPartError and
    BrokenPartError.
    """
    with zipfile.ZipFile(source) as container:
        parts = Parts(container)
        sheets, used = parts.sheets(), parts.used()
        hidden, mend = {}, not _is_usual(parts.workbook, used, container)
        for name, part in sheets.items():
            hidden[name], needs_mending = _look(container, part)
            mend = mend or needs_mending
        if not mend:
            return source, hidden
        with zipfile.ZipFile(copy, "w") as mended:
            relations = []
            for number, (kind, ident, part) in enumerate(used):
                target = f"{kind}.xml" if kind in ("sharedStrings", "styles") else f"worksheets/{kind}{number}.xml"
                relations.append(_relation(ident, target, kind))
                with mended.open(f"xl/{target}", "w", force_zip64=True) as written:
                    for chunk in _cell_chunks(container, part):
                        written.write(_mended(chunk, marks_unsaved=marks_unsaved) if kind == "worksheet" else chunk)
            mended.writestr(_WORKBOOK, b"".join(_cell_chunks(container, parts.workbook)))
            mended.writestr("xl/_rels/workbook.xml.rels", _RELATIONS % b"".join(relations))
            mended.writestr("_rels/.rels", _RELATIONS % _relation("rId1", _WORKBOOK, "officeDocument"))
    return copy, hidden


def _relation(ident: str, target: str, kind: str) -> bytes:
    element = ElementTree.Element("Relationship", Id=ident, Target=target, Type=f"{_OFFICE}/{kind}")
    return ElementTree.tostring(element)


def _is_usual(workbook: str, used: list[tuple[str, str, str]], container: zipfile.ZipFile) -> bool:
    """Whether the library finds the parts by itself."""
    places = {"worksheet": "xl/worksheets/", "sharedStrings": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}
    if workbook != _WORKBOOK or any("\\" in name for name in container.namelist()):
        return False
    rels = container.read("xl/_rels/workbook.xml.rels") if "xl/_rels/workbook.xml.rels" in container.namelist() else b""
    return not re.search(rb"\./|[\\%]", rels) and all(
        part.startswith(places.get(kind, "xl/")) for kind, _, part in used
    )


def _look(container: zipfile.ZipFile, part: str) -> tuple[set[int], bool]:
    """The hidden rows of a sheet, and whether it has anything to be mended."""
    hidden: set[int] = set()
    mend = False
    with container.open(part) as stream:
        mend = stream.read(2) in _WIDE
    for chunk in _cell_chunks(container, part):
        if b"hidden" in chunk:
            hidden.update(int(number) for number in _HIDDEN_ROW.findall(chunk))
        mend = mend or (
            (b"dimension" in chunk and _USUAL_DIMENSION.search(chunk) is None)
            or ((b'"e"' in chunk or b"'e'" in chunk) and _ERROR.search(chunk) is not None)
            or ((b"<f" in chunk or b":f" in chunk) and _FORMULA_ALONE.search(chunk) is not None)
        )
    return hidden, mend


def _cell_chunks(container: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A part in chunks that end behind a cell, in UTF-8."""
    with container.open(part) as stream:
        start = stream.read(_CHUNK)
        if start[:2] in _WIDE:
            wide = start + stream.read()
            with broken_part_told():
                text = wide.decode("utf-16")
            yield re.sub(r"^<\?xml[^>]*\?>", "", text).encode()
            return
        rest = start
        while chunk := stream.read(_CHUNK):
            at = max(rest.rfind(b"c>") + 2, rest.rfind(b"row>") + 4)
            if at < _SHORTEST_END and len(rest) > _LONGEST_CHUNK:
                at = rest.rfind(b">") + 1
            if at >= _SHORTEST_END:
                yield rest[:at]
                rest = rest[at:]
            rest += chunk
        yield rest


def _mended(chunk: bytes, *, marks_unsaved: bool) -> bytes:
    chunk = _ERROR.sub(rb'\1"str"', _DIMENSION.sub(b"", chunk))
    return _FORMULA_ALONE.sub(_unsaved, chunk) if marks_unsaved else chunk


def _unsaved(found: re.Match[bytes]) -> bytes:
    prefix, attributes, value = found[1], found[2], found[3]
    if value is not None and _IS_TEXT.search(attributes):
        return found[0]  # an empty text was saved
    place = b' r="%s"' % at[1] if (at := _PLACE.search(attributes)) else b""
    return b'<%bc%b t="str"><%bv>%b</%bv></%bc>' % (prefix, place, prefix, UNSAVED.encode(), prefix, prefix)


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
