-- What the address desk is asked about the month's addresses: those that need review, those that something else speaks
-- against, and its own decisions that the register now contradicts or that could not be used. One row a writing of an
-- address with a surname. Nothing here is ever merged: it is pointed out (DOMAIN §6).
-- Needs: has_register, month; tables ancestry, last_successor, moved_addresses, partner_names; macros.sql,
-- address_macros.sql.
WITH signals AS (
    SELECT
        signal.*,
        coalesce(side_address_key, address_key) AS own_key,
        coalesce(lineage.successor, signal.partner) AS one_partner
    FROM validated_signals AS signal
    LEFT JOIN last_successor AS lineage USING (partner)
    WHERE signal.month = getvariable('month') AND signal.held_reason IS NULL
),

last_month AS (
    SELECT
        past.partner,
        past.customer_reference,
        coalesce(moved.address_key, past.address_key) AS address_key,
        past.street,
        past.city
    FROM validated_signals AS past
    LEFT JOIN moved_addresses AS moved ON past.month = moved.month AND past.address_key = moved.former_key
    WHERE past.month = getvariable('month') - INTERVAL 1 MONTH AND past.held_reason IS NULL AND NOT past.needs_review
),

-- The same customer of the same partner at another number than last month.
customers_moved AS (
    SELECT DISTINCT
        signal.desk_id,
        before.address_key,
        before.street
    FROM signals AS signal
    INNER JOIN ancestry ON signal.partner = ancestry.partner
    INNER JOIN last_month AS before
        ON ancestry.ancestor = before.partner AND signal.customer_reference = before.customer_reference
    ANTI JOIN last_month AS same
        ON ancestry.ancestor = same.partner
        AND signal.customer_reference = same.customer_reference
        AND signal.address_key = same.address_key
    WHERE before.address_key <> signal.address_key
        AND (left(before.address_key, 6) = signal.postcode OR before.street = signal.street)
),

-- What two partners may write of one person: next door, or the same number with another suffix. On one side of a
-- street the next door is two numbers on.
next_door AS (
    SELECT DISTINCT
        signal.desk_id,
        other.address_key,
        other.street
    FROM signals AS signal
    INNER JOIN signals AS other
        ON signal.birth_date = other.birth_date
        AND signal.address_key <> other.address_key
        AND signal.one_partner <> other.one_partner
    WHERE abs(signal.house_number - other.house_number) <= 2
        AND (signal.postcode = other.postcode OR signal.street = other.street)
        AND list_has_any(signal.surnames, other.surnames)
        AND NOT other.needs_review
),

from_evidence AS (
    SELECT
        desk_id,
        unnest(
            from_json(
                json_extract(address_evidence, '$.candidates'),
                '[{"address_key":"VARCHAR","street":"VARCHAR","found_by":"VARCHAR"}]'
            )
        ) AS candidate
    FROM signals
    WHERE needs_review
),

-- A decision that holds, and an answer of the register that is another.
contradicted AS (
    SELECT
        signals.*,
        CASE
            WHEN resolver_status IN ('exact', 'normalised', 'repaired') AND resolver_key <> own_key
                THEN 'register_says_otherwise'
            WHEN address_status = 'repaired' AND dwelling.address_key IS NULL AND getvariable('has_register')
                THEN 'decision_not_in_register'
        END AS reason
    FROM signals
    LEFT JOIN dwellings AS dwelling ON signals.own_key = dwelling.address_key
    WHERE address_stage = 'desk'
),

last_refusals AS (
    SELECT *
    FROM reference.address_decisions
    WHERE refusal IS NOT NULL AND desk_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1
),

-- What the desk has not answered in a later file.
not_used AS (
    SELECT
        refused.desk_id,
        refused.refusal
    FROM last_refusals AS refused
    LEFT JOIN reference.address_decisions AS later
        ON refused.desk_id = later.desk_id AND refused.decided_at < later.decided_at
    WHERE later.desk_id IS NULL
),

candidates AS (
    SELECT
        desk_id,
        candidate.*,
        2 AS nearness
    FROM from_evidence
    UNION ALL
    SELECT
        *,
        'last_month' AS found_by,
        0 AS nearness
    FROM customers_moved
    UNION ALL
    SELECT
        *,
        'next_door' AS found_by,
        1 AS nearness
    FROM next_door
    UNION ALL
    SELECT
        contradicted.desk_id,
        contradicted.resolver_key AS address_key,
        dwelling.street,
        'register' AS found_by,
        0 AS nearness
    FROM contradicted
    LEFT JOIN dwellings AS dwelling ON contradicted.resolver_key = dwelling.address_key
    WHERE contradicted.reason = 'register_says_otherwise'
),

one_a_candidate AS (
    SELECT *
    FROM candidates
    QUALIFY row_number() OVER (PARTITION BY desk_id, address_key ORDER BY nearness, street) = 1
),

candidate_lists AS (
    SELECT
        desk_id,
        list(
            struct_pack(address := address_text_of(address_key), street := street, found_by := found_by)
            ORDER BY nearness, address_key
        ) AS candidates
    FROM one_a_candidate
    GROUP BY desk_id
),

-- What is asked, the most pressing first; what the desk decided on is asked again only when it is contradicted.
questions AS (
    SELECT
        desk_id,
        json_extract_string(address_evidence, '$.reason') AS reason,
        0 AS place
    FROM signals
    WHERE needs_review
    UNION ALL
    SELECT
        desk_id,
        reason,
        1 AS place
    FROM contradicted
    WHERE reason IS NOT NULL
    UNION ALL
    SELECT
        desk_id,
        'customer_at_another_number' AS reason,
        2 AS place
    FROM signals
    SEMI JOIN customers_moved USING (desk_id)
    WHERE address_stage <> 'desk'
    UNION ALL
    SELECT
        desk_id,
        'person_next_door' AS reason,
        3 AS place
    FROM signals
    SEMI JOIN next_door USING (desk_id)
    WHERE address_stage <> 'desk'
    UNION ALL
    SELECT
        desk_id,
        'decision_not_used' AS reason,
        4 AS place
    FROM signals
    SEMI JOIN not_used USING (desk_id)
),

asked AS (
    SELECT
        desk_id,
        arg_min(reason, (place, reason)) AS reason
    FROM questions
    GROUP BY desk_id
),

people AS (
    SELECT
        signal.desk_id,
        min(signal.address_key) AS address_key,
        count(*) AS signal_count,
        list_sort(list(DISTINCT coalesce(names.name, signal.partner))) AS partners,
        bool_or(signal.crisis) AS has_crisis,
        total_of(signal.amount_due) AS total_amount,
        string_agg(DISTINCT signal.written_address, chr(10) ORDER BY signal.written_address) AS written,
        string_agg(DISTINCT concat_ws(' ', signal.initials, signal.prefix, signal.surname), '; ') AS residents,
        -- Of a decision on another spelling of the surname the evidence tells.
        max(json_extract_string(signal.address_evidence, '$.decision')) AS decision,
        max(json_extract_string(signal.address_evidence, '$.decided_on')) AS decided_on
    FROM signals AS signal
    SEMI JOIN asked USING (desk_id)
    LEFT JOIN partner_names AS names USING (partner)
    GROUP BY signal.desk_id
)

SELECT
    getvariable('month') AS month,
    asked.desk_id,
    asked.reason,
    people.address_key,
    people.signal_count,
    people.partners,
    people.has_crisis,
    people.total_amount,
    people.written,
    people.residents,
    coalesce(candidate_lists.candidates, []) AS candidates,
    coalesce(override.decision, people.decision) AS earlier_decision,
    coalesce(override.decided_at::DATE, people.decided_on::DATE) AS decided_on,
    not_used.refusal
FROM asked
INNER JOIN people USING (desk_id)
LEFT JOIN candidate_lists USING (desk_id)
LEFT JOIN reference.address_overrides AS override USING (desk_id)
LEFT JOIN not_used USING (desk_id)
