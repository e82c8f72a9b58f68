"""Texts of others, made safe for the cells of what we write: nothing that a sheet cannot hold, nothing that runs."""

from __future__ import annotations

import re

# XML knows no other control characters; a lone surrogate cannot be written either.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# A cell that begins so would become a formula when somebody edits it or saves the sheet as CSV.
_LOOKS_LIKE_FORMULA = re.compile(r"[=+\-@\t\r\n]|[\x00-\x1f]")


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula."""
    return _LOOKS_LIKE_FORMULA.match(text) is not None


def legal(text: str) -> str:
    """Text that a sheet can hold: one kind of line end, without what XML does not know, at most as long as a cell."""
    return _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))[:32_767]


def csv_cell(text: str) -> str:
    """Text for a CSV that people open in a spreadsheet: an apostrophe in front of what would become a formula."""
    return f"'{text}" if looks_like_formula(text) else text
