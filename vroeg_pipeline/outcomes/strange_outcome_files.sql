-- Accepted files of the month without a single Kenmerk of the month, and the one other month of which they have some.
-- Needs: month; tables known_cases, other_cases.
SELECT
    told.file_sha256,
    CASE WHEN min(other.month) = max(other.month) THEN max(other.month) END AS of_month
FROM outcome_rows AS told
INNER JOIN outcome_files AS file ON told.month = file.month AND told.file_sha256 = file.file_sha256
LEFT JOIN known_cases AS known ON told.case_id = known.case_id
LEFT JOIN other_cases AS other ON told.case_id = other.case_id
WHERE told.month = getvariable('month') AND file.status = 'accepted' AND told.case_id IS NOT NULL
GROUP BY told.file_sha256
HAVING count(known.case_id) = 0
