"""How a verdict on one month becomes what Dagster shows, in a run of one month and of many.

What is judged stands in the `checks.py` of each room.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from typing import Any

import dagster as dg

# What `AssetCheckEvaluation` takes, and no public module has.
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData as Target,
)

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import Finding, NotedVerdict, note_verdicts
from vroeg_pipeline.installation.statements import transaction
from vroeg_pipeline.installation.town import Town, town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import MonthCheck, month_key, months_asked, months_at_work

Severity = dg.AssetCheckSeverity
# The metadata of a verdict that says why nothing was judged.
NOT_JUDGED = "not judged"
_NOTHING_MADE = "no month of it was made yet, press Materialize and choose months"


@dataclass(frozen=True)
class Verdict:
    """What one check says of one asset in one month. Metadata holds counts, partner ids and months only (§12).

    `said` leaves the month out: a note lies by month, and `description` names it. `judged`: one that is not passes, says
    why, and is noted nowhere.
    """

    asset_key: dg.AssetKey
    check_name: str
    month: date
    passed: bool
    said: str
    severity: dg.AssetCheckSeverity = Severity.ERROR
    metadata: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    judged: bool = True

    @property
    def check_key(self) -> dg.AssetCheckKey:
        """The check that says it."""
        return dg.AssetCheckKey(self.asset_key, self.check_name)

    @property
    def description(self) -> str:
        """As people read it in the UI."""
        return f"{month_text(self.month)}: {self.said}"


@dataclass(frozen=True)
class Months:
    """The months that a run of checks looks at.

    `asked`: those of the run, oldest first; none where somebody executes checks alone. `newest`: the last one of which the
    asset is made, as what the UI shows of a check is what it says of that month.
    """

    asked: Sequence[date]
    newest: date | None

    @property
    def all(self) -> Sequence[date]:
        """All to be judged, oldest first."""
        return sorted({*self.asked, *([self.newest] if self.newest else [])})


def months_to_judge(context: dg.AssetCheckExecutionContext, made: str, town: Town) -> Months:
    """The months of the run, and the newest of the asset that they are judged by."""
    asked = months_asked(context)
    keys = context.instance.get_materialized_partitions(town.key(made))
    return Months(asked, max([*asked, *(date.fromisoformat(key) for key in keys)], default=None))


def month_checks(checks: Sequence[MonthCheck], steps: Iterable[dg.AssetsDefinition]) -> list[dg.AssetChecksDefinition]:
    """One definition a step with the checks of all that it makes, so that they share a connection and a few events."""
    made_by = {key.to_user_string(): step.op.name for step in steps for key in step.keys}
    by_step: dict[str, list[MonthCheck]] = {}
    for check in checks:
        by_step.setdefault(made_by[check.asset], []).append(check)
    return [_checks_of(step, of_step) for step, of_step in by_step.items()]


def _checks_of(step: str, checks: Sequence[MonthCheck]) -> dg.AssetChecksDefinition:
    # Without partitions, though each verdict is one of a month (docs/adr/0025).
    specs = [dg.AssetCheckSpec(c.name, asset=c.asset, description=c.rule, blocking=c.blocking) for c in checks]

    @dg.multi_asset_check(name=f"check_{step}", specs=specs, can_subset=True)
    def check_step(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        installation: dg.ResourceParam[Installation],
    ) -> Iterator[dg.AssetCheckResult]:
        town = town_of(installation.home)
        months = months_to_judge(context, checks[0].asset, town)
        verdicts = []
        with months_at_work(warehouse, installation, months.all) as at_work:
            for of in at_work:
                # Of one state of the tables; a DuckLake would look for its newest in each statement.
                with transaction(of.connection):
                    looks = [(check, *check.look(of)) for check in checks]
                for check, wrong, figures in looks:
                    said = f"{wrong or 'holds'}. {check.rule}"
                    key = dg.AssetKey(check.asset)
                    verdicts.append(Verdict(key, check.name, of.month, wrong is None, said, check.severity, figures))
        note(installation.home, months.all, {dg.AssetKey(check.asset) for check in checks}, verdicts)
        yield from results(context, verdicts, months, specs, town)

    return check_step


def note(home: Home, months: Sequence[date], assets: Iterable[dg.AssetKey], verdicts: Sequence[Verdict]) -> None:
    """Notes all verdicts on these assets and months for the alerts."""
    names = [asset.to_user_string() for asset in assets]
    for month in months:
        of_month = [
            NotedVerdict(v.asset_key.to_user_string(), v.check_name, v.passed, v.said, v.findings)
            for v in verdicts
            if v.month == month and v.judged
        ]
        note_verdicts(home, month, names, of_month)


def results(
    context: dg.AssetCheckExecutionContext,
    verdicts: Sequence[Verdict],
    months: Months,
    specs: Iterable[dg.AssetCheckSpec],
    town: Town,
) -> Iterator[dg.AssetCheckResult]:
    """What a step of checks yields: for each of `specs` that somebody asked for its verdict on each month, oldest first.
    Verdicts and specs name assets as within the installation.

    The UI shows the last that was stored of a check, and so the newest month. A blocking check stops a run for one of its
    own months alone. These are evaluations, as an `AssetCheckResult` has one month or none (docs/adr/0025).
    """
    asked = [spec for spec in specs if town.check(spec.key) in context.selected_asset_check_keys]
    of_check: dict[dg.AssetCheckKey, list[Verdict]] = {spec.key: [] for spec in asked}
    for verdict in verdicts:
        if verdict.check_key in of_check:
            of_check[verdict.check_key].append(verdict)
    told_again = _is_told_again(context, list(map(town.check, of_check)))
    target = cache(partial(target_of, context.instance, town))
    for spec in asked:
        # What a later step waits for, where the check blocks.
        yield dg.Output(None, spec.get_python_identifier())  # type: ignore[misc]
        for verdict in of_check[spec.key]:
            blocks = spec.blocking and verdict.month in months.asked
            yield evaluation(verdict, town, target(spec.asset_key, verdict.month), verdict.month, blocks)  # type: ignore[misc]
        if not of_check[spec.key]:
            yield dg.AssetCheckEvaluation(  # type: ignore[misc]
                asset_key=town.key(spec.asset_key), check_name=spec.name, passed=True, metadata={NOT_JUDGED: _NOTHING_MADE},
                description=f"not judged: {_NOTHING_MADE}.",
            )  # fmt: skip
        elif told_again:
            yield evaluation(of_check[spec.key][-1], town, target(spec.asset_key, None), None)  # type: ignore[misc]


def _is_told_again(context: dg.AssetCheckExecutionContext, checks: Sequence[dg.AssetCheckKey]) -> bool:
    """Whether the newest verdicts have to be stored once more, of no month.

    Dagster stores a plan of each check when a run is made, of each month or of none, and a verdict takes the place of its
    plan. Without months, the plan would stay; and where another run stored anything later, that would be shown.
    """
    stored = context.instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    return context.run.partitions_subset is None or any(
        record.run_id != context.run.run_id for record in stored.values()
    )


def target_of(instance: dg.DagsterInstance, town: Town, asset: dg.AssetKey, month: date | None) -> Target | None:
    """The last materialization of an asset, of one month or of any: a verdict on another is not shown any more."""
    wanted = dg.AssetRecordsFilter(town.key(asset), asset_partitions=[month_key(month)] if month else None)
    for record in instance.fetch_materializations(wanted, limit=1).records:
        return Target(storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp)
    return None


def evaluation(
    verdict: Verdict, town: Town, target: Target | None, month: date | None, blocks: bool = False
) -> dg.AssetCheckEvaluation:
    """The verdict as Dagster stores it, of a month or of none."""
    return dg.AssetCheckEvaluation(
        asset_key=town.key(verdict.asset_key),
        check_name=verdict.check_name,
        passed=verdict.passed,
        partition=month_key(month) if month else None,
        severity=verdict.severity,
        description=verdict.description,
        metadata=dict(verdict.metadata),
        target_materialization_data=target,
        blocking=blocks,
    )
