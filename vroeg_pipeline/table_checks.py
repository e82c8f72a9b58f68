"""What must hold of each published table after every run: keys, accounting, ranks (DOMAIN §5, §9, §11).

Each check is a query that counts what breaks it in the month. A failed blocking check stops what comes after it in
the run, so that no worklist is made of rows that do not add up.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.verdicts import Verdict, months_of_check, note, results


@dataclass(frozen=True)
class TableCheck:
    """A rule of a table. `breaches` is a query for the number of times the month breaks it."""

    table: str
    name: str
    rule: str
    breaches: str
    blocking: bool = False


def _unique(table: str, *key: str) -> TableCheck:
    columns = ", ".join(key)
    return TableCheck(
        table,
        "keys_are_unique",
        f"No two rows of the month share {columns} (DOMAIN §11).",
        f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE month = $month GROUP BY {columns} HAVING count(*) > 1)",
        blocking=True,
    )


TABLE_CHECKS = [
    _unique("delivery_files", "file_sha256", "partner"),
    TableCheck(
        "delivery_files",
        "one_delivery_a_partner",
        "At most one file of a partner is its accepted delivery of the month (DOMAIN §4).",
        "SELECT count(*) FROM (SELECT 1 FROM delivery_files WHERE month = $month AND status = 'accepted' "
        "GROUP BY partner HAVING count(*) > 1)",
        blocking=True,
    ),
    _unique("validated_signals", "signal_id"),
    TableCheck(
        "validated_signals",
        "row_accounting",
        "Every data row of an accepted delivery is in exactly one of validated_signals and rejected_rows, and the "
        "counts of the register add up (DOMAIN §5).",
        """
        WITH ended AS (
            SELECT partner, file_sha256, row_number FROM validated_signals WHERE month = $month
            UNION ALL
            SELECT partner, file_sha256, row_number FROM rejected_rows WHERE month = $month
        ),
        delivered AS (
            SELECT raw.partner, raw.file_sha256, raw.row_number
            FROM raw.delivery_rows AS raw
            SEMI JOIN delivery_files AS file
                ON raw.partner = file.partner AND raw.file_sha256 = file.file_sha256
                AND file.month = $month AND file.status = 'accepted'
            WHERE raw.month = $month
        )
        SELECT
            (SELECT count(*) FROM (FROM delivered EXCEPT ALL FROM ended))
            + (SELECT count(*) FROM (FROM ended EXCEPT ALL FROM delivered))
            + (
                SELECT count(*) FROM delivery_files WHERE month = $month AND status = 'accepted'
                AND row_count IS DISTINCT FROM accepted_count + rejected_count
            )
        """,
        blocking=True,
    ),
    _unique("rejected_rows", "file_sha256", "partner", "row_number"),
    TableCheck(
        "rejected_rows",
        "every_row_has_a_reason",
        "No row is rejected without a reason (DOMAIN §5).",
        "SELECT count(*) FROM rejected_rows WHERE month = $month AND len(reasons) = 0",
        blocking=True,
    ),
    _unique("delivery_measures", "partner"),
    _unique("address_matches", "address_key"),
    TableCheck(
        "address_matches",
        "every_signal_counts_once",
        "The signals of all addresses together are the validated ones that are not held (DOMAIN §7).",
        "SELECT abs((SELECT coalesce(sum(signal_count), 0) FROM address_matches WHERE month = $month) - "
        "(SELECT count(*) FROM validated_signals WHERE month = $month AND held_reason IS NULL))",
        blocking=True,
    ),
    _unique("repeat_signals", "signal_id"),
    _unique("recidivism_history", "address_key"),
    _unique("address_desk", "desk_id"),
    TableCheck(
        "address_desk",
        "no_review_is_forgotten",
        "Every signal that needs review, and is not held, is on the list of the address desk (DOMAIN §6).",
        "SELECT count(*) FROM validated_signals AS signal "
        "ANTI JOIN address_desk AS desk ON signal.month = desk.month AND signal.desk_id = desk.desk_id "
        "WHERE signal.month = $month AND signal.needs_review AND signal.held_reason IS NULL",
    ),
    TableCheck(
        "recidivism_history",
        "every_match_has_a_history",
        "Each reported address has exactly one row, and no other has (DOMAIN §8).",
        """
        SELECT count(*) FROM (SELECT address_key FROM address_matches WHERE month = $month) AS match
        FULL JOIN (SELECT address_key FROM recidivism_history WHERE month = $month) AS history USING (address_key)
        WHERE match.address_key IS NULL OR history.address_key IS NULL
        """,
        blocking=True,
    ),
    TableCheck(
        "prioritised_worklists",
        "no_address_on_two_lists",
        "An address is on one list at most (DOMAIN §9).",
        "SELECT count(*) FROM (SELECT 1 FROM prioritised_worklists WHERE month = $month "
        "GROUP BY address_key HAVING count(*) > 1)",
        blocking=True,
    ),
    TableCheck(
        "prioritised_worklists",
        "nobody_is_lost",
        "Every reported address is on a list, unless it has nothing but repeats (DOMAIN §8, §9).",
        """
        SELECT count(*)
        FROM (SELECT address_key FROM recidivism_history WHERE month = $month AND NOT only_repeats) AS reported
        FULL JOIN (SELECT address_key FROM prioritised_worklists WHERE month = $month) AS listed USING (address_key)
        WHERE reported.address_key IS NULL OR listed.address_key IS NULL
        """,
        blocking=True,
    ),
    TableCheck(
        "prioritised_worklists",
        "ranks_without_gaps",
        "The ranks of each list run from 1 without gaps (DOMAIN §9).",
        """
        SELECT count(*) FROM (
            SELECT worklist FROM prioritised_worklists WHERE month = $month GROUP BY worklist
            HAVING min(rank) <> 1 OR max(rank) <> count(*) OR count(DISTINCT rank) <> count(*)
        )
        """,
        blocking=True,
    ),
    TableCheck(
        "prioritised_worklists",
        "no_empty_priority",
        "Every entry has a tier, an action, a deadline and an explanation (DOMAIN §9, §12).",
        "SELECT count(*) FROM prioritised_worklists WHERE month = $month AND (tier IS NULL OR tier_name IS NULL "
        "OR action IS NULL OR deadline IS NULL OR trim(coalesce(explanation, '')) = '')",
        blocking=True,
    ),
    _unique("worklist_issues", "worklist", "issue", "address_key"),
    TableCheck(
        "worklist_issues",
        "teams_know_their_list",
        "All issues of a list together give the list as it stands (DOMAIN §9).",
        """
        SELECT count(*)
        FROM (
            SELECT worklist, address_key FROM worklist_issues WHERE month = $month
            GROUP BY ALL HAVING arg_max(change, issue) = 'added'
        ) AS told
        FULL JOIN (SELECT worklist, address_key FROM prioritised_worklists WHERE month = $month) AS listed
            USING (worklist, address_key)
        WHERE told.worklist IS NULL OR listed.worklist IS NULL
        """,
    ),
    TableCheck(
        "worklist_files",
        "every_issue_is_written",
        "Each issue lies in the outbox as one file (DOMAIN §9).",
        """
        SELECT count(*)
        FROM (SELECT DISTINCT worklist, issue FROM worklist_issues WHERE month = $month) AS issued
        FULL JOIN (SELECT worklist, issue FROM worklist_files WHERE month = $month) AS written USING (worklist, issue)
        WHERE issued.issue IS NULL OR written.issue IS NULL
        """,
    ),
    _unique("outcome_files", "file_sha256"),
    _unique("contact_attempts", "case_id", "attempt"),
    TableCheck(
        "contact_attempts",
        "outcome_accounting",
        "Every row of an accepted file that tells something is refused, or its attempt and end result stand in "
        "contact_attempts and case_results; and the counts of the register add up (docs/outcomes.md).",
        """
        WITH told AS (
            SELECT told.* FROM outcome_rows AS told
            SEMI JOIN outcome_files AS file
                ON told.file_sha256 = file.file_sha256 AND file.month = $month AND file.status = 'accepted'
            ANTI JOIN refused_outcomes AS refused
                ON told.file_sha256 = refused.file_sha256 AND told.sheet = refused.sheet
                AND told.row_number = refused.row_number AND refused.month = $month
            WHERE told.month = $month AND told.is_told
        )
        SELECT
            (
                SELECT count(*) FROM told
                ANTI JOIN (SELECT case_id, attempt FROM contact_attempts WHERE month = $month) USING (case_id, attempt)
                WHERE contact_kind IS NOT NULL
            )
            + (
                SELECT count(*) FROM told
                ANTI JOIN (SELECT case_id FROM case_results WHERE month = $month) USING (case_id)
                WHERE end_result IS NOT NULL
            )
            + (SELECT count(*) FROM told WHERE contact_kind IS NULL AND end_result IS NULL)
            + (
                SELECT abs(coalesce(sum(row_count - refused_count), 0) - (SELECT count(*) FROM told))
                FROM outcome_files WHERE month = $month AND status = 'accepted'
            )
        """,
        blocking=True,
    ),
    TableCheck(
        "case_results",
        "one_result_a_case",
        "A case ended in one way at most, and only cases that were issued ended (docs/outcomes.md).",
        """
        SELECT
            (SELECT count(*) - count(DISTINCT case_id) FROM case_results WHERE month = $month)
            + (SELECT count(*) FROM case_results ANTI JOIN worklist_issues USING (month, address_key) WHERE month = $month)
        """,
        blocking=True,
    ),
    _unique("refused_outcomes", "file_sha256", "sheet", "row_number"),
    _unique("evaluation_deliveries", "partner"),
    TableCheck(
        "evaluation_deliveries",
        "totals_are_those_of_the_tables",
        "Its rows are those of the accepted deliveries, its accepted ones the signals, its rejected ones the rejected rows.",
        """
        SELECT
            abs(coalesce(sum(row_count), 0) - (SELECT coalesce(sum(row_count), 0) FROM delivery_files
                WHERE month = $month AND status = 'accepted'))
            + abs(coalesce(sum(accepted_count), 0) - (SELECT count(*) FROM validated_signals WHERE month = $month))
            + abs(coalesce(sum(rejected_count), 0) - (SELECT count(*) FROM rejected_rows WHERE month = $month))
        FROM evaluation_deliveries WHERE month = $month
        """,
    ),
    TableCheck(
        "evaluation_signals",
        "totals_are_those_of_the_tables",
        "Its signals are those of signal_statuses, and those in a report the signals of addresses on a worklist.",
        """
        SELECT
            abs(coalesce(sum(signals), 0) - (SELECT count(*) FROM signal_statuses WHERE month = $month))
            + abs(coalesce(sum(signals) FILTER (WHERE in_report), 0) - (
                SELECT coalesce(sum(signal_count), 0)
                FROM address_matches SEMI JOIN prioritised_worklists USING (month, address_key) WHERE month = $month
            ))
        FROM evaluation_signals WHERE month = $month
        """,
    ),
    TableCheck(
        "evaluation_reports",
        "totals_are_those_of_the_tables",
        "Its reports are the entries of the worklists, with those of repeats alone the reported addresses; its results are "
        "the case results.",
        """
        SELECT
            abs(coalesce(sum(reports) FILTER (WHERE kind = 'report'), 0)
                - (SELECT count(*) FROM prioritised_worklists WHERE month = $month))
            + abs(coalesce(sum(reports) FILTER (WHERE kind <> 'gone'), 0)
                - (SELECT count(*) FROM address_matches WHERE month = $month))
            + abs(coalesce(sum(reports) FILTER (WHERE end_result IS NOT NULL), 0)
                - (SELECT count(*) FROM case_results WHERE month = $month))
            + abs(coalesce(sum(reports) FILTER (WHERE attempted), 0) - (SELECT count(DISTINCT address_key)
                FROM contact_attempts WHERE month = $month AND contact_kind <> 'Administratief'))
        FROM evaluation_reports WHERE month = $month
        """,
    ),
    TableCheck(
        "evaluation_contacts",
        "totals_are_those_of_the_tables",
        "Its attempts are the contact attempts.",
        "SELECT abs(coalesce(sum(attempts), 0) - (SELECT count(*) FROM contact_attempts WHERE month = $month)) "
        "FROM evaluation_contacts WHERE month = $month",
    ),
]


def table_checks(partitions: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """One definition a table, so that a table's checks share a connection."""
    tables = list(dict.fromkeys(check.table for check in TABLE_CHECKS))
    return [_checks_of(table, [c for c in TABLE_CHECKS if c.table == table], partitions) for table in tables]


def _checks_of(table: str, checks: list[TableCheck], partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=f"check_{table}",
        specs=[
            dg.AssetCheckSpec(
                check.name, asset=table, description=check.rule, blocking=check.blocking, partitions_def=partitions
            )
            for check in checks
        ],
    )
    def check_table(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        verdicts = []
        with warehouse.connect() as connection:
            for month in months_of_check(context):
                for check in checks:
                    (breaches,) = fetch_one(connection, check.breaches, {"month": month})
                    said = "holds" if breaches == 0 else f"is broken {breaches} times"
                    verdicts.append(
                        Verdict(
                            dg.AssetKey(table),
                            check.name,
                            month,
                            breaches == 0,
                            f"{month:%Y-%m}: {said}. {check.rule}",
                            metadata={"breaches": int(breaches), "month": f"{month:%Y-%m}"},
                        )
                    )
        note(installation.home, months_of_check(context), [dg.AssetKey(table)], verdicts)
        yield from results(context, verdicts)

    return check_table
