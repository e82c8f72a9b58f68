"""What came of the worklists: files that teams return, contact attempts and end results (docs/outcomes.md)."""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
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
from vroeg_pipeline.outcomes.intake import settle_outcomes, take_in_outcomes, write_replies

GROUP = "outcomes"


def outcome_files_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The intake of what teams return. Before the worklists: who was helped in earlier months is told on them."""

    @dg.asset(
        name="outcome_files",
        # Its own file of notes on the inbox is written there first.
        deps=["delivery_files"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb", "file"},
        tags={"stage": GROUP},
        description=table_description(
            "outcome_files",
            "Reads the worklists in `inbox/outcomes/<YYYY-MM>/` (XLSX, or CSV of a system link) and keeps the bytes of "
            "every file in the archive (DOMAIN §13).",
        ),
        metadata=table_metadata("outcome_files"),
    )
    def outcome_files(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                files, skipped = take_in_outcomes(connection, installation, month, context.log.warning)
                refusals = Counter(file.refusal for file in files if file.refusal)
                report(
                    context,
                    month,
                    {
                        **row_count(len(files)),
                        "refused": counted(refusals),
                        "left alone in the inbox": counted(skipped),
                    },
                )
        return dg.MaterializeResult()

    return outcome_files


def outcomes_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Attempts, results and what could not be read, filled together so that each row lands somewhere."""

    def spec(name: str, rule: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            name,
            deps=["outcome_files", "worklist_issues"],
            group_name=GROUP,
            kinds={"duckdb"},
            tags={"stage": GROUP},
            description=table_description(name, rule),
            metadata=table_metadata(name),
            partitions_def=partitions,
        )

    @dg.multi_asset(
        name="outcomes",
        specs=[
            spec(
                "contact_attempts",
                "An attempt is known by its Kenmerk and Poging; the newest file's word counts, and an empty cell wipes "
                "nothing. The words are those of DDAS (DOMAIN §2).",
            ),
            spec(
                "case_results",
                "The end result that was told last, in the words of DDAS (DOMAIN §2); at most one a case.",
            ),
            spec(
                "refused_outcomes",
                "A row that cannot be read goes back as an XLSX in the outbox, its cells marked; the rest of its file "
                "counts (DOMAIN §5: nothing lost).",
            ),
        ],
        backfill_policy=ONE_RUN,
    )
    def outcomes(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                counts = settle_outcomes(connection, installation, month)
                replies = write_replies(connection, installation, month)
                kinds = counted(counts_by(connection, "contact_attempts", "contact_kind"))
                results = counted(counts_by(connection, "case_results", "end_result"))
                refused = {
                    **row_count(counts["refused_outcomes"]),
                    "reasons": counted(counts_by(connection, "refused_outcomes", "unnest(reasons)")),
                    "replies in the outbox": replies,
                }
                attempts = {**row_count(counts["contact_attempts"]), "kinds": kinds}
                report(context, month, attempts, "contact_attempts")
                report(context, month, {**row_count(counts["case_results"]), "results": results}, "case_results")
                report(context, month, refused, "refused_outcomes")
        for name in ("contact_attempts", "case_results", "refused_outcomes"):
            yield dg.MaterializeResult(name)

    return outcomes
