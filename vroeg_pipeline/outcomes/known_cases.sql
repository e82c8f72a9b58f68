-- The cases that teams were told of in the month, with the list on which each stood last. A case that was withdrawn may
-- have been worked on before that was known. A Kenmerk follows from month and address: where a warehouse was made anew
-- after signals had left, their cases are known by the rows that are kept. Where an address got another key since, its
-- case stands there now.
-- Needs: month; tables left_rows, told_cases; macros.sql.
WITH issued AS (
    SELECT
        case_id_of(month, address_key) AS case_id,
        address_key,
        arg_max(worklist, (issued_at, issue, worklist)) AS worklist
    FROM worklist_issues
    WHERE month = getvariable('month') AND change = 'added'
    GROUP BY month, address_key
),

delivered AS (
    SELECT
        case_id_of(getvariable('month'), address_key) AS case_id,
        address_key
    FROM (
        SELECT address_key
        FROM validated_signals
        WHERE month = getvariable('month')
        UNION
        SELECT address_key
        FROM left_rows
        UNION
        SELECT former_key AS address_key
        FROM moved_cases
        WHERE month = getvariable('month')
    )
),

known AS (
    SELECT *
    FROM issued
    UNION ALL
    SELECT
        delivered.case_id,
        delivered.address_key,
        'onbekend' AS worklist
    FROM delivered
    SEMI JOIN told_cases ON delivered.case_id = told_cases.case_id
    ANTI JOIN issued ON delivered.case_id = issued.case_id
)

SELECT known.* REPLACE (coalesce(moved.address_key, known.address_key) AS address_key)
FROM known
LEFT JOIN moved_cases AS moved ON known.address_key = moved.former_key AND moved.month = getvariable('month')
