-- What DOMAIN §6 says by postcode, number and suffix alone: of the dwellings at that postcode and number the one whose
-- suffix is the written one, else the only one whose suffix means the same.
-- Needs: has_register; tables letters_in_a_row, written_addresses; address_macros.sql.
WITH fits AS (
    SELECT
        written.*,
        dwelling.address_key,
        dwelling.municipality,
        suffix_fit(dwelling.suffix, dwelling.meaning, written.suffix, written.other_suffix, written.meaning) AS fit,
        letter.address_key IS NOT NULL AS in_a_row
    FROM written_addresses AS written
    LEFT JOIN dwellings AS dwelling
        ON written.postcode = dwelling.postcode AND written.number = dwelling.house_number
    LEFT JOIN letters_in_a_row AS letter ON dwelling.address_key = letter.address_key
    WHERE written.postcode IS NOT NULL AND written.number IS NOT NULL
),

counted AS (
    SELECT
        address_no,
        suffix,
        two_suffixes OR another_door OR damaged_suffix AS contradicts,
        count(address_key) AS dwellings,
        count(*) FILTER (WHERE fit = 1) AS same,
        count(*) FILTER (WHERE fit = 1 OR (fit = 2 AND NOT in_a_row)) AS alike,
        count(*) FILTER (WHERE fit = 2 AND in_a_row) AS letters,
        min(address_key) FILTER (WHERE fit = 1) AS same_key,
        min(address_key) FILTER (WHERE fit = 1 OR (fit = 2 AND NOT in_a_row)) AS alike_key,
        min(municipality) AS municipality
    FROM fits
    GROUP BY ALL
)

SELECT
    address_no,
    dwellings,
    municipality,
    CASE
        WHEN contradicts THEN 'ambiguous'
        WHEN NOT getvariable('has_register') THEN 'unchecked'
        WHEN same = 1 THEN 'exact'
        WHEN same > 1 THEN 'ambiguous'
        WHEN suffix = '' AND dwellings > 1 THEN 'ambiguous'
        WHEN suffix = '' THEN 'unknown'
        WHEN alike = 1 THEN 'normalised'
        WHEN alike > 1 OR letters > 0 THEN 'ambiguous'
        ELSE 'unknown'
    END AS status,
    CASE WHEN same = 1 THEN same_key WHEN same = 0 AND alike = 1 AND suffix <> '' THEN alike_key END AS address_key
FROM counted
