"""What must hold of what teams returned after every run (docs/outcomes.md)."""

from vroeg_pipeline.monthly import MonthCheck, keys_are_unique

CHECKS = [
    keys_are_unique("outcome_files", "file_sha256"),
    keys_are_unique("contact_attempts", "case_id", "attempt"),
    MonthCheck(
        "contact_attempts",
        "outcome_accounting",
        "Every row of an accepted file that tells something is refused, or its attempt and end result stand in "
        "contact_attempts and case_results; and the counts of outcome_files add up (docs/outcomes.md).",
        """
        WITH told AS (
            SELECT told.* FROM outcome_rows AS told
            SEMI JOIN outcome_files AS file
                ON told.file_sha256 = file.file_sha256 AND file.month = getvariable('month') AND file.status = 'accepted'
            ANTI JOIN refused_outcomes AS refused
                ON told.file_sha256 = refused.file_sha256 AND told.sheet = refused.sheet
                AND told.row_number = refused.row_number AND refused.month = getvariable('month')
            WHERE told.month = getvariable('month') AND told.is_told
        )
        SELECT
            (
                SELECT count(*) FROM told
                ANTI JOIN (SELECT case_id, attempt FROM contact_attempts WHERE month = getvariable('month'))
                    USING (case_id, attempt)
                WHERE contact_kind IS NOT NULL
            )
            + (
                SELECT count(*) FROM told
                ANTI JOIN (SELECT case_id FROM case_results WHERE month = getvariable('month')) USING (case_id)
                WHERE end_result IS NOT NULL
            )
            + (SELECT count(*) FROM told WHERE contact_kind IS NULL AND end_result IS NULL)
            + (
                SELECT abs(coalesce(sum(row_count - refused_count), 0) - (SELECT count(*) FROM told))
                FROM outcome_files WHERE month = getvariable('month') AND status = 'accepted'
            )
        """,
        blocking=True,
    ),
    MonthCheck(
        "case_results",
        "one_result_a_case",
        "A case ended in one way at most, and only cases that were issued or reported ended, or whose Kenmerk tells their "
        "address (docs/outcomes.md).",
        """
        SELECT
            (SELECT count(*) - count(DISTINCT case_id) FROM case_results WHERE month = getvariable('month'))
            + (
                SELECT count(*) FROM case_results
                ANTI JOIN worklist_issues USING (month, address_key)
                ANTI JOIN validated_signals USING (month, address_key)
                ANTI JOIN contacted_signals USING (month, address_key)
                ANTI JOIN moved_cases USING (month, address_key)
                WHERE
                    month = getvariable('month')
                    -- Where the warehouse was made anew, known by a row that was replaced.
                    AND NOT (worklist = 'onbekend' AND case_id = case_id_of(month, address_key))
            )
        """,
        blocking=True,
    ),
    keys_are_unique("contacted_signals", "signal_id"),
    MonthCheck(
        "contacted_signals",
        "what_was_contacted_stays",
        "A signal that stays is of a case with an attempt or an end result, and is not reported beside itself (DOMAIN §10).",
        """
        SELECT
            (
                SELECT count(*) FROM contacted_signals
                ANTI JOIN (
                    SELECT month, address_key FROM contact_attempts UNION SELECT month, address_key FROM case_results
                ) USING (month, address_key)
                WHERE month = getvariable('month')
            )
            + (
                SELECT count(*) FROM contacted_signals AS kept
                SEMI JOIN (FROM validated_signals WHERE held_reason IS NULL)
                    USING (month, partner, customer_reference, address_key)
                WHERE month = getvariable('month')
            )
        """,
        blocking=True,
    ),
    keys_are_unique("contacted_reports", "address_key"),
    keys_are_unique("refused_outcomes", "file_sha256", "sheet", "row_number"),
]
