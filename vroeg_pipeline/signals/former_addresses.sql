-- Where signals of the month stand and will not, once their rows are judged anew.
-- Needs: month; tables row_verdicts.
SELECT
    month,
    partner,
    customer_reference,
    written_address,
    address_key
FROM validated_signals
WHERE month = getvariable('month') AND written_address IS NOT NULL
EXCEPT
SELECT
    month,
    partner,
    customer_reference,
    written_address,
    address_key
FROM row_verdicts
WHERE reasons = []
EXCEPT
SELECT
    month,
    partner,
    customer_reference,
    written_address,
    address_key
FROM former_addresses
