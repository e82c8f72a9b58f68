"""What a file is that is not what was agreed, in words for who has to send another (DOMAIN §4). By its first bytes.

Nothing of its content is repeated.
"""

from __future__ import annotations

import re
import zipfile
from contextlib import suppress
from pathlib import Path

from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told

_START = 4_096
_BLOCK = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PACKED = (
    (b"\x1f\x8b", "packed (.gz)"),
    (b"BZh", "packed (.bz2)"),
    (b"\xfd7zXZ\x00", "packed (.xz)"),
    (b"7z\xbc\xaf\x27\x1c", "packed (.7z)"),
    (b"Rar!\x1a\x07", "packed (.rar)"),
)
_UNPACK = "; unpack it and send the file that is in it"
_OR_AGREE = f"{_UNPACK}, or agree 'packed: {{}}'"
_SAVE = "; save it as {} and send that"
_TEXTS = (
    (re.compile(rb"\s*(<!doctype\s+html|<(html|head|table|meta)\b)", re.IGNORECASE), "a web page"),
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\{\\rtf"), "a text of a word processor (.rtf)"),
    (re.compile(rb"\s*<\?xml|\s*<[A-Za-z][\w:.-]*[\s>]"), "XML"),
)
_JSON = re.compile(rb'\s*(\[\s*\{\s*"|\{\s*"[^"]*"\s*:)')
# A line of text with a delimiter.
_LINE = re.compile(rb"[^\x00-\x08\x0b-\x1f\[{]*?[;,\t|][^\x00-\x08\x0b\x0c\x0e-\x1f]*[\r\n]")
_CONTAINED = (
    ("xl/workbook.bin", "a binary workbook (.xlsb)"),
    ("word/document.xml", "a text of a word processor (.docx)"),
    ("content.xml", "an OpenDocument sheet (.ods)"),
)


def refuse_other_kind(path: Path, agreed: str) -> None:
    """Raises UnreadableError when the file is surely no `agreed`: `csv`, `fixed`, `json`, `xml` or `xlsx`."""
    with path.open("rb") as file:
        start = file.read(_START)
    found = _binary_kind(path, start, agreed) or _text_kind(start, agreed)
    if found:
        raise UnreadableError(f"is {found}")


def text_kind(start: bytes) -> str | None:
    """What the first bytes of a text are: JSON, XML or another kind by name; None where they are lines of text."""
    start = start.removeprefix(b"\xef\xbb\xbf")
    found = next((name for pattern, name in _TEXTS if pattern.match(start)), None)
    return found or ("JSON" if _JSON.match(start) else None)


def _binary_kind(path: Path, start: bytes, agreed: str) -> str | None:
    if start.startswith(_OLE):
        if _holds(path, _ENCRYPTED):
            return "a workbook that is protected by a password; take the password off and send it again"
        return "an old Excel file (.xls)" + _SAVE.format(f".{agreed}")
    for mark, name in _PACKED:
        if start.startswith(mark):
            return name + (_OR_AGREE.format("gz") if name.endswith("(.gz)") else _UNPACK)
    return _container(path, agreed) if start.startswith(b"PK\x03\x04") else None


def _container(path: Path, agreed: str) -> str | None:
    names: set[str] = set()
    # A broken container is told by who reads it.
    with suppress(BrokenZipError), broken_zip_told(), zipfile.ZipFile(path) as container:
        names = {name.replace("\\", "/").casefold() for name in container.namelist()}
    for part, name in _CONTAINED:
        if part in names:
            return name + _SAVE.format(f".{agreed}")
    is_workbook = "[content_types].xml" in names or any(name.startswith("xl/") for name in names)
    if agreed == "xlsx":
        return None if is_workbook or not names else "packed (.zip)" + _OR_AGREE.format("zip")
    return f"a workbook (.xlsx), {agreed} was agreed" if is_workbook else "packed (.zip)" + _OR_AGREE.format("zip")


def _text_kind(start: bytes, agreed: str) -> str | None:
    start = start.removeprefix(b"\xef\xbb\xbf")
    for pattern, name in _TEXTS:
        if pattern.match(start) and name.casefold() != agreed:
            return f"{name}, {agreed} was agreed"
    if agreed in ("csv", "fixed", "xml") and _JSON.match(start):
        return f"JSON, {agreed} was agreed"
    if agreed == "xlsx" and not start.startswith(b"PK"):
        if _JSON.match(start):
            return "JSON, xlsx was agreed"
        if _LINE.match(start):
            return "a CSV, xlsx was agreed"
    if agreed in ("json", "xml") and _LINE.match(start) and not start.lstrip().startswith(b"<"):
        return f"a CSV, {agreed} was agreed"
    return None


def _holds(path: Path, wanted: bytes) -> bool:
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if wanted in tail + block:
                return True
            tail = block[-len(wanted) :]
    return False
