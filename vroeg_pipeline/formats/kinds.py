"""What a file is that is not what was agreed, in words for who has to send another (DOMAIN §4). By its first bytes.

Nothing of its content is repeated.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from pathlib import Path

from vroeg_pipeline.domain.refusals import Fault, Said, format_said
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.encodings import not_utf8_at, wide_encoding
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told

_START = 4_096
_BLOCK = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PACKED = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
_CAN_BE_AGREED = ("gz", "zip")
_PICTURE = Said("a picture", "een afbeelding")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
XML, JSON, _CSV = Said("XML", "XML"), Said("JSON", "JSON"), Said("a CSV", "CSV")
_WORKBOOK = Said("a workbook (.xlsx)", "een Excel-werkmap (.xlsx)")
_WORD_PROCESSOR = "een document van een tekstverwerker"
_TEXTS = (
    (
        re.compile(rb"\s*(<!doctype\s+html|<(html|head|table|meta)\b)", re.IGNORECASE),
        Said("a web page", "een webpagina"),
    ),
    (re.compile(rb"%PDF-"), Said("a PDF", "een pdf")),
    (re.compile(rb"\{\\rtf"), Said("a text of a word processor (.rtf)", f"{_WORD_PROCESSOR} (.rtf)")),
    (re.compile(rb"-----BEGIN PGP MESSAGE"), Said("an encrypted message (PGP)", "een versleuteld bericht (PGP)")),
    (
        re.compile(
            rb"(?:(?:From|To|Subject|Date|Received|Return-Path|MIME-Version|Message-ID):[^\n]*\n){2}", re.IGNORECASE
        ),
        Said("an e-mail message with the file attached", "een e-mailbericht met het bestand als bijlage"),
    ),
    (re.compile(rb"\s*<\?xml|\s*<[A-Za-z][\w:.-]*[\s>]"), XML),
)
_JSON = re.compile(rb'\s*(\[\s*\{\s*"|\{\s*"[^"]*"\s*:)')
# A line of text with a delimiter.
_LINE = re.compile(rb"[^\x00-\x08\x0b-\x1f\[{]*?[;,\t|][^\x00-\x08\x0b\x0c\x0e-\x1f]*[\r\n]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HIGH = bytes(range(0x80, 0x100))
_BINARY = Said("no text but something binary", "geen tekst")
_CONTAINED = (
    ("xl/workbook.bin", Said("a binary workbook (.xlsb)", "een binaire Excel-werkmap (.xlsb)")),
    ("word/document.xml", Said("a text of a word processor (.docx)", f"{_WORD_PROCESSOR} (.docx)")),
    ("content.xml", Said("an OpenDocument sheet (.ods)", "een werkblad van OpenDocument (.ods)")),
)
_OLD_EXCEL = Said("an old Excel file (.xls)", "een oud Excel-bestand (.xls)")


def refuse_other_kind(path: Path, agreed: str) -> None:
    """Raises UnreadableError when the file is surely no `agreed`: `csv`, `fixed`, `json`, `xml` or `xlsx`."""
    with path.open("rb") as file:
        start = file.read(_START)
    if found := _binary_kind(path, start, agreed) or _text_kind(path, start, agreed):
        raise UnreadableError(found)


def text_kind(start: bytes) -> Said | None:
    """What the first bytes of a text are: JSON, XML or another kind by name; None where they are lines of text."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    found = next((name for pattern, name in _TEXTS if pattern.match(start)), None)
    return found or (JSON if _JSON.match(start) else None)


def _binary_kind(path: Path, start: bytes, agreed: str) -> Said | None:
    if start.startswith(_OLE):
        if _holds(path, _ENCRYPTED):
            return Fault.HAS_PASSWORD.said()
        return _save(_OLD_EXCEL, agreed)
    for mark, ending in _PACKED:
        if start.startswith(mark):
            return _packed(ending)
    if start.startswith(_PICTURES):
        return _other(_PICTURE, agreed)
    return _container(path, agreed) if start.startswith(b"PK\x03\x04") else None


def _save(found: Said, agreed: str) -> Said:
    return Fault.SAVE_AS.said(found=found, ending=f".{'txt' if agreed == 'fixed' else agreed}")


def _packed(ending: str) -> Said:
    if ending in _CAN_BE_AGREED:
        return Fault.IS_PACKED_AS.said(packed=ending)
    return Fault.IS_PACKED.said(ending=f".{ending}")


def _other(found: Said, agreed: str) -> Said:
    return Fault.OTHER_KIND.said(found=found, agreed=format_said(agreed))


def _container(path: Path, agreed: str) -> Said | None:
    names: set[str] = set()
    # A broken container is told by who reads it.
    with suppress(BrokenZipError), broken_zip_told(), zipfile.ZipFile(path) as container:
        names = {name.replace("\\", "/").casefold() for name in container.namelist()}
    for part, name in _CONTAINED:
        if part in names:
            return _save(name, agreed)
    is_workbook = "[content_types].xml" in names or any(name.startswith("xl/") for name in names)
    if agreed == "xlsx":
        return None if is_workbook or not names else _packed("zip")
    return _other(_WORKBOOK, agreed) if is_workbook else _packed("zip")


def _text_kind(path: Path, start: bytes, agreed: str) -> Said | None:
    start = start.removeprefix(b"\xef\xbb\xbf")
    for pattern, name in _TEXTS:
        if pattern.match(start) and name.english.casefold() != agreed:
            return _other(name, agreed)
    if agreed in ("csv", "fixed", "xml") and _JSON.match(start):
        return _other(JSON, agreed)
    if agreed == "xlsx" and not start.startswith(b"PK"):
        if _JSON.match(start):
            return _other(JSON, agreed)
        if _LINE.match(start):
            return _other(_CSV, agreed)
    if agreed in ("json", "xml") and _LINE.match(start) and not start.lstrip().startswith(b"<"):
        return _other(_CSV, agreed)
    if agreed == "fixed" and _is_csv(start):
        return _other(_CSV, agreed)
    if agreed != "xlsx" and _is_binary(start) and wide_encoding(path) is None:
        return _other(_BINARY, agreed)
    return None


def _is_binary(start: bytes) -> bool:
    """Whether it has more control characters than a text that somebody spoilt: those cost a text their rows alone."""
    control = len(_CONTROL.findall(start))
    if 4 * control > len(start):
        return True
    high = len(start) - len(start.translate(None, _HIGH))
    return 20 * control > len(start) and 4 * high > len(start) and not_utf8_at([start]) is not None


def _is_csv(start: bytes) -> bool:
    """Whether each line has as many semicolons or tabs as the others, and some."""
    whole = start.splitlines()[: -1 if len(start) == _START else None]
    lines = [line for line in whole if line.strip()]
    return len(lines) > 1 and any(
        len(counts := {line.count(delimiter) for line in lines}) == 1 and min(counts) > 1 for delimiter in (b";", b"\t")
    )


def _holds(path: Path, wanted: bytes) -> bool:
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if wanted in tail + block:
                return True
            tail = block[-len(wanted) :]
    return False
