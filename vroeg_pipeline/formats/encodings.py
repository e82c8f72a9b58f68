"""In which encoding a text is really written, as far as its bytes tell it, against the one that was agreed.

Bytes that decode are not yet right: UTF-8 read as cp1252 gives letters too, and sends them to a door.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from vroeg_pipeline.domain.refusals import Fault, Said, encoding_said, encoding_wanted
from vroeg_pipeline.formats.cells import WrongEncodingError

# UTF-8, or what Excel makes of "CSV" on a Dutch computer. What counts in such files is ASCII in both.
EXCEL = "utf-8 or cp1252"
# Whatever the bytes say: UTF-16, UTF-8 or cp1252.
AUTO = "auto"

_UTF8 = Said("UTF-8", "UTF-8")
_WINDOWS = Said("cp1252 or latin-1", "cp1252 of latin-1")
_CODE_PAGE = Said("in a code page of DOS or an old Mac", "een oude codering van DOS of de Mac")

_BLOCK = 1 << 22
_START = 4_096
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = re.compile(r"utf-(16|32)(-[lb]e)?")
_LATIN = ("iso8859-1", "iso8859-15")

# The bytes (first and last possible one of each) of a letter or sign that people write here in UTF-8. Read as cp1252 it
# is an unlikely couple, as Ã with a sign behind it.
_WRITTEN_HERE = (
    ((0xC2, 0xC2), (0xA0, 0xBF)),
    ((0xC3, 0xC5), (0x80, 0xBF)),
    ((0xE1, 0xE1), (0xB8, 0xBB), (0x80, 0xBF)),
    ((0xE2, 0xE2), (0x80, 0x80), (0x90, 0xBF)),
    ((0xE2, 0xE2), (0x82, 0x82), (0xAC, 0xAC)),
)
_IN_UTF8 = re.compile(b"|".join(b"".join(b"[\\x%02x-\\x%02x]" % bounds for bounds in way) for way in _WRITTEN_HERE))
_SURELY_IN_UTF8 = re.compile(
    rb"\xc3[\x80-\xbf][A-Za-z]|[A-Za-z]\xc3[\x80-\x9f\xa1-\xbf]|\xe2\x80[\x90-\xbf]|\xe2\x82\xac"
)
# What stands between letters, or at the end of a word, in a code page of DOS or of an old Mac, and never so in cp1252,
# where some are signs and others capitals: M\x9fller is Müller of a Mac, and no MŸller.
_IN_CODE_PAGE = re.compile(
    rb"[A-Za-z](?:[\x81\x82\x84\x86-\x89\x8b\x8d\x8f\x90\x95\x98\x9b\x9d][A-Za-z]|"
    rb"[\x81\x82\x88\x89\x8b\x8d\x8f\x90][;,\t|\"\r\n])|"
    rb"[a-z](?:[\x8a\x8c\x8e\x9f][a-z]|[\x8e\x9f][;,\t|\"\r\n])"
)
_ASCII = bytes(range(0x80))
_LEADS = {*b"\xc2\xc3\xc4\xc5\xe1\xe2"}
_C1 = {*range(0x80, 0xA0)}
_NOT_IN_CP1252 = {*b"\x81\x8d\x8f\x90\x9d"}


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in blocks that end where a line does, in what is not wide."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block if block.endswith(b"\n") else block + file.readline()


def encoded_twice() -> str:
    """A pattern (of Python and of DuckDB) for a letter in UTF-8 that was read as cp1252 or Latin-1 before it was written."""

    def read_as(byte: int) -> str:
        return bytes([byte]).decode("latin-1") + bytes([byte]).decode("cp1252", errors="ignore")

    return "|".join(
        "".join(f"[{''.join(map(read_as, range(first, last + 1)))}]" for first, last in way) for way in _WRITTEN_HERE
    )


def is_utf8(encoding: str) -> bool:
    """Whether a file that was agreed in this encoding is in UTF-8."""
    return encoding not in (EXCEL, AUTO) and codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def encoding_of(path: Path, agreed: str) -> str:
    """The encoding in which a file is to be read. `agreed` may be EXCEL or AUTO. All bytes may be looked at.

    UTF-8 is not looked through: who reads it does so. Raises WrongEncodingError when the file is surely in another than
    the agreed one.
    """
    wide = wide_encoding(path)
    if agreed in (EXCEL, AUTO):
        if wide:
            return wide
        if not_utf8_at(blocks(path)) is None:
            return "utf-8"
        return "cp1252" if agreed == EXCEL else _single_byte(path, "cp1252", agreed)
    name = codecs.lookup(agreed).name
    if found := _WIDE.fullmatch(name):
        return _agreed_wide(path, agreed, name, wide, has_order=bool(found[2]))
    if wide:
        raise _other(_said(wide), agreed)
    return name if is_utf8(agreed) else _single_byte(path, name, agreed)


def decoded(path: Path, agreed: str) -> str:
    """The text of a file that fits in memory.

    Raises WrongEncodingError when it is in another encoding than the agreed one, EXCEL or AUTO.
    """
    encoding = encoding_of(path, agreed)
    try:
        return path.read_bytes().decode(encoding, errors_of(agreed))
    except UnicodeDecodeError:
        raise not_utf8(path, agreed) if is_utf8(encoding) else no_such_text(agreed) from None


def errors_of(agreed: str) -> str:
    """What is done with bytes that are no text in the encoding: of what Excel made they cost their own letters alone."""
    return "replace" if agreed == EXCEL else "strict"


def not_utf8(path: Path, agreed: str) -> WrongEncodingError:
    """What is to be said of a file that was agreed in UTF-8 and is not."""
    line = not_utf8_at(blocks(path))
    if any(_SURELY_IN_UTF8.search(block) for block in blocks(path)):
        return WrongEncodingError(Fault.TWO_ENCODINGS.said(agreed=agreed, line=line), line)
    return _other(_CODE_PAGE if _is_in_code_page(path) else _WINDOWS, agreed, line)


def no_such_text(agreed: str) -> WrongEncodingError:
    """What is to be said of bytes that are nothing in the agreed encoding."""
    said = Fault.NO_SUCH_TEXT.said(agreed=encoding_said(agreed), wanted=encoding_wanted(agreed))
    return WrongEncodingError(said)


def not_utf8_at(parts: Iterable[bytes]) -> int | None:
    """The line, from 1, of the first bytes that are no UTF-8; None when all are."""
    line = 1
    for part in parts:
        if not part.isascii():
            try:
                part.decode("utf-8")
            except UnicodeDecodeError as error:
                return line + part.count(b"\n", 0, error.start)
        line += part.count(b"\n")
    return None


def wide_encoding(path: Path) -> str | None:
    """UTF-16 or UTF-32 when the file begins with its mark, or has a NUL beside nearly each letter of its start."""
    start = _start(path)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    half = len(start) // 2
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if half < 2 or 2 * max(even, odd) < half or min(even, odd) * 8 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _agreed_wide(path: Path, agreed: str, name: str, wide: str | None, *, has_order: bool) -> str:
    if wide is None:
        if _start(path).count(0):
            return name
        raise _other(_UTF8 if not_utf8_at(blocks(path)) is None else _WINDOWS, agreed)
    if not wide.startswith(name):
        raise _other(_said(wide), agreed)
    return wide if not has_order else name


def _single_byte(path: Path, name: str, agreed: str) -> str:
    """Of an encoding with one byte a letter: Latin-1 is known to be said of what is cp1252."""
    seen: set[int] = set()
    line, mixed = 1, None
    for block in blocks(path):
        here = set(block.translate(None, _ASCII))
        seen |= here
        if mixed is None and here & _LEADS and (surely := _SURELY_IN_UTF8.search(block)):
            mixed = line + block.count(b"\n", 0, surely.start())
        line += block.count(b"\n")
    if not seen:
        return name
    if seen & _LEADS and not_utf8_at(blocks(path)) is None and any(_IN_UTF8.search(block) for block in blocks(path)):
        raise _other(_UTF8, agreed)
    if name in ("cp1252", *_LATIN):
        if mixed is not None:
            raise WrongEncodingError(Fault.PARTLY_UTF8.said(agreed=agreed, line=mixed), mixed)
        if seen & _C1 and _is_in_code_page(path):
            raise _other(_CODE_PAGE, agreed)
        if name in _LATIN and seen & _C1 and not seen & _NOT_IN_CP1252:
            return "cp1252"
    return name


def _is_in_code_page(path: Path) -> bool:
    return any(_IN_CODE_PAGE.search(block) for block in blocks(path))


def _other(found: Said, agreed: str, line: int | None = None) -> WrongEncodingError:
    agreed_said, wanted = encoding_said(agreed), encoding_wanted(agreed)
    return WrongEncodingError(Fault.OTHER_ENCODING.said(found=found, agreed=agreed_said, wanted=wanted), line, found)


def _said(wide: str) -> Said:
    if not wide.startswith("utf-16"):
        return Said(wide.upper(), wide.upper())
    return Said("UTF-16 (Excel: 'Unicode text')", "UTF-16 (in Excel: 'Unicode-tekst')")


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_START)
