-- What the address desk sent back in the month and could not be used, where no line of the month's list tells of it: on
-- a Kenmerk that is not on it, or a file as a whole. Until it is decided otherwise, or a later file could be read.
-- Where municipalities are separate, that of one (desk_municipality); of what nobody knows, that of the first.
-- Needs: desk_municipality, first_municipality, month.
WITH known AS (
    SELECT
        desk_id,
        max_by(for_municipality, month) AS for_municipality
    FROM validated_signals
    WHERE for_municipality IS NOT NULL
    GROUP BY desk_id
),

told AS (
    SELECT desk_id
    FROM address_desk
    WHERE month = getvariable('month')
),

used AS (
    SELECT *
    FROM reference.address_decisions
    WHERE refusal IS NULL
)

SELECT
    refused.decided_at::DATE AS received_on,
    refused.desk_id,
    CASE WHEN refused.row_number = 0 THEN 'het hele bestand' ELSE refused.written END AS written,
    refused.decided_by,
    refused.why,
    refused.refusal
FROM reference.address_decisions AS refused
ANTI JOIN told ON refused.desk_id = told.desk_id
ANTI JOIN used ON refused.desk_id = used.desk_id AND refused.decided_at < used.decided_at
-- Of a file as a whole, once a later one could be read.
ANTI JOIN used AS whole
    ON refused.row_number = whole.row_number AND whole.row_number = 0 AND refused.decided_at < whole.decided_at
LEFT JOIN known ON refused.desk_id = known.desk_id
WHERE
    refused.refusal IS NOT NULL
    AND date_trunc('month', refused.decided_at)::DATE = getvariable('month')
    AND (
        getvariable('desk_municipality') IS NULL
        OR coalesce(known.for_municipality, getvariable('first_municipality')::VARCHAR)
            = getvariable('desk_municipality')::VARCHAR
    )
ORDER BY refused.decided_at, refused.file_sha256, refused.row_number
