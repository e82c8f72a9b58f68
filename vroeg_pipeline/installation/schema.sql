-- noqa: disable=layout.long_lines
-- The tables of the warehouse (DOMAIN §11), a comment on each table and column: the Dagster UI shows them.
-- There are no primary keys: DuckDB checks a key before the delete of the same transaction counts, so that a month
-- could not be replaced. Asset checks watch the keys instead. Months are dates, the first of the month.

CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS reference;

-- What arrived ------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS delivery_files (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    size_bytes BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    refusal VARCHAR,
    detail VARCHAR,
    row_count INTEGER,
    accepted_count INTEGER,
    rejected_count INTEGER,
    reference_date_max DATE,
    due_at TIMESTAMPTZ,
    missing_optional VARCHAR[],
    unexpected_columns VARCHAR[]
);
COMMENT ON TABLE delivery_files IS 'Every file ever seen in the inbox, whatever became of it (DOMAIN §4). Key: file_sha256, partner, month.';
COMMENT ON COLUMN delivery_files.month IS 'Signalling month in whose folder the file lay.';
COMMENT ON COLUMN delivery_files.partner IS 'Partner in whose folder the file lay; need not have an agreement.';
COMMENT ON COLUMN delivery_files.file_sha256 IS 'SHA-256 of the bytes: the same bytes twice are one delivery.';
COMMENT ON COLUMN delivery_files.file_name IS 'Name under which the bytes first came.';
COMMENT ON COLUMN delivery_files.received_at IS 'When the bytes first came: the modification time of the file.';
COMMENT ON COLUMN delivery_files.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN delivery_files.status IS 'accepted (the delivery of its month), superseded (a newer one came) or refused.';
COMMENT ON COLUMN delivery_files.refusal IS 'Why it was refused: unknown_partner, not_active, too_large, unreadable, missing_columns or stale_copy.';
COMMENT ON COLUMN delivery_files.detail IS 'The refusal in words, for who asks the partner for a new file.';
COMMENT ON COLUMN delivery_files.row_count IS 'Data rows; empty where the file could not be read or the partner is unknown.';
COMMENT ON COLUMN delivery_files.accepted_count IS 'Rows that became signals; only for an accepted delivery.';
COMMENT ON COLUMN delivery_files.rejected_count IS 'Rows that were rejected; only for an accepted delivery.';
COMMENT ON COLUMN delivery_files.reference_date_max IS 'Latest readable reference date of all rows.';
COMMENT ON COLUMN delivery_files.due_at IS 'When the delivery was due by the agreement; empty where none was owed.';
COMMENT ON COLUMN delivery_files.missing_optional IS 'Agreed optional fields that the file lacks.';
COMMENT ON COLUMN delivery_files.unexpected_columns IS 'Headers that are not in the agreement; their cells are not taken in.';

CREATE TABLE IF NOT EXISTS raw.delivery_rows (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    customer_reference VARCHAR,
    surname VARCHAR,
    initials VARCHAR,
    prefix VARCHAR,
    birth_date VARCHAR,
    phone VARCHAR,
    email VARCHAR,
    postcode VARCHAR,
    street VARCHAR,
    house_number VARCHAR,
    house_letter VARCHAR,
    house_number_addition VARCHAR,
    city VARCHAR,
    amount_due VARCHAR,
    arrears_since VARCHAR,
    reference_date VARCHAR,
    crisis VARCHAR,
    warm_handover VARCHAR,
    reminder_sent VARCHAR,
    objection VARCHAR,
    typed VARCHAR[]
);
COMMENT ON TABLE raw.delivery_rows IS 'The agreed columns of every readable file, verbatim as delivered. Personal data. Columns that were not agreed stay in the archived file alone.';
COMMENT ON COLUMN raw.delivery_rows.row_number IS 'From 1 at the first row under the header; wholly empty rows take no number.';
COMMENT ON COLUMN raw.delivery_rows.typed IS 'Fields that the file (XLSX, JSON) held as a number or date instead of text; these are taken as such.';

-- What the rows became ----------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS validated_signals (
    month DATE NOT NULL,
    signal_id VARCHAR NOT NULL,
    partner VARCHAR NOT NULL,
    partner_type VARCHAR NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    customer_reference VARCHAR NOT NULL,
    address_key VARCHAR NOT NULL,
    address_status VARCHAR NOT NULL,
    needs_review BOOLEAN NOT NULL,
    municipality VARCHAR,
    amount_due DECIMAL(12, 2) NOT NULL,
    arrears_since DATE NOT NULL,
    reference_date DATE NOT NULL,
    days_in_arrears INTEGER NOT NULL,
    crisis BOOLEAN NOT NULL,
    warm_handover BOOLEAN NOT NULL,
    reminder_sent BOOLEAN NOT NULL,
    held_reason VARCHAR,
    surname VARCHAR NOT NULL,
    surname_key VARCHAR NOT NULL,
    initials VARCHAR,
    prefix VARCHAR,
    birth_date DATE,
    phone VARCHAR,
    email VARCHAR,
    street VARCHAR,
    postcode VARCHAR NOT NULL,
    house_number INTEGER NOT NULL,
    house_letter VARCHAR NOT NULL,
    house_number_addition VARCHAR NOT NULL,
    city VARCHAR,
    address_stage VARCHAR,
    address_evidence VARCHAR,
    nummeraanduiding_id VARCHAR,
    adresseerbaar_object_id VARCHAR,
    buurtcode VARCHAR,
    side_address_key VARCHAR,
    written_address VARCHAR,
    desk_id VARCHAR,
    resolver_key VARCHAR,
    resolver_status VARCHAR
);
-- Columns that came later, for a warehouse that was made before them.
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS address_stage VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS address_evidence VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS nummeraanduiding_id VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS adresseerbaar_object_id VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS buurtcode VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS side_address_key VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS written_address VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS desk_id VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS resolver_key VARCHAR;
ALTER TABLE validated_signals ADD COLUMN IF NOT EXISTS resolver_status VARCHAR;
COMMENT ON TABLE validated_signals IS 'One row a signal that passed every rule of DOMAIN §5. Personal data. Key: signal_id.';
COMMENT ON COLUMN validated_signals.month IS 'Signalling month.';
COMMENT ON COLUMN validated_signals.signal_id IS 'Stable: partner, month, first twelve digits of the file''s SHA-256 and row number.';
COMMENT ON COLUMN validated_signals.partner IS 'Partner that reported it.';
COMMENT ON COLUMN validated_signals.partner_type IS 'DDAS type of the partner.';
COMMENT ON COLUMN validated_signals.file_sha256 IS 'The delivery it came in.';
COMMENT ON COLUMN validated_signals.row_number IS 'Its row in the delivery.';
COMMENT ON COLUMN validated_signals.received_at IS 'When the delivery came in; deadlines count from it.';
COMMENT ON COLUMN validated_signals.customer_reference IS 'The partner''s own reference. Personal data.';
COMMENT ON COLUMN validated_signals.address_key IS 'POSTCODE_NUMBER_LETTER_ADDITION (DOMAIN §6). Personal data.';
COMMENT ON COLUMN validated_signals.address_status IS 'exact, normalised, repaired (by evidence, or by a decision of the address desk), ambiguous, unknown or unchecked (DOMAIN §6).';
COMMENT ON COLUMN validated_signals.needs_review IS 'The address is ambiguous or unknown, and the address desk has not decided on it: it goes there.';
COMMENT ON COLUMN validated_signals.municipality IS 'Municipality code of the address, by the register or else the postcode table.';
COMMENT ON COLUMN validated_signals.amount_due IS 'Arrear in euro.';
COMMENT ON COLUMN validated_signals.arrears_since IS 'Day the arrear began (ontstaansdatum).';
COMMENT ON COLUMN validated_signals.reference_date IS 'Day the partner read it from its books (peildatum).';
COMMENT ON COLUMN validated_signals.days_in_arrears IS 'Days from arrears_since to reference_date.';
COMMENT ON COLUMN validated_signals.crisis IS 'Cut-off or eviction has been announced.';
COMMENT ON COLUMN validated_signals.warm_handover IS 'The partner offers to hand the case over in person.';
COMMENT ON COLUMN validated_signals.reminder_sent IS 'The partner has sent a reminder.';
COMMENT ON COLUMN validated_signals.held_reason IS 'withdrawn or not_confirmed: held back by the actuality gate (DOMAIN §10); empty when it counts.';
COMMENT ON COLUMN validated_signals.surname IS 'Surname as delivered. Personal data.';
COMMENT ON COLUMN validated_signals.surname_key IS 'Surname without case, accents and prefixes, to compare occupants (DOMAIN §8). Personal data.';
COMMENT ON COLUMN validated_signals.initials IS 'Personal data.';
COMMENT ON COLUMN validated_signals.prefix IS 'Surname prefix from its own column. Personal data.';
COMMENT ON COLUMN validated_signals.birth_date IS 'Personal data.';
COMMENT ON COLUMN validated_signals.phone IS 'Personal data.';
COMMENT ON COLUMN validated_signals.email IS 'Personal data.';
COMMENT ON COLUMN validated_signals.street IS 'Street of the register, else as delivered. Personal data.';
COMMENT ON COLUMN validated_signals.postcode IS 'Postcode, four digits and two letters. Personal data.';
COMMENT ON COLUMN validated_signals.house_number IS 'House number. Personal data.';
COMMENT ON COLUMN validated_signals.house_letter IS 'House letter of the register, else by rule; empty when none or not certain. Personal data.';
COMMENT ON COLUMN validated_signals.house_number_addition IS 'Addition of the register, else by rule; as written where the address is ambiguous. Personal data.';
COMMENT ON COLUMN validated_signals.city IS 'Town of the register, else as delivered. Personal data.';
COMMENT ON COLUMN validated_signals.address_stage IS 'What settled the address: A postcode and number, B street and number, C a postcode nearby, D nothing (to review), rule: no register, desk: a decision of the address desk.';
COMMENT ON COLUMN validated_signals.address_evidence IS 'Why, as one line of JSON: what agreed, what had to be mended, which other dwellings can be meant. Personal data.';
COMMENT ON COLUMN validated_signals.nummeraanduiding_id IS 'BAG identification of the address that was found. Personal data.';
COMMENT ON COLUMN validated_signals.adresseerbaar_object_id IS 'BAG identification of its dwelling, berth or pitch, where the register says so. Personal data.';
COMMENT ON COLUMN validated_signals.buurtcode IS 'CBS buurt of the address, where the register or reference/buurten.csv says so.';
COMMENT ON COLUMN validated_signals.side_address_key IS 'The side address (nevenadres) that was written, where address_key is the main address of the same object. Personal data.';
COMMENT ON COLUMN validated_signals.written_address IS 'The address as the partner wrote it, on one line. Personal data.';
COMMENT ON COLUMN validated_signals.desk_id IS 'How the address desk knows this writing of an address with this surname (Kenmerk); the same in every month.';
COMMENT ON COLUMN validated_signals.resolver_key IS 'The key that the address has without the address desk. Personal data.';
COMMENT ON COLUMN validated_signals.resolver_status IS 'The status that the address has without the address desk.';

CREATE TABLE IF NOT EXISTS rejected_rows (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    reasons VARCHAR[] NOT NULL,
    ddas_status VARCHAR,
    customer_reference VARCHAR
);
-- What DDAS asks of a signal, for the rows that are one; a warehouse from before them gets them empty.
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS partner_type VARCHAR;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS received_at TIMESTAMPTZ;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS municipality VARCHAR;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS postcode VARCHAR;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS house_number INTEGER;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS house_letter VARCHAR;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS house_number_addition VARCHAR;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS birth_date DATE;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS amount_due DECIMAL(12, 2);
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS arrears_since DATE;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS crisis BOOLEAN;
ALTER TABLE rejected_rows ADD COLUMN IF NOT EXISTS warm_handover BOOLEAN;
COMMENT ON TABLE rejected_rows IS 'One row a delivered row that broke a rule of DOMAIN §5, with every rule it broke. Key: file_sha256, row_number.';
COMMENT ON COLUMN rejected_rows.month IS 'Signalling month.';
COMMENT ON COLUMN rejected_rows.partner IS 'Partner that delivered it.';
COMMENT ON COLUMN rejected_rows.file_sha256 IS 'The delivery it came in.';
COMMENT ON COLUMN rejected_rows.row_number IS 'Its row in the delivery.';
COMMENT ON COLUMN rejected_rows.reasons IS 'Codes of the rules it broke, in the order of DOMAIN §5.';
COMMENT ON COLUMN rejected_rows.ddas_status IS 'DDAS status fed back to the partner: that of the first reason that has one.';
COMMENT ON COLUMN rejected_rows.customer_reference IS 'The partner''s own reference, so that it can find the row. Personal data.';
COMMENT ON COLUMN rejected_rows.partner_type IS 'DDAS type of the partner. This and what follows is kept of rows that DDAS counts as a signal, so that CBS gets it: those with a ddas_status and an address. Not of an objection: who refused passing on data is passed on to nobody.';
COMMENT ON COLUMN rejected_rows.received_at IS 'When the delivery came in.';
COMMENT ON COLUMN rejected_rows.municipality IS 'Municipality code of the address.';
COMMENT ON COLUMN rejected_rows.postcode IS 'Postcode, four digits and two letters. Personal data.';
COMMENT ON COLUMN rejected_rows.house_number IS 'House number. Personal data.';
COMMENT ON COLUMN rejected_rows.house_letter IS 'House letter. Personal data.';
COMMENT ON COLUMN rejected_rows.house_number_addition IS 'Addition. Personal data.';
COMMENT ON COLUMN rejected_rows.birth_date IS 'Personal data.';
COMMENT ON COLUMN rejected_rows.amount_due IS 'Arrear in euro, where it can be read.';
COMMENT ON COLUMN rejected_rows.arrears_since IS 'Day the arrear began, where it can be read.';
COMMENT ON COLUMN rejected_rows.crisis IS 'Cut-off or eviction has been announced.';
COMMENT ON COLUMN rejected_rows.warm_handover IS 'The partner offers to hand the case over in person.';

-- What the month shows ----------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS address_matches (
    month DATE NOT NULL,
    address_key VARCHAR NOT NULL,
    match_kind VARCHAR NOT NULL,
    signal_count INTEGER NOT NULL,
    partner_count INTEGER NOT NULL,
    partners VARCHAR[] NOT NULL,
    partner_types VARCHAR[] NOT NULL,
    total_amount DECIMAL(12, 2) NOT NULL,
    longest_days INTEGER NOT NULL,
    earliest_arrears_since DATE NOT NULL,
    has_rent BOOLEAN NOT NULL,
    has_crisis BOOLEAN NOT NULL,
    warm_handover BOOLEAN NOT NULL,
    needs_review BOOLEAN NOT NULL,
    first_received_on DATE NOT NULL,
    first_crisis_received_on DATE,
    is_repaired BOOLEAN,
    nummeraanduiding_id VARCHAR,
    adresseerbaar_object_id VARCHAR,
    buurtcode VARCHAR
);
ALTER TABLE address_matches ADD COLUMN IF NOT EXISTS is_repaired BOOLEAN;
ALTER TABLE address_matches ADD COLUMN IF NOT EXISTS nummeraanduiding_id VARCHAR;
ALTER TABLE address_matches ADD COLUMN IF NOT EXISTS adresseerbaar_object_id VARCHAR;
ALTER TABLE address_matches ADD COLUMN IF NOT EXISTS buurtcode VARCHAR;
COMMENT ON TABLE address_matches IS 'One row an address and month with at least one signal that is not held (DOMAIN §7). Key: month, address_key.';
COMMENT ON COLUMN address_matches.month IS 'Signalling month.';
COMMENT ON COLUMN address_matches.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN address_matches.match_kind IS 'multiple when two or more different partners report it, else single.';
COMMENT ON COLUMN address_matches.signal_count IS 'Signals that are not held.';
COMMENT ON COLUMN address_matches.partner_count IS 'Different partners; a partner and its predecessors are one.';
COMMENT ON COLUMN address_matches.partners IS 'Partners as they delivered, sorted.';
COMMENT ON COLUMN address_matches.partner_types IS 'Their DDAS types, sorted.';
COMMENT ON COLUMN address_matches.total_amount IS 'Sum of the arrears in euro.';
COMMENT ON COLUMN address_matches.longest_days IS 'Longest arrear in days.';
COMMENT ON COLUMN address_matches.earliest_arrears_since IS 'Day the oldest arrear began.';
COMMENT ON COLUMN address_matches.has_rent IS 'A rent arrear is among them (or a mortgage, where the settings say so).';
COMMENT ON COLUMN address_matches.has_crisis IS 'A crisis signal is among them.';
COMMENT ON COLUMN address_matches.warm_handover IS 'A partner offers a warm handover.';
COMMENT ON COLUMN address_matches.needs_review IS 'The address is for the address desk.';
COMMENT ON COLUMN address_matches.first_received_on IS 'Amsterdam day on which the earliest delivery with one of its signals came in.';
COMMENT ON COLUMN address_matches.first_crisis_received_on IS 'The same, of its crisis signals.';
COMMENT ON COLUMN address_matches.is_repaired IS 'A signal came to the address by mending what was written, or by a decision of the address desk.';
COMMENT ON COLUMN address_matches.nummeraanduiding_id IS 'BAG identification of the address; by it a later month knows it under another key. Personal data.';
COMMENT ON COLUMN address_matches.adresseerbaar_object_id IS 'BAG identification of its dwelling, berth or pitch, where the register says so. Personal data.';
COMMENT ON COLUMN address_matches.buurtcode IS 'CBS buurt of the address, where the register or reference/buurten.csv says so.';

CREATE TABLE IF NOT EXISTS repeat_signals (
    month DATE NOT NULL,
    signal_id VARCHAR NOT NULL,
    repeats_signal_id VARCHAR NOT NULL
);
COMMENT ON TABLE repeat_signals IS 'Signals that repeat one already picked up (DOMAIN §8). Key: signal_id.';
COMMENT ON COLUMN repeat_signals.month IS 'Signalling month of the repeat.';
COMMENT ON COLUMN repeat_signals.signal_id IS 'The repeat.';
COMMENT ON COLUMN repeat_signals.repeats_signal_id IS 'The latest signal it repeats.';

CREATE TABLE IF NOT EXISTS recidivism_history (
    month DATE NOT NULL,
    address_key VARCHAR NOT NULL,
    recidivism_kind VARCHAR NOT NULL,
    is_recidivist BOOLEAN NOT NULL,
    possible_new_occupant BOOLEAN NOT NULL,
    first_reported_month DATE,
    last_reported_month DATE,
    times_reported INTEGER NOT NULL,
    months_since_last INTEGER,
    only_repeats BOOLEAN NOT NULL
);
COMMENT ON TABLE recidivism_history IS 'Whether each reported address was reported before, as of its month (DOMAIN §8). Key: month, address_key.';
COMMENT ON COLUMN recidivism_history.month IS 'Signalling month.';
COMMENT ON COLUMN recidivism_history.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN recidivism_history.recidivism_kind IS 'new, consecutive (reported last month) or returning (reported earlier in the look-back).';
COMMENT ON COLUMN recidivism_history.is_recidivist IS 'Not new.';
COMMENT ON COLUMN recidivism_history.possible_new_occupant IS 'Reported before, but under no surname or birth date of this month.';
COMMENT ON COLUMN recidivism_history.first_reported_month IS 'First month in the look-back in which it was reported.';
COMMENT ON COLUMN recidivism_history.last_reported_month IS 'Last such month.';
COMMENT ON COLUMN recidivism_history.times_reported IS 'Number of such months.';
COMMENT ON COLUMN recidivism_history.months_since_last IS 'Months from the last one to this month.';
COMMENT ON COLUMN recidivism_history.only_repeats IS 'All its signals are repeats: it is on no worklist and does not count as reported.';

-- What people do ----------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS prioritised_worklists (
    month DATE NOT NULL,
    address_key VARCHAR NOT NULL,
    worklist VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    tier_name VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    deadline DATE NOT NULL,
    over_capacity BOOLEAN NOT NULL,
    is_recidivist BOOLEAN NOT NULL,
    known_to VARCHAR,
    explanation VARCHAR NOT NULL
);
ALTER TABLE prioritised_worklists ADD COLUMN IF NOT EXISTS aftercare BOOLEAN;
COMMENT ON TABLE prioritised_worklists IS 'Who does what, in which order (DOMAIN §9). Key: month, address_key.';
COMMENT ON COLUMN prioritised_worklists.month IS 'Signalling month.';
COMMENT ON COLUMN prioritised_worklists.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN prioritised_worklists.worklist IS 'A wijkteam, budgetcoach, lichte_opvolging or adresdesk.';
COMMENT ON COLUMN prioritised_worklists.rank IS 'Place on the list, from 1.';
COMMENT ON COLUMN prioritised_worklists.tier IS 'Priority: 0 is best.';
COMMENT ON COLUMN prioritised_worklists.tier_name IS 'crisis, rent_enriched, rent, multiple, single_high or single.';
COMMENT ON COLUMN prioritised_worklists.action IS 'First action: home_visit, phone, letter or check_address.';
COMMENT ON COLUMN prioritised_worklists.deadline IS 'Last day for the first contact.';
COMMENT ON COLUMN prioritised_worklists.over_capacity IS 'A home visit became a phone call, as the list''s visits for the month are used up.';
COMMENT ON COLUMN prioritised_worklists.is_recidivist IS 'Reported before in the look-back.';
COMMENT ON COLUMN prioritised_worklists.known_to IS 'Services that know the address already, joined by a comma.';
COMMENT ON COLUMN prioritised_worklists.aftercare IS 'A case of the address in the last aftercare_months ended in help (nazorg).';
COMMENT ON COLUMN prioritised_worklists.explanation IS 'Why it stands where it stands, in Dutch.';

CREATE TABLE IF NOT EXISTS worklist_issues (
    month DATE NOT NULL,
    worklist VARCHAR NOT NULL,
    issue INTEGER NOT NULL,
    address_key VARCHAR NOT NULL,
    change VARCHAR NOT NULL,
    issued_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE worklist_issues IS 'What each team was told, issue by issue; only ever added to (DOMAIN §9). Key: month, worklist, issue, address_key.';
COMMENT ON COLUMN worklist_issues.month IS 'Signalling month.';
COMMENT ON COLUMN worklist_issues.worklist IS 'The list.';
COMMENT ON COLUMN worklist_issues.issue IS 'From 1 per month and list; the first has all entries, a later one what changed.';
COMMENT ON COLUMN worklist_issues.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN worklist_issues.change IS 'added or withdrawn.';
COMMENT ON COLUMN worklist_issues.issued_at IS 'When the issue was decided.';

CREATE TABLE IF NOT EXISTS worklist_files (
    month DATE NOT NULL,
    worklist VARCHAR NOT NULL,
    issue INTEGER NOT NULL,
    file_name VARCHAR NOT NULL,
    entries INTEGER NOT NULL,
    written_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE worklist_files IS 'The issues that lie in the outbox; an issue without a row is still to be written. Key: month, worklist, issue.';
COMMENT ON COLUMN worklist_files.month IS 'Signalling month.';
COMMENT ON COLUMN worklist_files.worklist IS 'The list.';
COMMENT ON COLUMN worklist_files.issue IS 'Number of the issue.';
COMMENT ON COLUMN worklist_files.file_name IS 'Name in outbox/<YYYY-MM>/.';
COMMENT ON COLUMN worklist_files.entries IS 'Lines in it, withdrawn ones included.';
COMMENT ON COLUMN worklist_files.written_at IS 'When it was written.';

CREATE TABLE IF NOT EXISTS address_desk (
    month DATE NOT NULL,
    desk_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    address_key VARCHAR NOT NULL,
    signal_count INTEGER NOT NULL,
    partners VARCHAR[] NOT NULL,
    has_crisis BOOLEAN NOT NULL,
    total_amount DECIMAL(12, 2) NOT NULL,
    written VARCHAR NOT NULL,
    residents VARCHAR NOT NULL,
    candidates STRUCT(address VARCHAR, street VARCHAR, found_by VARCHAR)[] NOT NULL,
    earlier_decision VARCHAR,
    decided_on DATE,
    refusal VARCHAR
);
COMMENT ON TABLE address_desk IS 'What the address desk is asked about the month: writings of an address, with a surname, that somebody must look at. Personal data. Key: month, desk_id.';
COMMENT ON COLUMN address_desk.month IS 'Signalling month.';
COMMENT ON COLUMN address_desk.desk_id IS 'Kenmerk by which a decision comes back; the same in every month.';
COMMENT ON COLUMN address_desk.reason IS 'Why it is asked: the reason of the resolver, customer_at_another_number, person_next_door, register_says_otherwise or decision_not_in_register.';
COMMENT ON COLUMN address_desk.address_key IS 'The key that it has now. Personal data.';
COMMENT ON COLUMN address_desk.signal_count IS 'Signals that it concerns.';
COMMENT ON COLUMN address_desk.partners IS 'Names of the partners that wrote it.';
COMMENT ON COLUMN address_desk.has_crisis IS 'A crisis signal is among them.';
COMMENT ON COLUMN address_desk.total_amount IS 'Sum of the arrears in euro.';
COMMENT ON COLUMN address_desk.written IS 'The address as written, a line each way. Personal data.';
COMMENT ON COLUMN address_desk.residents IS 'Who is written to live there. Personal data.';
COMMENT ON COLUMN address_desk.candidates IS 'The addresses that it can be, the likeliest first, and by what each was found. Personal data.';
COMMENT ON COLUMN address_desk.earlier_decision IS 'What the desk decided on it before: not_found, or what is now contradicted.';
COMMENT ON COLUMN address_desk.decided_on IS 'Day of that decision, Amsterdam.';
COMMENT ON COLUMN address_desk.refusal IS 'Why the last decision that came back could not be used, in Dutch.';

-- What came of it ---------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS outcome_files (
    month DATE NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    file_name VARCHAR NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    size_bytes BIGINT NOT NULL,
    status VARCHAR NOT NULL,
    refusal VARCHAR,
    detail VARCHAR,
    row_count INTEGER,
    attempt_count INTEGER,
    refused_count INTEGER
);
COMMENT ON TABLE outcome_files IS 'Every worklist that teams ever returned, whatever became of it (docs/outcomes.md). Key: file_sha256, month.';
COMMENT ON COLUMN outcome_files.month IS 'Signalling month in whose folder the file lay.';
COMMENT ON COLUMN outcome_files.file_sha256 IS 'SHA-256 of the bytes: the same bytes twice are one file.';
COMMENT ON COLUMN outcome_files.file_name IS 'Name under which the bytes first came.';
COMMENT ON COLUMN outcome_files.received_at IS 'When the bytes first came: the modification time of the file.';
COMMENT ON COLUMN outcome_files.size_bytes IS 'Size in bytes.';
COMMENT ON COLUMN outcome_files.status IS 'accepted or refused.';
COMMENT ON COLUMN outcome_files.refusal IS 'Why it was refused: too_large, macros, unreadable, missing_columns, other_month or unknown_cases.';
COMMENT ON COLUMN outcome_files.detail IS 'What its team is told of the file as a whole, in Dutch.';
COMMENT ON COLUMN outcome_files.row_count IS 'Rows with something filled in; empty for a refused file.';
COMMENT ON COLUMN outcome_files.attempt_count IS 'Contact attempts that it told; empty for a refused file.';
COMMENT ON COLUMN outcome_files.refused_count IS 'Rows that could not be read (refused_outcomes); empty for a refused file.';

CREATE TABLE IF NOT EXISTS outcome_rows (
    month DATE NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    sheet VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    is_told BOOLEAN NOT NULL,
    case_id VARCHAR,
    attempt INTEGER,
    contact_kind VARCHAR,
    reached BOOLEAN,
    contacted_on DATE,
    day_part VARCHAR,
    end_result VARCHAR,
    reasons VARCHAR[] NOT NULL,
    written VARCHAR[] NOT NULL
);
COMMENT ON TABLE outcome_rows IS 'Each row of a readable returned worklist that has a Kenmerk or something filled in, as it is understood. Personal data. Key: file_sha256, month, sheet, row_number.';
COMMENT ON COLUMN outcome_rows.month IS 'Signalling month in whose folder the file lay.';
COMMENT ON COLUMN outcome_rows.file_sha256 IS 'The file.';
COMMENT ON COLUMN outcome_rows.sheet IS 'Sheet of the workbook; empty for a CSV.';
COMMENT ON COLUMN outcome_rows.row_number IS 'Row of the sheet, as a spreadsheet program counts.';
COMMENT ON COLUMN outcome_rows.is_told IS 'Something is filled in, so that it is an outcome.';
COMMENT ON COLUMN outcome_rows.case_id IS 'The Kenmerk as written, known or not.';
COMMENT ON COLUMN outcome_rows.attempt IS 'Poging; 1 where it is empty.';
COMMENT ON COLUMN outcome_rows.contact_kind IS 'DDAS Contactsoort.';
COMMENT ON COLUMN outcome_rows.reached IS 'Bereikt.';
COMMENT ON COLUMN outcome_rows.contacted_on IS 'Datum contact.';
COMMENT ON COLUMN outcome_rows.day_part IS 'DDAS Dagdeel.';
COMMENT ON COLUMN outcome_rows.end_result IS 'DDAS Eindresultaat.';
COMMENT ON COLUMN outcome_rows.reasons IS 'Why it cannot be read, in Dutch, each behind the header of its column; empty when it can.';
COMMENT ON COLUMN outcome_rows.written IS 'The cells as they were written, to return the row to its team. Personal data.';

CREATE TABLE IF NOT EXISTS refused_outcomes (
    month DATE NOT NULL,
    file_sha256 VARCHAR NOT NULL,
    sheet VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    reasons VARCHAR[] NOT NULL
);
COMMENT ON TABLE refused_outcomes IS 'Rows of returned worklists that could not be read; they went back to the team in an XLSX in the outbox. Key: file_sha256, month, sheet, row_number.';
COMMENT ON COLUMN refused_outcomes.month IS 'Signalling month in whose folder the file lay.';
COMMENT ON COLUMN refused_outcomes.file_sha256 IS 'The file.';
COMMENT ON COLUMN refused_outcomes.sheet IS 'Sheet of the workbook; empty for a CSV.';
COMMENT ON COLUMN refused_outcomes.row_number IS 'Row of the sheet, as a spreadsheet program counts.';
COMMENT ON COLUMN refused_outcomes.reasons IS 'Why, in Dutch, each behind the header of its column.';

-- Per case the end result that was told last, in a file the one of the highest attempt; a file without one leaves it.
CREATE OR REPLACE VIEW told_results AS
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
COMMENT ON VIEW told_results IS 'How teams say that cases ended, before it is looked up which cases those are. Key: month, case_id.';

CREATE TABLE IF NOT EXISTS contact_attempts (
    month DATE NOT NULL,
    case_id VARCHAR NOT NULL,
    address_key VARCHAR NOT NULL,
    worklist VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    contact_kind VARCHAR NOT NULL,
    reached BOOLEAN,
    contacted_on DATE NOT NULL,
    day_part VARCHAR,
    reported_at TIMESTAMPTZ NOT NULL,
    file_sha256 VARCHAR NOT NULL
);
COMMENT ON TABLE contact_attempts IS 'What teams did at the addresses of the month, as they reported it last. Key: case_id, attempt.';
COMMENT ON COLUMN contact_attempts.month IS 'Signalling month of the worklist.';
COMMENT ON COLUMN contact_attempts.case_id IS 'The address in its month (Kenmerk), as on the worklist.';
COMMENT ON COLUMN contact_attempts.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN contact_attempts.worklist IS 'The list it was reported on.';
COMMENT ON COLUMN contact_attempts.attempt IS 'From 1 per case (Poging).';
COMMENT ON COLUMN contact_attempts.contact_kind IS 'DDAS Contactsoort, e.g. Huisbezoek.';
COMMENT ON COLUMN contact_attempts.reached IS 'Whether somebody of the household was spoken to (Bereikt); empty when not told.';
COMMENT ON COLUMN contact_attempts.contacted_on IS 'Day of the attempt, Amsterdam.';
COMMENT ON COLUMN contact_attempts.day_part IS 'DDAS Dagdeel: Ochtend, Middag or Avond; empty when not told.';
COMMENT ON COLUMN contact_attempts.reported_at IS 'When the file that told it last was received.';
COMMENT ON COLUMN contact_attempts.file_sha256 IS 'That file.';

CREATE TABLE IF NOT EXISTS case_results (
    month DATE NOT NULL,
    case_id VARCHAR NOT NULL,
    address_key VARCHAR NOT NULL,
    worklist VARCHAR NOT NULL,
    end_result VARCHAR NOT NULL,
    ended_on DATE,
    reported_at TIMESTAMPTZ NOT NULL,
    file_sha256 VARCHAR NOT NULL
);
COMMENT ON TABLE case_results IS 'How the case of an address in a month ended, as the team reported it last. Key: case_id.';
COMMENT ON COLUMN case_results.month IS 'Signalling month of the worklist.';
COMMENT ON COLUMN case_results.case_id IS 'The address in its month (Kenmerk), as on the worklist.';
COMMENT ON COLUMN case_results.address_key IS 'The address (DOMAIN §6). Personal data.';
COMMENT ON COLUMN case_results.worklist IS 'The list it was reported on.';
COMMENT ON COLUMN case_results.end_result IS 'DDAS Eindresultaat.';
COMMENT ON COLUMN case_results.ended_on IS 'Day of the last contact attempt before it; empty when there is none.';
COMMENT ON COLUMN case_results.reported_at IS 'When the file that told it last was received.';
COMMENT ON COLUMN case_results.file_sha256 IS 'That file.';

-- Of every signal what became of it, in the words of DDAS (Signaalstatus): what partners and CBS are told rests on it.
-- A row that was rejected for what cannot be read is no signal. What the partner took back was not right.
CREATE OR REPLACE VIEW signal_statuses AS
WITH attempted AS (
    SELECT DISTINCT
        month,
        address_key
    FROM contact_attempts
)

SELECT
    signal.month,
    signal.partner,
    signal.signal_id,
    signal.row_number,
    signal.customer_reference,
    signal.address_key,
    CASE
        WHEN signal.held_reason = 'withdrawn' THEN 'Niet opgepakt: onterecht signaal'
        WHEN signal.held_reason IS NOT NULL THEN 'Niet opgepakt: andere reden'
        WHEN repeated.signal_id IS NOT NULL THEN 'Niet opgepakt: herhaalde melding'
        WHEN result.end_result IN (
            'Inwoner al bekend bij schuldhulpverlening', 'Inwoner is overleden', 'Niet opgepakt: andere reden',
            'Niet opgepakt: herhaalde melding', 'Niet opgepakt: onterecht signaal',
            'Persoon is geen inwoner (meer) in de gemeente'
        ) THEN result.end_result
        WHEN result.end_result IS NOT NULL OR attempted.address_key IS NOT NULL THEN 'Opgepakt'
        ELSE 'Nog niet opgepakt'
    END AS ddas_status
FROM validated_signals AS signal
LEFT JOIN repeat_signals AS repeated ON signal.month = repeated.month AND signal.signal_id = repeated.signal_id
LEFT JOIN case_results AS result ON signal.month = result.month AND signal.address_key = result.address_key
LEFT JOIN attempted ON signal.month = attempted.month AND signal.address_key = attempted.address_key
UNION ALL
SELECT
    month,
    partner,
    concat_ws('-', partner, strftime(month, '%Y%m'), file_sha256[:12], row_number) AS signal_id,
    row_number,
    customer_reference,
    NULL AS address_key,
    ddas_status
FROM rejected_rows
WHERE ddas_status IS NOT NULL;
COMMENT ON VIEW signal_statuses IS 'Every signal with the DDAS status that it has now. Key: signal_id.';

-- What it comes to -------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS evaluation_deliveries (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    received_at TIMESTAMPTZ,
    row_count INTEGER,
    accepted_count INTEGER,
    rejected_count INTEGER,
    outdated_count INTEGER
);
COMMENT ON TABLE evaluation_deliveries IS 'What each partner delivered, for the evaluation; no person is in it. Key: month, partner.';
COMMENT ON COLUMN evaluation_deliveries.month IS 'Signalling month.';
COMMENT ON COLUMN evaluation_deliveries.partner IS 'Partner that owed a delivery, or sent one.';
COMMENT ON COLUMN evaluation_deliveries.state IS 'on time, late, missing, refused, outdated, expected or not owed, as on the delivery board when the month was evaluated.';
COMMENT ON COLUMN evaluation_deliveries.received_at IS 'When its delivery came; empty without one.';
COMMENT ON COLUMN evaluation_deliveries.row_count IS 'Data rows.';
COMMENT ON COLUMN evaluation_deliveries.accepted_count IS 'Rows that became signals.';
COMMENT ON COLUMN evaluation_deliveries.rejected_count IS 'Rows that were rejected.';
COMMENT ON COLUMN evaluation_deliveries.outdated_count IS 'Rejected rows with an outdated reference date.';

CREATE TABLE IF NOT EXISTS evaluation_signals (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    partner_type VARCHAR NOT NULL,
    ddas_status VARCHAR NOT NULL,
    in_report BOOLEAN NOT NULL,
    signals BIGINT NOT NULL
);
COMMENT ON TABLE evaluation_signals IS 'The signals by what became of them, counted: their sum is the number of rows of signal_statuses. Small numbers are in it: for who may see the warehouse. Key: month, partner, ddas_status, in_report.';
COMMENT ON COLUMN evaluation_signals.month IS 'Signalling month.';
COMMENT ON COLUMN evaluation_signals.partner IS 'Partner that reported them.';
COMMENT ON COLUMN evaluation_signals.partner_type IS 'Its DDAS type; Overige without an agreement.';
COMMENT ON COLUMN evaluation_signals.ddas_status IS 'DDAS Signaalstatus at the moment of evaluation.';
COMMENT ON COLUMN evaluation_signals.in_report IS 'They belong to a report: not held back, at an address that is on a worklist.';
COMMENT ON COLUMN evaluation_signals.signals IS 'Number of signals.';

CREATE TABLE IF NOT EXISTS evaluation_reports (
    month DATE NOT NULL,
    kind VARCHAR NOT NULL,
    worklist VARCHAR,
    tier INTEGER,
    tier_name VARCHAR,
    has_rent BOOLEAN,
    match_kind VARCHAR,
    recidivism_kind VARCHAR,
    known VARCHAR,
    attempted BOOLEAN NOT NULL,
    reached BOOLEAN NOT NULL,
    first_contact_days INTEGER,
    in_time BOOLEAN,
    end_result VARCHAR,
    help_accepted BOOLEAN NOT NULL,
    reports BIGINT NOT NULL,
    signals BIGINT NOT NULL
);
COMMENT ON TABLE evaluation_reports IS 'The reports (an address in a month) by what they were and what came of them, counted: reports of kind report are the rows of prioritised_worklists, those with an end_result the rows of case_results. Small numbers are in it: for who may see the warehouse.';
COMMENT ON COLUMN evaluation_reports.month IS 'Signalling month.';
COMMENT ON COLUMN evaluation_reports.kind IS 'report (on a worklist), only_repeats (on none), or gone (an outcome of an address that is not reported any more).';
COMMENT ON COLUMN evaluation_reports.worklist IS 'The list; empty when it is on none, like all that is known of lists.';
COMMENT ON COLUMN evaluation_reports.tier IS 'Priority: 0 is best.';
COMMENT ON COLUMN evaluation_reports.tier_name IS 'Its name.';
COMMENT ON COLUMN evaluation_reports.has_rent IS 'A rent arrear is among the signals.';
COMMENT ON COLUMN evaluation_reports.match_kind IS 'single or multiple.';
COMMENT ON COLUMN evaluation_reports.recidivism_kind IS 'new, consecutive or returning.';
COMMENT ON COLUMN evaluation_reports.known IS 'known or unknown to debt services and wijkteam before; empty when that could not be checked.';
COMMENT ON COLUMN evaluation_reports.attempted IS 'A contact was attempted, other than Administratief.';
COMMENT ON COLUMN evaluation_reports.reached IS 'Somebody of the household was spoken to.';
COMMENT ON COLUMN evaluation_reports.first_contact_days IS 'Days from the first delivery to the first attempt.';
COMMENT ON COLUMN evaluation_reports.in_time IS 'The first attempt was within the deadline; false also when the deadline passed without; empty while it runs.';
COMMENT ON COLUMN evaluation_reports.end_result IS 'DDAS Eindresultaat; empty without a result.';
COMMENT ON COLUMN evaluation_reports.help_accepted IS 'The result is one that counts as help accepted (settings, evaluation.help_results).';
COMMENT ON COLUMN evaluation_reports.reports IS 'Number of reports.';
COMMENT ON COLUMN evaluation_reports.signals IS 'Their signals that are not held.';

CREATE TABLE IF NOT EXISTS evaluation_contacts (
    month DATE NOT NULL,
    worklist VARCHAR NOT NULL,
    tier INTEGER,
    has_rent BOOLEAN,
    contact_kind VARCHAR NOT NULL,
    reached BOOLEAN,
    attempts BIGINT NOT NULL
);
COMMENT ON TABLE evaluation_contacts IS 'The contact attempts by kind, counted: their sum is the number of rows of contact_attempts. Small numbers are in it: for who may see the warehouse.';
COMMENT ON COLUMN evaluation_contacts.month IS 'Signalling month of the worklist.';
COMMENT ON COLUMN evaluation_contacts.worklist IS 'The list they were reported on.';
COMMENT ON COLUMN evaluation_contacts.tier IS 'Priority of the address; empty when it is on no list any more.';
COMMENT ON COLUMN evaluation_contacts.has_rent IS 'A rent arrear is among its signals; empty when it is not reported any more.';
COMMENT ON COLUMN evaluation_contacts.contact_kind IS 'DDAS Contactsoort.';
COMMENT ON COLUMN evaluation_contacts.reached IS 'Whether somebody was spoken to; empty when not told.';
COMMENT ON COLUMN evaluation_contacts.attempts IS 'Number of attempts.';

-- What addresses are judged by --------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS reference.address_register (
    address_key VARCHAR NOT NULL,
    postcode VARCHAR NOT NULL,
    house_number INTEGER NOT NULL,
    house_letter VARCHAR NOT NULL,
    house_number_addition VARCHAR NOT NULL,
    suffix VARCHAR NOT NULL,
    meaning VARCHAR NOT NULL,
    street VARCHAR,
    city VARCHAR,
    municipality VARCHAR,
    nummeraanduiding_id VARCHAR
);
-- A warehouse from before the register had a history.
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS adresseerbaar_object_id VARCHAR;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS is_main BOOLEAN;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS object_kind VARCHAR;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS status VARCHAR;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS valid_from DATE;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS valid_until DATE;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS buurtcode VARCHAR;
ALTER TABLE reference.address_register ADD COLUMN IF NOT EXISTS other_ids VARCHAR[];
COMMENT ON TABLE reference.address_register IS 'The addresses of the register with their history, sorted by postcode and house number; on any day at most one row a key (DOMAIN §6). The view dwellings has those of one day.';
COMMENT ON COLUMN reference.address_register.address_key IS 'POSTCODE_NUMBER_LETTER_ADDITION.';
COMMENT ON COLUMN reference.address_register.postcode IS 'Four digits and two letters.';
COMMENT ON COLUMN reference.address_register.house_number IS 'Huisnummer.';
COMMENT ON COLUMN reference.address_register.house_letter IS 'Huisletter, upper case, empty when none.';
COMMENT ON COLUMN reference.address_register.house_number_addition IS 'Huisnummertoevoeging, upper case without separators, empty when none.';
COMMENT ON COLUMN reference.address_register.suffix IS 'Letter and addition behind each other.';
COMMENT ON COLUMN reference.address_register.meaning IS 'What the suffix means: its group''s first spelling, leading zeros dropped.';
COMMENT ON COLUMN reference.address_register.street IS 'Openbare ruimte.';
COMMENT ON COLUMN reference.address_register.city IS 'Woonplaats.';
COMMENT ON COLUMN reference.address_register.municipality IS 'Gemeentecode.';
COMMENT ON COLUMN reference.address_register.nummeraanduiding_id IS 'BAG identification of the number designation; of several entries with this key the lowest.';
COMMENT ON COLUMN reference.address_register.adresseerbaar_object_id IS 'BAG identification of the dwelling, berth or pitch: addresses that share it are one door. Empty where the source does not say.';
COMMENT ON COLUMN reference.address_register.is_main IS 'The main address of the object (hoofdadres), or a side address (nevenadres). Empty where the source does not say.';
COMMENT ON COLUMN reference.address_register.object_kind IS 'verblijfsobject, ligplaats or standplaats. Empty where the source does not say.';
COMMENT ON COLUMN reference.address_register.status IS 'Status of the object in the words of the BAG, e.g. Verblijfsobject in gebruik. Empty where the source does not say.';
COMMENT ON COLUMN reference.address_register.valid_from IS 'First day on which all of this held; empty when it always did.';
COMMENT ON COLUMN reference.address_register.valid_until IS 'First day on which it no longer held; empty when it still does.';
COMMENT ON COLUMN reference.address_register.buurtcode IS 'CBS buurt, BU and eight digits, from the source or reference/buurten.csv.';
COMMENT ON COLUMN reference.address_register.other_ids IS 'Further number designations with this key in this period; empty when there are none.';

CREATE TABLE IF NOT EXISTS reference.register_loads (
    load_number INTEGER NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL,
    source VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    entries BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    dwellings BIGINT NOT NULL,
    dwellings_before BIGINT NOT NULL,
    added BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    renumbered BIGINT NOT NULL,
    refused BOOLEAN NOT NULL
);
COMMENT ON TABLE reference.register_loads IS 'Each time that another address register was read, and what it changed.';
COMMENT ON COLUMN reference.register_loads.load_number IS 'Counts from 1.';
COMMENT ON COLUMN reference.register_loads.loaded_at IS 'When it was read.';
COMMENT ON COLUMN reference.register_loads.source IS 'Its files under reference/.';
COMMENT ON COLUMN reference.register_loads.sha256 IS 'Fingerprint of these files and of how they are read.';
COMMENT ON COLUMN reference.register_loads.entries IS 'Entries in it, those of the past included.';
COMMENT ON COLUMN reference.register_loads.left_out IS 'Entries in force without postcode or house number, or with a key that another one has.';
COMMENT ON COLUMN reference.register_loads.dwellings IS 'Addresses in force in it.';
COMMENT ON COLUMN reference.register_loads.dwellings_before IS 'Addresses in force in the register before it; 0 when there was none.';
COMMENT ON COLUMN reference.register_loads.added IS 'Addresses in force whose designation and key were both not there before.';
COMMENT ON COLUMN reference.register_loads.withdrawn IS 'Addresses that were in force before and of which neither designation nor key is in force any more.';
COMMENT ON COLUMN reference.register_loads.renumbered IS 'Designations that are in force with another key than before.';
COMMENT ON COLUMN reference.register_loads.refused IS 'It lost too many addresses (register_max_loss): the register before it stays in force.';

CREATE TABLE IF NOT EXISTS reference.address_decisions (
    file_sha256 VARCHAR NOT NULL,
    row_number INTEGER NOT NULL,
    desk_id VARCHAR,
    decision VARCHAR,
    address_key VARCHAR,
    nummeraanduiding_id VARCHAR,
    decided_by VARCHAR,
    decided_at TIMESTAMPTZ NOT NULL,
    why VARCHAR,
    refusal VARCHAR
);
COMMENT ON TABLE reference.address_decisions IS 'Every decision that the address desk sent back, and what could not be used of it; only ever added to. Key: file_sha256, row_number.';
COMMENT ON COLUMN reference.address_decisions.file_sha256 IS 'The file from inbox/adresdesk/ that it stands in.';
COMMENT ON COLUMN reference.address_decisions.row_number IS 'Its row in the file; 0 tells of the file itself.';
COMMENT ON COLUMN reference.address_decisions.desk_id IS 'Kenmerk: the writing of an address with a surname that it is about.';
COMMENT ON COLUMN reference.address_decisions.decision IS 'address (it is this one), as_written (it is right, the register lacks it), not_found, or withdrawn (an earlier decision no longer holds).';
COMMENT ON COLUMN reference.address_decisions.address_key IS 'The address that was chosen. Personal data.';
COMMENT ON COLUMN reference.address_decisions.nummeraanduiding_id IS 'BAG identification of it, by which the decision outlives a renumbering. Personal data.';
COMMENT ON COLUMN reference.address_decisions.decided_by IS 'Who decided (Door).';
COMMENT ON COLUMN reference.address_decisions.decided_at IS 'When the file was received; the latest decision on a desk_id holds.';
COMMENT ON COLUMN reference.address_decisions.why IS 'Why (Toelichting).';
COMMENT ON COLUMN reference.address_decisions.refusal IS 'Why it could not be used, in Dutch; empty when it holds.';

CREATE OR REPLACE VIEW reference.address_overrides AS
WITH latest AS (
    SELECT *
    FROM reference.address_decisions
    WHERE refusal IS NULL AND row_number > 0
    QUALIFY row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1
)

SELECT * EXCLUDE (refusal)
FROM latest
WHERE decision <> 'withdrawn';
COMMENT ON VIEW reference.address_overrides IS 'The decisions of the address desk that hold: every run replays them, whatever the register says (DOMAIN §6). Key: desk_id.';

CREATE TABLE IF NOT EXISTS reference.sources (
    name VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    row_count BIGINT NOT NULL,
    loaded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE reference.sources IS 'Which version of the address register is loaded, and of this schema.';
COMMENT ON COLUMN reference.sources.name IS 'address_register (the one in force), address_register, refused (the one in reference/ that is not), or schema.sql.';
COMMENT ON COLUMN reference.sources.sha256 IS 'Fingerprint of what is loaded.';
COMMENT ON COLUMN reference.sources.row_count IS 'Entries in it.';
COMMENT ON COLUMN reference.sources.loaded_at IS 'When it was loaded.';

-- How good deliveries are --------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS delivery_measures (
    month DATE NOT NULL,
    partner VARCHAR NOT NULL,
    row_count INTEGER NOT NULL,
    accepted_count INTEGER NOT NULL,
    rejected_count INTEGER NOT NULL,
    share_rejected DOUBLE,
    share_outdated DOUBLE,
    share_doubles DOUBLE,
    share_needs_review DOUBLE,
    reference_date_age INTEGER,
    missing_columns INTEGER NOT NULL,
    unexpected_columns INTEGER NOT NULL,
    median_amount DECIMAL(12, 2),
    rows_to_usual DOUBLE,
    amount_to_usual DOUBLE
);
COMMENT ON TABLE delivery_measures IS 'One row an accepted delivery, in numbers without personal data. Key: month, partner.';
COMMENT ON COLUMN delivery_measures.month IS 'Signalling month.';
COMMENT ON COLUMN delivery_measures.partner IS 'Partner that delivered.';
COMMENT ON COLUMN delivery_measures.row_count IS 'Data rows.';
COMMENT ON COLUMN delivery_measures.accepted_count IS 'Rows that became signals.';
COMMENT ON COLUMN delivery_measures.rejected_count IS 'Rows that were rejected.';
COMMENT ON COLUMN delivery_measures.share_rejected IS 'Share of the rows that was rejected; empty without rows.';
COMMENT ON COLUMN delivery_measures.share_outdated IS 'Share of the rows with an outdated reference date.';
COMMENT ON COLUMN delivery_measures.share_doubles IS 'Share of the rows that stand in the delivery twice.';
COMMENT ON COLUMN delivery_measures.share_needs_review IS 'Share of the signals whose address is ambiguous or unknown.';
COMMENT ON COLUMN delivery_measures.reference_date_age IS 'Days from the latest reference date to the due date.';
COMMENT ON COLUMN delivery_measures.missing_columns IS 'Agreed optional columns that the file lacks.';
COMMENT ON COLUMN delivery_measures.unexpected_columns IS 'Columns that were not agreed.';
COMMENT ON COLUMN delivery_measures.median_amount IS 'Median arrear of its signals in euro.';
COMMENT ON COLUMN delivery_measures.rows_to_usual IS 'Rows divided by the median of the six months before, predecessors included; empty with less than two of them.';
COMMENT ON COLUMN delivery_measures.amount_to_usual IS 'The same for the median arrear.';
