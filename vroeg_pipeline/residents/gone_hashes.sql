-- How the history knows who is erased: at each door with their postcode and number, their names and birth dates.
-- Needs: tables erased_places; address_macros.sql, hash_macros.sql.
WITH keys AS (
    SELECT dwelling.address_key
    FROM dwellings AS dwelling
    INNER JOIN erased_places AS place
        ON dwelling.postcode = place.postcode AND dwelling.house_number = place.house_number
    UNION
    SELECT value AS address_key
    FROM reference.erasing
    WHERE kind IN ('door', 'shared_door')
    UNION
    SELECT address_key_of(postcode, house_number, '', '') AS address_key
    FROM erased_places
),

doors AS (
    SELECT keyed_hash(address_key) AS door
    FROM keys
),

told AS (
    SELECT
        kind,
        value
    FROM reference.erasing
    WHERE kind IN ('name', 'birth_date')
)

SELECT
    doors.door,
    list(DISTINCT keyed_hash(doors.door || ' ' || told.value)) FILTER (WHERE told.kind = 'name') AS names,
    list(DISTINCT keyed_hash(doors.door || ' ' || told.value)) AS all_hashes
FROM doors
CROSS JOIN told
GROUP BY doors.door
