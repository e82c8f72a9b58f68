"""The delivery to CBS, month by month: what `vroeg ddas` writes for a longer period (docs/ddas.md)."""

import dagster as dg

from vroeg_pipeline.ddas.file import ddas_name, left_out, told, unnamed_said, write_ddas
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import ONE_RUN, months_of, report


def ddas_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """One JSON a month in the outbox."""

    @dg.asset(
        name="ddas_delivery",
        deps=[
            "validated_signals",
            "rejected_rows",
            "address_matches",
            "recidivism_history",
            "worklist_files",
            "contact_attempts",
            "case_results",
        ],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name="outgoing",
        kinds={"json"},
        tags={"stage": "outgoing"},
        description="The month as CBS wants it, DDAS-Vroegsignalering: a levering per municipality with every signal and "
        "its status, and every report with its contact attempts and result (DOMAIN §2, §5, docs/ddas.md). Written anew "
        "by every run.",
    )
    def ddas_delivery(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        said = unnamed_said(installation)
        to_do = {"before it is sent": said} if said else {}
        with warehouse.connect() as connection:
            for month in months_of(context):
                path = private_folder(installation.home.outbox_of(month)) / ddas_name(installation, [month])
                try:
                    with replacing(path) as temporary:
                        counts = told(write_ddas(connection, installation, [month], temporary))
                except VroegError as error:
                    # The teams' month is done; CBS can wait until this is mended. The check of the asset fails.
                    path.unlink(missing_ok=True)
                    context.log.warning(f"{month:%Y-%m}: no delivery to CBS: {error}")
                    report(context, month, {"written": f"nothing: {error}"})
                    continue
                untold = {"rejected rows left out": left_out(connection, [month])}
                report(context, month, {"written": path.name, **counts, **untold, **to_do})
        return dg.MaterializeResult()

    return ddas_delivery
