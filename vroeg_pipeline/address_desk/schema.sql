-- What people decide on addresses that nothing else settles (DOMAIN §6).

-- What the address desk is asked about the month: writings of an address, with a surname, that somebody must look at.
-- Personal data. Key: month, desk_id.
CREATE TABLE IF NOT EXISTS address_desk (
    month DATE NOT NULL,  -- Signalling month.
    desk_id VARCHAR NOT NULL,  -- Kenmerk by which a decision comes back; the same in every month. Personal data.
    -- Why it is asked: the reason of the resolver, customer_at_another_number, person_next_door,
    -- register_says_otherwise, decision_not_in_register or decision_not_used.
    reason VARCHAR NOT NULL,
    address_key VARCHAR NOT NULL,  -- The key that it has now. Personal data.
    signal_count INTEGER NOT NULL,  -- Signals that it concerns.
    partners VARCHAR[] NOT NULL,  -- Names of the partners that wrote it.
    has_crisis BOOLEAN NOT NULL,  -- A crisis signal is among them.
    total_amount DECIMAL(12, 2) NOT NULL,  -- Sum of the arrears in euro.
    written VARCHAR NOT NULL,  -- The address as written, a line each way. Personal data.
    residents VARCHAR NOT NULL,  -- Who is written to live there. Personal data.
    -- The addresses that it can be, the likeliest first, and by what each was found. Personal data.
    candidates STRUCT(address VARCHAR, street VARCHAR, found_by VARCHAR)[] NOT NULL,
    earlier_decision VARCHAR,  -- What the desk decided on it before: not_found, or what is now contradicted.
    decided_on DATE,  -- Day of that decision, Amsterdam.
    refusal VARCHAR  -- Why the last decision that came back could not be used, in Dutch.
);

-- Every decision that the address desk sent back, and what could not be used of it; only ever added to. Key:
-- file_sha256, row_number.
CREATE TABLE IF NOT EXISTS reference.address_decisions (
    file_sha256 VARCHAR NOT NULL,  -- The file from inbox/adresdesk/ that it stands in.
    row_number INTEGER NOT NULL,  -- Its row in the file; 0 tells of the file itself.
    desk_id VARCHAR,  -- Kenmerk: the writing of an address with a surname that it is about. Personal data.
    -- address (it is this one), as_written (it is right, the register lacks it), not_found, or withdrawn (an earlier
    -- decision no longer holds).
    decision VARCHAR,
    address_key VARCHAR,  -- The address that was chosen, or what the writing meant then. Personal data.
    -- BAG identification of it, by which the decision outlives a renumbering. Personal data.
    nummeraanduiding_id VARCHAR,
    decided_by VARCHAR,  -- Who decided (Door).
    decided_at TIMESTAMPTZ NOT NULL,  -- When the file was received; the latest decision on a desk_id holds.
    why VARCHAR,  -- Why (Toelichting), in any words. Personal data.
    refusal VARCHAR,  -- Why it could not be used, in Dutch; empty when it holds.
    written VARCHAR  -- What stood in Besluit, of one that could not be used. Personal data.
);

-- The decisions of the address desk that hold: every run replays them, whatever the register says (DOMAIN §6). Key:
-- desk_id.
CREATE OR REPLACE VIEW reference.address_overrides AS
WITH latest AS (
    SELECT *
    FROM reference.address_decisions
    WHERE refusal IS NULL AND row_number > 0
    QUALIFY row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1
)

SELECT * EXCLUDE (refusal, written)
FROM latest
WHERE decision <> 'withdrawn';
