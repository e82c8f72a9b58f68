-- The dwellings as the history knows them (DOMAIN §14).
-- Needs: address_macros.sql, hash_macros.sql.
SELECT
    address_key,
    is_main,
    keyed_hash(nummeraanduiding_id) AS designation,
    keyed_hash(adresseerbaar_object_id) AS dwelling
FROM dwellings
WHERE nummeraanduiding_id IS NOT NULL OR adresseerbaar_object_id IS NOT NULL
