"""The one file in a packed file, within a limit of size."""

from __future__ import annotations

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from vroeg_pipeline.domain.refusals import Fault
from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.zip_files import BrokenZipError, broken_zip_told, is_encrypted
from vroeg_pipeline.installation.home import temporary_file

_BLOCK = 1 << 20
_MARKS = {"gz": b"\x1f\x8b", "zip": b"PK"}
_TAR_AT, _TAR = 257, b"ustar"
# What a Mac puts beside each file.
_OF_A_MAC = "__MACOSX/"


@contextmanager
def unpacked(path: Path, packed: Literal["gz", "zip"] | None, scratch: Path, max_mb: float) -> Iterator[Path]:
    """The file itself where it is not packed, else a copy of the one in it, for the block.

    `max_mb`: how much it may be unpacked, in MiB. Raises UnreadableError where it is more, is not packed so, or is not
    one file.
    """
    if packed is None:
        yield path
        return
    with path.open("rb") as file:
        start = file.read(4)
        if not start:
            yield path  # an empty file has no header, however it is packed
            return
        if not start.startswith(_MARKS[packed]):
            raise UnreadableError(Fault.NOT_PACKED.said(packed=packed))
    with temporary_file(scratch) as copy:
        if packed == "gz":
            try:
                with gzip.open(path) as source:
                    _copy(source, copy, max_mb)
            except (gzip.BadGzipFile, EOFError, zlib.error):
                raise UnreadableError(Fault.BROKEN_PACK.said(packed=packed)) from None
        else:
            try:
                with broken_zip_told(), zipfile.ZipFile(path) as container, container.open(_only(container)) as source:
                    _copy(source, copy, max_mb)
            except BrokenZipError:
                raise UnreadableError(Fault.BROKEN_PACK.said(packed=packed)) from None
        with copy.open("rb") as file:
            if file.read(_TAR_AT + len(_TAR))[_TAR_AT:] == _TAR:
                raise UnreadableError(Fault.HOLDS_TAR.said())
        yield copy


def _only(container: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [m for m in container.infolist() if not m.is_dir() and not m.filename.startswith(_OF_A_MAC)]
    if len(members) != 1:
        raise UnreadableError(Fault.SEVERAL_IN_PACK.said(count=len(members)))
    (member,) = members
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnreadableError(Fault.NO_FILE_IN_PACK.said())
    if is_encrypted(member):
        raise UnreadableError(Fault.HAS_PASSWORD.said())
    return member


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _copy(source: _Source, copy: Path, max_mb: float) -> None:
    total = 0
    with copy.open("wb") as target:
        while block := source.read(_BLOCK):
            total += len(block)
            if total > max_mb * 1024 * 1024:
                raise UnreadableError(Fault.TOO_LARGE_UNPACKED.said(limit=f"{max_mb:g}"))
            target.write(block)
