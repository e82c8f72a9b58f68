-- The rows of the month as residents who asked for something are found in them (DOMAIN §14): at the address that each
-- means.
-- Needs: tables addressed_rows.
SELECT
    struct_pack(partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place,
    partner,
    customer_reference,
    postcode,
    house_number::VARCHAR AS house_number,
    surname,
    birth_date
FROM addressed_rows
