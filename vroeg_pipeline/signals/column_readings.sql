-- What became of each field of the delivered rows: how many are filled, empty or unreadable, and the first row of which
-- the field is empty or unreadable. In numbers alone, for who tries an agreement.
-- Needs: tables delivered_rows; macros.sql.
WITH cells AS (
    SELECT
        line.row_number,
        unnest([
            struct_pack(
                field := 'customer_reference',
                is_filled := line.customer_reference IS NOT NULL,
                is_unreadable := line.is_damaged_reference
            ),
            struct_pack(
                field := 'surname',
                is_filled := line.surname IS NOT NULL,
                is_unreadable := is_damaged(
                    line.surname, list_contains(line.typed, 'surname'), list_contains(line.typed, 'surname:other')
                )
            ),
            struct_pack(
                field := 'initials',
                is_filled := text_of(raw.initials) IS NOT NULL,
                is_unreadable := line.initials IS NULL
            ),
            struct_pack(
                field := 'prefix',
                is_filled := text_of(raw.prefix) IS NOT NULL,
                is_unreadable := line.prefix IS NULL
            ),
            struct_pack(
                field := 'birth_date',
                is_filled := line.birth_date_text IS NOT NULL,
                is_unreadable := line.birth_date IS NULL
            ),
            struct_pack(
                field := 'phone',
                is_filled := text_of(raw.phone) IS NOT NULL,
                is_unreadable := line.phone IS NULL
            ),
            struct_pack(
                field := 'email',
                is_filled := text_of(raw.email) IS NOT NULL,
                is_unreadable := line.email IS NULL
            ),
            struct_pack(
                field := 'postcode',
                is_filled := line.postcode_text IS NOT NULL,
                is_unreadable := line.postcode IS NULL
            ),
            struct_pack(
                field := 'street',
                is_filled := text_of(raw.street) IS NOT NULL,
                is_unreadable := line.street IS NULL
            ),
            struct_pack(
                field := 'house_number',
                is_filled := line.house_number IS NOT NULL,
                is_unreadable := number_and_rest(line.house_number).number = ''
            ),
            struct_pack(
                field := 'house_letter',
                is_filled := text_of(raw.house_letter) IS NOT NULL,
                is_unreadable := line.house_letter IS NULL
            ),
            struct_pack(
                field := 'house_number_addition',
                is_filled := text_of(raw.house_number_addition) IS NOT NULL,
                is_unreadable := line.house_number_addition IS NULL
            ),
            struct_pack(
                field := 'city',
                is_filled := text_of(raw.city) IS NOT NULL,
                is_unreadable := line.city IS NULL
            ),
            struct_pack(
                field := 'amount_due',
                is_filled := line.amount_text IS NOT NULL,
                is_unreadable := line.amount_due IS NULL
            ),
            struct_pack(
                field := 'arrears_since',
                is_filled := text_of(raw.arrears_since) IS NOT NULL,
                is_unreadable := line.is_since_unreadable
            ),
            struct_pack(
                field := 'reference_date',
                is_filled := line.reference_date_text IS NOT NULL,
                is_unreadable := line.reference_date IS NULL
            ),
            struct_pack(
                field := 'crisis',
                is_filled := line.crisis_text IS NOT NULL,
                is_unreadable := line.crisis IS NULL
            ),
            struct_pack(
                field := 'warm_handover',
                is_filled := line.warm_handover_text IS NOT NULL,
                is_unreadable := line.warm_handover IS NULL
            ),
            struct_pack(
                field := 'reminder_sent',
                is_filled := line.reminder_sent_text IS NOT NULL,
                is_unreadable := line.reminder_sent IS NULL
            ),
            struct_pack(
                field := 'objection',
                is_filled := line.objection_text IS NOT NULL,
                is_unreadable := line.objection IS NULL
            ),
            struct_pack(
                field := 'days_in_arrears',
                is_filled := text_of(raw.days_in_arrears) IS NOT NULL,
                is_unreadable := line.is_since_unreadable
            )
        ]) AS cell
    FROM delivered_rows AS line
    INNER JOIN raw.delivery_rows AS raw
        ON line.month = raw.month
        AND line.partner = raw.partner
        AND line.file_sha256 = raw.file_sha256
        AND line.row_number = raw.row_number
)

SELECT
    cell.field,
    count(*) FILTER (WHERE cell.is_filled) AS filled,
    count(*) FILTER (WHERE NOT cell.is_filled) AS empty,
    count(*) FILTER (WHERE cell.is_filled AND cell.is_unreadable) AS unreadable,
    min(row_number) FILTER (WHERE NOT cell.is_filled) AS first_empty,
    min(row_number) FILTER (WHERE cell.is_filled AND cell.is_unreadable) AS first_unreadable
FROM cells
GROUP BY cell.field
