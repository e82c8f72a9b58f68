-- What came of the last contact at each address of the month, in one line in Dutch, by what teams returned: in the
-- months of the look-back, and in this one by another list. Nothing of who may have lived there before (DOMAIN §8).
-- Needs: lookback_from, month; tables moved_addresses; macros.sql.
WITH told AS (
    SELECT
        month,
        case_id,
        max(contacted_on) AS last_on,
        arg_max(contact_kind, (contacted_on, attempt)) AS contact_kind,
        arg_max(
            CASE WHEN reached THEN 'bereikt' WHEN NOT reached THEN 'niet bereikt' ELSE '' END, (contacted_on, attempt)
        ) AS reached,
        count(*) AS attempts
    FROM told_attempts
    WHERE month >= getvariable('lookback_from') AND month <= getvariable('month') AND contacted_on IS NOT NULL
    GROUP BY month, case_id
),

ended AS (
    SELECT *
    FROM told_results
    WHERE month >= getvariable('lookback_from') AND month <= getvariable('month')
),

cases AS (
    SELECT
        coalesce(told.month, ended.month) AS month,
        coalesce(told.case_id, ended.case_id) AS case_id,
        told.* EXCLUDE (month, case_id),
        ended.end_result
    FROM told
    FULL JOIN ended
        ON told.month = ended.month AND told.case_id = ended.case_id
),

months AS (
    SELECT DISTINCT month
    FROM cases
),

same_occupants AS (
    SELECT address_key
    FROM recidivism_history
    WHERE month = getvariable('month') AND NOT possible_new_occupant
),

former AS (
    SELECT
        months.month,
        same_occupants.address_key AS former_key,
        same_occupants.address_key
    FROM same_occupants
    CROSS JOIN months
    UNION
    SELECT
        moved.month,
        moved.former_key,
        moved.address_key
    FROM moved_addresses AS moved
    SEMI JOIN same_occupants ON moved.address_key = same_occupants.address_key
    UNION
    -- An address that got another key since, none of its rows standing there any more.
    SELECT
        stood.month,
        stood.address_key AS former_key,
        stands.address_key
    FROM former_addresses AS stood
    INNER JOIN validated_signals AS stands
        ON stood.month = stands.month AND stood.partner = stands.partner
        AND stood.customer_reference = stands.customer_reference AND stood.written_address = stands.written_address
    SEMI JOIN same_occupants ON stands.address_key = same_occupants.address_key
    ANTI JOIN validated_signals AS still ON stood.month = still.month AND stood.address_key = still.address_key
),

latest AS (
    SELECT
        former.address_key,
        cases.*
    FROM former
    INNER JOIN cases ON former.month = cases.month AND case_id_of(former.month, former.former_key) = cases.case_id
    QUALIFY
        row_number() OVER (
            PARTITION BY former.address_key
            ORDER BY coalesce(cases.last_on, cases.month) DESC, cases.month DESC, cases.case_id
        ) = 1
)

SELECT
    address_key,
    concat_ws(
        '; ',
        strftime(last_on, '%d-%m')
        || CASE WHEN year(last_on) = year(getvariable('month')) THEN ' ' ELSE strftime(last_on, '-%Y ') END
        || lower(contact_kind) || CASE WHEN reached = '' THEN '' ELSE ', ' || reached END,
        CASE WHEN attempts > 1 THEN 'in totaal ' || attempts || ' pogingen' END,
        CASE WHEN last_on IS NULL THEN 'melding van ' || strftime(month, '%m-%Y') || ': ' ELSE '' END || end_result
    ) AS told
FROM latest
