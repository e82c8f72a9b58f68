-- What has to go of a resident: rows, doors, references, and the words by which a file is known to hold them.
-- Needs: tables resident_asked, resident_doors, resident_known, resident_places; macros.sql.
WITH rows AS (
    SELECT unnest(place)
    FROM resident_places
),

raw_rows AS (
    SELECT *
    FROM raw.delivery_rows
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
),

signals AS (
    SELECT *
    FROM validated_signals
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
),

known AS (
    SELECT
        postcode,
        house_number,
        names,
        birth_date
    FROM resident_known
    UNION
    SELECT
        postcode,
        house_number,
        names,
        birth_date
    FROM resident_asked
),

words AS (
    SELECT unnest([
        text_of(phone), text_of(email), text_of(customer_reference), regexp_replace(text_of(phone), '[^0-9]', '', 'g')
    ]) AS word
    FROM raw_rows
    UNION
    SELECT unnest([phone, email, customer_reference, desk_id]) AS word
    FROM signals
    UNION
    SELECT case_id AS word
    FROM resident_doors
),

told AS (
    SELECT
        'writing' AS kind,
        desk_id AS value
    FROM signals
    UNION
    SELECT
        'name' AS kind,
        unnest(names) AS value
    FROM known
    UNION
    SELECT
        'birth_date' AS kind,
        birth_date::VARCHAR AS value
    FROM known
    UNION
    SELECT
        'place' AS kind,
        postcode || '_' || house_number AS value
    FROM known
    UNION
    -- Shorter ones stand in files that hold nothing of them.
    SELECT
        'word' AS kind,
        word AS value
    FROM words
    WHERE length(word) >= 6
)

SELECT
    'row' AS kind,
    month AS of_month,
    partner,
    file_sha256,
    row_number,
    NULL::VARCHAR AS value
FROM rows
UNION ALL
SELECT
    CASE WHEN has_others THEN 'shared_door' ELSE 'door' END AS kind,
    month AS of_month,
    NULL AS partner,
    NULL AS file_sha256,
    NULL AS row_number,
    address_key AS value
FROM resident_doors
UNION ALL
SELECT DISTINCT
    'reference' AS kind,
    NULL AS of_month,
    partner,
    NULL AS file_sha256,
    NULL AS row_number,
    customer_reference AS value
FROM signals
UNION ALL
SELECT
    kind,
    NULL AS of_month,
    NULL AS partner,
    NULL AS file_sha256,
    NULL AS row_number,
    value
FROM told
WHERE value IS NOT NULL
