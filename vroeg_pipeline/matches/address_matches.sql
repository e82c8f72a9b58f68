-- One row an address that the month's signals report, held ones left out (DOMAIN §7). What is on the light track, below
-- the threshold, stands beside the others: it makes no multiple and no rent.
-- Needs: month, mortgage_is_housing; tables last_successor; macros.sql.
WITH counted AS (
    SELECT
        signal.*,
        coalesce(lineage.successor, signal.partner) AS one_partner,
        coalesce(signal.on_light_track, false) AS is_light,
        signal.partner_type = 'Huur'
        OR (signal.partner_type = 'Hypotheek' AND getvariable('mortgage_is_housing')) AS is_rent
    FROM validated_signals AS signal
    LEFT JOIN last_successor AS lineage USING (partner)
    WHERE signal.month = getvariable('month') AND signal.held_reason IS NULL
)

SELECT
    getvariable('month') AS month,
    address_key,
    CASE WHEN count(DISTINCT one_partner) FILTER (NOT is_light) > 1 THEN 'multiple' ELSE 'single' END AS match_kind,
    count(*) AS signal_count,
    coalesce(nullif(count(DISTINCT one_partner) FILTER (NOT is_light), 0), count(DISTINCT one_partner))
        AS partner_count,
    list_sort(list(DISTINCT partner)) AS partners,
    list_sort(list(DISTINCT partner_type)) AS partner_types,
    total_of(amount_due) AS total_amount,
    max(days_in_arrears) AS longest_days,
    min(arrears_since) AS earliest_arrears_since,
    bool_or(is_rent AND NOT is_light) AS has_rent,
    bool_or(crisis) AS has_crisis,
    count(*) FILTER (is_light) AS light_signal_count,
    bool_or(warm_handover) AS warm_handover,
    bool_or(needs_review) AS needs_review,
    bool_or(address_status = 'repaired') AS is_repaired,
    any_value(nummeraanduiding_id) AS nummeraanduiding_id,
    any_value(adresseerbaar_object_id) AS adresseerbaar_object_id,
    any_value(buurtcode) AS buurtcode,
    min(for_municipality) AS for_municipality,
    min(coalesce(first_received_at, received_at))::DATE AS first_received_on,
    (min(coalesce(crisis_received_at, received_at)) FILTER (WHERE crisis))::DATE AS first_crisis_received_on
FROM counted
GROUP BY address_key
