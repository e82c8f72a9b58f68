-- When each case of the month was first told to be contacted or ended: from then on it stays (DOMAIN §10).
-- Needs: month.
SELECT
    told.case_id,
    min(file.received_at) AS told_at
FROM outcome_rows AS told
INNER JOIN outcome_files AS file
    ON told.file_sha256 = file.file_sha256 AND file.month = getvariable('month') AND file.status = 'accepted'
WHERE
    told.month = getvariable('month') AND told.is_told AND len(told.reasons) = 0 AND told.case_id IS NOT NULL
    AND (told.contact_kind IS NOT NULL OR told.end_result IS NOT NULL)
GROUP BY told.case_id
