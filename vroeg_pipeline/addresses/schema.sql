-- What addresses are judged by (DOMAIN §6).

-- The addresses of the register with their history, sorted by postcode and house number; on any day at most one row a
-- key (DOMAIN §6). The view dwellings has those of one day.
CREATE TABLE IF NOT EXISTS reference.address_register (
    address_key VARCHAR NOT NULL,  -- POSTCODE_NUMBER_LETTER_ADDITION.
    postcode VARCHAR NOT NULL,  -- Four digits and two letters.
    house_number INTEGER NOT NULL,  -- Huisnummer.
    house_letter VARCHAR NOT NULL,  -- Huisletter, upper case, empty when none.
    house_number_addition VARCHAR NOT NULL,  -- Huisnummertoevoeging, upper case without separators, empty when none.
    suffix VARCHAR NOT NULL,  -- Letter and addition behind each other.
    meaning VARCHAR NOT NULL,  -- What the suffix means: its group's first spelling, leading zeros dropped.
    street VARCHAR,  -- Openbare ruimte.
    city VARCHAR,  -- Woonplaats.
    municipality VARCHAR,  -- Gemeentecode.
    -- BAG identification of the number designation; of several entries with this key the lowest.
    nummeraanduiding_id VARCHAR,
    -- BAG identification of the dwelling, berth or pitch: addresses that share it are one door. Empty where the source
    -- does not say.
    adresseerbaar_object_id VARCHAR,
    -- The main address of the object (hoofdadres), or a side address (nevenadres). Empty where the source does not say.
    is_main BOOLEAN,
    object_kind VARCHAR,  -- verblijfsobject, ligplaats or standplaats. Empty where the source does not say.
    -- Status of the object in the words of the BAG, e.g. Verblijfsobject in gebruik. Empty where the source does not
    -- say.
    status VARCHAR,
    valid_from DATE,  -- First day on which all of this held; empty when it always did.
    valid_until DATE,  -- First day on which it no longer held; empty when it still does.
    buurtcode VARCHAR,  -- CBS buurt, BU and eight digits, from the source or reference/buurten.csv.
    other_ids VARCHAR[]  -- Further number designations with this key in this period; empty when there are none.
);

-- Each time that another address register was read, and what it changed.
CREATE TABLE IF NOT EXISTS reference.register_loads (
    load_number INTEGER NOT NULL,  -- Counts from 1.
    loaded_at TIMESTAMPTZ NOT NULL,  -- When it was read.
    source VARCHAR NOT NULL,  -- Its files under reference/.
    sha256 VARCHAR NOT NULL,  -- Fingerprint of these files and of how they are read.
    entries BIGINT NOT NULL,  -- Entries in it, those of the past included.
    left_out BIGINT NOT NULL,  -- Entries in force without postcode or certain number, or with a key of another.
    dwellings BIGINT NOT NULL,  -- Addresses in force in it.
    dwellings_before BIGINT NOT NULL,  -- Addresses in force in the register before it; 0 when there was none.
    added BIGINT NOT NULL,  -- Addresses in force whose designation and key were both not there before.
    -- Addresses that were in force before and of which neither designation nor key is in force any more.
    withdrawn BIGINT NOT NULL,
    renumbered BIGINT NOT NULL,  -- Designations that are in force with another key than before.
    refused BOOLEAN NOT NULL,  -- It lost too many addresses (register_max_loss): the register before it stays in force.
    mended BIGINT  -- Entries with a code or identification that had lost its leading zeros.
);
