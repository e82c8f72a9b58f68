-- Everything that is held of anybody, a row each time it is known: as it was delivered, as it was understood, and what
-- is left of both by itself.
-- Needs: tables agreement_terms; macros.sql.
SELECT
    struct_pack(
        month := raw.month, partner := raw.partner, file_sha256 := raw.file_sha256, row_number := raw.row_number
    ) AS place,
    raw.partner,
    text_of(raw.customer_reference) AS customer_reference,
    postcode_of(text_of(raw.postcode)) AS postcode,
    nullif(number_and_rest(text_of(raw.house_number)).number, '') AS house_number,
    text_of(raw.surname) AS surname,
    date_of(
        text_of(raw.birth_date), terms.date_format, coalesce(list_contains(raw.typed, 'birth_date'), false)
    ) AS birth_date
FROM raw.delivery_rows AS raw
LEFT JOIN agreement_terms AS terms ON raw.partner = terms.partner
UNION ALL
SELECT
    struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place,
    partner,
    customer_reference,
    postcode,
    house_number::VARCHAR AS house_number,
    surname,
    birth_date
FROM validated_signals
UNION ALL
SELECT
    struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place,
    partner,
    customer_reference,
    postcode,
    house_number::VARCHAR AS house_number,
    NULL AS surname,
    birth_date
FROM rejected_rows
UNION ALL
SELECT
    struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place,
    partner,
    customer_reference,
    postcode,
    house_number::VARCHAR AS house_number,
    NULL AS surname,
    birth_date
FROM contacted_signals
