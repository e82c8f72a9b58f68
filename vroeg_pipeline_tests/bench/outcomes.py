"""What reading returned worklists costs: a year of a million signals, as workbooks and as CSV, the months in one process."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.domain.months import add_months, month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.monthly import months_at_work
from vroeg_pipeline.outcomes.intake import settle_outcomes, take_in_outcomes, write_replies
from vroeg_pipeline.sample.outcomes import as_csv, as_workbook
from vroeg_pipeline_tests.bench.world import FIRST_MONTH
from vroeg_pipeline_tests.kit.returned import hand_in
from vroeg_pipeline_tests.kit.world import World, moment

_MONTHS, _LISTS = 12, 5
# Signals to addresses on a worklist, as in the sample world; and rows with an attempt to addresses.
_ADDRESSES, _ROWS = 0.7, 1.4


def make(root: Path, signals: int, kind: str) -> int:
    """Issues worklists for twelve months and returns them filled in; gives the number of rows."""
    world = World(root)
    write, suffix = (as_workbook, "xlsx") if kind == "xlsx" else (as_csv, "csv")
    cases = int(signals / _MONTHS * _ADDRESSES)
    rows = 0
    with WarehouseResource(home=str(root)).connect() as connection:
        world.installation.define_macros(connection)
        define_address_macros(connection, world.installation, today=True)
        for month in (add_months(FIRST_MONTH, index) for index in range(_MONTHS)):
            connection.execute(
                f"INSERT INTO worklist_issues SELECT ?, 'lijst_' || i % {_LISTS}, 1, '2021AB_' || i || '__', 'added', now() "
                "FROM range(?) AS address(i)",
                [month, cases],
            )
            ids = connection.execute(
                f"SELECT case_id_of(?, '2021AB_' || i || '__'), i % {_LISTS} FROM range(?) AS address(i)",
                [month, cases],
            ).fetchall()
            for number in range(_LISTS):
                told = [
                    {
                        "case_id": case_id, "attempt": str(attempt), "contact_kind": "Telefoon", "reached": "Nee",
                        "contacted_on": f"12-{month:%m-%Y}", "day_part": "Avond",
                        "end_result": "Definitief geen contact kunnen krijgen",
                    }
                    for place, (case_id, of_list) in enumerate(ids)
                    if of_list == number
                    for attempt in range(1, 3 if place % 10 < (_ROWS - 1) * 10 else 2)
                ]  # fmt: skip
                rows += len(told)
                hand_in(world, write(told), month=month_text(month), name=f"lijst_{number}.{suffix}")
    return rows


def load(root: Path) -> dict[str, float]:
    """Seconds of each step over all months, and the most memory this process and its readers held, in MiB."""
    seconds = {"read, archive, judge rows": 0.0, "attempts and results": 0.0, "replies": 0.0}
    installation = Installation.load(Home(root), lambda: moment("2022-06-01 12:00"))
    months_loaded = (add_months(FIRST_MONTH, i) for i in range(_MONTHS))
    with months_at_work(WarehouseResource(home=str(root)), installation, months_loaded) as months:
        for of in months:
            connection, month = of.connection, of.month
            steps = [time.perf_counter()]
            take_in_outcomes(connection, installation, month, print)
            steps.append(time.perf_counter())
            settle_outcomes(connection, installation, month)
            steps.append(time.perf_counter())
            write_replies(connection, installation, month)
            steps.append(time.perf_counter())
            for name, began, ended in zip(seconds, steps, steps[1:], strict=False):
                seconds[name] += ended - began
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {**seconds, "memory": peaks[0], "memory of a reader": peaks[1]}


def main(signals: int = 1_000_000, folder: Path | None = None) -> None:
    """Measures both kinds, each in a process of its own, and prints the table."""
    table = Table(title=f"Outcomes of a year of {signals:,} signals (seconds, MiB)")
    table.add_column("")
    measured: dict[str, dict[str, float]] = {}
    for kind in ("xlsx", "csv"):
        with tempfile.TemporaryDirectory(prefix="vroeg-bench-", dir=folder) as made:
            for step in ("make", "load"):
                command = [sys.executable, "-m", "vroeg_pipeline_tests.bench.outcomes", step, made, str(signals), kind]
                said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                measured.setdefault(kind, {}).update(json.loads(said))
        table.add_column(kind, justify="right")
    for name in measured["csv"]:
        table.add_row(name, *(f"{measured[kind][name]:,.1f}" for kind in measured))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        main()
    elif sys.argv[1] == "make":
        print(json.dumps({"rows": make(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])}))
    else:
        print(json.dumps(load(Path(sys.argv[2]))))
