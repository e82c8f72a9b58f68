"""`make bench`: what a month costs, from 400 to 1,000,000 signals, beside two programs that give the same tables.

Each measurement is a process of its own, so that its memory is its own. Machines are shared and noisy: compare within
one run. What was measured, and what it means: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dagster import DagsterInstance
from rich.console import Console
from rich.table import Table

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.bench import addresses, outcomes
from vroeg_pipeline_tests.bench.ddas import YEAR, ddas_table
from vroeg_pipeline_tests.bench.register import KINDS, register_table
from vroeg_pipeline_tests.bench.ticks import ticks_table
from vroeg_pipeline_tests.bench.world import make_bench_world

SIZES = (400, 10_000, 100_000, 1_000_000)
HISTORY_MONTHS = 6
DWELLINGS = 100_000
TABLES = ("validated_signals", "rejected_rows", "address_matches", "repeat_signals", "prioritised_worklists")

out = Console(highlight=False)


@dataclass(frozen=True)
class Process:
    """A finished process: seconds from start to end, the most memory it held in MiB, and what it said."""

    seconds: float
    memory: float
    output: str


@dataclass(frozen=True)
class Measured:
    """One size. Seconds, and MiB; `yardsticks` and `stages` say what their month alone took."""

    signals: int
    run: Process
    steps: dict[str, float]
    stages: dict[str, float]
    duckdb: float
    pandas: float | None

    @property
    def files(self) -> float:
        return self.steps["worklist_files"]

    @property
    def checks(self) -> float:
        return sum(seconds for step, seconds in self.steps.items() if step.startswith("check_"))

    @property
    def sql(self) -> float:
        return sum(self.stages.values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="signals a month")
    parser.add_argument(
        "--register",
        type=int,
        nargs="*",
        default=(1_000_000,),
        help="addresses in a register to load; none: leave it out",
    )
    parser.add_argument(
        "--register-kinds", nargs="+", default=KINDS, choices=KINDS, help="the sources it is loaded from"
    )
    parser.add_argument("--ddas", type=int, default=1_000_000, help="signals in a year to deliver; 0: leave it out")
    parser.add_argument("--no-pandas", action="store_true", help="leave out the slow yardstick")
    parser.add_argument("--folder", type=Path, help="where the worlds are made (default: a temporary folder)")
    options = parser.parse_args()
    out.print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    out.print(ticks_table())
    if options.register:
        loads = [
            measure_register(kind, size, options.folder) for size in options.register for kind in options.register_kinds
        ]
        out.print(register_table(loads))
    if options.ddas:
        out.print(measure_ddas(options.ddas, options.folder))
    measured = []
    for signals in options.sizes:
        folder = Path(tempfile.mkdtemp(prefix="vroeg-bench-", dir=options.folder))
        try:
            measured.append(measure(folder, signals, pandas=not options.no_pandas))
        finally:
            shutil.rmtree(folder)
        out.print(f"{signals:,} signals measured")
    if measured:
        show(measured)
    addresses.main([])
    outcomes.main(folder=options.folder)


def measure(folder: Path, signals: int, *, pandas: bool) -> Measured:
    """Makes a world with six months of history, and measures the month after it."""
    home = Home(folder / "home")
    months = make_bench_world(home.root, signals=signals, months=HISTORY_MONTHS + 1, dwellings=DWELLINGS)
    first, last_before, month = (month_text(m) for m in (months[0], months[-2], months[-1]))
    process(home, "vroeg_pipeline.cli.app", "run", "--from", first, "--to", last_before)
    shutil.copy(home.warehouse, folder / "history.duckdb")

    run = process(home, "vroeg_pipeline.cli.app", "run", "--month", month)
    steps = steps_of_last_run(home)
    counts = {"pipeline": rows_of(home, month)}

    shutil.copy(folder / "history.duckdb", home.warehouse)
    stages = json.loads(process(home, "vroeg_pipeline_tests.bench.stages", str(home.root), month).output)

    database = str(folder / "yardstick.duckdb")
    yardsticks = "vroeg_pipeline_tests.yardsticks"
    process(home, f"{yardsticks}.duckdb_month", str(home.root), first, last_before, database)
    by_hand = json.loads(process(home, f"{yardsticks}.duckdb_month", str(home.root), month, month, database).output)
    counts["duckdb script"] = by_hand["rows"]
    in_pandas: dict[str, Any] = {"seconds": None}
    if pandas:
        said = process(home, f"{yardsticks}.pandas_month", str(home.root), first, month, "--json").output
        in_pandas = json.loads(said)
        counts["pandas"] = in_pandas["rows"]
    agree(counts)
    return Measured(signals, run, steps, stages, by_hand["seconds"], in_pandas["seconds"])


def measure_register(kind: str, size: int, folder: Path | None) -> tuple[str, int, dict[str, float], float]:
    """Makes a register and loads it in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=folder) as made:
        home = Home(Path(made) / "home")
        module = "vroeg_pipeline_tests.bench.register"
        process(home, module, "make", str(home.reference), kind, str(size))
        loaded = process(home, module, "load", str(home.root))
    return kind, size, json.loads(loaded.output), loaded.memory


def measure_ddas(signals: int, folder: Path | None) -> Table:
    """Makes a year and delivers it to CBS in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=folder) as made:
        home = Home(Path(made) / "home")
        process(home, "vroeg_pipeline_tests.bench.ddas", str(home.root), str(signals))
        wrote = process(home, "vroeg_pipeline.cli.app", "ddas", "--from", YEAR[0], "--to", YEAR[1])
        (path,) = home.outbox.glob("*.json")
        return ddas_table(signals, wrote.seconds, wrote.memory, path.stat().st_size / 2**20)


def process(home: Home, module: str, *words: str) -> Process:
    """Runs a module to its end. Exits with its output when it fails."""
    environment = {**os.environ, "VROEG_HOME": str(home.root), "COLUMNS": "150"}
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen([sys.executable, "-m", module, *words], env=environment, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if child.returncode != 0:
        sys.exit(f"{module} {' '.join(words)} failed:\n{said}")
    return Process(seconds, usage.ru_maxrss / 1024, said)


def steps_of_last_run(home: Home) -> dict[str, float]:
    """Seconds by step of the newest run."""
    with patch.dict(os.environ, DAGSTER_HOME=str(home.dagster)), DagsterInstance.get() as instance:
        (run,) = instance.get_runs(limit=1)
        events = [e.dagster_event for e in instance.all_logs(run.run_id) if e.dagster_event]
    return {
        str(event.step_key): event.step_success_data.duration_ms / 1000
        for event in events
        if event.event_type_value == "STEP_SUCCESS"
    }


def rows_of(home: Home, month: str) -> dict[str, int]:
    """Rows of the month by table."""
    with WarehouseResource(home=str(home.root)).connect(read_only=True) as connection:
        count = f"SELECT count(*) FROM {{}} WHERE month = '{month}-01'"
        return {table: connection.execute(count.format(table)).fetchall()[0][0] for table in TABLES}


def agree(counts: dict[str, dict[str, int]]) -> None:
    """Programs that give different tables are not worth comparing."""
    for table in TABLES:
        found = {program: rows[table] for program, rows in counts.items()}
        if len(set(found.values())) > 1:
            sys.exit(f"the programs do not give the same {table}: {found}")


def show(measured: list[Measured]) -> None:
    table = Table(title=f"One month, {HISTORY_MONTHS} months of history, {DWELLINGS:,} dwellings (seconds)")
    table.add_column("signals a month")
    for one in measured:
        table.add_column(f"{one.signals:,}", justify="right")

    def line(name: str, *values: float | None, form: str = "{:.2f}") -> None:
        table.add_row(name, *("–" if value is None else form.format(value) for value in values))

    line("whole run, process start to end", *(m.run.seconds for m in measured))
    line("  steps without checks and files", *(sum(m.steps.values()) - m.checks - m.files for m in measured))
    line("  checks, Great Expectations included", *(m.checks for m in measured))
    line("  worklist files", *(m.files for m in measured))
    line("  start, Dagster, summary", *(m.run.seconds - sum(m.steps.values()) for m in measured))
    line("the same stages without Dagster", *(m.sql for m in measured))
    for stage in measured[0].stages:
        line(f"  {stage}", *(m.stages[stage] for m in measured))
    line("(a) DuckDB script", *(m.duckdb for m in measured))
    line("(b) pandas program", *(m.pandas for m in measured))
    line("stages ÷ (a)", *(m.sql / m.duckdb for m in measured))
    line("whole run ÷ (a)", *(m.run.seconds / m.duckdb for m in measured))
    line("whole run without worklist files ÷ (a)", *((m.run.seconds - m.files) / m.duckdb for m in measured))
    line("(b) ÷ whole run", *(m.pandas / m.run.seconds if m.pandas else None for m in measured))
    line("peak memory, MiB", *(m.run.memory for m in measured), form="{:,.0f}")
    out.print(table)


if __name__ == "__main__":
    main()
