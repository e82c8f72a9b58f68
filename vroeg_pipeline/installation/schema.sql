-- The parts of the warehouse, and what it knows of itself. Every room has its own part of the schema; how it is
-- written, and what is derived from it, stands in `schema.py` beside this file.
-- There are no primary keys: DuckDB checks a key before the delete of the same transaction counts, so that a month
-- could not be replaced. Asset checks watch the keys instead. Months are dates, the first of the month.

CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS reference;

-- Which version of the address register is loaded, and of this schema.
CREATE TABLE IF NOT EXISTS reference.sources (
    -- address_register (the one in force), address_register, refused (the one in reference/ that is not), or
    -- schema.sql.
    name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,  -- Fingerprint of what is loaded.
    row_count BIGINT NOT NULL,  -- Entries in it.
    loaded_at TIMESTAMPTZ NOT NULL  -- When it was loaded.
);

-- What was removed as its term was over, by month (DOMAIN §14). A month that is here is closed: it is not run again.
CREATE TABLE IF NOT EXISTS reference.removals (
    month DATE NOT NULL,  -- Signalling month.
    kept VARCHAR NOT NULL,  -- files, rejected, signals or history: what has a term of its own.
    removed_at TIMESTAMPTZ NOT NULL,  -- When.
    -- The warehouse was written anew since, so that the bytes are gone from its file too.
    is_rewritten BOOLEAN NOT NULL
);
