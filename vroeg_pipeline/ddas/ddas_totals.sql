-- What a delivery of the months from first_month to last_month must add up to, by what stands in the published tables
-- alone: never by signal_statuses, of which the delivery itself is made. Rejected rows of which no address may be told,
-- or none can be read, are signals that CBS does not get.
-- Needs: first_month, known_statuses, last_month.
WITH contacted_since AS (
    SELECT row.*
    FROM rejected_rows AS row
    INNER JOIN contacted_signals AS kept
        ON row.month = kept.month
        AND row.partner = kept.partner
        AND row.customer_reference = kept.customer_reference
        AND row.postcode = kept.postcode
        AND row.house_number = kept.house_number
        AND row.house_letter = kept.house_letter
        AND row.house_number_addition = kept.house_number_addition
        AND (row.file_sha256 <> kept.file_sha256 OR row.row_number = kept.row_number)
),

told_back AS (
    SELECT *
    FROM rejected_rows ANTI JOIN contacted_since USING (month, partner, file_sha256, row_number)
    WHERE ddas_status IS NOT NULL AND postcode IS NOT NULL
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
),

-- What counts at each address; what was contacted stays.
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

addresses AS (
    SELECT
        reported.month,
        reported.address_key,
        sum(reported.signals) AS signals,
        coalesce(any_value(history.only_repeats), false) AS had_only_repeats,
        had_only_repeats AND count(*) = 1 AS only_repeats,
        (reported.month, reported.address_key) IN (
            SELECT (month, address_key)
            FROM issued_to_teams
            UNION ALL
            SELECT (month, address_key)
            FROM contact_attempts
            UNION ALL
            SELECT (month, address_key)
            FROM case_results
        ) AS is_taken_up
    FROM reported
    LEFT JOIN recidivism_history AS history USING (month, address_key)
    GROUP BY reported.month, reported.address_key
),

-- A case is a reported address that was issued to a team or contacted, or is made of repeats alone.
cases AS (
    SELECT *
    FROM addresses
    WHERE is_taken_up OR had_only_repeats
),

repeats AS (
    SELECT
        signal.month,
        signal.address_key,
        count(*) AS repeats
    FROM validated_signals AS signal
    SEMI JOIN repeat_signals USING (month, signal_id)
    GROUP BY signal.month, signal.address_key
),

signals AS (
    SELECT
        addresses.month,
        CASE
            WHEN list_contains(getvariable('known_statuses'), result.end_result) THEN result.end_result
            WHEN addresses.is_taken_up THEN 'Opgepakt'
            ELSE 'Nog niet opgepakt'
        END AS ddas_status,
        addresses.signals - coalesce(repeats.repeats, 0) AS number
    FROM addresses
    LEFT JOIN results_of_addresses AS result USING (month, address_key)
    LEFT JOIN repeats USING (month, address_key)
    UNION ALL
    SELECT
        month,
        'Niet opgepakt: herhaalde melding' AS ddas_status,
        repeats AS number
    FROM repeats
    UNION ALL
    SELECT
        month,
        ddas_status,
        1 AS number
    FROM told_back
    UNION ALL
    -- What is validated and counts at no address is held back.
    SELECT
        month,
        'Niet opgepakt: andere reden' AS ddas_status,
        1 AS number
    FROM validated_signals
    UNION ALL
    SELECT
        month,
        'Niet opgepakt: andere reden' AS ddas_status,
        -signal_count AS number
    FROM address_matches
    UNION ALL
    SELECT
        month,
        'Niet opgepakt: andere reden' AS ddas_status,
        -1 AS number
    FROM contacted_signals SEMI JOIN validated_signals USING (month, signal_id)
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
