"""Looks at everything that somebody wants to hear of, and sends what is due (DOMAIN §3, §12; docs/adr/0010).

Never opens the warehouse: reads what runs noted, the inbox, Dagster's record of runs and ticks, and the disk. What is due
is decided in `alerts.plan`.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import dagster as dg

from vroeg_pipeline.alerts.book import LOCK_SECONDS, AlertState, Waiting, alert_lock, read_alerts, write_alerts
from vroeg_pipeline.alerts.facts import Automation, Crisis, Disk, Mistaken, Returned, RunFailed
from vroeg_pipeline.alerts.messages import Message, compose, partner_text
from vroeg_pipeline.alerts.notifier import send
from vroeg_pipeline.alerts.plan import Condition, Notice, Observed, Phase, is_due, is_muted, is_quiet, plan, retry_after
from vroeg_pipeline.alerts.problems import (
    crises,
    delivery_problems,
    month_done,
    retention,
    sent_back,
    solution_of,
    stray_files,
    table_problems,
)
from vroeg_pipeline.alerts.silences import end_solved, silences_at
from vroeg_pipeline.automation.health import disk_finding, tick_findings
from vroeg_pipeline.automation.jobs import INTAKE_JOB, MONTH_JOB, OF_NO_MONTH
from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.deliveries.checks import agreements_judged
from vroeg_pipeline.deliveries.inbox import list_month, list_returned
from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.deliveries.worked_on import months_worked_on, still_to_be_judged, worked_on
from vroeg_pipeline.domain.agreements import ADDRESS_DESK, OUTCOMES, list_of_no_town
from vroeg_pipeline.domain.alerts import AlertKind, Language
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, month_of, months_between
from vroeg_pipeline.installation.agreed import is_asleep, what_is_wrong
from vroeg_pipeline.installation.closed import noted_closed
from vroeg_pipeline.installation.dagster_home import STARTED_BY
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import Done, account, log_done
from vroeg_pipeline.installation.notes import ANNOUNCED, MADE, SENT_BACK, Announced, SentBackNote, noted_verdicts
from vroeg_pipeline.installation.secrets import filled_in
from vroeg_pipeline.installation.town import Town, town_of
from vroeg_pipeline.monthly import month_key
from vroeg_pipeline.quality.board_page import refresh_board
from vroeg_pipeline.quality.checks import DELIVERED, delivered_verdict
from vroeg_pipeline.quality.delivery_register import noted_files
from vroeg_pipeline.verdicts import evaluation, target_of

_SENSOR = "alerts"
# A look must end long before Dagster gives up on a tick; what is not sent by then is sent by the next.
_SENDING_SECONDS = 25
# A run that failed longer ago and was never made good is history.
_RUNS_LOOKED_AT = timedelta(days=60)
_MOST_RUNS = 200
_BY_SENSOR, _BY_SCHEDULE = "dagster/sensor_name", "dagster/schedule_name"
_PARTITION, _FIRST, _LAST = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)


@dataclass(frozen=True)
class Recipient:
    """Where notices go: an address of a channel, or the contact of partners, one of its own or those whose rows it sends."""

    url: str
    kinds: Sequence[AlertKind]
    language: Language
    partners: frozenset[str] = frozenset()
    worklists: Sequence[str] = ()

    def wants(self, notice: Notice) -> bool:
        """Whether it gets this notice. A partner hears what it can mend, of its own deliveries alone; a team what is about
        its own worklists, or about none that is known.
        """
        facts = notice.condition.facts
        if facts.kind not in self.kinds:
            return False
        if isinstance(facts, Crisis | Returned) and facts.worklist and self.worklists:
            return not {facts.worklist, list_of_no_town(facts.worklist)}.isdisjoint(self.worklists)
        return not self.partners or (notice.condition.subject in self.partners and notice.phase != Phase.SOLVED)


@dataclass(frozen=True)
class Looked:
    """What a look came to. `missing`: the open problems of that kind; `failed`: recipient to reason."""

    told: Sequence[Notice]
    missing: Sequence[Condition]
    sent: Mapping[str, Message]
    failed: Mapping[str, str]
    waiting: int
    open_problems: int

    def __str__(self) -> str:
        parts = [f"{self.open_problems} open problems", f"{len(self.sent)} messages sent", f"{self.waiting} wait"]
        return "; ".join([*parts, *(f"{who} {why}" for who, why in self.failed.items())])


def recipients(installation: Installation) -> dict[str, Recipient]:
    """Everybody who gets alerts, by the name under which notices wait for them."""
    alerts = installation.settings.alerts
    found = {
        f"{name}/{number}": Recipient(url, channel.kinds, channel.language, worklists=channel.worklists)
        for name, channel in alerts.channels.items()
        for number, url in enumerate(channel.urls, start=1)
    }
    if alerts.partners:
        for agreement in installation.partners.agreements.values():
            sender = installation.partners.asking(agreement)
            name, contact = (sender.sender, sender.contact) if sender else (agreement.partner, agreement.contact)
            if contact.email:
                url = alerts.partners.url.replace("{email}", quote(contact.email, safe="@"))
                before = found.get(f"partner/{name}")
                partners = frozenset({agreement.partner}) | (before.partners if before else frozenset())
                found[f"partner/{name}"] = Recipient(url, alerts.partners.kinds, "nl", partners)
    return found


def without_address(installation: Installation) -> list[str]:
    """Who cannot be told anything, as their URL names a variable that is not set in this environment, a line each."""
    found = []
    for name, recipient in recipients(installation).items():
        try:
            filled_in(recipient.url, f"settings.yaml, alerts, {name}")
        except VroegError as error:
            found.append(str(error))
    return found


def observe(installation: Installation, instance: dg.DagsterInstance, state: AlertState) -> Observed:
    """Everything that is wrong or has happened, as far as can be told now."""
    now, home, partners = installation.now(), installation.home, installation.partners
    conditions: list[Condition] = []
    withheld: set[tuple[str | None, date]] = set()
    solutions = {}
    asleep = is_asleep(months_worked_on(home), now)
    for month in _months(installation, state, now):
        if asleep:
            # Nothing is owed, but what was told is not solved by that.
            withheld.add((None, month))
            continue
        files, done = noted_files(home, month), worked_on(home, month)
        if files is None and done.judged is not None:
            # Judged by a release that left no notes; the next run of the month does.
            withheld.add((None, month))
            continue
        files = files or {}
        for folder in still_to_be_judged(installation, month):
            withheld |= {(partner, month) for partner in partners.delivered_in(folder)}
        verdicts = noted_verdicts(home, month)
        for agreement in partners.agreements.values():
            of = PartnerMonth(agreement, month, files.get(agreement.partner, ()))
            own = [verdict for verdict in verdicts if verdict.partner == agreement.partner]
            conditions += delivery_problems(of, own, now, partners.asking(agreement))
            if solution := solution_of(of):
                solutions[agreement.partner, month] = solution
        conditions += stray_files(month, files, partners)
        conditions += table_problems(month, verdicts)
        conditions += sent_back(month, (SENT_BACK.read(home, month) or SentBackNote()).files)
        if (made := MADE.read(home, month)) and done.issued is not None:
            conditions += [month_done(month, made, state.book.events), *crises(month, made)]
    disk = disk_finding(home)
    conditions += [] if disk.healthy else [Condition(Disk(said=disk.said))]
    if wrong := what_is_wrong(home):
        # Another mistake is another thing to mend.
        conditions.append(Condition(Mistaken(said=wrong), occurrence=wrong))
    conditions += retention(ANNOUNCED.read(home) or Announced(), _came_for_closed(installation, now))
    town = town_of(home)
    conditions += _failed_runs(instance, town, state)
    conditions += [
        Condition(Automation(said=finding.said), finding.part)
        for finding in tick_findings(instance, town, now)
        if not finding.healthy and finding.part != f"sensor {_SENSOR}"
    ]
    return Observed(conditions, frozenset(withheld), solutions, silences_at(home, now))


def _came_for_closed(installation: Installation, now: datetime) -> dict[date, int]:
    """How many files lie in the inbox for each closed month: they came since its files were removed."""
    home, settle = installation.home, installation.settings.settle_seconds
    counts = {}
    for month in sorted(noted_closed(home)):
        listings = [list_month(home.inbox, month, settle, now)]
        listings += [list_returned(home.inbox, sender, settle, now, month) for sender in (OUTCOMES, ADDRESS_DESK)]
        counts[month] = sum(len(listing.files) for listing in listings)
    return {month: count for month, count in counts.items() if count}


def _months(installation: Installation, state: AlertState, now: datetime) -> list[date]:
    """The months that are news, and those of which a problem is open."""
    recent = months_between(_from_month(installation, now), month_of(now))
    opened = {problem.condition.month for problem in state.book.problems.values() if problem.condition.month}
    return sorted({*recent, *opened})


def _from_month(installation: Installation, now: datetime) -> date:
    return add_months(month_of(now), 1 - installation.settings.alerts.months)


def _failed_runs(instance: dg.DagsterInstance, town: Town, state: AlertState) -> Iterator[Condition]:
    """Runs that failed and that no later one made good: of the same job or the whole month, over the same months.

    One that was told stays until then, also when Dagster's record of it is gone.
    """
    records = instance.get_run_records(
        town.runs(
            statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS],
            updated_after=datetime.now(UTC) - _RUNS_LOOKED_AT,
        ),
        limit=_MOST_RUNS,
    )
    succeeded = [r for r in records if r.dagster_run.status == dg.DagsterRunStatus.SUCCESS]
    failed = [_failed_run(record) for record in records if record.dagster_run.status == dg.DagsterRunStatus.FAILURE]
    seen = set()
    for condition in [*failed, *(p.condition for p in state.book.problems.values())]:  # the newest first
        facts = condition.facts
        if not isinstance(facts, RunFailed) or condition.key in seen:
            continue
        # Dagster counts in whole seconds here, and one run follows the other.
        made_good = any(
            record.update_timestamp.timestamp() >= facts.failed_at
            and (
                record.dagster_run.job_name == condition.subject
                or (record.dagster_run.job_name == MONTH_JOB and condition.subject not in OF_NO_MONTH)
            )
            and set(facts.months) <= _months_of_run(record.dagster_run.tags)
            for record in succeeded
        )
        if not made_good:
            seen.add(condition.key)
            step = facts.step or _failed_step(instance, facts.run_id)
            yield replace(condition, facts=replace(facts, step=step))


def _failed_run(record: dg.RunRecord) -> Condition:
    run, months = record.dagster_run, sorted(_months_of_run(record.dagster_run.tags))
    facts = RunFailed(
        job=_job_name(run.job_name),
        run=run.run_id[:8],
        run_id=run.run_id,
        months=tuple(months),
        failed_at=record.update_timestamp.timestamp(),
        by_hand=STARTED_BY in run.tags or not {_BY_SENSOR, _BY_SCHEDULE} & set(run.tags),
    )
    month = date.fromisoformat(months[-1]) if months else None
    return Condition(facts, run.job_name, month, months[0] if months else "")


def _job_name(name: str) -> str:
    # What the UI makes of assets and checks that somebody chose.
    return name if name in (MONTH_JOB, INTAKE_JOB, *OF_NO_MONTH) else "of chosen assets or checks"


def _failed_step(instance: dg.DagsterInstance, run_id: str) -> str:
    failed = [s.step_key for s in instance.get_run_step_stats(run_id) if s.status and s.status.value == "FAILURE"]
    return ", ".join(failed) or "none: it did not start, or was killed"


def _months_of_run(tags: Mapping[str, str]) -> set[str]:
    if one := tags.get(_PARTITION):
        return {one}
    if _FIRST in tags and _LAST in tags:
        ends = [date.fromisoformat(tags[end]) for end in (_FIRST, _LAST)]
        return {month_key(month) for month in months_between(ends[0], ends[1])}
    return set()


def look(installation: Installation, instance: dg.DagsterInstance, wait_seconds: float = LOCK_SECONDS) -> Looked:
    """Looks, writes down what is due for whom, and sends it.

    Raises VroegError when what was told before cannot be read, or another look does not finish within `wait_seconds`.
    """
    with alert_lock(installation.home, wait_seconds):
        installation.keep_agreed()
        before = read_alerts(installation.home)
        state, notices = planned(installation, instance, before)
        if state != before:
            write_alerts(installation.home, state)
        end_solved(installation.home, state.book.problems, installation.now())
        return _send(installation, state, notices)


def preview(installation: Installation, instance: dg.DagsterInstance) -> dict[str, Message]:
    """What a look would send now, by recipient; writes and sends nothing."""
    state, _ = planned(installation, instance, read_alerts(installation.home))
    return {name: message for name, message, _ in _ready(installation, state)}


def planned(
    installation: Installation, instance: dg.DagsterInstance, state: AlertState
) -> tuple[AlertState, list[Notice]]:
    """The state with what is due written down for its recipients, and what is told for the first time."""
    now, everybody = installation.now(), recipients(installation)
    book, notices = plan(
        state.book,
        observe(installation, instance, state),
        now,
        from_month=_from_month(installation, now),
        reminder_working_days=installation.settings.alerts.reminder_working_days,
    )
    # Who was taken out of the settings gets nothing any more.
    waiting = {name: state.waiting.get(name, Waiting()) for name in everybody}
    for name, recipient in everybody.items():
        wanted = tuple(notice for notice in notices if recipient.wants(notice))
        waiting[name] = replace(waiting[name], notices=waiting[name].notices + wanted)
    return AlertState(book, {name: each for name, each in waiting.items() if each.notices}), notices


def _ready(installation: Installation, state: AlertState) -> Iterator[tuple[str, Message, tuple[Notice, ...]]]:
    """The message for each recipient that is to be tried now, and the notices in it, without what is muted now. In quiet
    hours only of a crisis, where the settings say so.
    """
    now, alerts = installation.now(), installation.settings.alerts
    quiet, silences = is_quiet(now, alerts.quiet_hours), silences_at(installation.home, now)
    everybody = recipients(installation)
    for name, waiting in state.waiting.items():
        notices = tuple(notice for notice in waiting.notices if not is_muted(notice.condition, silences))
        if quiet:
            urgent = [notice for notice in notices if notice.condition.kind == AlertKind.CRISIS]
            notices = tuple(urgent) if alerts.crisis_at_any_hour else ()
        if notices and is_due(waiting.next_attempt, now):
            recipient = everybody[name]
            if recipient.partners:
                yield name, partner_text(notices, alerts.signature), notices
            else:
                drafts_by = alerts.signature if alerts.partners is None else None
                yield (
                    name,
                    compose(
                        notices, recipient.language, link=alerts.link, town=installation.home.town, drafts_by=drafts_by
                    ),
                    notices,
                )


def _send(installation: Installation, state: AlertState, told: Sequence[Notice]) -> Looked:
    """Sends what is ready, and strikes each message out as soon as it was handed over."""
    now, everybody = installation.now(), recipients(installation)
    sent, failed = {}, {}
    stop_at = time.monotonic() + _SENDING_SECONDS
    for name, message, notices in _ready(installation, state):
        if time.monotonic() > stop_at:
            break
        waiting = dict(state.waiting)
        try:
            send(everybody[name].url, message)
        except VroegError as error:
            was = waiting[name]
            attempts = was.attempts + 1
            failed[name] = str(error)
            waiting[name] = Waiting(
                was.notices, attempts, now + retry_after(attempts), was.failing_since or now, str(error)
            )
        else:
            sent[name] = message
            about = ", ".join(sorted({notice.condition.kind.value for notice in notices}))
            done = Done("alert", about, "sent", f"sensor {_SENSOR}", account(), now, {"to": name})
            log_done(installation.home, now, done)
            left = tuple(notice for notice in waiting[name].notices if notice not in notices)
            if left:
                waiting[name] = Waiting(left)
            else:
                del waiting[name]
        state = AlertState(state.book, waiting)
        write_alerts(installation.home, state)
    problems = [problem.condition for problem in state.book.problems.values()]
    missing = [condition for condition in problems if condition.kind == AlertKind.MISSING]
    return Looked(told, missing, sent, failed, len(state.waiting), len(problems))


def alerts_sensor(
    installation: Installation, refresh: Callable[[Installation], None] = refresh_board
) -> dg.SensorDefinition:
    """Looks every half minute, keeps the delivery board up to date (`refresh`), and leaves a mark on the partner that is
    told of.
    """

    @dg.sensor(
        name=_SENSOR,
        minimum_interval_seconds=installation.settings.watch_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what is missing, late, refused, outdated or unusual, what failed and what is done, each "
        "thing once, with reminders and what was solved; who gets what stands in settings.yaml. Also keeps the page of the "
        "delivery board as of now (DOMAIN §3, docs/adr/0010).",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        looked = look(installation, context.instance)
        for name, why in looked.failed.items():
            context.log.warning(f"{name} {why}")
        # After the look: a page that cannot be written must not silence anybody.
        refresh(installation)
        return dg.SensorResult(skip_reason=str(looked), asset_events=_marks(installation, context.instance, looked))

    return alerts


def _marks(
    installation: Installation, instance: dg.DagsterInstance, looked: Looked
) -> list[dg.AssetObservation | dg.AssetCheckEvaluation | dg.AssetMaterialization]:
    """What the UI shows on the partners that are told of."""
    partners, told, town = installation.partners.agreements, looked.told, town_of(installation.home)
    marks: list[dg.AssetObservation | dg.AssetCheckEvaluation | dg.AssetMaterialization] = []
    for notice in sorted(told, key=lambda notice: notice.condition.month or date.min):
        agreement, month = partners.get(notice.condition.subject), notice.condition.month
        if not (agreement and month):
            continue
        key = town.key(delivery_key(agreement.partner))
        marks.append(
            dg.AssetObservation(
                key,
                partition=month_key(month),
                description=f"{notice.phase}: {notice.condition.kind}",
                metadata={"alert": notice.condition.kind.value, "phase": notice.phase.value},
            )
        )
    marks += _turned(installation, instance, looked.missing)
    about_agreements = any(notice.condition.kind == AlertKind.AGREEMENTS for notice in told)
    return [*marks, *([agreements_judged(installation)] if about_agreements else [])]


def _turned(
    installation: Installation, instance: dg.DagsterInstance, missing: Sequence[Condition]
) -> Iterator[dg.AssetCheckEvaluation]:
    """The check `delivered` of who is missing: a deadline that passes starts no run. For the newest month that was judged,
    and later ones, while it shows otherwise: a look that ended half way, or a run that ends late, must not leave it green.
    """
    partners, town = installation.partners.agreements, town_of(installation.home)
    judged = max(instance.get_materialized_partitions(town.key("delivery_measures")), default="")
    of_check = {
        town.check(dg.AssetCheckKey(delivery_key(partner), DELIVERED)): (partners[partner], month)
        for partner, month in sorted((c.subject, c.month) for c in missing if c.month and month_key(c.month) >= judged)
        if partner in partners
    }
    shown = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(of_check))
    for check, (agreement, month) in of_check.items():
        # One that is planned is judged by a run now.
        if check not in shown or shown[check].status.value == "SUCCEEDED":
            files = (noted_files(installation.home, month) or {}).get(agreement.partner, ())
            verdict = delivered_verdict(PartnerMonth(agreement, month, files), installation.now())
            # Of no month, as Dagster stores one of a month without a run only once.
            yield evaluation(verdict, town, target_of(instance, town, verdict.asset_key, None), None)
