-- Tier, list, rank, first action and deadline of each address of the month (DOMAIN §9). Addresses with nothing but
-- repeats are on no list. The explanation tells a team, in Dutch, why an address stands where it stands.
-- Needs: aftercare_from, help_results, high_amount, home_visits, month; tables areas, buurt_areas, capacity, deadlines,
-- known_addresses, moved_addresses, tiers; macros.sql.
WITH known AS (
    SELECT
        address_key,
        -- A source may have several in one text or list.
        nullif(
            array_to_string(list_sort(list_distinct(flatten(list(string_split(known_to, ', '))))), ', '), ''
        ) AS known_to,
        bool_or(is_finished) AS has_finished
    FROM known_addresses
    WHERE NOT needs_review
    GROUP BY address_key
),

-- A buurt says more than a range of postcodes.
area AS (
    SELECT
        place.postcode,
        arg_min(areas.worklist, areas.position) AS worklist
    FROM (
        SELECT DISTINCT left(address_key, 6) AS postcode
        FROM address_matches
        WHERE month = getvariable('month')
    ) AS place
    INNER JOIN areas ON place.postcode BETWEEN areas.postcode_from AND areas.postcode_to
    GROUP BY place.postcode
),

-- Cases of the last months that ended in help, by what teams returned; those lists know a case by its id alone.
told_help AS (
    SELECT
        month,
        case_id
    FROM told_results
    WHERE
        month >= getvariable('aftercare_from') AND month < getvariable('month')
        AND list_contains(getvariable('help_results'), end_result)
),

months_with_help AS (
    SELECT DISTINCT month
    FROM told_help
),

former AS (
    SELECT
        months_with_help.month,
        match.address_key AS former_key,
        match.address_key
    FROM address_matches AS match
    CROSS JOIN months_with_help
    WHERE match.month = getvariable('month')
    UNION ALL
    SELECT
        month,
        former_key,
        address_key
    FROM moved_addresses
),

-- Where an address of such a case got another key since, none of its rows standing there any more.
help_that_moved AS (
    SELECT
        stood.month,
        stands.address_key
    FROM former_addresses AS stood
    INNER JOIN told_help
        ON stood.month = told_help.month AND case_id_of(stood.month, stood.address_key) = told_help.case_id
    INNER JOIN validated_signals AS stands
        ON stood.month = stands.month AND stood.partner = stands.partner
        AND stood.customer_reference = stands.customer_reference AND stood.written_address = stands.written_address
    ANTI JOIN validated_signals AS still ON stood.month = still.month AND stood.address_key = still.address_key
),

helped AS (
    SELECT
        former.address_key,
        max(former.month) AS helped_month
    FROM former
    WHERE
        (former.month, case_id_of(former.month, former.former_key)) IN (SELECT (month, case_id) FROM told_help)
        OR (former.month, former.former_key) IN (SELECT (month, address_key) FROM help_that_moved)
    GROUP BY former.address_key
),

entries AS (
    SELECT
        match.*,
        history.* EXCLUDE (month, address_key),
        known.known_to,
        coalesce(known.has_finished, false) AS has_finished,
        helped.helped_month,
        coalesce(buurt.worklist, area.worklist) AS area_worklist,
        coalesce(match.light_signal_count, 0) AS light_count,
        light_count = match.signal_count AS is_light,
        history.is_recidivist AND NOT history.possible_new_occupant AND NOT is_light AS for_coach,
        CASE
            WHEN match.has_crisis THEN 'crisis'
            WHEN match.has_rent AND match.match_kind = 'multiple' THEN 'rent_enriched'
            WHEN match.has_rent THEN 'rent'
            WHEN match.match_kind = 'multiple' THEN 'multiple'
            WHEN match.total_amount >= getvariable('high_amount') THEN 'single_high'
            ELSE 'single'
        END AS tier_name
    FROM address_matches AS match
    INNER JOIN recidivism_history AS history
        ON match.month = history.month AND match.address_key = history.address_key
    LEFT JOIN known ON match.address_key = known.address_key
    LEFT JOIN helped ON match.address_key = helped.address_key
    LEFT JOIN area ON left(match.address_key, 6) = area.postcode
    LEFT JOIN buurt_areas AS buurt ON match.buurtcode = buurt.buurtcode
    WHERE match.month = getvariable('month') AND NOT history.only_repeats
),

routed AS (
    SELECT
        entries.*,
        tiers.tier,
        tiers.why,
        tiers.first_action = 'home_visit' AND NOT getvariable('home_visits') AS is_visit_forbidden,
        CASE
            WHEN entries.needs_review THEN 'adresdesk'
            WHEN entries.for_coach THEN 'budgetcoach'
            WHEN tiers.for_area THEN coalesce(entries.area_worklist, 'adresdesk')
            ELSE 'lichte_opvolging'
        END AS own_list,
        concat_ws('_', entries.for_municipality, own_list) AS worklist,
        entries.has_finished AND tiers.first_action = 'letter' AS is_phoned_again,
        CASE WHEN is_visit_forbidden OR is_phoned_again THEN 'phone' ELSE tiers.first_action END AS first_action,
        CASE WHEN tiers.is_crisis THEN entries.first_crisis_received_on ELSE entries.first_received_on END
            AS counted_from,
        tiers.is_crisis
    FROM entries
    INNER JOIN tiers USING (tier_name)
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY worklist
            ORDER BY tier ASC, partner_count DESC, longest_days DESC, total_amount DESC, address_key ASC
        ) AS rank,
        -- Among the home visits of the list; a running count of them over the whole list takes ten times as long.
        row_number() OVER (
            PARTITION BY worklist, first_action
            ORDER BY tier ASC, partner_count DESC, longest_days DESC, total_amount DESC, address_key ASC
        ) AS place_in_action
    FROM routed
),

placed AS (
    SELECT
        ranked.*,
        coalesce(
            own_list <> 'adresdesk' AND first_action = 'home_visit'
            AND place_in_action > coalesce(of_list.home_visits, of_all.home_visits),
            false
        ) AS over_capacity
    FROM ranked
    LEFT JOIN capacity AS of_list ON ranked.worklist = of_list.worklist
    -- Where municipalities are separate, a list that is set without one is of each of them.
    LEFT JOIN capacity AS of_all ON ranked.own_list = of_all.worklist
)

SELECT
    month,
    address_key,
    worklist,
    rank,
    tier,
    tier_name,
    CASE
        WHEN own_list = 'adresdesk' THEN 'check_address'
        WHEN over_capacity THEN 'phone'
        ELSE first_action
    END AS action,
    deadlines.deadline,
    over_capacity,
    is_recidivist,
    known_to,
    helped_month IS NOT NULL AS aftercare,
    -- What a visitor must have in mind, beside why the address is visited.
    nullif(
        concat_ws(
            '; ',
            CASE WHEN warm_handover THEN 'warme overdracht aangeboden' END,
            CASE
                WHEN possible_new_occupant THEN 'mogelijk een nieuwe bewoner, daarom behandeld als nieuw adres'
            END,
            'nazorg: kreeg hulp na de melding van ' || strftime(helped_month, '%m-%Y'),
            CASE WHEN known_to IS NOT NULL THEN 'bekend bij ' || known_to END,
            CASE
                WHEN has_finished
                    THEN 'rondde eerder een traject schuldhulp af'
                        || CASE WHEN is_phoned_again AND own_list <> 'adresdesk' THEN ', daarom bellen' ELSE '' END
            END,
            CASE
                WHEN is_repaired THEN 'adres hersteld: niet elke partner schreef het zo, vraag eerst naar de naam'
            END
        ),
        ''
    ) AS attention,
    concat_ws(
        '; ',
        CASE WHEN NOT is_light OR partner_count = 1 THEN why END,
        CASE WHEN partner_count = 1 THEN '1 partner' ELSE partner_count || ' partners' END
        || CASE WHEN light_count > 0 AND NOT is_light THEN ' boven de drempel (alle signalen: ' ELSE ' (' END
        || array_to_string(partner_types, ', ') || ')',
        signal_count || CASE WHEN signal_count = 1 THEN ' signaal' ELSE ' signalen' END,
        'langste achterstand ' || longest_days || CASE WHEN longest_days = 1 THEN ' dag' ELSE ' dagen' END,
        'totaal ' || euro(total_amount),
        CASE
            WHEN is_light
                THEN 'onder de drempel' || CASE WHEN own_list = 'adresdesk' THEN '' ELSE ', daarom lichte opvolging' END
            WHEN light_count = 1 THEN '1 signaal onder de drempel, dat niet meetelt voor de voorrang'
            WHEN light_count > 1 THEN light_count || ' signalen onder de drempel, die niet meetellen voor de voorrang'
        END,
        CASE
            WHEN is_recidivist
                THEN 'eerder gemeld in ' || times_reported
                    || CASE WHEN times_reported = 1 THEN ' maand' ELSE ' maanden' END
                    || ', laatst ' || strftime(last_reported_month, '%m-%Y')
        END,
        attention,
        CASE
            WHEN needs_review AND address_key LIKE '%\_?\_' ESCAPE '\'
                THEN 'adres niet zeker: meer woningen mogelijk, eerst uitzoeken'
            WHEN needs_review THEN 'adres staat niet in het register, eerst uitzoeken'
            WHEN own_list = 'adresdesk' THEN 'postcode valt buiten de gebieden van de wijkteams, eerst toewijzen'
        END,
        CASE
            WHEN own_list = 'adresdesk' THEN NULL
            WHEN over_capacity THEN 'huisbezoeken van deze maand zijn vergeven, daarom bellen'
            WHEN is_visit_forbidden THEN 'geen huisbezoeken deze maand, daarom bellen'
        END
    ) AS explanation
FROM placed
LEFT JOIN deadlines ON placed.counted_from = deadlines.received_on AND placed.is_crisis = deadlines.is_crisis
