-- The rows that broke no rule (DOMAIN §5), with the verdict of the actuality gate (DOMAIN §10), and
-- those of residents who asked to be left alone (DOMAIN §14).
-- Needs: light_track; tables confirmations, row_verdicts, withdrawals.
SELECT
    month,
    concat_ws('-', partner, strftime(month, '%Y%m'), file_sha256[:12], row_number) AS signal_id,
    partner,
    partner_type,
    file_sha256,
    row_number,
    received_at,
    first_received_at,
    crisis_received_at,
    customer_reference,
    address_key,
    address_status,
    address_stage,
    address_evidence,
    nummeraanduiding_id,
    adresseerbaar_object_id,
    buurtcode,
    side_address_key,
    written_address,
    desk_id,
    resolver_key,
    resolver_status,
    needs_review,
    municipality,
    for_municipality,
    amount_due,
    arrears_since,
    reference_date,
    days_in_arrears,
    crisis,
    getvariable('light_track') AND NOT crisis AND amount_due < min_amount AS on_light_track,
    warm_handover,
    reminder_sent,
    CASE
        WHEN is_restricted THEN 'restricted'
        WHEN (partner, customer_reference) IN (SELECT (partner, customer_reference) FROM withdrawals)
            THEN 'withdrawn'
        WHEN confirmation_asked
            AND (partner, customer_reference) NOT IN (SELECT (partner, customer_reference) FROM confirmations)
            THEN 'not_confirmed'
    END AS held_reason,
    surname,
    surnames,
    initials,
    prefix,
    birth_date,
    phone,
    email,
    street,
    postcode,
    house_number,
    house_letter,
    house_number_addition,
    city
FROM row_verdicts
WHERE reasons = []
