-- The doors at which signals of the resident stand or stood, by month, with their cases; whether others have signals
-- there too.
-- Needs: tables resident_places; macros.sql.
WITH signals AS (
    SELECT
        month,
        partner,
        file_sha256,
        row_number,
        customer_reference,
        written_address,
        address_key,
        struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place
    FROM validated_signals
),

contacted AS (
    SELECT
        month,
        partner,
        customer_reference,
        address_key,
        struct_pack(month := month, partner := partner, file_sha256 := file_sha256, row_number := row_number) AS place
    FROM contacted_signals
),

own AS (
    SELECT *
    FROM signals
    SEMI JOIN resident_places USING (place)
),

doors AS (
    SELECT
        month,
        address_key
    FROM own
    UNION
    SELECT
        month,
        address_key
    FROM contacted
    SEMI JOIN resident_places USING (place)
    UNION
    SELECT
        former.month,
        former.address_key
    FROM former_addresses AS former
    INNER JOIN own
        ON former.month = own.month AND former.partner = own.partner
        AND former.customer_reference = own.customer_reference AND former.written_address = own.written_address
),

of_others AS (
    SELECT DISTINCT
        month,
        address_key
    FROM (
        SELECT
            month,
            address_key
        FROM signals
        ANTI JOIN resident_places USING (place)
        UNION ALL
        SELECT
            month,
            address_key
        FROM contacted
        ANTI JOIN resident_places USING (place)
    )
)

SELECT
    doors.month,
    doors.address_key,
    case_id_of(doors.month, doors.address_key) AS case_id,
    of_others.month IS NOT NULL AS has_others
FROM doors
LEFT JOIN of_others USING (month, address_key)
