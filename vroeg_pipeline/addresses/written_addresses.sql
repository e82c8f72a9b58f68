-- Each different address as it was written, with its parts read: every distinct number, postcode and street once.
-- Needs: tables address_texts, street_texts; macros.sql, address_macros.sql.
WITH number_texts AS (
    SELECT DISTINCT
        house_number,
        house_letter,
        house_number_addition
    FROM address_texts
),

postcode_texts AS (
    SELECT DISTINCT postcode
    FROM address_texts
    WHERE postcode IS NOT NULL
),

numbers AS (
    SELECT
        house_number,
        house_letter,
        house_number_addition,
        try_cast(nullif(parts.number, '') AS INTEGER) AS number,
        suffix_of(parts.rest) AS behind_number,
        suffix_of(house_letter) || suffix_of(number_text_of(house_number_addition)) AS in_columns,
        means_another_door(concat_ws(' ', house_number, house_letter, house_number_addition)) AS another_door,
        is_damaged_suffix(house_letter) OR is_damaged_suffix(house_number_addition) AS damaged_suffix
    FROM (
        SELECT
            *,
            number_and_rest(house_number) AS parts
        FROM number_texts
    )
),

postcodes AS (
    SELECT
        postcode AS postcode_text,
        postcode_of(postcode) AS postcode,
        postcode_as_typed(postcode) AS typed
    FROM postcode_texts
),

-- A number in the street field counts where the number field has none; where it has, both must say the same.
streets AS (
    SELECT
        text,
        nullif(name, '') AS street_text,
        certain,
        another_door,
        try_cast(nullif(parts.number, '') AS INTEGER) AS number,
        suffix_of(parts.rest) AS suffix
    FROM (
        SELECT
            *,
            number_and_rest(rest) AS parts
        FROM street_texts
    )
),

sources AS (
    SELECT
        address.address_no,
        address.city,
        postcodes.postcode,
        postcodes.typed,
        streets.street_text,
        coalesce(numbers.number, streets.number) AS number,
        CASE
            WHEN numbers.number IS NULL THEN coalesce(streets.suffix, '')
            WHEN numbers.behind_number <> '' OR numbers.in_columns <> '' OR NOT streets.certain
                THEN numbers.behind_number
            ELSE coalesce(streets.suffix, '')
        END AS behind_number,
        numbers.in_columns,
        coalesce(streets.certain AND numbers.number <> streets.number, false) AS two_numbers,
        numbers.another_door OR coalesce(streets.another_door, false) AS another_door,
        numbers.damaged_suffix,
        -- A suffix in the street field stands beside one in the number field or the columns.
        CASE
            WHEN streets.certain AND numbers.number = streets.number AND streets.suffix <> ''
                AND (numbers.behind_number <> '' OR numbers.in_columns <> '')
                THEN streets.suffix
        END AS street_suffix
    FROM address_texts AS address
    INNER JOIN numbers
        ON address.house_number IS NOT DISTINCT FROM numbers.house_number
        AND address.house_letter IS NOT DISTINCT FROM numbers.house_letter
        AND address.house_number_addition IS NOT DISTINCT FROM numbers.house_number_addition
    LEFT JOIN postcodes ON address.postcode = postcodes.postcode_text
    LEFT JOIN streets ON address.street = streets.text
),

suffixes AS (
    SELECT
        * EXCLUDE (behind_number, in_columns),
        -- Of two spellings of one suffix the longer says more: H may be a letter, HS may not.
        CASE WHEN length(in_columns) > length(behind_number) THEN in_columns ELSE behind_number END AS suffix,
        CASE
            WHEN behind_number <> '' AND in_columns <> '' AND behind_number <> in_columns
                THEN CASE WHEN length(in_columns) > length(behind_number) THEN behind_number ELSE in_columns END
        END AS other_suffix
    FROM sources
),

-- What each different suffix means.
meanings AS (
    SELECT
        suffix,
        meaning_of(suffix) AS meaning
    FROM (
        SELECT suffix FROM suffixes
        UNION
        SELECT other_suffix FROM suffixes
        UNION
        SELECT street_suffix FROM suffixes
    )
    WHERE suffix IS NOT NULL
)

SELECT
    suffixes.* EXCLUDE (street_suffix),
    own.meaning,
    postcode_mended(typed) AS mended,
    coalesce(typed SIMILAR TO '[1-9][0-9]{3}', false) AS digits_only,
    coalesce(own.meaning <> other.meaning, false) OR coalesce(own.meaning <> in_street.meaning, false) AS two_suffixes
FROM suffixes
INNER JOIN meanings AS own ON suffixes.suffix = own.suffix
LEFT JOIN meanings AS other ON suffixes.other_suffix = other.suffix
LEFT JOIN meanings AS in_street ON suffixes.street_suffix = in_street.suffix
