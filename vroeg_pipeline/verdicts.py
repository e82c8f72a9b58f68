"""How a verdict on one month becomes what Dagster shows, in a run of one month and of many.

What is judged stands in the `checks.py` of each room.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import Finding, NotedVerdict, note_verdicts
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import MonthCheck, month_key, months_at_work, months_of

Severity = dg.AssetCheckSeverity


@dataclass(frozen=True)
class Verdict:
    """What one check says of one asset in one month. Metadata holds counts, partner ids and months only (§12).

    `said` leaves the month out: a note lies by month, and `description` names it.
    """

    asset_key: dg.AssetKey
    check_name: str
    month: date
    passed: bool
    said: str
    severity: dg.AssetCheckSeverity = Severity.ERROR
    metadata: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def description(self) -> str:
        """As people read it in the UI."""
        return f"{month_text(self.month)}: {self.said}"


def month_checks(
    checks: Sequence[MonthCheck], steps: Iterable[dg.AssetsDefinition], partitions: dg.PartitionsDefinition
) -> list[dg.AssetChecksDefinition]:
    """One definition a step with the checks of all that it makes, so that they share a connection and a few events."""
    made_by = {key.to_user_string(): step.op.name for step in steps for key in step.keys}
    by_step: dict[str, list[MonthCheck]] = {}
    for check in checks:
        by_step.setdefault(made_by[check.asset], []).append(check)
    return [_checks_of(step, of_step, partitions) for step, of_step in by_step.items()]


def _checks_of(
    step: str, checks: Sequence[MonthCheck], partitions: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(c.name, asset=c.asset, description=c.rule, blocking=c.blocking, partitions_def=partitions)
        for c in checks
    ]

    @dg.multi_asset_check(name=f"check_{step}", specs=specs)
    def check_step(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        verdicts = []
        with months_at_work(warehouse, installation, months_of(context)) as months:
            for of in months:
                for check in checks:
                    wrong, figures = check.look(of)
                    said = f"{wrong or 'holds'}. {check.rule}"
                    key = dg.AssetKey(check.asset)
                    verdicts.append(Verdict(key, check.name, of.month, wrong is None, said, check.severity, figures))
        note(installation.home, months_of(context), {dg.AssetKey(check.asset) for check in checks}, verdicts)
        yield from results(context, verdicts)

    return check_step


def note(home: Home, months: Sequence[date], assets: Iterable[dg.AssetKey], verdicts: Sequence[Verdict]) -> None:
    """Notes all verdicts on these assets and months for the alerts."""
    names = [asset.to_user_string() for asset in assets]
    for month in months:
        of_month = [
            NotedVerdict(v.asset_key.to_user_string(), v.check_name, v.passed, v.said, v.findings)
            for v in verdicts
            if v.month == month
        ]
        note_verdicts(home, month, names, of_month)


def results(context: dg.AssetCheckExecutionContext, verdicts: Iterable[Verdict]) -> Iterator[dg.AssetCheckResult]:
    """One result a check. In a run over several months each month's verdict is logged for itself, as a result would
    carry none, and the result says whether all of them hold: one month's pass cannot hide another's failure
    (docs/adr/0005).
    """
    by_check: dict[tuple[dg.AssetKey, str], list[Verdict]] = {}
    for verdict in verdicts:
        by_check.setdefault((verdict.asset_key, verdict.check_name), []).append(verdict)
    several = len(months_of(context)) > 1
    for (asset_key, check_name), of_check in by_check.items():
        failed = [verdict for verdict in of_check if not verdict.passed]
        shown = failed[-1] if failed else of_check[-1]
        metadata = dict(shown.metadata)
        if several:
            for verdict in of_check:
                # Taken by Dagster, though its annotation does not name it yet.
                context.op_execution_context.log_event(_evaluation(verdict))  # type: ignore[arg-type]
            metadata["months that failed"] = ", ".join(f"{v.month:%Y-%m}" for v in failed) or "none"
        yield dg.AssetCheckResult(
            passed=not failed,
            asset_key=asset_key,
            check_name=check_name,
            severity=shown.severity,
            description=shown.description,
            metadata=metadata,
        )


def _evaluation(verdict: Verdict) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=verdict.asset_key,
        check_name=verdict.check_name,
        passed=verdict.passed,
        partition=month_key(verdict.month),
        severity=verdict.severity,
        description=verdict.description,
        metadata=dict(verdict.metadata),
    )
