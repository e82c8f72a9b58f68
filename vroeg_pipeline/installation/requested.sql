-- Which rows are of residents who asked for something, and by which request (DOMAIN §14). Names are of the same person
-- when all of one are among those of the other, as of a double name; a birth date must not be another one.
-- Needs: tables asked_identities, identified_rows; macros.sql, hash_macros.sql.
WITH keyed AS (
    SELECT
        place,
        surname,
        birth_date,
        door_hash(postcode, house_number) AS key,
        false AS is_reference
    FROM identified_rows
    WHERE postcode IS NOT NULL AND house_number IS NOT NULL
    UNION ALL
    SELECT
        place,
        surname,
        birth_date,
        reference_hash(partner, customer_reference) AS key,
        true AS is_reference
    FROM identified_rows
    WHERE customer_reference IS NOT NULL
),

met AS (
    SELECT
        keyed.place,
        keyed.is_reference,
        asked.number,
        asked.kind,
        asked.files_before,
        asked.names AS asked_names,
        asked.birth_date AS asked_birth_date,
        list_transform(resident_names(keyed.surname), lambda name: person_hash(keyed.key, name)) AS names,
        person_hash(keyed.key, keyed.birth_date::VARCHAR) AS birth_date
    FROM keyed INNER JOIN asked_identities AS asked USING (key)
)

SELECT DISTINCT
    place,
    number,
    kind,
    files_before
FROM met
WHERE
    (
        len(asked_names) = 0
        -- A row without a name is whose reference it has.
        OR (is_reference AND len(names) = 0)
        OR (len(names) > 0 AND (list_has_all(asked_names, names) OR list_has_all(names, asked_names)))
    )
    AND (asked_birth_date IS NULL OR birth_date = asked_birth_date OR (birth_date IS NULL AND len(asked_names) > 0))
