-- How good deliveries are.

-- One row a delivery, all its accepted files together, in numbers without personal data. Key: month, partner.
CREATE TABLE IF NOT EXISTS delivery_measures (
    month DATE NOT NULL,  -- Signalling month.
    partner VARCHAR NOT NULL,  -- Partner that delivered.
    row_count INTEGER NOT NULL,  -- Data rows.
    accepted_count INTEGER NOT NULL,  -- Rows that became signals.
    rejected_count INTEGER NOT NULL,  -- Rows that were rejected.
    share_rejected DOUBLE,  -- Share of the rows that was rejected; empty without rows.
    share_outdated DOUBLE,  -- Share of the rows with an outdated reference date.
    share_doubles DOUBLE,  -- Share of the rows that stand in the delivery twice.
    share_needs_review DOUBLE,  -- Share of the signals whose address is ambiguous or unknown.
    reference_date_age INTEGER,  -- Days from the latest reference date to the due date.
    missing_columns INTEGER NOT NULL,  -- Agreed optional columns that a file lacks.
    unexpected_columns INTEGER NOT NULL,  -- Columns that were not agreed.
    median_amount DECIMAL(12, 2),  -- Median arrear in euro of its signals, and of rejected rows that are one to DDAS.
    -- Rows divided by the median of the six months before, predecessors included; empty with less than two of them.
    rows_to_usual DOUBLE,
    amount_to_usual DOUBLE,  -- The same for the median arrear.
    median_days DOUBLE,  -- Median number of days in arrears of its signals.
    days_to_usual DOUBLE,  -- The same for the median number of days.
    share_outside_area DOUBLE,  -- Share of the rows whose address lies in no municipality of the agreement.
    -- That share minus the median of the six months before, predecessors included; minus nothing with less than two.
    outside_area_above_usual DOUBLE,
    -- Rows with an HTML entity (a letter as its name or number between & and ;) in a name of a person, street or town.
    escaped_names INTEGER,
    -- Rows with a letter in such a name that was put into UTF-8 twice (MÃ¼ller).
    twice_encoded_names INTEGER,
    -- Share of the signals without a reminder before them, of those of which the file tells; empty where it does not.
    share_without_reminder DOUBLE
);
