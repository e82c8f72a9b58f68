-- From an address as written to the dwelling it means (DOMAIN §6). Never a guess: two candidates are ambiguous.

-- The number and what follows it. NULLs where no number 1-99999 can be read.
CREATE OR REPLACE TEMP MACRO number_and_rest(house_number) AS
    regexp_extract(house_number, '(?s)^0*([1-9][0-9]{0,4})(|[^0-9].*)$', ['number', 'rest']);

-- What follows a number, upper case and without spaces and separators.
CREATE OR REPLACE TEMP MACRO suffix_of(value) AS
    translate(upper(coalesce(value, '')), ' -/.,' || chr(9) || chr(10) || chr(13) || chr(160), '');

CREATE OR REPLACE TEMP MACRO without_leading_zeros(suffix) AS
    CASE WHEN contains(suffix, '0') THEN regexp_replace(suffix, '(^|[^0-9])0+([0-9])', '\1\2', 'g') ELSE suffix END;

CREATE OR REPLACE TEMP MACRO meaning_of_group(suffix) AS
    CASE
        WHEN suffix = '' THEN ''
        WHEN suffix IN ('HS', 'H', 'HUIS', 'BG', 'BEGANEGROND') THEN 'HS'
        WHEN suffix IN ('1', 'I', '1HOOG', '1HG', '1E') THEN '1'
        WHEN suffix IN ('2', 'II', '2HOOG', '2HG', '2E') THEN '2'
        WHEN suffix IN ('3', 'III', '3HOOG', '3HG', '3E') THEN '3'
        WHEN suffix IN ('4', 'IV', '4HOOG', '4HG', '4E') THEN '4'
        WHEN suffix IN ('5', 'V', '5HOOG', '5HG', '5E') THEN '5'
        WHEN suffix IN ('RD', 'R', 'ROOD') THEN 'RD'
        WHEN suffix IN ('ZW', 'Z', 'ZWART') THEN 'ZW'
        WHEN suffix IN ('BIS', 'BS') THEN 'BIS'
        WHEN suffix IN ('BEN', 'BENEDEN') THEN 'BEN'
        WHEN suffix IN ('BOV', 'BOVEN') THEN 'BOV'
        ELSE suffix
    END;

-- What a suffix means: the first spelling of its group.
CREATE OR REPLACE TEMP MACRO meaning_of(suffix) AS meaning_of_group(without_leading_zeros(suffix));

-- Without a register a single letter is always the house letter, a letter and digits are letter and addition.
CREATE OR REPLACE TEMP MACRO house_letter_by_rule(suffix) AS
    CASE WHEN regexp_full_match(suffix, '[A-Z][0-9]*') THEN suffix[1] ELSE '' END;

CREATE OR REPLACE TEMP MACRO addition_by_rule(suffix) AS
    CASE
        WHEN regexp_full_match(suffix, '[A-Z][0-9]*') THEN without_leading_zeros(suffix[2:])
        ELSE meaning_of(suffix)
    END;

CREATE OR REPLACE TEMP MACRO address_key_of(postcode, house_number, house_letter, addition) AS
    postcode || '_' || house_number || '_' || house_letter || '_' || addition;

-- The register as it was on the day `register_day`: the first of the month at work, else today.
CREATE OR REPLACE TEMP VIEW register_of_month AS
SELECT *
FROM reference.address_register
WHERE
    (valid_from IS NULL OR valid_from <= getvariable('register_day'))
    AND (valid_until IS NULL OR valid_until > getvariable('register_day'));

-- The dwellings at each postcode, number and spelling, meaning, or at all.
CREATE OR REPLACE TEMP VIEW dwellings_by_suffix AS
SELECT
    postcode,
    house_number,
    suffix,
    count(*) AS dwellings,
    any_value(address_key) AS address_key,
    any_value(house_letter) AS house_letter,
    any_value(house_number_addition) AS house_number_addition,
    any_value(street) AS street,
    any_value(city) AS city,
    any_value(municipality) AS municipality
FROM register_of_month
GROUP BY ALL;

CREATE OR REPLACE TEMP VIEW dwellings_by_meaning AS
SELECT
    postcode,
    house_number,
    meaning,
    count(*) AS dwellings,
    any_value(address_key) AS address_key,
    any_value(house_letter) AS house_letter,
    any_value(house_number_addition) AS house_number_addition,
    any_value(street) AS street,
    any_value(city) AS city,
    any_value(municipality) AS municipality
FROM register_of_month
GROUP BY ALL;

CREATE OR REPLACE TEMP VIEW dwellings_at_number AS
SELECT
    postcode,
    house_number,
    count(*) AS dwellings,
    min(municipality) AS municipality
FROM register_of_month
GROUP BY ALL;

-- Resolves the relation named `written`. It needs the columns postcode (valid or NULL), house_number (text as
-- written), house_letter and house_number_addition (text or NULL), and keeps them as written_*; all others pass.
-- What it adds has no NULL but where postcode or number could not be read: then all of it is NULL.
CREATE OR REPLACE TEMP MACRO resolve_addresses(written) AS TABLE
WITH split AS (
    SELECT
        *,
        number_and_rest(house_number) AS parts
    FROM query_table(written)
),

sources AS (
    SELECT
        * EXCLUDE (parts),
        CASE WHEN postcode IS NOT NULL THEN try_cast(nullif(parts.number, '') AS INTEGER) END AS number,
        suffix_of(parts.rest) AS behind_number,
        suffix_of(house_letter) || suffix_of(house_number_addition) AS in_columns
    FROM split
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

candidates AS (
    SELECT
        w.*,
        other_suffix IS NOT NULL AND meaning_of(w.suffix) <> meaning_of(other_suffix) AS contradiction,
        at_number.dwellings AS dwellings_at_number,
        at_number.municipality AS municipality_at_number,
        coalesce(same.dwellings, 0) AS same_dwellings,
        same.address_key AS same_key,
        coalesce(other.dwellings, 0) AS other_dwellings,
        other.address_key AS other_key,
        coalesce(alike.dwellings, 0) AS alike_dwellings,
        alike.address_key AS alike_key,
        coalesce(same.house_letter, other.house_letter, alike.house_letter) AS register_letter,
        coalesce(
            same.house_number_addition, other.house_number_addition, alike.house_number_addition
        ) AS register_addition,
        coalesce(same.street, other.street, alike.street) AS register_street,
        coalesce(same.city, other.city, alike.city) AS register_city,
        coalesce(same.municipality, other.municipality, alike.municipality) AS register_municipality
    FROM suffixes AS w
    LEFT JOIN dwellings_at_number AS at_number
        ON w.postcode = at_number.postcode AND w.number = at_number.house_number
    LEFT JOIN dwellings_by_suffix AS same
        ON w.postcode = same.postcode AND w.number = same.house_number AND w.suffix = same.suffix
    LEFT JOIN dwellings_by_suffix AS other
        ON w.postcode = other.postcode AND w.number = other.house_number AND w.other_suffix = other.suffix
    LEFT JOIN dwellings_by_meaning AS alike
        ON w.postcode = alike.postcode AND w.number = alike.house_number AND meaning_of(w.suffix) = alike.meaning
),

judged AS (
    SELECT
        *,
        CASE
            WHEN number IS NULL THEN NULL
            WHEN contradiction THEN 'ambiguous'
            WHEN NOT getvariable('has_register') THEN 'unchecked'
            WHEN same_dwellings > 1 OR other_dwellings > 1 THEN 'ambiguous'
            WHEN same_dwellings = 1 AND other_dwellings = 1 AND same_key <> other_key THEN 'ambiguous'
            WHEN same_dwellings = 1 OR other_dwellings = 1 THEN 'exact'
            WHEN suffix = '' AND dwellings_at_number > 1 THEN 'ambiguous'
            WHEN suffix = '' THEN 'unknown'
            WHEN alike_dwellings = 1 THEN 'normalised'
            WHEN alike_dwellings > 1 THEN 'ambiguous'
            ELSE 'unknown'
        END AS address_status
    FROM candidates
)

SELECT
    judged.* EXCLUDE (
        postcode, house_number, house_letter, house_number_addition, suffix, other_suffix, contradiction,
        dwellings_at_number, municipality_at_number, same_dwellings, same_key, other_dwellings, other_key,
        alike_dwellings, alike_key, register_letter, register_addition, register_street, register_city,
        register_municipality, number, address_status
    ),
    postcode,
    number AS house_number,
    CASE
        WHEN address_status IN ('exact', 'normalised') THEN register_letter
        WHEN address_status = 'ambiguous' THEN ''
        WHEN number IS NOT NULL THEN house_letter_by_rule(suffix)
    END AS house_letter,
    CASE
        WHEN address_status IN ('exact', 'normalised') THEN register_addition
        WHEN address_status = 'ambiguous' THEN suffix
        WHEN number IS NOT NULL THEN addition_by_rule(suffix)
    END AS house_number_addition,
    CASE
        WHEN address_status = 'exact' THEN coalesce(same_key, other_key)
        WHEN address_status = 'normalised' THEN alike_key
        WHEN address_status = 'ambiguous' THEN address_key_of(postcode, number, '?', '')
        WHEN number IS NOT NULL
            THEN address_key_of(postcode, number, house_letter_by_rule(suffix), addition_by_rule(suffix))
    END AS address_key,
    address_status,
    address_status IN ('ambiguous', 'unknown') AS needs_review,
    CASE WHEN address_status IN ('exact', 'normalised') THEN register_street END AS register_street,
    CASE WHEN address_status IN ('exact', 'normalised') THEN register_city END AS register_city,
    coalesce(
        CASE
            WHEN address_status IN ('exact', 'normalised') THEN register_municipality
            WHEN address_status = 'ambiguous' THEN municipality_at_number
        END,
        area.municipality
    ) AS municipality
FROM judged
LEFT JOIN postcode4_municipality AS area ON try_cast(left(postcode, 4) AS INTEGER) = area.postcode4;
