"""Secrets: `${NAME}` in the settings stands for a variable of the environment, so that none is written down; and the key
with which names that leave the house are made unreadable.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from contextlib import suppress

import duckdb

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, read_text, temporary_file

HASH_KEY = "VROEG_HASH_KEY"

# Hexadecimal digits: 256 bits of the key, 128 of a hash.
_KEY_DIGITS, _HASH_DIGITS = 64, 32
# Bytes that SHA-256 works on at a time (RFC 2104).
_BLOCK = 64

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def filled_in(text: str, where: object = None) -> str:
    """The text with the variables that it names.

    Raises VroegError, with `where` the text stands, when one is not set.
    """

    def value(found: re.Match[str]) -> str:
        if not os.environ.get(found[1]):
            raise VroegError(f"{found[1]} is not set in the environment", where=where, do="set it for the daemon too")
        return os.environ[found[1]]

    return _VARIABLE.sub(value, text)


def hash_key(home: Home) -> bytes:
    """The key of keyed hashes: of the environment (`VROEG_HASH_KEY`), else of a file for the owner alone that is made once.

    Raises VroegError when what stands there is no key: with another one everything would get another name.
    """
    given, where = os.environ.get(HASH_KEY), HASH_KEY
    if not given:
        given, where = _kept_key(home), home.hash_key.name
    if not re.fullmatch(rf"[0-9a-fA-F]{{{_KEY_DIGITS}}}", given):
        raise VroegError(f"is no key of {_KEY_DIGITS} hexadecimal digits", where=where, do="put the former key back")
    return bytes.fromhex(given)


def _kept_key(home: Home) -> str:
    if not home.hash_key.exists():
        with temporary_file(private_folder(home.root)) as temporary:
            temporary.write_text(secrets.token_hex(_KEY_DIGITS // 2) + "\n", encoding="ascii")
            # Of two that make one at once the first counts.
            with suppress(FileExistsError):
                os.link(temporary, home.hash_key)
    return read_text(home.hash_key).strip()


def keyed_hash(key: bytes, text: str) -> str:
    """What stands for a text to whoever has not the key: the same for the same text, HMAC-SHA-256, cut to 128 bits."""
    return hmac.digest(key, text.encode(), "sha256").hex()[:_HASH_DIGITS]


def set_hash_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Lets SQL hash with the key (`installation/hash_macros.sql`). It stays in variables of the connection, in no file."""
    block = key.ljust(_BLOCK, b"\0")
    for name, pad in (("hash_inner", 0x36), ("hash_outer", 0x5C)):
        connection.execute(f"SET VARIABLE {name} = ?", [bytes(byte ^ pad for byte in block)])
