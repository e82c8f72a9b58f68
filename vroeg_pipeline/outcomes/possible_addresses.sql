-- Under which other keys the rows of the month may have been issued before a register or the address desk gave them the
-- present one, of the cases that are told and not known: a Kenmerk follows from month and address. By the resolver
-- alone, without a register, as an address that is not certain, as a side address, and as the desk once decided.
-- Needs: month; tables address_texts, delivered_rows, row_verdicts, unknown_cases, written_addresses; macros.sql,
-- address_macros.sql.
WITH keys AS (
    SELECT
        row.partner,
        row.customer_reference,
        row.written_address,
        unnest(
            [
                row.resolver_key,
                row.side_address_key,
                address_key_of(
                    written.postcode, written.number, house_letter_by_rule(written.suffix),
                    addition_by_rule(written.suffix)
                ),
                address_key_of(written.postcode, written.number, '?', '')
            ]
        ) AS former_key
    FROM row_verdicts AS row
    INNER JOIN delivered_rows USING (partner, file_sha256, row_number)
    INNER JOIN address_texts ON same_address(delivered_rows, address_texts)
    INNER JOIN written_addresses AS written USING (address_no)
    UNION
    SELECT
        row.partner,
        row.customer_reference,
        row.written_address,
        decided.address_key AS former_key
    FROM row_verdicts AS row
    INNER JOIN reference.address_decisions AS decided USING (desk_id)
)

SELECT DISTINCT keys.*
FROM keys
SEMI JOIN unknown_cases ON case_id_of(getvariable('month'), keys.former_key) = unknown_cases.case_id
WHERE keys.customer_reference IS NOT NULL
