-- What arrived (DOMAIN §4).

-- Every file ever seen in the inbox, whatever became of it (DOMAIN §4). Key: file_sha256, partner, month.
CREATE TABLE IF NOT EXISTS delivery_files (
    month DATE NOT NULL,  -- Signalling month in whose folder the file lay.
    -- Whose it is: the partner in whose folder the file lay, which need not have an agreement. Of a sender's file one
    -- row a partner with rows in it, and one of the sender itself, for the rows of partners that its agreement does not
    -- name. A folder without an agreement may have any name. Personal data.
    partner VARCHAR NOT NULL,
    file_sha256 VARCHAR NOT NULL,  -- SHA-256 of the bytes: the same bytes twice are one delivery.
    file_name VARCHAR NOT NULL,  -- Name under which the bytes first came; it may name a person. Personal data.
    received_at TIMESTAMPTZ NOT NULL,  -- When the bytes first came: the modification time of the file.
    delivered_by VARCHAR,  -- The sender in whose file the rows of the partner stand; empty where the file is its own.
    size_bytes BIGINT NOT NULL,  -- Size in bytes.
    -- accepted (its rows count), superseded (a newer one came), questioned (it lacks too many references of the one
    -- that it would replace) or refused.
    status VARCHAR NOT NULL,
    -- Why it was refused: unknown_partner, not_active, refused_by_person, too_large, unreadable, missing_columns or
    -- stale_copy.
    refusal VARCHAR,
    detail VARCHAR,  -- The refusal in words, for who asks the partner for a new file; else what is to be known of it.
    detail_in_dutch VARCHAR,  -- The same for the partner that sent it.
    -- Its name matches the additions of the agreement, so that it adds to the delivery; empty for an unknown partner.
    adds BOOLEAN,
    decision VARCHAR,  -- What a person decided of it last: replacement, addition or refused.
    delivers BOOLEAN,  -- With a file like this the month is delivered; not with an addition to what is still owed.
    references_lacking INTEGER,  -- Of a questioned file: references of the delivery before it that it lacks.
    references_before INTEGER,  -- Of a questioned file: distinct references of the delivery before it.
    row_count INTEGER,  -- Own data rows; empty where the file could not be read or the partner is unknown.
    accepted_count INTEGER,  -- Rows that became signals; only for an accepted delivery.
    rejected_count INTEGER,  -- Rows that were rejected; only for an accepted delivery.
    outdated_count INTEGER,  -- Those of them with an outdated reference date.
    -- Rows of residents who were erased (DOMAIN §14): they are counted, not kept. Empty where it could not be read.
    erased_count INTEGER,
    reference_date_max DATE,  -- Latest readable reference date of all rows.
    due_at TIMESTAMPTZ,  -- When the delivery was due by the agreement; empty where none was owed.
    missing_optional VARCHAR[],  -- Agreed optional fields that the file lacks.
    unexpected_columns VARCHAR[]  -- Headers that are not in the agreement, or the numbers of their columns.
);

-- What people decided of files, oldest first; of a file the last decision holds (DOMAIN §4).
CREATE TABLE IF NOT EXISTS reference.delivery_decisions (
    month DATE NOT NULL,  -- Signalling month of the file.
    partner VARCHAR NOT NULL,  -- Partner of the file.
    file_sha256 VARCHAR NOT NULL,  -- SHA-256 of its bytes.
    -- replacement (it takes the place of the one before), addition (it adds to it) or refused (it is not used).
    decision VARCHAR NOT NULL,
    decided_by VARCHAR NOT NULL,  -- Who decided.
    reason VARCHAR NOT NULL,  -- Why.
    decided_at TIMESTAMPTZ NOT NULL  -- When.
);

-- The agreed columns of every readable file, verbatim as delivered. Personal data. Columns that were not agreed stay in
-- the archived file alone.
CREATE TABLE IF NOT EXISTS raw.delivery_rows (
    month DATE NOT NULL,  -- Signalling month in whose folder the file lay.
    partner VARCHAR NOT NULL,  -- Partner that delivered it; the sender where its agreement does not name the partner.
    file_sha256 VARCHAR NOT NULL,  -- SHA-256 of the file it stands in.
    row_number INTEGER NOT NULL,  -- From 1 at the first row under the header; wholly empty rows take no number.
    customer_reference VARCHAR,  -- The partner's own reference. Personal data.
    surname VARCHAR,  -- Personal data.
    initials VARCHAR,  -- Personal data.
    prefix VARCHAR,  -- Surname prefix from its own column. Personal data.
    birth_date VARCHAR,  -- Personal data.
    phone VARCHAR,  -- Personal data.
    email VARCHAR,  -- Personal data.
    postcode VARCHAR,  -- Personal data.
    street VARCHAR,  -- Personal data.
    house_number VARCHAR,  -- Personal data.
    house_letter VARCHAR,  -- Personal data.
    house_number_addition VARCHAR,  -- Personal data.
    city VARCHAR,  -- Personal data.
    amount_due VARCHAR,  -- The arrear.
    arrears_since VARCHAR,  -- Day the arrear began (ontstaansdatum).
    days_in_arrears VARCHAR,  -- Days in arrears on the reference date, of who sends these in place of arrears_since.
    reference_date VARCHAR,  -- Day the partner read it from its books (peildatum).
    crisis VARCHAR,  -- Cut-off or eviction has been announced.
    warm_handover VARCHAR,  -- The partner offers to hand the case over in person.
    reminder_sent VARCHAR,  -- The partner has sent a reminder.
    objection VARCHAR,  -- The resident objected to passing on the data.
    -- Fields that the file (XLSX, JSON) held as a number or date instead of text; these are taken as such. As
    -- field:other those that it held as a boolean (but for yes/no fields), an object, a list or a time.
    typed VARCHAR[]
);
