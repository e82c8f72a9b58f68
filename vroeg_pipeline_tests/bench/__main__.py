"""`make bench`: what one month and six cost, from 400 to 1,000,000 signals, beside two programs that give the same tables.

Each measurement is a process of its own, so that its memory is its own. Machines are shared and noisy: compare within
one run. `--only month --largest 10000` does a part. What was measured, and what it means: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from dagster import DagsterInstance
from rich import box
from rich.console import Console
from rich.table import Table

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import CLOCK
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline_tests.bench import addresses, measured, outcomes
from vroeg_pipeline_tests.bench.ddas import YEAR, ddas_table
from vroeg_pipeline_tests.bench.lake import lake_table
from vroeg_pipeline_tests.bench.register import KINDS, register_table
from vroeg_pipeline_tests.bench.ticks import ticks_table
from vroeg_pipeline_tests.bench.world import make_bench_world

SIZES = (400, 10_000, 100_000, 1_000_000)
# Months of history; they are what six months cost, and the month after them is what one costs.
HISTORY_MONTHS = 6
DWELLINGS = 100_000
TABLES = ("validated_signals", "rejected_rows", "address_matches", "repeat_signals", "prioritised_worklists")

_REPORTED = """
    INSERT INTO recidivism_history BY NAME
    SELECT month, address_key, 'new' AS recidivism_kind, false AS is_recidivist, false AS possible_new_occupant,
        0 AS times_reported, false AS only_repeats
    FROM address_matches
"""
_MONTHS_TITLE = f"Whole processes of vroeg run, (a) the DuckDB script, (b) the pandas program; {DWELLINGS:,} dwellings"

# Wide, so that the tables can be put into the docs as they are.
out = Console(highlight=False, width=150)


@dataclass(frozen=True)
class Process:
    """A finished process: seconds and processor seconds from start to end, the most MiB it held, and what it said."""

    seconds: float
    processor: float
    memory: float
    output: str = ""


@dataclass(frozen=True)
class Measured:
    """One size: each program over six months from nothing, and over the month after them.

    `steps` and `stages` are seconds of that one month, by step of the run and by stage without Dagster.
    """

    signals: int
    six: Mapping[str, Process]
    one: Mapping[str, Process]
    steps: Mapping[str, float]
    stages: Mapping[str, float]


# `vroeg run`, the DuckDB script, the pandas program.
RUN, SCRIPT, PANDAS = "run", "(a)", "(b)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m vroeg_pipeline_tests.bench", description=__doc__)
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "month": measure_months,
        "register": measure_registers,
        "ddas": measure_ddas,
        "retention": measure_retention,
        "ticks": lambda _: out.print(ticks_table()),
        "outcomes": lambda options: outcomes.main(folder=options.folder),
        "addresses": lambda _: addresses.main([]),
        "lake": measure_lake,
    }
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), help="parts to measure")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="no month of more signals than this")
    parser.add_argument("--no-pandas", action="store_true", help="leave out the slow yardstick")
    parser.add_argument("--register", type=int, nargs="+", default=(1_000_000,), help="addresses in a register to load")
    parser.add_argument(
        "--register-kinds", nargs="+", default=KINDS, choices=KINDS, help="the sources it is loaded from"
    )
    parser.add_argument("--ddas", type=int, default=1_000_000, help="signals in a year to deliver")
    parser.add_argument("--folder", type=Path, help="where the worlds are made (default: a temporary folder)")
    options = parser.parse_args()
    out.print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for part in options.only:
        parts[part](options)


def measure_months(options: argparse.Namespace) -> None:
    """One month and six at each size, in one table, and where the time of the one month goes in another."""
    done = []
    for signals in (size for size in SIZES if size <= options.largest):
        with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=options.folder) as folder:
            done.append(measure(Path(folder), signals, pandas=not options.no_pandas))
        out.print(f"{signals:,} signals measured")
    if done:
        out.print(months_table(done), parts_table(done), sep="\n\n")


def measure(folder: Path, signals: int, *, pandas: bool) -> Measured:
    """Makes a world, and measures its first six months and then the one after them."""
    home, database = Home(folder / "home"), folder / "yardstick.duckdb"
    months = make_bench_world(home.root, signals=signals, months=HISTORY_MONTHS + 1, dwellings=DWELLINGS)
    first, last_before, month = (month_text(m) for m in (months[0], months[-2], months[-1]))
    vroeg, yardsticks = "vroeg_pipeline.cli.app", "vroeg_pipeline_tests.yardsticks"
    six, one, rows = {}, {}, {}

    six[RUN] = process(home, vroeg, "run", "--from", first, "--to", last_before)
    history = home.warehouse.read_bytes()
    one[RUN] = process(home, vroeg, "run", "--month", month)
    steps = steps_of_last_run(home)
    rows[RUN] = rows_of(home, month)

    home.warehouse.write_bytes(history)
    stages = json.loads(process(home, "vroeg_pipeline_tests.bench.stages", str(home.root), month).output)

    script = (home, f"{yardsticks}.duckdb_month", str(home.root))
    six[SCRIPT] = process(*script, first, last_before, str(database))
    one[SCRIPT] = process(*script, month, month, str(database))
    rows[SCRIPT] = json.loads(one[SCRIPT].output)["rows"]

    if pandas:
        program = (home, f"{yardsticks}.pandas_month", str(home.root), first)
        six[PANDAS] = process(*program, last_before, "--json")
        # It keeps its history in memory: of all seven months the last one, by its own clock.
        seven = process(*program, month, "--json")
        said = json.loads(seven.output)
        one[PANDAS] = Process(said["seconds"], said["processor"], seven.memory)
        rows[PANDAS] = said["rows"]
    agree(rows)
    return Measured(signals, six, one, steps, stages)


def measure_registers(options: argparse.Namespace) -> None:
    """Makes registers and loads each in a process of its own."""
    loads = []
    for size in options.register:
        for kind in options.register_kinds:
            with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=options.folder) as made:
                home = Home(Path(made) / "home")
                module = "vroeg_pipeline_tests.bench.register"
                process(home, module, "make", str(home.reference), kind, str(size))
                loaded = process(home, module, "load", str(home.root))
            loads.append((kind, size, json.loads(loaded.output), loaded.memory))
    out.print(register_table(loads))


def measure_ddas(options: argparse.Namespace) -> None:
    """Makes a year and delivers it to CBS in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=options.folder) as made:
        home = Home(Path(made) / "home")
        process(home, "vroeg_pipeline_tests.bench.ddas", str(home.root), str(options.ddas))
        wrote = process(home, "vroeg_pipeline.cli.app", "ddas", "--from", YEAR[0], "--to", YEAR[1])
        (path,) = home.outbox.glob("*.json")
        out.print(ddas_table(options.ddas, wrote.seconds, wrote.memory, path.stat().st_size / 2**20))


def measure_retention(options: argparse.Namespace) -> None:
    """Makes a year, and removes the signals of its first eight months, of which keyed hashes stay."""
    table = Table(box=box.MARKDOWN, title="vroeg retention: eight months of a year go, the warehouse is written anew")
    for column in (
        "signals in the year",
        "seconds",
        "processor s",
        "peak memory, MiB",
        "warehouse before, MiB",
        "after",
    ):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=options.folder) as made:
        home, clock = Home(Path(made) / "home"), Path(made) / "clock"
        process(home, "vroeg_pipeline_tests.bench.ddas", str(home.root), str(options.ddas))
        with WarehouseResource(home=str(home.root)).connect() as connection:
            connection.execute(_REPORTED)
        before = home.warehouse.stat().st_size
        clock.write_text("2023-03-15T12:00:00+01:00", encoding="utf-8")
        with patch.dict(os.environ, {CLOCK: str(clock)}):
            took = process(home, "vroeg_pipeline.cli.app", "retention")
        sizes = [f"{size / 2**20:,.0f}" for size in (before, home.warehouse.stat().st_size)]
        table.add_row(
            f"{options.ddas:,}", f"{took.seconds:.1f}", f"{took.processor:.1f}", f"{took.memory:,.0f}", *sizes
        )
    out.print(table)


def measure_lake(options: argparse.Namespace) -> None:
    """Months with their tables as a DuckLake."""
    sizes = [size for size in SIZES if size <= options.largest]
    with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=options.folder) as folder:
        out.print(
            lake_table(
                Path(folder),
                sizes,
                lambda home, month: process(home, "vroeg_pipeline.cli.app", "run", "--month", month),
            )
        )


def process(home: Home, module: str, *words: str) -> Process:
    """Runs a module to its end. Exits with its output when it fails."""
    environment = {**os.environ, "VROEG_HOME": str(home.root), "COLUMNS": "150"}
    command = [sys.executable, "-m", module, *words]
    with tempfile.NamedTemporaryFile() as result:
        launcher = [sys.executable, "-I", "-S", str(Path(measured.__file__)), result.name]
        done = subprocess.run([*launcher, *command], env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{module} {' '.join(words)} failed:\n{done.stdout}")
        return Process(**json.loads(Path(result.name).read_text(encoding="utf-8")), output=done.stdout)


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


def months_table(done: list[Measured]) -> Table:
    """Whole processes, beside both yardsticks."""
    programs = list(done[0].one)
    table = Table(box=box.MARKDOWN, title=_MONTHS_TITLE)
    for column in ("signals a month", "months"):
        table.add_column(column, justify="right")
    for program in programs:
        for unit in ("s", "processor s", "MiB"):
            table.add_column(f"{program} {unit}", justify="right")
    for program in programs[1:]:
        table.add_column(f"{RUN} ÷ {program}", justify="right")
    for one in done:
        for months, processes in (("1", one.one), (str(HISTORY_MONTHS), one.six)):
            table.add_row(
                f"{one.signals:,}",
                months,
                *(
                    figure
                    for p in processes.values()
                    for figure in (f"{p.seconds:.2f}", f"{p.processor:.2f}", f"{p.memory:,.0f}")
                ),
                *(f"{processes[RUN].seconds / processes[program].seconds:.1f}" for program in programs[1:]),
            )
    return table


def parts_table(done: list[Measured]) -> Table:
    """Where the seconds of one month go."""
    table = Table(box=box.MARKDOWN, title=f"Of one month after {HISTORY_MONTHS}, seconds")
    table.add_column("signals a month")
    for one in done:
        table.add_column(f"{one.signals:,}", justify="right")

    def line(name: str, *values: float) -> None:
        table.add_row(name, *(f"{value:.2f}" for value in values))

    checks = [sum(seconds for step, seconds in one.steps.items() if step.startswith("check_")) for one in done]
    files = [one.steps["worklist_files"] for one in done]
    all_steps = [sum(one.steps.values()) for one in done]
    line("steps without checks and files", *(a - c - f for a, c, f in zip(all_steps, checks, files, strict=True)))
    line("checks, Great Expectations included", *checks)
    line("worklist files", *files)
    line("start, Dagster, summary", *(one.one[RUN].seconds - a for one, a in zip(done, all_steps, strict=True)))
    line("the same stages without Dagster", *(sum(one.stages.values()) for one in done))
    for stage in done[0].stages:
        line(f"… {stage}", *(one.stages[stage] for one in done))
    return table


if __name__ == "__main__":
    main()
