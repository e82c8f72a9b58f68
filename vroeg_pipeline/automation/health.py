"""What can be wrong with the watching itself: sensors and schedules that do not tick, a disk that fills.

Told by `vroeg health` and by alerts. Names of parts, moments and counts only.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance

from vroeg_pipeline.automation.set_back import TOLERANCE
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.town import Town

# A schedule ticks once a day, so two days without a tick is one missed.
_TICK_TOLERANCE = {"SENSOR": timedelta(minutes=15), "SCHEDULE": timedelta(hours=49)}
# A sensor that fails once works again half a minute later; a schedule has one tick a day.
_TICKS_TO_FAIL = {"SENSOR": 3, "SCHEDULE": 1}
_LEAST_FREE_SHARE = 0.10
# What is said of a moment that is still to come.
STANDS_STILL = ", which is still to come: the clock was set back; start the daemon again"


@dataclass(frozen=True)
class HealthFinding:
    """What was found of one part. `said` is a half sentence."""

    part: str
    healthy: bool
    said: str


def tick_findings(instance: DagsterInstance, town: Town, now: datetime) -> Iterator[HealthFinding]:
    """Each sensor and schedule of the town that the instance knows, at the aware moment `now`."""
    for state in town.instigators(instance):
        kind = state.instigator_type.value
        part = f"{kind.lower()} {state.instigator_name}"
        if state.status.value == "STOPPED":
            yield HealthFinding(part, False, "it is turned off in the UI")
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=_TICKS_TO_FAIL.get(kind, 1))
        if not ticks:
            # A daily schedule of a daemon that was started today has none yet; the daemon itself is looked at above.
            yield HealthFinding(part, kind == "SCHEDULE", "it has not ticked yet")
            continue
        at = datetime.fromtimestamp(ticks[0].timestamp, UTC)
        failed = all(tick.status.value == "FAILURE" for tick in ticks)
        said = f"last tick {moment_text(at)}" + (", and it failed: see Automation in the UI" if failed else "")
        if is_to_come(at):
            yield HealthFinding(part, False, said + STANDS_STILL)
            continue
        yield HealthFinding(part, not failed and now - at <= _TICK_TOLERANCE.get(kind, timedelta.max), said)


def is_to_come(at: datetime) -> bool:
    """Whether something that Dagster noted, by the clock of the machine, lies after the moment that it is there now."""
    return at > datetime.now(UTC) + TOLERANCE


def disk_finding(home: Home) -> HealthFinding:
    """Whether there is room on the disk of the installation."""
    usage = shutil.disk_usage(home.root)
    said = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.1f}"
    return HealthFinding("disk", usage.free / usage.total >= _LEAST_FREE_SHARE, said)
