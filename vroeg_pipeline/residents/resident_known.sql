-- By what a resident is known in the rows that were found, but for those in which others stand too; of a row without a
-- birth date that of all others that have one, if they have the same.
-- Needs: resident_born; tables known_rows, resident_places; macros.sql.
WITH found AS (
    SELECT *
    FROM known_rows
    SEMI JOIN resident_places USING (place)
    WHERE surname IS NOT NULL AND NOT has_joint_names(surname)
),

born AS (
    SELECT
        coalesce(
            getvariable('resident_born')::DATE, CASE WHEN count(DISTINCT birth_date) = 1 THEN min(birth_date) END
        ) AS birth_date
    FROM found
)

SELECT DISTINCT
    found.partner,
    found.customer_reference,
    found.postcode,
    found.house_number,
    resident_names(found.surname) AS names,
    coalesce(found.birth_date, born.birth_date) AS birth_date
FROM found
CROSS JOIN born
