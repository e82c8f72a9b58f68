"""What must hold of the address register, which belongs to no month: that it lost little, and that it is of late.

Neither stops a month: with a refused or an old register addresses are resolved as they were the month before.
"""

from collections.abc import Iterator

import dagster as dg

from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import observed

REGISTER = dg.AssetKey("address_register")
# The Kadaster makes an extract every month.
OLD_AFTER_DAYS = 40


@dg.multi_asset_check(
    name="check_address_register",
    specs=[
        dg.AssetCheckSpec(
            "lost_few_dwellings",
            asset=REGISTER,
            description="The newest register lost no more of the addresses than register_max_loss; one that lost more is "
            "refused, and the one before it stays in force (docs/adr/0013).",
        ),
        dg.AssetCheckSpec(
            "is_of_late",
            asset=REGISTER,
            description=f"Another register was loaded in the last {OLD_AFTER_DAYS} days (docs/adr/0013).",
        ),
    ],
    can_subset=True,
)
def register_checks(
    context: dg.AssetCheckExecutionContext,
    warehouse: WarehouseResource,
    installation: dg.ResourceParam[Installation],
) -> Iterator[dg.AssetCheckResult]:
    """Those that somebody asked for."""
    register = town_of(installation.home).key(REGISTER)
    for result in _looked(warehouse, installation, register):
        if dg.AssetCheckKey(register, str(result.check_name)) in context.selected_asset_check_keys:
            yield result


def _looked(
    warehouse: WarehouseResource, installation: Installation, register: dg.AssetKey
) -> Iterator[dg.AssetCheckResult]:
    """Both pass where there is no register: then addresses are unchecked, and say so."""
    with warehouse.connect() as connection:
        # Of what was noted, that which lies in reference/: the refused one, else the one in force.
        newest = connection.execute(
            """
            SELECT load.source, load.withdrawn, load.dwellings_before, load.refused
            FROM reference.sources AS noted
            INNER JOIN reference.register_loads AS load
                ON noted.sha256 = load.sha256 AND load.refused = (noted.name = 'address_register, refused')
            WHERE noted.name LIKE 'address_register%'
            ORDER BY load.refused DESC, load.load_number DESC
            LIMIT 1
            """
        ).fetchone()
        in_force = connection.execute(
            "SELECT loaded_at FROM reference.sources WHERE name = 'address_register'"
        ).fetchone()
    source, withdrawn, before, refused = newest or ("", 0, 0, False)
    said = f"{source} lost {withdrawn:,} of {before:,} addresses." if before else "There was no register before."
    yield dg.AssetCheckResult(
        passed=not refused,
        asset_key=register,
        check_name="lost_few_dwellings",
        severity=dg.AssetCheckSeverity.ERROR,
        description=said + (" It is refused; the register before it is in force." if refused else ""),
        metadata=observed(
            "share lost", withdrawn / before if before else 0.0, at_most=installation.settings.register_max_loss
        ),
    )
    age = (installation.now() - in_force[0]).days if in_force else 0
    yield dg.AssetCheckResult(
        passed=age <= OLD_AFTER_DAYS,
        asset_key=register,
        check_name="is_of_late",
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The register was loaded {age} days ago." if in_force else "There is no register.",
        metadata=observed("days", age, at_most=OLD_AFTER_DAYS),
    )
