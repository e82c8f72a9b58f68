-- The contact attempts of the month by kind, and of whom.
-- Needs: month.
SELECT
    attempt.month,
    attempt.worklist,
    entry.tier,
    match.has_rent,
    attempt.contact_kind,
    attempt.reached,
    count(*) AS attempts
FROM contact_attempts AS attempt
LEFT JOIN prioritised_worklists AS entry
    ON attempt.month = entry.month AND attempt.address_key = entry.address_key
LEFT JOIN address_matches AS match
    ON attempt.month = match.month AND attempt.address_key = match.address_key
WHERE attempt.month = getvariable('month')
GROUP BY ALL
