-- Without a street: the dwellings with the written number and suffix at a postcode one typing error away, where the
-- written one is not in the register. O for 0 and I for 1 are likelier than any other error.
-- Needs: tables letters_in_a_row, near_postcodes, unsettled_addresses; address_macros.sql.
SELECT
    written.address_no,
    dwelling.address_key,
    dwelling.postcode,
    dwelling.municipality,
    CASE WHEN written.mended = dwelling.postcode THEN 0 ELSE 1 END AS errors
FROM unsettled_addresses AS written
INNER JOIN near_postcodes AS near ON written.typed = near.typed
INNER JOIN dwellings AS dwelling
    ON near.postcode = dwelling.postcode AND written.number = dwelling.house_number
LEFT JOIN letters_in_a_row AS letter ON dwelling.address_key = letter.address_key
WHERE written.street_text IS NULL
    AND suffix_fit(dwelling.suffix, dwelling.meaning, written.suffix, written.other_suffix, written.meaning)
    <= CASE WHEN letter.address_key IS NULL THEN 2 ELSE 1 END
QUALIFY rank() OVER (
    PARTITION BY written.address_no, dwelling.postcode
    ORDER BY suffix_fit(dwelling.suffix, dwelling.meaning, written.suffix, written.other_suffix, written.meaning)
) = 1
