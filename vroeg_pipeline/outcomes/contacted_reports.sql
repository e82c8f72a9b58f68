-- The reports of the month of which every signal left after they were contacted, as they would stand in the tables of
-- the month with these signals.
-- Needs: tables kept_reports.
SELECT *
FROM kept_reports
WHERE worklist IS NOT NULL
