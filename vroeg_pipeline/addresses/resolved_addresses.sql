-- The answer to each address as it was written, with the stage that gave it and its evidence.
-- Needs: tables address_candidates, address_stage_a, address_stage_b, address_stage_c, address_stage_d, address_texts,
-- found_by_postcode, postcode4_municipality, written_addresses; address_macros.sql.
WITH settled AS (
    SELECT
        address_no,
        'A' AS stage,
        status,
        address_key,
        'postcode_and_number' AS reason,
        0 AS postcode_errors,
        street AS street_how,
        false AS town_differs,
        NULL AS flag
    FROM address_stage_a
    UNION ALL
    SELECT
        address_no,
        'B' AS stage,
        'repaired' AS status,
        address_key,
        'street_and_number' AS reason,
        CASE WHEN typed IS NOT NULL THEN errors END AS postcode_errors,
        how AS street_how,
        town_differs,
        CASE WHEN typed IS NULL THEN 'postcode_missing' END AS flag
    FROM address_stage_b
    WHERE refused IS NULL
    UNION ALL
    SELECT
        address_no,
        'C' AS stage,
        'repaired' AS status,
        address_key,
        'postcode_nearby_and_number' AS reason,
        1 AS postcode_errors,
        'absent' AS street_how,
        false AS town_differs,
        'without_street' AS flag
    FROM address_stage_c
    WHERE refused IS NULL
    UNION ALL
    SELECT
        address_no,
        CASE WHEN status = 'unchecked' THEN 'rule' ELSE 'D' END AS stage,
        status,
        NULL AS address_key,
        reason,
        NULL AS postcode_errors,
        NULL AS street_how,
        false AS town_differs,
        NULL AS flag
    FROM address_stage_d
),

-- The nearest five, as JSON; with a number of values arg_min keeps no more than it needs.
candidates AS (
    SELECT
        candidate.address_no,
        count(*) AS found,
        arg_min(
            evidence_of(
                evidence('address_key', candidate.address_key),
                '"street":' || to_json(dwelling.street),
                evidence('found_by', candidate.found_by)
            ),
            candidate.nearness + 100 || candidate.address_key,
            5
        ) AS nearest
    FROM address_candidates AS candidate
    LEFT JOIN dwellings AS dwelling USING (address_key)
    ANTI JOIN settled USING (address_no, address_key)
    GROUP BY candidate.address_no
),

answers AS (
    SELECT
        address.postcode_text,
        address.street_text,
        address.house_number_text,
        address.house_letter_text,
        address.house_number_addition_text,
        address.city_text,
        address.times_written,
        written.number,
        written.suffix,
        written_as_of(written.typed, written.street_text, written.number, written.suffix, written.other_suffix)
            -- Where it names two doors, or another one, all of it matters: a decision on it holds for no other.
            || CASE
                WHEN written.another_door OR written.two_numbers OR written.two_suffixes
                    THEN '|' || regexp_replace(
                        lower(
                            strip_accents(
                                concat_ws(
                                    ' ', address.street_text, address.house_number_text, address.house_letter_text,
                                    address.house_number_addition_text
                                )
                            )
                        ),
                        '[^a-z0-9]',
                        '',
                        'g'
                    )
                ELSE ''
            END AS written_as,
        written.other_suffix,
        settled.*,
        coalesce(dwelling.postcode, written.postcode) AS answer_postcode,
        dwelling.house_letter AS register_letter,
        dwelling.house_number_addition AS register_addition,
        dwelling.suffix AS register_suffix,
        dwelling.street AS register_street,
        dwelling.city AS register_city,
        dwelling.nummeraanduiding_id,
        dwelling.adresseerbaar_object_id,
        dwelling.buurtcode,
        dwelling.municipality AS register_municipality,
        found.municipality AS municipality_at_number,
        candidates.found AS others,
        candidates.nearest AS nearest_others
    FROM address_texts AS address
    INNER JOIN written_addresses AS written USING (address_no)
    INNER JOIN settled USING (address_no)
    LEFT JOIN dwellings AS dwelling ON settled.address_key = dwelling.address_key
    LEFT JOIN found_by_postcode AS found USING (address_no)
    LEFT JOIN candidates USING (address_no)
)

SELECT
    postcode_text,
    street_text,
    house_number_text,
    house_letter_text,
    house_number_addition_text,
    city_text,
    times_written,
    written_as,
    suffix AS written_suffix,
    answer_postcode AS postcode,
    number AS house_number,
    CASE
        WHEN address_key IS NOT NULL THEN register_letter
        WHEN status = 'ambiguous' THEN ''
        WHEN number IS NOT NULL THEN house_letter_by_rule(suffix)
    END AS house_letter,
    CASE
        WHEN address_key IS NOT NULL THEN register_addition
        WHEN status = 'ambiguous' THEN suffix
        WHEN number IS NOT NULL THEN addition_by_rule(suffix)
    END AS house_number_addition,
    CASE
        WHEN address_key IS NOT NULL THEN address_key
        WHEN status = 'ambiguous' THEN address_key_of(answer_postcode, number, '?', '')
        ELSE address_key_of(answer_postcode, number, house_letter_by_rule(suffix), addition_by_rule(suffix))
    END AS address_key,
    status AS address_status,
    status IN ('ambiguous', 'unknown') AS needs_review,
    register_street,
    register_city,
    coalesce(
        register_municipality,
        CASE WHEN status = 'ambiguous' THEN municipality_at_number END,
        area.municipality
    ) AS municipality,
    nummeraanduiding_id,
    adresseerbaar_object_id,
    buurtcode,
    stage AS address_stage,
    evidence_of(
        evidence('reason', reason),
        CASE
            WHEN stage IN ('D', 'rule') THEN NULL
            WHEN postcode_errors IS NULL THEN evidence('postcode', 'missing')
            WHEN postcode_errors = 0 THEN evidence('postcode', 'same')
            ELSE evidence('postcode', 'mistyped') || ',"postcode_errors":' || postcode_errors
        END,
        evidence('street', street_how),
        evidence(
            'suffix',
            CASE
                WHEN register_suffix IS NULL THEN NULL
                WHEN register_suffix = '' THEN 'none'
                WHEN register_suffix IN (suffix, other_suffix) THEN 'same'
                ELSE 'group'
            END
        ),
        CASE WHEN town_differs THEN evidence('town', 'differs') END,
        evidence('flag', flag),
        CASE WHEN stage = 'D' THEN '"candidates":[' ELSE '"rivals":[' END
        || array_to_string(nearest_others, ',') || ']',
        CASE WHEN stage = 'D' AND others > 5 THEN '"candidate_count":' || others END
    ) AS address_evidence
FROM answers
LEFT JOIN postcode4_municipality AS area ON try_cast(left(answer_postcode, 4) AS INTEGER) = area.postcode4
