-- What partners and CBS are told of signals.

-- Every signal with the DDAS status that it has now. Key: signal_id.
CREATE OR REPLACE VIEW signal_statuses AS
-- In the words of DDAS (Signaalstatus): what partners and CBS are told rests on it. A signal is taken up once its case
-- was issued to a team, or contacted; the address desk is no team. A row that was rejected for what cannot be read is
-- no signal. `in_case`: it belongs to a case that was taken up, or is made of repeats alone.
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
    FROM worklist_issues
    WHERE change = 'added' AND worklist <> 'adresdesk'
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
FROM validated_signals AS signal
LEFT JOIN repeat_signals AS repeated ON signal.month = repeated.month AND signal.signal_id = repeated.signal_id
LEFT JOIN recidivism_history AS history ON signal.month = history.month AND signal.address_key = history.address_key
LEFT JOIN case_results AS result ON signal.month = result.month AND signal.address_key = result.address_key
LEFT JOIN taken_up ON signal.month = taken_up.month AND signal.address_key = taken_up.address_key
UNION ALL
SELECT
    month,
    partner,
    concat_ws('-', partner, strftime(month, '%Y%m'), file_sha256[:12], row_number) AS signal_id,
    row_number,
    customer_reference,
    NULL AS address_key,
    ddas_status,
    file_sha256,
    false AS in_case
FROM rejected_rows
WHERE ddas_status IS NOT NULL;
