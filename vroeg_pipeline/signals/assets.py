"""From delivered rows to signals: every row of an accepted delivery is validated or rejected (DOMAIN §5, §6, §10)."""

from collections.abc import Iterator

import dagster as dg

from vroeg_pipeline.addresses.resolver import judge_delivered_rows
from vroeg_pipeline.deliveries.slips import load_slips
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

GROUP = "signals"

# The counts stand in the register of deliveries, so they change in the transaction that changes the rows.
_COUNT_ROWS = """
UPDATE delivery_files AS file SET
    accepted_count = (
        SELECT count(*) FROM validated_signals AS s
        WHERE s.month = file.month AND s.partner = file.partner AND s.file_sha256 = file.file_sha256
    ),
    rejected_count = (
        SELECT count(*) FROM rejected_rows AS r
        WHERE r.month = file.month AND r.partner = file.partner AND r.file_sha256 = file.file_sha256
    )
WHERE month = getvariable('month') AND status = 'accepted'
"""


def signals_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Validated signals and rejected rows, filled together so that each row lands in exactly one."""

    def spec(name: str, rule: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            name,
            deps=["delivery_files", "address_register", "address_overrides", "municipalities"],
            group_name=GROUP,
            kinds={"duckdb"},
            tags={"stage": GROUP},
            description=table_description(name, rule),
            metadata=table_metadata(name),
            partitions_def=partitions,
        )

    @dg.multi_asset(
        name="signals",
        specs=[
            spec(
                "validated_signals",
                "A row passes when it breaks no rule of DOMAIN §5; its address is resolved by §6; the actuality gate "
                "of §10 may hold it back, marked, without removing it.",
            ),
            spec(
                "rejected_rows",
                "Every rule of DOMAIN §5 that a row breaks is recorded, with the DDAS status for the partner.",
            ),
        ],
        backfill_policy=ONE_RUN,
    )
    def signals(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.MaterializeResult[None]]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                unusable = load_slips(connection, installation, month)
                if unusable:
                    context.log.warning(f"{month:%Y-%m}: withdrawals or confirmations left out: {counted(unusable)}")
                judge_delivered_rows(connection)
                tables = {"validated_signals": sql("validated_signals"), "rejected_rows": sql("rejected_rows")}
                counts = replace_month(connection, month, tables, then=_COUNT_ROWS)
                by_status = counts_by(connection, "validated_signals", "address_status")
                held = counts_by(connection, "validated_signals", "held_reason")
                reasons = counts_by(connection, "rejected_rows", "unnest(reasons)")
                connection.execute("DROP TABLE row_verdicts")
                report(
                    context,
                    month,
                    {
                        **row_count(counts["validated_signals"]),
                        "addresses": counted(by_status),
                        "held back": counted(held),
                        "withdrawals and confirmations left out": counted(unusable),
                    },
                    "validated_signals",
                )
                report(
                    context,
                    month,
                    {**row_count(counts["rejected_rows"]), "reasons (a row can have several)": counted(reasons)},
                    "rejected_rows",
                )
        yield dg.MaterializeResult("validated_signals")
        yield dg.MaterializeResult("rejected_rows")

    return signals
