"""What starts runs by itself: files that arrive, and the day on which worklists are made (DOMAIN §3, §9, §10).

Decides from what it is told; the inbox is looked at by `deliveries.worked_on`, and the warehouse is never opened here
(ARCHITECTURE decision 3). Deliveries are judged as they come; worklists are made at 06:00 on the matching day with what is
there; what comes later runs its month and every later one again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from vroeg_pipeline.automation.health import is_to_come
from vroeg_pipeline.automation.jobs import INTAKE_JOB, MONTH_JOB, RETENTION_JOB, Jobs
from vroeg_pipeline.deliveries.inbox import months_in
from vroeg_pipeline.deliveries.worked_on import content_of_month, is_news, without_outcomes, worked_on
from vroeg_pipeline.domain.months import (
    MATCHING_TIME,
    TIME_ZONE,
    amsterdam_day,
    matching_moment,
    month_of,
    month_text,
    working_day_of_month,
)
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation.closed import noted_closed
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import is_held
from vroeg_pipeline.installation.log import Done, account, log_done
from vroeg_pipeline.installation.notes import WorkedOn
from vroeg_pipeline.installation.town import Town, town_of
from vroeg_pipeline.monthly import month_key

# The schedule comes first; a month that it did not make (no daemon at work all morning) is made by the sensor.
_SCHEDULES_CHANCE = timedelta(minutes=30)
_RETRY_AFTER = timedelta(minutes=30)
_WORK_TAG = "vroeg/work"
_AT_WORK = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_NOT_DONE = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Work:
    """A run that is to be made: a job over the months from `first` to `last`, because of the content of `news`."""

    job: str
    first: date
    last: date
    news: Mapping[date, Sequence[str]]

    @property
    def key(self) -> str:
        """The same for the same work, another when more has come."""
        lines = [f"{month_text(month)}:{line}" for month, content in self.news.items() for line in content]
        digest = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
        return f"{self.job}:{month_text(self.first)}:{month_text(self.last)}:{digest}"


def work_to_do(
    contents: Mapping[date, Sequence[str]], done: Mapping[date, WorkedOn], settings: Settings, now: datetime
) -> Work | None:
    """What the inbox asks for at the moment `now` (aware), if anything. A month that has not begun waits for it.

    `contents` and `done`: by month, what lies in the inbox and what was worked on.
    """
    begun = [month for month in sorted(contents) if month <= month_of(now)]
    late, early = {}, {}
    for month in begun:
        due = matching_moment(month, settings.matching_working_day)
        if now >= due + (_SCHEDULES_CHANCE if done[month].issued is None else timedelta()):
            if is_news(contents[month], done[month].issued):
                late[month] = contents[month]
        elif is_news(without_outcomes(contents[month]), done[month].judged):
            early[month] = contents[month]
    if late:
        # Who was reported or helped before changes in every later month that has worklists.
        after = [month for month in begun if done[month].issued is not None]
        return Work(MONTH_JOB, min(late), max([*late, *after]), late)
    if early:
        return Work(INTAKE_JOB, min(early), max(early), early)
    return None


def month_to_make(day: date, settings: Settings) -> date | None:
    """The month whose worklists are made on this Amsterdam day, if any."""
    month = day.replace(day=1)
    return month if working_day_of_month(month, settings.matching_working_day) == day else None


def month_tags(first: date, last: date) -> dict[str, str]:
    """The tags by which a run knows its months."""
    period = month_text(first) + (f" to {month_text(last)}" if last > first else "")
    if first == last:
        return {"dagster/partition": month_key(first), "months": period}
    return {
        "dagster/asset_partition_range_start": month_key(first),
        "dagster/asset_partition_range_end": month_key(last),
        "months": period,
    }


def arrivals_sensor(installation: Installation, first_month: date, jobs: Jobs) -> dg.SensorDefinition:
    """Looks at the inbox every half minute, and asks for one of the jobs."""
    home, settings = installation.home, installation.settings

    @dg.sensor(
        name="arrivals",
        jobs=[jobs.month, jobs.intake],
        minimum_interval_seconds=settings.watch_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Judges deliveries as they arrive. After the matching day a late or corrected delivery, withdrawal or "
        "confirmation, or a worklist that a team returned, runs its month and every later one again, and teams get what "
        "changed (DOMAIN §9, §10).",
    )
    def arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = installation.now()
        if is_held(home.run_lock):
            return dg.SkipReason("A run is at work; what it leaves is seen after it")
        closed = noted_closed(home)
        found = [month for month in months_in(home.inbox) if month not in closed]
        # A folder that was made after this location was loaded may lie before its first partition.
        months = [month for month in found if month >= first_month]
        contents = {month: content_of_month(installation, month) for month in months}
        work = work_to_do(contents, {month: worked_on(home, month) for month in months}, settings, now)
        if work is None:
            before = ", ".join(month_text(month) for month in found if month < first_month)
            reload = f"; reload the code location to run {before}, from before its first month" if before else ""
            return dg.SkipReason(f"Nothing new in {len(months)} months of the inbox{reload}")
        asked = _requested(context.instance, town_of(home), work, now)
        if isinstance(asked, dg.SensorResult):
            # It has read what came. What it finds nothing new in is read by name, size and moment alone, and is no line.
            period = month_tags(work.first, work.last)["months"]
            done = Done("look", period, f"asked for {work.job}", "sensor arrivals", account(), now)
            log_done(home, installation.now(), done)
        return asked

    return arrivals


def _requested(instance: dg.DagsterInstance, town: Town, work: Work, now: datetime) -> dg.SensorResult | dg.SkipReason:
    """The run, unless it is at work already or failed a moment ago."""
    before = instance.get_run_records(town.runs(tags={_WORK_TAG: work.key}))
    if any(record.dagster_run.status in _AT_WORK for record in before):
        return dg.SkipReason("What arrived is being worked on")
    failed = [record for record in before if record.dagster_run.status in _NOT_DONE]
    # What is still to come was noted before the clock was set back.
    ended = [record.update_timestamp for record in failed if not is_to_come(record.update_timestamp)]
    if ended and now - max(ended) < _RETRY_AFTER:
        return dg.SkipReason(f"The run for what arrived failed or was stopped; it is tried again after {_RETRY_AFTER}")
    tags = {**month_tags(work.first, work.last), _WORK_TAG: work.key}
    request = dg.RunRequest(run_key=f"{work.key}:{len(before)}", job_name=work.job, tags=tags)
    return dg.SensorResult(run_requests=[request])


def worklists_schedule(installation: Installation) -> dg.ScheduleDefinition:
    """Makes the month's worklists on its matching working day."""

    @dg.schedule(
        name="worklists",
        job_name=MONTH_JOB,
        cron_schedule=f"{MATCHING_TIME.minute} {MATCHING_TIME.hour} * * *",
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="At 06:00 on the matching working day (Dutch holidays count): the month with whatever arrived. Looks "
        "every day, as no cron line knows working days (DOMAIN §3).",
    )
    def worklists(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = amsterdam_day(context.scheduled_execution_time)
        month = month_to_make(day, installation.settings)
        if month is None:
            due = working_day_of_month(day.replace(day=1), installation.settings.matching_working_day)
            return dg.SkipReason(f"{day:%d-%m-%Y} is not the matching working day of its month ({due:%d-%m-%Y})")
        if worked_on(installation.home, month).issued is not None:
            return dg.SkipReason(f"The worklists of {month_text(month)} were made already")
        return dg.RunRequest(run_key=month_text(month), tags=month_tags(month, month))

    return worklists


def retention_schedule() -> dg.ScheduleDefinition:
    """Removes and announces, each night."""
    return dg.ScheduleDefinition(
        name="retention",
        job_name=RETENTION_JOB,
        cron_schedule="30 4 * * *",
        execution_timezone=TIME_ZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="At 04:30 each day: what is not kept any more goes, a week after it was announced (DOMAIN §14).",
    )
