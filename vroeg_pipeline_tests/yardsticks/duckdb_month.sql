-- Yardstick (a): the month as one hand-written DuckDB script, without Dagster, checks, archive, verbatim rows or
-- worklist files. It knows the benchmark's deliveries (CSV, one dialect) and gives the same published tables for them.
-- Variables: month, due_on, inbox (a glob of the month's files). Tables partners and holidays_after are given.

CREATE OR REPLACE TEMP MACRO clean(s) AS nullif(trim(s), '');
CREATE OR REPLACE TEMP MACRO bare(s) AS translate(upper(coalesce(s, '')), ' -/.,', '');
CREATE OR REPLACE TEMP MACRO zeros(s) AS regexp_replace(s, '(^|[^0-9])0+([0-9])', '\1\2', 'g');
CREATE OR REPLACE TEMP MACRO meaning(s) AS
    CASE
        WHEN s = '' THEN ''
        WHEN zeros(s) IN ('HS', 'H', 'HUIS', 'BG', 'BEGANEGROND') THEN 'HS'
        WHEN zeros(s) IN ('1', 'I', '1HOOG', '1HG', '1E') THEN '1'
        WHEN zeros(s) IN ('2', 'II', '2HOOG', '2HG', '2E') THEN '2'
        WHEN zeros(s) IN ('3', 'III', '3HOOG', '3HG', '3E') THEN '3'
        WHEN zeros(s) IN ('4', 'IV', '4HOOG', '4HG', '4E') THEN '4'
        WHEN zeros(s) IN ('5', 'V', '5HOOG', '5HG', '5E') THEN '5'
        WHEN zeros(s) IN ('RD', 'R', 'ROOD') THEN 'RD'
        WHEN zeros(s) IN ('ZW', 'Z', 'ZWART') THEN 'ZW'
        WHEN zeros(s) IN ('BIS', 'BS') THEN 'BIS'
        WHEN zeros(s) IN ('BEN', 'BENEDEN') THEN 'BEN'
        WHEN zeros(s) IN ('BOV', 'BOVEN') THEN 'BOV'
        ELSE zeros(s)
    END;
CREATE OR REPLACE TEMP MACRO yes(s) AS
    CASE
        WHEN s IS NULL OR lower(s) IN ('nee', 'n', 'false', '0') THEN false
        WHEN lower(s) IN ('ja', 'j', 'true', '1', 'x') THEN true
    END;
CREATE OR REPLACE TEMP MACRO euros(s) AS
    CASE
        WHEN regexp_full_match(translate(s, '€ ', ''), '[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)(,[0-9]+)?')
            THEN try_cast(translate(s, ',.€ ', '.') AS DECIMAL(12, 2))
    END;
CREATE OR REPLACE TEMP MACRO day_of(s) AS
    CASE WHEN year(try_strptime(s, '%d-%m-%Y')) >= 1000 THEN try_strptime(s, '%d-%m-%Y')::DATE END;
CREATE OR REPLACE TEMP MACRO surname_of(s) AS
    regexp_replace(
        regexp_replace(lower(strip_accents(translate(s, '’‘`', ''''''''))), '\s+', ' ', 'g'),
        '^(?:(?:aan|af|al|am|auf|aus|bij|bin|boven|da|dal|dalla|das|de|degli|dei|del|della|den|der|des|di|die|do|don|'
        || 'dos|du|een|el|gen|het|im|in|la|las|le|les|lo|los|of|onder|op|over|''?s|''?t|te|ten|ter|thoe|to|toe|'
        || 'tot|uijt|uit|unter|v\.?|v\.? ?d\.?|v/d|van|ver|vom|von|voor|vor|zu|zum|zur) |[dl]''|''s-)+(.+)$',
        '\1'
    );

CREATE OR REPLACE TEMP TABLE rows AS
SELECT
    row_number() OVER () AS line,
    split_part(filename, '/', -3) AS partner,
    filename,
    *
FROM read_csv(
    getvariable('inbox'), filename = true, delim = ';', header = true, all_varchar = true, auto_detect = false,
    quote = '"', escape = '"', union_by_name = false, columns = getvariable('columns')
);

CREATE OR REPLACE TEMP TABLE judged AS
WITH numbered AS (
    SELECT
        r.*,
        p.* EXCLUDE (partner),
        row_number() OVER (PARTITION BY r.filename ORDER BY line)::INTEGER AS row_number,
        regexp_extract(clean(house_number), '^0*([1-9][0-9]{0,4})(|[^0-9].*)$', ['number', 'rest']) AS parts,
        translate(upper(clean(postcode)), ' ', '') AS pc
    FROM rows AS r
    INNER JOIN files AS p ON r.filename = p.filename
),

typed AS (
    SELECT
        * EXCLUDE (pc),
        CASE WHEN regexp_full_match(pc, '[1-9][0-9]{3}[A-Z]{2}') AND right(pc, 2) NOT IN ('SA', 'SD', 'SS') THEN pc END AS pc,
        try_cast(nullif(parts.number, '') AS INTEGER) AS number,
        bare(parts.rest) AS tail,
        bare(house_letter) || bare(house_number_addition) AS separate,
        euros(clean(amount_due)) AS amount,
        day_of(clean(birth_date)) AS born,
        day_of(clean(arrears_since)) AS since,
        day_of(clean(reference_date)) AS read_on,
        yes(clean(crisis)) AS is_crisis,
        yes(clean(warm_handover)) AS is_warm,
        yes(clean(reminder_sent)) AS is_reminded,
        yes(clean(objection)) AS objects
    FROM numbered
),

suffixed AS (
    SELECT
        *,
        CASE WHEN length(separate) > length(tail) THEN separate ELSE tail END AS suffix,
        tail <> '' AND separate <> '' AND meaning(tail) <> meaning(separate) AS torn
    FROM typed
),

looked_up AS (
    SELECT
        s.*,
        CASE
            WHEN s.pc IS NULL OR s.number IS NULL THEN NULL
            WHEN torn THEN 'ambiguous'
            WHEN e.n = 1 THEN 'exact'
            WHEN e.n > 1 THEN 'ambiguous'
            WHEN s.suffix = '' AND a.n > 1 THEN 'ambiguous'
            WHEN s.suffix = '' THEN 'unknown'
            WHEN m.n = 1 THEN 'normalised'
            WHEN m.n > 1 THEN 'ambiguous'
            ELSE 'unknown'
        END AS address_status,
        e.key AS exact_key,
        m.key AS meant_key,
        coalesce(e.municipality, m.municipality) AS own_municipality,
        a.municipality AS number_municipality,
        g.municipality AS area_municipality
    FROM suffixed AS s
    LEFT JOIN by_suffix AS e ON s.pc = e.postcode AND s.number = e.number AND s.suffix = e.suffix
    LEFT JOIN by_meaning AS m ON s.pc = m.postcode AND s.number = m.number AND meaning(s.suffix) = m.meaning
    LEFT JOIN by_number AS a ON s.pc = a.postcode AND s.number = a.number
    LEFT JOIN postcode_area AS g ON try_cast(left(s.pc, 4) AS INTEGER) = g.postcode4
),

keyed AS MATERIALIZED (
    SELECT
        *,
        CASE address_status
            WHEN 'exact' THEN exact_key
            WHEN 'normalised' THEN meant_key
            WHEN 'ambiguous' THEN pc || '_' || number || '_?_'
            WHEN 'unknown' THEN pc || '_' || number || '_' || CASE
                WHEN regexp_full_match(suffix, '[A-Z][0-9]*') THEN suffix[1] || '_' || zeros(suffix[2:])
                ELSE '_' || meaning(suffix)
            END
        END AS address_key,
        coalesce(
            CASE address_status WHEN 'ambiguous' THEN number_municipality WHEN 'unknown' THEN NULL ELSE own_municipality END,
            area_municipality
        ) AS municipality
    FROM looked_up
),

doubles AS (
    SELECT filename, clean(customer_reference) AS reference, address_key, min(row_number) AS first_row
    FROM keyed
    WHERE clean(customer_reference) IS NOT NULL AND address_key IS NOT NULL
    GROUP BY ALL
    HAVING count(*) > 1
)

SELECT
    k.*,
    list_filter([
        CASE WHEN clean(customer_reference) IS NULL THEN 'missing_reference' END,
        CASE WHEN clean(surname) IS NULL THEN 'missing_surname' END,
        CASE WHEN clean(postcode) IS NULL THEN 'missing_postcode' END,
        CASE WHEN clean(house_number) IS NULL THEN 'missing_house_number' END,
        CASE WHEN clean(amount_due) IS NULL THEN 'missing_amount' END,
        CASE WHEN clean(arrears_since) IS NULL THEN 'missing_arrears_since' END,
        CASE WHEN clean(reference_date) IS NULL THEN 'missing_reference_date' END,
        CASE WHEN clean(postcode) IS NOT NULL AND pc IS NULL THEN 'invalid_postcode' END,
        CASE WHEN parts.number = '' THEN 'invalid_house_number' END,
        CASE WHEN clean(amount_due) IS NOT NULL AND coalesce(amount, 0) <= 0 THEN 'invalid_amount' END,
        CASE WHEN (clean(birth_date) IS NOT NULL AND born IS NULL)
            OR (clean(arrears_since) IS NOT NULL AND since IS NULL)
            OR (clean(reference_date) IS NOT NULL AND read_on IS NULL) OR read_on < since THEN 'invalid_date' END,
        CASE WHEN is_crisis IS NULL OR is_warm IS NULL OR is_reminded IS NULL OR objects IS NULL THEN 'invalid_flag' END,
        CASE WHEN read_on > received_at::DATE THEN 'future_date' END,
        CASE WHEN due_on - read_on > 14 THEN 'outdated' END,
        CASE WHEN NOT coalesce(is_crisis, false) AND amount < 75 THEN 'below_threshold' END,
        CASE WHEN NOT coalesce(is_crisis, false) AND read_on - since < 30 THEN 'too_few_days' END,
        CASE WHEN k.address_key IS NOT NULL AND NOT list_contains(municipalities, municipality) THEN 'outside_area' END,
        CASE WHEN objects THEN 'objection' END,
        CASE WHEN k.row_number > d.first_row THEN 'duplicate_in_delivery' END
    ], lambda x: x IS NOT NULL) AS reasons
FROM keyed AS k
LEFT JOIN doubles AS d
    ON k.filename = d.filename AND clean(k.customer_reference) = d.reference AND k.address_key = d.address_key;

BEGIN;
DELETE FROM delivery_files WHERE month = getvariable('month');
INSERT INTO delivery_files
SELECT getvariable('month'), partner, file_sha256, received_at, count(*), count(*) FILTER (WHERE reasons = []),
    count(*) FILTER (WHERE reasons <> []), max(read_on)
FROM judged GROUP BY ALL;
DELETE FROM validated_signals WHERE month = getvariable('month');
INSERT INTO validated_signals
SELECT
    getvariable('month') AS month,
    concat_ws('-', partner, strftime(getvariable('month'), '%Y%m'), file_sha256[:12], row_number) AS signal_id,
    partner, partner_type, received_at, row_number, clean(customer_reference) AS customer_reference, address_key,
    address_status, address_status IN ('ambiguous', 'unknown') AS needs_review, municipality, amount, since, read_on,
    (read_on - since)::INTEGER AS days, is_crisis, is_warm, clean(surname) AS surname, surname_of(clean(surname)) AS surname_key,
    clean(initials) AS initials, clean(prefix) AS prefix, born, clean(phone) AS phone, clean(email) AS email,
    clean(street) AS street, pc, number, clean(city) AS city
FROM judged WHERE reasons = [];
DELETE FROM rejected_rows WHERE month = getvariable('month');
INSERT INTO rejected_rows
SELECT getvariable('month'), partner, file_sha256, row_number, reasons,
    CASE
        WHEN list_contains(reasons, 'outdated') THEN 'Niet opgepakt: andere reden'
        WHEN list_has_any(reasons, ['below_threshold', 'too_few_days']) THEN 'Niet opgepakt: onterecht signaal'
        WHEN list_contains(reasons, 'outside_area') THEN 'Persoon is geen inwoner (meer) in de gemeente'
        WHEN list_contains(reasons, 'objection') THEN 'Niet opgepakt: andere reden'
    END
FROM judged WHERE reasons <> [];
DELETE FROM address_matches WHERE month = getvariable('month');
INSERT INTO address_matches
SELECT
    month, address_key, CASE WHEN count(DISTINCT partner) > 1 THEN 'multiple' ELSE 'single' END, count(*),
    count(DISTINCT partner), list_sort(list(DISTINCT partner)), list_sort(list(DISTINCT partner_type)), sum(amount),
    max(days), min(since), bool_or(partner_type = 'Huur'), bool_or(is_crisis), bool_or(is_warm), bool_or(needs_review),
    min(received_at)::DATE, (min(received_at) FILTER (WHERE is_crisis))::DATE
FROM validated_signals WHERE month = getvariable('month') GROUP BY month, address_key;
COMMIT;

BEGIN;
DELETE FROM repeat_signals WHERE month = getvariable('month');
INSERT INTO repeat_signals
SELECT getvariable('month'), s.signal_id, p.signal_id
FROM validated_signals AS s
INNER JOIN validated_signals AS p
    ON s.partner = p.partner AND s.customer_reference = p.customer_reference AND s.address_key = p.address_key
    AND s.amount <= p.amount
WHERE s.month = getvariable('month') AND p.month < getvariable('month')
    AND p.month >= getvariable('month') - INTERVAL 3 MONTH AND NOT p.needs_review
    AND p.signal_id NOT IN (SELECT signal_id FROM repeat_signals WHERE month < getvariable('month'))
QUALIFY row_number() OVER (PARTITION BY s.signal_id ORDER BY p.month DESC) = 1;

DELETE FROM recidivism_history WHERE month = getvariable('month');
INSERT INTO recidivism_history
WITH earlier AS (
    SELECT month, address_key FROM recidivism_history
    WHERE month < getvariable('month') AND month >= getvariable('month') - INTERVAL 24 MONTH AND NOT only_repeats
),
summary AS (
    SELECT address_key, min(month) AS first_month, max(month) AS last_month, count(*) AS times
    FROM earlier GROUP BY address_key
),
people AS (
    SELECT DISTINCT address_key, surname_key, born FROM validated_signals SEMI JOIN earlier USING (month, address_key)
),
now AS (SELECT * FROM validated_signals WHERE month = getvariable('month')),
same AS (
    SELECT address_key FROM now SEMI JOIN people USING (address_key, surname_key)
    UNION
    SELECT address_key FROM now SEMI JOIN people USING (address_key, born)
),
alone AS (
    SELECT address_key FROM now LEFT JOIN repeat_signals AS r ON now.signal_id = r.signal_id AND r.month = getvariable('month')
    GROUP BY address_key HAVING bool_and(r.signal_id IS NOT NULL)
)
SELECT
    m.month, m.address_key,
    CASE WHEN s.address_key IS NULL THEN 'new' WHEN s.last_month = m.month - INTERVAL 1 MONTH THEN 'consecutive' ELSE 'returning' END,
    s.address_key IS NOT NULL, s.address_key IS NOT NULL AND same.address_key IS NULL, s.first_month, s.last_month,
    coalesce(s.times, 0), datediff('month', s.last_month, m.month), alone.address_key IS NOT NULL
FROM address_matches AS m
LEFT JOIN summary AS s ON m.address_key = s.address_key
LEFT JOIN same ON m.address_key = same.address_key
LEFT JOIN alone ON m.address_key = alone.address_key
WHERE m.month = getvariable('month');
COMMIT;

BEGIN;
DELETE FROM prioritised_worklists WHERE month = getvariable('month');
INSERT INTO prioritised_worklists
WITH tiered AS (
    SELECT
        m.*, h.is_recidivist, h.possible_new_occupant, h.times_reported, h.last_month AS last_reported_month, k.known_to, a.worklist AS team,
        CASE
            WHEN has_crisis THEN 0 WHEN has_rent AND partner_count > 1 THEN 1 WHEN has_rent THEN 2
            WHEN partner_count > 1 THEN 3 WHEN total_amount >= 500 THEN 4 ELSE 5
        END AS tier
    FROM address_matches AS m
    INNER JOIN recidivism_history AS h ON m.month = h.month AND m.address_key = h.address_key
    LEFT JOIN known AS k ON m.address_key = k.address_key
    LEFT JOIN areas AS a ON left(m.address_key, 6) BETWEEN a.postcode_from AND a.postcode_to
    WHERE m.month = getvariable('month') AND NOT h.only_repeats
),
routed AS (
    SELECT *, CASE
        WHEN needs_review THEN 'adresdesk' WHEN is_recidivist AND NOT possible_new_occupant THEN 'budgetcoach'
        WHEN tier <= 3 THEN coalesce(team, 'adresdesk') ELSE 'lichte_opvolging'
    END AS worklist
    FROM tiered
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY worklist ORDER BY tier, partner_count DESC, longest_days DESC, total_amount DESC, address_key
    ) AS rank
    FROM routed
)
SELECT
    month, address_key, worklist, rank, tier,
    CASE WHEN worklist = 'adresdesk' THEN 'check_address' WHEN tier <= 2 THEN 'home_visit' WHEN tier <= 4 THEN 'phone' ELSE 'letter' END,
    CASE WHEN tier = 0 THEN w.deadline ELSE first_received_on + 28 END, false, is_recidivist, known_to,
    concat_ws('; ', 'trede ' || tier, partner_count || ' partners (' || array_to_string(partner_types, ', ') || ')',
        signal_count || ' signalen', 'langste achterstand ' || longest_days || ' dagen', 'totaal € ' || total_amount,
        CASE WHEN is_recidivist THEN 'eerder gemeld in ' || times_reported || ' maanden, laatst ' || strftime(last_reported_month, '%m-%Y') END)
FROM ranked LEFT JOIN crisis_days AS w ON ranked.first_crisis_received_on = w.day;

INSERT INTO worklist_issues
WITH told AS (SELECT worklist, address_key FROM worklist_issues WHERE month = getvariable('month')),
today AS (SELECT worklist, address_key FROM prioritised_worklists WHERE month = getvariable('month'))
SELECT getvariable('month'), worklist, 1, address_key, 'added', now() FROM (FROM today EXCEPT FROM told);
COMMIT;
