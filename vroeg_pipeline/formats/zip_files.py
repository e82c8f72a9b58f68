"""ZIP files from outside: everything that `zipfile` and what it unpacks with raise over a broken one, as one error."""

from __future__ import annotations

import errno
import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from zipfile import BadZipFile, ZipInfo

_ENCRYPTED = 0x1


class BrokenZipError(Exception):
    """The file is no whole ZIP file; the text says how, without its content."""


@contextmanager
def broken_zip_told() -> Iterator[None]:
    """Makes what a broken ZIP file raises in the block a BrokenZipError.

    What our own disk cannot do is raised as it is: that is not the sender's mistake.
    """
    try:
        yield
    except (BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, ValueError) as error:
        raise BrokenZipError(type(error).__name__) from None
    except OSError as error:
        # A place that cannot be in the file, or (without a number) what bz2 says of damaged data.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise BrokenZipError(type(error).__name__) from None


def is_encrypted(member: ZipInfo) -> bool:
    """Whether a member asks for a password; `zipfile` says so with a RuntimeError, as Python does of other things."""
    return bool(member.flag_bits & _ENCRYPTED)
