-- The rows of the month behind one in the same file of the same customer and address that was erased since (DOMAIN §5,
-- §14).
-- Needs: month; tables erased_rows; hash_macros.sql.
SELECT DISTINCT
    line.partner,
    line.file_sha256,
    line.row_number
FROM raw.delivery_rows AS line
INNER JOIN erased_rows AS erased
    ON line.partner = erased.partner
    AND line.file_sha256 = erased.file_sha256
    AND line.row_number > erased.row_number
    AND customer_at_address_hash(line.partner, line) = erased.at_address
WHERE line.month = getvariable('month')
