-- By what the resident is known whose rows these are, hashed (installation/requests.py): by nothing of who stands in a
-- row with them.
-- Needs: own_names, resident_born; tables known_rows, resident_places; hash_macros.sql.
WITH own AS (
    SELECT *
    FROM known_rows
    SEMI JOIN resident_places USING (place)
),

keyed AS (
    SELECT door_hash(postcode, house_number) AS key
    FROM own
    WHERE postcode IS NOT NULL AND house_number IS NOT NULL
    UNION
    SELECT reference_hash(partner, customer_reference) AS key
    FROM own
    WHERE customer_reference IS NOT NULL
),

named AS (
    SELECT unnest(getvariable('own_names')) AS names
)

SELECT
    keyed.key,
    list_transform(named.names, lambda name: person_hash(keyed.key, name)) AS names,
    person_hash(keyed.key, getvariable('resident_born')::VARCHAR) AS birth_date
FROM keyed
CROSS JOIN named
ORDER BY ALL
