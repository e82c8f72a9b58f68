-- What a BAG extract says, as entries of the register: each number designation over time, with the name of its street
-- and town, its municipality and the object it stands for (docs/adr/0013). A new row wherever one of these changes.
-- Part `part` of `parts`, so that a national extract stays within bounds.
-- Needs: part, parts; tables bag_cities, bag_municipalities, bag_numbers, bag_objects, bag_streets.

WITH
-- Occurrences that were replaced on the day they began never held; neither does one of a second extract.
numbers AS (
    SELECT
        * EXCLUDE (begin_on, end_on),
        try_cast(begin_on AS DATE) AS valid_from,
        least(
            coalesce(try_cast(end_on AS DATE), 'infinity'),
            coalesce(
                lead(try_cast(begin_on AS DATE)) OVER (
                    PARTITION BY id ORDER BY begin_on, try_cast(occurrence AS INTEGER)
                ),
                'infinity'
            )
        ) AS valid_until
    FROM bag_numbers
    WHERE hash(id) % getvariable('parts') = getvariable('part')
    QUALIFY valid_from < valid_until
),

-- Names reach back before their first registration and on after their last: an address always has one.
names AS (
    SELECT
        'street' AS what,
        id,
        begin_on,
        try_cast(occurrence AS INTEGER) AS occurrence,
        name,
        city_id AS of_id
    FROM bag_streets
    UNION ALL BY NAME
    SELECT
        'city' AS what,
        id,
        begin_on,
        try_cast(occurrence AS INTEGER) AS occurrence,
        name,
        municipality AS of_id
    FROM bag_cities
    UNION ALL BY NAME
    SELECT
        'municipality' AS what,
        city_id AS id,
        begin_on,
        1 AS occurrence,
        NULL AS name,
        municipality AS of_id
    FROM bag_municipalities
    WHERE status = 'definitief'
),

last_of_day AS (
    SELECT *
    FROM names
    QUALIFY lead(begin_on) OVER (PARTITION BY what, id ORDER BY begin_on, occurrence) IS DISTINCT FROM begin_on
),

-- Only where something changes, so that an address is not cut for nothing.
changes AS (
    SELECT
        what,
        id,
        name,
        of_id,
        try_cast(begin_on AS DATE) AS begins_on
    FROM last_of_day
    QUALIFY
        row_number() OVER (PARTITION BY what, id ORDER BY begin_on) = 1
        OR lag(name) OVER (PARTITION BY what, id ORDER BY begin_on) IS DISTINCT FROM name
        OR lag(of_id) OVER (PARTITION BY what, id ORDER BY begin_on) IS DISTINCT FROM of_id
),

named AS (
    SELECT
        * EXCLUDE (begins_on),
        CASE
            WHEN row_number() OVER (PARTITION BY what, id ORDER BY begins_on) = 1 THEN '-infinity' ELSE begins_on
        END AS valid_from,
        coalesce(lead(begins_on) OVER (PARTITION BY what, id ORDER BY begins_on), 'infinity') AS valid_until
    FROM changes
),

-- The object of a designation. Several objects can name it at once: the old one that was split or withdrawn goes on
-- naming it, and so may one that was only planned.
claims AS (
    SELECT
        number_id,
        id AS object_id,
        lower(object_kind) AS object_kind,
        status,
        is_main,
        try_cast(begin_on AS DATE) AS valid_from,
        coalesce(try_cast(end_on AS DATE), 'infinity') AS valid_until,
        status IN (
            'Verblijfsobject ingetrokken', 'Niet gerealiseerd verblijfsobject',
            'Verblijfsobject ten onrechte opgevoerd', 'Plaats ingetrokken'
        ) AS gone
    FROM bag_objects
    WHERE
        hash(number_id) % getvariable('parts') = getvariable('part')
        AND try_cast(begin_on AS DATE) < coalesce(try_cast(end_on AS DATE), 'infinity')
),

cuts AS (
    SELECT
        number_id,
        valid_from AS cut
    FROM claims
    UNION
    SELECT
        number_id,
        valid_until AS cut
    FROM claims
    WHERE valid_until < 'infinity'
),

spans AS (
    SELECT
        number_id,
        cut,
        CASE
            WHEN row_number() OVER (PARTITION BY number_id ORDER BY cut) = 1 THEN '-infinity' ELSE cut
        END AS valid_from,
        coalesce(lead(cut) OVER (PARTITION BY number_id ORDER BY cut), 'infinity') AS valid_until
    FROM cuts
),

objects AS (
    SELECT
        s.number_id,
        s.valid_from,
        s.valid_until,
        arg_min(
            struct_pack(id := c.object_id, kind := c.object_kind, status := c.status, is_main := c.is_main),
            row(c.gone, NOT c.is_main, c.object_id)
        ) FILTER (c.object_id IS NOT NULL) AS object
    FROM spans AS s
    LEFT JOIN claims AS c ON s.number_id = c.number_id AND s.cut >= c.valid_from AND s.cut < c.valid_until
    GROUP BY s.number_id, s.valid_from, s.valid_until
),

pieces AS (
    SELECT
        n.id AS nummeraanduiding_id,
        o.object.id AS adresseerbaar_object_id,
        o.object.is_main,
        coalesce(o.object.kind, lower(n.object_kind)) AS object_kind,
        o.object.status,
        street.name AS street,
        city.name AS city,
        coalesce(municipality.of_id, city.of_id) AS municipality,
        n.postcode,
        n.house_number,
        n.house_letter,
        n.addition,
        greatest(
            n.valid_from, street.valid_from, city.valid_from, municipality.valid_from, o.valid_from
        ) AS valid_from,
        least(
            n.valid_until, street.valid_until, city.valid_until, municipality.valid_until, o.valid_until
        ) AS valid_until
    FROM numbers AS n
    LEFT JOIN named AS street
        ON street.what = 'street' AND n.street_id = street.id
        AND n.valid_until > street.valid_from AND n.valid_from < street.valid_until
    LEFT JOIN named AS city
        ON city.what = 'city' AND coalesce(n.city_id, street.of_id) = city.id
        AND city.valid_from < least(n.valid_until, street.valid_until)
        AND city.valid_until > greatest(n.valid_from, street.valid_from)
    LEFT JOIN named AS municipality
        ON municipality.what = 'municipality' AND coalesce(n.city_id, street.of_id) = municipality.id
        AND municipality.valid_from < least(n.valid_until, street.valid_until, city.valid_until)
        AND municipality.valid_until > greatest(n.valid_from, street.valid_from, city.valid_from)
    LEFT JOIN objects AS o
        ON n.id = o.number_id
        AND o.valid_from < least(n.valid_until, street.valid_until, city.valid_until, municipality.valid_until)
        AND o.valid_until > greatest(n.valid_from, street.valid_from, city.valid_from, municipality.valid_from)
    WHERE n.status = 'Naamgeving uitgegeven'
),

-- Most occurrences change something that is not kept here: what stays the same is one row.
steps AS (
    SELECT
        *,
        row(
            adresseerbaar_object_id, is_main, object_kind, status, street, city, municipality, postcode, house_number,
            house_letter, addition
        ) AS content
    FROM pieces
),

compared AS (
    SELECT
        *,
        lag(content) OVER (PARTITION BY nummeraanduiding_id ORDER BY valid_from) AS content_before,
        lag(valid_until) OVER (PARTITION BY nummeraanduiding_id ORDER BY valid_from) AS until_before
    FROM steps
),

marked AS (
    SELECT
        *,
        (content IS DISTINCT FROM content_before) OR (until_before IS DISTINCT FROM valid_from) AS is_new
    FROM compared
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (is_new) OVER (PARTITION BY nummeraanduiding_id ORDER BY valid_from) AS step
    FROM marked
)

SELECT
    nummeraanduiding_id,
    any_value(adresseerbaar_object_id) AS adresseerbaar_object_id,
    any_value(is_main) AS is_main,
    any_value(object_kind) AS object_kind,
    any_value(status) AS status,
    any_value(street) AS street,
    any_value(city) AS city,
    any_value(municipality) AS municipality,
    any_value(postcode) AS postcode,
    any_value(house_number) AS house_number,
    any_value(house_letter) AS house_letter,
    any_value(addition) AS house_number_addition,
    NULL::VARCHAR AS buurtcode,
    min(valid_from) AS valid_from,
    nullif(max(valid_until), 'infinity'::DATE) AS valid_until
FROM numbered
GROUP BY nummeraanduiding_id, step
