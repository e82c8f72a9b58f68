-- The rows that broke a rule, with the DDAS status of the first rule that has one (DOMAIN §5). Of rows that are a
-- signal to DDAS what it asks is kept too; not of an objection: who refused passing on data is passed on to nobody.
-- Of a row in a sender's file whose partner its agreement does not name nothing is kept: it is not known whose it is,
-- nor what was agreed for it.
-- Needs: month; tables row_verdicts, senders.
WITH rejected AS (
    SELECT *
    FROM row_verdicts
    WHERE reasons <> []
    UNION ALL BY NAME
    SELECT
        raw.month,
        raw.partner,
        raw.file_sha256,
        raw.row_number,
        ['unknown_partner_in_file'] AS reasons
    FROM raw.delivery_rows AS raw
    INNER JOIN delivery_files AS file
        ON raw.file_sha256 = file.file_sha256 AND raw.partner = file.partner AND raw.month = file.month
    INNER JOIN senders ON raw.partner = senders.sender
    WHERE raw.month = getvariable('month') AND file.month = getvariable('month') AND file.status = 'accepted'
),

judged AS (
    SELECT
        *,
        list_filter(
            list_transform(
                reasons,
                lambda reason: CASE
                    WHEN reason IN ('below_threshold', 'too_few_days', 'too_many_days', 'legal_person')
                        THEN 'Niet opgepakt: onterecht signaal'
                    WHEN reason = 'outside_area' THEN 'Persoon is geen inwoner (meer) in de gemeente'
                    WHEN reason IN ('outdated', 'objection') THEN 'Niet opgepakt: andere reden'
                END
            ),
            lambda status: status IS NOT NULL
        )[1] AS ddas_status
    FROM rejected
),

told AS (
    SELECT
        *,
        ddas_status IS NOT NULL AND address_key IS NOT NULL AND NOT list_contains(reasons, 'objection') AS is_signal
    FROM judged
)

SELECT
    month,
    partner,
    file_sha256,
    row_number,
    reasons,
    customer_reference,
    ddas_status,
    for_municipality,
    CASE WHEN is_signal THEN partner_type END AS partner_type,
    CASE WHEN is_signal THEN received_at END AS received_at,
    CASE WHEN is_signal THEN municipality END AS municipality,
    CASE WHEN is_signal THEN postcode END AS postcode,
    CASE WHEN is_signal THEN house_number END AS house_number,
    CASE WHEN is_signal THEN house_letter END AS house_letter,
    CASE WHEN is_signal THEN house_number_addition END AS house_number_addition,
    CASE WHEN is_signal THEN birth_date END AS birth_date,
    CASE WHEN is_signal THEN amount_due END AS amount_due,
    CASE WHEN is_signal THEN arrears_since END AS arrears_since,
    CASE WHEN is_signal THEN crisis END AS crisis,
    CASE WHEN is_signal THEN warm_handover END AS warm_handover
FROM told
