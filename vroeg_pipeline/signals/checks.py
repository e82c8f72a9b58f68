"""What must hold of signals and rejected rows after every run: nothing is lost (DOMAIN §5, §11)."""

import dagster as dg

from vroeg_pipeline.deliveries.inbox import UNFINISHED
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.monthly import Found, Month, MonthCheck, counted, keys_are_unique, observed
from vroeg_pipeline.signals.slips_told import unmatched_slips

# One or two say nothing; that most of three or more live elsewhere is rather the fault of the register.
_FEWEST_OUTSIDE, _MOST_OUTSIDE = 3, 0.5


def _outside_area(of: Month) -> Found:
    outside, rows = fetch_one(
        of.connection,
        """
        SELECT
            (SELECT count(*) FROM rejected_rows
                WHERE month = getvariable('month') AND list_contains(reasons, 'outside_area')),
            (SELECT count(*) FROM validated_signals WHERE month = getvariable('month'))
            + (SELECT count(*) FROM rejected_rows WHERE month = getvariable('month'))
        """,
    )
    figures = observed("share outside the area", outside / rows if rows else 0.0, at_most=_MOST_OUTSIDE)
    if outside < _FEWEST_OUTSIDE or outside <= _MOST_OUTSIDE * rows:
        return Found(None, figures)
    wrong = (
        f"{outside:,} of {rows:,} rows lie outside the area: look at the municipality codes of the address register, "
        "municipalities.csv and the agreements before partners are told that nobody lives there"
    )
    return Found(wrong, figures)


def _slips(of: Month) -> Found:
    unusable = load_slips(of.connection, of.installation, of.month)
    left_out = {reason: count for reason, count in unusable.items() if not reason.endswith(UNFINISHED)}
    unmatched = unmatched_slips(of)
    said = [f"references that match nothing that was delivered ({unmatched})"] if unmatched.references else []
    said += [f"lists that cannot be used ({counted(left_out)})"] if left_out else []
    figures = {
        **observed("references that match nothing", unmatched.references, at_most=0),
        **observed("lists that cannot be used", sum(left_out.values()), at_most=0),
    }
    return Found(" and ".join(said) + ": ask the partner, else doors are rung for nothing" if said else None, figures)


CHECKS = [
    keys_are_unique("validated_signals", "signal_id"),
    MonthCheck(
        "validated_signals",
        "row_accounting",
        "Every data row of an accepted delivery is in exactly one of validated_signals and rejected_rows, and the "
        "counts of delivery_files add up (DOMAIN §5).",
        """
        WITH ended AS (
            SELECT partner, file_sha256, row_number FROM validated_signals WHERE month = getvariable('month')
            UNION ALL
            SELECT partner, file_sha256, row_number FROM rejected_rows WHERE month = getvariable('month')
        ),
        delivered AS (
            SELECT raw.partner, raw.file_sha256, raw.row_number
            FROM raw.delivery_rows AS raw
            SEMI JOIN delivery_files AS file
                ON raw.partner = file.partner AND raw.file_sha256 = file.file_sha256
                AND file.month = getvariable('month') AND file.status = 'accepted'
            WHERE raw.month = getvariable('month')
        )
        SELECT
            (SELECT count(*) FROM (FROM delivered EXCEPT ALL FROM ended))
            + (SELECT count(*) FROM (FROM ended EXCEPT ALL FROM delivered))
            + (
                SELECT count(*) FROM delivery_files WHERE month = getvariable('month') AND status = 'accepted'
                AND row_count IS DISTINCT FROM accepted_count + rejected_count + erased_count
            )
        """,
        blocking=True,
    ),
    MonthCheck(
        "validated_signals",
        "slips_match",
        "Every reference that a partner withdrew or confirmed is of a row that it delivered (DOMAIN §10).",
        _slips,
        severity=dg.AssetCheckSeverity.WARN,
    ),
    keys_are_unique("rejected_rows", "file_sha256", "partner", "row_number"),
    MonthCheck(
        "rejected_rows",
        "every_row_has_a_reason",
        "No row is rejected without a reason (DOMAIN §5).",
        "SELECT count(*) FROM rejected_rows WHERE month = getvariable('month') AND len(reasons) = 0",
        blocking=True,
    ),
    MonthCheck(
        "rejected_rows",
        "few_outside_area",
        "No more than half of the rows of all partners lie outside the area (DOMAIN §5).",
        _outside_area,
    ),
]
