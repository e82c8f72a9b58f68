-- What each partner delivered for the month, and in which state the delivery was (the temporary table
-- `delivery_states`: the partners that owed one). Rows, not signals: the next table counts those.
-- Of a sender there is a row where its file had rows of partners that its agreement does not name.
-- Needs: month; tables delivery_states, senders.
WITH accepted AS (
    SELECT
        file.partner,
        max(file.received_at) AS received_at,
        sum(file.row_count)::INTEGER AS row_count,
        sum(file.accepted_count)::INTEGER AS accepted_count,
        sum(file.rejected_count)::INTEGER AS rejected_count
    FROM delivery_files AS file
    LEFT JOIN senders ON file.partner = senders.sender
    WHERE month = getvariable('month') AND status = 'accepted' AND (senders.sender IS NULL OR file.row_count > 0)
    GROUP BY file.partner
),

rejected AS (
    SELECT
        partner,
        count(*) FILTER (WHERE list_contains(reasons, 'outdated')) AS outdated_count
    FROM rejected_rows
    WHERE month = getvariable('month')
    GROUP BY partner
)

SELECT
    getvariable('month') AS month,
    partner,
    coalesce(delivery_states.state, 'not owed') AS state,
    accepted.received_at,
    accepted.row_count,
    accepted.accepted_count,
    accepted.rejected_count,
    CASE WHEN accepted.partner IS NOT NULL THEN coalesce(rejected.outdated_count, 0) END AS outdated_count
FROM delivery_states
FULL JOIN accepted USING (partner)
LEFT JOIN rejected USING (partner)
