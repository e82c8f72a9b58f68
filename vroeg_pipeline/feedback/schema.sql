-- What partners and CBS are told of signals.

-- Every signal with the DDAS status that it has now. Key: signal_id.
CREATE OR REPLACE VIEW signal_statuses AS
-- In the words of DDAS (Signaalstatus): what partners and CBS are told rests on it. A signal is taken up once its case
-- was issued to a team, or contacted; the address desk is no team. A row that was rejected for what cannot be read is
-- no signal. `in_case`: it belongs to a case that was taken up, or is made of repeats alone. What was contacted stays
-- (contacted_signals): of a row that was rejected since nothing is told that was not told then.
WITH taken_up AS (
    SELECT
        month,
        address_key
    FROM contact_attempts
    UNION
    SELECT
        month,
        address_key
    FROM case_results
    UNION
    SELECT
        month,
        address_key
    FROM issued_to_teams
),

signals AS (
    SELECT
        signal.month,
        signal.partner,
        signal.signal_id,
        signal.file_sha256,
        signal.row_number,
        signal.customer_reference,
        signal.address_key,
        CASE WHEN kept.signal_id IS NULL THEN signal.held_reason END AS held_reason
    FROM validated_signals AS signal
    LEFT JOIN contacted_signals AS kept ON signal.month = kept.month AND signal.signal_id = kept.signal_id
    UNION ALL
    SELECT
        kept.month,
        kept.partner,
        kept.signal_id,
        kept.file_sha256,
        kept.row_number,
        kept.customer_reference,
        kept.address_key,
        NULL AS held_reason
    FROM contacted_signals AS kept
    ANTI JOIN validated_signals AS signal ON kept.month = signal.month AND kept.signal_id = signal.signal_id
),

-- The rejected rows of what was contacted: it was told of it then, and so was what else is wrong in the same file.
told_then AS (
    SELECT
        row.month,
        row.partner,
        row.file_sha256,
        row.row_number
    FROM rejected_rows AS row
    INNER JOIN contacted_signals AS kept
        ON row.month = kept.month AND row.partner = kept.partner AND row.customer_reference = kept.customer_reference
        AND (row.file_sha256 <> kept.file_sha256 OR row.row_number = kept.row_number)
        -- Of an objection the address is not kept.
        AND (
            row.postcode IS NULL
            OR (
                row.postcode = kept.postcode AND row.house_number = kept.house_number
                AND row.house_letter = kept.house_letter AND row.house_number_addition = kept.house_number_addition
            )
        )
)

SELECT
    signal.month,
    signal.partner,
    signal.signal_id,
    signal.row_number,
    signal.customer_reference,
    signal.address_key,
    CASE
        WHEN signal.held_reason IS NOT NULL THEN 'Niet opgepakt: andere reden'
        WHEN repeated.signal_id IS NOT NULL THEN 'Niet opgepakt: herhaalde melding'
        WHEN result.end_result IN (
            'Inwoner al bekend bij schuldhulpverlening', 'Inwoner is overleden', 'Niet opgepakt: andere reden',
            'Niet opgepakt: herhaalde melding', 'Niet opgepakt: onterecht signaal',
            'Persoon is geen inwoner (meer) in de gemeente'
        ) THEN result.end_result
        WHEN taken_up.address_key IS NOT NULL THEN 'Opgepakt'
        ELSE 'Nog niet opgepakt'
    END AS ddas_status,
    signal.file_sha256,
    signal.held_reason IS NULL AND (taken_up.address_key IS NOT NULL OR coalesce(history.only_repeats, false))
        AS in_case
FROM signals AS signal
LEFT JOIN repeat_signals AS repeated ON signal.month = repeated.month AND signal.signal_id = repeated.signal_id
LEFT JOIN recidivism_history AS history ON signal.month = history.month AND signal.address_key = history.address_key
LEFT JOIN results_of_addresses AS result ON signal.month = result.month AND signal.address_key = result.address_key
LEFT JOIN taken_up ON signal.month = taken_up.month AND signal.address_key = taken_up.address_key
UNION ALL
SELECT
    row.month,
    row.partner,
    concat_ws('-', row.partner, strftime(row.month, '%Y%m'), row.file_sha256[:12], row.row_number) AS signal_id,
    row.row_number,
    row.customer_reference,
    NULL AS address_key,
    row.ddas_status,
    row.file_sha256,
    false AS in_case
FROM rejected_rows AS row
ANTI JOIN told_then USING (month, partner, file_sha256, row_number)
WHERE row.ddas_status IS NOT NULL;
