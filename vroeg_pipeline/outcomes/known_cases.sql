-- The cases that teams were told of in the month, with the list on which each stood last. A case that was withdrawn may
-- have been worked on before that was known.
-- Needs: month; macros.sql.
SELECT
    case_id_of(month, address_key) AS case_id,
    address_key,
    arg_max(worklist, (issued_at, issue, worklist)) AS worklist
FROM worklist_issues
WHERE month = getvariable('month') AND change = 'added'
GROUP BY month, address_key
