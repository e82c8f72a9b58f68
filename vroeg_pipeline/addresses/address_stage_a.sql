-- Stage A: postcode, number and suffix are one dwelling, and the street agrees or is absent.
-- Needs: tables found_by_postcode, street_agreements, street_readings, written_addresses; address_macros.sql.
SELECT
    written.address_no,
    found.status,
    dwelling.address_key,
    CASE
        WHEN written.street_text IS NULL OR dwelling.street IS NULL THEN 'absent'
        ELSE coalesce(reading.how, agreement.how)
    END AS street
FROM found_by_postcode AS found
INNER JOIN written_addresses AS written USING (address_no)
INNER JOIN dwellings AS dwelling USING (address_key)
LEFT JOIN street_readings AS reading
    ON written.street_text = reading.text AND dwelling.street = reading.street AND reading.best
LEFT JOIN street_agreements AS agreement
    ON written.street_text = agreement.text AND dwelling.street = agreement.street
WHERE found.status IN ('exact', 'normalised')
    AND NOT written.two_numbers
    AND (
        written.street_text IS NULL OR dwelling.street IS NULL
        OR reading.how IS NOT NULL OR agreement.how IS NOT NULL
    )
