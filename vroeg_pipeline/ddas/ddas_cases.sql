-- The cases of one municipality, each with its signals and contact attempts, oldest month first. A case is opened when
-- it is issued to a team, or at the first contact where that was earlier; one of repeats alone is not. It was matched
-- on the matching day of the month, or when its newest signal came where that was later.
-- Needs: first_month, last_month, municipality; tables ddas_signals, matching_days.
WITH signals AS (
    SELECT
        month,
        address_key,
        list(signal_id ORDER BY signal_id) AS signal_ids,
        max(received_on) AS newest_on,
        bool_and(ddas_status = 'Niet opgepakt: herhaalde melding') AS only_repeats
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
            ORDER BY contacted_on, attempt, case_id
        ) AS attempts
    FROM contact_attempts
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month')
    GROUP BY ALL
)

SELECT
    CASE
        WHEN signals.only_repeats AND result.end_result IS NULL THEN 'Niet opgepakt: herhaalde melding'
        ELSE result.end_result
    END AS end_result,
    greatest(calendar.matched_on, signals.newest_on) AS matched_on,
    CASE
        WHEN NOT signals.only_repeats OR attempts.first_contact IS NOT NULL OR result.end_result IS NOT NULL
            -- Of who was not issued and has a result alone the day on which that was told.
            THEN coalesce(least(issued.issued_on, attempts.first_contact), result.reported_at::DATE)
    END AS opened_on,
    signals.month AS first_day,
    last_day(signals.month) AS last_day,
    signals.signal_ids,
    coalesce(attempts.attempts, []) AS attempts
FROM signals
LEFT JOIN results_of_addresses AS result USING (month, address_key)
LEFT JOIN attempts USING (month, address_key)
LEFT JOIN issued_to_teams AS issued USING (month, address_key)
LEFT JOIN matching_days AS calendar USING (month)
ORDER BY signals.month, signals.signal_ids[1]
