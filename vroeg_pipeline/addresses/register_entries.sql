-- The entries of the register, read as addresses are (DOMAIN §6), from the view `register_as_written` of its source.
-- Needs: tables register_as_written; macros.sql, address_macros.sql.
WITH texts AS (
    SELECT
        * REPLACE (
            text_of(nummeraanduiding_id) AS nummeraanduiding_id,
            text_of(adresseerbaar_object_id) AS adresseerbaar_object_id,
            text_of(postcode) AS postcode,
            text_of(house_number) AS house_number,
            text_of(municipality) AS municipality
        )
    FROM register_as_written
),

-- This and the next steps apart, as DuckDB writes out again what is named again within one SELECT.
written AS (
    SELECT
        * REPLACE (number_and_rest(house_number) AS house_number),
        suffix_of(house_letter) AS letter,
        suffix_of(house_number_addition) AS addition
    FROM texts
),

numbered AS (
    SELECT
        * REPLACE (try_cast(house_number.number AS INTEGER) AS house_number),
        suffix_of(house_number.rest) AS behind
    FROM written
),

behind_apart AS (
    SELECT
        *,
        house_letter_by_rule(behind) AS letter_behind
    FROM numbered
),

-- Some registers have letter or addition behind the number (`9a`, `9-2`), in the columns for them, or in both.
apart AS (
    SELECT
        *,
        behind[length(letter_behind) + 1:] AS addition_behind,
        behind IN ('', letter || addition, letter, addition) AS is_in_columns
    FROM behind_apart
),

-- Where the columns say something else than what stands behind the number, no door is guessed: there is no number.
judged AS (
    SELECT
        * REPLACE (
            CASE
                WHEN is_in_columns
                    OR letter || addition = ''
                    OR (letter = letter_behind AND addition = '')
                    OR (letter = '' AND letter_behind <> '' AND addition_behind IN ('', addition))
                    THEN house_number
            END AS house_number
        )
    FROM apart
)

SELECT
    identification_of(nummeraanduiding_id) AS nummeraanduiding_id,
    identification_of(adresseerbaar_object_id) AS adresseerbaar_object_id,
    is_main,
    text_of(object_kind) AS object_kind,
    text_of(status) AS status,
    postcode_of(postcode) AS postcode,
    house_number,
    CASE WHEN is_in_columns THEN letter ELSE letter_behind END AS house_letter,
    CASE WHEN is_in_columns OR addition <> '' THEN addition ELSE addition_behind END AS house_number_addition,
    text_of(street) AS street,
    text_of(city) AS city,
    municipality_of(municipality) AS municipality,
    upper(text_of(buurtcode)) AS buurtcode,
    valid_from,
    valid_until,
    coalesce(municipality_of(municipality) <> municipality, false)
    OR coalesce(identification_of(nummeraanduiding_id) <> nummeraanduiding_id, false)
    OR coalesce(identification_of(adresseerbaar_object_id) <> adresseerbaar_object_id, false)
        AS is_mended
FROM judged
