-- Of Kenmerken that are not of the month: the latest other month of which they are.
-- Needs: month; tables unknown_cases; macros.sql.
WITH issued AS (
    SELECT DISTINCT
        month,
        case_id_of(month, address_key) AS case_id
    FROM worklist_issues
    WHERE month <> getvariable('month')
)

SELECT
    issued.case_id,
    max(issued.month) AS month
FROM issued
SEMI JOIN unknown_cases ON issued.case_id = unknown_cases.case_id
GROUP BY issued.case_id
