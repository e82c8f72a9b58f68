-- The reports of the month of which every signal left after they were contacted, as they would stand in the tables of
-- their names with these signals.
-- Needs: tables kept_entries, kept_history, kept_matches.
SELECT
    match.month,
    match.address_key,
    match.match_kind,
    match.signal_count,
    match.has_rent,
    match.needs_review,
    match.first_received_on,
    history.recidivism_kind,
    coalesce(history.months_since_last <= 6, false) AS in_six_months,
    entry.worklist,
    entry.tier,
    entry.tier_name,
    entry.deadline,
    entry.known_to
FROM kept_matches AS match
INNER JOIN kept_history AS history ON match.address_key = history.address_key
INNER JOIN kept_entries AS entry ON match.address_key = entry.address_key
