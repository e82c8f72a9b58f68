-- Rows with something filled in that could not be read, with every reason. A Kenmerk that is not of the month may be of
-- another one (`other_cases`): then its team is told which.
-- Needs: month; tables known_cases, other_cases.
SELECT
    told.month,
    told.file_sha256,
    told.sheet,
    told.row_number,
    list_concat(
        told.reasons,
        CASE
            WHEN told.case_id IS NULL OR known.case_id IS NOT NULL THEN []
            WHEN other.month IS NOT NULL
                THEN [
                    'Kenmerk: hoort bij de werklijst van ' || strftime(other.month, '%m-%Y')
                    || '; lever deze regel aan in de map van die maand'
                ]
            ELSE ['Kenmerk: kennen wij niet in deze maand']
        END
    ) AS reasons
FROM outcome_rows AS told
INNER JOIN outcome_files AS file ON told.month = file.month AND told.file_sha256 = file.file_sha256
LEFT JOIN known_cases AS known ON told.case_id = known.case_id
LEFT JOIN other_cases AS other ON told.case_id = other.case_id
WHERE
    told.month = getvariable('month') AND file.status = 'accepted' AND told.is_told
    AND (len(told.reasons) > 0 OR known.case_id IS NULL)
