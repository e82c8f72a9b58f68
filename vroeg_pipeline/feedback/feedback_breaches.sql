-- How often a partner's file of the month says what the partner may not learn, or not what it should: a reference that
-- is not its own, a status that is not the signal's or not for partners, a signal that is left out.
-- The file is read by itself (read_feedback), so that this does not rest on what wrote it; what may be told of each
-- status stands in told_statuses.
-- Needs: month, partner; tables read_feedback, told_statuses.
WITH own AS (
    SELECT
        signal.row_number,
        signal.customer_reference,
        words.may_learn
    FROM signal_statuses AS signal
    INNER JOIN told_statuses AS words USING (ddas_status)
    WHERE signal.month = getvariable('month') AND signal.partner = getvariable('partner')
        AND signal.customer_reference IS NOT NULL AND words.may_learn IS NOT NULL
)

SELECT count(*)
FROM read_feedback
FULL JOIN own
    ON read_feedback.row_number = own.row_number
    AND read_feedback.status = own.may_learn
    -- A reference that looks like a formula has an apostrophe in front of it.
    AND read_feedback.customer_reference IN (own.customer_reference, '''' || own.customer_reference)
WHERE read_feedback.row_number IS NULL OR own.row_number IS NULL
