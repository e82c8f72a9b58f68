-- The dwellings whose suffix is a letter that a group of DOMAIN §6 has too (H, I, V, R, Z), beside another letter at
-- their number: in a row of letters a letter is a letter, and no word or digit of the group means it.
-- Needs: address_macros.sql.
WITH letters AS (
    SELECT
        address_key,
        postcode,
        house_number,
        suffix
    FROM dwellings
    WHERE regexp_full_match(suffix, '[A-Z]')
)

SELECT DISTINCT letter.address_key
FROM letters AS letter
INNER JOIN letters AS other
    ON letter.postcode = other.postcode AND letter.house_number = other.house_number AND letter.suffix <> other.suffix
WHERE letter.suffix IN ('H', 'I', 'V', 'R', 'Z')
