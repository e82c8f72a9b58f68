-- What partners and CBS are told of signals.

-- Every signal with the DDAS status that it has now. Key: signal_id.
CREATE OR REPLACE VIEW signal_statuses AS
-- In the words of DDAS (Signaalstatus): what partners and CBS are told rests on it. A row that was rejected for what
-- cannot be read is no signal. What the partner took back was not right.
WITH attempted AS (
    SELECT DISTINCT
        month,
        address_key
    FROM contact_attempts
)

SELECT
    signal.month,
    signal.partner,
    signal.signal_id,
    signal.row_number,
    signal.customer_reference,
    signal.address_key,
    CASE
        WHEN signal.held_reason = 'withdrawn' THEN 'Niet opgepakt: onterecht signaal'
        WHEN signal.held_reason IS NOT NULL THEN 'Niet opgepakt: andere reden'
        WHEN repeated.signal_id IS NOT NULL THEN 'Niet opgepakt: herhaalde melding'
        WHEN result.end_result IN (
            'Inwoner al bekend bij schuldhulpverlening', 'Inwoner is overleden', 'Niet opgepakt: andere reden',
            'Niet opgepakt: herhaalde melding', 'Niet opgepakt: onterecht signaal',
            'Persoon is geen inwoner (meer) in de gemeente'
        ) THEN result.end_result
        WHEN result.end_result IS NOT NULL OR attempted.address_key IS NOT NULL THEN 'Opgepakt'
        ELSE 'Nog niet opgepakt'
    END AS ddas_status
FROM validated_signals AS signal
LEFT JOIN repeat_signals AS repeated ON signal.month = repeated.month AND signal.signal_id = repeated.signal_id
LEFT JOIN case_results AS result ON signal.month = result.month AND signal.address_key = result.address_key
LEFT JOIN attempted ON signal.month = attempted.month AND signal.address_key = attempted.address_key
UNION ALL
SELECT
    month,
    partner,
    concat_ws('-', partner, strftime(month, '%Y%m'), file_sha256[:12], row_number) AS signal_id,
    row_number,
    customer_reference,
    NULL AS address_key,
    ddas_status
FROM rejected_rows
WHERE ddas_status IS NOT NULL;
