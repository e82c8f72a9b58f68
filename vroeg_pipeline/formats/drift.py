"""Columns that are not as agreed: which were renamed, as far as their names tell (schema drift)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.reading import nearest
from vroeg_pipeline.domain.terms import is_known
from vroeg_pipeline.installation.notes import Finding

_MOST_NAMED = 10
# With more errors a short header is a name: Naam, Haan.
_LETTERS_AN_ERROR = 6
_DIGITS = re.compile("[0-9]")
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Drift:
    """`renamed`: agreed header to the one that looks like it. `gone` and `added`: the other headers.

    `added` is None where what stands there need not be a header at all: then it may be a person (DOMAIN §12).
    """

    renamed: Mapping[str, str]
    gone: Sequence[str]
    added: Sequence[str] | None
    added_count: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The same as findings of a check: what was agreed, what is there."""
        return (
            *(Finding("renamed", new, old) for old, new in self.renamed.items()),
            *(Finding("gone", "", header) for header in self.gone),
            *(Finding("added", header[:_LONGEST_NAME], "") for header in (self.added or [])[:_MOST_NAMED]),
        )

    def __str__(self) -> str:
        parts = [f"'{old}' seems to be called '{new}' now" for old, new in self.renamed.items()]
        parts += [f"'{header}' is gone" for header in self.gone]
        if self.added is None:
            parts += [f"{self.added_count} headers are not in the agreement"] if self.added_count else []
        else:
            parts += [f"'{header[:_LONGEST_NAME]}' is new" for header in self.added[:_MOST_NAMED]]
            more = len(self.added) - _MOST_NAMED
            parts += [f"{more} more are new"] if more > 0 else []
        return "; ".join(parts)


def named_or_numbered(header: str, number: int, agreed: Collection[str]) -> str:
    """A header that nobody agreed as it can be told: by its name where that is of words of ours or an agreed one with an
    error of typing, else by the `number` of its column. What stands in the first line may be a person (DOMAIN §12).
    """
    folded = header_name(header)
    alike = (each for each in map(header_name, agreed) if _LETTERS_AN_ERROR * OSA.distance(folded, each) <= len(each))
    if is_known(header) or any(_DIGITS.findall(folded) == _DIGITS.findall(each) for each in alike):
        return header
    return f"nr. {number}"


def drift_of(
    agreed: Mapping[str, Sequence[str]], lacking: Sequence[str], unexpected: Sequence[str], *, one_header: bool
) -> Drift:
    """What changed against the agreed columns (`agreed`: field to its headers, of which the first is named).

    `lacking`: agreed fields that the file has no column for. `unexpected`: headers that are not agreed. Only a first line
    that holds at least half of the agreed headers is believed to be one; of another no word is repeated. Where the file
    has no `one_header` (JSON: any object may bring a key of its own), only what looks like an agreed header is named.
    """
    # A cell that is split gives several fields.
    gone = list(dict.fromkeys(agreed[field][0] for field in lacking if field in agreed))
    if 2 * len(gone) > len({headers[0] for headers in agreed.values()}):
        return Drift({}, gone, None, len(unexpected))
    left = [header for header in unexpected if header.isprintable()]
    renamed = {}
    for header in gone:
        by_fold = {name.casefold(): name for name in left}
        if like := nearest(header.casefold(), by_fold):
            renamed[header] = by_fold[like]
            left.remove(by_fold[like])
    added = left if one_header else None
    return Drift(renamed, [header for header in gone if header not in renamed], added, len(unexpected) - len(renamed))
