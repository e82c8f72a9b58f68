-- What it comes to (docs/evaluation.md).

-- What each partner delivered, for the evaluation; no person is in it. Key: month, partner.
CREATE TABLE IF NOT EXISTS evaluation_deliveries (
    month DATE NOT NULL,  -- Signalling month.
    partner VARCHAR NOT NULL,  -- Partner that owed a delivery, or sent one.
    -- on time, late, missing, refused, outdated, expected or not owed, as on the delivery board when the month was
    -- evaluated.
    state VARCHAR NOT NULL,
    received_at TIMESTAMPTZ,  -- When the newest file of its delivery came; empty without one.
    row_count INTEGER,  -- Data rows.
    accepted_count INTEGER,  -- Rows that became signals.
    rejected_count INTEGER,  -- Rows that were rejected.
    outdated_count INTEGER  -- Rejected rows with an outdated reference date.
);

-- The signals by what became of them, counted: their sum is the number of rows of signal_statuses. Small numbers are in
-- it: for who may see the warehouse. Key: month, partner, ddas_status, in_report.
CREATE TABLE IF NOT EXISTS evaluation_signals (
    month DATE NOT NULL,  -- Signalling month.
    partner VARCHAR NOT NULL,  -- Partner that reported them.
    partner_type VARCHAR NOT NULL,  -- Its DDAS type; Overige without an agreement.
    ddas_status VARCHAR NOT NULL,  -- DDAS Signaalstatus at the moment of evaluation.
    in_report BOOLEAN NOT NULL,  -- They belong to a report: not held back, at an address that is on a worklist.
    signals BIGINT NOT NULL  -- Number of signals.
);

-- The reports (an address in a month) by what they were and what came of them, counted: reports of kind report are the
-- rows of prioritised_worklists, those with an end_result the rows of case_results. Small numbers are in it: for who
-- may see the warehouse.
CREATE TABLE IF NOT EXISTS evaluation_reports (
    month DATE NOT NULL,  -- Signalling month.
    -- report (on a worklist), only_repeats (on none), or gone (an outcome of an address that is not reported any more).
    kind VARCHAR NOT NULL,
    worklist VARCHAR,  -- The list; empty when it is on none, like all that is known of lists.
    tier INTEGER,  -- Priority: 0 is best.
    tier_name VARCHAR,  -- Its name.
    has_rent BOOLEAN,  -- A rent arrear is among the signals, on the light track not counted.
    match_kind VARCHAR,  -- single or multiple.
    on_light_track BOOLEAN,  -- All its signals are below the threshold.
    recidivism_kind VARCHAR,  -- new, consecutive or returning.
    known VARCHAR,  -- known or unknown to debt services and wijkteam before; empty when that could not be checked.
    attempted BOOLEAN NOT NULL,  -- A contact was attempted, other than Administratief.
    reached BOOLEAN NOT NULL,  -- Somebody of the household was spoken to.
    first_contact_days INTEGER,  -- Days from the first delivery to the first attempt.
    -- The first attempt was within the deadline; false also when the deadline passed without; empty while it runs.
    in_time BOOLEAN,
    end_result VARCHAR,  -- DDAS Eindresultaat; empty without a result.
    -- The result is one that counts as help accepted (settings, evaluation.help_results).
    help_accepted BOOLEAN NOT NULL,
    reports BIGINT NOT NULL,  -- Number of reports.
    signals BIGINT NOT NULL,  -- Their signals that are not held.
    -- Reported in the six months before, within the look-back: what the country calls opeenvolgend.
    in_six_months BOOLEAN
);

-- The contact attempts by kind, counted: their sum is the number of rows of contact_attempts. Small numbers are in it:
-- for who may see the warehouse.
CREATE TABLE IF NOT EXISTS evaluation_contacts (
    month DATE NOT NULL,  -- Signalling month of the worklist.
    worklist VARCHAR NOT NULL,  -- The list they were reported on.
    tier INTEGER,  -- Priority of the address; empty when it is on no list any more.
    has_rent BOOLEAN,  -- A rent arrear is among its signals; empty when it is not reported any more.
    contact_kind VARCHAR NOT NULL,  -- DDAS Contactsoort.
    reached BOOLEAN,  -- Whether somebody was spoken to; empty when not told.
    attempts BIGINT NOT NULL  -- Number of attempts.
);
