-- The register of the postcodes that begin with the digit `postcode_begins`, from the temporary `register_entries`: at
-- most one row a key on any day (two entries with one key are one dwelling, DOMAIN §6). A part at a time, so that
-- sorting a national register stays within bounds.
-- Needs: postcode_begins; tables buurt_of_number, buurt_of_range, register_entries; address_macros.sql.

WITH entries AS (
    SELECT * FROM register_entries
    WHERE postcode[1] = getvariable('postcode_begins') AND house_number IS NOT NULL
),

-- In overlapping ranges the first line of the file wins.
buurt_of_postcode AS (
    SELECT
        p.postcode,
        arg_min(b.buurtcode, b.position) AS buurtcode
    FROM (SELECT DISTINCT postcode FROM entries) AS p
    INNER JOIN buurt_of_range AS b ON p.postcode >= b.postcode_from AND p.postcode <= b.postcode_to
    GROUP BY p.postcode
),

keyed AS (
    SELECT
        e.* REPLACE (coalesce(e.buurtcode, by_number.buurtcode, by_postcode.buurtcode) AS buurtcode),
        e.house_letter || e.house_number_addition AS suffix,
        address_key_of(e.postcode, e.house_number, e.house_letter, e.house_number_addition) AS address_key,
        coalesce(e.valid_from, '-infinity') AS begins_on,
        coalesce(e.valid_until, 'infinity') AS ends_on
    FROM entries AS e
    LEFT JOIN buurt_of_number AS by_number
        ON e.postcode = by_number.postcode AND e.house_number = by_number.house_number
    LEFT JOIN buurt_of_postcode AS by_postcode ON e.postcode = by_postcode.postcode
),

several AS (
    SELECT address_key FROM keyed
    GROUP BY address_key
    HAVING count(*) > 1
),

-- Whatever several entries say of one key, cut where any of them begins or ends.
rivals AS (
    SELECT * FROM keyed SEMI JOIN several USING (address_key)
),

cuts AS (
    SELECT
        address_key,
        begins_on AS cut
    FROM rivals
    UNION
    SELECT
        address_key,
        ends_on AS cut
    FROM rivals
    WHERE ends_on < 'infinity'
),

spans AS (
    SELECT
        address_key,
        cut,
        coalesce(lead(cut) OVER (PARTITION BY address_key ORDER BY cut), 'infinity') AS cut_end
    FROM cuts
),

-- The oldest designation speaks for the key: what has the higher number was mostly planned later.
chosen AS (
    SELECT
        r.* REPLACE (
            nullif(s.cut, '-infinity'::DATE) AS valid_from, nullif(s.cut_end, 'infinity'::DATE) AS valid_until
        ),
        array_agg(r.nummeraanduiding_id) OVER entry AS ids
    FROM spans AS s
    INNER JOIN rivals AS r
        ON s.address_key = r.address_key AND s.cut >= r.begins_on AND s.cut < r.ends_on
    WINDOW entry AS (PARTITION BY s.address_key, s.cut)
    QUALIFY row_number() OVER (entry ORDER BY r.nummeraanduiding_id, r.street) = 1
),

one_a_key AS (
    SELECT
        *,
        NULL::VARCHAR[] AS ids
    FROM keyed ANTI JOIN several USING (address_key)
    UNION ALL BY NAME
    SELECT * FROM chosen
)

SELECT
    address_key,
    postcode,
    house_number,
    house_letter,
    house_number_addition,
    suffix,
    meaning_of(suffix) AS meaning,
    street,
    city,
    municipality,
    nummeraanduiding_id,
    adresseerbaar_object_id,
    is_main,
    object_kind,
    status,
    valid_from,
    valid_until,
    buurtcode,
    CASE
        WHEN len(list_distinct(ids)) > 1
            THEN list_sort(list_filter(list_distinct(ids), lambda id: id <> nummeraanduiding_id))
    END AS other_ids
FROM one_a_key
ORDER BY postcode, house_number, suffix, valid_from
