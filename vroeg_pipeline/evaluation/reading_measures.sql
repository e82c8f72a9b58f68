-- Measures of each delivery as outbox/reading.duckdb has them, of all months: without what would tell a number of rows
-- that the page of the month hides, or that is small (1 to 4) by itself, or whose rest is. Rows are in the table
-- evaluation.
-- Needs: tables shown_figures.
WITH delivered AS (
    SELECT
        month,
        part AS partner,
        max(count) FILTER (figure = 'rejected') AS rejected,
        max(count) FILTER (figure = 'outdated') AS outdated
    FROM shown_figures
    WHERE subject = 'delivered'
    GROUP BY ALL
),

-- Of so many rows, so many have it; and whether either is small.
counted AS (
    SELECT
        month,
        partner,
        list_contains([1, 2, 3, 4], round(share_doubles * row_count))
        OR list_contains([1, 2, 3, 4], row_count - round(share_doubles * row_count)) AS few_doubles,
        list_contains([1, 2, 3, 4], round(share_outside_area * row_count))
        OR list_contains([1, 2, 3, 4], row_count - round(share_outside_area * row_count)) AS few_outside_area,
        list_contains([1, 2, 3, 4], round(share_needs_review * accepted_count))
        OR list_contains([1, 2, 3, 4], accepted_count - round(share_needs_review * accepted_count)) AS few_to_review,
        list_contains([1, 2, 3, 4], round(share_without_reminder * accepted_count))
        OR list_contains([1, 2, 3, 4], accepted_count - round(share_without_reminder * accepted_count)) AS few_reminders
    FROM delivery_measures
)

SELECT
    measured.month,
    measured.partner,
    CASE WHEN delivered.rejected IS NOT NULL THEN measured.share_rejected END AS share_rejected,
    CASE WHEN delivered.outdated IS NOT NULL THEN measured.share_outdated END AS share_outdated,
    CASE WHEN NOT counted.few_doubles THEN measured.share_doubles END AS share_doubles,
    CASE WHEN NOT counted.few_outside_area THEN measured.share_outside_area END AS share_outside_area,
    CASE WHEN NOT counted.few_to_review THEN measured.share_needs_review END AS share_needs_review,
    CASE WHEN NOT counted.few_reminders THEN measured.share_without_reminder END AS share_without_reminder,
    measured.reference_date_age,
    measured.missing_columns,
    measured.unexpected_columns,
    -- Of a few people a median is what one of them owes.
    CASE WHEN measured.accepted_count >= 5 THEN measured.median_amount END AS median_amount,
    CASE WHEN measured.accepted_count >= 5 THEN measured.median_days END AS median_days,
    measured.rows_to_usual,
    CASE WHEN measured.accepted_count >= 5 THEN measured.amount_to_usual END AS amount_to_usual,
    CASE WHEN measured.accepted_count >= 5 THEN measured.days_to_usual END AS days_to_usual
FROM delivery_measures AS measured
INNER JOIN counted ON measured.month = counted.month AND measured.partner = counted.partner
LEFT JOIN delivered ON measured.month = delivered.month AND measured.partner = delivered.partner
ORDER BY measured.month, measured.partner
