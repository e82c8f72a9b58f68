-- The files that came after a case of the month was told of, and by which signals of their partner may have left: one
-- that replaced another, or that brought an objection to what another has. `left_at`: from when it counts; where a
-- person let it replace another, from then on.
-- Needs: month; tables told_cases.
WITH first_told AS (
    SELECT min(told_at) AS told_at
    FROM told_cases
),

objections AS (
    SELECT DISTINCT
        partner,
        file_sha256
    FROM rejected_rows
    WHERE month = getvariable('month') AND list_contains(reasons, 'objection')
),

decisions AS (
    SELECT
        partner,
        file_sha256,
        max(decided_at) AS decided_at
    FROM reference.delivery_decisions
    WHERE month = getvariable('month') AND decision = 'replacement'
    GROUP BY partner, file_sha256
),

files AS (
    SELECT
        file.partner,
        file.received_at,
        file.file_name,
        CASE
            WHEN file.decision = 'replacement' THEN greatest(file.received_at, decisions.decided_at)
            ELSE file.received_at
        END AS left_at,
        objections.file_sha256 IS NOT NULL AS objects,
        coalesce(file.decision = 'addition', file.adds, false) AS is_addition,
        row_number() OVER (PARTITION BY file.partner, is_addition ORDER BY file.received_at, file.file_name) AS number
    FROM delivery_files AS file
    LEFT JOIN objections ON file.partner = objections.partner AND file.file_sha256 = objections.file_sha256
    LEFT JOIN decisions ON file.partner = decisions.partner AND file.file_sha256 = decisions.file_sha256
    WHERE file.month = getvariable('month') AND file.status IN ('accepted', 'superseded')
)

SELECT
    files.partner,
    files.received_at AS came_at,
    files.file_name AS came_as,
    files.left_at
FROM files
CROSS JOIN first_told
WHERE files.left_at > first_told.told_at AND (files.objects OR (NOT files.is_addition AND files.number > 1))
ORDER BY files.partner, files.received_at, files.file_name
