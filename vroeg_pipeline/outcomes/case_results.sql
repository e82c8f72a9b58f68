-- How the cases of the month ended: the end result that was told last, on the day of the last attempt until then.
-- Needs: month; tables known_cases.
SELECT
    told.month,
    told.case_id,
    known.address_key,
    known.worklist,
    told.end_result,
    max(attempt.contacted_on) AS ended_on,
    told.reported_at,
    told.file_sha256
FROM told_results AS told
INNER JOIN known_cases AS known ON told.case_id = known.case_id
LEFT JOIN contact_attempts AS attempt
    ON told.month = attempt.month AND told.case_id = attempt.case_id
    AND told.reported_at::DATE >= attempt.contacted_on
WHERE told.month = getvariable('month')
GROUP BY ALL
