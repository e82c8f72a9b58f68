"""Reads the repeated element of an XML file, as records (docs/adr/0007). Nothing outside the file is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import Element as Tree
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.cells import UnreadableError, WrongEncodingError
from vroeg_pipeline.formats.encodings import blocks, encoding_of, is_utf8, not_utf8, not_utf8_at, wide_encoding
from vroeg_pipeline.formats.kinds import refuse_other_kind
from vroeg_pipeline.formats.records import Element, path_of

_DEEPEST = 50
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")
_DECLARED_WITHIN = 1_024
_OF_SCHEMAS = "{http://www.w3.org/2001/XMLSchema-instance}"


def xml_records(path: Path, records_at: str) -> list[Element]:
    """The records at a path of element names from the root on; namespaces count for nothing.

    Raises UnreadableError when the file is no such XML, or declares a document type.
    """
    refuse_other_kind(path, "xml")
    wanted = path_of(records_at)
    inside: list[Tree] = []
    names: list[str] = []
    records: list[Element] = []
    is_there = len(wanted) == 1
    for event, element in _events(path):
        if event == "start":
            inside.append(element)
            names.append(header_name(_local(element.tag)))
            if len(names) > _DEEPEST:
                raise UnreadableError(Fault.TOO_DEEP.said())
            is_there = is_there or names == wanted[:-1]
            continue
        if names == wanted:
            content = _content(element)
            records.append(content if isinstance(content, Element) else Element({"#text": content}))
        inside.pop()
        names.pop()
        # What was read, or is no part of a record, is not kept.
        if inside and len(names) < len(wanted):
            inside[-1].remove(element)
    if not records and not is_there:
        raise UnreadableError(Fault.NO_ELEMENT.said(path=records_at))
    return records


def xml_paths(path: Path, deepest: int) -> list[str]:
    """The path of each element that holds others or has attributes, in their order; not deeper than this.

    Raises UnreadableError when the file is no XML that can be read.
    """
    refuse_other_kind(path, "xml")
    names: list[str] = []
    found: dict[str, None] = {}
    for event, element in _events(path):
        if event == "start":
            if names and len(names) <= deepest:
                found.setdefault(".".join(names))
            names.append(_local(element.tag))
            if element.attrib and len(names) <= deepest:
                found.setdefault(".".join(names))
            continue
        names.pop()
        element.clear()
    return [*found]


def _events(path: Path) -> Iterator[tuple[str, Tree]]:
    _check_encoding(path)
    try:
        yield from iterparse(path, events=("start", "end"), forbid_dtd=True)
    except DefusedXmlException:
        raise UnreadableError(Fault.DOCUMENT_TYPE.said()) from None
    except ParseError as error:
        raise _no_xml(path, error) from None
    except (LookupError, ValueError):
        # Of the encoding that the file says it has; what reads the events raises nothing in here.
        raise UnreadableError(Fault.UNKNOWN_XML_ENCODING.said()) from None


def _check_encoding(path: Path) -> None:
    """Raises UnreadableError where the first line says an encoding that the bytes are not in."""
    if wide_encoding(path):
        return
    with path.open("rb") as file:
        said = _DECLARED.match(file.read(_DECLARED_WITHIN))
    declared = said[1].decode() if said else "utf-8"
    try:
        encoding = encoding_of(path, declared)
    except LookupError:
        return  # told by who reads it
    except WrongEncodingError as error:
        raise UnreadableError(Fault.OTHER_XML_ENCODING.said(agreed=declared, found=error.found)) from None
    if is_utf8(encoding) and not_utf8_at(blocks(path)) is not None:
        raise UnreadableError(Fault.OTHER_XML_ENCODING.said(agreed=declared, found=not_utf8(path, declared).found))


def _no_xml(path: Path, error: ParseError) -> UnreadableError:
    line, column = error.position
    with path.open("rb") as file:
        here = next(islice(file, line - 1, line), b"")[max(0, column - 2) : column + 1]
    if b"&" in here:
        return UnreadableError(Fault.AMPERSAND.said(line=line), line)
    return UnreadableError(Fault.NO_XML.said(line=line, column=column + 1), line)


def _content(element: Tree) -> object:
    attributes = {f"@{_local(name)}": v for name, v in element.attrib.items() if not name.startswith(_OF_SCHEMAS)}
    text = element.text or ""
    if not attributes and len(element) == 0:
        return text
    children: dict[str, list[object]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(_content(child))
    found = Element({**attributes, **{name: them[0] if len(them) == 1 else them for name, them in children.items()}})
    if text.strip():
        found["#text"] = text
    return found


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
