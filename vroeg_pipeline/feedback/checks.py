"""What must hold of what partners hear: each reads its own and nothing else, once (docs/feedback.md)."""

from collections import Counter

from vroeg_pipeline.feedback.files import feedback_breaches
from vroeg_pipeline.feedback.one_municipality import seen_by
from vroeg_pipeline.installation.statements import fetch_one
from vroeg_pipeline.monthly import Found, Month, MonthCheck, observed


def _partners_read_their_own(of: Month) -> Found:
    (doubles,) = fetch_one(
        of.connection,
        "SELECT count(*) - count(DISTINCT signal_id) FROM signal_statuses WHERE month = getvariable('month')",
    )
    if doubles:
        return Found(f"{doubles} signals have two statuses", observed("breaches", doubles, at_most=0))
    broken: Counter[str] = Counter()
    for municipality in of.installation.municipalities:
        # Its files have the rows of this municipality, all of them and no other.
        with seen_by(of.connection, of.installation, municipality) as own:
            broken += Counter(
                feedback_breaches(of.connection, of.home, of.month, own.partners.agreements, municipality)
            )
    said = ", ".join(f"is broken {times} times for {partner}" for partner, times in sorted(broken.items()))
    return Found(said or None, observed("breaches", broken.total(), at_most=0))


CHECKS = [
    MonthCheck(
        "partner_feedback",
        "only_what_a_partner_may_learn",
        "Each partner's file has its own references and no other, each with what may be told of it "
        "(docs/feedback.md), and each signal has exactly one status.",
        _partners_read_their_own,
    )
]
