-- The addresses that stage A leaves and that say enough to look further: a number, no two of anything, nothing damaged.
-- Needs: has_register; tables address_stage_a, written_addresses.
SELECT *
FROM written_addresses
ANTI JOIN address_stage_a USING (address_no)
WHERE
    number IS NOT NULL
    AND NOT two_numbers
    AND NOT two_suffixes
    AND NOT another_door
    AND NOT damaged_suffix
    AND getvariable('has_register')
