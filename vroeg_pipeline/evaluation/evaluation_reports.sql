-- The addresses of the month by what they were and what came of them, counted; no address is in it. Who was contacted
-- stays a report, whatever its partners took back since (DOMAIN §10). An outcome that came back for an address that was
-- not reported any more is counted too (`gone`): nothing that came back is lost.
-- What was done behind a desk (Administratief) is no contact.
-- Needs: first_contact_days, has_known_clients, help_results, month, now; tables reports; macros.sql.
WITH contact AS (
    SELECT
        address_key,
        min(contacted_on) FILTER (WHERE contact_kind <> 'Administratief') AS first_contact_on,
        coalesce(bool_or(reached) FILTER (WHERE contact_kind <> 'Administratief'), false) AS reached
    FROM contact_attempts
    WHERE month = getvariable('month')
    GROUP BY address_key
),

result AS (
    SELECT
        address_key,
        end_result
    FROM results_of_addresses
    WHERE month = getvariable('month')
),

outcome AS (
    SELECT
        address_key,
        contact.first_contact_on,
        coalesce(contact.reached, false) AS reached,
        result.end_result
    FROM contact
    FULL JOIN result USING (address_key)
),

-- When the signals that stand were delivered first, in a file that was replaced since.
replaced AS (
    SELECT
        raw.partner,
        text_of(raw.customer_reference) AS customer_reference,
        min(file.received_at)::DATE AS first_received_on
    FROM delivery_files AS file
    INNER JOIN raw.delivery_rows AS raw
        ON file.month = raw.month AND file.partner = raw.partner AND file.file_sha256 = raw.file_sha256
    WHERE file.month = getvariable('month') AND file.status = 'superseded'
    GROUP BY ALL
),

before AS (
    SELECT
        signal.address_key,
        min(replaced.first_received_on) AS first_received_on
    FROM (
        FROM validated_signals
        WHERE month = getvariable('month') AND held_reason IS NULL
        UNION ALL BY NAME
        FROM contacted_signals
        WHERE month = getvariable('month')
    ) AS signal
    INNER JOIN replaced ON signal.partner = replaced.partner AND signal.customer_reference = replaced.customer_reference
    GROUP BY signal.address_key
),

-- A month that was made before its known clients were counted is taken as it was.
known_clients AS (
    SELECT coalesce(bool_or(is_usable), getvariable('has_known_clients')) AS is_usable
    FROM known_client_counts
    WHERE month = getvariable('month')
),

-- With all that they had when they were contacted.
contacted AS (
    SELECT * EXCLUDE (month)
    FROM contacted_reports
    WHERE month = getvariable('month')
),

reported AS (
    SELECT
        reports.* EXCLUDE (month),
        known_clients.is_usable AS is_known_told
    FROM reports
    ANTI JOIN contacted USING (address_key)
    CROSS JOIN known_clients
    UNION ALL BY NAME
    SELECT
        contacted.*,
        known_clients.is_usable AS is_known_told
    FROM contacted
    CROSS JOIN known_clients
)

SELECT
    getvariable('month') AS month,
    CASE
        WHEN reported.worklist IS NOT NULL THEN 'report'
        WHEN reported.address_key IS NOT NULL THEN 'only_repeats'
        ELSE 'gone'
    END AS kind,
    reported.worklist,
    reported.tier,
    reported.tier_name,
    reported.has_rent,
    reported.match_kind,
    reported.on_light_track,
    reported.recidivism_kind,
    reported.in_six_months,
    -- Who is known cannot be told of an address that is not certain, nor where no register of known clients is linked,
    -- or most of them have no address.
    CASE
        WHEN NOT reported.is_known_told THEN NULL
        WHEN reported.known_to IS NOT NULL THEN 'known'
        WHEN NOT reported.needs_review AND reported.worklist IS NOT NULL THEN 'unknown'
    END AS known,
    coalesce(outcome.first_contact_on IS NOT NULL, false) AS attempted,
    coalesce(outcome.reached, false) AS reached,
    outcome.first_contact_on - coalesce(before.first_received_on, reported.first_received_on) AS first_contact_days,
    CASE
        WHEN outcome.first_contact_on IS NOT NULL
            THEN outcome.first_contact_on
                <= least(reported.deadline, before.first_received_on + getvariable('first_contact_days')::INTEGER)
        WHEN reported.deadline < getvariable('now')::DATE THEN false
    END AS in_time,
    outcome.end_result,
    coalesce(list_contains(getvariable('help_results'), outcome.end_result), false) AS help_accepted,
    count(*) AS reports,
    coalesce(sum(reported.signal_count), 0)::BIGINT AS signals
FROM reported
FULL JOIN outcome USING (address_key)
-- Who was contacted by then was so by the delivery before.
LEFT JOIN before
    ON
        CASE
            WHEN reported.first_received_on >= outcome.first_contact_on THEN reported.address_key
        END = before.address_key
        AND outcome.first_contact_on >= before.first_received_on
GROUP BY ALL
