-- Addresses of the month at which none of its rows stands any more, and where the rows stand now that stood there: what
-- a partner wrote of a customer is the same, whatever key a register or the address desk gives it. What left after
-- contact counts as standing. Of several addresses that with most of the rows.
-- Needs: month; tables left_rows, possible_addresses.
WITH stand AS (
    SELECT DISTINCT
        partner,
        customer_reference,
        written_address,
        address_key
    FROM (
        SELECT *
        FROM validated_signals
        WHERE month = getvariable('month')
        UNION ALL BY NAME
        FROM left_rows
    )
),

stood AS (
    SELECT
        partner,
        customer_reference,
        written_address,
        address_key AS former_key
    FROM former_addresses
    WHERE month = getvariable('month')
    UNION
    FROM possible_addresses
),

left_behind AS (
    SELECT *
    FROM stood
    WHERE former_key NOT IN (SELECT address_key FROM stand)
)

SELECT
    getvariable('month') AS month,
    left_behind.former_key,
    stand.address_key
FROM left_behind
INNER JOIN stand USING (partner, customer_reference, written_address)
GROUP BY left_behind.former_key, stand.address_key
QUALIFY row_number() OVER (PARTITION BY left_behind.former_key ORDER BY count(*) DESC, stand.address_key ASC) = 1
