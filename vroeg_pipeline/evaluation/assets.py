"""What the month came to: deliveries, signals, reports, contacts and results, as tables and as a page without persons."""

from collections.abc import Iterator

import dagster as dg

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.evaluation.figures import ALL, TABLES, read_evaluation, set_evaluation
from vroeg_pipeline.evaluation.page import write_evaluation
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import sql
from vroeg_pipeline.installation.warehouse import WarehouseResource, replace_month
from vroeg_pipeline.monthly import ONE_RUN, months_of, report, row_count, table_description, table_metadata

GROUP = "evaluation"

# What each table is made of; contact_attempts and case_results are what teams reported back.
_READS = {
    "evaluation_deliveries": ("delivery_files", "rejected_rows", "delivery_measures"),
    "evaluation_signals": ("validated_signals", "rejected_rows", "repeat_signals", "prioritised_worklists"),
    "evaluation_reports": ("address_matches", "recidivism_history", "prioritised_worklists"),
    "evaluation_contacts": ("address_matches", "prioritised_worklists"),
}
_RULES = {
    "evaluation_deliveries": "The states are those of the delivery board (DOMAIN §3, §4).",
    "evaluation_signals": "A signal is not a report: a share of the one is none of the other (DOMAIN §2, docs/adr/0019).",
    "evaluation_reports": "All shares of reports come from it; what counts as help is a setting (DOMAIN §2, docs/adr/0019).",
    "evaluation_contacts": "Several attempts may be of one report (DOMAIN §2, docs/adr/0019).",
}


def evaluation_tables_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The tables, filled together."""

    @dg.multi_asset(
        name="evaluation",
        specs=[
            dg.AssetSpec(
                table,
                deps=[*_READS[table], *(() if table == TABLES[0] else ("contact_attempts", "case_results"))],
                group_name=GROUP,
                kinds={"duckdb"},
                tags={"stage": GROUP},
                description=table_description(table, _RULES[table]),
                metadata=table_metadata(table),
                partitions_def=partitions,
            )
            for table in TABLES
        ],
        backfill_policy=ONE_RUN,
    )
    def evaluation(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                set_evaluation(connection, installation, month)
                counts = replace_month(connection, month, {table: sql(table) for table in TABLES})
                for table, rows in counts.items():
                    report(context, month, row_count(rows), table)
        for table in TABLES:
            yield dg.MaterializeResult(table)

    return evaluation


def evaluation_page_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The page of each month."""

    @dg.asset(
        name="evaluation_page",
        deps=list(TABLES),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"html"},
        tags={"stage": GROUP},
        description="The month in Dutch, on one page that needs nothing else: `outbox/<YYYY-MM>/evaluatie_<YYYY-MM>.html`. "
        "Small numbers of people are hidden, also where they could be computed (DOMAIN §12, docs/adr/0019). Any other "
        "period: `vroeg evaluate`.",
    )
    def evaluation_page(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                evaluation = read_evaluation(connection, installation, [month])
                path = installation.home.outbox_of(month) / f"evaluatie_{month_text(month)}.html"
                write_evaluation(path, evaluation, installation.home.scratch)
                shown = {name: evaluation.shown(ALL, name) for name in ("reports", "reached", "help")}
                hidden = "hidden: a small number"
                report(
                    context,
                    month,
                    {
                        "page": dg.MetadataValue.path(str(path)),
                        **{name: hidden if count is None else count for name, count in shown.items()},
                    },
                )
        return dg.MaterializeResult()

    return evaluation_page
