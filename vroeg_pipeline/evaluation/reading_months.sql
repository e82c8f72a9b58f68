-- The months as outbox/reading.duckdb has them: when their worklists were issued, and whether they are closed (DOMAIN
-- §14).
-- Needs: tables evaluated_months.
WITH issued AS (
    SELECT
        month,
        min(issued_at) AS first_issued_at,
        max(issued_at) AS last_issued_at,
        count(DISTINCT worklist) AS worklists
    FROM worklist_issues
    GROUP BY month
)

SELECT
    evaluated.month,
    issued.first_issued_at,
    issued.last_issued_at,
    issued.worklists,
    evaluated.is_closed
FROM evaluated_months AS evaluated
LEFT JOIN issued ON evaluated.month = issued.month
ORDER BY evaluated.month
