-- A warehouse as the version left it that had all of the schema in one file: what `SELECT sql` of duckdb_tables() and
-- duckdb_views() says of one that it made, and rows made up by type. To be opened, never to be changed.
CREATE SCHEMA raw;
CREATE SCHEMA reference;
CREATE TABLE address_desk("month" DATE NOT NULL, desk_id VARCHAR NOT NULL, reason VARCHAR NOT NULL, address_key VARCHAR NOT NULL, signal_count INTEGER NOT NULL, partners VARCHAR[] NOT NULL, has_crisis BOOLEAN NOT NULL, total_amount DECIMAL(12,2) NOT NULL, written VARCHAR NOT NULL, residents VARCHAR NOT NULL, candidates STRUCT(address VARCHAR, street VARCHAR, found_by VARCHAR)[] NOT NULL, earlier_decision VARCHAR, decided_on DATE, refusal VARCHAR);
CREATE TABLE address_matches("month" DATE NOT NULL, address_key VARCHAR NOT NULL, match_kind VARCHAR NOT NULL, signal_count INTEGER NOT NULL, partner_count INTEGER NOT NULL, partners VARCHAR[] NOT NULL, partner_types VARCHAR[] NOT NULL, total_amount DECIMAL(12,2) NOT NULL, longest_days INTEGER NOT NULL, earliest_arrears_since DATE NOT NULL, has_rent BOOLEAN NOT NULL, has_crisis BOOLEAN NOT NULL, warm_handover BOOLEAN NOT NULL, needs_review BOOLEAN NOT NULL, first_received_on DATE NOT NULL, first_crisis_received_on DATE, is_repaired BOOLEAN, nummeraanduiding_id VARCHAR, adresseerbaar_object_id VARCHAR, buurtcode VARCHAR);
CREATE TABLE case_results("month" DATE NOT NULL, case_id VARCHAR NOT NULL, address_key VARCHAR NOT NULL, worklist VARCHAR NOT NULL, end_result VARCHAR NOT NULL, ended_on DATE, reported_at TIMESTAMP WITH TIME ZONE NOT NULL, file_sha256 VARCHAR NOT NULL);
CREATE TABLE contact_attempts("month" DATE NOT NULL, case_id VARCHAR NOT NULL, address_key VARCHAR NOT NULL, worklist VARCHAR NOT NULL, attempt INTEGER NOT NULL, contact_kind VARCHAR NOT NULL, reached BOOLEAN, contacted_on DATE NOT NULL, day_part VARCHAR, reported_at TIMESTAMP WITH TIME ZONE NOT NULL, file_sha256 VARCHAR NOT NULL);
CREATE TABLE delivery_files("month" DATE NOT NULL, partner VARCHAR NOT NULL, file_sha256 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, received_at TIMESTAMP WITH TIME ZONE NOT NULL, size_bytes BIGINT NOT NULL, status VARCHAR NOT NULL, refusal VARCHAR, detail VARCHAR, row_count INTEGER, accepted_count INTEGER, rejected_count INTEGER, reference_date_max DATE, due_at TIMESTAMP WITH TIME ZONE, missing_optional VARCHAR[], unexpected_columns VARCHAR[]);
CREATE TABLE delivery_measures("month" DATE NOT NULL, partner VARCHAR NOT NULL, row_count INTEGER NOT NULL, accepted_count INTEGER NOT NULL, rejected_count INTEGER NOT NULL, share_rejected DOUBLE, share_outdated DOUBLE, share_doubles DOUBLE, share_needs_review DOUBLE, reference_date_age INTEGER, missing_columns INTEGER NOT NULL, unexpected_columns INTEGER NOT NULL, median_amount DECIMAL(12,2), rows_to_usual DOUBLE, amount_to_usual DOUBLE);
CREATE TABLE evaluation_contacts("month" DATE NOT NULL, worklist VARCHAR NOT NULL, tier INTEGER, has_rent BOOLEAN, contact_kind VARCHAR NOT NULL, reached BOOLEAN, attempts BIGINT NOT NULL);
CREATE TABLE evaluation_deliveries("month" DATE NOT NULL, partner VARCHAR NOT NULL, state VARCHAR NOT NULL, received_at TIMESTAMP WITH TIME ZONE, row_count INTEGER, accepted_count INTEGER, rejected_count INTEGER, outdated_count INTEGER);
CREATE TABLE evaluation_reports("month" DATE NOT NULL, kind VARCHAR NOT NULL, worklist VARCHAR, tier INTEGER, tier_name VARCHAR, has_rent BOOLEAN, match_kind VARCHAR, recidivism_kind VARCHAR, known VARCHAR, attempted BOOLEAN NOT NULL, reached BOOLEAN NOT NULL, first_contact_days INTEGER, in_time BOOLEAN, end_result VARCHAR, help_accepted BOOLEAN NOT NULL, reports BIGINT NOT NULL, signals BIGINT NOT NULL);
CREATE TABLE evaluation_signals("month" DATE NOT NULL, partner VARCHAR NOT NULL, partner_type VARCHAR NOT NULL, ddas_status VARCHAR NOT NULL, in_report BOOLEAN NOT NULL, signals BIGINT NOT NULL);
CREATE TABLE outcome_files("month" DATE NOT NULL, file_sha256 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, received_at TIMESTAMP WITH TIME ZONE NOT NULL, size_bytes BIGINT NOT NULL, status VARCHAR NOT NULL, refusal VARCHAR, detail VARCHAR, row_count INTEGER, attempt_count INTEGER, refused_count INTEGER);
CREATE TABLE outcome_rows("month" DATE NOT NULL, file_sha256 VARCHAR NOT NULL, sheet VARCHAR NOT NULL, row_number INTEGER NOT NULL, is_told BOOLEAN NOT NULL, case_id VARCHAR, attempt INTEGER, contact_kind VARCHAR, reached BOOLEAN, contacted_on DATE, day_part VARCHAR, end_result VARCHAR, reasons VARCHAR[] NOT NULL, written VARCHAR[] NOT NULL);
CREATE TABLE prioritised_worklists("month" DATE NOT NULL, address_key VARCHAR NOT NULL, worklist VARCHAR NOT NULL, rank INTEGER NOT NULL, tier INTEGER NOT NULL, tier_name VARCHAR NOT NULL, "action" VARCHAR NOT NULL, deadline DATE NOT NULL, over_capacity BOOLEAN NOT NULL, is_recidivist BOOLEAN NOT NULL, known_to VARCHAR, explanation VARCHAR NOT NULL, aftercare BOOLEAN);
CREATE TABLE recidivism_history("month" DATE NOT NULL, address_key VARCHAR NOT NULL, recidivism_kind VARCHAR NOT NULL, is_recidivist BOOLEAN NOT NULL, possible_new_occupant BOOLEAN NOT NULL, first_reported_month DATE, last_reported_month DATE, times_reported INTEGER NOT NULL, months_since_last INTEGER, only_repeats BOOLEAN NOT NULL);
CREATE TABLE refused_outcomes("month" DATE NOT NULL, file_sha256 VARCHAR NOT NULL, sheet VARCHAR NOT NULL, row_number INTEGER NOT NULL, reasons VARCHAR[] NOT NULL);
CREATE TABLE rejected_rows("month" DATE NOT NULL, partner VARCHAR NOT NULL, file_sha256 VARCHAR NOT NULL, row_number INTEGER NOT NULL, reasons VARCHAR[] NOT NULL, ddas_status VARCHAR, customer_reference VARCHAR, partner_type VARCHAR, received_at TIMESTAMP WITH TIME ZONE, municipality VARCHAR, postcode VARCHAR, house_number INTEGER, house_letter VARCHAR, house_number_addition VARCHAR, birth_date DATE, amount_due DECIMAL(12,2), arrears_since DATE, crisis BOOLEAN, warm_handover BOOLEAN);
CREATE TABLE repeat_signals("month" DATE NOT NULL, signal_id VARCHAR NOT NULL, repeats_signal_id VARCHAR NOT NULL);
CREATE TABLE validated_signals("month" DATE NOT NULL, signal_id VARCHAR NOT NULL, partner VARCHAR NOT NULL, partner_type VARCHAR NOT NULL, file_sha256 VARCHAR NOT NULL, row_number INTEGER NOT NULL, received_at TIMESTAMP WITH TIME ZONE NOT NULL, customer_reference VARCHAR NOT NULL, address_key VARCHAR NOT NULL, address_status VARCHAR NOT NULL, needs_review BOOLEAN NOT NULL, municipality VARCHAR, amount_due DECIMAL(12,2) NOT NULL, arrears_since DATE NOT NULL, reference_date DATE NOT NULL, days_in_arrears INTEGER NOT NULL, crisis BOOLEAN NOT NULL, warm_handover BOOLEAN NOT NULL, reminder_sent BOOLEAN NOT NULL, held_reason VARCHAR, surname VARCHAR NOT NULL, surname_key VARCHAR NOT NULL, initials VARCHAR, prefix VARCHAR, birth_date DATE, phone VARCHAR, email VARCHAR, street VARCHAR, postcode VARCHAR NOT NULL, house_number INTEGER NOT NULL, house_letter VARCHAR NOT NULL, house_number_addition VARCHAR NOT NULL, city VARCHAR, address_stage VARCHAR, address_evidence VARCHAR, nummeraanduiding_id VARCHAR, adresseerbaar_object_id VARCHAR, buurtcode VARCHAR, side_address_key VARCHAR, written_address VARCHAR, desk_id VARCHAR, resolver_key VARCHAR, resolver_status VARCHAR);
CREATE TABLE worklist_files("month" DATE NOT NULL, worklist VARCHAR NOT NULL, issue INTEGER NOT NULL, file_name VARCHAR NOT NULL, entries INTEGER NOT NULL, written_at TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE TABLE worklist_issues("month" DATE NOT NULL, worklist VARCHAR NOT NULL, issue INTEGER NOT NULL, address_key VARCHAR NOT NULL, change VARCHAR NOT NULL, issued_at TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE TABLE raw.delivery_rows("month" DATE NOT NULL, partner VARCHAR NOT NULL, file_sha256 VARCHAR NOT NULL, row_number INTEGER NOT NULL, customer_reference VARCHAR, surname VARCHAR, initials VARCHAR, prefix VARCHAR, birth_date VARCHAR, phone VARCHAR, email VARCHAR, postcode VARCHAR, street VARCHAR, house_number VARCHAR, house_letter VARCHAR, house_number_addition VARCHAR, city VARCHAR, amount_due VARCHAR, arrears_since VARCHAR, reference_date VARCHAR, crisis VARCHAR, warm_handover VARCHAR, reminder_sent VARCHAR, objection VARCHAR, typed VARCHAR[]);
CREATE TABLE reference.address_decisions(file_sha256 VARCHAR NOT NULL, row_number INTEGER NOT NULL, desk_id VARCHAR, decision VARCHAR, address_key VARCHAR, nummeraanduiding_id VARCHAR, decided_by VARCHAR, decided_at TIMESTAMP WITH TIME ZONE NOT NULL, why VARCHAR, refusal VARCHAR);
CREATE TABLE reference.address_register(address_key VARCHAR NOT NULL, postcode VARCHAR NOT NULL, house_number INTEGER NOT NULL, house_letter VARCHAR NOT NULL, house_number_addition VARCHAR NOT NULL, suffix VARCHAR NOT NULL, meaning VARCHAR NOT NULL, street VARCHAR, city VARCHAR, municipality VARCHAR, nummeraanduiding_id VARCHAR, adresseerbaar_object_id VARCHAR, is_main BOOLEAN, object_kind VARCHAR, status VARCHAR, valid_from DATE, valid_until DATE, buurtcode VARCHAR, other_ids VARCHAR[]);
CREATE TABLE reference.register_loads(load_number INTEGER NOT NULL, loaded_at TIMESTAMP WITH TIME ZONE NOT NULL, "source" VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, entries BIGINT NOT NULL, left_out BIGINT NOT NULL, dwellings BIGINT NOT NULL, dwellings_before BIGINT NOT NULL, added BIGINT NOT NULL, withdrawn BIGINT NOT NULL, renumbered BIGINT NOT NULL, refused BOOLEAN NOT NULL);
CREATE TABLE reference.sources("name" VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, row_count BIGINT NOT NULL, loaded_at TIMESTAMP WITH TIME ZONE NOT NULL);
CREATE VIEW signal_statuses AS WITH attempted AS (SELECT DISTINCT "month", address_key FROM contact_attempts)(SELECT signal."month", signal.partner, signal.signal_id, signal.row_number, signal.customer_reference, signal.address_key, CASE  WHEN ((signal.held_reason = 'withdrawn')) THEN ('Niet opgepakt: onterecht signaal') WHEN ((signal.held_reason IS NOT NULL)) THEN ('Niet opgepakt: andere reden') WHEN ((repeated.signal_id IS NOT NULL)) THEN ('Niet opgepakt: herhaalde melding') WHEN ((result.end_result IN ('Inwoner al bekend bij schuldhulpverlening', 'Inwoner is overleden', 'Niet opgepakt: andere reden', 'Niet opgepakt: herhaalde melding', 'Niet opgepakt: onterecht signaal', 'Persoon is geen inwoner (meer) in de gemeente'))) THEN (result.end_result) WHEN (((result.end_result IS NOT NULL) OR (attempted.address_key IS NOT NULL))) THEN ('Opgepakt') ELSE 'Nog niet opgepakt' END AS ddas_status FROM validated_signals AS signal LEFT JOIN repeat_signals AS repeated ON (((signal."month" = repeated."month") AND (signal.signal_id = repeated.signal_id))) LEFT JOIN case_results AS result ON (((signal."month" = result."month") AND (signal.address_key = result.address_key))) LEFT JOIN attempted ON (((signal."month" = attempted."month") AND (signal.address_key = attempted.address_key)))) UNION ALL (SELECT "month", partner, concat_ws('-', partner, strftime("month", '%Y%m'), file_sha256[:12], row_number) AS signal_id, row_number, customer_reference, NULL AS address_key, ddas_status FROM rejected_rows WHERE (ddas_status IS NOT NULL));
CREATE VIEW told_results AS WITH files AS (SELECT "month", file_sha256, received_at, (row_number() OVER (PARTITION BY "month" ORDER BY received_at, file_name, file_sha256) * 100) AS place FROM outcome_files WHERE (status = 'accepted'))SELECT told."month", told.case_id, arg_max(told.end_result, (files.place + told.attempt)) AS end_result, arg_max(told.file_sha256, files.place) AS file_sha256, max(files.received_at) AS reported_at FROM outcome_rows AS told INNER JOIN files ON (((told."month" = files."month") AND (told.file_sha256 = files.file_sha256))) WHERE (told.is_told AND (len(told.reasons) = 0) AND (told.end_result IS NOT NULL)) GROUP BY told."month", told.case_id;
CREATE VIEW reference.address_overrides AS WITH latest AS (SELECT * FROM reference.address_decisions WHERE ((refusal IS NULL) AND (row_number > 0)) QUALIFY (row_number() OVER (PARTITION BY desk_id ORDER BY decided_at DESC, file_sha256 DESC, row_number DESC) = 1))SELECT * EXCLUDE (refusal) FROM latest WHERE (decision != 'withdrawn');
INSERT INTO address_desk VALUES
('2021-03-01', 'desk_id', 'reason', 'address_key', 1, ['partners'], true, 1, 'written', 'residents', [{'address': 'a', 'street': 's', 'found_by': 'f'}], 'earlier_decision', '2021-03-01', NULL),
('2021-03-01', 'desk_id', 'reason', 'address_key', 1, ['partners'], true, 1, 'written', 'residents', [{'address': 'a', 'street': 's', 'found_by': 'f'}], NULL, NULL, NULL);
INSERT INTO address_matches VALUES
('2021-03-01', 'address_key', 'match_kind', 1, 1, ['partners'], ['partner_types'], 1, 1, '2021-03-01', true, true, true, true, '2021-03-01', '2021-03-01', true, 'nummeraanduiding_id', 'adresseerbaar_object_id', 'buurtcode'),
('2021-03-01', 'address_key', 'match_kind', 1, 1, ['partners'], ['partner_types'], 1, 1, '2021-03-01', true, true, true, true, '2021-03-01', NULL, NULL, NULL, NULL, NULL);
INSERT INTO case_results VALUES
('2021-03-01', 'case_id', 'address_key', 'worklist', 'Inwoner is overleden', '2021-03-01', '2021-03-03 10:00:00+01', 'file_sha256'),
('2021-03-01', 'case_id', 'address_key', 'worklist', 'Inwoner is overleden', NULL, '2021-03-03 10:00:00+01', 'file_sha256');
INSERT INTO contact_attempts VALUES
('2021-03-01', 'case_id', 'address_key', 'worklist', 1, 'contact_kind', true, '2021-03-01', 'day_part', '2021-03-03 10:00:00+01', 'file_sha256'),
('2021-03-01', 'case_id', 'address_key', 'worklist', 1, 'contact_kind', NULL, '2021-03-01', NULL, '2021-03-03 10:00:00+01', 'file_sha256');
INSERT INTO delivery_files VALUES
('2021-03-01', 'partner', 'file_sha256', 'file_name', '2021-03-03 10:00:00+01', 1, 'accepted', NULL, 'detail', 1, 1, 1, '2021-03-01', '2021-03-03 10:00:00+01', ['missing_optional'], ['unexpected_columns']),
('2021-03-01', 'partner', 'file_sha256', 'file_name', '2021-03-03 10:00:00+01', 1, 'accepted', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO delivery_measures VALUES
('2021-03-01', 'partner', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
('2021-03-01', 'partner', 1, 1, 1, NULL, NULL, NULL, NULL, NULL, 1, 1, NULL, NULL, NULL);
INSERT INTO evaluation_contacts VALUES
('2021-03-01', 'worklist', 1, true, 'contact_kind', true, 1),
('2021-03-01', 'worklist', NULL, NULL, 'contact_kind', NULL, 1);
INSERT INTO evaluation_deliveries VALUES
('2021-03-01', 'partner', 'state', '2021-03-03 10:00:00+01', 1, 1, 1, 1),
('2021-03-01', 'partner', 'state', NULL, NULL, NULL, NULL, NULL);
INSERT INTO evaluation_reports VALUES
('2021-03-01', 'kind', 'worklist', 1, 'tier_name', true, 'match_kind', 'recidivism_kind', 'known', true, true, 1, true, 'Inwoner is overleden', true, 1, 1),
('2021-03-01', 'kind', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, true, NULL, NULL, NULL, true, 1, 1);
INSERT INTO evaluation_signals VALUES
('2021-03-01', 'partner', 'partner_type', 'Niet opgepakt: andere reden', true, 1),
('2021-03-01', 'partner', 'partner_type', 'Niet opgepakt: andere reden', true, 1);
INSERT INTO outcome_files VALUES
('2021-03-01', 'file_sha256', 'file_name', '2021-03-03 10:00:00+01', 1, 'accepted', NULL, 'detail', 1, 1, 1),
('2021-03-01', 'file_sha256', 'file_name', '2021-03-03 10:00:00+01', 1, 'accepted', NULL, NULL, NULL, NULL, NULL);
INSERT INTO outcome_rows VALUES
('2021-03-01', 'file_sha256', 'sheet', 1, true, 'case_id', 1, 'contact_kind', true, '2021-03-01', 'day_part', 'Inwoner is overleden', [], ['written']),
('2021-03-01', 'file_sha256', 'sheet', 1, true, NULL, NULL, NULL, NULL, NULL, NULL, NULL, [], ['written']);
INSERT INTO prioritised_worklists VALUES
('2021-03-01', 'address_key', 'worklist', 1, 1, 'tier_name', 'action', '2021-03-01', true, true, 'known_to', 'explanation', true),
('2021-03-01', 'address_key', 'worklist', 1, 1, 'tier_name', 'action', '2021-03-01', true, true, NULL, 'explanation', NULL);
INSERT INTO recidivism_history VALUES
('2021-03-01', 'address_key', 'recidivism_kind', true, true, '2021-03-01', '2021-03-01', 1, 1, true),
('2021-03-01', 'address_key', 'recidivism_kind', true, true, NULL, NULL, 1, NULL, true);
INSERT INTO refused_outcomes VALUES
('2021-03-01', 'file_sha256', 'sheet', 1, []),
('2021-03-01', 'file_sha256', 'sheet', 1, []);
INSERT INTO rejected_rows VALUES
('2021-03-01', 'partner', 'file_sha256', 1, [], 'Niet opgepakt: andere reden', 'customer_reference', 'partner_type', '2021-03-03 10:00:00+01', 'municipality', 'postcode', 1, 'house_letter', 'house_number_addition', '2021-03-01', 1, '2021-03-01', true, true),
('2021-03-01', 'partner', 'file_sha256', 1, [], 'Niet opgepakt: andere reden', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO repeat_signals VALUES
('2021-03-01', 'signal_id', 'repeats_signal_id'),
('2021-03-01', 'signal_id', 'repeats_signal_id');
INSERT INTO validated_signals VALUES
('2021-03-01', 'signal_id', 'partner', 'partner_type', 'file_sha256', 1, '2021-03-03 10:00:00+01', 'customer_reference', 'address_key', 'address_status', true, 'municipality', 1, '2021-03-01', '2021-03-01', 1, true, true, true, NULL, 'surname', 'surname_key', 'initials', 'prefix', '2021-03-01', 'phone', 'email', 'street', 'postcode', 1, 'house_letter', 'house_number_addition', 'city', 'address_stage', 'address_evidence', 'nummeraanduiding_id', 'adresseerbaar_object_id', 'buurtcode', 'side_address_key', 'written_address', 'desk_id', 'resolver_key', 'resolver_status'),
('2021-03-01', 'signal_id', 'partner', 'partner_type', 'file_sha256', 1, '2021-03-03 10:00:00+01', 'customer_reference', 'address_key', 'address_status', true, NULL, 1, '2021-03-01', '2021-03-01', 1, true, true, true, NULL, 'surname', 'surname_key', NULL, NULL, NULL, NULL, NULL, NULL, 'postcode', 1, 'house_letter', 'house_number_addition', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO worklist_files VALUES
('2021-03-01', 'worklist', 1, 'file_name', 1, '2021-03-03 10:00:00+01'),
('2021-03-01', 'worklist', 1, 'file_name', 1, '2021-03-03 10:00:00+01');
INSERT INTO worklist_issues VALUES
('2021-03-01', 'worklist', 1, 'address_key', 'change', '2021-03-03 10:00:00+01'),
('2021-03-01', 'worklist', 1, 'address_key', 'change', '2021-03-03 10:00:00+01');
INSERT INTO raw.delivery_rows VALUES
('2021-03-01', 'partner', 'file_sha256', 1, 'customer_reference', 'surname', 'initials', 'prefix', 'birth_date', 'phone', 'email', 'postcode', 'street', 'house_number', 'house_letter', 'house_number_addition', 'city', 'amount_due', 'arrears_since', 'reference_date', 'crisis', 'warm_handover', 'reminder_sent', 'objection', ['typed']),
('2021-03-01', 'partner', 'file_sha256', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO reference.address_decisions VALUES
('file_sha256', 1, 'desk_id', 'address', 'address_key', 'nummeraanduiding_id', 'decided_by', '2021-03-03 10:00:00+01', 'why', NULL),
('file_sha256', 1, NULL, NULL, NULL, NULL, NULL, '2021-03-03 10:00:00+01', NULL, NULL);
INSERT INTO reference.address_register VALUES
('address_key', 'postcode', 1, 'house_letter', 'house_number_addition', 'suffix', 'meaning', 'street', 'city', 'municipality', 'nummeraanduiding_id', 'adresseerbaar_object_id', true, 'object_kind', 'accepted', '2021-03-01', '2021-03-01', 'buurtcode', ['other_ids']),
('address_key', 'postcode', 1, 'house_letter', 'house_number_addition', 'suffix', 'meaning', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO reference.register_loads VALUES
(1, '2021-03-03 10:00:00+01', 'source', 'sha256', 1, 1, 1, 1, 1, 1, 1, true),
(1, '2021-03-03 10:00:00+01', 'source', 'sha256', 1, 1, 1, 1, 1, 1, 1, true);
INSERT INTO reference.sources VALUES
('name', 'sha256', 1, '2021-03-03 10:00:00+01'),
('schema.sql', 'sha256', 1, '2021-03-03 10:00:00+01');
