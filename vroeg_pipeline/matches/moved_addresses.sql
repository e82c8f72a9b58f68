-- The addresses that were reported in the look-back under another key than they have in the month at work: renumbered,
-- a new postcode, or what was another side of the same object. By their BAG identification.
-- Needs: lookback_from, month; address_macros.sql.
WITH earlier AS (
    SELECT
        month,
        address_key,
        nummeraanduiding_id,
        adresseerbaar_object_id
    FROM address_matches
    WHERE month >= getvariable('lookback_from') AND month < getvariable('month')
        AND is_designation(nummeraanduiding_id)
),

by_id AS (
    SELECT
        nummeraanduiding_id,
        min(address_key) AS address_key
    FROM dwellings
    SEMI JOIN earlier USING (nummeraanduiding_id)
    GROUP BY nummeraanduiding_id
    HAVING count(*) = 1
),

by_object AS (
    SELECT
        adresseerbaar_object_id,
        min(address_key) AS address_key
    FROM dwellings
    SEMI JOIN earlier USING (adresseerbaar_object_id)
    WHERE is_main
    GROUP BY adresseerbaar_object_id
    HAVING count(*) = 1
),

present AS (
    SELECT
        earlier.month,
        earlier.address_key AS former_key,
        coalesce(side.main_key, by_id.address_key, by_object.address_key) AS address_key
    FROM earlier
    LEFT JOIN by_id ON earlier.nummeraanduiding_id = by_id.nummeraanduiding_id
    LEFT JOIN by_object ON earlier.adresseerbaar_object_id = by_object.adresseerbaar_object_id
    LEFT JOIN side_addresses AS side ON by_id.address_key = side.address_key
)

SELECT *
FROM present
WHERE former_key <> address_key
