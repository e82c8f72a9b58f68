"""A watch on the watcher: whether everything that should run by itself does (`vroeg health`).

For the monitoring that the town already has. Looks and tells; it mends nothing. Names of parts, moments and counts only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from vroeg_pipeline.alerts.book import read_alerts
from vroeg_pipeline.alerts.sensor import without_address
from vroeg_pipeline.alerts.silences import silences_at
from vroeg_pipeline.automation.health import STANDS_STILL, HealthFinding, disk_finding, is_to_come, tick_findings
from vroeg_pipeline.cli.front_desk_health import desk_findings
from vroeg_pipeline.ddas.answers import months_behind, months_unanswered
from vroeg_pipeline.deliveries.worked_on import months_worked_on, worked_on
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, amsterdam_day, matching_moment, moment_text, month_of, month_text
from vroeg_pipeline.domain.settings import DdasService
from vroeg_pipeline.installation.agreed import what_is_wrong
from vroeg_pipeline.installation.backup import is_there
from vroeg_pipeline.installation.dagster_home import check_dagster_home, code_socket
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import CLOCK, Installation
from vroeg_pipeline.installation.locking import answers, is_held
from vroeg_pipeline.installation.log_collector import check_can_send, waiting_since
from vroeg_pipeline.installation.notes import BACK_UPS, BackUps
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource

_HEARTBEAT_TOLERANCE = timedelta(minutes=5)
# Made every night, as docs/backup.md says.
_BACK_UP_TOLERANCE = timedelta(days=7)
_ALERT_TOLERANCE = timedelta(minutes=30)
# Long enough for a moment's use by another tool, short enough for a monitor that asks every minute.
_WAREHOUSE_PATIENCE_MINUTES = 0.1


def show_health(home: Home, out: Console, *, as_json: bool) -> None:
    """Prints the findings.

    Raises VroegError when one of them is not healthy, after printing all.
    """
    found = list(findings(Installation.load_or_last_good(home)))
    unhealthy = [finding.part for finding in found if not finding.healthy]
    if as_json:
        out.print_json(json.dumps({"healthy": not unhealthy, "findings": [asdict(finding) for finding in found]}))
    else:
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in found:
            table.add_row("[green]✓[/]" if finding.healthy else "[red]✗[/]", finding.part, escape(finding.said))
        out.print(table)
    if unhealthy:
        raise VroegError(f"not healthy: {', '.join(unhealthy)}", do="the lines above say why")


def findings(installation: Installation) -> Iterator[HealthFinding]:
    """Each part in its turn; one that cannot be looked at is not healthy, and hides no other."""
    home, now = installation.home, installation.now()
    if not home.root.is_dir():
        yield HealthFinding("folder", False, f"there is no folder {home.root}; check VROEG_HOME")
        return
    if not os.access(home.root, os.W_OK, effective_ids=True):
        yield HealthFinding("folder", False, f"{home.root} cannot be written; give it to this user")
    if desk := installation.settings.front_desk:
        yield _agreements(home)
        yield disk_finding(home)
        yield from desk_findings(installation, desk)
        yield from _clock(now)
        return
    if home.town:
        yield _code_server(home)
    yield from _watching(home, now)
    yield _agreements(home)
    yield _last_month(installation, now)
    yield disk_finding(home)
    yield _warehouse(installation)
    yield _alerts(installation, now)
    yield _back_ups(installation, now)
    if service := installation.settings.ddas.service:
        yield _certificates(service, home, now)
        yield _answers(home)
    if installation.settings.log.otlp:
        yield _log(home, now)
    yield from _clock(now)


def _clock(now: datetime) -> Iterator[HealthFinding]:
    if os.environ.get(CLOCK):
        yield HealthFinding("clock", False, f"it stands at {moment_text(now)}, as {CLOCK} says; unset it in production")


def _watching(home: Home, now: datetime) -> Iterator[HealthFinding]:
    """The daemon, sensors and schedules, as far as Dagster's storage can tell."""
    if not (home.dagster / "dagster.yaml").exists():
        yield HealthFinding("daemon", False, f"there is no Dagster home at {home.dagster}; start with: vroeg dev")
        return
    try:
        check_dagster_home(home)
        os.environ["DAGSTER_HOME"] = str(home.dagster)
        with DagsterInstance.get() as instance:
            yield _daemon(instance, now)
            yield from tick_findings(instance, town_of(home), now)
    except VroegError as error:
        yield HealthFinding("daemon", False, str(error))
    except SQLAlchemyError as error:
        # As on a disk that is full.
        said = str(error.__cause__ or error).splitlines()[0]
        yield HealthFinding("daemon", False, f"what Dagster notes cannot be read ({said}); see the disk below")


def _code_server(home: Home) -> HealthFinding:
    """That of one town of many; by itself, a sensor that does not tick tells."""
    found = answers(home.dagster / code_socket(home.town))
    said = "it answers" if found else "none answers; vroeg towns list shows which towns are served"
    return HealthFinding("code server", found, said)


def _daemon(instance: DagsterInstance, now: datetime) -> HealthFinding:
    heartbeats = instance.get_daemon_heartbeats()
    if not heartbeats:
        return HealthFinding("daemon", False, "it has never run")
    last = datetime.fromtimestamp(max(beat.timestamp for beat in heartbeats.values()), UTC)
    said = f"last heartbeat {moment_text(last)}"
    if is_to_come(last):
        return HealthFinding("daemon", False, said + STANDS_STILL)
    return HealthFinding("daemon", now - last <= _HEARTBEAT_TOLERANCE, said)


def _agreements(home: Home) -> HealthFinding:
    wrong = what_is_wrong(home)
    said = f"{wrong}; the last good ones are in force" if wrong else "they and the settings can be read"
    return HealthFinding("agreements", wrong is None, said)


def _last_month(installation: Installation, now: datetime) -> HealthFinding:
    """The newest month whose matching moment has passed must have its worklists, an hour after it at the latest."""
    month = month_of(now)
    if now < matching_moment(month, installation.settings.matching_working_day) + timedelta(hours=1):
        month = add_months(month, -1)
    made = [m for m in months_worked_on(installation.home) if worked_on(installation.home, m).issued is not None]
    said = f"last month with worklists: {month_text(max(made)) if made else 'none'}, due: {month_text(month)}"
    return HealthFinding("worklists", month in made, said)


def _warehouse(installation: Installation) -> HealthFinding:
    try:
        if is_held(installation.home.run_lock):
            return HealthFinding("warehouse", True, "a run is at work in it")
        resource = WarehouseResource.of(installation, patience_minutes=_WAREHOUSE_PATIENCE_MINUTES)
        with resource.connect(read_only=True) as connection:
            connection.execute("SELECT count(*) FROM delivery_files").fetchall()
    except (VroegError, OSError) as error:
        return HealthFinding("warehouse", False, str(error))
    return HealthFinding("warehouse", True, "it opens and can be read")


def _alerts(installation: Installation, now: datetime) -> HealthFinding:
    """A recipient that cannot be reached hears nothing, so somebody must hear of that here."""
    home = installation.home
    if deaf := without_address(installation):
        return HealthFinding("alerts", False, "; ".join(deaf))
    try:
        waiting = read_alerts(home).waiting
    except VroegError as error:
        return HealthFinding("alerts", False, str(error))
    failing = {
        recipient: each
        for recipient, each in waiting.items()
        if each.failing_since and now - each.failing_since >= _ALERT_TOLERANCE
    }
    if not failing:
        wait = f"{sum(len(each.notices) for each in waiting.values())} wait to be sent"
        return HealthFinding("alerts", True, "; ".join([wait, *map(str, silences_at(home, now))]))
    said = "; ".join(
        f"{recipient} cannot be reached since {moment_text(each.failing_since or now)}: {each.reason}"
        for recipient, each in sorted(failing.items())
    )
    return HealthFinding("alerts", False, said)


def _log(home: Home, now: datetime) -> HealthFinding:
    """What was logged must reach the collector."""
    try:
        check_can_send()
        waiting = waiting_since(home)
    except VroegError as error:
        return HealthFinding("log", False, str(error))
    if waiting is None:
        return HealthFinding("log", True, "the collector has all of it")
    lines, since = waiting
    said = f"{lines:,} lines wait for the collector since {moment_text(since)}"
    return HealthFinding("log", now - since <= _ALERT_TOLERANCE, said)


def _back_ups(installation: Installation, now: datetime) -> HealthFinding:
    """As far as `vroeg backup` made them. One older than the shortest term holds what was removed since (DOMAIN §14)."""
    noted = BACK_UPS.read(installation.home) or BackUps()
    if not noted.made:
        return HealthFinding("back-ups", True, "vroeg backup made none yet; others are not known here")
    last, months = noted.made[-1], installation.settings.retention.open_months
    said = [f"the last is of {moment_text(last.made_at)}, in {Path(last.path).parent}"]
    tested = moment_text(noted.tested_at) if noted.tested_at else "never"
    said += [
        f"restoring was tested {tested}"
        + ("" if noted.tested_at else f": {installation.home.command} restore DIR --test")
    ]
    wrong = [f"that is more than {_BACK_UP_TOLERANCE.days} days ago"] if now - last.made_at > _BACK_UP_TOLERANCE else []
    oldest_day = add_months(month_of(now), -months).replace(day=1)
    old = [each for each in noted.made if amsterdam_day(each.made_at) < oldest_day and is_there(each)]
    if old:
        wrong += [f"{len(old)} of before {oldest_day:%d-%m-%Y} hold what was removed since: remove them"]
    return HealthFinding("back-ups", not wrong, "; ".join([*said[:1], *wrong, *said[1:]]))


def _certificates(service: DdasService, home: Home, now: datetime) -> HealthFinding:
    # Cryptography takes a while to import, and a run asks for health too.
    from vroeg_pipeline.ddas.signing import certificates_to_renew

    said = certificates_to_renew(service, home.root, now)
    return HealthFinding("DDAS certificates", not said, "; ".join(said) or "they hold for another month at least")


def _answers(home: Home) -> HealthFinding:
    """What CBS is answered must be what the last run of each month came to."""
    if is_held(home.run_lock):
        return HealthFinding("DDAS answers", True, "a run is at work on them")
    said = [
        f"{', '.join(map(month_text, months))} {what}"
        for months, what in (
            (months_unanswered(home), "has none"),
            (months_behind(home), "has some that are older than its last run"),
        )
        if months
    ]
    again = f"; run it again: {home.command} run --month" if said else ""
    return HealthFinding("DDAS answers", not said, "; ".join(said) + again or "they are those of the last runs")
