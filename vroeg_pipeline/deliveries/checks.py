"""What must hold of the delivery register after every run (DOMAIN §4, §11)."""

from vroeg_pipeline.monthly import MonthCheck, keys_are_unique

CHECKS = [
    keys_are_unique("delivery_files", "file_sha256", "partner"),
    MonthCheck(
        "delivery_files",
        "one_delivery_a_partner",
        "At most one file of a partner is its accepted delivery of the month (DOMAIN §4).",
        "SELECT count(*) FROM (SELECT 1 FROM delivery_files WHERE month = getvariable('month') AND status = 'accepted' "
        "GROUP BY partner HAVING count(*) > 1)",
        blocking=True,
    ),
]
