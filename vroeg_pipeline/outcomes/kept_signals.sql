-- Signals of cases of the month that were withdrawn, restricted, objected to or replaced after the case was contacted
-- or ended: they stay picked up (DOMAIN §10). What is delivered again, at the same address, stands for what was there
-- before.
-- Needs: month; tables agreement_terms, confirmations, known_cases, left_rows, requested, restrictions, told_cases,
-- withdrawals.
WITH contacted AS (
    SELECT
        known.address_key,
        min(told.told_at) AS told_at
    FROM told_cases AS told
    INNER JOIN known_cases AS known ON told.case_id = known.case_id
    GROUP BY known.address_key
),

withdrawn AS (
    SELECT
        partner,
        customer_reference,
        min(received_at) AS withdrawn_at
    FROM withdrawals
    GROUP BY partner, customer_reference
),

restricted AS (
    SELECT
        requested.place AS signal_id,
        min(restrictions.asked_at) AS restricted_at
    FROM requested
    INNER JOIN restrictions USING (number)
    GROUP BY requested.place
),

present AS (
    SELECT *
    FROM validated_signals
    WHERE month = getvariable('month')
),

gone AS (
    SELECT *
    FROM left_rows
    ANTI JOIN present USING (partner, customer_reference, address_key)
),

candidates AS (
    SELECT
        *,
        NULL::TIMESTAMPTZ AS left_at
    FROM present
    WHERE held_reason IN ('restricted', 'withdrawn')
    UNION ALL BY NAME
    FROM gone
)

SELECT candidates.* REPLACE (NULL::VARCHAR AS held_reason)
FROM candidates
INNER JOIN contacted ON candidates.address_key = contacted.address_key
INNER JOIN agreement_terms AS terms ON candidates.partner = terms.partner
LEFT JOIN withdrawn
    ON candidates.partner = withdrawn.partner AND candidates.customer_reference = withdrawn.customer_reference
LEFT JOIN restricted ON candidates.signal_id = restricted.signal_id
WHERE
    coalesce(restricted.restricted_at > contacted.told_at, true)
    AND coalesce(withdrawn.withdrawn_at > contacted.told_at, true)
    AND coalesce(candidates.left_at > contacted.told_at, true)
    AND (
        NOT terms.confirmation_asked
        OR (candidates.partner, candidates.customer_reference) IN (
            SELECT (partner, customer_reference) FROM confirmations
        )
    )
QUALIFY row_number() OVER (
    PARTITION BY candidates.partner, candidates.customer_reference, candidates.address_key, candidates.left_at IS NULL
    ORDER BY candidates.left_at DESC, candidates.row_number ASC
) = 1 OR candidates.left_at IS NULL
