-- The months of which the signals are removed, in which the resident was reported at one of their doors (DOMAIN §14).
-- Needs: own_names, resident_born; tables resident_asked, resident_doors; address_macros.sql, hash_macros.sql.
WITH doors AS (
    SELECT address_key
    FROM resident_doors
    UNION
    SELECT dwelling.address_key
    FROM dwellings AS dwelling
    INNER JOIN resident_asked AS asked
        ON dwelling.postcode = asked.postcode AND dwelling.house_number::VARCHAR = asked.house_number
    UNION
    SELECT address_key_of(postcode, house_number, '', '') AS address_key
    FROM resident_asked
    WHERE postcode IS NOT NULL
),

people AS (
    SELECT
        keyed_hash(address_key) AS door,
        unnest(getvariable('own_names')) AS names
    FROM doors
)

SELECT DISTINCT history.month
FROM reported_history AS history
INNER JOIN people USING (door)
WHERE
    len(people.names) > 0
    AND list_has_all(
        history.names, list_transform(people.names, lambda name: keyed_hash(history.door || ' ' || name))
    )
    AND (
        getvariable('resident_born') IS NULL OR len(history.birth_dates) = 0
        OR list_contains(
            history.birth_dates, keyed_hash(history.door || ' ' || getvariable('resident_born')::VARCHAR)
        )
    )
ORDER BY history.month
