"""What must hold of the delivery register after every run (DOMAIN §4, §11)."""

import dagster as dg

from vroeg_pipeline.deliveries.assets import AGREEMENTS
from vroeg_pipeline.installation.agreed import what_is_wrong
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.monthly import Found, Month, MonthCheck, keys_are_unique, observed

_ARE_RIGHT = "are_right"


def _unknown_partners(of: Month) -> Found:
    rows = of.connection.execute(
        """
        SELECT partner, row_count
        FROM delivery_files INNER JOIN senders ON delivery_files.partner = senders.sender
        WHERE month = getvariable('month') AND status = 'accepted' AND row_count > 0
        ORDER BY partner
        """
    ).fetchall()
    said = ", ".join(f"{count} of {sender}" for sender, count in rows)
    wrong = (
        f"rows in files of senders are of partners that the sender's agreement does not name ({said}): add their names to "
        "its 'partners' and run the month again"
    )
    figures = observed("rows of unknown partners", sum(count for _, count in rows), at_most=0)
    return Found(wrong if rows else None, figures)


CHECKS = [
    keys_are_unique("delivery_files", "file_sha256", "partner"),
    MonthCheck(
        "delivery_files",
        "one_delivery_a_partner",
        "At most one file of a partner that does not add is its accepted delivery of the month (DOMAIN §4).",
        "SELECT count(*) FROM (SELECT 1 FROM delivery_files WHERE month = getvariable('month') AND status = 'accepted' "
        "AND decision IS DISTINCT FROM 'addition' AND (NOT adds OR decision = 'replacement') "
        "GROUP BY partner HAVING count(*) > 1)",
        blocking=True,
    ),
    MonthCheck(
        "delivery_files",
        "files_are_whole",
        "The rows of a file that could be read, of all partners in it together, are numbered from 1 without gaps (but "
        "where somebody was erased), and the register counts them all (DOMAIN §4).",
        """
        WITH registered AS (
            SELECT
                coalesce(delivered_by, partner) AS folder,
                file_sha256,
                sum(row_count) AS row_count,
                sum(coalesce(erased_count, 0)) AS erased_count
            FROM delivery_files
            WHERE month = getvariable('month') AND row_count IS NOT NULL
            GROUP BY ALL
        ),
        kept AS (
            SELECT
                coalesce(file.delivered_by, file.partner) AS folder,
                file_sha256,
                count(*) AS rows,
                sum(row_number) AS numbers
            FROM raw.delivery_rows
            INNER JOIN delivery_files AS file USING (month, partner, file_sha256)
            WHERE month = getvariable('month')
            GROUP BY ALL
        )
        SELECT count(*)
        FROM registered LEFT JOIN kept USING (folder, file_sha256)
        WHERE registered.row_count <> coalesce(kept.rows, 0) + registered.erased_count
            OR (
                registered.erased_count = 0
                AND coalesce(kept.numbers, 0) <> registered.row_count * (registered.row_count + 1) / 2
            )
        """,
        blocking=True,
    ),
    MonthCheck(
        "delivery_files",
        "partners_are_known",
        "Every partner that a sender's file names stands in the sender's agreement (DOMAIN §5).",
        _unknown_partners,
        severity=dg.AssetCheckSeverity.WARN,
    ),
]


def agreements_judged(installation: Installation) -> dg.AssetCheckEvaluation:
    """What is to be said of the agreements and settings as they are now."""
    wrong = what_is_wrong(installation.home)
    return dg.AssetCheckEvaluation(
        asset_key=town_of(installation.home).key(AGREEMENTS.key),
        check_name=_ARE_RIGHT,
        passed=wrong is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{wrong}. The last good ones are in force." if wrong else "All of them can be read.",
        metadata=observed("wrong files", int(wrong is not None), at_most=0),
    )


@dg.asset_check(
    name=_ARE_RIGHT,
    asset=AGREEMENTS.key,
    description="All agreements and settings can be read; while one cannot, all stay in force as they were right last "
    "(DOMAIN §4).",
)
def agreements_check(installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    judged = agreements_judged(installation)
    return dg.AssetCheckResult(
        passed=judged.passed, severity=judged.severity, description=judged.description, metadata=judged.metadata
    )
