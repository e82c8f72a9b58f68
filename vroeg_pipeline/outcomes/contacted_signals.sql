-- What partners, CBS and the evaluation are told of signals that stay because their case was contacted (DOMAIN §10).
-- Needs: tables kept_signals.
SELECT
    month,
    signal_id,
    partner,
    partner_type,
    file_sha256,
    row_number,
    received_at,
    customer_reference,
    address_key,
    municipality,
    amount_due,
    arrears_since,
    crisis,
    warm_handover,
    birth_date,
    postcode,
    house_number,
    house_letter,
    house_number_addition
FROM kept_signals
