"""From delivered rows to signals: every row of an accepted delivery is validated or rejected (DOMAIN §5, §6, §10)."""

from collections.abc import Mapping, Sequence

import dagster as dg

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.monthly import Figures, Month, counted, made, monthly
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows, keep_former_addresses
from vroeg_pipeline.signals.slips_told import unmatched_slips

GROUP = "signals"
READS = ["delivery_files", "address_register", "address_overrides", "municipalities"]
_STATEMENTS: Sequence[str] = (
    "delivered_rows", "desk_answers", "addressed_rows", "resident_rows", "requested", "requested_rows",
    "doubles_of_erased", "row_verdicts",
)  # fmt: skip

# The counts stand in the delivery register, so they change in the transaction that changes the rows.
_COUNT_ROWS = """
UPDATE delivery_files AS file SET
    accepted_count = (
        SELECT count(*) FROM validated_signals AS s
        WHERE s.month = file.month AND s.partner = file.partner AND s.file_sha256 = file.file_sha256
    ),
    rejected_count = (
        SELECT count(*) FROM rejected_rows AS r
        WHERE r.month = file.month AND r.partner = file.partner AND r.file_sha256 = file.file_sha256
    ),
    outdated_count = (
        SELECT count(*) FROM rejected_rows AS r
        WHERE r.month = file.month AND r.partner = file.partner AND r.file_sha256 = file.file_sha256
            AND list_contains(r.reasons, 'outdated')
    )
WHERE month = getvariable('month') AND status = 'accepted'
"""


# Of a door of which nobody knows the municipality partners of two may report; all its signals stand together.
_KEEP_DOORS_WHOLE = """
UPDATE validated_signals AS signal SET for_municipality = door.for_municipality
FROM (
    SELECT address_key, min(for_municipality) AS for_municipality FROM validated_signals
    WHERE month = getvariable('month') GROUP BY address_key HAVING count(DISTINCT for_municipality) > 1
) AS door
WHERE signal.month = getvariable('month') AND signal.address_key = door.address_key;
"""


@monthly(
    made(
        "validated_signals",
        "A row passes when it breaks no rule of DOMAIN §5; its address is resolved by §6; the actuality gate of §10 "
        "may hold it back, marked, without removing it.",
        reads=READS,
        statements=[*_STATEMENTS, "former_addresses", "validated_signals"],
        group=GROUP,
    ),
    made(
        "rejected_rows",
        "Every rule of DOMAIN §5 that a row breaks is recorded, with the DDAS status for the partner.",
        reads=READS,
        statements=[*_STATEMENTS, "rejected_rows"],
        group=GROUP,
    ),
)
def signals(of: Month) -> Mapping[str, Figures]:
    """Validated signals and rejected rows, filled together so that each row lands in exactly one."""
    unusable = load_slips(of.connection, of.installation, of.month)
    if unusable:
        of.warn(f"withdrawals or confirmations left out: {counted(unusable)}")
    define_address_macros(of.connection, of.installation)
    judge_delivered_rows(of.connection, of.home)
    keep_former_addresses(of.connection)
    then = _COUNT_ROWS
    if of.installation.settings.separate_municipalities:
        then = _KEEP_DOORS_WHOLE + _COUNT_ROWS
    filled = of.fill("validated_signals", "rejected_rows", then=then)
    unmatched = unmatched_slips(of)
    if unmatched.references:
        of.warn(f"references that match nothing that was delivered: {unmatched}")
    return {
        "validated_signals": {
            **filled["validated_signals"],
            "addresses": of.counts("validated_signals", "address_status"),
            "held back": of.counts("validated_signals", "held_reason"),
            "withdrawals and confirmations left out": counted(unusable),
            "withdrawals and confirmations that match nothing": str(unmatched),
        },
        "rejected_rows": {
            **filled["rejected_rows"],
            "reasons (a row can have several)": of.counts("rejected_rows", "unnest(reasons)"),
            "reasons by partner": _reasons(of),
        },
    }


def _reasons(of: Month) -> dg.TableMetadataValue:
    """How many rows of each partner have each reason, the most first, and out of how many."""
    rows = of.connection.execute(
        """
        WITH delivered AS (
            SELECT
                partner,
                sum(row_count)::BIGINT AS rows
            FROM delivery_files
            WHERE month = getvariable('month') AND status = 'accepted'
            GROUP BY partner
        ),

        rejected AS (
            SELECT
                partner,
                unnest(reasons) AS reason
            FROM rejected_rows
            WHERE month = getvariable('month')
        )

        SELECT
            partner,
            reason,
            count(*) AS rejected,
            any_value(rows) AS delivered
        FROM rejected INNER JOIN delivered USING (partner)
        GROUP BY partner, reason
        ORDER BY partner ASC, rejected DESC, reason ASC
        """
    ).fetchall()
    columns = {"partner": "string", "reason": "string", "rows": "int", "of": "int"}
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(*column) for column in columns.items()]))
