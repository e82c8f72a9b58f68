-- The reports of one municipality, each with its signals and contact attempts, oldest month first. A case is opened
-- when it is put on a worklist, or at the first contact where that was earlier; one that nobody took up is not.
-- Needs: first_month, last_month, municipality; tables ddas_signals, matching_days.
WITH signals AS (
    SELECT
        month,
        address_key,
        list(signal_id ORDER BY signal_id) AS signal_ids,
        bool_or(ddas_status = 'Opgepakt') AS taken_up
    FROM ddas_signals
    WHERE municipality = getvariable('municipality') AND counts
    GROUP BY ALL
),

attempts AS (
    SELECT
        month,
        address_key,
        min(contacted_on) AS first_contact,
        list(
            {
                contact_kind: contact_kind,
                reached: reached,
                contacted_on: contacted_on,
                day_part: day_part
            }
            ORDER BY contacted_on, attempt
        ) AS attempts
    FROM contact_attempts
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month')
    GROUP BY ALL
),

issued AS (
    SELECT
        month,
        address_key,
        min(issued_at)::DATE AS issued_on
    FROM worklist_issues
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month') AND change = 'added'
    GROUP BY ALL
)

SELECT
    CASE
        WHEN history.only_repeats AND result.end_result IS NULL THEN 'Niet opgepakt: herhaalde melding'
        ELSE result.end_result
    END AS end_result,
    greatest(calendar.matched_on, match.first_received_on) AS matched_on,
    CASE
        WHEN signals.taken_up OR attempts.first_contact IS NOT NULL
            THEN least(issued.issued_on, attempts.first_contact)
    END AS opened_on,
    signals.month AS first_day,
    last_day(signals.month) AS last_day,
    signals.signal_ids,
    coalesce(attempts.attempts, []) AS attempts
FROM signals
INNER JOIN address_matches AS match USING (month, address_key)
LEFT JOIN recidivism_history AS history USING (month, address_key)
LEFT JOIN case_results AS result USING (month, address_key)
LEFT JOIN attempts USING (month, address_key)
LEFT JOIN issued USING (month, address_key)
LEFT JOIN matching_days AS calendar USING (month)
ORDER BY signals.month, signals.signal_ids[1]
