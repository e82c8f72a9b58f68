-- What people do (DOMAIN §9).

-- Who does what, in which order (DOMAIN §9). Key: month, address_key.
CREATE TABLE IF NOT EXISTS prioritised_worklists (
    month DATE NOT NULL,  -- Signalling month.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    -- A wijkteam, budgetcoach, lichte_opvolging or adresdesk; where municipalities are separate with the code of one in
    -- front of it, as 0473_budgetcoach.
    worklist VARCHAR NOT NULL,
    rank INTEGER NOT NULL,  -- Place on the list, from 1.
    tier INTEGER NOT NULL,  -- Priority: 0 is best.
    tier_name VARCHAR NOT NULL,  -- crisis, rent_enriched, rent, multiple, single_high or single.
    action VARCHAR NOT NULL,  -- First action: home_visit, phone, letter or check_address.
    deadline DATE NOT NULL,  -- Last day for the first contact.
    -- A home visit became a phone call, as the list's visits for the month are used up.
    over_capacity BOOLEAN NOT NULL,
    is_recidivist BOOLEAN NOT NULL,  -- Reported before in the look-back.
    known_to VARCHAR,  -- Services that know the address already, joined by a comma.
    explanation VARCHAR NOT NULL,  -- Why it stands where it stands, in Dutch.
    aftercare BOOLEAN,  -- A case of the address in the last aftercare_months ended in help (nazorg).
    -- What the explanation says that a visitor must have in mind (Let op), in Dutch; empty when there is nothing.
    attention VARCHAR
);

-- What became of the known clients when the worklists of the month were made, counted. Key: month.
CREATE TABLE IF NOT EXISTS known_client_counts (
    month DATE NOT NULL,  -- Signalling month.
    is_linked BOOLEAN NOT NULL,  -- There is a source of known clients.
    read_count BIGINT NOT NULL,  -- Clients in it.
    found_count BIGINT NOT NULL,  -- Those whose address is certain: they are flagged.
    ambiguous_count BIGINT NOT NULL,  -- Those whose address can be several dwellings; nobody is flagged by them.
    unknown_count BIGINT NOT NULL,  -- Those whose address is not in the register; nobody is flagged by them.
    unreadable_count BIGINT NOT NULL,  -- Those without a postcode, a house number or a service that knows them.
    -- Who is not among them was unknown before: at least half of them have an address that is certain.
    is_usable BOOLEAN NOT NULL,
    strange_status_count BIGINT  -- Those with a status that is neither lopend nor afgerond; they count as lopend.
);

-- What each team was told, issue by issue; only ever added to (DOMAIN §9). Key: month, worklist, issue, address_key.
CREATE TABLE IF NOT EXISTS worklist_issues (
    month DATE NOT NULL,  -- Signalling month.
    worklist VARCHAR NOT NULL,  -- The list.
    issue INTEGER NOT NULL,  -- From 1 per month and list; the first has all entries, a later one what changed.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    change VARCHAR NOT NULL,  -- added or withdrawn.
    issued_at TIMESTAMPTZ NOT NULL  -- When the issue was decided.
);

-- The issues that lie in the outbox; an issue without a row is still to be written. Key: month, worklist, issue.
CREATE TABLE IF NOT EXISTS worklist_files (
    month DATE NOT NULL,  -- Signalling month.
    worklist VARCHAR NOT NULL,  -- The list.
    issue INTEGER NOT NULL,  -- Number of the issue.
    file_name VARCHAR NOT NULL,  -- Name in outbox/‹YYYY-MM›/.
    entries INTEGER NOT NULL,  -- Lines in it, withdrawn ones included.
    written_at TIMESTAMPTZ NOT NULL  -- When it was written.
);
