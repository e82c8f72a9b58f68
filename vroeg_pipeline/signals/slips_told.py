"""What withdrawals and confirmations could not do: those that match nothing, in words for who must ask the partner
(DOMAIN §10).
"""

from __future__ import annotations

from vroeg_pipeline.monthly import Month


def unmatched_slips(of: Month) -> str | None:
    """How many references match no delivered row of the month, by partner and kind; None when all do.

    Needs the temporary tables of `deliveries.slips`, and the month's signals and rejected rows.
    """
    found = of.connection.execute(of.installation.statement("unmatched_slips")).fetchall()
    return "; ".join(f"{partner}, {kind}: {count} of {told}" for partner, kind, count, told in found) or None
