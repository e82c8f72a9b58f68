"""The address desk: what somebody must look at goes out as a list, what they decide comes back (DOMAIN §6)."""

from dataclasses import fields

import dagster as dg

from vroeg_pipeline.address_desk.decisions import overrides_in_force, read_decisions
from vroeg_pipeline.address_desk.desk_file import DeskLine, desk_file_name, write_desk_file
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month
from vroeg_pipeline.monthly import (
    ONE_RUN,
    counted,
    counts_by,
    months_of,
    report,
    row_count,
    table_description,
    table_metadata,
)

GROUP = "addresses"


@dg.asset(
    key="address_overrides",
    deps=["address_register"],
    group_name="reference",
    kinds={"duckdb", "xlsx"},
    tags={"stage": "reference"},
    description=table_description(
        "reference.address_decisions",
        "Reads what lies in `inbox/adresdesk/<YYYY-MM>/` and was not read before. The latest decision on each address as "
        "written, with its surname, holds in every later run, whatever a new register says (DOMAIN §6); where the register "
        "says otherwise, the desk is told.",
    ),
    metadata=table_metadata("reference.address_decisions"),
)
def address_overrides(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, installation: dg.ResourceParam[Installation]
) -> dg.MaterializeResult[None]:
    """Decisions of the address desk."""
    with warehouse.connect() as connection:
        installation.define_macros(connection)
        read = read_decisions(connection, installation)
        in_force = overrides_in_force(connection)
    if read.refused or read.skipped:
        context.log.warning(
            f"Address desk: {read.refused} rows or files could not be used, and come back on the next list with the "
            f"reason; left alone: {counted(read.skipped)}"
        )
    return dg.MaterializeResult(
        metadata={
            "decisions in force": in_force,
            "new files": read.files,
            "new decisions": counted(read.kinds),
            "rows or files refused": read.refused,
            "left alone": counted(read.skipped),
        }
    )


def address_desk_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The list of the month."""

    @dg.asset(
        name="address_desk",
        deps=["validated_signals", "address_matches", "address_overrides"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb", "xlsx"},
        tags={"stage": GROUP},
        description=table_description(
            "address_desk",
            "Also what only looks wrong: the same customer at another number than last month, or one person at two "
            "numbers side by side. Such addresses are pointed out, never merged (DOMAIN §6).",
        ),
        metadata=table_metadata("address_desk"),
    )
    def address_desk(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        names = [field.name for field in fields(DeskLine)]
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE moved_addresses AS {sql('moved_addresses')}")
                counts = replace_month(connection, month, {"address_desk": sql("address_desk")})
                rows = connection.execute(
                    f"SELECT {', '.join(names)} FROM address_desk WHERE month = ? "
                    "ORDER BY earlier_decision IS NOT NULL, has_crisis DESC, total_amount DESC, desk_id",
                    [month],
                ).fetchall()
                lines = [DeskLine(*row) for row in rows]
                path = private_folder(installation.home.outbox_of(month)) / desk_file_name(month)
                if lines or path.exists():
                    write_desk_file(path, month, lines, installation.home.scratch)
                report(
                    context,
                    month,
                    {
                        **row_count(counts["address_desk"]),
                        "why": counted(counts_by(connection, "address_desk", "reason")),
                        "decided before": counted(counts_by(connection, "address_desk", "earlier_decision")),
                        "file": path.name if path.exists() else "none: nothing to ask",
                    },
                )
        return dg.MaterializeResult()

    return address_desk
