-- The addresses that stage A leaves and that say enough to look further: a number, and no two of anything.
SELECT *
FROM written_addresses
ANTI JOIN address_stage_a USING (address_no)
WHERE number IS NOT NULL AND NOT two_numbers AND NOT two_suffixes AND getvariable('has_register')
