-- Who is being erased (DOMAIN §14).

-- What is still to be erased of a resident, while it is done: an erasure that was killed goes on from here. Empty
-- otherwise. Personal data.
CREATE TABLE IF NOT EXISTS reference.erasing (
    request INTEGER NOT NULL,  -- Number of the request.
    -- row (as delivered), door, shared_door (others have signals there), reference, writing (at the address desk),
    -- place (postcode and number), name, birth_date or word (by which a file is known to hold them).
    kind VARCHAR NOT NULL,
    of_month DATE,  -- Signalling month of a row or door.
    partner VARCHAR,  -- Partner of a row or reference.
    file_sha256 VARCHAR,  -- File of a row.
    row_number INTEGER,  -- Its number in the file.
    value VARCHAR  -- The key, reference, name, … Personal data.
);
