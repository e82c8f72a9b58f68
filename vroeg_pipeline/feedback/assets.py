"""What partners hear back of the month that they delivered (docs/feedback.md)."""

from collections import Counter

import dagster as dg

from vroeg_pipeline.feedback.files import write_feedback
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import ONE_RUN, counted, months_of, report


def feedback_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """A CSV, an XLSX and a text for each partner and month in the outbox."""

    @dg.asset(
        name="partner_feedback",
        deps=[
            "delivery_files",
            "validated_signals",
            "rejected_rows",
            "repeat_signals",
            "worklist_files",
            "contact_attempts",
            "case_results",
        ],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name="outgoing",
        kinds={"csv", "xlsx"},
        tags={"stage": "outgoing"},
        description="For each partner a folder with what it may learn of its own signals (repeat, unjustified, no "
        "resident, deceased, or another reason and never which), a report on its delivery and a text for its contact "
        "(DOMAIN §5, docs/feedback.md). Written anew by every run, as outcomes come in later.",
    )
    def partner_feedback(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with warehouse.connect() as connection:
            for month in months_of(context):
                partners = write_feedback(connection, installation, month)
                told = sum((partner.told for partner in partners), Counter[str]())
                rejected = {partner.partner: partner.rejected for partner in partners}
                per_partner = {partner.partner: partner.told.total() for partner in partners}
                report(
                    context,
                    month,
                    {
                        "partners": len(partners),
                        "told": counted(told),
                        "told per partner": counted(per_partner),
                        "rejected per partner": counted(rejected),
                    },
                )
        return dg.MaterializeResult()

    return partner_feedback
