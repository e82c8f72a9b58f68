-- Whether the rows that were found can be of several people of one name: born on different days, or behind different
-- doors of one number.
-- Needs: tables known_rows, resident_places; macros.sql.
WITH own AS (
    SELECT *
    FROM known_rows
    SEMI JOIN resident_places USING (place)
    WHERE surname IS NOT NULL AND NOT has_joint_names(surname)
),

doors AS (
    SELECT
        signal.postcode,
        signal.house_number,
        count(DISTINCT signal.address_key) AS doors
    FROM validated_signals AS signal
    WHERE
        struct_pack(
            month := signal.month,
            partner := signal.partner,
            file_sha256 := signal.file_sha256,
            row_number := signal.row_number
        ) IN (SELECT place FROM own)
        AND NOT signal.needs_review
    GROUP BY signal.postcode, signal.house_number
)

SELECT
    (SELECT count(DISTINCT birth_date) > 1 FROM own) AS have_births,
    (SELECT coalesce(bool_or(doors > 1), false) FROM doors) AS have_doors
