-- How addresses are read (DOMAIN §6): numbers, suffixes, postcodes, keys. From an address as written to the dwelling
-- it means go the steps of `addresses/resolver.py`, one file a step.
-- Needs: register_day.

-- Words that mean another door than the one that is named (DOMAIN §6).
CREATE OR REPLACE TEMP MACRO means_another_door(value) AS
    regexp_matches(lower(value), '(^|[^a-z])(t/o|tegenover|bij|nabij|naast|achter|hoek)($|[^a-z])');

-- Whether a letter or an addition is what a spreadsheet made of one: a date, a time, a boolean, an error value, an
-- object or a list. No dwelling has any of these.
CREATE OR REPLACE TEMP MACRO is_damaged_suffix(value) AS
    coalesce(
        is_error_value(value)
        OR regexp_full_match(
            value,
            '(?i)true|false|waar|onwaar|[[{].*|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|'
            || '[0-9]{1,2}[-/][0-9]{1,2}[-/](?:19|20)[0-9]{2}|'
            || '[0-9]{1,2}-(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)|[0-9]{1,2}:[0-9]{2}.*'
        ),
        false
    );

-- Whether it is for the reason of an answer that a writing is no door as it is: it names another one, two, or none.
CREATE OR REPLACE TEMP MACRO is_no_door(reason) AS
    reason IN ('another_door', 'two_numbers', 'two_suffixes', 'damaged_suffix');

-- What follows a number, upper case and without spaces, separators and what cannot be seen; `_` separates the parts of
-- a key, so none holds it.
CREATE OR REPLACE TEMP MACRO suffix_of(value) AS
    CASE
        WHEN value IS NULL THEN ''
        WHEN regexp_full_match(value, '[A-Z0-9]*') THEN value
        ELSE translate(upper(without_marks(value)), ' -/.,_' || chr(9) || chr(10) || chr(13), '')
    END;

CREATE OR REPLACE TEMP MACRO without_leading_zeros(suffix) AS
    CASE WHEN contains(suffix, '0') THEN regexp_replace(suffix, '(^|[^0-9])0+([0-9])', '\1\2', 'g') ELSE suffix END;

-- What a suffix means: the first spelling of its group. A map, as a macro writes out its argument wherever it uses it,
-- and what each of a dozen cases needs takes DuckDB longer to prepare than a small month to read.
CREATE OR REPLACE TEMP MACRO meaning_of(suffix) AS
    coalesce(
        map {
            'HS': 'HS', 'H': 'HS', 'HUIS': 'HS', 'BG': 'HS', 'BEGANEGROND': 'HS',
            '1': '1', 'I': '1', '1HOOG': '1', '1HG': '1', '1E': '1',
            '2': '2', 'II': '2', '2HOOG': '2', '2HG': '2', '2E': '2',
            '3': '3', 'III': '3', '3HOOG': '3', '3HG': '3', '3E': '3',
            '4': '4', 'IV': '4', '4HOOG': '4', '4HG': '4', '4E': '4',
            '5': '5', 'V': '5', '5HOOG': '5', '5HG': '5', '5E': '5',
            'RD': 'RD', 'R': 'RD', 'ROOD': 'RD',
            'ZW': 'ZW', 'Z': 'ZW', 'ZWART': 'ZW',
            'BIS': 'BIS', 'BS': 'BIS',
            'BEN': 'BEN', 'BENEDEN': 'BEN',
            'BOV': 'BOV', 'BOVEN': 'BOV'
        }[without_leading_zeros(suffix)],
        without_leading_zeros(suffix)
    );

-- Without a register a single letter is always the house letter, a letter and digits are letter and addition.
CREATE OR REPLACE TEMP MACRO house_letter_by_rule(suffix) AS
    CASE WHEN regexp_full_match(suffix, '[A-Z][0-9]*') THEN suffix[1] ELSE '' END;

CREATE OR REPLACE TEMP MACRO addition_by_rule(suffix) AS
    CASE
        WHEN regexp_full_match(suffix, '[A-Z][0-9]*') THEN without_leading_zeros(suffix[2:])
        ELSE meaning_of(suffix)
    END;

-- Whether an address as it was written (a row with the six columns) is the one that a row of `resolved_addresses`
-- answers: the one way to join the answer back. What was not resolved has no answer.
CREATE OR REPLACE TEMP MACRO same_address(written, answer) AS
    written.postcode IS NOT DISTINCT FROM answer.postcode_text
    AND written.street IS NOT DISTINCT FROM answer.street_text
    AND written.house_number IS NOT DISTINCT FROM answer.house_number_text
    AND written.house_letter IS NOT DISTINCT FROM answer.house_letter_text
    AND written.house_number_addition IS NOT DISTINCT FROM answer.house_number_addition_text
    AND written.city IS NOT DISTINCT FROM answer.city_text;

CREATE OR REPLACE TEMP MACRO address_key_of(postcode, house_number, house_letter, addition) AS
    postcode || '_' || house_number || '_' || house_letter || '_' || addition;

-- The dwellings to look in: the register as it was on the day `register_day` (the first of the month at work, else
-- today). The only place where it is looked up, so that what counts as one is said once.
CREATE OR REPLACE TEMP VIEW dwellings AS
SELECT
    address_key,
    postcode,
    house_number,
    house_letter,
    house_number_addition,
    suffix,
    meaning,
    street,
    city,
    municipality,
    nummeraanduiding_id,
    adresseerbaar_object_id,
    is_main,
    other_ids,
    buurtcode
FROM reference.address_register
WHERE
    (valid_from IS NULL OR valid_from <= getvariable('register_day'))
    AND (valid_until IS NULL OR valid_until > getvariable('register_day'));

-- The side addresses (nevenadressen) of an object, with its main address: one door.
CREATE OR REPLACE TEMP VIEW side_addresses AS
SELECT
    side.address_key,
    min(main.address_key) AS main_key
FROM dwellings AS side
INNER JOIN dwellings AS main ON side.adresseerbaar_object_id = main.adresseerbaar_object_id
WHERE NOT side.is_main AND main.is_main
GROUP BY side.address_key;

-- Whether an identification is one of the BAG: municipality, 20 for a number designation, serial number. Numbers that
-- somebody made up mean another address in the next file, so that nothing may be known again by them.
CREATE OR REPLACE TEMP MACRO is_designation(id) AS regexp_full_match(id, '[0-9]{4}20[0-9]{10}');

-- A municipality code and an identification of the BAG, with the leading zeros that a spreadsheet takes off them: of
-- four and sixteen digits only one can be meant. What else is no code is left as it is.
CREATE OR REPLACE TEMP MACRO municipality_of(value) AS
    CASE
        WHEN regexp_full_match(value, '[0-9]{1,3}|[0-9]{1,4}\.0+') THEN lpad(split_part(value, '.', 1), 4, '0')
        ELSE value
    END;

CREATE OR REPLACE TEMP MACRO identification_of(value) AS
    CASE
        WHEN length(value) = 16 THEN value
        WHEN regexp_full_match(value, '[0-9]{13,15}')
            AND regexp_full_match(lpad(value, 16, '0'), '[0-9]{4}(01|02|03|20)[0-9]{10}')
            THEN lpad(value, 16, '0')
        ELSE value
    END;

-- An address as it is read to somebody: 2024AB 12A-2; and the key of what was read, NULL when it is no such text.
CREATE OR REPLACE TEMP MACRO address_text_of(key) AS
    key[:6] || ' ' || split_part(key, '_', 2) || replace(split_part(key, '_', 3), '?', '')
    || CASE WHEN split_part(key, '_', 4) = '' THEN '' ELSE '-' || split_part(key, '_', 4) END;
CREATE OR REPLACE TEMP MACRO key_of_address_text(text) AS
    nullif(
        regexp_replace(text, '^([1-9][0-9]{3}[A-Z]{2}) ([0-9]+)([A-Z]?)(?:-([^_]+))?$', '\1_\2_\3_\4'), text
    );

-- An address as it was written, without what does not matter: where two writings have the same, they are one.
CREATE OR REPLACE TEMP MACRO written_as_of(typed, street, number, suffix, other_suffix) AS
    concat(
        typed, '|', regexp_replace(lower(strip_accents(street)), '[^a-z0-9]', '', 'g'), '|', number, '|', suffix, '|',
        other_suffix
    );

-- What was typed for a postcode, whatever it is worth: letters and digits, NULL when there is no digit among them.
CREATE OR REPLACE TEMP MACRO postcode_as_typed(value) AS
    CASE
        WHEN regexp_matches(value, '[0-9]') THEN regexp_replace(upper(value), '[^0-9A-Z]', '', 'g')
    END;

-- O for 0 and I or L for 1 among the digits, and the other way round among the letters.
CREATE OR REPLACE TEMP MACRO postcode_mended(typed) AS
    CASE
        WHEN length(typed) = 6 THEN translate(left(typed, 4), 'OIL', '011') || translate(right(typed, 2), '01', 'OI')
    END;

-- Whether a dwelling's suffix is the written one (1), means the same (2), or neither (NULL).
CREATE OR REPLACE TEMP MACRO suffix_fit(dwelling_suffix, dwelling_meaning, suffix, other_suffix, meaning) AS
    CASE
        WHEN dwelling_suffix = suffix OR dwelling_suffix = other_suffix THEN 1
        WHEN dwelling_meaning = meaning THEN 2
    END;

-- A town's letters, to compare it by.
CREATE OR REPLACE TEMP MACRO town_letters(town) AS
    regexp_replace(lower(strip_accents(town)), '[^a-z]', '', 'g');

-- One fact of an address's evidence, NULL when it is not known; and the facts as one line of JSON.
CREATE OR REPLACE TEMP MACRO evidence(fact, value) AS
    '"' || fact || '":' || to_json(value::VARCHAR);
CREATE OR REPLACE TEMP MACRO evidence_of(
    a, b, c, d := NULL, e := NULL, f := NULL, g := NULL, h := NULL
) AS '{' || concat_ws(',', a, b, c, d, e, f, g, h) || '}';
