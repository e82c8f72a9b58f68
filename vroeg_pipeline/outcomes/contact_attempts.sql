-- What was done at the addresses of the month.
-- Needs: month; tables known_cases.
SELECT
    told.*,
    known.address_key,
    known.worklist
FROM told_attempts AS told
INNER JOIN known_cases AS known USING (case_id)
WHERE told.month = getvariable('month')
