-- Whether each address of the month was reported in the look-back before it (DOMAIN §8). Reads only earlier months,
-- so that any month gives the same answer at any time.
-- Needs: lookback_from, month; tables moved_addresses, remembered_reports.
WITH reported AS (
    SELECT
        history.month,
        history.address_key AS former_key,
        coalesce(moved.address_key, history.address_key) AS present_key
    FROM recidivism_history AS history
    LEFT JOIN moved_addresses AS moved ON history.month = moved.month AND history.address_key = moved.former_key
    SEMI JOIN address_matches AS now
        ON coalesce(moved.address_key, history.address_key) = now.address_key AND now.month = getvariable('month')
    WHERE history.month >= getvariable('lookback_from') AND history.month < getvariable('month')
        AND NOT history.only_repeats
    UNION ALL BY NAME
    SELECT
        month,
        address_key AS present_key
    FROM remembered_reports
),

before AS (
    SELECT
        present_key AS address_key,
        min(month) AS first_reported_month,
        max(month) AS last_reported_month,
        count(DISTINCT month) AS times_reported
    FROM reported
    GROUP BY present_key
),

occupants AS (
    SELECT DISTINCT
        reported.present_key AS address_key,
        past.surnames,
        past.birth_date
    FROM validated_signals AS past
    INNER JOIN reported ON past.month = reported.month AND past.address_key = reported.former_key
    WHERE past.month >= getvariable('lookback_from') AND past.month < getvariable('month')
        AND past.held_reason IS NULL
),

current_signals AS (
    SELECT
        signal.address_key,
        signal.surnames,
        signal.birth_date,
        repeated.signal_id IS NOT NULL AS is_repeat
    FROM validated_signals AS signal
    LEFT JOIN repeat_signals AS repeated
        ON signal.signal_id = repeated.signal_id AND repeated.month = getvariable('month')
    WHERE signal.month = getvariable('month') AND signal.held_reason IS NULL
),

same_occupant AS (
    SELECT DISTINCT now.address_key
    FROM current_signals AS now
    INNER JOIN occupants ON now.address_key = occupants.address_key
    WHERE list_has_any(now.surnames, occupants.surnames) OR now.birth_date = occupants.birth_date
    UNION BY NAME
    SELECT address_key
    FROM remembered_reports
    WHERE has_same_occupant
),

repeats_alone AS (
    SELECT address_key
    FROM current_signals
    GROUP BY address_key
    HAVING bool_and(is_repeat)
)

SELECT
    match.month,
    match.address_key,
    CASE
        WHEN before.address_key IS NULL THEN 'new'
        WHEN before.last_reported_month = getvariable('month') - INTERVAL 1 MONTH THEN 'consecutive'
        ELSE 'returning'
    END AS recidivism_kind,
    before.address_key IS NOT NULL AS is_recidivist,
    before.address_key IS NOT NULL AND same_occupant.address_key IS NULL AS possible_new_occupant,
    before.first_reported_month,
    before.last_reported_month,
    coalesce(before.times_reported, 0) AS times_reported,
    datediff('month', before.last_reported_month, match.month) AS months_since_last,
    repeats_alone.address_key IS NOT NULL AS only_repeats
FROM address_matches AS match
LEFT JOIN before ON match.address_key = before.address_key
LEFT JOIN same_occupant ON match.address_key = same_occupant.address_key
LEFT JOIN repeats_alone ON match.address_key = repeats_alone.address_key
WHERE match.month = getvariable('month')
