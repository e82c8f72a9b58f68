-- Every dwelling that an address which stage A leaves can mean, and by what: for the address desk, and to name the
-- rivals of a repair.
-- Needs: tables address_stage_a, address_stage_b, address_stage_c, found_by_postcode, found_by_street,
-- found_near_postcode, number_distances, street_readings, unsettled_addresses, written_addresses; address_macros.sql.
WITH open_addresses AS (
    SELECT written.*
    FROM written_addresses AS written
    ANTI JOIN address_stage_a USING (address_no)
    WHERE number IS NOT NULL
),

likely_streets AS (
    SELECT
        text,
        street
    FROM street_readings
    WHERE best
),

repaired AS (
    SELECT address_no
    FROM address_stage_b
    WHERE refused IS NULL
    UNION ALL
    SELECT address_no
    FROM address_stage_c
    WHERE refused IS NULL
),

unsettled AS (
    SELECT *
    FROM unsettled_addresses
    ANTI JOIN repaired USING (address_no)
),

numbers_that_are_there AS (
    SELECT address_no
    FROM found_by_postcode
    WHERE dwellings > 0
),

candidates AS (
    SELECT
        address_no,
        address_key,
        1 AS nearness,
        'postcode' AS found_by
    FROM found_by_postcode
    SEMI JOIN open_addresses USING (address_no)
    WHERE address_key IS NOT NULL
    UNION ALL
    SELECT
        address_no,
        address_key,
        2 + weight AS nearness,
        'street' AS found_by
    FROM found_by_street
    UNION ALL
    SELECT
        address_no,
        address_key,
        3 + errors AS nearness,
        'postcode_nearby' AS found_by
    FROM found_near_postcode
    UNION ALL
    SELECT
        open_addresses.address_no,
        dwelling.address_key,
        10 AS nearness,
        'other_suffix' AS found_by
    FROM open_addresses
    INNER JOIN dwellings AS dwelling
        ON open_addresses.postcode = dwelling.postcode AND open_addresses.number = dwelling.house_number
    WHERE NOT open_addresses.two_numbers
    UNION ALL
    SELECT
        unsettled.address_no,
        dwelling.address_key,
        11 AS nearness,
        'other_suffix' AS found_by
    FROM unsettled
    INNER JOIN likely_streets ON unsettled.street_text = likely_streets.text
    INNER JOIN dwellings AS dwelling
        ON likely_streets.street = dwelling.street AND unsettled.number = dwelling.house_number
    UNION ALL
    SELECT
        unsettled.address_no,
        dwelling.address_key,
        12 AS nearness,
        'number_nearby' AS found_by
    FROM unsettled
    INNER JOIN dwellings AS dwelling
        ON unsettled.postcode = dwelling.postcode AND unsettled.suffix = dwelling.suffix
    INNER JOIN number_distances AS distance
        ON unsettled.number = distance.written AND dwelling.house_number = distance.known
    ANTI JOIN numbers_that_are_there USING (address_no)
)

SELECT *
FROM candidates
QUALIFY row_number() OVER (PARTITION BY address_no, address_key ORDER BY nearness) = 1
