"""What must hold of what goes out: the delivery to CBS adds up to the warehouse, partners read what is theirs to know."""

from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import duckdb

from vroeg_pipeline.ddas.file import ddas_name, differences, file_totals, warehouse_totals
from vroeg_pipeline.feedback.files import feedback_breaches
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.verdicts import Verdict, months_of_check, note, results

# What is wrong with the month, or nothing.
Look = Callable[[duckdb.DuckDBPyConnection, Installation, date], str | None]


def outgoing_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """One definition a rule."""
    return [
        _check(
            "ddas_delivery",
            "totals_equal_the_warehouse",
            "The file, read back, has as many signals of each status, euros, cases, results and contact attempts as the "
            "tables (docs/ddas.md).",
            _ddas_adds_up,
            partitions,
        ),
        _check(
            "partner_feedback",
            "only_what_a_partner_may_learn",
            "Each partner's file has its own references and no other, each with what may be told of it (docs/feedback.md), "
            "and each signal has exactly one status.",
            _partners_read_their_own,
            partitions,
        ),
    ]


def _ddas_adds_up(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> str | None:
    path = installation.home.outbox_of(month) / ddas_name(installation, [month])
    if not path.exists():
        return "no file was written"
    wrong = differences(file_totals(installation, path), warehouse_totals(connection, [month]))
    return f"differs in {', '.join(wrong)}" if wrong else None


def _partners_read_their_own(
    connection: duckdb.DuckDBPyConnection, installation: Installation, month: date
) -> str | None:
    (doubles,) = fetch_one(
        connection, "SELECT count(*) - count(DISTINCT signal_id) FROM signal_statuses WHERE month = ?", [month]
    )
    if doubles:
        return f"{doubles} signals have two statuses"
    for partner in installation.partners.agreements:
        breaches = feedback_breaches(connection, installation.home, month, partner)
        if breaches:
            return f"is broken {breaches} times for {partner}"
    return None


def _check(
    asset: str, name: str, rule: str, look: Look, partitions: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=f"check_{asset}",
        specs=[dg.AssetCheckSpec(name, asset=asset, description=rule, partitions_def=partitions)],
    )
    def check_outgoing(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        verdicts = []
        with warehouse.connect() as connection:
            for month in months_of_check(context):
                wrong = look(connection, installation, month)
                said = f"{month:%Y-%m}: {wrong or 'holds'}. {rule}"
                verdicts.append(Verdict(dg.AssetKey(asset), name, month, wrong is None, said))
        note(installation.home, months_of_check(context), [dg.AssetKey(asset)], verdicts)
        yield from results(context, verdicts)

    return check_outgoing
