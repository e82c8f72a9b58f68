-- The contact attempts of the month by kind, and of whom.
-- Needs: month.
SELECT
    attempt.month,
    attempt.worklist,
    -- As it was when it was contacted.
    coalesce(kept.tier, entry.tier) AS tier,
    coalesce(kept.has_rent, match.has_rent) AS has_rent,
    attempt.contact_kind,
    attempt.reached,
    count(*) AS attempts
FROM contact_attempts AS attempt
LEFT JOIN prioritised_worklists AS entry
    ON attempt.month = entry.month AND attempt.address_key = entry.address_key
LEFT JOIN address_matches AS match
    ON attempt.month = match.month AND attempt.address_key = match.address_key
LEFT JOIN contacted_reports AS kept
    ON attempt.month = kept.month AND attempt.address_key = kept.address_key
WHERE attempt.month = getvariable('month')
GROUP BY ALL
