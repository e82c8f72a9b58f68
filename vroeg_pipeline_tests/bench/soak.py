"""Years at speed: webserver, code server and daemon at work on a clock that jumps a day at a time, with an arrival and a run
a day.

`python -m vroeg_pipeline_tests.bench.soak` goes through five years in some hours (`make nightly`); with
`--months 3 --keep-months 1` through a short form of them. Partners deliver in the first days of a month and add a few rows
on each later day, so a month costs the same work as any other. Ends with status 1 when something grows that must not.
What was measured: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from statistics import mean

import dagster as dg
from rich import box
from rich.console import Console
from rich.table import Table

from vroeg_pipeline.automation.housekeeping import purge
from vroeg_pipeline.automation.jobs import INTAKE_JOB, MONTH_JOB
from vroeg_pipeline.cli.dev import services
from vroeg_pipeline.cli.service import Service
from vroeg_pipeline.domain.months import AMSTERDAM, add_months, month_text
from vroeg_pipeline_tests.kit.listeners import free_port
from vroeg_pipeline_tests.kit.live import Live, answers, environment, wait_until
from vroeg_pipeline_tests.kit.world import World, row

FIRST = date(2021, 1, 1)
PARTNERS = tuple(f"partner_{number}" for number in range(5))
_DELIVERED, _ADDED = 40, 3
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
# Memory and open files against the second month, as all have warmed up then; the seconds of a day against the first.
_MOST_MEMORY, _MOST_HANDLES, _MOST_SECONDS = 1.2, 20, 1.2
_WARM_MONTHS = 2
# What a person opens in the UI.
_PAGES = """{
    assetNodes {assetKey {path} partitionStats {numMaterialized}
        assetChecksOrError {... on AssetChecks {checks {name executionForLatestMaterialization {status}}}}}
    runsOrError(limit: 25) {... on Runs {results {runId status tags {key value}}}}
}"""

out = Console(highlight=False, width=150)


@dataclass(frozen=True)
class Held:
    """What a service and all that it started hold: MiB, and open files."""

    memory: float
    handles: int


@dataclass(frozen=True)
class Measured:
    """A month of the soak. `seconds`: processor seconds of all services a day, by the job that ran; `disk` and `dagster`:
    MiB of all, and of Dagster's home in it.
    """

    month: date
    runs: int
    seconds: Mapping[str, float]
    held: Mapping[str, Held]
    disk: float
    dagster: float


def main() -> None:
    """Goes through the months, says what each took, and ends with status 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--keep-months", type=int, default=24, help="months of runs that are kept")
    parser.add_argument("--every", type=int, default=1, help="an arrival and a run on each of so many days of a month")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = []
        for measured in soak(Path(folder), asked.months, asked.keep_months, asked.every):
            done.append(measured)
            out.print(_line(measured), soft_wrap=True)
    out.print(table_of(done))
    if grown := what_grew(done):
        out.print(*grown, sep="\n")
        sys.exit(1)


def soak(folder: Path, months: int, keep_months: int, every: int) -> Iterator[Measured]:
    """The months, each as soon as it is past; `every`: a run on each of so many days after the first ones."""
    world, clock = World(folder / "home"), folder / "clock"
    for partner in PARTNERS:
        world.agree(partner, valid_from=month_text(FIRST), delivery={"additions": "toevoeging*"})
    world.settings(watch_seconds=1, settle_seconds=0)
    _set(clock, FIRST)
    port = free_port()
    with (
        environment(VROEG_HOME=str(world.root), VROEG_CLOCK=str(clock)),
        services(world.home, port, output=subprocess.DEVNULL) as (processes, _),
        dg.DagsterInstance.get() as instance,
    ):
        live = Live(f"http://127.0.0.1:{port}", world.home)
        wait_until("the webserver", lambda: answers(live))
        began: dict[date, datetime] = {}
        for number in range(months):
            month = add_months(FIRST, number)
            began[month] = datetime.now(UTC)
            leaders = [process.pid for process in processes.values()]
            runs = [_day_of(world, instance, clock, day, leaders) for day in _days(month, every)]
            if (old := add_months(month, -keep_months)) in began:
                # By the clock of the machine, as Dagster's own record is kept by it.
                purge(instance, began[add_months(old, 1)] if add_months(old, 1) in began else began[month])
            for _ in range(5):
                live.ask(_PAGES)
            by_job = {job: [seconds for name, seconds in runs if name == job] for job in (INTAKE_JOB, MONTH_JOB)}
            yield Measured(
                month,
                len(runs),
                {job: mean(seconds) for job, seconds in by_job.items() if seconds},
                {service: _held(process.pid) for service, process in processes.items()},
                _mebibytes(world.root),
                _mebibytes(world.home.dagster),
            )


def _days(month: date, every: int) -> Iterator[date]:
    day = month
    while day < add_months(month, 1):
        if day.day <= len(PARTNERS) or day.day % every == 0:
            yield day
        day += timedelta(days=1)


def _set(clock: Path, day: date) -> None:
    clock.write_text(datetime.combine(day, time_of_day(12), AMSTERDAM).isoformat(), encoding="utf-8")


def _day_of(
    world: World, instance: dg.DagsterInstance, clock: Path, day: date, leaders: Sequence[int]
) -> tuple[str, float]:
    """An arrival, and the run that it is followed by: its job, and the processor seconds of all services meanwhile."""
    before_it = _processor(leaders)
    partner, month = PARTNERS[(day.day - 1) % len(PARTNERS)], day.replace(day=1)
    is_first = day.day <= len(PARTNERS)
    since = f"{month - timedelta(days=60):%d-%m-%Y}"
    # Half of those in arrears are so every month.
    rows = [
        row(
            customer_reference=f"{partner}-{number if number % 2 else f'{day:%Y%m%d}-{number}'}",
            postcode=f"20{21 + number % 6}A{'BCDE'[number % 4]}",
            house_number=str(1 + (day.day * 7 + number * 3) % 90),
            arrears_since=since,
            reference_date=f"{month:%d-%m-%Y}",
        )
        for number in range(_DELIVERED if is_first else _ADDED)
    ]
    ended = dg.RunsFilter(statuses=_ENDED)
    before = {record.dagster_run.run_id for record in instance.get_run_records(ended, limit=1)}
    _set(clock, day)
    name = "levering.csv" if is_first else f"toevoeging_{day:%d}.csv"
    world.deliver(partner, month_text(month), rows, name=name, received=f"{day:%Y-%m-%d} 11:00")

    def run() -> dg.RunRecord | None:
        (newest, *_) = [*instance.get_run_records(ended, limit=1), None]
        return newest if newest and newest.dagster_run.run_id not in before else None

    record = wait_until(f"the run of {day}", run, 600)
    assert record.dagster_run.status == dg.DagsterRunStatus.SUCCESS, _why(instance, record.dagster_run.run_id)
    return record.dagster_run.job_name, _processor(leaders) - before_it


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """What went wrong in a run. Its people are synthetic."""
    failed = (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)
    told = [event for event in instance.all_logs(run_id) if event.dagster_event_type in failed]
    errors = [event.dagster_event.step_failure_data.error for event in told if event.dagster_event.is_step_failure]
    return "\n".join([*(event.message for event in told), *(error.to_string() for error in errors if error)])


def _of_sessions(leaders: Sequence[int]) -> Iterator[Path]:
    """The folders of the processes and of all of their sessions."""
    for folder in Path("/proc").iterdir():
        with suppress(ProcessLookupError):
            if folder.name.isdigit() and os.getsid(int(folder.name)) in leaders:
                yield folder


def _processor(leaders: Sequence[int]) -> float:
    """Processor seconds so far, with those of processes that ended."""
    ticks = 0
    for folder in _of_sessions(leaders):
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _held(leader: int) -> Held:
    memory, handles = 0, 0
    for folder in _of_sessions([leader]):
        with suppress(FileNotFoundError, ProcessLookupError):
            memory += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            handles += len(list((folder / "fd").iterdir()))
    return Held(memory / 2**20, handles)


def _mebibytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def what_grew(done: list[Measured]) -> list[str]:
    """What the last month has too much of, against the first."""
    warm, last = done[min(_WARM_MONTHS, len(done)) - 1], done[-1]
    grown = []
    for service, held in last.held.items():
        first = warm.held[service]
        if held.memory > _MOST_MEMORY * first.memory:
            grown.append(f"memory of {service}: {first.memory:.0f} to {held.memory:.0f} MiB")
        if held.handles > first.handles + _MOST_HANDLES:
            grown.append(f"open files of {service}: {first.handles} to {held.handles}")
    # Where few days have a run, none may come after the worklists are due.
    for job in (INTAKE_JOB, MONTH_JOB):
        of_job = [month.seconds[job] for month in done if job in month.seconds]
        if of_job and of_job[-1] > _MOST_SECONDS * of_job[0]:
            grown.append(f"processor seconds of a day with a run of {job}: {of_job[0]:.1f} to {of_job[-1]:.1f}")
    return grown


def _line(measured: Measured) -> str:
    took = ", ".join(f"{job} {seconds:.1f} processor s a day" for job, seconds in measured.seconds.items())
    held = ", ".join(f"{service} {each.memory:.0f} MiB {each.handles} files" for service, each in measured.held.items())
    return (
        f"{month_text(measured.month)}: {measured.runs} runs, {took}; {held}; "
        f"{measured.disk:.0f} MiB, Dagster's {measured.dagster:.0f}"
    )


def table_of(done: list[Measured]) -> Table:
    """A line a month; empty where no month of a job ran."""
    table = Table(box=box.MARKDOWN, title=f"{len(PARTNERS)} partners")
    table.add_column("month")
    for column in (INTAKE_JOB, MONTH_JOB):
        table.add_column(f"{column}, processor s a day", justify="right")
    for service in Service:
        table.add_column(f"{service} MiB", justify="right")
        table.add_column("open files", justify="right")
    for column in ("all, MiB", "Dagster's, MiB"):
        table.add_column(column, justify="right")
    for measured in done:
        held = [figure for each in measured.held.values() for figure in (f"{each.memory:.0f}", f"{each.handles}")]
        table.add_row(
            month_text(measured.month),
            *(f"{measured.seconds[job]:.1f}" if job in measured.seconds else "" for job in (INTAKE_JOB, MONTH_JOB)),
            *held,
            f"{measured.disk:.0f}",
            f"{measured.dagster:.0f}",
        )
    return table


if __name__ == "__main__":
    main()
