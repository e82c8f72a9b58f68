"""What the month's signals show: reported addresses, repeats, and what is known of earlier months (DOMAIN §7, §8)."""

from collections.abc import Iterator

import dagster as dg

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

GROUP = "matches"


def matches_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """One row an address and month."""

    @dg.asset(
        name="address_matches",
        deps=["validated_signals"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb"},
        tags={"stage": GROUP},
        description=table_description(
            "address_matches",
            "An address that two or more different partners report is `multiple`; a partner and those it took over are "
            "one. Held signals do not count (DOMAIN §7, §10).",
        ),
        metadata=table_metadata("address_matches"),
    )
    def address_matches(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                counts = replace_month(connection, month, {"address_matches": sql("address_matches")})
                kinds = counts_by(connection, "address_matches", "match_kind")
                report(context, month, {**row_count(counts["address_matches"]), "kinds": counted(kinds)})
        return dg.MaterializeResult()

    return address_matches


def recidivism_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Repeats and recidivism, filled together: an address made of repeats alone does not count as reported."""

    def spec(name: str, rule: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            name,
            # Reads its own earlier months too. That is not declared: Dagster would split a range of months into runs.
            deps=["address_matches", "validated_signals"],
            group_name=GROUP,
            kinds={"duckdb"},
            tags={"stage": GROUP},
            description=table_description(name, rule),
            metadata=table_metadata(name),
            partitions_def=partitions,
        )

    @dg.multi_asset(
        name="recidivism",
        specs=[
            spec(
                "repeat_signals",
                "A repeat has the same reference at the same address as a signal of the last `repeat_months` that was "
                "picked up for at least as high an amount (DOMAIN §8).",
            ),
            spec(
                "recidivism_history",
                "Looks back over the `lookback_months` before each month and never ahead, so that a month gives the "
                "same answer whenever it is run (DOMAIN §8).",
            ),
        ],
        backfill_policy=ONE_RUN,
    )
    def recidivism(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with installation.months(warehouse, months_of(context)) as months:
            # Oldest first: what is a repeat or a recidivist in a month depends on the months before it.
            for connection, month in months:
                connection.execute(f"CREATE OR REPLACE TEMP TABLE moved_addresses AS {sql('moved_addresses')}")
                counts = replace_month(
                    connection,
                    month,
                    {"repeat_signals": sql("repeat_signals"), "recidivism_history": sql("recidivism_history")},
                )
                kinds = counts_by(connection, "recidivism_history", "recidivism_kind")
                flags = counts_by(
                    connection,
                    "recidivism_history",
                    "CASE WHEN only_repeats THEN 'only repeats' WHEN possible_new_occupant THEN 'new occupant' END",
                )
                report(context, month, row_count(counts["repeat_signals"]), "repeat_signals")
                report(
                    context,
                    month,
                    {
                        **row_count(counts["recidivism_history"]),
                        "kinds": counted(kinds),
                        "marked": counted(flags),
                    },
                    "recidivism_history",
                )
        yield dg.MaterializeResult("repeat_signals")
        yield dg.MaterializeResult("recidivism_history")

    return recidivism
