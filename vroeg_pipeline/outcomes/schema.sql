-- What came of it (docs/outcomes.md).

-- Every worklist that teams ever returned, whatever became of it (docs/outcomes.md). Key: file_sha256, month.
CREATE TABLE IF NOT EXISTS outcome_files (
    month DATE NOT NULL,  -- Signalling month in whose folder the file lay.
    file_sha256 VARCHAR NOT NULL,  -- SHA-256 of the bytes: the same bytes twice are one file.
    file_name VARCHAR NOT NULL,  -- Name under which the bytes first came; it may name a person. Personal data.
    received_at TIMESTAMPTZ NOT NULL,  -- When the bytes first came: the modification time of the file.
    size_bytes BIGINT NOT NULL,  -- Size in bytes.
    status VARCHAR NOT NULL,  -- accepted or refused.
    -- Why it was refused: too_large, macros, unreadable, missing_columns, other_month or unknown_cases.
    refusal VARCHAR,
    detail VARCHAR,  -- What its team is told of the file as a whole, in Dutch.
    row_count INTEGER,  -- Rows with something filled in; empty for a refused file.
    attempt_count INTEGER,  -- Contact attempts that it told; empty for a refused file.
    refused_count INTEGER  -- Rows that could not be read (refused_outcomes); empty for a refused file.
);

-- Each row of a readable returned worklist that has a Kenmerk or something filled in, as it is understood. Personal
-- data. Key: file_sha256, month, sheet, row_number.
CREATE TABLE IF NOT EXISTS outcome_rows (
    month DATE NOT NULL,  -- Signalling month in whose folder the file lay.
    file_sha256 VARCHAR NOT NULL,  -- The file.
    sheet VARCHAR NOT NULL,  -- Sheet of the workbook; empty for a CSV.
    row_number INTEGER NOT NULL,  -- Row of the sheet, as a spreadsheet program counts.
    is_told BOOLEAN NOT NULL,  -- Something is filled in, so that it is an outcome.
    case_id VARCHAR,  -- The Kenmerk as written, known or not: any text. Personal data.
    attempt INTEGER,  -- Poging; 1 where it is empty.
    contact_kind VARCHAR,  -- DDAS Contactsoort.
    reached BOOLEAN,  -- Bereikt.
    contacted_on DATE,  -- Datum contact.
    day_part VARCHAR,  -- DDAS Dagdeel.
    end_result VARCHAR,  -- DDAS Eindresultaat.
    -- Why it cannot be read, in Dutch, each behind the header of its column; empty when it can.
    reasons VARCHAR[] NOT NULL,
    written VARCHAR[] NOT NULL  -- The cells as they were written, to return the row to its team. Personal data.
);

-- Rows of returned worklists that could not be read; they went back to the team in an XLSX in the outbox. Key:
-- file_sha256, month, sheet, row_number.
CREATE TABLE IF NOT EXISTS refused_outcomes (
    month DATE NOT NULL,  -- Signalling month in whose folder the file lay.
    file_sha256 VARCHAR NOT NULL,  -- The file.
    sheet VARCHAR NOT NULL,  -- Sheet of the workbook; empty for a CSV.
    row_number INTEGER NOT NULL,  -- Row of the sheet, as a spreadsheet program counts.
    reasons VARCHAR[] NOT NULL  -- Why, in Dutch, each behind the header of its column.
);

-- What teams did at the addresses of the month, as they reported it last. Key: case_id, attempt.
CREATE TABLE IF NOT EXISTS contact_attempts (
    month DATE NOT NULL,  -- Signalling month of the worklist.
    -- The address in its month (Kenmerk), as on the worklist; by trying addresses it leads to one. Personal data.
    case_id VARCHAR NOT NULL,
    -- The address (DOMAIN §6); where it got another key since, that one. Personal data.
    address_key VARCHAR NOT NULL,
    worklist VARCHAR NOT NULL,  -- The list it was reported on.
    attempt INTEGER NOT NULL,  -- From 1 per case (Poging).
    contact_kind VARCHAR NOT NULL,  -- DDAS Contactsoort, e.g. Huisbezoek.
    reached BOOLEAN,  -- Whether somebody of the household was spoken to (Bereikt); empty when not told.
    contacted_on DATE NOT NULL,  -- Day of the attempt, Amsterdam.
    day_part VARCHAR,  -- DDAS Dagdeel: Ochtend, Middag or Avond; empty when not told.
    reported_at TIMESTAMPTZ NOT NULL,  -- When the file that told it last was received.
    file_sha256 VARCHAR NOT NULL  -- That file.
);

-- How the case of an address in a month ended, as the team reported it last. Key: case_id.
CREATE TABLE IF NOT EXISTS case_results (
    month DATE NOT NULL,  -- Signalling month of the worklist.
    -- The address in its month (Kenmerk), as on the worklist; by trying addresses it leads to one. Personal data.
    case_id VARCHAR NOT NULL,
    -- The address (DOMAIN §6); where it got another key since, that one. Personal data.
    address_key VARCHAR NOT NULL,
    worklist VARCHAR NOT NULL,  -- The list it was reported on.
    end_result VARCHAR NOT NULL,  -- DDAS Eindresultaat.
    ended_on DATE,  -- Day of the last contact attempt before it; empty when there is none.
    reported_at TIMESTAMPTZ NOT NULL,  -- When the file that told it last was received.
    file_sha256 VARCHAR NOT NULL  -- That file.
);

-- Signals that were withdrawn, objected to or replaced after their case was contacted: they stay picked up (DOMAIN
-- §10). Of those that were replaced or objected to nothing stands in validated_signals any more. Key: signal_id.
CREATE TABLE IF NOT EXISTS contacted_signals (
    month DATE NOT NULL,  -- Signalling month.
    signal_id VARCHAR NOT NULL,  -- As it is, or was, in validated_signals.
    partner VARCHAR NOT NULL,  -- Partner that reported it.
    partner_type VARCHAR NOT NULL,  -- DDAS type of the partner.
    file_sha256 VARCHAR NOT NULL,  -- The delivery it came in.
    row_number INTEGER NOT NULL,  -- Its row in the delivery.
    received_at TIMESTAMPTZ NOT NULL,  -- When the delivery came in.
    customer_reference VARCHAR NOT NULL,  -- The partner's own reference. Personal data.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    municipality VARCHAR,  -- Municipality code of the address.
    amount_due DECIMAL(12, 2) NOT NULL,  -- Arrear in euro.
    arrears_since DATE NOT NULL,  -- Day the arrear began (ontstaansdatum).
    crisis BOOLEAN NOT NULL,  -- Cut-off or eviction has been announced.
    warm_handover BOOLEAN NOT NULL,  -- The partner offers to hand the case over in person.
    birth_date DATE,  -- Personal data.
    postcode VARCHAR NOT NULL,  -- Postcode, four digits and two letters. Personal data.
    house_number INTEGER NOT NULL,  -- House number. Personal data.
    house_letter VARCHAR NOT NULL,  -- House letter. Personal data.
    house_number_addition VARCHAR NOT NULL  -- Addition. Personal data.
);

-- Reports of which a signal left after they were contacted (contacted_signals), as they would stand in address_matches,
-- recidivism_history and prioritised_worklists with it: the evaluation counts them, and not what is left of them. Key:
-- month, address_key.
CREATE TABLE IF NOT EXISTS contacted_reports (
    month DATE NOT NULL,  -- Signalling month.
    address_key VARCHAR NOT NULL,  -- The address (DOMAIN §6). Personal data.
    match_kind VARCHAR NOT NULL,  -- multiple or single.
    signal_count INTEGER NOT NULL,  -- Its signals, with those that left.
    has_rent BOOLEAN NOT NULL,  -- A rent arrear is among them, on the light track not counted.
    on_light_track BOOLEAN,  -- All of them are below the threshold.
    needs_review BOOLEAN NOT NULL,  -- The address was for the address desk.
    first_received_on DATE NOT NULL,  -- Amsterdam day on which the earliest of their deliveries came in.
    recidivism_kind VARCHAR NOT NULL,  -- new, consecutive or returning.
    worklist VARCHAR NOT NULL,  -- The list it would stand on.
    tier INTEGER NOT NULL,  -- Priority: 0 is best.
    tier_name VARCHAR NOT NULL,  -- Its name.
    deadline DATE NOT NULL,  -- Last day for the first contact.
    known_to VARCHAR,  -- Services that know the address already, joined by a comma.
    in_six_months BOOLEAN NOT NULL  -- Reported in the six months before, within the look-back.
);

-- Addresses of the month at which no signal stands any more, as a register or the address desk gave them another key:
-- their cases are followed there. Key: month, former_key.
CREATE TABLE IF NOT EXISTS moved_cases (
    month DATE NOT NULL,  -- Signalling month.
    former_key VARCHAR NOT NULL,  -- The address under which the case was issued or worked on. Personal data.
    address_key VARCHAR NOT NULL  -- Where most of its signals stand now. Personal data.
);

-- Reports that a team was told of: the address desk is none (DOMAIN §6). Key: month, address_key.
CREATE OR REPLACE VIEW issued_to_teams AS
SELECT
    issue.month,
    coalesce(moved.address_key, issue.address_key) AS address_key,
    min(issue.issued_at)::DATE AS issued_on
FROM worklist_issues AS issue
LEFT JOIN moved_cases AS moved ON issue.month = moved.month AND issue.address_key = moved.former_key
WHERE issue.change = 'added' AND regexp_replace(issue.worklist, '^[0-9]{4}_', '') <> 'adresdesk'
GROUP BY ALL;

-- How the case of each address ended: where several cases came to one address, as was told last. Key: month,
-- address_key.
CREATE OR REPLACE VIEW results_of_addresses AS
SELECT *
FROM case_results
QUALIFY row_number() OVER (PARTITION BY month, address_key ORDER BY reported_at DESC, case_id ASC) = 1;

-- How teams say that cases ended, before it is looked up which cases those are. Key: month, case_id.
CREATE OR REPLACE VIEW told_results AS
-- Per case the end result that was told last, in a file the one of the highest attempt; a file without one leaves it.
WITH files AS (
    SELECT
        month,
        file_sha256,
        received_at,
        row_number() OVER (PARTITION BY month ORDER BY received_at, file_name, file_sha256) * 100 AS place
    FROM outcome_files
    WHERE status = 'accepted'
)

SELECT
    told.month,
    told.case_id,
    arg_max(told.end_result, files.place + told.attempt) AS end_result,
    arg_max(told.file_sha256, files.place) AS file_sha256,
    max(files.received_at) AS reported_at
FROM outcome_rows AS told
INNER JOIN files ON told.month = files.month AND told.file_sha256 = files.file_sha256
WHERE told.is_told AND len(told.reasons) = 0 AND told.end_result IS NOT NULL
GROUP BY told.month, told.case_id;

-- What teams say that they did, before it is looked up at which address: of each attempt the newest word, cell by cell,
-- as an empty cell does not wipe what was told before. Key: month, case_id, attempt.
CREATE OR REPLACE VIEW told_attempts AS
WITH files AS (
    SELECT
        month,
        file_sha256,
        received_at,
        row_number() OVER (PARTITION BY month ORDER BY received_at, file_name, file_sha256) AS place
    FROM outcome_files
    WHERE status = 'accepted'
)

SELECT
    told.month,
    told.case_id,
    told.attempt,
    arg_max(told.contact_kind, files.place) AS contact_kind,
    arg_max(told.reached, files.place) AS reached,
    arg_max(told.contacted_on, files.place) AS contacted_on,
    arg_max(told.day_part, files.place) AS day_part,
    max(files.received_at) AS reported_at,
    arg_max(told.file_sha256, files.place) AS file_sha256
FROM outcome_rows AS told
INNER JOIN files ON told.month = files.month AND told.file_sha256 = files.file_sha256
WHERE told.is_told AND len(told.reasons) = 0 AND told.contact_kind IS NOT NULL
GROUP BY told.month, told.case_id, told.attempt;
