-- What a delivery of the months from first_month to last_month must add up to, by what stands in the published tables
-- alone. Rejected rows of which no address may be told, or none can be read, are signals that CBS does not get.
-- Needs: first_month, last_month.
WITH statuses AS (
    SELECT *
    FROM signal_statuses
    WHERE address_key IS NULL
),

told_back AS (
    SELECT row.*
    FROM rejected_rows AS row
    SEMI JOIN statuses USING (month, partner, file_sha256, row_number)
),

signals AS (
    SELECT
        month,
        ddas_status,
        1 AS number
    FROM signal_statuses
    UNION ALL
    SELECT
        month,
        ddas_status,
        -1 AS number
    FROM told_back
    WHERE postcode IS NULL
),

amounts AS (
    SELECT
        month,
        amount_due
    FROM validated_signals
    UNION ALL
    SELECT
        month,
        amount_due
    FROM contacted_signals ANTI JOIN validated_signals USING (month, signal_id)
    UNION ALL
    SELECT
        month,
        amount_due
    FROM told_back
    WHERE postcode IS NOT NULL
),

-- A case is a reported address that was issued to a team or contacted, or is made of repeats alone; what was contacted
-- stays.
reported AS (
    SELECT
        month,
        address_key,
        signal_count AS signals
    FROM address_matches
    UNION ALL
    SELECT
        month,
        address_key,
        1 AS signals
    FROM contacted_signals
),

cases AS (
    SELECT
        reported.month,
        reported.address_key,
        sum(reported.signals) AS signals,
        coalesce(any_value(history.only_repeats), false) AND count(*) = 1 AS only_repeats
    FROM reported
    LEFT JOIN recidivism_history AS history USING (month, address_key)
    WHERE
        history.only_repeats
        OR (reported.month, reported.address_key) IN (
            SELECT (month, address_key)
            FROM issued_to_teams
            UNION ALL
            SELECT (month, address_key)
            FROM contact_attempts
            UNION ALL
            SELECT (month, address_key)
            FROM case_results
        )
    GROUP BY reported.month, reported.address_key
),

results AS (
    SELECT
        cases.month,
        1 AS number
    FROM cases
    LEFT JOIN results_of_addresses AS result USING (month, address_key)
    WHERE result.end_result IS NOT NULL OR cases.only_repeats
),

attempts AS (
    SELECT
        month,
        1 AS number
    FROM contact_attempts SEMI JOIN cases USING (month, address_key)
),

counted AS (
    SELECT
        month,
        'signals, ' || ddas_status AS what,
        number
    FROM signals
    UNION ALL
    SELECT
        month,
        'euro' AS what,
        round(amount_due)::BIGINT AS number
    FROM amounts
    UNION ALL
    SELECT
        month,
        'cases' AS what,
        1 AS number
    FROM cases
    UNION ALL
    SELECT
        month,
        'signals in cases' AS what,
        signals AS number
    FROM cases
    UNION ALL
    SELECT
        month,
        'results' AS what,
        number
    FROM results
    UNION ALL
    SELECT
        month,
        'contact attempts' AS what,
        number
    FROM attempts
)

SELECT
    what,
    sum(number)::BIGINT AS number
FROM counted
WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month')
GROUP BY what
HAVING sum(number) <> 0
