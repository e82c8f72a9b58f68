"""What must hold of reported addresses and their history after every run (DOMAIN §7, §8, §11)."""

from vroeg_pipeline.monthly import MonthCheck, keys_are_unique

CHECKS = [
    keys_are_unique("address_matches", "address_key"),
    MonthCheck(
        "address_matches",
        "every_signal_counts_once",
        "The signals of all addresses together are the validated ones that are not held (DOMAIN §7).",
        "SELECT abs((SELECT coalesce(sum(signal_count), 0) FROM address_matches WHERE month = getvariable('month')) - "
        "(SELECT count(*) FROM validated_signals WHERE month = getvariable('month') AND held_reason IS NULL))",
        blocking=True,
    ),
    keys_are_unique("repeat_signals", "signal_id"),
    keys_are_unique("recidivism_history", "address_key"),
    MonthCheck(
        "recidivism_history",
        "every_match_has_a_history",
        "Each reported address has exactly one row, and no other has (DOMAIN §8).",
        """
        SELECT count(*) FROM (SELECT address_key FROM address_matches WHERE month = getvariable('month')) AS match
        FULL JOIN (SELECT address_key FROM recidivism_history WHERE month = getvariable('month')) AS history
            USING (address_key)
        WHERE match.address_key IS NULL OR history.address_key IS NULL
        """,
        blocking=True,
    ),
]
