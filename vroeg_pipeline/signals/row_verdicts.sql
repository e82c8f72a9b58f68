-- Every rule of DOMAIN §5 that a delivered row breaks, and what its address means (§6). Feeds validated_signals and
-- rejected_rows, so that each row lands in exactly one of the two.
-- Needs: light_track, month, separate_municipalities; tables addressed_rows, doubles_of_erased, requested_rows;
-- macros.sql.
WITH addressed AS (
    SELECT
        addressed_rows.*,
        -- What a spreadsheet damaged may have been any reference, so it is compared with none.
        CASE WHEN NOT is_damaged_reference THEN customer_reference END AS known_reference,
        reference_date - arrears_since AS days_in_arrears,
        coalesce(crisis, false) AS is_crisis,
        list_contains(coalesce(requested.kinds, []), 'restrict') AS is_restricted,
        list_contains(coalesce(requested.kinds, []), 'object') AS is_objected,
        erased.row_number IS NOT NULL AS is_double_of_erased
    FROM addressed_rows
    LEFT JOIN requested_rows AS requested USING (partner, file_sha256, row_number)
    LEFT JOIN doubles_of_erased AS erased USING (partner, file_sha256, row_number)
),

-- The first row of each customer and address that a delivery has more than once.
doubles AS (
    SELECT
        partner,
        file_sha256,
        known_reference,
        address_key,
        min(row_number) AS first_row_number
    FROM addressed
    WHERE known_reference IS NOT NULL AND address_key IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

-- The customers and addresses that several files of a delivery have: what one of their rows says of crisis and of an
-- objection holds for all of them.
shared AS (
    SELECT
        partner,
        known_reference,
        address_key,
        bool_or(coalesce(objection, false)) AS has_objection,
        min(received_at) FILTER (WHERE is_crisis) AS crisis_received_at
    FROM addressed
    WHERE
        known_reference IS NOT NULL
        AND address_key IS NOT NULL
        AND partner IN (
            SELECT partner
            FROM delivery_files
            WHERE month = getvariable('month') AND status = 'accepted'
            GROUP BY partner
            HAVING count(*) > 1
        )
    GROUP BY ALL
    HAVING count(DISTINCT file_sha256) > 1
),

judged AS (
    SELECT
        a.*,
        shared.partner IS NOT NULL AS is_shared,
        shared.crisis_received_at AS shared_crisis_received_at,
        [
            CASE WHEN a.customer_reference IS NULL THEN 'missing_reference' END,
            CASE WHEN surname IS NULL THEN 'missing_surname' END,
            CASE WHEN postcode_text IS NULL THEN 'missing_postcode' END,
            CASE WHEN house_number_text IS NULL THEN 'missing_house_number' END,
            CASE WHEN amount_text IS NULL THEN 'missing_amount' END,
            CASE WHEN arrears_since_text IS NULL THEN 'missing_arrears_since' END,
            CASE WHEN reference_date_text IS NULL THEN 'missing_reference_date' END,
            CASE WHEN is_damaged_text THEN 'damaged_value' END,
            CASE WHEN postcode_text IS NOT NULL AND written_postcode IS NULL THEN 'invalid_postcode' END,
            CASE
                WHEN number_and_rest(house_number_text).number = '' THEN 'invalid_house_number'
            END,
            CASE
                WHEN amount_text IS NOT NULL AND coalesce(amount_due, 0) <= 0 THEN 'invalid_amount'
            END,
            CASE
                WHEN (birth_date_text IS NOT NULL AND birth_date IS NULL)
                    OR is_since_unreadable
                    OR (reference_date_text IS NOT NULL AND reference_date IS NULL)
                    OR days_in_arrears < 0
                    THEN 'invalid_date'
            END,
            CASE
                WHEN crisis IS NULL OR warm_handover IS NULL OR objection IS NULL
                    OR (tells_reminder AND reminder_sent IS NULL)
                    THEN 'invalid_flag'
            END,
            CASE WHEN reference_date > received_on THEN 'future_date' END,
            CASE WHEN due_on - reference_date > max_age_days THEN 'outdated' END,
            CASE
                WHEN NOT is_crisis AND amount_due < min_amount AND NOT getvariable('light_track') THEN 'below_threshold'
            END,
            CASE WHEN NOT is_crisis AND days_in_arrears < min_days THEN 'too_few_days' END,
            CASE WHEN NOT is_crisis AND days_in_arrears > max_days THEN 'too_many_days' END,
            CASE
                WHEN a.address_key IS NOT NULL AND municipality IS NOT NULL
                    AND NOT list_contains(municipalities, municipality)
                    THEN 'outside_area'
            END,
            CASE WHEN is_legal_person THEN 'legal_person' END,
            CASE WHEN objection OR shared.has_objection OR is_objected THEN 'objection' END,
            CASE WHEN a.row_number > d.first_row_number OR is_double_of_erased THEN 'duplicate_in_delivery' END
        ] AS verdicts
    FROM addressed AS a
    LEFT JOIN doubles AS d
        ON a.partner = d.partner
        AND a.file_sha256 = d.file_sha256
        AND a.known_reference = d.known_reference
        AND a.address_key = d.address_key
    LEFT JOIN shared
        ON a.partner = shared.partner
        AND a.known_reference = shared.known_reference
        AND a.address_key = shared.address_key
),

told AS (
    SELECT
        *,
        list_filter(verdicts, lambda reason: reason IS NOT NULL) AS broken
    FROM judged
),

-- Of those, the file whose row counts: the newest with a row that breaks no rule. No file has two of them.
counting AS (
    SELECT
        partner,
        known_reference,
        address_key,
        arg_max(file_sha256, (received_at, file_name, file_sha256)) AS counting_file,
        min(received_at) AS valid_received_at
    FROM told
    WHERE is_shared AND broken = []
    GROUP BY ALL
)

SELECT
    told.* EXCLUDE (
        verdicts, is_damaged_text, is_damaged_reference, known_reference, is_damaged_surname, is_legal_person,
        is_since_unreadable, street, city, register_street, register_city, crisis, written_postcode, is_crisis,
        is_shared, shared_crisis_received_at, broken, file_name, tells_reminder, is_objected, is_double_of_erased
    ),
    CASE WHEN broken = [] AND file_sha256 <> counting_file THEN ['replaced_by_later_file'] ELSE broken END AS reasons,
    -- Of the row that counts; a rejected one keeps its own flag.
    is_crisis OR (reasons = [] AND shared_crisis_received_at IS NOT NULL) AS crisis,
    coalesce(valid_received_at, received_at) AS first_received_at,
    CASE WHEN told.is_shared THEN shared_crisis_received_at WHEN is_crisis THEN received_at END AS crisis_received_at,
    coalesce(register_street, street) AS street,
    coalesce(register_city, city) AS city,
    -- Of a row elsewhere, or of which nobody knows where, the first that is agreed.
    CASE
        WHEN NOT getvariable('separate_municipalities') THEN NULL
        WHEN list_contains(municipalities, municipality) THEN municipality
        ELSE municipalities[1]
    END AS for_municipality
FROM told
LEFT JOIN counting
    ON told.partner = counting.partner
    AND told.known_reference = counting.known_reference
    AND told.address_key = counting.address_key
