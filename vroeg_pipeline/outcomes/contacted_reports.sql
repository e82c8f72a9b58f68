-- The reports of the month of which a signal left after they were contacted, as they would stand in the tables of the
-- month with all that they had then or have now.
-- Needs: tables kept_reports.
SELECT *
FROM kept_reports
WHERE worklist IS NOT NULL
