"""Reads a file in which each field stands at fixed characters of a line."""

from __future__ import annotations

import io
from pathlib import Path

from vroeg_pipeline.formats.cells import UnreadableError
from vroeg_pipeline.formats.encodings import AUTO, decoded, is_utf8
from vroeg_pipeline.formats.kinds import refuse_other_kind

# DOS writes it behind the last line.
_END_OF_FILE = "\x1a"


def fixed_lines(path: Path, encoding: str, lines_above: int) -> list[str]:
    """The lines with anything on them below those that are none of the table.

    Raises UnreadableError when the file is no text in the agreed encoding, or is measured in bytes.
    """
    refuse_other_kind(path, "fixed")
    text = decoded(path, encoding).removeprefix("\ufeff").rstrip(_END_OF_FILE)
    lines = [line.rstrip("\n") for line in io.StringIO(text, newline=None)][lines_above:]
    lines = [line for line in lines if line.strip()]
    if (encoding == AUTO or is_utf8(encoding)) and not text.isascii():
        in_bytes = {len(line.encode()) for line in lines}
        if len(lines) > 1 and len(in_bytes) == 1 and len({len(line) for line in lines}) > 1:
            raise UnreadableError("has its fields at fixed bytes, not characters; send it in cp1252 and agree that")
    return lines
