"""ZIP files from outside: everything that `zipfile` and what it unpacks with raise over a broken one, as one error."""

from __future__ import annotations

import bz2
import errno
import lzma
import traceback
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipInfo

_ENCRYPTED = 0x1
# Where the standard library reads ZIP files and what is packed in them.
_ZIPFILE = {Path(str(module.__file__)).parts[-2:] for module in (zipfile, lzma, bz2)}


class BrokenZipError(Exception):
    """The file is no whole ZIP file; the text says how, without its content."""


@contextmanager
def broken_zip_told() -> Iterator[None]:
    """Makes what a broken ZIP file raises in the block a BrokenZipError.

    What our own disk cannot do is raised as it is: that is not the sender's mistake.
    """
    try:
        yield
    except (BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise BrokenZipError(type(error).__name__) from None
    except (EOFError, NotImplementedError, ValueError) as error:
        # Of a size, a place, a name or a method that cannot be in the file; anywhere else these are mistakes of ours.
        if not _is_raised_by_zipfile(error):
            raise
        raise BrokenZipError(type(error).__name__) from None
    except OSError as error:
        # A place that cannot be in the file, or (without a number) what bz2 says of damaged data.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise BrokenZipError(type(error).__name__) from None


def _is_raised_by_zipfile(error: Exception) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).parts[-2:] in _ZIPFILE


def is_encrypted(member: ZipInfo) -> bool:
    """Whether a member asks for a password; `zipfile` says so with a RuntimeError, as Python does of other things."""
    return bool(member.flag_bits & _ENCRYPTED)
