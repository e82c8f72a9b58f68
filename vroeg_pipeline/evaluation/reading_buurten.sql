-- The reports of a month by buurt, of those whose buurt is known.
-- Needs: month.
SELECT
    match.buurtcode,
    count(*) AS reports
FROM prioritised_worklists AS entry
INNER JOIN address_matches AS match ON entry.month = match.month AND entry.address_key = match.address_key
WHERE entry.month = getvariable('month') AND match.buurtcode IS NOT NULL
GROUP BY match.buurtcode
ORDER BY match.buurtcode
