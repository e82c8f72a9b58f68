-- What changed on each list of the month since its last issue (DOMAIN §9). The first issue has all entries; a list
-- on which nothing was added or withdrawn gets no issue. A changed rank, action or deadline alone is no change.
-- Needs: month, now.
WITH told AS (
    SELECT
        worklist,
        address_key
    FROM worklist_issues
    WHERE month = getvariable('month')
    GROUP BY worklist, address_key
    HAVING arg_max(change, issue) = 'added'
),

last_issue AS (
    SELECT
        worklist,
        max(issue) AS issue
    FROM worklist_issues
    WHERE month = getvariable('month')
    GROUP BY worklist
),

today AS (
    SELECT
        worklist,
        address_key
    FROM prioritised_worklists
    WHERE month = getvariable('month')
),

changes AS (
    SELECT
        *,
        'added' AS change
    FROM (
        SELECT
            worklist,
            address_key
        FROM today
        EXCEPT
        SELECT
            worklist,
            address_key
        FROM told
    )
    UNION ALL
    SELECT
        *,
        'withdrawn' AS change
    FROM (
        SELECT
            worklist,
            address_key
        FROM told
        EXCEPT
        SELECT
            worklist,
            address_key
        FROM today
    )
)

SELECT
    getvariable('month') AS month,
    worklist,
    coalesce(last_issue.issue, 0) + 1 AS issue,
    address_key,
    change,
    getvariable('now') AS issued_at
FROM changes
LEFT JOIN last_issue USING (worklist)
