"""What a month costs with its tables as a DuckLake, beside the file: the same months in turn, made and made again.

The catalogue is in a PostgreSQL of its own on the same machine, encrypted as is the default. The processor seconds are those
of `vroeg run`; the server's come besides.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from rich import box
from rich.table import Table

from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.bench.world import make_bench_world
from vroeg_pipeline_tests.kit import lake

if TYPE_CHECKING:
    from vroeg_pipeline_tests.bench.__main__ import Process

_MONTHS = 2


def lake_table(folder: Path, sizes: list[int], run: Callable[[Home, str], Process]) -> Table:
    """The table of these numbers of signals; `run`: a month by `vroeg run`."""
    table = Table(
        "signals", "month", "file, processor s", "DuckLake", "DuckLake ÷ file", "wall ÷ wall", "MiB",
        title="The tables in a file and as a DuckLake on PostgreSQL", box=box.MARKDOWN,
    )  # fmt: skip
    with lake.lakes():
        for signals in sizes:
            file, other = Home(folder / f"file_{signals}"), Home(folder / f"lake_{signals}")
            file.root.mkdir()
            months = make_bench_world(file.root, signals=signals, months=_MONTHS, dwellings=max(2_000, signals))
            shutil.copytree(file.root, other.root)
            database = lake.unused_name()
            lake.query("postgres", f"CREATE DATABASE {database}")
            known = yaml.safe_load(file.settings.read_text(encoding="utf-8")) if file.settings.exists() else {}
            where = lake.settings_of(database, other.root, encrypted=True)
            other.settings.write_text(yaml.safe_dump({**(known or {}), "warehouse": where}), encoding="utf-8")
            for again in ("", " again"):
                for month in months:
                    of_file, of_lake = (run(home, month_text(month)) for home in (file, other))
                    figures = (of_lake.processor / of_file.processor, of_lake.seconds / of_file.seconds)
                    table.add_row(
                        f"{signals:,}",
                        f"{month_text(month)}{again}",
                        f"{of_file.processor:.1f}",
                        f"{of_lake.processor:.1f}",
                        *(f"{figure:.2f}" for figure in figures),
                        f"{of_lake.memory:,.0f}",
                    )
    return table
