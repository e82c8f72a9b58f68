-- The rows that broke a rule, with the DDAS status of the first rule that has one (DOMAIN §5).
SELECT
    month,
    partner,
    file_sha256,
    row_number,
    reasons,
    customer_reference,
    list_filter(
        list_transform(
            reasons,
            lambda reason: CASE
                WHEN reason IN ('outdated', 'below_threshold', 'too_few_days', 'too_many_days')
                    THEN 'Niet opgepakt: onterecht signaal'
                WHEN reason = 'outside_area' THEN 'Persoon is geen inwoner (meer) in de gemeente'
                WHEN reason = 'objection' THEN 'Niet opgepakt: andere reden'
            END
        ),
        lambda status: status IS NOT NULL
    )[1] AS ddas_status
FROM row_verdicts
WHERE reasons <> []
