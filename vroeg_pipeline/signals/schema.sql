-- What the rows became (DOMAIN §5).

-- One row a signal that passed every rule of DOMAIN §5. Personal data. Key: signal_id.
CREATE TABLE IF NOT EXISTS validated_signals (
    month DATE NOT NULL,  -- Signalling month.
    signal_id VARCHAR NOT NULL,  -- Stable: partner, month, first twelve digits of the file's SHA-256 and row number.
    partner VARCHAR NOT NULL,  -- Partner that reported it.
    partner_type VARCHAR NOT NULL,  -- DDAS type of the partner.
    file_sha256 VARCHAR NOT NULL,  -- The delivery it came in.
    row_number INTEGER NOT NULL,  -- Its row in the delivery.
    received_at TIMESTAMPTZ NOT NULL,  -- When the file came in.
    -- When the first file of the delivery came in that has the customer at the address in a row that broke no rule:
    -- first contact counts from it.
    first_received_at TIMESTAMPTZ,
    -- When the first file came in that announced a cut-off or eviction there, also in a rejected row; empty without
    -- crisis.
    crisis_received_at TIMESTAMPTZ,
    customer_reference VARCHAR NOT NULL,  -- The partner's own reference. Personal data.
    address_key VARCHAR NOT NULL,  -- POSTCODE_NUMBER_LETTER_ADDITION (DOMAIN §6). Personal data.
    -- exact, normalised, repaired (by evidence, or by a decision of the address desk), ambiguous, unknown or unchecked
    -- (DOMAIN §6).
    address_status VARCHAR NOT NULL,
    -- The address is ambiguous or unknown, and the address desk has not decided on it: it goes there.
    needs_review BOOLEAN NOT NULL,
    municipality VARCHAR,  -- Municipality code of the address, by the register or else the postcode table.
    -- Municipality whose files it stands in (separate_municipalities): that of its address, else the first that is
    -- agreed with the partner. Empty where municipalities are not separate.
    for_municipality VARCHAR,
    amount_due DECIMAL(12, 2) NOT NULL,  -- Arrear in euro.
    arrears_since DATE NOT NULL,  -- Day the arrear began (ontstaansdatum).
    reference_date DATE NOT NULL,  -- Day the partner read it from its books (peildatum).
    days_in_arrears INTEGER NOT NULL,  -- Days from arrears_since to reference_date.
    crisis BOOLEAN NOT NULL,  -- Cut-off or eviction has been announced.
    -- The amount is below the threshold, and the settings let such signals through (below_threshold): it makes no
    -- multiple. Empty in months from before that setting.
    on_light_track BOOLEAN,
    warm_handover BOOLEAN NOT NULL,  -- The partner offers to hand the case over in person.
    reminder_sent BOOLEAN,  -- The partner has sent a reminder; empty where its file does not say.
    -- restricted (the resident asked for it, DOMAIN §14), withdrawn or not_confirmed: held back by the actuality gate
    -- (DOMAIN §10); empty when it counts.
    held_reason VARCHAR,
    surname VARCHAR NOT NULL,  -- Surname as delivered. Personal data.
    -- The names that the surname holds, without case, accents and prefixes, to compare occupants (DOMAIN §8). Personal
    -- data.
    surnames VARCHAR[] NOT NULL,
    initials VARCHAR,  -- Personal data.
    prefix VARCHAR,  -- Surname prefix from its own column. Personal data.
    birth_date DATE,  -- Personal data.
    phone VARCHAR,  -- Personal data.
    email VARCHAR,  -- Personal data.
    street VARCHAR,  -- Street of the register, else as delivered. Personal data.
    postcode VARCHAR NOT NULL,  -- Postcode, four digits and two letters. Personal data.
    house_number INTEGER NOT NULL,  -- House number. Personal data.
    -- House letter of the register, else by rule; empty when none or not certain. Personal data.
    house_letter VARCHAR NOT NULL,
    -- Addition of the register, else by rule; as written where the address is ambiguous. Personal data.
    house_number_addition VARCHAR NOT NULL,
    city VARCHAR,  -- Town of the register, else as delivered. Personal data.
    -- What settled the address: A postcode and number, B street and number, C a postcode nearby, D nothing (to review),
    -- rule: no register, desk: a decision of the address desk.
    address_stage VARCHAR,
    -- Why, as one line of JSON: what agreed, what had to be mended, which other dwellings can be meant. Personal data.
    address_evidence VARCHAR,
    nummeraanduiding_id VARCHAR,  -- BAG identification of the address that was found. Personal data.
    -- BAG identification of its dwelling, berth or pitch, where the register says so. Personal data.
    adresseerbaar_object_id VARCHAR,
    buurtcode VARCHAR,  -- CBS buurt of the address, where the register or reference/buurten.csv says so.
    -- The side address (nevenadres) that was written, where address_key is the main address of the same object.
    -- Personal data.
    side_address_key VARCHAR,
    written_address VARCHAR,  -- The address as the partner wrote it, on one line. Personal data.
    -- How the address desk knows this writing of an address with this surname (Kenmerk): a hash for each of its names,
    -- the same in every month. Personal data.
    desk_id VARCHAR,
    resolver_key VARCHAR,  -- The key that the address has without the address desk. Personal data.
    resolver_status VARCHAR  -- The status that the address has without the address desk.
);

-- Where signals of the month stood before they came to stand at another address, or left: by what their partner wrote.
-- A register or a decision of the address desk gives an address another key; what was done under the old one is found
-- again by it. Only ever added to. Personal data. Key: month, partner, customer_reference, written_address,
-- address_key.
CREATE TABLE IF NOT EXISTS former_addresses (
    month DATE NOT NULL,  -- Signalling month.
    partner VARCHAR NOT NULL,  -- Partner that reported it.
    customer_reference VARCHAR NOT NULL,  -- The partner's own reference. Personal data.
    written_address VARCHAR NOT NULL,  -- The address as the partner wrote it, on one line. Personal data.
    address_key VARCHAR NOT NULL  -- Where it stood (DOMAIN §6). Personal data.
);

-- One row a delivered row that broke a rule of DOMAIN §5, with every rule it broke. Key: file_sha256, row_number.
CREATE TABLE IF NOT EXISTS rejected_rows (
    month DATE NOT NULL,  -- Signalling month.
    partner VARCHAR NOT NULL,  -- Partner that delivered it; the sender where its agreement does not name the partner.
    file_sha256 VARCHAR NOT NULL,  -- The delivery it came in.
    row_number INTEGER NOT NULL,  -- Its row in the delivery.
    reasons VARCHAR[] NOT NULL,  -- Codes of the rules it broke, in the order of DOMAIN §5.
    ddas_status VARCHAR,  -- DDAS status fed back to the partner: that of the first reason that has one.
    customer_reference VARCHAR,  -- The partner's own reference, so that it can find the row. Personal data.
    -- DDAS type of the partner. This and what follows is kept of rows that DDAS counts as a signal, so that CBS gets
    -- it: those with a ddas_status and an address. Not of an objection: who refused passing on data is passed on to
    -- nobody.
    partner_type VARCHAR,
    received_at TIMESTAMPTZ,  -- When the delivery came in.
    municipality VARCHAR,  -- Municipality code of the address.
    postcode VARCHAR,  -- Postcode, four digits and two letters. Personal data.
    house_number INTEGER,  -- House number. Personal data.
    house_letter VARCHAR,  -- House letter. Personal data.
    house_number_addition VARCHAR,  -- Addition. Personal data.
    birth_date DATE,  -- Personal data.
    amount_due DECIMAL(12, 2),  -- Arrear in euro, where it can be read.
    arrears_since DATE,  -- Day the arrear began, where it can be read.
    crisis BOOLEAN,  -- Cut-off or eviction has been announced.
    warm_handover BOOLEAN,  -- The partner offers to hand the case over in person.
    for_municipality VARCHAR  -- As of validated_signals.
);
