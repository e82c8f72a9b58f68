-- What the address desk decided last on each writing, that it withdrew a decision too. What it decided is an address of
-- the register on the day `register_day`: an address that was renumbered since keeps its decision, one that is not in
-- the register any more keeps its key.
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
    coalesce(by_id.address_key, decided.address_key) AS address_key
FROM reference.address_overrides AS decided
LEFT JOIN by_id ON decided.nummeraanduiding_id = by_id.nummeraanduiding_id
UNION ALL
SELECT
    taken_back.desk_id,
    'withdrawn' AS decision,
    max(taken_back.decided_at) AS decided_at,
    NULL AS address_key
FROM reference.address_decisions AS taken_back
ANTI JOIN reference.address_overrides AS decided ON taken_back.desk_id = decided.desk_id
WHERE taken_back.decision = 'withdrawn' AND taken_back.refusal IS NULL
GROUP BY taken_back.desk_id
