-- The addresses of the month at work that were reported in a month of the look-back whose signals are removed, and
-- whether somebody of then is reported there now (DOMAIN §8, §14). As in moved_addresses, what was renumbered is known
-- by its identification.
-- Needs: key_check, lookback_from, month; tables dwelling_hashes; address_macros.sql, hash_macros.sql.
WITH now AS (
    SELECT
        match.address_key,
        keyed_hash(match.address_key) AS door,
        coalesce(flatten(list(signal.surnames)), []) AS names,
        list(signal.birth_date::VARCHAR) FILTER (WHERE signal.birth_date IS NOT NULL) AS birth_dates
    FROM address_matches AS match
    LEFT JOIN validated_signals AS signal
        ON match.month = signal.month AND match.address_key = signal.address_key AND signal.held_reason IS NULL
    WHERE match.month = getvariable('month')
    GROUP BY match.address_key
),

by_designation AS (
    SELECT
        designation,
        min(address_key) AS address_key
    FROM dwelling_hashes
    GROUP BY designation
    HAVING count(*) = 1
),

by_dwelling AS (
    SELECT
        dwelling,
        min(address_key) AS address_key
    FROM dwelling_hashes
    WHERE is_main
    GROUP BY dwelling
    HAVING count(*) = 1
),

reported AS (
    SELECT
        history.*,
        coalesce(side.main_key, by_designation.address_key, by_dwelling.address_key) AS moved_to
    FROM reported_history AS history
    LEFT JOIN by_designation ON history.designation = by_designation.designation
    LEFT JOIN by_dwelling ON history.dwelling = by_dwelling.dwelling
    LEFT JOIN side_addresses AS side ON by_designation.address_key = side.address_key
    WHERE history.month >= getvariable('lookback_from') AND history.month < getvariable('month')
        AND NOT history.only_repeats AND history.key_check = getvariable('key_check')
),

present AS (
    SELECT
        reported.*,
        coalesce(reported.moved_to, now.address_key) AS address_key
    FROM reported
    LEFT JOIN now ON reported.door = now.door
)

SELECT
    present.month,
    now.address_key,
    list_has_any(list_transform(now.names, lambda name: keyed_hash(present.door || ' ' || name)), present.names)
    OR list_has_any(
        list_transform(coalesce(now.birth_dates, []), lambda day: keyed_hash(present.door || ' ' || day)),
        present.birth_dates
    ) AS has_same_occupant
FROM present
INNER JOIN now USING (address_key)
