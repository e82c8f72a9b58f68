"""A clock that was set back: Dagster would wait for the moments that it noted and that have not come yet.

Its sensors and schedules stand still until the clock is where it was; a daemon at work notes no heartbeat either, so it has
to start again as well (`cli.service`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dagster import DagsterInstance

# What no clock that is kept right is set back by.
TOLERANCE = timedelta(minutes=1)


def forget_the_future(instance: DagsterInstance, now: datetime) -> Sequence[str]:
    """Lets sensors and schedules that wait for a moment after the aware `now` go on from there; gives their names.

    Their ticks go, as Dagster begins after the newest. What was worked on stands beside the inbox: nothing is done twice.
    """
    found, limit = [], (now + TOLERANCE).timestamp()
    # Of all towns, as the clock and the daemon are those of all.
    for state in instance.all_instigator_state():
        name, data = (state.instigator_origin_id, state.selector_id), state.instigator_data
        newest = max((tick.timestamp for tick in instance.get_ticks(*name)), default=0.0)
        if newest > limit:
            instance.purge_ticks(*name, newest + 1)
        noted = data._asdict() if data else {}
        ahead = {field for field, value in noted.items() if field.endswith("_timestamp") and (value or 0) > limit}
        if data and ahead:
            noted |= dict.fromkeys(ahead, now.timestamp())
            instance.update_instigator_state(state.with_data(type(data)(**noted)))
        if ahead or newest > limit:
            found.append(state.instigator_name)
    return sorted(found)
