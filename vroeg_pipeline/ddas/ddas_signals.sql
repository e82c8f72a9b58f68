-- The signals of the months from first_month to last_month as DDAS wants them: validated ones, and rejected rows that
-- are a signal to it. `cases`: those that count in a report. Each has a municipality on whose behalf it is delivered:
-- that of its address, else (outside the area, or unknown) the first one that its partner's agreement names.
-- Needs: first_month, first_municipality, last_month; tables agreed_municipalities, known_bsn.
WITH signals AS (
    SELECT
        month,
        signal_id,
        partner,
        partner_type,
        received_at,
        municipality,
        address_key,
        held_reason IS NULL AS counts,
        crisis,
        warm_handover,
        amount_due,
        arrears_since,
        birth_date,
        postcode,
        house_number,
        house_letter || house_number_addition AS suffix
    FROM validated_signals
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month')
    UNION ALL BY NAME
    SELECT
        month,
        concat_ws('-', partner, strftime(month, '%Y%m'), file_sha256[:12], row_number) AS signal_id,
        partner,
        partner_type,
        received_at,
        municipality,
        false AS counts,
        crisis,
        warm_handover,
        amount_due,
        arrears_since,
        birth_date,
        postcode,
        house_number,
        house_letter || house_number_addition AS suffix
    FROM rejected_rows
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month') AND postcode IS NOT NULL
),

served AS (
    SELECT
        signal.* EXCLUDE (municipality),
        CASE
            WHEN list_contains(agreed.municipalities, signal.municipality) THEN signal.municipality
            ELSE coalesce(agreed.municipalities[1], getvariable('first_municipality'))
        END AS municipality
    FROM signals AS signal
    LEFT JOIN agreed_municipalities AS agreed USING (partner)
),

-- What is reported together is delivered together, also where partners of two municipalities report an address of which
-- nobody knows the municipality.
together AS (
    SELECT
        month,
        address_key,
        min(municipality) AS municipality
    FROM served
    WHERE address_key IS NOT NULL
    GROUP BY ALL
)

SELECT
    served.* EXCLUDE (municipality, received_at, partner),
    coalesce(together.municipality, served.municipality) AS municipality,
    served.received_at::DATE AS received_on,
    status.ddas_status,
    known.bsn
FROM served
LEFT JOIN together USING (month, address_key)
INNER JOIN signal_statuses AS status ON served.month = status.month AND served.signal_id = status.signal_id
LEFT JOIN known_bsn AS known ON served.signal_id = known.signal_id
