-- The lines of the address desk's list of the month as it goes out, the most pressing first; with what the worklists
-- say of the address, and what was written in a decision that could not be used.
-- Where municipalities are separate, those of one (desk_municipality).
-- Needs: desk_municipality, first_municipality, month; address_macros.sql.
WITH phones AS (
    SELECT
        desk_id,
        string_agg(DISTINCT phone, '; ' ORDER BY phone) AS phone
    FROM validated_signals
    WHERE month = getvariable('month') AND held_reason IS NULL
    GROUP BY desk_id
),

last_refused AS (
    SELECT *
    FROM reference.address_decisions
    WHERE refusal IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1
)

SELECT
    desk.* EXCLUDE (month, address_key, signal_count),
    is_no_door(desk.reason) AS is_no_door,
    entry.deadline,
    phones.phone,
    CASE WHEN desk.refusal IS NOT NULL THEN last_refused.written END AS refused_decision,
    CASE WHEN desk.refusal IS NOT NULL THEN last_refused.decided_by END AS refused_by,
    CASE WHEN desk.refusal IS NOT NULL THEN last_refused.why END AS refused_why
FROM address_desk AS desk
LEFT JOIN prioritised_worklists AS entry ON desk.month = entry.month AND desk.address_key = entry.address_key
LEFT JOIN phones ON desk.desk_id = phones.desk_id
LEFT JOIN last_refused ON desk.desk_id = last_refused.desk_id
LEFT JOIN address_matches AS match ON desk.month = match.month AND desk.address_key = match.address_key
WHERE
    desk.month = getvariable('month')
    AND (
        getvariable('desk_municipality') IS NULL
        OR coalesce(match.for_municipality, getvariable('first_municipality')::VARCHAR)
            = getvariable('desk_municipality')::VARCHAR
    )
ORDER BY
    desk.earlier_decision IS NOT NULL,
    desk.has_crisis DESC,
    entry.deadline,
    desk.total_amount DESC,
    desk.desk_id
