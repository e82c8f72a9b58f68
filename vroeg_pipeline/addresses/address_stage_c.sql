-- Stage C: no street, and the postcode is not in the register; one error away from it stands one dwelling with the
-- number and suffix. `refused` as in stage B.
-- Needs: tables found_near_postcode, postcode4_municipality, written_addresses.
WITH best AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY address_no) AS equals
    FROM (
        SELECT *
        FROM found_near_postcode
        QUALIFY rank() OVER (PARTITION BY address_no ORDER BY errors) = 1
    )
)

SELECT
    best.*,
    CASE
        WHEN best.equals > 1 THEN 'tie'
        WHEN area.municipality <> best.municipality THEN 'postcode_of_other_municipality'
    END AS refused
FROM best
INNER JOIN written_addresses AS written USING (address_no)
LEFT JOIN postcode4_municipality AS area ON try_cast(left(written.typed, 4) AS INTEGER) = area.postcode4
