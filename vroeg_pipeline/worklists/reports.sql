-- The addresses of the month as the evaluation counts them: what was reported, what was known of it, and the list on
-- which it stands (none where it is made of repeats alone).
-- Needs: month.
SELECT
    match.month,
    match.address_key,
    match.match_kind,
    match.signal_count,
    match.has_rent,
    coalesce(match.light_signal_count = match.signal_count, false) AS on_light_track,
    match.needs_review,
    match.first_received_on,
    history.recidivism_kind,
    -- What the country calls opeenvolgend.
    coalesce(history.months_since_last <= 6, false) AS in_six_months,
    entry.worklist,
    entry.tier,
    entry.tier_name,
    entry.deadline,
    entry.known_to
FROM address_matches AS match
INNER JOIN recidivism_history AS history ON match.month = history.month AND match.address_key = history.address_key
LEFT JOIN prioritised_worklists AS entry ON match.month = entry.month AND match.address_key = entry.address_key
WHERE match.month = getvariable('month')
