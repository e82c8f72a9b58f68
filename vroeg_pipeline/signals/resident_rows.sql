-- The rows of the month as residents who asked for something are found in them (DOMAIN §14): at the address as it was
-- written, and at the one that it means.
-- Needs: tables addressed_rows; macros.sql.
WITH known AS (
    SELECT
        struct_pack(partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place,
        partner,
        customer_reference,
        written_postcode,
        nullif(number_and_rest(house_number_text).number, '') AS written_number,
        postcode,
        house_number::VARCHAR AS house_number,
        surname,
        birth_date
    FROM addressed_rows
)

SELECT
    place,
    partner,
    customer_reference,
    postcode,
    house_number,
    surname,
    birth_date
FROM known
UNION ALL
SELECT
    place,
    partner,
    NULL AS customer_reference,
    written_postcode AS postcode,
    written_number AS house_number,
    surname,
    birth_date
FROM known
WHERE (written_postcode, written_number) IS DISTINCT FROM (postcode, house_number)
