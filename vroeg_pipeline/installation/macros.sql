-- How delivered text is read (DOMAIN §4, §5) and how names and amounts are compared and shown.
-- `parse_delivered_date` is made by the installation: DuckDB wants a constant format, so it lists the agreed ones.

-- Trimmed text, NULL when nothing is left. Partners also send tabs, line ends and no-break spaces. Trimming a set of
-- characters is slow, so a text with none of them at its ends is taken as it is.
CREATE OR REPLACE TEMP MACRO text_of(value) AS
    CASE
        WHEN value[1] > ' ' AND value[-1] > ' ' AND value[1] <> chr(160) AND value[-1] <> chr(160) THEN value
        ELSE nullif(trim(value, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160)), '')
    END;

-- The digits of a postcode, NULL when it is none (DOMAIN §5: letters SA, SD and SS do not exist).
CREATE OR REPLACE TEMP MACRO postcode_without_spaces(postcode) AS
    CASE
        WHEN regexp_full_match(postcode, '[1-9][0-9]{3}[A-Z]{2}') AND right(postcode, 2) NOT IN ('SA', 'SD', 'SS')
            THEN postcode
    END;

CREATE OR REPLACE TEMP MACRO postcode_of(value) AS
    postcode_without_spaces(translate(upper(value), ' ' || chr(9) || chr(160), ''));

-- An amount in the agreed notation as euro, NULL when it is no number. `typed`: a number cell, taken as such.
CREATE OR REPLACE TEMP MACRO amount_of(value, decimal_mark, typed) AS
    CASE
        WHEN typed THEN try_cast(value AS DECIMAL(12, 2))
        WHEN decimal_mark = ','
            AND regexp_full_match(
                translate(value, '€ ' || chr(9) || chr(160), ''),
                '[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?'
            )
            THEN try_cast(
                translate(value, ',.€ ' || chr(9) || chr(160), '.') AS DECIMAL(12, 2)
            )
        WHEN decimal_mark = '.'
            AND regexp_full_match(
                translate(value, '€ ' || chr(9) || chr(160), ''),
                '[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?'
            )
            THEN try_cast(translate(value, '€, ' || chr(9) || chr(160), '') AS DECIMAL(12, 2))
    END;

-- Yes, no (also when empty), or NULL when it is neither.
CREATE OR REPLACE TEMP MACRO flag_of(value) AS
    CASE
        WHEN value IS NULL THEN false
        WHEN lower(value) IN ('ja', 'j', 'true', '1', 'x') THEN true
        WHEN lower(value) IN ('nee', 'n', 'false', '0') THEN false
    END;

-- A date field: an ISO date where the file held a date, else text in the agreed format.
CREATE OR REPLACE TEMP MACRO date_of(value, date_format, typed) AS
    CASE
        WHEN typed AND regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN try_cast(value AS DATE)
        ELSE parse_delivered_date(value, date_format)
    END;

-- A surname to compare occupants by: no case, no accents, no prefix in front (DOMAIN §8; the prefixes are those of
-- the national table of surname prefixes). A surname that is nothing but prefixes is kept.
CREATE OR REPLACE TEMP MACRO surname_key_of(surname) AS
    regexp_replace(
        regexp_replace(lower(strip_accents(translate(surname, '’‘`', ''''''''))), '\s+', ' ', 'g'),
        '^(?:(?:aan|af|al|am|auf|aus|bij|bin|boven|da|dal|dalla|das|de|degli|dei|del|della|den|der|des|di|die|do|don|'
        || 'dos|du|een|el|gen|het|im|in|la|las|le|les|lo|los|of|onder|op|over|''?s|''?t|te|ten|ter|thoe|to|toe|'
        || 'tot|uijt|uit|unter|v\.?|v\.? ?d\.?|v/d|van|ver|vom|von|voor|vor|zu|zum|zur) |[dl]''|''s-)+(.+)$',
        '\1'
    );

-- An amount as Dutch readers write it: € 1.234,56.
CREATE OR REPLACE TEMP MACRO euro(amount) AS
    '€ ' || translate(format('{:,.2f}', amount::DOUBLE), ',.', '.,');

-- What stands for an address in its month where the address itself should not: on worklists, and in what comes back.
CREATE OR REPLACE TEMP MACRO case_id_of(month, address_key) AS
    sha256(strftime(month, '%Y-%m') || '|' || address_key)[:16];

-- A cell of a returned worklist (its kind and text, see xlsx_cells.py) to compare with a list; and why it is not taken.
CREATE OR REPLACE TEMP MACRO listed_text(cell) AS
    lower(text_of(regexp_replace(translate(cell[2:], chr(160), ' '), '\s+', ' ', 'g')));

CREATE OR REPLACE TEMP MACRO not_taken(header, cell) AS
    CASE cell[1]
        WHEN 'f' THEN header || ': bevat een formule; vul de waarde zelf in'
        WHEN 'm' THEN header || ': samengevoegde cellen; splits ze en vul elke regel in'
    END;
