-- The lines of one issue of one worklist, or (issue NULL) of the list as it stands, as the team reads them: added
-- addresses by rank, then withdrawn ones. A withdrawn address is not on the list any more, so only where it is can be
-- told.
-- Needs: issue, month, worklist; tables earlier_contacts, partner_names; macros.sql.
WITH issued AS (
    SELECT
        address_key,
        arg_max(change, issue) AS change
    FROM worklist_issues
    WHERE
        month = getvariable('month') AND worklist = getvariable('worklist')
        AND issue = coalesce(getvariable('issue'), issue)
    GROUP BY address_key
),

-- Addresses that a team was told of earlier in the month, so that there may have been contact since.
issued_before AS (
    SELECT DISTINCT earlier.address_key
    FROM worklist_issues AS earlier
    INNER JOIN worklist_issues AS this
        ON earlier.month = this.month AND earlier.address_key = this.address_key AND earlier.issued_at < this.issued_at
    WHERE
        this.month = getvariable('month') AND this.worklist = getvariable('worklist')
        AND this.issue = getvariable('issue')
),

signals AS (
    SELECT
        signal.*,
        names.name AS partner_name,
        concat_ws(' ', signal.initials, signal.prefix, signal.surname) AS resident
    FROM validated_signals AS signal
    SEMI JOIN issued USING (address_key)
    LEFT JOIN partner_names AS names USING (partner)
    WHERE signal.month = getvariable('month')
),

-- Every signal of the address for where it is, the ones that count for who and what.
places AS (
    SELECT
        address_key,
        any_value(street ORDER BY partner, row_number) AS street,
        any_value(city ORDER BY partner, row_number) AS city,
        any_value(
            house_number || house_letter
            || CASE WHEN house_number_addition = '' THEN '' ELSE '-' || house_number_addition END
            ORDER BY partner, row_number
        ) AS house_number,
        string_agg(DISTINCT resident, '; ' ORDER BY resident) FILTER (WHERE held_reason IS NULL) AS residents,
        string_agg(DISTINCT phone, '; ' ORDER BY phone) FILTER (WHERE held_reason IS NULL) AS phone,
        string_agg(DISTINCT email, '; ' ORDER BY email) FILTER (WHERE held_reason IS NULL) AS email
    FROM signals
    GROUP BY address_key
),

amounts AS (
    SELECT
        address_key,
        string_agg(partner_name || ' ' || euro(amount_due), '; ' ORDER BY amount_due DESC, partner_name) AS partners
    FROM (
        SELECT
            address_key,
            coalesce(partner_name, partner) AS partner_name,
            sum(amount_due) AS amount_due
        FROM signals
        WHERE held_reason IS NULL
        GROUP BY ALL
    )
    GROUP BY address_key
)

SELECT
    case_id_of(getvariable('month'), issued.address_key) AS case_id,
    issued.change,
    entry.rank,
    entry.tier_name,
    entry.action,
    coalesce(entry.over_capacity, false) AS over_capacity,
    entry.deadline,
    CASE WHEN issued.change = 'added' THEN places.residents END AS residents,
    -- Who was erased is withdrawn by the Kenmerk alone (DOMAIN §14).
    CASE
        WHEN starts_with(issued.address_key, 'case:') THEN 'op verzoek gewist; zie het kenmerk' ELSE places.street
    END AS street,
    CASE
        WHEN starts_with(issued.address_key, 'case:') THEN '' ELSE split_part(issued.address_key, '_', 1)
    END AS postcode,
    coalesce(places.house_number, split_part(issued.address_key, '_', 2)) AS house_number,
    places.city,
    CASE WHEN issued.change = 'added' THEN places.phone END AS phone,
    CASE WHEN issued.change = 'added' THEN places.email END AS email,
    -- What stands under Let op or Totaal is not said twice.
    replace(
        replace(entry.explanation, coalesce('; ' || entry.attention, ''), ''),
        '; totaal ' || euro(match.total_amount),
        ''
    ) AS explanation,
    entry.attention,
    CASE
        WHEN issued.change = 'added' AND (getvariable('issue') IS NULL OR before.address_key IS NOT NULL)
            THEN contact.told
        WHEN issued.change = 'added' THEN contact.told_before
    END AS last_time,
    CASE WHEN issued.change = 'added' THEN amounts.partners END AS partners,
    CASE WHEN issued.change = 'added' THEN match.total_amount END AS total_amount,
    CASE WHEN issued.change = 'added' THEN match.longest_days END AS longest_days,
    coalesce(entry.is_recidivist, false) AS is_recidivist,
    entry.known_to
FROM issued
-- An issue that was decided but not written before a crash may name an address that has left the list since: the
-- next issue withdraws it, so that it is not sent out here first.
LEFT JOIN prioritised_worklists AS entry
    ON CASE WHEN issued.change = 'added' THEN issued.address_key END = entry.address_key
    AND entry.month = getvariable('month')
    AND entry.worklist = getvariable('worklist')
LEFT JOIN address_matches AS match
    ON issued.address_key = match.address_key AND match.month = getvariable('month')
LEFT JOIN places ON issued.address_key = places.address_key
LEFT JOIN amounts ON issued.address_key = amounts.address_key
LEFT JOIN earlier_contacts AS contact ON issued.address_key = contact.address_key
LEFT JOIN issued_before AS before ON issued.address_key = before.address_key
WHERE issued.change = 'withdrawn' OR entry.rank IS NOT NULL
ORDER BY issued.change, entry.rank, issued.address_key
