"""Withdrawals and confirmations: short lists of customer references that a partner sends after its delivery
(DOMAIN §10). What they do to a signal is said in `signals/validated_signals.sql`.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import duckdb

from vroeg_pipeline.deliveries.erased_rows import reference_hash
from vroeg_pipeline.deliveries.inbox import CONFIRMATIONS, WITHDRAWALS, NotTakenError, archive_file, list_slips
from vroeg_pipeline.domain.fields import header_name
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.formats.cells import Header, UnreadableError
from vroeg_pipeline.formats.csv import Dialect, csv_rows
from vroeg_pipeline.formats.encodings import AUTO
from vroeg_pipeline.installation.home import folders_in, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.requests import Asked, in_force
from vroeg_pipeline.installation.secrets import hash_key
from vroeg_pipeline.installation.statements import temporary_table

COLUMN = "customer_reference"
_HEADER_WITHIN = 20


def load_slips(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> Counter[str]:
    """Makes the temporary tables `withdrawals` and `confirmations` of a month, in place of those of another.

    Gives what could not be used, by partner, kind and reason: a withdrawal that cannot be read means a door that is
    rung for nothing, so somebody must hear of it.
    """
    erase_in_slips(installation, month)
    unusable: Counter[str] = Counter()
    for kind in (WITHDRAWALS, CONFIRMATIONS):
        rows: set[tuple[str, str, datetime]] = set()
        settle_seconds = installation.settings.settle_seconds
        listing = list_slips(installation.home.inbox, kind, month, settle_seconds, installation.now())
        for reason, count in listing.skipped.items():
            unusable[f"{kind}: {reason}"] += count
        for slip in listing.files:
            if slip.partner in installation.partners.senders:
                unusable[f"{slip.partner}, {kind}: belongs in the folder of each partner, as it sends for several"] += 1
                continue
            if slip.partner not in installation.partners.agreements:
                unusable[f"{kind}: partner without an agreement"] += 1
                continue
            try:
                kept = archive_file(
                    installation.home, slip, f"{slip.partner}/{kind}", installation.settings.max_file_mb
                )
                rows |= {(slip.partner, reference, slip.received_at) for reference in _references(kept.path)}
            except NotTakenError as reason:
                unusable[f"{slip.partner}, {kind}: {reason}"] += 1
        columns = "partner VARCHAR, customer_reference VARCHAR, received_at TIMESTAMPTZ"
        temporary_table(connection, kind, columns, sorted(rows))
        # Read as references in deliveries are (DOMAIN §4), so that the same one is the same.
        connection.execute(f"UPDATE {kind} SET customer_reference = text_of(customer_reference)")
    return unusable


def erase_in_slips(installation: Installation, month: date) -> int:
    """Takes the references of residents who were erased out of the slips of a month, in inbox and archive; gives how many
    that changed.
    """
    home = installation.home
    requests = in_force(home, Asked.ERASE)
    if not requests:
        return 0
    keys = {identity.key for request in requests for identity in request.identities}
    key, changed = hash_key(home), 0

    def erased(partner: str, references: set[str]) -> set[str]:
        return {each for each in references if reference_hash(key, partner, each) in keys}

    for kind in (WITHDRAWALS, CONFIRMATIONS):
        # What is still being written waits, as everywhere: its sender would write on in a file that is gone.
        listing = list_slips(home.inbox, kind, month, installation.settings.settle_seconds, installation.now())
        for slip in listing.files:
            with suppress(NotTakenError):
                references = _references(slip.path)
                if gone := erased(slip.partner, references):
                    with replacing(slip.path) as temporary:
                        temporary.write_text("\n".join([COLUMN, *sorted(references - gone), ""]), encoding="utf-8")
                        os.utime(temporary, ns=(slip.modified_ns, slip.modified_ns))
                    changed += 1
        for folder in folders_in(home.archive, f"*/{kind}/{month_text(month)}"):
            for path in folder.iterdir():
                with suppress(NotTakenError):
                    if erased(folder.parent.parent.name, _references(path)):
                        path.unlink()
    return changed


def _references(path: Path | None) -> set[str]:
    """The references in a slip.

    Raises NotTakenError when it is no CSV with a column customer_reference. UTF-8 and a comma are asked for, what Excel
    makes of them is read too: a withdrawal that is not read means a door that is rung for nothing.
    """
    if path is None:
        raise NotTakenError("too large")
    try:
        rows = [cells for _, cells in csv_rows(path, Dialect(AUTO, header_word=COLUMN))]
        # Blank lines and a title may stand above it.
        at = next((at for at, cells in enumerate(rows[:_HEADER_WITHIN]) if COLUMN in map(header_name, cells)), None)
        if at is None:
            raise NotTakenError(f"lacks the header {COLUMN}; write it above the references")
        position = Header.of(rows[at], {COLUMN: (COLUMN,)}).positions[COLUMN]
    except UnreadableError as error:
        raise NotTakenError(str(error)) from None
    return {cells[position].strip() for cells in rows[at + 1 :] if len(cells) > position and cells[position].strip()}
