-- The signals of the months from first_month to last_month as DDAS wants them: validated ones, those that stay as their
-- case was contacted, and rejected rows that are a signal to it. `counts`: those that count in a case. Each has a
-- municipality on whose behalf it is delivered: that of its address, else (outside the area, or unknown) the first one
-- that its partner's agreement names.
-- Needs: first_month, first_municipality, last_month; tables agreed_municipalities, known_bsn.
WITH signals AS (
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        partner_type,
        received_at,
        municipality,
        address_key,
        crisis,
        warm_handover,
        amount_due,
        arrears_since,
        birth_date,
        postcode,
        house_number,
        house_letter,
        house_number_addition
    FROM (
        FROM validated_signals
        UNION ALL BY NAME
        FROM contacted_signals ANTI JOIN validated_signals USING (month, signal_id)
        UNION ALL BY NAME
        FROM rejected_rows
        WHERE postcode IS NOT NULL
    )
    WHERE month BETWEEN getvariable('first_month') AND getvariable('last_month')
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
    served.* EXCLUDE (municipality, received_at, partner, file_sha256, row_number, arrears_since),
    -- Of a row that was rejected for it: no arrear begins after the day on which it was told.
    CASE WHEN served.arrears_since <= served.received_at::DATE THEN served.arrears_since END AS arrears_since,
    coalesce(together.municipality, served.municipality) AS municipality,
    served.received_at::DATE AS received_on,
    status.signal_id,
    status.ddas_status,
    status.in_case AS counts,
    known.bsn
FROM served
LEFT JOIN together USING (month, address_key)
INNER JOIN signal_statuses AS status USING (month, partner, file_sha256, row_number)
LEFT JOIN known_bsn AS known ON status.signal_id = known.signal_id
