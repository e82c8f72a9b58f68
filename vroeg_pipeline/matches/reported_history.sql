-- What later months must know of the months whose signals are removed: hashes that say nothing without the key
-- (DOMAIN §14).
-- An occupant's hash is made with that of the door, so that nobody is known from one door to another.
-- Needs: key_check, removed_before; address_macros.sql, hash_macros.sql.
WITH reported AS (
    SELECT
        history.month,
        history.address_key,
        history.only_repeats,
        keyed_hash(history.address_key) AS door,
        CASE WHEN is_designation(match.nummeraanduiding_id) THEN match.nummeraanduiding_id END AS designation,
        CASE WHEN is_designation(match.nummeraanduiding_id) THEN match.adresseerbaar_object_id END AS dwelling
    FROM recidivism_history AS history
    LEFT JOIN address_matches AS match USING (month, address_key)
    WHERE history.month < getvariable('removed_before')
),

occupants AS (
    SELECT
        signal.month,
        signal.address_key,
        list_sort(list_distinct(flatten(list(list_transform(
            signal.surnames, lambda name: keyed_hash(reported.door || ' ' || name)
        ))))) AS names,
        list_sort(list(DISTINCT keyed_hash(reported.door || ' ' || signal.birth_date::VARCHAR))
            FILTER (WHERE signal.birth_date IS NOT NULL)) AS birth_dates
    FROM validated_signals AS signal
    INNER JOIN reported USING (month, address_key)
    WHERE signal.held_reason IS NULL
    GROUP BY signal.month, signal.address_key
)

SELECT
    reported.month,
    reported.door,
    keyed_hash(reported.designation) AS designation,
    keyed_hash(reported.dwelling) AS dwelling,
    coalesce(occupants.names, []) AS names,
    coalesce(occupants.birth_dates, []) AS birth_dates,
    reported.only_repeats,
    getvariable('key_check') AS key_check
FROM reported
LEFT JOIN occupants USING (month, address_key)
