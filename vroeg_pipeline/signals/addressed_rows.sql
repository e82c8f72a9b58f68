-- The delivered rows with the address that each means: what the address desk decided, else the resolver's answer; a
-- side address is the door of its main address.
-- Needs: tables delivered_rows, desk_answers, postcode4_municipality, resolved_addresses; macros.sql,
-- address_macros.sql.
WITH answered AS (
    SELECT
        line.* EXCLUDE (postcode, house_number, house_letter, house_number_addition),
        line.house_number AS house_number_text,
        line.postcode AS written_postcode,
        concat_ws(
            ', ',
            nullif(concat_ws(' ', line.street, line.house_number, line.house_letter, line.house_number_addition), ''),
            nullif(concat_ws(' ', line.postcode_text, line.city), '')
        ) AS written_address,
        surnames_of(line.surname) AS surnames,
        coalesce(answer.postcode, line.postcode) AS postcode,
        answer.* EXCLUDE (
            postcode_text, street_text, house_number_text, house_letter_text, house_number_addition_text, city_text,
            times_written, postcode
        )
    FROM delivered_rows AS line
    LEFT JOIN resolved_addresses AS answer ON same_address(line, answer)
),

-- The desk knows a writing by each of its names, so that a decision on one spelling of a surname holds for the others.
named AS (
    SELECT
        *,
        list_transform(
            CASE WHEN len(surnames) = 0 THEN [plain_name(surname)] ELSE surnames END,
            lambda name: sha256(written_as || '|' || name)[:16]
        ) AS name_ids
    FROM answered
),

identified AS (
    SELECT
        * EXCLUDE (name_ids),
        array_to_string(name_ids, '-') AS desk_id
    FROM named
),

-- What was decided on a writing with one of the same names; what was decided on its very names is told apart. That one
-- could not be found says nothing of another.
decisions AS (
    SELECT
        desk_id AS about,
        unnest(string_split(desk_id, '-')) AS name_id,
        decision,
        decided_at,
        address_key
    FROM desk_answers
),

asked AS (
    SELECT DISTINCT
        desk_id,
        unnest(string_split(desk_id, '-')) AS name_id
    FROM identified
),

met AS (
    SELECT DISTINCT
        asked.desk_id,
        decisions.* EXCLUDE (name_id, about),
        asked.desk_id = decisions.about AS is_own
    FROM asked
    INNER JOIN decisions USING (name_id)
    WHERE asked.desk_id = decisions.about OR decisions.decision IN ('address', 'as_written')
),

-- Its own decision goes first; decisions on others of the same name hold where they all say the same.
desk AS (
    SELECT
        desk_id,
        arg_max(met, (is_own, decided_at, address_key)) AS answer
    FROM met
    GROUP BY desk_id
    HAVING bool_or(is_own)
        OR count(DISTINCT concat_ws('|', decision, CASE decision WHEN 'address' THEN address_key END)) = 1
),

decided AS (
    SELECT
        row.*,
        -- What names another door, two or none is no door as it is written.
        CASE
            WHEN desk.answer.decision = 'as_written'
                AND is_no_door(json_extract_string(row.address_evidence, '$.reason'))
                THEN NULL
            ELSE desk.answer.decision
        END AS decision,
        desk.answer.decided_at,
        CASE decision
            WHEN 'address' THEN desk.answer.address_key
            -- Where it was when that was decided, unless the register has the very writing. Which door that was is not
            -- known of older decisions.
            WHEN 'as_written'
                THEN CASE
                    WHEN row.address_status = 'exact' THEN row.address_key
                    WHEN desk.answer.address_key IS NOT NULL THEN desk.answer.address_key
                    WHEN row.address_status = 'normalised' THEN row.address_key
                    ELSE address_key_of(
                        row.written_postcode, row.house_number, house_letter_by_rule(row.written_suffix),
                        addition_by_rule(row.written_suffix)
                    )
                END
            ELSE row.address_key
        END AS own_key
    FROM identified AS row
    LEFT JOIN desk USING (desk_id)
),

placed AS (
    SELECT
        decided.*,
        coalesce(side.main_key, own_key) AS door_key,
        CASE WHEN side.main_key IS NOT NULL THEN own_key END AS side_address_key
    FROM decided
    LEFT JOIN side_addresses AS side ON decided.own_key = side.address_key
),

-- Only what is not where the resolver found it is looked up again.
moved AS (
    SELECT
        *,
        coalesce(door_key <> address_key, false) AS is_elsewhere,
        CASE WHEN door_key <> address_key THEN door_key END AS elsewhere_key,
        coalesce(decision IN ('address', 'as_written'), false) AS is_decided
    FROM placed
)

SELECT
    moved.* EXCLUDE (
        address_key, postcode, house_number, house_letter, house_number_addition, register_street, register_city,
        municipality, nummeraanduiding_id, adresseerbaar_object_id, buurtcode, address_status, needs_review,
        address_stage, address_evidence, own_key, door_key, written_as, written_suffix, decision, decided_at,
        is_elsewhere, elsewhere_key, is_decided
    ),
    door_key AS address_key,
    -- What the resolver says by itself, so that the desk hears when a new register says something else.
    moved.address_key AS resolver_key,
    moved.address_status AS resolver_status,
    CASE WHEN is_elsewhere THEN left(door_key, 6) ELSE moved.postcode END AS postcode,
    CASE WHEN is_elsewhere THEN split_part(door_key, '_', 2)::INTEGER ELSE moved.house_number END AS house_number,
    CASE WHEN is_elsewhere THEN split_part(door_key, '_', 3) ELSE moved.house_letter END AS house_letter,
    CASE
        WHEN is_elsewhere THEN split_part(door_key, '_', 4) ELSE moved.house_number_addition
    END AS house_number_addition,
    CASE WHEN is_elsewhere THEN dwelling.street ELSE register_street END AS register_street,
    CASE WHEN is_elsewhere THEN dwelling.city ELSE register_city END AS register_city,
    CASE
        WHEN is_elsewhere THEN coalesce(dwelling.municipality, area.municipality) ELSE moved.municipality
    END AS municipality,
    CASE
        WHEN is_elsewhere THEN dwelling.nummeraanduiding_id ELSE moved.nummeraanduiding_id
    END AS nummeraanduiding_id,
    CASE
        WHEN is_elsewhere THEN dwelling.adresseerbaar_object_id ELSE moved.adresseerbaar_object_id
    END AS adresseerbaar_object_id,
    CASE WHEN is_elsewhere THEN dwelling.buurtcode ELSE moved.buurtcode END AS buurtcode,
    CASE
        WHEN decision = 'address' THEN 'repaired'
        WHEN decision = 'as_written' AND own_key <> moved.address_key THEN 'unknown'
        ELSE address_status
    END AS address_status,
    needs_review AND NOT is_decided AS needs_review,
    CASE WHEN is_decided THEN 'desk' ELSE address_stage END AS address_stage,
    CASE
        WHEN is_decided
            THEN evidence_of(
                evidence('reason', 'decided_by_desk'),
                evidence('decision', decision),
                evidence('decided_on', strftime(decided_at, '%Y-%m-%d')),
                evidence('resolver', address_status)
            )
        ELSE address_evidence
    END AS address_evidence
FROM moved
LEFT JOIN dwellings AS dwelling ON moved.elsewhere_key = dwelling.address_key
LEFT JOIN postcode4_municipality AS area ON try_cast(left(moved.elsewhere_key, 4) AS INTEGER) = area.postcode4
