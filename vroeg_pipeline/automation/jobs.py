"""The jobs of the location. What starts them by itself stands in `automation.arrivals`."""

import dagster as dg

from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.town import Town

MONTH_JOB = "month"
INTAKE_JOB = "intake"
HOUSEKEEPING_JOB = "housekeeping"
RETENTION_JOB = "retention"
# What they do is not done again by a run of a month.
OF_NO_MONTH = (HOUSEKEEPING_JOB, RETENTION_JOB)


class Jobs:
    """What can be run. A class, as Dagster has no public name for what `define_asset_job` gives."""

    def __init__(self, partners: Partners, partitions: dg.PartitionsDefinition, town: Town) -> None:
        retention = town.key(RETENTION_JOB)
        # Everything, in one job and one run, because a failed blocking check stops only what is in its own run
        # (ARCHITECTURE decision 8).
        self.month = dg.define_asset_job(
            MONTH_JOB,
            # The checks of external assets (deliveries) do not come with all().
            selection=(dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks())
            - dg.AssetSelection.assets(retention)
            - dg.AssetSelection.checks_for_assets(retention),
            partitions_def=partitions,
            description="From partner files to worklists, for one month or a range of months, oldest first.",
            tags={"stage": "month"},
            executor_def=dg.in_process_executor,
        )
        # What is known of deliveries before the worklists are made: taken in, rows judged, measured, checked.
        names = (
            "address_register", "address_overrides", "delivery_files", "validated_signals", "rejected_rows",
            "delivery_measures", "delivery_board",
        )  # fmt: skip
        tables = [town.key(name) for name in names]
        deliveries = [town.key(delivery_key(partner)) for partner in partners.agreements]
        self.intake = dg.define_asset_job(
            INTAKE_JOB,
            selection=dg.AssetSelection.assets(*tables) | dg.AssetSelection.checks_for_assets(*tables, *deliveries),
            partitions_def=partitions,
            description="Takes in and judges deliveries as they arrive, without making worklists.",
            tags={"stage": "month"},
            executor_def=dg.in_process_executor,
        )
        self.retention = dg.define_asset_job(
            RETENTION_JOB,
            selection=dg.AssetSelection.assets(retention) | dg.AssetSelection.checks_for_assets(retention),
            description="Removes what is not kept any more and was announced a week before (DOMAIN §14).",
            tags={"stage": "retention"},
            executor_def=dg.in_process_executor,
        )
