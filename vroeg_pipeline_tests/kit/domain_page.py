"""Sections of docs/domain.md, as `DOMAIN §n` names them, and the links of other pages to them."""

from __future__ import annotations

import re
from functools import cache

from vroeg_pipeline.installation.home import CHECKOUT

PAGE = CHECKOUT / "docs" / "domain.md"
# The first of several is `DOMAIN §5`, the others are `, §8` or `and §8`.
_NAMED = re.compile(r"(?<!\[)DOMAIN §\d+(?:(?:, | and )§\d+)*")


@cache
def sections() -> dict[str, str]:
    """The anchor of each section, by its number."""
    found = re.findall(r"^## ((\d+)\. .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {number: re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading, number in found}


def linked(text: str, page: str) -> str:
    """A text in which each `DOMAIN §n` leads to its section; `page`: the way to docs/domain.md from where it stands.

    Raises KeyError for a section that is not there.
    """

    def links(match: re.Match[str]) -> str:
        return re.sub(r"(?:DOMAIN )?§(\d+)", lambda named: f"[{named[0]}]({page}#{sections()[named[1]]})", match[0])

    return _NAMED.sub(links, text)
