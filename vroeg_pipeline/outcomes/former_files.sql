-- What the delivery of a partner was before a file came that changed it: the newest file that replaces, and all that
-- add.
-- Needs: came_as, came_at, month, partner.
SELECT * REPLACE ('accepted' AS status)
FROM delivery_files
WHERE
    month = getvariable('month') AND partner = getvariable('partner') AND status IN ('accepted', 'superseded')
    AND (received_at, file_name) < (getvariable('came_at'), getvariable('came_as'))
QUALIFY
    coalesce(decision = 'addition', adds, false)
    OR row_number() OVER (
        PARTITION BY coalesce(decision = 'addition', adds, false) ORDER BY received_at DESC, file_name DESC
    ) = 1
