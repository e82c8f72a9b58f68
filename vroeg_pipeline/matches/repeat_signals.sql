-- Signals of the month that repeat one that was picked up less than repeat_months ago (DOMAIN §8): the same
-- reference at the same address, from the partner itself or a predecessor, for at least as high an amount.
-- Needs: month, repeats_from; tables ancestry, moved_addresses.
WITH picked_up AS (
    SELECT past.* REPLACE (coalesce(moved.address_key, past.address_key) AS address_key)
    FROM validated_signals AS past
    LEFT JOIN moved_addresses AS moved ON past.month = moved.month AND past.address_key = moved.former_key
    ANTI JOIN repeat_signals AS repeated ON past.signal_id = repeated.signal_id
    ANTI JOIN remembered_repeats AS remembered ON past.signal_id = remembered.signal_id
    WHERE past.month >= getvariable('repeats_from') AND past.month < getvariable('month')
        AND past.held_reason IS NULL AND NOT past.needs_review
)

SELECT
    getvariable('month') AS month,
    signal.signal_id,
    past.signal_id AS repeats_signal_id
FROM validated_signals AS signal
INNER JOIN ancestry ON signal.partner = ancestry.partner
INNER JOIN picked_up AS past
    ON ancestry.ancestor = past.partner
    AND signal.customer_reference = past.customer_reference
    AND signal.address_key = past.address_key
    AND signal.amount_due <= past.amount_due
WHERE signal.month = getvariable('month') AND signal.held_reason IS NULL
QUALIFY row_number() OVER (
    PARTITION BY signal.signal_id ORDER BY past.month DESC, ancestry.distance ASC, past.partner ASC
) = 1
