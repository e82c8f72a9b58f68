-- Each delivered row with the municipality in whose files it stands: as it was judged, else (of months from before
-- municipalities were separate, and of what was contacted and left) that of its address, else the first that is agreed.
-- Needs: first_municipality; tables agreement_terms.
WITH delivered AS (
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        address_key,
        municipality,
        for_municipality,
        'accepted' AS became
    FROM validated_signals
    UNION ALL BY NAME
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        municipality,
        for_municipality,
        'rejected' AS became,
        list_contains(reasons, 'outdated') AS is_outdated
    FROM rejected_rows
    UNION ALL BY NAME
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        address_key,
        municipality,
        'left' AS became
    FROM contacted_signals
    ANTI JOIN validated_signals USING (month, signal_id)
)

SELECT
    delivered.* EXCLUDE (municipality, for_municipality),
    coalesce(
        delivered.for_municipality,
        CASE WHEN list_contains(terms.municipalities, delivered.municipality) THEN delivered.municipality END,
        terms.municipalities[1],
        getvariable('first_municipality')
    ) AS municipality
FROM delivered
LEFT JOIN agreement_terms AS terms USING (partner)
