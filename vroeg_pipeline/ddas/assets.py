"""The delivery to CBS, month by month: what `vroeg ddas` writes for a longer period (docs/ddas.md)."""

from collections.abc import Mapping

from vroeg_pipeline.ddas.answers import deliver_month, withhold_answers
from vroeg_pipeline.ddas.file import counts_shown, ddas_paths, left_out, unnamed_said
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.monthly import Figures, Month, monthly, written

GROUP = "outgoing"


@monthly(
    written(
        "ddas_delivery",
        "The month as CBS wants it, DDAS-Vroegsignalering: a levering per municipality with every signal and its "
        "status, and every report with its contact attempts and result (DOMAIN §2, §5, docs/ddas.md). Written anew by "
        "every run.",
        reads=[
            "validated_signals",
            "rejected_rows",
            "repeat_signals",
            "address_matches",
            "recidivism_history",
            "worklist_issues",
            "contact_attempts",
            "contacted_signals",
            "case_results",
        ],
        statements=["ddas_signals", "ddas_cases", "ddas_totals"],
        group=GROUP,
        kinds=("json",),
    )
)
def ddas_delivery(of: Month) -> Mapping[str, Figures]:
    """One JSON in the outbox (one a municipality, where they are separate), and the same as what CBS is answered from."""
    said = unnamed_said(of.installation)
    to_do = {"before it is sent": said} if said else {}
    paths = ddas_paths(of.installation, of.outbox, [of.month]).values()
    try:
        counts = counts_shown(deliver_month(of.connection, of.installation, of.month))
    except VroegError as error:
        # The teams' month is done; CBS can wait until this is mended. The check of the asset fails.
        for path in paths:
            path.unlink(missing_ok=True)
        withhold_answers(of.home, of.month)
        of.warn(f"no delivery to CBS: {error}")
        return {"ddas_delivery": {"written": f"nothing: {error}"}}
    untold = {"rejected rows left out": left_out(of.connection, [of.month])}
    return {"ddas_delivery": {"written": ", ".join(path.name for path in paths), **counts, **untold, **to_do}}
