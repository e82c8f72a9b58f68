"""A watch on the watcher: whether everything that should run by itself does (`vroeg health`).

For the monitoring that the town already has. Looks and tells; it mends nothing. Names of parts, moments and counts only.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import AMSTERDAM, add_months, matching_moment, month_of, month_text
from vroeg_pipeline.resources.arrivals import months_worked_on, worked_on
from vroeg_pipeline.resources.home import Home
from vroeg_pipeline.resources.installation import Installation
from vroeg_pipeline.resources.locking import is_held
from vroeg_pipeline.resources.warehouse import WarehouseResource

_HEARTBEAT_TOLERANCE = timedelta(minutes=5)
# A schedule ticks once a day, so two days without a tick is one missed.
_TICK_TOLERANCE = {"SENSOR": timedelta(minutes=15), "SCHEDULE": timedelta(hours=49)}
_LEAST_FREE_SHARE = 0.10
# Long enough for a moment's use by another tool, short enough for a monitor that asks every minute.
_WAREHOUSE_PATIENCE_MINUTES = 0.1


@dataclass(frozen=True)
class Finding:
    """What was found of one part."""

    part: str
    healthy: bool
    said: str


def show_health(home: Home, out: Console, *, as_json: bool) -> None:
    """Prints the findings.

    Raises VroegError when one of them is not healthy, after printing all.
    """
    found = list(findings(Installation.load(home)))
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


def findings(installation: Installation) -> Iterator[Finding]:
    """Each part in its turn; one that cannot be looked at is not healthy, and hides no other."""
    home, now = installation.home, installation.now()
    if (home.dagster / "dagster.yaml").exists():
        os.environ["DAGSTER_HOME"] = str(home.dagster)
        with DagsterInstance.get() as instance:
            yield _daemon(instance, now)
            yield from _ticks(instance, now)
    else:
        yield Finding("daemon", False, f"there is no Dagster home at {home.dagster}; start with: vroeg dev")
    yield _last_month(installation, now)
    yield _disk(home)
    yield _warehouse(home)


def _daemon(instance: DagsterInstance, now: datetime) -> Finding:
    heartbeats = instance.get_daemon_heartbeats()
    if not heartbeats:
        return Finding("daemon", False, "it has never run")
    last = datetime.fromtimestamp(max(beat.timestamp for beat in heartbeats.values()), UTC)
    return Finding("daemon", now - last <= _HEARTBEAT_TOLERANCE, f"last heartbeat {_local(last)}")


def _ticks(instance: DagsterInstance, now: datetime) -> Iterator[Finding]:
    for state in sorted(instance.all_instigator_state(), key=lambda state: state.instigator_name):
        kind = state.instigator_type.value
        part = f"{kind.lower()} {state.instigator_name}"
        if state.status == InstigatorStatus.STOPPED:
            yield Finding(part, False, "it is turned off in the UI")
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        if not ticks:
            # A daily schedule of a daemon that was started today has none yet; the daemon itself is looked at above.
            yield Finding(part, kind == "SCHEDULE", "it has not ticked yet")
            continue
        at = datetime.fromtimestamp(ticks[0].timestamp, UTC)
        failed = ticks[0].status == TickStatus.FAILURE
        said = f"last tick {_local(at)}" + (", and it failed: see Automation in the UI" if failed else "")
        yield Finding(part, not failed and now - at <= _TICK_TOLERANCE.get(kind, timedelta.max), said)


def _last_month(installation: Installation, now: datetime) -> Finding:
    """The newest month whose matching moment has passed must have its worklists, an hour after it at the latest."""
    month = month_of(now)
    if now < matching_moment(month, installation.settings.matching_working_day) + timedelta(hours=1):
        month = add_months(month, -1)
    made = [m for m in months_worked_on(installation.home) if worked_on(installation.home, m).issued is not None]
    said = f"last month with worklists: {month_text(max(made)) if made else 'none'}, due: {month_text(month)}"
    return Finding("worklists", month in made, said)


def _disk(home: Home) -> Finding:
    usage = shutil.disk_usage(home.root)
    said = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f}"
    return Finding("disk", usage.free / usage.total >= _LEAST_FREE_SHARE, said)


def _warehouse(home: Home) -> Finding:
    if is_held(home.run_lock):
        return Finding("warehouse", True, "a run is at work in it")
    try:
        resource = WarehouseResource(home=str(home.root), lock_timeout_minutes=_WAREHOUSE_PATIENCE_MINUTES)
        with resource.connect(read_only=True) as connection:
            connection.execute("SELECT count(*) FROM delivery_files").fetchall()
    except VroegError as error:
        return Finding("warehouse", False, str(error))
    return Finding("warehouse", True, "it opens and can be read")


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(AMSTERDAM):%d-%m-%Y %H:%M:%S}"
