-- What came of the last contact at each address of the month, in one line in Dutch, by what teams returned: in the
-- look-back, with this month (`told`) and without. Nothing of who may have lived there before (DOMAIN §8).
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

contacts AS (
    SELECT
        former.address_key,
        cases.month,
        (coalesce(cases.last_on, cases.month), cases.month, cases.case_id) AS place,
        concat_ws(
            '; ',
            strftime(cases.last_on, '%d-%m')
            || CASE
                WHEN year(cases.last_on) = year(getvariable('month')) THEN ' '
                ELSE strftime(cases.last_on, '-%Y ')
            END
            || lower(cases.contact_kind) || CASE WHEN cases.reached = '' THEN '' ELSE ', ' || cases.reached END,
            CASE WHEN cases.attempts > 1 THEN 'in totaal ' || cases.attempts || ' pogingen' END,
            CASE WHEN cases.last_on IS NULL THEN 'melding van ' || strftime(cases.month, '%m-%Y') || ': ' ELSE '' END
            || cases.end_result
        ) AS told
    FROM former
    INNER JOIN cases ON former.month = cases.month AND case_id_of(former.month, former.former_key) = cases.case_id
)

SELECT
    address_key,
    arg_max(told, place) AS told,
    arg_max(told, place) FILTER (WHERE month < getvariable('month')) AS told_before
FROM contacts
GROUP BY address_key
