-- What stands for a text to whoever has not the key: HMAC-SHA-256 (RFC 2104), cut to 128 bits, as
-- installation/secrets.py gives it (DOMAIN §14). Needs: hash_inner, hash_outer.
CREATE OR REPLACE TEMP MACRO keyed_hash(value) AS
    left(sha256(getvariable('hash_outer') || unhex(sha256(getvariable('hash_inner') || encode(value)))), 32);
