-- What the month shows (DOMAIN §7, §8).

-- One row an address and month with at least one signal that is not held (DOMAIN §7). Key: month, address_key.
CREATE TABLE IF NOT EXISTS address_matches (
    month DATE NOT NULL,  -- Signalling month.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    match_kind VARCHAR NOT NULL,  -- multiple when two or more different partners report it, else single.
    signal_count INTEGER NOT NULL,  -- Signals that are not held.
    -- Different partners; a partner and its predecessors are one. Those that are on the light track alone do not count
    -- beside others.
    partner_count INTEGER NOT NULL,
    partners VARCHAR[] NOT NULL,  -- Partners as they delivered, sorted.
    partner_types VARCHAR[] NOT NULL,  -- Their DDAS types, sorted.
    total_amount DECIMAL(12, 2) NOT NULL,  -- Sum of the arrears in euro.
    longest_days INTEGER NOT NULL,  -- Longest arrear in days.
    earliest_arrears_since DATE NOT NULL,  -- Day the oldest arrear began.
    -- A rent arrear is among them that is not on the light track (or a mortgage, where the settings say so).
    has_rent BOOLEAN NOT NULL,
    has_crisis BOOLEAN NOT NULL,  -- A crisis signal is among them.
    light_signal_count INTEGER,  -- Signals on the light track (validated_signals).
    warm_handover BOOLEAN NOT NULL,  -- A partner offers a warm handover.
    needs_review BOOLEAN NOT NULL,  -- The address is for the address desk.
    first_received_on DATE NOT NULL,  -- Amsterdam day on which the earliest delivery with one of its signals came in.
    first_crisis_received_on DATE,  -- The same, of its crisis signals.
    -- A signal came to the address by mending what was written, or by a decision of the address desk.
    is_repaired BOOLEAN,
    -- BAG identification of the address; by it a later month knows it under another key. Personal data.
    nummeraanduiding_id VARCHAR,
    -- BAG identification of its dwelling, berth or pitch, where the register says so. Personal data.
    adresseerbaar_object_id VARCHAR,
    buurtcode VARCHAR,  -- CBS buurt of the address, where the register or reference/buurten.csv says so.
    for_municipality VARCHAR  -- Municipality whose files it stands in, as of its signals (validated_signals).
);

-- Signals that repeat one already picked up (DOMAIN §8). Key: signal_id.
CREATE TABLE IF NOT EXISTS repeat_signals (
    month DATE NOT NULL,  -- Signalling month of the repeat.
    signal_id VARCHAR NOT NULL,  -- The repeat.
    repeats_signal_id VARCHAR NOT NULL  -- The latest signal it repeats.
);

-- Which signals of a month were repeats, once repeat_signals is removed (DOMAIN §14): later months have to know.
CREATE TABLE IF NOT EXISTS remembered_repeats (
    month DATE NOT NULL,  -- Signalling month of the repeat.
    signal_id VARCHAR NOT NULL  -- The repeat.
);

-- Whether each reported address was reported before, as of its month (DOMAIN §8). Key: month, address_key.
CREATE TABLE IF NOT EXISTS recidivism_history (
    month DATE NOT NULL,  -- Signalling month.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    -- new, consecutive (reported last month) or returning (reported earlier in the look-back).
    recidivism_kind VARCHAR NOT NULL,
    is_recidivist BOOLEAN NOT NULL,  -- Not new.
    possible_new_occupant BOOLEAN NOT NULL,  -- Reported before, but under no surname or birth date of this month.
    first_reported_month DATE,  -- First month in the look-back in which it was reported.
    last_reported_month DATE,  -- Last such month.
    times_reported INTEGER NOT NULL,  -- Number of such months.
    months_since_last INTEGER,  -- Months from the last one to this month.
    only_repeats BOOLEAN NOT NULL  -- All its signals are repeats: it is on no worklist and does not count as reported.
);

-- What later months must know of a month whose signals were removed (DOMAIN §14): keyed hashes, of which nobody gets a
-- door or a name without the key. One row an address that was reported.
CREATE TABLE IF NOT EXISTS reported_history (
    month DATE NOT NULL,  -- Signalling month.
    door VARCHAR NOT NULL,  -- Of the address. Personal data.
    -- Of its BAG identification, by which it is known again under another key. Personal data.
    designation VARCHAR,
    dwelling VARCHAR,  -- Of the BAG identification of its dwelling, berth or pitch. Personal data.
    names VARCHAR[] NOT NULL,  -- Of each occupant's names, together with the door. Personal data.
    birth_dates VARCHAR[] NOT NULL,  -- Of each occupant's birth date, together with the door. Personal data.
    only_repeats BOOLEAN NOT NULL,  -- It was made of repeats alone.
    key_check VARCHAR NOT NULL  -- Tells whether a key is the one that these hashes were made with.
);
