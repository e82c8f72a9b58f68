-- What stands for a text to whoever has not the key: HMAC-SHA-256 (RFC 2104), cut to 128 bits, as
-- installation/secrets.py gives it (DOMAIN §14). Needs: hash_inner, hash_outer.
CREATE OR REPLACE TEMP MACRO keyed_hash(value) AS
    left(sha256(getvariable('hash_outer') || unhex(sha256(getvariable('hash_inner') || encode(value)))), 32);

-- By what residents who asked for something are known (installation/requests.py): a door without letter and addition,
-- or a reference of a partner; with either of them a name, or a birth date.
CREATE OR REPLACE TEMP MACRO door_hash(postcode, house_number) AS
    keyed_hash('door|' || postcode || '|' || house_number);

CREATE OR REPLACE TEMP MACRO reference_hash(partner, customer_reference) AS
    keyed_hash('reference|' || partner || '|' || customer_reference);

-- What rows of a partner have in common that are of one customer at one address (DOMAIN §5), of the address as it was
-- written: postcode, number, and what stands behind it or else in the columns. NULL where one of them cannot be read.
CREATE OR REPLACE TEMP MACRO customer_at_address_hash(partner, written) AS
    keyed_hash(
        'row|' || partner || '|' || text_of(written.customer_reference) || '|'
        || postcode_of(text_of(written.postcode)) || '|'
        || nullif(number_and_rest(text_of(written.house_number)).number, '') || '|'
        || list_max(
            list_transform(
                [
                    number_and_rest(text_of(written.house_number)).rest,
                    concat(written.house_letter, written.house_number_addition)
                ],
                lambda suffix: regexp_replace(upper(suffix), '[^A-Z0-9]', '', 'g')
            )
        )
    );

CREATE OR REPLACE TEMP MACRO person_hash(key, told) AS keyed_hash(key || '|' || told);

CREATE OR REPLACE TEMP MACRO case_hash(case_id) AS keyed_hash('case|' || case_id);
