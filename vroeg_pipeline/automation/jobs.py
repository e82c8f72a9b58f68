"""The jobs of the location. What runs them by itself (schedules, sensors) will stand beside this module."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

MONTH_JOB = "month"


def month_job(partitions: dg.PartitionsDefinition) -> UnresolvedAssetJobDefinition:
    """Everything, from the inbox to the outbox, for one month or a range of months.

    One job and one run, because a failed blocking check stops only what is in its own run (ARCHITECTURE decision 8).
    """
    return dg.define_asset_job(
        MONTH_JOB,
        # The checks of external assets (deliveries) do not come with all().
        selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
        partitions_def=partitions,
        description="From partner files to worklists, for one month or a range of months, oldest first.",
        tags={"stage": "month"},
        executor_def=dg.in_process_executor,
    )
