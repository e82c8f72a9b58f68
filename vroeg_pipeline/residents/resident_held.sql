-- What is held of the resident, counted by table and month; and the files of partners and for teams that hold them.
-- Needs: tables resident_doors, resident_places.
WITH rows AS (
    SELECT unnest(place)
    FROM resident_places
)

SELECT
    held.name,
    held.month,
    held.count
FROM (
    SELECT
        'raw.delivery_rows' AS name,
        month,
        count(*) AS count
    FROM raw.delivery_rows
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
    GROUP BY month
    UNION ALL
    SELECT
        'files delivered' AS name,
        month,
        count(DISTINCT file_sha256) AS count
    FROM raw.delivery_rows
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
    GROUP BY month
    UNION ALL
    SELECT
        'files of worklists' AS name,
        month,
        count(*) AS count
    FROM worklist_files
    SEMI JOIN (
        FROM worklist_issues
        SEMI JOIN resident_doors USING (month, address_key)
    ) USING (month, worklist, issue)
    GROUP BY month
    UNION ALL
    SELECT
        'validated_signals' AS name,
        month,
        count(*) AS count
    FROM validated_signals
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
    GROUP BY month
    UNION ALL
    SELECT
        'rejected_rows' AS name,
        month,
        count(*) AS count
    FROM rejected_rows
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
    GROUP BY month
    UNION ALL
    SELECT
        'contacted_signals' AS name,
        month,
        count(*) AS count
    FROM contacted_signals
    SEMI JOIN rows USING (month, partner, file_sha256, row_number)
    GROUP BY month
    UNION ALL
    SELECT
        'prioritised_worklists' AS name,
        month,
        count(*) AS count
    FROM prioritised_worklists
    SEMI JOIN resident_doors USING (month, address_key)
    GROUP BY month
    UNION ALL
    SELECT
        'worklist_issues' AS name,
        month,
        count(*) AS count
    FROM worklist_issues
    SEMI JOIN resident_doors USING (month, address_key)
    GROUP BY month
    UNION ALL
    SELECT
        'contact_attempts' AS name,
        month,
        count(*) AS count
    FROM contact_attempts
    SEMI JOIN resident_doors USING (month, address_key)
    GROUP BY month
    UNION ALL
    SELECT
        'case_results' AS name,
        month,
        count(*) AS count
    FROM case_results
    SEMI JOIN resident_doors USING (month, address_key)
    GROUP BY month
) AS held
ORDER BY held.name, held.month
