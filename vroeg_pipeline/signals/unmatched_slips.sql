-- How many references that a partner withdrew or confirmed are of no row that it delivered for the month: what was
-- meant goes on as if nothing had been said (DOMAIN §10). Nothing is said of a partner whose delivery is still to come.
-- Needs: month; tables confirmations, withdrawals.
WITH slips AS (
    SELECT DISTINCT
        partner,
        'withdrawals' AS kind,
        customer_reference
    FROM withdrawals
    UNION ALL
    SELECT DISTINCT
        partner,
        'confirmations' AS kind,
        customer_reference
    FROM confirmations
),

delivered AS (
    SELECT
        partner,
        customer_reference
    FROM validated_signals
    WHERE month = getvariable('month')
    UNION
    SELECT
        partner,
        customer_reference
    FROM rejected_rows
    WHERE month = getvariable('month')
)

SELECT
    slips.partner,
    slips.kind,
    count(*) FILTER (WHERE delivered.partner IS NULL) AS unmatched,
    count(*) AS told
FROM slips
LEFT JOIN delivered
    ON slips.partner = delivered.partner AND slips.customer_reference = delivered.customer_reference
WHERE
    slips.customer_reference IS NOT NULL
    AND slips.partner IN (
        SELECT partner FROM delivery_files
        WHERE month = getvariable('month') AND status = 'accepted'
    )
GROUP BY slips.partner, slips.kind
HAVING unmatched > 0
ORDER BY slips.partner, slips.kind
