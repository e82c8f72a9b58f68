"""What watching costs: ticks of both sensors against a growing inbox, and loading the code location."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from datetime import time as time_of_day
from pathlib import Path

import dagster as dg
from rich.table import Table

from vroeg_pipeline.definitions import build_defs
from vroeg_pipeline.domain.months import AMSTERDAM, add_months, month_text
from vroeg_pipeline_tests.bench.world import FIRST_MONTH
from vroeg_pipeline_tests.kit.world import World

_PARTNERS, _MONTHS = 10, 36
_LOADING = "from vroeg_pipeline.definitions import defs; defs()"


def tick_seconds(sensor_name: str, files: int) -> tuple[float, float]:
    """Of the first tick, which reads every file it looks at, and of the next, which finds nothing new."""
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.local_temp(folder) as instance:
        world = World(Path(folder) / "home")
        for partner in range(_PARTNERS):
            world.agree(f"partner_{partner}", valid_from=month_text(FIRST_MONTH))
        for number in range(files):
            month = month_text(add_months(FIRST_MONTH, -(number // _PARTNERS % _MONTHS)))
            name = f"levering_{number}.csv"
            world.deliver(f"partner_{number % _PARTNERS}", month, f"a;b\n{number};1\n".encode(), name=name)
        # The month of the newest files, so that the alerts look at them.
        world.now = datetime.combine(FIRST_MONTH, time_of_day(12), AMSTERDAM)
        sensor = build_defs(world.installation).resolve_sensor_def(sensor_name)
        seconds = []
        for _ in range(2):
            with dg.build_sensor_context(instance=instance) as context:
                started = time.perf_counter()
                sensor(context)
                seconds.append(time.perf_counter() - started)
    return seconds[0], seconds[1]


def loading_seconds() -> float:
    """Of a new process that loads the code location with the repository's agreements, Python's start included."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", _LOADING], check=True, env={**os.environ, "GX_ANALYTICS_ENABLED": "false"})
    return time.perf_counter() - started


def ticks_table() -> Table:
    """Both, in seconds."""
    table = Table(title="Watching (seconds)")
    for column in ("", "first tick", "next tick"):
        table.add_column(column, justify="right" if column else "left")
    for files in (100, 1_000, 10_000):
        for sensor in ("arrivals", "alerts"):
            first, following = tick_seconds(sensor, files)
            table.add_row(f"{sensor}, {files:,} files in the inbox", f"{first:.2f}", f"{following:.2f}")
    table.add_row("loading the code location", f"{loading_seconds():.2f}", "")
    return table
