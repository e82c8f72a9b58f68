-- The entries of the register, read as addresses are (DOMAIN §6), from the view `register_as_written` of its source.
-- Needs: tables register_as_written; macros.sql, address_macros.sql.
SELECT
    identification_of(text_of(nummeraanduiding_id)) AS nummeraanduiding_id,
    identification_of(text_of(adresseerbaar_object_id)) AS adresseerbaar_object_id,
    is_main,
    text_of(object_kind) AS object_kind,
    text_of(status) AS status,
    postcode_of(text_of(postcode)) AS postcode,
    try_cast(number_and_rest(text_of(house_number)).number AS INTEGER) AS house_number,
    suffix_of(house_letter) AS house_letter,
    suffix_of(house_number_addition) AS house_number_addition,
    text_of(street) AS street,
    text_of(city) AS city,
    municipality_of(text_of(municipality)) AS municipality,
    upper(text_of(buurtcode)) AS buurtcode,
    valid_from,
    valid_until,
    coalesce(municipality_of(text_of(municipality)) <> text_of(municipality), false)
    OR coalesce(identification_of(text_of(nummeraanduiding_id)) <> text_of(nummeraanduiding_id), false)
    OR coalesce(identification_of(text_of(adresseerbaar_object_id)) <> text_of(adresseerbaar_object_id), false)
        AS is_mended
FROM register_as_written
