-- Stage D: what would need a guess, and why. An address of which the register says nothing keeps what DOMAIN §6 says.
-- Needs: has_register; tables address_stage_a, address_stage_b, address_stage_c, found_by_postcode, street_readings,
-- written_addresses; address_macros.sql.
WITH reasons AS (
    SELECT
        written.address_no,
        written.postcode,
        found.status,
        CASE
            WHEN written.number IS NULL THEN 'no_house_number'
            WHEN written.two_numbers THEN 'two_numbers'
            WHEN written.damaged_suffix THEN 'damaged_suffix'
            WHEN written.two_suffixes THEN 'two_suffixes'
            WHEN written.another_door THEN 'another_door'
            WHEN NOT getvariable('has_register') THEN 'no_register'
            WHEN found.address_key IS NOT NULL AND written.street_text IN (SELECT text FROM street_readings)
                THEN 'street_contradicts_postcode'
            WHEN found.address_key IS NOT NULL THEN 'street_not_in_register'
            WHEN found.dwellings > 0 AND written.suffix = '' THEN 'suffix_missing'
            WHEN found.dwellings > 0 AND found.status = 'ambiguous' THEN 'several_dwellings'
            WHEN found.dwellings > 0 THEN 'suffix_not_in_register'
            WHEN stage_b.refused IS NOT NULL THEN stage_b.refused
            WHEN stage_c.refused IS NOT NULL THEN stage_c.refused
            WHEN written.postcode IN (SELECT postcode FROM dwellings) THEN 'number_not_in_register'
            WHEN written.typed IS NULL AND written.street_text IS NULL THEN 'no_postcode_and_no_street'
            ELSE 'not_in_register'
        END AS reason
    FROM written_addresses AS written
    ANTI JOIN address_stage_a USING (address_no)
    LEFT JOIN found_by_postcode AS found USING (address_no)
    LEFT JOIN address_stage_b AS stage_b USING (address_no)
    LEFT JOIN address_stage_c AS stage_c USING (address_no)
    WHERE coalesce(stage_b.refused, stage_c.refused) IS NOT NULL
        OR (stage_b.address_no IS NULL AND stage_c.address_no IS NULL)
    -- Equal readings have a row each, all with one reason.
    QUALIFY row_number() OVER (PARTITION BY written.address_no) = 1
)

SELECT
    address_no,
    CASE
        WHEN reason IN (
            'two_numbers', 'damaged_suffix', 'two_suffixes', 'another_door', 'street_contradicts_postcode',
            'street_not_in_register', 'tie'
        )
            AND (reason <> 'tie' OR postcode IS NULL)
            THEN 'ambiguous'
        ELSE coalesce(status, 'unknown')
    END AS status,
    reason
FROM reasons
