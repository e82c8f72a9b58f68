-- The dwellings whose suffix is a letter that a group of DOMAIN §6 has too (H, I, V, R, Z), beside another letter at their
-- number: in a row of letters a letter is a letter, and no word or digit of the group means it.
SELECT address_key
FROM dwellings AS dwelling
SEMI JOIN (
    SELECT
        postcode,
        house_number,
        suffix AS letter
    FROM dwellings
    WHERE regexp_full_match(suffix, '[A-Z]')
) AS other
    ON dwelling.postcode = other.postcode AND dwelling.house_number = other.house_number AND dwelling.suffix <> other.letter
WHERE dwelling.suffix IN ('H', 'I', 'V', 'R', 'Z')
