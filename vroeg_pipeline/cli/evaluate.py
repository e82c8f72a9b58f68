"""`vroeg evaluate`: the evaluation of any period, by what the warehouse holds now; and its figures on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console

from vroeg_pipeline.cli.heartbeat import Heartbeat
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.evaluation.figures import ALL, Evaluation, evaluation_apart
from vroeg_pipeline.evaluation.page import page_name, write_evaluation
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.warehouse import WarehouseResource
from vroeg_pipeline.quality.board_page import PAGE as BOARD


def evaluate(home: Home, months: Sequence[date], target: Path | None, out: Console, problems: Console) -> None:
    """Writes the page of the months (oldest first; without any all that were run) and prints where it is.

    Reads the warehouse only. Raises VroegError when there is none, or nothing of these months in it.
    """
    installation = Installation.load(home)
    warehouse = WarehouseResource.of(installation, problems.print)
    with warehouse.connect(read_only=True) as connection:
        run = [
            month
            for (month,) in connection.execute("SELECT DISTINCT month FROM delivery_files ORDER BY month").fetchall()
        ]
        months = months or run
        if not set(months) & set(run):
            do = f"run it first: {home.command} run --from YYYY-MM --to YYYY-MM"
            raise VroegError("nothing was run of this period", do=do)
        with Heartbeat(out, "evaluating"):
            evaluations = [
                evaluation_apart(connection, installation, months, municipality)
                for municipality in installation.municipalities
            ]
    for evaluation in evaluations:
        of = evaluation.municipality
        path = target or home.outbox / page_name(months)
        path = path.with_stem("_".join(filter(None, (path.stem, of))))
        write_evaluation(path, evaluation)
        _print(evaluation, out)
        out.print(f"\nEvaluation: {path}", soft_wrap=True)
    if target is None:
        newest = max(months)
        lists = sorted(home.outbox_of(newest).glob("werklijst_*.xlsx"))
        beside = {
            "Delivery board": home.outbox / BOARD,
            f"Worklist of {month_text(newest)}": lists[-1] if lists else None,
        }
        for what, made in beside.items():
            if made and made.exists():
                out.print(f"{what}: {made}", soft_wrap=True)


def _print(evaluation: Evaluation, out: Console) -> None:
    months = evaluation.months
    out.print(f"[bold]{' to '.join(dict.fromkeys(month_text(month) for month in (months[0], months[-1])))}[/bold]")

    def number(*key: str) -> str:
        count = evaluation.shown(*key)
        return "hidden" if count is None else f"{count:,}"

    def share(part: str, whole: str = "reports") -> str:
        found = evaluation.share((ALL, part), (ALL, whole))
        return "–" if found is None else f"{found:.0%}"

    out.print(
        f"  {number('signals', ALL, ALL)} signals, {number(ALL, 'reports')} reports, {number(ALL, 'addresses')} addresses"
    )
    came_back = f"{share('reached')} reached, {share('help')} accepted help"
    if (ALL,) in evaluation.silent:
        came_back = "nothing came back of them yet"
    out.print(
        f"  of the reports: {share('recidivist')} reported before, {came_back}; {share('unknown', 'checked')} unknown "
        "before, of those that could be checked"
    )
    if missing := ", ".join(month_text(month) for month in evaluation.missing_months):
        out.print(f"  [yellow]![/yellow] not run, so not in it: {missing}")
