"""A sealed stream gives back what was written, and nothing of what was altered, cut or put together otherwise."""

from __future__ import annotations

import io
import os

import pytest

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.sealing import MAGIC, SealedReader, SealedWriter

CHUNK, TAG, SALT = 2**20, 16, 16
BEFORE = len(MAGIC) + SALT
KEY = "sleutel"


def sealed(content: bytes) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, KEY)
    for at in range(0, len(content), 700_000):
        writer.write(content[at : at + 700_000])
    writer.close()
    return file.getvalue()


def opened(content: bytes, words: str = KEY) -> bytes:
    file = io.BytesIO(content)
    assert file.read(len(MAGIC)) == MAGIC
    reader, found = SealedReader(file, words, "it"), bytearray()
    while part := reader.read(300_000):
        found += part
    return bytes(found)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_was_written_comes_back_and_cannot_be_read_otherwise(size: int) -> None:
    content = os.urandom(size)
    made = sealed(content)
    assert opened(made) == content
    assert size < 32 or content[:32] not in made
    assert sealed(content)[BEFORE:] != made[BEFORE:]


def test_chunks_cannot_be_missing_or_change_places() -> None:
    made = sealed(bytes(3 * CHUNK))
    head, whole = made[:BEFORE], CHUNK + TAG
    first, second, last = (made[BEFORE + n * whole : BEFORE + (n + 1) * whole] for n in range(3))
    assert opened(head + first + second + last) == bytes(3 * CHUNK)
    for chunks in ((first, second), (first, last), (second, first, last), (last,), (), (first, second, last, last)):
        with pytest.raises(VroegError, match=r"altered|cut"):
            opened(head + b"".join(chunks))
    for changed in (made[:-1], made + b"x", made[:BEFORE] + bytes([made[BEFORE] ^ 1]) + made[BEFORE + 1 :]):
        with pytest.raises(VroegError, match="altered"):
            opened(changed)
    with pytest.raises(VroegError, match="the encryption key is another one"):
        opened(made, "andere")
