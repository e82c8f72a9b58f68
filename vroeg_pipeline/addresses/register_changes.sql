-- What another register changes in the addresses that are in force: `register_before` are those of the one before it.
-- Needs: tables register_before.
WITH in_force AS (
    SELECT
        address_key,
        nummeraanduiding_id AS id,
        other_ids
    FROM reference.address_register
    WHERE valid_until IS NULL
),

designations AS (
    SELECT
        id,
        address_key
    FROM in_force
    UNION ALL
    SELECT
        unnest(other_ids) AS id,
        address_key
    FROM in_force
)

SELECT
    (SELECT count(*) FROM in_force) AS dwellings,
    (SELECT count(*) FROM register_before) AS dwellings_before,
    (
        SELECT count(*)
        FROM in_force
        ANTI JOIN register_before AS same_key ON in_force.address_key = same_key.address_key
        ANTI JOIN register_before AS same_id ON in_force.id = same_id.id
    ) AS added,
    (
        SELECT count(*)
        FROM register_before AS gone
        ANTI JOIN in_force AS same_key ON gone.address_key = same_key.address_key
        ANTI JOIN designations AS same_id ON gone.id = same_id.id
    ) AS withdrawn,
    (
        SELECT count(*)
        FROM register_before AS moved
        INNER JOIN designations AS same_id ON moved.id = same_id.id
        WHERE moved.address_key <> same_id.address_key
    ) AS renumbered
