"""Where in the Dagster UI an alert is looked into: the check that fails, the month, the run."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from vroeg_pipeline.alerts.facts import Automation, CheckFailed, Disk, Mistaken, RunFailed, ToBeRemoved, TooLate
from vroeg_pipeline.alerts.plan import Condition
from vroeg_pipeline.domain.alerts import AlertKind

# Of a partner's kinds the check that says the same; volume is told by two.
_CHECKS = {
    AlertKind.MISSING: "delivered",
    AlertKind.REFUSED: "delivered",
    AlertKind.LATE: "on_time",
    AlertKind.QUESTIONED: "replacement_is_whole",
    AlertKind.OUTDATED: "reference_date_is_recent",
    AlertKind.VOLUME: "",
    AlertKind.DRIFT: "columns_as_agreed",
}
# Of what is about no partner, the asset that tells of its month.
_ASSETS = {
    AlertKind.REFUSED: "delivery_files",
    AlertKind.MONTH_DONE: "worklist_issues",
    AlertKind.CRISIS: "worklist_issues",
    AlertKind.RETURNED: "refused_outcomes",
}


def links(condition: Condition, base: str, town: str = "") -> Sequence[str]:
    """The pages of what an alert is about, the failed check first; `base`: the address of the UI, and `town` whose pages
    they are where it shows many.
    """
    base, facts = base.rstrip("/"), condition.facts
    assets = f"{base}/assets/{quote(town)}/" if town else f"{base}/assets/"
    match facts:
        case RunFailed():
            return [f"{base}/runs/{facts.run_id}"]
        case ToBeRemoved() | TooLate():
            return [f"{assets}retention"]
        case Automation():
            return [f"{base}/automation"]
        case Mistaken():
            return [_check(assets, "agreements", "are_right")]
        case Disk():
            return [base]
        case CheckFailed():
            asset = f"deliveries/{condition.subject}" if facts.name else condition.subject
            found = [_check(assets, asset, condition.occurrence)]
        case _ if condition.subject and condition.kind in _CHECKS:
            asset = f"deliveries/{condition.subject}"
            found = [_check(assets, asset, _CHECKS[condition.kind])]
        case _:
            asset, found = _ASSETS[condition.kind], []
    month = f"&partition={condition.month:%Y-%m-%d}" if condition.month else ""
    return [*found, f"{assets}{quote(asset)}?view=partitions{month}"]


def _check(assets: str, asset: str, name: str) -> str:
    detail = f"&checkDetail={name}" if name else ""
    return f"{assets}{quote(asset)}?view=checks{detail}"
