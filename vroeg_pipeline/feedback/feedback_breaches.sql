-- How often the file of each partner that was read says what the partner may not learn, or not what it should: a
-- reference that is not its own, a status that is not the signal's or not for partners, a signal that is left out.
-- The files are read by themselves (read_feedback), so that this does not rest on what wrote them; what may be told of
-- each status stands in told_statuses.
-- Needs: month; tables read_feedback, read_partners, told_statuses.
WITH own AS (
    SELECT
        signal.partner,
        signal.row_number,
        signal.customer_reference,
        file.file_name,
        words.may_learn
    FROM signal_statuses AS signal
    INNER JOIN told_statuses AS words USING (ddas_status)
    INNER JOIN delivery_files AS file USING (month, partner, file_sha256)
    SEMI JOIN read_partners USING (partner)
    WHERE signal.month = getvariable('month') AND signal.customer_reference IS NOT NULL AND words.may_learn IS NOT NULL
)

SELECT
    coalesce(read_feedback.partner, own.partner) AS partner,
    count(*) AS breaches
FROM read_feedback
-- By row, with equalities alone: with any other condition in a FULL JOIN DuckDB compares each row with each. What looks
-- like a formula has an apostrophe in front of it.
FULL JOIN own
    ON read_feedback.partner = own.partner
    AND read_feedback.row_number = own.row_number
    AND regexp_replace(read_feedback.file_name, '^''', '') = regexp_replace(own.file_name, '^''', '')
WHERE
    read_feedback.row_number IS NULL
    OR own.row_number IS NULL
    OR read_feedback.status != own.may_learn
    OR read_feedback.file_name NOT IN (own.file_name, '''' || own.file_name)
    OR read_feedback.customer_reference NOT IN (own.customer_reference, '''' || own.customer_reference)
GROUP BY ALL
