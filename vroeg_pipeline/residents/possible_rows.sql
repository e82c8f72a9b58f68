-- The rows that were found of a resident, and all others at their doors, with what tells one person from another of the
-- same name.
-- Needs: tables direct_places, known_rows, resident_asked, resident_places; macros.sql.
WITH doors AS (
    SELECT
        postcode,
        house_number
    FROM known_rows
    SEMI JOIN resident_places USING (place)
    WHERE postcode IS NOT NULL AND house_number IS NOT NULL
    UNION
    SELECT
        postcode,
        house_number
    FROM resident_asked
    WHERE postcode IS NOT NULL AND house_number IS NOT NULL
),

rows AS (
    SELECT
        place,
        list_sort(list_distinct(flatten(list(resident_names(surname))))) AS names,
        max(birth_date) AS birth_date
    FROM known_rows
    WHERE
        place IN (FROM resident_places)
        OR (postcode, house_number) IN (FROM doors)
    GROUP BY place
),

written AS (
    SELECT
        struct_pack(
            month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number
        ) AS place,
        text_of(surname) AS surname,
        text_of(initials) AS initials,
        NULL AS door
    FROM raw.delivery_rows
    UNION ALL
    SELECT
        struct_pack(
            month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number
        ) AS place,
        surname,
        initials,
        CASE WHEN NOT needs_review THEN address_key END AS door
    FROM validated_signals
),

-- Initials from their own column or around the surname (Jansen, J.P.; J. Jansen); whether it has joint names (Smit e/o
-- Mulder), of which the rest of the row can be of either.
people AS (
    SELECT
        place,
        bool_or(has_joint_names(surname)) AS is_joint,
        max(
            upper(
                coalesce(
                    nullif(regexp_extract(initials, '\p{L}'), ''),
                    nullif(regexp_extract(surname, ',\s*(\p{L})\b', 1), ''),
                    nullif(regexp_extract(surname, '^(\p{L})\.', 1), ''),
                    ''
                )
            )
        ) AS initial,
        max(door) AS door
    FROM written
    SEMI JOIN rows USING (place)
    GROUP BY place
)

SELECT
    rows.place.month,
    rows.place.partner,
    rows.place.file_sha256,
    rows.place.row_number,
    rows.names,
    rows.birth_date,
    CASE WHEN people.is_joint THEN '' ELSE coalesce(people.initial, '') END AS initial,
    coalesce(people.door, '') AS door,
    coalesce(people.is_joint, false) AS is_joint,
    rows.place IN (FROM resident_places) AS is_found,
    rows.place IN (FROM direct_places) AS is_direct
FROM rows
LEFT JOIN people USING (place)
ORDER BY ALL
