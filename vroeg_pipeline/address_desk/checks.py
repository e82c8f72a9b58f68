"""What must hold of the decisions of the address desk, which belong to no month, and of its list of each month."""

import dagster as dg

from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import MonthCheck, keys_are_unique, observed

CHECKS = [
    keys_are_unique("address_desk", "desk_id"),
    MonthCheck(
        "address_desk",
        "no_review_is_forgotten",
        "Every signal that needs review, and is not held, is on the list of the address desk (DOMAIN §6).",
        "SELECT count(*) FROM validated_signals AS signal "
        "ANTI JOIN address_desk AS desk ON signal.month = desk.month AND signal.desk_id = desk.desk_id "
        "WHERE signal.month = getvariable('month') AND signal.needs_review AND signal.held_reason IS NULL",
    ),
]

# A file as a whole counts until a later one of the desk could be read.
_NOT_USED = """
WITH latest AS (
    SELECT *
    FROM reference.address_decisions
    WHERE row_number > 0
    QUALIFY row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1
),

files AS (
    SELECT
        file_sha256,
        any_value(decided_at) AS decided_at,
        bool_or(row_number = 0 AND refusal IS NOT NULL) AS refused
    FROM reference.address_decisions
    GROUP BY file_sha256
)

SELECT
    (SELECT count(*) FROM latest WHERE refusal IS NOT NULL),
    (
        SELECT count(*) FROM files
        WHERE refused AND decided_at > coalesce((SELECT max(decided_at) FROM files WHERE NOT refused), '-infinity')
    )
"""


@dg.asset_check(
    name="decisions_could_be_used",
    asset="address_overrides",
    description="The last decision on each address could be used, and so could the last file of the address desk; what "
    "could not is on the next list with the reason.",
)
def decisions_check(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    with warehouse.connect() as connection:
        rows, files = fetch_one(connection, _NOT_USED)
    return dg.AssetCheckResult(
        passed=not rows and not files,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{rows:,} decisions and {files:,} files of the address desk could not be used.",
        metadata={
            **observed("decisions not used", rows, at_most=0),
            **observed("files not used", files, at_most=0),
        },
    )
