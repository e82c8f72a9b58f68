-- Stage B: street, number and suffix are one dwelling, its postcode missing or mistyped. `refused` says what else can
-- be meant as well; then it is no repair but a candidate for the address desk.
-- Needs: tables found_by_postcode, found_by_street, postcode4_municipality, postcode_distances, town_distances;
-- address_macros.sql.
WITH readings AS (
    SELECT
        found.*,
        CASE
            WHEN found.typed IS NULL THEN 0
            WHEN found.mended = found.postcode AND found.typed <> found.postcode THEN 1
            WHEN found.digits_only THEN 1 + distance.errors
            ELSE distance.errors
        END AS errors,
        found.written_city IS NOT NULL AND coalesce(town.errors > 2, false) AS town_differs
    FROM found_by_street AS found
    LEFT JOIN postcode_distances AS distance
        ON found.typed = distance.written
        AND CASE WHEN found.digits_only THEN left(found.postcode, 4) ELSE found.postcode END = distance.known
    LEFT JOIN town_distances AS town
        ON town_letters(found.written_city) = town.written AND town_letters(found.city) = town.known
),

ranked AS (
    SELECT
        *,
        rank() OVER (PARTITION BY address_no ORDER BY weight + errors, town_differs) AS place
    FROM readings
),

best AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY address_no) AS equals
    FROM ranked
    WHERE place = 1
),

streets_of_postcode AS (
    SELECT DISTINCT
        postcode,
        street
    FROM dwellings
)

SELECT
    best.*,
    CASE
        WHEN best.equals > 1 THEN 'tie'
        WHEN best.errors > 2 THEN 'postcode_too_different'
        -- The number may be the mistake as well as the postcode.
        WHEN own.postcode IS NOT NULL THEN 'postcode_of_same_street'
        WHEN by_postcode.address_key IS NOT NULL THEN 'street_contradicts_postcode'
        WHEN area.municipality <> best.municipality THEN 'postcode_of_other_municipality'
        WHEN best.town_differs AND best.typed IS NOT NULL
            AND left(best.typed, 4) NOT IN (SELECT left(postcode, 4) FROM streets_of_postcode)
            THEN 'postcode_of_other_town'
    END AS refused
FROM best
LEFT JOIN streets_of_postcode AS own ON best.typed = own.postcode AND best.street = own.street
LEFT JOIN found_by_postcode AS by_postcode ON best.address_no = by_postcode.address_no
LEFT JOIN postcode4_municipality AS area ON try_cast(left(best.typed, 4) AS INTEGER) = area.postcode4
