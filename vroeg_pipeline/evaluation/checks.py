"""What must hold of the tables of the evaluation: they add up to the tables that they count (docs/evaluation.md)."""

from vroeg_pipeline.monthly import MonthCheck, keys_are_unique

CHECKS = [
    keys_are_unique("evaluation_deliveries", "partner"),
    MonthCheck(
        "evaluation_deliveries",
        "totals_are_those_of_the_tables",
        "Its rows are those of the accepted deliveries, its accepted ones the signals, its rejected ones the rejected "
        "rows.",
        """
        SELECT
            abs(coalesce(sum(row_count), 0) - (SELECT coalesce(sum(row_count), 0) FROM delivery_files
                WHERE month = getvariable('month') AND status = 'accepted'))
            + abs(coalesce(sum(accepted_count), 0)
                - (SELECT count(*) FROM validated_signals WHERE month = getvariable('month')))
            + abs(coalesce(sum(rejected_count), 0)
                - (SELECT count(*) FROM rejected_rows WHERE month = getvariable('month')))
        FROM evaluation_deliveries WHERE month = getvariable('month')
        """,
    ),
    MonthCheck(
        "evaluation_signals",
        "totals_are_those_of_the_tables",
        "Its signals are those of signal_statuses, and those in a report the signals of addresses on a worklist and those "
        "that stay as their case was contacted.",
        """
        SELECT
            abs(coalesce(sum(signals), 0) - (SELECT count(*) FROM signal_statuses WHERE month = getvariable('month')))
            + abs(coalesce(sum(signals) FILTER (WHERE in_report), 0) - (
                SELECT coalesce(sum(signal_count), 0)
                FROM address_matches SEMI JOIN prioritised_worklists USING (month, address_key)
                WHERE month = getvariable('month')
            ) - (SELECT count(*) FROM contacted_signals WHERE month = getvariable('month')))
        FROM evaluation_signals WHERE month = getvariable('month')
        """,
    ),
    MonthCheck(
        "evaluation_reports",
        "totals_are_those_of_the_tables",
        "Its reports are the entries of the worklists and those that were contacted before they left them, with those of "
        "repeats alone the reported addresses; its results are those of addresses.",
        """
        SELECT
            abs(coalesce(sum(reports) FILTER (WHERE kind = 'report'), 0)
                - (SELECT count(DISTINCT address_key) FROM (
                    SELECT month, address_key FROM prioritised_worklists
                    UNION ALL
                    SELECT month, address_key FROM contacted_reports
                ) WHERE month = getvariable('month')))
            + abs(coalesce(sum(reports) FILTER (WHERE kind <> 'gone'), 0)
                - (SELECT count(DISTINCT address_key) FROM (
                    SELECT month, address_key FROM address_matches
                    UNION ALL
                    SELECT month, address_key FROM contacted_reports
                ) WHERE month = getvariable('month')))
            + abs(coalesce(sum(reports) FILTER (WHERE end_result IS NOT NULL), 0)
                - (SELECT count(*) FROM results_of_addresses WHERE month = getvariable('month')))
            + abs(coalesce(sum(reports) FILTER (WHERE attempted), 0) - (SELECT count(DISTINCT address_key)
                FROM contact_attempts WHERE month = getvariable('month') AND contact_kind <> 'Administratief'))
        FROM evaluation_reports WHERE month = getvariable('month')
        """,
    ),
    MonthCheck(
        "evaluation_contacts",
        "totals_are_those_of_the_tables",
        "Its attempts are the contact attempts.",
        "SELECT abs(coalesce(sum(attempts), 0) - (SELECT count(*) FROM contact_attempts WHERE month = "
        "getvariable('month'))) FROM evaluation_contacts WHERE month = getvariable('month')",
    ),
]
