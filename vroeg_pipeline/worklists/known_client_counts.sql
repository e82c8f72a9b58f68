-- What became of the known clients when the worklists of the month were made, counted; nobody is in it (DOMAIN §9).
-- Needs: has_known_clients, month; tables known_answers.
SELECT
    getvariable('month') AS month,
    getvariable('has_known_clients') AS is_linked,
    count(*) AS read_count,
    count(*) FILTER (WHERE answer = 'found') AS found_count,
    count(*) FILTER (WHERE answer = 'ambiguous') AS ambiguous_count,
    count(*) FILTER (WHERE answer = 'unknown') AS unknown_count,
    count(*) FILTER (WHERE answer = 'unreadable') AS unreadable_count,
    -- Where most have no address, that an address is not among them says nothing.
    is_linked AND read_count > 0 AND 2 * found_count >= read_count AS is_usable,
    count(*) FILTER (WHERE is_strange_status) AS strange_status_count
FROM known_answers
