"""What people do: prioritised worklists, what changed since the last issue, and the files that go out (DOMAIN §9)."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from typing import Any

import dagster as dg
import duckdb

from vroeg_pipeline.alerts.problems import Issue, Made
from vroeg_pipeline.deliveries.worked_on import note_issued
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.month_notes import note_made
from vroeg_pipeline.installation.statements import fetch_one, insert_rows, sql, transaction
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
from vroeg_pipeline.worklists.worklist_file import WorklistEntry, WorklistHeading, worklist_file_name, write_worklist

GROUP = "worklists"
_BATCH = 2_000


def worklists_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Tier, list, rank, action and deadline of each address."""

    @dg.asset(
        name="prioritised_worklists",
        # Reads outcomes of earlier months.
        deps=["address_matches", "recidivism_history", "areas", "known_clients", "outcome_files"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb"},
        tags={"stage": GROUP},
        description=table_description(
            "prioritised_worklists",
            "Crisis first, then rent (with other arrears before rent alone), then the rest. Addresses reported before "
            "go to the budget coach, uncertain ones to the address desk, single ones without rent get a lighter track "
            "(DOMAIN §9).",
        ),
        metadata=table_metadata("prioritised_worklists"),
    )
    def prioritised_worklists(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                installation.set_routing(connection, month)
                counts = replace_month(connection, month, {"prioritised_worklists": sql("prioritised_worklists")})
                missing = _missing_partners(connection, installation, month)
                report(
                    context,
                    month,
                    {
                        **row_count(counts["prioritised_worklists"]),
                        "per list": counted(counts_by(connection, "prioritised_worklists", "worklist")),
                        "per tier": counted(counts_by(connection, "prioritised_worklists", "tier || ' ' || tier_name")),
                        "made without": ", ".join(missing) or "nobody: every partner delivered",
                        "the month": _funnel(connection),
                    },
                )
        return dg.MaterializeResult()

    return prioritised_worklists


def issues_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """What each team is told."""

    @dg.asset(
        name="worklist_issues",
        deps=["prioritised_worklists"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"duckdb"},
        tags={"stage": GROUP},
        description=table_description(
            "worklist_issues",
            "What was told to a team is never silently changed: a later run adds an issue with what was added or "
            "withdrawn, and none where nothing was (DOMAIN §9).",
        ),
        metadata=table_metadata("worklist_issues"),
    )
    def worklist_issues(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                with transaction(connection):
                    new = insert_rows(connection, "worklist_issues", sql("worklist_issues"))
                issues = counts_by(connection, "worklist_issues", "worklist || ' issue ' || issue")
                report(context, month, {"new lines": new, "issues so far": counted(issues)})
        return dg.MaterializeResult()

    return worklist_issues


def files_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """One XLSX per team, month and issue in the outbox."""

    @dg.asset(
        name="worklist_files",
        deps=["worklist_issues"],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        kinds={"xlsx"},
        tags={"stage": GROUP},
        description=table_description(
            "worklist_files",
            "Writes each issue that is not in the outbox yet as one XLSX in Dutch. Each file appears whole or not at "
            "all; a run that was stopped halfway is completed by the next (DOMAIN §9).",
        ),
        metadata=table_metadata("worklist_files"),
    )
    def worklist_files(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> dg.MaterializeResult[None]:
        with installation.months(warehouse, months_of(context)) as months:
            for connection, month in months:
                written = write_issues(connection, installation, month)
                note_made(installation.home, month, _made(connection, installation, month))
                note_issued(installation.home, month)
                report(
                    context, month, {"new files": len(written), "files": ", ".join(written) or "none: nothing changed"}
                )
        return dg.MaterializeResult()

    return worklist_files


def write_issues(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[str]:
    """Writes every issue of the month that is not in the outbox yet; gives the names of the new files."""
    missing = _missing_partners(connection, installation, month)
    unwritten = connection.execute(
        """
        SELECT worklist, issue, max(issued_at)
        FROM worklist_issues ANTI JOIN worklist_files USING (month, worklist, issue)
        WHERE month = ? GROUP BY ALL ORDER BY ALL
        """,
        [month],
    ).fetchall()
    folder = private_folder(installation.home.outbox_of(month))
    written = []
    for worklist, issue, issued_at in unwritten:
        name = worklist_file_name(month, worklist, issue)
        heading = WorklistHeading(month, worklist, issue, issued_at, missing)
        lines = write_worklist(folder / name, heading, _entries(connection, worklist, issue), installation.home.scratch)
        with transaction(connection):
            connection.execute(
                "INSERT INTO worklist_files VALUES (?, ?, ?, ?, ?, ?)",
                [month, worklist, issue, name, lines, installation.now()],
            )
        written.append(name)
    return written


def _entries(connection: duckdb.DuckDBPyConnection, worklist: str, issue: int) -> Iterator[WorklistEntry]:
    connection.execute("SET VARIABLE worklist = ?", [worklist])
    connection.execute("SET VARIABLE issue = ?", [issue])
    rows = connection.execute(sql("worklist_entries"))
    columns = [column[0] for column in rows.description]
    texts = {field.name for field in fields(WorklistEntry) if field.type == "str"}
    while batch := rows.fetchmany(_BATCH):
        for row in batch:
            values: dict[str, Any] = dict(zip(columns, row, strict=True))
            values |= {name: "" for name in texts if values[name] is None}
            yield WorklistEntry(**values)


def _missing_partners(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[str]:
    """The names of the partners that owed a delivery for the month and sent nothing usable."""
    delivered = {
        partner
        for (partner,) in connection.execute(
            "SELECT partner FROM delivery_files WHERE month = ? AND status = 'accepted'", [month]
        ).fetchall()
    }
    return [a.name for a in installation.partners.owed(month) if a.partner not in delivered]


def _made(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> Made:
    """The figures of the month and the last issue of each worklist, as alerts tell them."""
    signals, addresses, recidivists = fetch_one(
        connection,
        """
        SELECT
            (SELECT count(*) FROM validated_signals WHERE month = $month AND held_reason IS NULL),
            (SELECT count(*) FROM address_matches WHERE month = $month),
            (SELECT count(*) FROM recidivism_history WHERE month = $month AND is_recidivist)
        """,
        {"month": month},
    )
    issues = connection.execute(
        """
        SELECT
            worklist, issue, count(*) FILTER (WHERE change = 'added'), count(*) FILTER (WHERE change = 'withdrawn')
        FROM worklist_issues
        WHERE month = $month
        GROUP BY worklist, issue
        QUALIFY issue = max(issue) OVER (PARTITION BY worklist)
        ORDER BY worklist
        """,
        {"month": month},
    ).fetchall()
    missing = _missing_partners(connection, installation, month)
    return Made(signals, addresses, recidivists, missing, [Issue(*issue) for issue in issues])


def _funnel(connection: duckdb.DuckDBPyConnection) -> dg.TableMetadataValue:
    """How many rows, signals and addresses are left after each step of the month."""
    steps = connection.execute(
        """
        SELECT unnest([
            {step: 'rows delivered', number: (SELECT sum(row_count) FROM delivery_files
                WHERE month = getvariable('month') AND status = 'accepted')},
            {step: 'signals validated', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month'))},
            {step: 'signals not held back', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month') AND held_reason IS NULL)},
            {step: 'signals not a repeat', number: (SELECT count(*) FROM validated_signals
                WHERE month = getvariable('month') AND held_reason IS NULL)
                - (SELECT count(*) FROM repeat_signals WHERE month = getvariable('month'))},
            {step: 'addresses reported', number: (SELECT count(*) FROM address_matches
                WHERE month = getvariable('month'))},
            {step: 'addresses on a worklist', number: (SELECT count(*) FROM prioritised_worklists
                WHERE month = getvariable('month'))},
            {step: 'home visits', number: (SELECT count(*) FROM prioritised_worklists
                WHERE month = getvariable('month') AND action = 'home_visit')}
        ], recursive := true)
        """
    ).fetchall()
    records = [dg.TableRecord({"step": step, "number": int(number or 0)}) for step, number in steps]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn("step"), dg.TableColumn("number", "int")]))
