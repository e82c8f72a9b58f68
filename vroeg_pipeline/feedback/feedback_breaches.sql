-- How often a partner's file of the month says what the partner may not learn, or not what it should: a reference that
-- is not its own, a status that is not the signal's or not for partners, a signal that is left out.
-- The file is read by itself (read_feedback), so that this does not rest on what wrote it.
-- Needs: month, partner; tables read_feedback.
WITH own AS (
    SELECT
        row_number,
        customer_reference,
        CASE
            WHEN ddas_status IN (
                'Niet opgepakt: herhaalde melding', 'Niet opgepakt: onterecht signaal',
                'Persoon is geen inwoner (meer) in de gemeente', 'Inwoner is overleden'
            ) THEN ddas_status
            ELSE 'Niet opgepakt: andere reden'
        END AS may_learn
    FROM signal_statuses
    WHERE month = getvariable('month') AND partner = getvariable('partner') AND customer_reference IS NOT NULL
        AND ddas_status NOT IN ('Opgepakt', 'Nog niet opgepakt')
)

SELECT count(*)
FROM read_feedback
FULL JOIN own
    ON read_feedback.row_number = own.row_number
    AND read_feedback.status = own.may_learn
    -- A reference that looks like a formula has an apostrophe in front of it.
    AND read_feedback.customer_reference IN (own.customer_reference, '''' || own.customer_reference)
WHERE read_feedback.row_number IS NULL OR own.row_number IS NULL
