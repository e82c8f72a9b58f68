-- What the address desk decided, as addresses of the register on the day `register_day`: an address that was renumbered
-- since keeps its decision, one that is not in the register any more keeps its key.
-- Needs: address_macros.sql.
WITH by_id AS (
    SELECT
        nummeraanduiding_id,
        min(address_key) AS address_key
    FROM dwellings
    SEMI JOIN reference.address_overrides USING (nummeraanduiding_id)
    WHERE is_designation(nummeraanduiding_id)
    GROUP BY nummeraanduiding_id
)

SELECT
    decided.desk_id,
    decided.decision,
    decided.decided_at,
    CASE WHEN decided.decision = 'address' THEN coalesce(by_id.address_key, decided.address_key) END AS address_key
FROM reference.address_overrides AS decided
LEFT JOIN by_id ON decided.nummeraanduiding_id = by_id.nummeraanduiding_id
