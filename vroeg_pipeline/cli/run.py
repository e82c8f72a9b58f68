"""Runs months through Dagster from the command line, with progress, and shows what came out.

The pipeline itself stands in `definitions`; what the words in the tables mean in DOMAIN.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import duckdb
from dagster import DagsterExecutionInterruptedError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.alerts.sensor import without_address
from vroeg_pipeline.automation.jobs import MONTH_JOB
from vroeg_pipeline.cli.doctor import doubts
from vroeg_pipeline.cli.heartbeat import Heartbeat
from vroeg_pipeline.definitions import build_defs, first_month
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_of, month_text
from vroeg_pipeline.installation.closed import closed_text, noted_closed
from vroeg_pipeline.installation.dagster_home import prepare_dagster_home
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.locking import alone
from vroeg_pipeline.installation.progress import progress_of
from vroeg_pipeline.installation.statements import transaction
from vroeg_pipeline.installation.town import town_of
from vroeg_pipeline.installation.warehouse import WarehouseResource, asked_last
from vroeg_pipeline.monthly import month_key
from vroeg_pipeline.quality.board_page import refresh_board
from vroeg_pipeline.verdicts import NOT_JUDGED

_MOST_FAILED_CHECKS = 12
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def run_months(home: Home, months: Sequence[date], out: Console, *, verbose: bool = False) -> None:
    """Runs the months in one Dagster run, oldest first.

    Raises VroegError when a month cannot be run, or the run fails: then it names the step and why; KeyboardInterrupt when
    somebody stopped it.
    """
    os.umask(0o077)
    installation = Installation.load(home)
    months = _open_months(home, months, out)
    _check_months(installation, months)
    prepare_dagster_home(home)
    run_id = str(uuid.uuid4())
    tags = town_of(home).tags_of_command_line
    if len(months) > 1:
        tags |= {_RANGE_START: month_key(months[0]), _RANGE_END: month_key(months[-1])}
    period = month_text(months[0]) + (f" to {month_text(months[-1])}" if len(months) > 1 else "")
    tags["months"] = period
    out.print(f"[bold]Running {period}[/bold] in {home.root}")
    for doubt in (*doubts(installation), *without_address(installation)):
        out.print(f"[yellow]![/yellow] {escape(doubt)}")
    with Heartbeat(out, "planning the run") as heartbeat, _instance(home) as instance:
        defs = build_defs(installation)
        progress = _Progress(heartbeat, {check.op.name for check in defs.asset_checks or ()}, months)
        job = dg.Definitions.merge(defs, _shown_in_console(progress)).resolve_job_def(MONTH_JOB)
        instance.add_event_listener(run_id, progress.show)
        figures: list[_Figures] = []
        with asked_last(run_id, lambda connection: figures.append(_figures_of(connection, installation, months))):
            result = job.execute_in_process(
                instance=instance,
                run_id=run_id,
                partition_key=month_key(months[0]) if len(months) == 1 else None,
                tags=tags,
                # The console shows our own lines; the whole log stands in the UI.
                run_config={"loggers": {"console": {"config": {"log_level": "DEBUG" if verbose else "CRITICAL"}}}},
                raise_on_error=False,
            )
    if progress.is_interrupted:
        # Tables are replaced a month at a time, files whole.
        raise KeyboardInterrupt("nothing is half done, run it again")
    if not result.success:
        raise VroegError(
            progress.failure or "the run failed",
            do=f"the whole story of run {result.run_id[:8]} is in the UI: make dev",
        )
    # Its asset comes before the checks, and the daemon that keeps it up to date may not run.
    refresh_board(installation)
    out.print(progress.summary())
    if not figures:
        with WarehouseResource.of(installation).connect(read_only=True) as connection:
            figures.append(_figures_of(connection, installation, months))
    _show_months(installation, months, figures[0], out)


@contextmanager
def _instance(home: Home) -> Iterator[dg.DagsterInstance]:
    # Two runs that make the storage of a new installation in the same moment would both fail.
    with alone(home.dagster / ".making"):
        instance = dg.DagsterInstance.get()
    with instance:
        yield instance


def _open_months(home: Home, months: Sequence[date], out: Console) -> Sequence[date]:
    """The months without those that are closed, which is said. Raises VroegError when all of them are."""
    closed = noted_closed(home).intersection(months)
    if not closed:
        return months
    if len(closed) == len(months):
        do = f"run a later month; {home.command} retention --dry-run shows what is due next"
        raise VroegError(closed_text(closed), do=do)
    out.print(f"[yellow]![/yellow] {escape(closed_text(closed))}")
    return [month for month in months if month not in closed]


def _check_months(installation: Installation, months: Sequence[date]) -> None:
    first, last = first_month(installation), month_of(installation.now())
    if first > last:
        what = f"first_month is {month_text(first)}, which is yet to come"
        raise VroegError(what, where="settings.yaml", do=f"choose one up to {month_text(last)} (now)")
    why = (
        "first_month of settings.yaml" if installation.settings.first_month else "the oldest agreement or inbox folder"
    )
    for month in (months[0], months[-1]):
        if not first <= month <= last:
            raise VroegError(
                f"{month_text(month)} cannot be run",
                do=f"choose from {month_text(first)} ({why}) to {month_text(last)} (now)",
            )


def _shown_in_console(progress: _Progress) -> dg.Definitions:
    """The console logger of Dagster, with an ear for progress: what it is marked by stays with the log record."""
    of_dagster = dg.colored_console_logger

    def console(context: dg.InitLoggerContext) -> logging.Logger:
        logger = of_dagster.logger_fn(context)
        # The threshold is that of its own handler.
        logger.setLevel(logging.DEBUG)
        logger.addHandler(progress)
        return logger

    return dg.Definitions(loggers={"console": dg.LoggerDefinition(console, of_dagster.config_schema)})


class _Progress(logging.Handler):
    """Turns a run into lines for people: a line a finished step, every warning and every failed check, and what it says
    itself while it waits or works long. `checks`: the steps that only check; `months`: those that somebody asked for.
    """

    def __init__(self, heartbeat: Heartbeat, checks: Collection[str], months: Sequence[date]) -> None:
        super().__init__()
        self._months = {month_key(month) for month in months}
        self._heartbeat, self._steps_of_checks = heartbeat, checks
        self._started = time.monotonic()
        self._checks = {"passed": 0, "failed": 0}
        self._begun = set[str | None]()
        self.failure: str | None = None
        self.is_interrupted = False

    def show(self, entry: dg.EventLogEntry) -> None:
        """Called by the instance for every event of the run, in its order."""
        event = entry.dagster_event
        if event is None:
            # Of each step behind one that failed Dagster says that it did not begin.
            if int(entry.level) >= logging.WARNING and entry.step_key in self._begun:
                self._heartbeat.print(f"  [yellow]![/yellow] {escape(entry.user_message)}")
        elif event.event_type_value == "STEP_START":
            self._begun.add(event.step_key)
            self._heartbeat.doing(str(event.step_key).replace("check_", "checks of ", 1))
        elif event.event_type_value == "STEP_SUCCESS" and event.step_key not in self._steps_of_checks:
            duration = event.step_success_data.duration_ms / 1000
            self._heartbeat.print(f"  [green]✓[/green] {event.step_key} [dim]{duration:.1f} s[/dim]")
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._checked(event)
        elif event.event_type_value == "STEP_FAILURE":
            self._failed(event)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the console logger for every line of the log."""
        if said := progress_of(record):
            self._heartbeat.print(f"  [yellow]…[/yellow] {escape(said)}")

    def _checked(self, event: dg.DagsterEvent) -> None:
        evaluation = event.asset_check_evaluation_data
        # The newest month is judged in every run, for the UI.
        if evaluation.partition not in self._months or NOT_JUDGED in evaluation.metadata:
            return
        self._checks["passed" if evaluation.passed else "failed"] += 1
        if not evaluation.passed:
            colour = "red" if evaluation.severity == dg.AssetCheckSeverity.ERROR else "yellow"
            asset = evaluation.asset_key.to_user_string()
            if self._checks["failed"] > _MOST_FAILED_CHECKS:
                return
            said = escape(f"{asset}, {evaluation.check_name}: {evaluation.description}")
            self._heartbeat.print(f"  [{colour}]![/{colour}] {said}")

    def _failed(self, event: dg.DagsterEvent) -> None:
        error = event.step_failure_data.error
        while error and error.cause:
            error = error.cause
        # Dagster makes this of Ctrl-C.
        self.is_interrupted |= bool(error and error.cls_name == DagsterExecutionInterruptedError.__name__)
        # The class and first line say what; the rest of a DuckDB message may quote a row, that is a person.
        text = (error.message if error else "no reason given").strip().splitlines()[0]
        if error and error.cls_name == VroegError.__name__:
            # It is for people, who need no class in front.
            text = text.partition(": ")[2]
        if self.failure is None:
            self.failure = f"step {event.step_key}: {text}"

    def summary(self) -> str:
        """How many checks held, and how long it took."""
        seconds = time.monotonic() - self._started
        failed = (
            f", [yellow]{self._checks['failed']} do not[/yellow] (all of them in the UI)"
            if self._checks["failed"]
            else ""
        )
        return f"  {self._checks['passed']} checks hold{failed}; {seconds:.1f} s in all\n"


# A sender's file counts as that of each partner in it.
_SUMMARY = """
WITH files AS (FROM delivery_files WHERE NOT list_contains($senders, partner)),
delivered AS (SELECT DISTINCT month, partner FROM files WHERE status = 'accepted' AND delivers)
SELECT
    month,
    (SELECT count(*) FROM delivered AS d WHERE d.month = m.month) AS deliveries,
    (SELECT count(*) FROM files AS f WHERE f.month = m.month AND status = 'refused') AS refused,
    (SELECT count(*) FROM validated_signals AS s WHERE s.month = m.month) AS signals,
    (SELECT count(*) FROM rejected_rows AS r WHERE r.month = m.month) AS rejected,
    (SELECT count(*) FROM address_matches AS a WHERE a.month = m.month) AS addresses,
    (SELECT count(*) FROM address_matches AS a WHERE a.month = m.month AND match_kind = 'multiple') AS multiple,
    (SELECT count(*) FROM recidivism_history AS h WHERE h.month = m.month AND is_recidivist) AS recidivists
FROM (SELECT unnest($months::DATE[]) AS month) AS m ORDER BY month
"""

_RETURNED = """
SELECT
    month,
    (SELECT count(*) FROM outcome_files AS f WHERE f.month = m.month) AS files,
    (SELECT count(*) FROM contact_attempts AS t WHERE t.month = m.month) AS attempts,
    (SELECT count(DISTINCT case_id) FROM contact_attempts AS t WHERE t.month = m.month AND reached) AS reached,
    (SELECT count(*) FROM case_results AS c WHERE c.month = m.month) AS results,
    (SELECT count(*) FROM refused_outcomes AS r WHERE r.month = m.month) AS refused
FROM (SELECT unnest($months::DATE[]) AS month) AS m ORDER BY month
"""


@dataclass(frozen=True)
class _Figures:
    """The numbers of each month: those of `_SUMMARY`, those of `_RETURNED`, and the entries on each worklist."""

    made: Sequence[tuple[Any, ...]]
    returned: Sequence[tuple[Any, ...]]
    lists: Sequence[tuple[Any, ...]]


def _figures_of(connection: duckdb.DuckDBPyConnection, installation: Installation, months: Sequence[date]) -> _Figures:
    asked = {"months": list(months)}
    with transaction(connection):
        return _Figures(
            connection.execute(_SUMMARY, {**asked, "senders": list(installation.partners.senders)}).fetchall(),
            connection.execute(_RETURNED, asked).fetchall(),
            connection.execute(
                "SELECT month, worklist, count(*) FROM prioritised_worklists "
                "WHERE month IN (SELECT unnest($months::DATE[])) GROUP BY ALL",
                asked,
            ).fetchall(),
        )


def _show_months(installation: Installation, months: Sequence[date], found: _Figures, out: Console) -> None:
    """Prints the figures of the months, and where to look next."""
    rows, returned, lists = found.made, found.returned, found.lists
    figures = ("delivered", "refused", "signals", "rejected", "addresses", "multiple", "recidivists")
    out.print(_table(figures, [(month, counts) for month, *counts in rows]))
    names = sorted({worklist for _, worklist, _ in lists})
    per_list = {(month, worklist): count for month, worklist, count in lists}
    out.print("\n[bold]On the worklists[/bold]")
    out.print(_table(names, [(month, [per_list.get((month, name), 0) for name in names]) for month in months]))
    if any(files for _, files, *_ in returned):
        out.print("\n[bold]What teams returned[/bold]")
        shown = ("files", "attempts", "addresses reached", "end results", "rows sent back")
        out.print(_table(shown, [(month, counts) for month, *counts in returned]))
    out.print(
        f"\nWorklists: {installation.home.outbox}\nDeliveries: {installation.home.command} status\n"
        "In the browser: make dev, then http://localhost:3000"
    )


def _table(columns: Sequence[str], rows: Sequence[tuple[date, Sequence[int]]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("month", no_wrap=True)
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right")
    for month, numbers in rows:
        table.add_row(month_text(month), *(f"{number:,}" for number in numbers))
    return table
