"""What partners hear back of the month that they delivered (docs/feedback.md)."""

from collections import Counter
from collections.abc import Mapping

from vroeg_pipeline.feedback.files import write_feedback
from vroeg_pipeline.monthly import Figures, Month, counted, monthly, written

GROUP = "outgoing"


@monthly(
    written(
        "partner_feedback",
        "For each partner a folder with what it may learn of its own signals (repeat, unjustified, no resident, "
        "deceased, or another reason and never which), a report on its delivery and a text for its contact (DOMAIN "
        "§5, docs/feedback.md). Written anew by every run, as outcomes come in later.",
        reads=[
            "delivery_files",
            "validated_signals",
            "rejected_rows",
            "repeat_signals",
            "recidivism_history",
            "worklist_issues",
            "contact_attempts",
            "contacted_signals",
            "case_results",
        ],
        group=GROUP,
        kinds=("csv", "xlsx"),
    )
)
def partner_feedback(of: Month) -> Mapping[str, Figures]:
    """A CSV, an XLSX and a text for each partner in the outbox."""
    partners = write_feedback(of.connection, of.installation, of.month)
    return {
        "partner_feedback": {
            "partners": len(partners),
            "told": counted(sum((partner.told for partner in partners), Counter[str]())),
            "told per partner": counted({partner.partner: partner.told.total() for partner in partners}),
            "rejected per partner": counted({partner.partner: partner.rejected for partner in partners}),
        }
    }
