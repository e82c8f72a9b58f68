-- The dwellings with the written number and suffix in a street that the written one can mean, wherever they stand.
-- Needs: tables letters_in_a_row, street_readings, unsettled_addresses; address_macros.sql.
SELECT
    written.address_no,
    written.typed,
    written.mended,
    written.digits_only,
    written.city AS written_city,
    dwelling.address_key,
    dwelling.postcode,
    dwelling.street,
    dwelling.city,
    dwelling.municipality,
    reading.how,
    reading.weight
FROM unsettled_addresses AS written
INNER JOIN street_readings AS reading ON written.street_text = reading.text
INNER JOIN dwellings AS dwelling
    ON reading.street = dwelling.street AND written.number = dwelling.house_number
LEFT JOIN letters_in_a_row AS letter ON dwelling.address_key = letter.address_key
WHERE suffix_fit(dwelling.suffix, dwelling.meaning, written.suffix, written.other_suffix, written.meaning)
    <= CASE WHEN letter.address_key IS NULL THEN 2 ELSE 1 END
QUALIFY rank() OVER (
    PARTITION BY written.address_no, dwelling.street, dwelling.postcode
    ORDER BY suffix_fit(dwelling.suffix, dwelling.meaning, written.suffix, written.other_suffix, written.meaning)
) = 1
