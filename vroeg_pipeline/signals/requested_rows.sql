-- The rows of the month that a resident asked to hold back, or not to take in any more (DOMAIN §14). An objection is to
-- what comes after it.
-- Needs: tables requested.
SELECT
    place.partner,
    place.file_sha256,
    place.row_number,
    list(DISTINCT kind) AS kinds
FROM requested
WHERE kind <> 'object' OR NOT list_contains(files_before, place.file_sha256)
GROUP BY place
