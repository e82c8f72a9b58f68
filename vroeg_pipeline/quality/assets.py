"""What deliveries look like in numbers, beside the months before: what Great Expectations judges."""

import dagster as dg
import duckdb

from vroeg_pipeline.deliveries.worked_on import note_judged
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month
from vroeg_pipeline.monthly import ONE_RUN, bars, months_of, report, row_count, table_description, table_metadata
from vroeg_pipeline.quality.delivery_register import note_files


def measures_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """One row an accepted delivery."""

    @dg.asset(
        name="delivery_measures",
        deps=["validated_signals", "rejected_rows"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name="quality",
        kinds={"duckdb"},
        tags={"stage": "quality"},
        description=table_description(
            "delivery_measures",
            "Great Expectations judges these numbers against each agreement; the verdicts are the checks of "
            "`deliveries/<partner>`, their pages the Data Docs (docs/adr/0006).",
        ),
        metadata=table_metadata("delivery_measures"),
    )
    def delivery_measures(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                counts = replace_month(connection, month, {"delivery_measures": sql("delivery_measures")})
                volumes = {"signals per partner": _volumes(connection)}
                report(context, month, {**row_count(counts["delivery_measures"]), **volumes})
                note_files(connection, installation, month)
                note_judged(installation.home, month)
        return dg.MaterializeResult()

    return delivery_measures


def _volumes(connection: duckdb.DuckDBPyConnection) -> dg.MarkdownMetadataValue:
    """Rows per partner over the last twelve months as bars, each partner against its own highest month."""
    rows = connection.execute(
        """
        SELECT partner, month, row_count, max(row_count) OVER (PARTITION BY partner) AS highest
        FROM delivery_measures
        WHERE month > getvariable('month') - INTERVAL 12 MONTH AND month <= getvariable('month')
        ORDER BY partner, month
        """
    ).fetchall()
    return dg.MetadataValue.md(
        bars([(f"{partner} {month:%Y-%m}", count, highest) for partner, month, count, highest in rows])
    )
