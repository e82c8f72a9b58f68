"""What must hold of what is kept (DOMAIN §14)."""

from datetime import timedelta

import dagster as dg

from vroeg_pipeline.domain.months import amsterdam_day, month_text
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import observed
from vroeg_pipeline.retention.removal import what_is_due

# A week of notice, and another for a daemon that was not at work.
_AT_MOST = timedelta(days=14)


@dg.asset_check(
    asset="retention",
    name="terms_are_kept",
    description="Nothing is there two weeks after its term was over, and the warehouse was written anew since (DOMAIN §14).",
)
def terms_are_kept(warehouse: WarehouseResource, installation: dg.ResourceParam[Installation]) -> dg.AssetCheckResult:
    """What is overdue, and what is left of it in the bytes of the warehouse."""
    with warehouse.connect() as connection:
        overdue = what_is_due(connection, installation, amsterdam_day(installation.now()) - _AT_MOST)
        (pending,) = fetch_one(connection, "SELECT count(*) FROM reference.removals WHERE NOT is_rewritten")
    rows = sum(each.count for each in overdue)
    months = ", ".join(sorted({month_text(each.month) for each in overdue}))
    wrong = [f"{rows} rows and files of {months} are over their term"] if overdue else []
    wrong += ["what was removed may still be in the bytes of the warehouse"] if pending else []
    return dg.AssetCheckResult(
        passed=not wrong,
        description=f"{'; '.join(wrong)}: vroeg retention removes it." if wrong else "Holds.",
        metadata=observed("rows and files over their term", rows, at_most=0),
    )
