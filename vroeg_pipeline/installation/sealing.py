"""A stream of bytes that only who has the key can read, and in which every change and cut shows, before a byte is given out.

AES-256-GCM of `cryptography`, a chunk at a time: its number and whether it is the last are in the nonce, so that chunks
cannot change places or be missing. The key comes from the words that were given, by scrypt (RFC 7914), and a salt.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from vroeg_pipeline.domain.errors import VroegError

MAGIC = b"vroeg sealed 1\n\0"
_SALT, _TAG, _CHUNK = 16, 16, 2**20


def _cipher(words: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(words.encode()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


class SealedWriter:
    """Writes to a file what is unreadable without the key. What was not closed is not whole."""

    def __init__(self, file: BinaryIO, words: str) -> None:
        salt = os.urandom(_SALT)
        file.write(MAGIC + salt)
        self._file, self._cipher = file, _cipher(words, salt)
        self._held, self._number = bytearray(), 0

    def write(self, content: bytes) -> int:
        """Adds to it; the number of bytes."""
        self._held += content
        while len(self._held) > _CHUNK:
            self._put(bytes(self._held[:_CHUNK]), is_last=False)
            del self._held[:_CHUNK]
        return len(content)

    def close(self) -> None:
        """Ends it; the file stays open."""
        self._put(bytes(self._held), is_last=True)

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), chunk, None))
        self._number += 1


class SealedReader:
    """Reads what `SealedWriter` wrote, from behind `MAGIC`; `name` is told in errors."""

    def __init__(self, file: BinaryIO, words: str, name: object) -> None:
        """Raises VroegError when there is nothing behind it."""
        self._file, self._name = file, name
        self._cipher = _cipher(words, file.read(_SALT))
        self._ahead, self._number, self._held = file.read(_CHUNK + _TAG), 0, bytearray()
        if not self._ahead:
            raise self._wrong("it was cut")

    def read(self, size: int) -> bytes:
        """The next bytes, fewer only at the end.

        Raises VroegError when the key is another one, or the file was altered or cut.
        """
        while len(self._held) < size and self._ahead:
            self._held += self._next()
        content = bytes(self._held[:size])
        del self._held[:size]
        return content

    def _next(self) -> bytes:
        sealed, self._ahead = self._ahead, self._file.read(_CHUNK + _TAG)
        try:
            chunk = self._cipher.decrypt(_nonce(self._number, is_last=not self._ahead), sealed, None)
        except InvalidTag:
            is_first = self._number == 0
            raise self._wrong(
                "the encryption key is another one, or it was altered" if is_first else "it was altered or cut"
            ) from None
        self._number += 1
        return chunk

    def _wrong(self, what: str) -> VroegError:
        return VroegError(what, where=self._name, do="give the key it was made with, or take another one")
