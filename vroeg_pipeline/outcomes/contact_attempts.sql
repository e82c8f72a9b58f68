-- What was done at the addresses of the month. Of each attempt the newest word counts, cell by cell: an empty cell does
-- not wipe what was told before.
-- Needs: month; tables known_cases.
WITH files AS (
    SELECT
        file_sha256,
        received_at,
        row_number() OVER (ORDER BY received_at, file_name, file_sha256) AS place
    FROM outcome_files
    WHERE month = getvariable('month') AND status = 'accepted'
)

SELECT
    told.month,
    told.case_id,
    any_value(known.address_key) AS address_key,
    any_value(known.worklist) AS worklist,
    told.attempt,
    arg_max(told.contact_kind, files.place) AS contact_kind,
    arg_max(told.reached, files.place) AS reached,
    arg_max(told.contacted_on, files.place) AS contacted_on,
    arg_max(told.day_part, files.place) AS day_part,
    max(files.received_at) AS reported_at,
    arg_max(told.file_sha256, files.place) AS file_sha256
FROM outcome_rows AS told
INNER JOIN files ON told.file_sha256 = files.file_sha256
INNER JOIN known_cases AS known ON told.case_id = known.case_id
WHERE told.month = getvariable('month') AND told.is_told AND len(told.reasons) = 0 AND told.contact_kind IS NOT NULL
GROUP BY told.month, told.case_id, told.attempt
