-- What a delivery of the month (all its accepted files) looks like in numbers, beside the six months before it: no
-- personal data, so that it may be shown to anyone (docs/adr/0006). Great Expectations judges these and nothing else.
-- Needs: misread_letters, month; tables ancestry, html_entities, senders.
WITH files AS (
    SELECT *
    FROM delivery_files
    -- With a sender itself nothing is agreed that its rows could be measured against.
    ANTI JOIN senders ON delivery_files.partner = senders.sender
    WHERE month = getvariable('month') AND status = 'accepted'
),

-- All files of a delivery together, but not what adds to one that is still to come.
delivered AS (
    SELECT
        getvariable('month') AS month,
        partner,
        sum(row_count)::INTEGER AS row_count,
        sum(accepted_count)::INTEGER AS accepted_count,
        sum(rejected_count)::INTEGER AS rejected_count,
        max(reference_date_max) AS reference_date_max,
        any_value(due_at) AS due_at,
        list_distinct(flatten(list(missing_optional))) AS missing_optional,
        list_distinct(flatten(list(unexpected_columns))) AS unexpected_columns
    FROM files
    GROUP BY partner
    HAVING bool_or(delivers)
),

reasons AS (
    SELECT
        partner,
        count(*) FILTER (WHERE list_contains(reasons, 'outdated')) AS outdated,
        count(*) FILTER (WHERE list_contains(reasons, 'outside_area')) AS outside_area,
        count(*) FILTER (WHERE list_contains(reasons, 'duplicate_in_delivery')) AS doubles
    FROM rejected_rows
    WHERE month = getvariable('month')
    GROUP BY partner
),

signals AS (
    SELECT
        partner,
        median(days_in_arrears) AS median_days,
        count(*) FILTER (WHERE needs_review) AS needs_review,
        count(*) FILTER (WHERE NOT reminder_sent) / nullif(count(reminder_sent), 0) AS share_without_reminder
    FROM validated_signals
    WHERE month = getvariable('month')
    GROUP BY partner
),

-- Of rejected rows too: an amount that was read a hundred times too low is below every threshold.
amounts AS (
    SELECT
        partner,
        median(amount_due) AS median_amount
    FROM (
        SELECT
            partner,
            amount_due
        FROM validated_signals
        WHERE month = getvariable('month')
        UNION ALL
        SELECT
            partner,
            amount_due
        FROM rejected_rows
        WHERE month = getvariable('month') AND amount_due > 0
    )
    GROUP BY partner
),

-- The names of people, streets and towns in each row, as delivered.
names AS (
    SELECT
        partner,
        concat_ws(' ', surname, initials, prefix, street, city) AS written
    FROM raw.delivery_rows SEMI JOIN files USING (partner, file_sha256)
    WHERE month = getvariable('month')
),

-- Most names have neither a sign & nor a letter outside ASCII.
misread AS (
    SELECT
        partner,
        count(*) FILTER (
            regexp_matches(written, '&#([0-9]{1,7}|[Xx][0-9A-Fa-f]{1,6});')
            OR list_has_any(
                regexp_extract_all(lower(written), '&([a-z][a-z0-9]*);', 1), (SELECT list(name) FROM html_entities)
            )
        ) AS escaped_names,
        count(*) FILTER (regexp_matches(written, getvariable('misread_letters'))) AS twice_encoded_names
    FROM names
    WHERE contains(written, '&') OR strlen(written) > length(written)
    GROUP BY partner
),

usual AS (
    SELECT
        ancestry.partner,
        median(past.row_count) AS usual_rows,
        median(past.median_amount) AS usual_amount,
        median(past.median_days) AS usual_days,
        median(past.share_outside_area) AS usual_outside_area,
        count(DISTINCT past.month) AS months
    FROM ancestry
    INNER JOIN delivery_measures AS past ON ancestry.ancestor = past.partner
    WHERE past.month >= getvariable('month') - INTERVAL 6 MONTH AND past.month < getvariable('month')
    GROUP BY ancestry.partner
)

SELECT
    delivered.month,
    delivered.partner,
    delivered.row_count,
    delivered.accepted_count,
    delivered.rejected_count,
    delivered.rejected_count / nullif(delivered.row_count, 0) AS share_rejected,
    coalesce(reasons.outdated, 0) / nullif(delivered.row_count, 0) AS share_outdated,
    coalesce(reasons.doubles, 0) / nullif(delivered.row_count, 0) AS share_doubles,
    coalesce(signals.needs_review, 0) / nullif(delivered.accepted_count, 0) AS share_needs_review,
    delivered.due_at::DATE - delivered.reference_date_max AS reference_date_age,
    len(delivered.missing_optional) AS missing_columns,
    len(delivered.unexpected_columns) AS unexpected_columns,
    amounts.median_amount,
    -- One month is no habit.
    CASE WHEN usual.months > 1 THEN delivered.row_count / nullif(usual.usual_rows, 0) END AS rows_to_usual,
    CASE WHEN usual.months > 1 THEN amounts.median_amount / nullif(usual.usual_amount, 0) END AS amount_to_usual,
    signals.median_days,
    CASE WHEN usual.months > 1 THEN signals.median_days / nullif(usual.usual_days, 0) END AS days_to_usual,
    coalesce(reasons.outside_area, 0) / nullif(delivered.row_count, 0) AS share_outside_area,
    -- Without a habit nothing is usual.
    share_outside_area - CASE WHEN usual.months > 1 THEN coalesce(usual.usual_outside_area, 0) ELSE 0 END
        AS outside_area_above_usual,
    coalesce(misread.escaped_names, 0) AS escaped_names,
    coalesce(misread.twice_encoded_names, 0) AS twice_encoded_names,
    signals.share_without_reminder
FROM delivered
LEFT JOIN reasons ON delivered.partner = reasons.partner
LEFT JOIN signals ON delivered.partner = signals.partner
LEFT JOIN amounts ON delivered.partner = amounts.partner
LEFT JOIN misread ON delivered.partner = misread.partner
LEFT JOIN usual ON delivered.partner = usual.partner
