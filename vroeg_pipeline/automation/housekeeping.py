"""What Dagster notes of runs and ticks goes when it is old; what came and what was judged of a month stays (DOMAIN §13).

Tables, archive and what teams were told are not touched: how long people's data is kept is another rule.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from vroeg_pipeline.automation.jobs import HOUSEKEEPING_JOB
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import TIME_ZONE, add_months, amsterdam_day
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.cooperation import Cooperation, is_name_of_town
from vroeg_pipeline.installation.dagster_home import ONLY_REPOSITORY
from vroeg_pipeline.installation.dagster_storage import KEEPS_WHAT_IS_SHOWN
from vroeg_pipeline.installation.home import Home, clear_leftovers
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.town import ALONE, Town, town_of, towns_noted

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_AT_ONCE = 100


@dataclass(frozen=True)
class Purged:
    """How many went."""

    runs: int
    tick_logs: int


def purge(instance: dg.DagsterInstance, before: datetime, town: Town = ALONE) -> Purged:
    """Removes the runs of the town that ended before the aware moment, with their logs and what they printed, and its ticks
    and what these printed.

    Of a run stays what the pages of its assets and checks show (`forget_run`). Dagster's own event log would lose that, so
    with another storage than ours nothing goes, and `RuntimeError` says so.
    """
    if not getattr(instance.event_log_storage, KEEPS_WHAT_IS_SHOWN, False):
        raise RuntimeError("dagster.yaml names another storage, which would lose what came with a run: purge it there")
    ended, runs = town.runs(statuses=_ENDED, updated_before=before), 0
    while found := instance.get_run_records(ended, limit=_RUNS_AT_ONCE, ascending=True):
        for record in found:
            run_id = record.dagster_run.run_id
            instance.compute_log_manager.delete_logs(prefix=[run_id])
            instance.delete_run(run_id)
            runs += 1
    names = set()
    for state in town.instigators(instance):
        name = (state.instigator_origin_id, state.selector_id)
        # Each of a town says where it prints, as others print beside it.
        ticks = instance.get_ticks(*name, before=before.timestamp()) if town.name else ()
        names |= {str(tick.log_key[-1]) for tick in ticks if tick.log_key}
        instance.purge_ticks(*name, before.timestamp())
    # Sensors and schedules write them beside those of runs, a file a tick.
    printed = [
        path
        for path in (Path(instance.storage_directory()) / ONLY_REPOSITORY).glob("**/*")
        if path.is_file() and path.stat().st_mtime < before.timestamp() and (not town.name or path.stem in names)
    ]
    for path in printed:
        path.unlink(missing_ok=True)
    return Purged(runs, len(printed))


def purge_removed(instance: dg.DagsterInstance, cooperation: Cooperation) -> list[str]:
    """What is noted of towns that are served no more, which no job of theirs clears away. Where the folder lies there, as
    while a back-up is restored, it is kept as that of any town; where it is gone all goes, and these towns are given. A run
    that has not ended goes another night.

    RuntimeError, as `purge`.
    """
    forgotten = []
    for name in sorted(filter(is_name_of_town, towns_noted(instance) - set(cooperation.names()))):
        town, home = Town(name), cooperation.home(name)
        if home.root.exists():
            purge(instance, _before(_months_kept(home)), town)
            continue
        purge(instance, datetime.now(UTC), town)
        for state in town.instigators(instance):
            instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
        # `purge` has seen that it is ours.
        log: Any = instance.event_log_storage
        log.forget_assets_of(name)
        forgotten.append(name)
    return forgotten


def _months_kept(home: Home) -> int:
    try:
        return Installation.load_or_last_good(home).settings.keep_runs_months
    except VroegError:
        return Settings().keep_runs_months


def purge_before(installation: Installation) -> datetime:
    """The moment before which runs and ticks go, by the clock of the machine, as Dagster's own record is kept by it."""
    return _before(installation.settings.keep_runs_months)


def _before(months: int) -> datetime:
    now = datetime.now(UTC)
    oldest = add_months(amsterdam_day(now).replace(day=1), -months)
    return now.replace(year=oldest.year, month=oldest.month, day=1)


@dg.op
def clear_away(context: dg.OpExecutionContext, installation: dg.ResourceParam[Installation]) -> None:
    """Removes runs, ticks and what they printed that are older than keep_runs_months, what killed processes left, and what
    is noted of towns that were removed.
    """
    home = installation.home
    clear_leftovers(home)
    before = purge_before(installation)
    purged = purge(context.instance, before, town_of(home))
    forgotten = purge_removed(context.instance, Cooperation(home.cooperation)) if home.cooperation else []
    context.add_output_metadata(
        {
            "before": before.isoformat(),
            "runs removed": purged.runs,
            "tick logs removed": purged.tick_logs,
            "towns forgotten": len(forgotten),
        }
    )


@dg.job(
    name=HOUSEKEEPING_JOB,
    description="Clears away what Dagster noted of runs and ticks longer ago than keep_runs_months. What came and what was "
    "judged of each month stays.",
    executor_def=dg.in_process_executor,
)
def housekeeping_job() -> None:
    """One step."""
    clear_away()


housekeeping_schedule = dg.ScheduleDefinition(
    name="housekeeping",
    job=housekeeping_job,
    # Not between two and three, which comes twice or not at all where summer time ends and begins.
    cron_schedule="0 5 * * *",
    execution_timezone=TIME_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 05:00: old runs and ticks go (keep_runs_months).",
)
