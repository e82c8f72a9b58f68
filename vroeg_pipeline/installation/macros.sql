-- How delivered text is read (DOMAIN §4, §5) and how names and amounts are compared and shown.
-- `parse_delivered_date` is made by the installation: DuckDB wants a constant format, so it lists the agreed ones.

-- A text as its writer meant it, NULL when nothing is left: without what stands at its edges and cannot be seen (any
-- Unicode space, zero-width and direction marks, BOM, soft hyphen), and out of what spreadsheets put around a number
-- that is a text (="00123" and '00123). Patterns are slow, so a text that begins and ends in plain letters or digits is
-- taken as it is, and one pattern does it all: DuckDB makes each anew for every column.
CREATE OR REPLACE TEMP MACRO text_of(value) AS
    CASE
        WHEN value[1] BETWEEN '(' AND '~' AND value[-1] BETWEEN '(' AND '~' AND value[1] <> '=' THEN value
        ELSE nullif(
            regexp_replace(
                value,
                '(?s)^[\s\x0B\x{85}\p{Z}\p{Cf}]*'
                || '(?:="[\s\x0B\x{85}\p{Z}\p{Cf}]*([^"]*?)[\s\x0B\x{85}\p{Z}\p{Cf}]*"|''([0-9+].*?)|(.*?))'
                || '[\s\x0B\x{85}\p{Z}\p{Cf}]*$',
                '\1\2\3'
            ),
            ''
        )
    END;

-- Whether a NUL or another control character stands in a text: it is damaged (DOMAIN §4).
CREATE OR REPLACE TEMP MACRO is_garbled(value) AS
    regexp_matches(value, '[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]');

-- What a spreadsheet shows instead of a value that it could not work out, in English and Dutch. A pattern, as DuckDB
-- makes a join of each IN of five values or more.
CREATE OR REPLACE TEMP MACRO is_error_value(value) AS
    regexp_full_match(
        value,
        '(?i)#(?:N/A|N/B|REF!|VERW!|VALUE!|WAARDE!|DIV/0!|DEEL/0!|NAME\?|NAAM\?|NULL!|LEEG!|NUM!|GETAL!|SPILL!|'
        || 'OVERLOOP!|CALC!|BEREKENEN!|FIELD!|BLOCKED!|CONNECT!|UNKNOWN!|BUSY!|GETTING_DATA)'
    );

-- Whether a spreadsheet or a control character damaged a text (damaged_value, DOMAIN §5). `typed`: a number or date
-- cell; `other`: a cell that was a boolean, an error value, an object or a list.
CREATE OR REPLACE TEMP MACRO is_damaged(value, typed, other) AS
    coalesce(
        other OR is_garbled(value) OR is_error_value(value)
        OR (typed AND regexp_matches(value, '^[0-9]{4}-[0-9]{2}-[0-9]{2}')),
        false
    );

-- A text (`text_of` what was delivered) that may be absent: left out when it is damaged. `typed`: the fields of the row
-- that were no text in the file.
CREATE OR REPLACE TEMP MACRO undamaged(text, typed, field) AS
    CASE
        WHEN NOT is_damaged(
            text,
            len(typed) > 0 AND list_contains(typed, field),
            len(typed) > 0 AND list_contains(typed, field || ':other')
        )
            THEN text
    END;

-- Excel keeps fifteen digits of a number and writes a long one with an exponent.
CREATE OR REPLACE TEMP MACRO is_damaged_number(value, typed) AS
    coalesce(
        regexp_full_match(value, '[0-9]+([.,][0-9]+)?[Ee][+-][0-9]+')
        OR (
            typed AND (
                regexp_full_match(value, '-?[0-9]{16,}(\.[0-9]+)?')
                OR regexp_full_match(value, '.*[0-9][Ee][+-]?[0-9]+')
            )
        ),
        false
    );

-- What cannot be seen is no part of a postcode, a number or an amount wherever it stands, nor is a space of a postcode.
CREATE OR REPLACE TEMP MACRO without_marks(value) AS
    CASE
        WHEN regexp_full_match(value, '[ -~]*') THEN value
        ELSE regexp_replace(regexp_replace(value, '\p{Cf}', '', 'g'), '[\s\x0B\x{85}\p{Z}]', ' ', 'g')
    END;

-- Without words that mean nothing (nr, huisnr) or mean another door, but for a second one right behind the first.
CREATE OR REPLACE TEMP MACRO without_number_words(value) AS
    regexp_replace(
        value,
        '(?i)(^|[^a-z])(?:huisnummer|huisnr|nummer|nr|no|t/o|tegenover|nabij|bij|naast|achter|hoek)'
        || '(?:\s*[.:])?($|[^a-z])',
        '\1 \2',
        'g'
    );

-- A number as written without such words, and without what cannot be seen; 7.0 and 7,0 are 7. Most are digits and
-- letters only.
CREATE OR REPLACE TEMP MACRO number_text_of(value) AS
    CASE
        WHEN regexp_full_match(value, '[0-9]+[ -]?[A-Za-z]?') THEN value
        ELSE regexp_replace(
            trim(without_number_words(without_number_words(without_marks(value))), ' .:'), '^([0-9]+)[.,]0+$', '\1'
        )
    END;

-- The number and what follows it. Empty where no number 1-99999 can be read: nor is there one in a number with a part
-- (7.5), in what a spreadsheet made of 12-3 (2021-12-03, 12-3-2021, 12-mrt) or of 12:30, or beside a control character.
CREATE OR REPLACE TEMP MACRO number_and_rest_of(text) AS
    CASE
        WHEN
            regexp_full_match(
                text,
                '(?i)[0-9]+[.,][0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|[0-9]{1,2}[-/][0-9]{1,2}[-/](?:19|20)[0-9]{2}|'
                || '[0-9]{1,2}-(?:jan|feb|mrt|mar|apr|mei|may|jun|jul|aug|sep|okt|oct|nov|dec)|[0-9]{1,2}:[0-9]{2}.*'
            )
            OR is_garbled(text)
            THEN struct_pack(number := '', rest := '')
        ELSE regexp_extract(text, '(?s)^0*([1-9][0-9]{0,4})(|[^0-9].*)$', ['number', 'rest'])
    END;

CREATE OR REPLACE TEMP MACRO number_and_rest(house_number) AS number_and_rest_of(number_text_of(house_number));

-- The digits of a postcode, NULL when it is none (DOMAIN §5: letters SA, SD and SS do not exist).
CREATE OR REPLACE TEMP MACRO postcode_without_spaces(postcode) AS
    CASE
        WHEN regexp_full_match(postcode, '[1-9][0-9]{3}[A-Z]{2}') AND right(postcode, 2) NOT IN ('SA', 'SD', 'SS')
            THEN postcode
    END;

CREATE OR REPLACE TEMP MACRO postcode_of(value) AS
    postcode_without_spaces(translate(upper(without_marks(value)), ' ' || chr(9), ''));

-- The parts of an amount in a notation with this decimal mark and thousands separator: what stands before it, the
-- whole euros, the cents, what stands behind it; empty parts where it is no amount. Spaces stand at the edges, beside
-- the sign and before groups of three digits alone (DOMAIN §4).
CREATE OR REPLACE TEMP MACRO amount_parts(value, decimal_mark, separator) AS
    regexp_extract(
        value,
        '^ *((?i:€|EUR)? *[-+−]? *(?i:€|EUR)?) *'
        || '([0-9]{1,3}(?:\' || separator || '[0-9]{3})+|[0-9]{1,3}(?: [0-9]{3})+|[0-9]+)'
        || '(\' || decimal_mark || '[0-9]+|,--?|,[–—=]|\.--?|) *((?i:€|EUR)? *[-−]? *(?i:€|EUR)?) *$',
        ['front', 'whole', 'cents', 'behind']
    );

-- A lambda, as a macro writes out its argument wherever it uses it, and this one is long.
CREATE OR REPLACE TEMP MACRO amount_from(found) AS
    list_transform(
        [found],
        lambda parts:
        CASE
            WHEN parts.whole <> '' AND NOT regexp_matches(lower(parts.front || parts.behind), '(€|eur).*(€|eur)')
                AND NOT (regexp_matches(parts.front, '[-+−]') AND regexp_matches(parts.behind, '[-−]'))
                THEN try_cast(
                    CASE WHEN regexp_matches(parts.front || parts.behind, '[-−]') THEN '-' ELSE '' END
                    || regexp_replace(parts.whole, '[^0-9]', '', 'g') || '.'
                    || regexp_replace(parts.cents, '[^0-9]', '', 'g') || '0' AS DECIMAL(12, 2)
                )
        END
    )[1];

-- An amount in the agreed notation as euro, NULL when it is no number. `typed`: a number cell, taken as such.
CREATE OR REPLACE TEMP MACRO amount_of(value, decimal_mark, typed) AS
    CASE
        WHEN typed THEN try_cast(value AS DECIMAL(12, 2))
        WHEN decimal_mark = ',' AND regexp_full_match(value, '[0-9]+,[0-9]+')
            THEN try_cast(replace(value, ',', '.') AS DECIMAL(12, 2))
        WHEN decimal_mark = ',' THEN amount_from(amount_parts(without_marks(value), ',', '.'))
        WHEN decimal_mark = '.' THEN amount_from(amount_parts(without_marks(value), '.', ','))
    END;

-- A total that does not fit its column is the largest that does: somebody delivered customer numbers as amounts.
CREATE OR REPLACE TEMP MACRO total_of(amount) AS least(sum(amount), 9999999999.99);

-- An amount in whole cents as euro, NULL when it has a part of a cent or is no number.
CREATE OR REPLACE TEMP MACRO cents_of(value, decimal_mark, typed) AS
    CASE
        WHEN NOT contains(value, CASE WHEN typed THEN '.' ELSE decimal_mark END)
            AND NOT regexp_matches(value, '[.,] ?[-–—=]')
            THEN (amount_of(value, decimal_mark, typed) * 0.01)::DECIMAL(12, 2)
    END;

-- Yes, no (also when empty), or NULL when it is neither.
CREATE OR REPLACE TEMP MACRO flag_of(value) AS
    CASE
        WHEN value IS NULL THEN false
        WHEN list_contains(['ja', 'j', 'true', '1', 'x'], lower(value)) THEN true
        WHEN list_contains(['nee', 'n', 'false', '0'], lower(value)) THEN false
    END;

-- A date field: an ISO date where the file held a date, else text in the agreed format.
CREATE OR REPLACE TEMP MACRO date_of(value, date_format, typed) AS
    CASE
        WHEN typed AND regexp_full_match(value, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN try_cast(value AS DATE)
        -- DuckDB takes epoch, infinity and now for dates in any format; none of them has a digit.
        WHEN regexp_matches(value, '[0-9]') THEN parse_delivered_date(value, date_format)
    END;

-- A number of days, NULL when it is none.
CREATE OR REPLACE TEMP MACRO days_of(value) AS
    CASE WHEN regexp_full_match(without_marks(value), '[0-9]{1,5}') THEN without_marks(value)::INTEGER END;

-- A letter, of any script, of a text in small letters. `\pL` lists every range there is: 4 ms to prepare, each time.
CREATE OR REPLACE TEMP MACRO letter() AS '[a-z\x{C0}-\x{1FFF}\x{2C00}-\x{10FFFF}]';

-- Whether a surname holds a legal form, so that no resident bears it (DOMAIN §5). What stands behind a comma are
-- initials, and who follows `inzake` is a person. Firms that are persons (V.O.F., C.V., maatschap) are not named here.
CREATE OR REPLACE TEMP MACRO is_legal_person(surname) AS
    regexp_matches(
        surname,
        '(?i)^[^,]*?(?:^|[\s\p{Z}(/&+;])'
        || '(?:[bn]\.?v\.?|u\.a\.?|stichting|vereniging|vve|co(?:o\x{308}?|ö)peratie)(?:$|[\s\p{Z})/&+;,])'
    )
    AND NOT regexp_matches(lower(surname), '(?:^|[^a-z\x{C0}-\x{1FFF}])inz(?:ake|\.)[\s\p{Z}:]*' || letter());

-- Words that stand before a surname: those of two letters or more in the national table of surname prefixes. Some are
-- surnames too: the second list has all of them.
CREATE OR REPLACE TEMP MACRO prefixes_alone() AS
    'aan|af|am|auf|aus|ben|bij|bin|da|dal|dalla|de|deca|degli|dei|del|della|dem|den|der|des|di|die|dos|een|el|gen|het|'
    || 'im|in|la|las|les|of|onder|op|over|te|ten|ter|tho|thoe|thor|to|toe|tot|uijt|uit|unter|van|vd|ver|vom|von|voor|'
    || 'vor|zu|zum|zur';

CREATE OR REPLACE TEMP MACRO surname_prefixes() AS
    prefixes_alone() || '|al|boven|das|do|don|du|le|lo|los';

-- What is no name before the hyphen of a double one (Al-Hassan, Le-Roux, St.-Jean), besides prefixes that never are.
CREATE OR REPLACE TEMP MACRO prefixes_before_hyphen() AS
    'aboe|abou|abu|ait|al|ar|ash|az|bint|bni|do|du|ech|ed|er|ez|ibn|le|lo|mac|mc|ould|oulad|ouled|saint|san|santa|'
    || 'st|ste';

-- Without case and accents; apostrophes (a backtick too) and hyphens of all kinds are one.
CREATE OR REPLACE TEMP MACRO plain_name(name) AS
    CASE
        WHEN regexp_full_match(name, '[ -_a-~]*') THEN lower(name)
        ELSE replace(
            replace(
                replace(
                    replace(
                        translate(
                            lower(
                                strip_accents(
                                    regexp_replace(replace(lower(name), 'ÿ', 'ij'), '[\s\p{Z}\p{Cf}]+', ' ', 'g')
                                )
                            ),
                            '’‘`´ʼ′‛‐‑‒–—−ıłøđð', '''''''''''''''------ilodd'
                        ),
                        'ĳ', 'ij'
                    ),
                    'ß', 'ss'
                ),
                'æ', 'ae'
            ),
            'œ', 'oe'
        )
    END;

-- A plain name with a semicolon between joint names: of who follows `inzake` alone, without initials, d', l' and other
-- apostrophes.
CREATE OR REPLACE TEMP MACRO names_apart(plain) AS
    replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        plain, '^.*\binz(?:ake\b|\.)[ :]*(.*' || letter() || ')|\b([a-ce-km-z])''', '\1\2', 'g'
                    ),
                    '&amp;|[/&+;()]| (?:en/of|e/o|c\.q\.)|(?:^| )(?:en ?/ ?of|e ?[./]? ?[ov]\.?|c\.? ?q\.?|en|of|'
                    || 'geb\.?|geboren|echtg\.?|echtgeno(?:te|ot)|wed\.?|weduwe|weduwnaar)(?: |$)',
                    ' ; ',
                    'g'
                ),
                '\b[dl]''|(?:\b[a-z]\b\.?)+|\b[a-z]{2,3}\. ',
                '',
                'g'
            ),
            '\s*-\s*',
            '-',
            'g'
        ),
        '''',
        ''
    );

-- The names that a surname holds, to compare occupants by (DOMAIN §8): what stands before a comma; each of joint names;
-- of a double name the whole and each part; all without prefixes. Initials, single letters and prefixes are no names.
CREATE OR REPLACE TEMP MACRO surnames_of(surname) AS
    list_sort(
        list_distinct(
            list_filter(
                list_transform(
                    flatten(
                        list_transform(
                            string_split(names_apart(plain_name(surname)), ';'),
                            lambda part: list_append(
                                string_split(
                                    regexp_replace(
                                        split_part(part, ',', 1),
                                        '(^ *|-)(?:(?:' || prefixes_before_hyphen() || ')\.?-)+',
                                        '\1',
                                        'g'
                                    ),
                                    '-'
                                ),
                                split_part(part, ',', 1)
                            )
                        )
                    ),
                    lambda name: regexp_replace(
                        regexp_replace(name, '[\s.]+', ' ', 'g'),
                        '^[ -]*(?:(?:' || surname_prefixes() || ') )*(?:(?:' || prefixes_alone() || ')|(.*?)(?: (?:'
                        || surname_prefixes() || '))*)[ -]*$',
                        '\1'
                    )
                ),
                lambda name: regexp_matches(name, letter() || letter())
            )
        )
    );

-- The names by which a resident is known who asked for something: those of the surname, or else the surname itself.
CREATE OR REPLACE TEMP MACRO resident_names(surname) AS
    CASE
        WHEN surname IS NULL THEN []
        WHEN len(surnames_of(surname)) = 0 THEN [plain_name(surname)]
        ELSE surnames_of(surname)
    END;

-- Whether several people stand in a surname (Smit e/o Mulder), of whom the rest of the row can be either; not who bears
-- the name of a spouse (e/v).
CREATE OR REPLACE TEMP MACRO has_joint_names(surname) AS
    regexp_matches(
        regexp_replace(lower(surname), '\be ?[./] ?v\b', '', 'g'),
        '[/&+;]|(?:^|\s)(?:c\.q\.|(?:en|of|c\.?\s?q\.?)(?:\s|$))'
    );

-- An amount as Dutch readers write it: € 1.234,56.
CREATE OR REPLACE TEMP MACRO euro(amount) AS
    '€ ' || translate(format('{:,.2f}', amount::DOUBLE), ',.', '.,');

-- What stands for an address in its month where the address itself should not: on worklists, and in what comes back.
-- Of who was erased it is all that is left of the address.
CREATE OR REPLACE TEMP MACRO case_id_of(month, address_key) AS
    CASE
        WHEN starts_with(address_key, 'case:') THEN address_key[6:]
        ELSE sha256(strftime(month, '%Y-%m') || '|' || address_key)[:16]
    END;

-- A cell of a returned worklist (its kind and text, see xlsx_cells.py) to compare with a list; and why it is not taken.
CREATE OR REPLACE TEMP MACRO listed_text(cell) AS
    lower(text_of(regexp_replace(translate(cell[2:], chr(160), ' '), '\s+', ' ', 'g')));

CREATE OR REPLACE TEMP MACRO not_taken(header, cell) AS
    CASE cell[1]
        WHEN 'f' THEN header || ': bevat een formule; vul de waarde zelf in'
        WHEN 'm' THEN header || ': samengevoegde cellen; splits ze en vul elke regel in'
    END;
