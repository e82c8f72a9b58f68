-- The doors of the resident by month: what came of each as a whole, and whether all of that is about them alone. It is
-- where nobody else has a signal there, and the months in which the door was reported before are theirs too.
-- Needs: tables own_rows, resident_doors.
WITH received AS (
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        received_at
    FROM validated_signals
    UNION ALL
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        received_at
    FROM contacted_signals
),

-- Since when a team can have been told of them: also by a file that was replaced.
own_since AS (
    SELECT
        own.month,
        min(coalesce(file.received_at, received.received_at)) AS received_at
    FROM own_rows AS own
    LEFT JOIN rejected_rows AS rejected USING (month, partner, file_sha256, row_number)
    LEFT JOIN received USING (month, partner, file_sha256, row_number)
    LEFT JOIN delivery_files AS file
        ON own.month = file.month AND own.partner = file.partner AND own.file_sha256 = file.file_sha256
    WHERE rejected.reasons IS NULL OR received.received_at IS NOT NULL
    GROUP BY own.month
),

since AS (
    SELECT
        door.*,
        own_since.received_at AS own_since
    FROM resident_doors AS door
    LEFT JOIN own_since USING (month)
),

entries AS (
    SELECT
        month,
        address_key,
        worklist,
        rank,
        tier_name,
        action,
        deadline,
        explanation,
        known_to,
        coalesce(aftercare, false) AS has_aftercare
    FROM prioritised_worklists
    UNION ALL BY NAME
    SELECT
        month,
        address_key,
        worklist,
        tier_name,
        deadline,
        known_to,
        -- Whether they had it is not kept; of a new address nobody had.
        recidivism_kind <> 'new' AS has_aftercare
    FROM contacted_reports
    ANTI JOIN prioritised_worklists USING (month, address_key)
),

-- When the door was reported with signals of theirs alone.
reported AS (
    SELECT
        door.month,
        door.address_key
    FROM resident_doors AS door
    INNER JOIN recidivism_history AS history
        ON door.month = history.month AND door.address_key = history.address_key
    WHERE NOT history.only_repeats AND NOT door.has_others
),

earlier AS (
    SELECT
        history.month,
        history.address_key,
        history.times_reported,
        count(reported.month) AS own_times
    FROM recidivism_history AS history
    SEMI JOIN resident_doors USING (month, address_key)
    LEFT JOIN reported
        ON history.address_key = reported.address_key
        AND history.first_reported_month <= reported.month AND history.month > reported.month
    GROUP BY ALL
)

SELECT
    since.month,
    since.address_key,
    since.has_others,
    since.own_since,
    NOT since.has_others
    AND coalesce(earlier.times_reported = earlier.own_times, true)
    AND (NOT coalesce(entry.has_aftercare, false) OR coalesce(earlier.times_reported, 0) > 0) AS is_own,
    entry.* EXCLUDE (month, address_key, has_aftercare)
FROM since
LEFT JOIN entries AS entry USING (month, address_key)
LEFT JOIN earlier USING (month, address_key)
ORDER BY since.month, since.address_key
