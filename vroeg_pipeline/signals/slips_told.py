"""What withdrawals and confirmations could not do: those that match nothing, in words for who must ask the partner
(DOMAIN §10).
"""

from __future__ import annotations

from dataclasses import dataclass

from vroeg_pipeline.monthly import Month


@dataclass(frozen=True)
class Unmatched:
    """How many references match nothing; as text by partner and kind, `none` where all do."""

    references: int
    said: str

    def __str__(self) -> str:
        return self.said


def unmatched_slips(of: Month) -> Unmatched:
    """The references that match no delivered row of the month.

    Needs the temporary tables of `deliveries.slips`, and the month's signals and rejected rows.
    """
    found = of.connection.execute(of.installation.statement("unmatched_slips")).fetchall()
    said = "; ".join(f"{partner}, {kind}: {count} of {told}" for partner, kind, count, told in found)
    return Unmatched(sum(count for _, _, count, _ in found), said or "none")
