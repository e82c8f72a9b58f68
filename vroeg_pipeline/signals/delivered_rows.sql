-- One row a data row of the month's accepted deliveries, with everything that can be read from it (DOMAIN §4, §5).
-- Needs: month; tables agreement_terms; macros.sql.
WITH texts AS (
    SELECT
        raw.month,
        raw.partner,
        raw.file_sha256,
        raw.row_number,
        file.received_at,
        file.file_name,
        -- The cast to DATE is by the session's time zone, Europe/Amsterdam.
        file.received_at::DATE AS received_on,
        terms.* EXCLUDE (partner, reminder_agreed),
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
        text_of(raw.days_in_arrears) AS days_text,
        text_of(raw.arrears_since) AS arrears_since_text,
        text_of(raw.reference_date) AS reference_date_text,
        text_of(raw.crisis) AS crisis_text,
        text_of(raw.warm_handover) AS warm_handover_text,
        text_of(raw.reminder_sent) AS reminder_sent_text,
        terms.reminder_agreed AND NOT coalesce(list_contains(file.missing_optional, 'reminder_sent'), false)
            AS tells_reminder,
        text_of(raw.objection) AS objection_text,
        coalesce(raw.typed, []) AS typed
    FROM raw.delivery_rows AS raw
    INNER JOIN delivery_files AS file
        ON raw.file_sha256 = file.file_sha256 AND raw.partner = file.partner AND raw.month = file.month
    INNER JOIN agreement_terms AS terms ON raw.partner = terms.partner
    WHERE raw.month = getvariable('month') AND file.month = getvariable('month') AND file.status = 'accepted'
),

-- Apart from the above, and so on: DuckDB writes out again what is named again within one SELECT.
delivered AS (
    SELECT
        * REPLACE (
            -- Either of the two is agreed, never both.
            coalesce(arrears_since_text, days_text) AS arrears_since_text,
            undamaged(initials, typed, 'initials') AS initials,
            undamaged(prefix, typed, 'prefix') AS prefix,
            undamaged(phone, typed, 'phone') AS phone,
            undamaged(email, typed, 'email') AS email,
            undamaged(street, typed, 'street') AS street,
            undamaged(city, typed, 'city') AS city,
            -- What a spreadsheet made of a letter or an addition is kept: without it another door would be meant.
            CASE WHEN NOT is_garbled(house_letter) THEN house_letter END AS house_letter,
            CASE WHEN NOT is_garbled(house_number_addition) THEN house_number_addition END AS house_number_addition
        ),
        is_damaged(surname, list_contains(typed, 'surname'), list_contains(typed, 'surname:other'))
            AS is_damaged_surname,
        is_damaged(
            customer_reference, list_contains(typed, 'customer_reference'),
            list_contains(typed, 'customer_reference:other')
        )
        OR is_damaged_number(customer_reference, list_contains(typed, 'customer_reference'))
            AS is_damaged_reference,
        date_of(reference_date_text, date_format, list_contains(typed, 'reference_date')) AS reference_date,
        days_of(days_text) AS days_in_arrears
    FROM texts
),

dated AS (
    SELECT
        *,
        CASE
            WHEN days_text IS NULL THEN date_of(arrears_since_text, date_format, list_contains(typed, 'arrears_since'))
            ELSE reference_date - days_in_arrears
        END AS arrears_since
    FROM delivered
)

SELECT
    * EXCLUDE (days_text, days_in_arrears),
    is_damaged_reference OR is_damaged_surname AS is_damaged_text,
    is_legal_person(surname) AND NOT is_damaged_surname AS is_legal_person,
    postcode_of(postcode_text) AS postcode,
    CASE
        WHEN amount_unit = 'cents' THEN cents_of(amount_text, decimal_mark, list_contains(typed, 'amount_due'))
        ELSE amount_of(amount_text, decimal_mark, list_contains(typed, 'amount_due'))
    END AS amount_due,
    date_of(birth_date_text, date_format, list_contains(typed, 'birth_date')) AS birth_date,
    -- Days that can be read are right, even where the reference date cannot.
    CASE
        WHEN days_text IS NULL THEN arrears_since_text IS NOT NULL AND arrears_since IS NULL
        ELSE days_in_arrears IS NULL
    END AS is_since_unreadable,
    flag_of(crisis_text) AS crisis,
    flag_of(warm_handover_text) AS warm_handover,
    -- A file without the column does not say that none was sent.
    CASE WHEN tells_reminder THEN flag_of(reminder_sent_text) END AS reminder_sent,
    flag_of(objection_text) AS objection
FROM dated
