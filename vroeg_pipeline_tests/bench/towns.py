"""What many towns on one machine cost: memory, how long until all are loaded, what the sensors take, and a matching day on
which all begin at once.

`python -m vroeg_pipeline_tests.bench.towns 1 10 40` measures these numbers of towns, `--matching-day` also their month of
about 400 signals. Each number has services of its own, on a fresh storage. What was measured: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

import dagster as dg
from rich import box
from rich.console import Console
from rich.table import Table

from vroeg_pipeline.cli.dev import services
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.town import Town
from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.kit.listeners import free_port
from vroeg_pipeline_tests.kit.live import Live, answers, environment, wait_until

MONTH, SIGNALS = date(2021, 3, 1), 400
_BEFORE, _MATCHING = "2021-02-20T12:00:00+01:00", "2021-03-09T12:00:00+01:00"
_WATCHED_SECONDS, _LONGEST_SECONDS = 90, 3600
_LOCATIONS = "{workspaceOrError {... on Workspace {locationEntries {loadStatus locationOrLoadError {__typename}}}}}"

out = Console(highlight=False, width=200)


def measure(towns: int, template: Home, folder: Path, *, matching_day: bool) -> list[str]:
    """The row of a number of towns."""
    cooperation, clock = Cooperation(folder / f"towns_{towns}"), folder / "clock"
    clock.write_text(_BEFORE, encoding="utf-8")
    names = [f"town-{number:02d}" for number in range(towns)]
    for name in names:
        home = cooperation.add(name)
        shutil.rmtree(home.root)
        shutil.copytree(template.root, home.root)
    began, port = time.monotonic(), free_port()
    with (
        environment(VROEG_CLOCK=str(clock)),
        (folder / "services.log").open("ab") as said,
        services(cooperation, port, output=said.fileno()) as (processes, _),
    ):
        live = Live(f"http://127.0.0.1:{port}", Home(cooperation.root))
        wait_until("the webserver", lambda: answers(live), 600)
        doors = [cooperation.dagster / f"{name}.sock" for name in names]
        loaded = max(door.stat().st_mtime for door in doors) - _began(processes["code"].pid)
        answered = time.monotonic() - began
        entries = live.ask(_LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert {e["locationOrLoadError"]["__typename"] for e in entries} == {"RepositoryLocation"}, entries
        pids, watched = [process.pid for process in processes.values()], time.monotonic()
        before = sum(map(_processor, pids))
        time.sleep(_WATCHED_SECONDS)
        at_rest = (sum(map(_processor, pids)) - before) / (time.monotonic() - watched)
        code, webserver, daemon = (_pss(processes[name].pid) for name in ("code", "webserver", "daemon"))
        with _instance(cooperation) as instance:
            seconds, waits = _ticks(instance, names)
        row = [
            f"{towns}", f"{loaded:.1f}", f"{answered:.1f}", f"{code:,.0f}", f"{webserver:,.0f}", f"{daemon:,.0f}",
            f"{at_rest:.2f}", f"{median(seconds):.2f}", f"{max(seconds):.2f}", f"{median(waits):.0f}", f"{max(waits):.0f}",
        ]  # fmt: skip
        return [*row, *(_matching_day(cooperation, names, clock) if matching_day else ())]


def _began(process: int) -> float:
    """When a process began, by the clock of the machine."""
    ticks = int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def _family(process: int) -> Iterator[int]:
    yield process
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if int((folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]) == process:
                yield from _family(int(folder.name))


def _pss(process: int) -> float:
    """What a process and all that it started hold, MiB; what several share is divided among them."""
    held = 0
    for each in _family(process):
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="utf-8").splitlines()
            held += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return held / 1024


def _processor(process: int) -> float:
    """Processor seconds so far of a process and all that it started."""
    ticks = 0
    for each in _family(process):
        with suppress(FileNotFoundError, ProcessLookupError):
            stat = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += sum(map(int, stat[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _instance(cooperation: Cooperation) -> dg.DagsterInstance:
    with environment(DAGSTER_HOME=str(cooperation.dagster)):
        return dg.DagsterInstance.get()


def _ticks(instance: dg.DagsterInstance, names: Sequence[str]) -> tuple[list[float], list[float]]:
    """Of the sensors: how long each tick took, and how long from the beginning of one to that of the next."""
    seconds, waits = [], []
    for name in names:
        for state in Town(name).instigators(instance):
            if state.instigator_type.value != "SENSOR":
                continue
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id)
            begun = sorted(tick.timestamp for tick in ticks)
            seconds += [tick.end_timestamp - tick.timestamp for tick in ticks if tick.end_timestamp]
            waits += [after - before for before, after in pairwise(begun)]
    return seconds, waits


def _matching_day(cooperation: Cooperation, names: Sequence[str], clock: Path) -> list[str]:
    """Every town's month is due at once: how long until the first and the last is made, and what one takes."""
    clock.write_text(_MATCHING, encoding="utf-8")
    due = datetime.now(UTC)
    wanted = dg.RunsFilter(job_name="month", statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    with _instance(cooperation) as instance:

        def ended() -> bool:
            return instance.get_runs_count(wanted) == len(names)

        wait_until("the months", ended, _LONGEST_SECONDS)
        records = instance.get_run_records(wanted)
        assert {record.dagster_run.status for record in records} == {dg.DagsterRunStatus.SUCCESS}
        after = sorted((record.end_time or 0) - due.timestamp() for record in records)
        took = [(record.end_time or 0) - (record.start_time or 0) for record in records]
    return [f"{after[0]:.0f}", f"{after[-1]:.0f}", f"{median(took):.1f}"]


def main() -> None:
    """Prints a row a number of towns."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("towns", nargs="+", type=int)
    parser.add_argument("--matching-day", action="store_true")
    asked = parser.parse_args()
    columns = ["towns", "all loaded, s", "webserver answers, s", "code servers, MiB", "webserver", "daemon",
               "processors at rest", "a tick, s", "longest", "from tick to tick, s", "longest"]  # fmt: skip
    columns += ["first month made, s", "last", "a month, s"] if asked.matching_day else []
    table = Table(*columns, box=box.MARKDOWN)
    with tempfile.TemporaryDirectory(prefix="vroeg-") as name:
        template = Home(Path(name) / "template")
        make_world(template, months=1, signals=SIGNALS, first_month=MONTH)
        with template.settings.open("a", encoding="utf-8") as settings:
            settings.write("\nsettle_seconds: 0\n")
        for towns in asked.towns:
            table.add_row(*measure(towns, template, Path(name), matching_day=asked.matching_day))
            out.print(table)


if __name__ == "__main__":
    main()
