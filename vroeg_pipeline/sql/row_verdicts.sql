-- One row a data row of the month's accepted deliveries, with everything read from it and every rule of DOMAIN §5
-- that it breaks. Feeds validated_signals and rejected_rows, so that each row lands in exactly one of the two.
WITH delivered AS (
    SELECT
        raw.month,
        raw.partner,
        raw.file_sha256,
        raw.row_number,
        file.received_at,
        -- The cast to DATE is by the session's time zone, Europe/Amsterdam.
        file.received_at::DATE AS received_on,
        terms.* EXCLUDE (partner),
        text_of(raw.customer_reference) AS customer_reference,
        text_of(raw.surname) AS surname,
        text_of(raw.initials) AS initials,
        text_of(raw.prefix) AS prefix,
        text_of(raw.birth_date) AS birth_date_text,
        text_of(raw.phone) AS phone,
        text_of(raw.email) AS email,
        text_of(raw.postcode) AS postcode_text,
        text_of(raw.street) AS street,
        text_of(raw.house_number) AS house_number,
        text_of(raw.house_letter) AS house_letter,
        text_of(raw.house_number_addition) AS house_number_addition,
        text_of(raw.city) AS city,
        text_of(raw.amount_due) AS amount_text,
        text_of(raw.arrears_since) AS arrears_since_text,
        text_of(raw.reference_date) AS reference_date_text,
        text_of(raw.crisis) AS crisis_text,
        text_of(raw.warm_handover) AS warm_handover_text,
        text_of(raw.reminder_sent) AS reminder_sent_text,
        text_of(raw.objection) AS objection_text,
        coalesce(raw.typed, []) AS typed
    FROM raw.delivery_rows AS raw
    INNER JOIN delivery_files AS file
        ON raw.file_sha256 = file.file_sha256 AND raw.partner = file.partner AND raw.month = file.month
    INNER JOIN agreement_terms AS terms ON raw.partner = terms.partner
    WHERE raw.month = getvariable('month') AND file.month = getvariable('month') AND file.status = 'accepted'
),

read AS (
    SELECT
        *,
        postcode_of(postcode_text) AS postcode,
        amount_of(amount_text, decimal_mark, list_contains(typed, 'amount_due')) AS amount_due,
        date_of(birth_date_text, date_format, list_contains(typed, 'birth_date')) AS birth_date,
        date_of(arrears_since_text, date_format, list_contains(typed, 'arrears_since')) AS arrears_since,
        date_of(reference_date_text, date_format, list_contains(typed, 'reference_date')) AS reference_date,
        flag_of(crisis_text) AS crisis,
        flag_of(warm_handover_text) AS warm_handover,
        flag_of(reminder_sent_text) AS reminder_sent,
        flag_of(objection_text) AS objection,
        house_number AS house_number_text
    FROM delivered
),

addressed AS MATERIALIZED (
    SELECT
        *,
        reference_date - arrears_since AS days_in_arrears,
        coalesce(crisis, false) AS is_crisis
    FROM resolve_addresses('read')
),

-- The first row of each customer and address that a delivery has more than once.
doubles AS (
    SELECT
        partner,
        customer_reference,
        address_key,
        min(row_number) AS first_row_number
    FROM addressed
    WHERE customer_reference IS NOT NULL AND address_key IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

judged AS (
    SELECT
        a.*,
        [
            CASE WHEN a.customer_reference IS NULL THEN 'missing_reference' END,
            CASE WHEN surname IS NULL THEN 'missing_surname' END,
            CASE WHEN postcode_text IS NULL THEN 'missing_postcode' END,
            CASE WHEN house_number_text IS NULL THEN 'missing_house_number' END,
            CASE WHEN amount_text IS NULL THEN 'missing_amount' END,
            CASE WHEN arrears_since_text IS NULL THEN 'missing_arrears_since' END,
            CASE WHEN reference_date_text IS NULL THEN 'missing_reference_date' END,
            CASE WHEN postcode_text IS NOT NULL AND postcode IS NULL THEN 'invalid_postcode' END,
            CASE
                WHEN number_and_rest(house_number_text).number = '' THEN 'invalid_house_number'
            END,
            CASE
                WHEN amount_text IS NOT NULL AND coalesce(amount_due, 0) <= 0 THEN 'invalid_amount'
            END,
            CASE
                WHEN (birth_date_text IS NOT NULL AND birth_date IS NULL)
                    OR (arrears_since_text IS NOT NULL AND arrears_since IS NULL)
                    OR (reference_date_text IS NOT NULL AND reference_date IS NULL)
                    OR days_in_arrears < 0
                    THEN 'invalid_date'
            END,
            CASE
                WHEN crisis IS NULL OR warm_handover IS NULL OR reminder_sent IS NULL OR objection IS NULL
                    THEN 'invalid_flag'
            END,
            CASE WHEN reference_date > received_on THEN 'future_date' END,
            CASE WHEN due_on - reference_date > max_age_days THEN 'outdated' END,
            CASE WHEN NOT is_crisis AND amount_due < min_amount THEN 'below_threshold' END,
            CASE WHEN NOT is_crisis AND days_in_arrears < min_days THEN 'too_few_days' END,
            CASE WHEN NOT is_crisis AND days_in_arrears > max_days THEN 'too_many_days' END,
            CASE
                WHEN a.address_key IS NOT NULL AND municipality IS NOT NULL
                    AND NOT list_contains(municipalities, municipality)
                    THEN 'outside_area'
            END,
            CASE WHEN objection THEN 'objection' END,
            CASE WHEN a.row_number > d.first_row_number THEN 'duplicate_in_delivery' END
        ] AS verdicts
    FROM addressed AS a
    LEFT JOIN doubles AS d
        ON a.partner = d.partner
        AND a.customer_reference = d.customer_reference
        AND a.address_key = d.address_key
)

SELECT
    * EXCLUDE (verdicts, street, city, register_street, register_city, crisis),
    is_crisis AS crisis,
    coalesce(register_street, street) AS street,
    coalesce(register_city, city) AS city,
    list_filter(verdicts, lambda reason: reason IS NOT NULL) AS reasons
FROM judged;
