-- The signals of the month by what became of them. In a report: not held back, at an address that is on a worklist; or
-- of a case that was contacted before they left it.
-- Needs: month; tables agreement_terms.
SELECT
    getvariable('month') AS month,
    status.partner,
    coalesce(terms.partner_type, 'Overige') AS partner_type,
    status.ddas_status,
    kept.signal_id IS NOT NULL
    OR (signal.signal_id IS NOT NULL AND signal.held_reason IS NULL AND entry.address_key IS NOT NULL) AS in_report,
    count(*) AS signals
FROM signal_statuses AS status
LEFT JOIN agreement_terms AS terms USING (partner)
LEFT JOIN validated_signals AS signal
    ON status.signal_id = signal.signal_id AND signal.month = getvariable('month')
LEFT JOIN contacted_signals AS kept
    ON status.signal_id = kept.signal_id AND kept.month = getvariable('month')
LEFT JOIN prioritised_worklists AS entry
    ON status.address_key = entry.address_key AND entry.month = getvariable('month')
WHERE status.month = getvariable('month')
GROUP BY ALL
