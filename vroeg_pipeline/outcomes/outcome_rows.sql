-- What the rows of the month's returned worklists say (`told_cells`), and why some cannot be read. Whether a Kenmerk
-- is known is not asked here: the worklists of the month need not be made yet.
-- Needs: month; tables judged_outcome_files, listed, told_cells; macros.sql.
WITH cells AS (
    SELECT
        told.*,
        file.received_at,
        lower(text_of(told.case_id[2:])) AS case_text,
        text_of(told.attempt[2:]) AS attempt_text,
        listed_text(told.contact_kind) AS kind_text,
        listed_text(told.reached) AS reached_text,
        text_of(told.contacted_on[2:]) AS date_text,
        listed_text(told.day_part) AS part_text,
        listed_text(told.end_result) AS result_text
    FROM told_cells AS told
    INNER JOIN judged_outcome_files AS file ON told.file_sha256 = file.file_sha256 AND file.status = 'accepted'
),

read_cells AS (
    SELECT
        *,
        CASE
            WHEN attempt_text IS NULL THEN 1
            WHEN regexp_full_match(attempt_text, '[1-9][0-9]?') THEN attempt_text::INTEGER
        END AS attempt_read,
        kinds.value AS kind_read,
        CASE
            WHEN list_contains(['ja', 'j', 'true', 'waar', '1', 'x'], reached_text) THEN true
            WHEN list_contains(['nee', 'n', 'false', 'onwaar', '0'], reached_text) THEN false
        END AS reached_read,
        CASE
            WHEN contacted_on[1] = 'n' THEN NULL
            WHEN regexp_full_match(date_text, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ][0-9:.]+)?')
                THEN try_strptime(regexp_extract(date_text, '[0-9-]+'), '%Y-%m-%d')::DATE
            WHEN regexp_full_match(date_text, '[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}( [0-9:.]+)?')
                THEN try_strptime(translate(regexp_extract(date_text, '[0-9-/.]+'), '/.', '--'), '%d-%m-%Y')::DATE
        END AS date_read,
        parts.value AS part_read,
        results.value AS result_read,
        coalesce(kind_text, reached_text, date_text, part_text) IS NOT NULL AS is_attempt
    FROM cells
    LEFT JOIN listed AS kinds ON kinds.field = 'contact_kind' AND cells.kind_text = lower(kinds.value)
    LEFT JOIN listed AS parts ON parts.field = 'day_part' AND cells.part_text = lower(parts.value)
    LEFT JOIN listed AS results ON results.field = 'end_result' AND cells.result_text = lower(results.value)
),

judged AS (
    SELECT
        *,
        list_filter(
            [
                coalesce(not_taken('Kenmerk', case_id), CASE WHEN case_text IS NULL THEN 'Kenmerk: ontbreekt' END),
                coalesce(
                    not_taken('Poging', attempt),
                    CASE WHEN attempt_read IS NULL THEN 'Poging: is geen getal van 1 tot en met 99' END
                ),
                coalesce(
                    not_taken('Soort contact', contact_kind),
                    CASE
                        WHEN kind_text IS NOT NULL AND kind_read IS NULL THEN 'Soort contact: staat niet in de lijst'
                        WHEN kind_text IS NULL AND is_attempt THEN 'Soort contact: ontbreekt bij deze poging'
                    END
                ),
                coalesce(
                    not_taken('Bereikt', reached),
                    CASE WHEN reached_text IS NOT NULL AND reached_read IS NULL THEN 'Bereikt: kies Ja of Nee' END
                ),
                coalesce(
                    not_taken('Datum contact', contacted_on),
                    CASE
                        WHEN date_text IS NULL AND is_attempt THEN 'Datum contact: ontbreekt bij deze poging'
                        WHEN date_text IS NOT NULL AND date_read IS NULL
                            THEN 'Datum contact: is geen datum; schrijf dag-maand-jaar, bijvoorbeeld 15-03-2021'
                        WHEN date_read > received_at::DATE
                            THEN 'Datum contact: ligt na de dag waarop wij het bestand kregen ('
                                || strftime(received_at::DATE, '%d-%m-%Y') || ')'
                        WHEN date_read < getvariable('month')
                            THEN 'Datum contact: ligt voor de maand van de werklijst'
                    END
                ),
                coalesce(
                    not_taken('Dagdeel', day_part),
                    CASE WHEN part_text IS NOT NULL AND part_read IS NULL THEN 'Dagdeel: staat niet in de lijst' END
                ),
                coalesce(
                    not_taken('Eindresultaat', end_result),
                    CASE
                        WHEN result_text IS NOT NULL AND result_read IS NULL
                            THEN 'Eindresultaat: staat niet in de lijst'
                    END
                )
            ],
            lambda reason: reason IS NOT NULL
        ) AS found
    FROM read_cells
),

-- The same attempt twice in one file with other words: a row that was copied and not numbered. Which of the two is
-- meant is not guessed.
compared AS (
    SELECT
        *,
        is_told AND len(found) = 0 AND coalesce(
            min(kind_read) OVER attempts <> max(kind_read) OVER attempts
            OR min(reached_read) OVER attempts <> max(reached_read) OVER attempts
            OR min(date_read) OVER attempts <> max(date_read) OVER attempts
            OR min(part_read) OVER attempts <> max(part_read) OVER attempts
            OR min(result_read) OVER attempts <> max(result_read) OVER attempts,
            false
        ) AS contradicted
    FROM judged
    WINDOW attempts AS (PARTITION BY file_sha256, case_text, attempt_read, is_told AND len(found) = 0)
)

SELECT
    getvariable('month') AS month,
    file_sha256,
    coalesce(sheet, '') AS sheet,
    row_number,
    is_told,
    case_text AS case_id,
    attempt_read AS attempt,
    kind_read AS contact_kind,
    reached_read AS reached,
    date_read AS contacted_on,
    part_read AS day_part,
    result_read AS end_result,
    CASE
        WHEN NOT is_told THEN []
        WHEN contradicted
            THEN ['Poging: staat twee keer bij dit kenmerk, met andere gegevens; nummer de pogingen 1, 2, 3']
        ELSE found
    END AS reasons,
    CASE WHEN is_told THEN [
        case_id, attempt, contact_kind, reached, contacted_on, day_part, end_result, address
    ] ELSE [] END AS written
FROM compared
