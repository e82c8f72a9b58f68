"""The checks on the command line (`vroeg checks`): what each said last of a month, what does not hold first, what to do."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from vroeg_pipeline.cli.rows import show_rows
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import VERDICTS, noted_verdicts
from vroeg_pipeline.quality.wrong_now import to_do


def show_checks(home: Home, months: int | None, out: Console, *, failed: bool) -> None:
    """Prints the checks of the newest months that were judged, newest first; `failed`: those that do not hold alone.

    What each says was noted by the run that judged it last. Raises VroegError when nothing was judged yet.
    """
    judged = sorted(VERDICTS.months(home), reverse=True)
    if not judged:
        raise VroegError("no check has judged anything yet", do=f"start with: {home.command} run --month YYYY-MM")
    rows, counts = [], []
    for month in judged[:months]:
        verdicts = sorted(noted_verdicts(home, month), key=lambda each: (each.passed, each.asset, each.check))
        wrong = sum(not each.passed for each in verdicts)
        counts.append(f"{month_text(month)}: {wrong} of {len(verdicts)} do not hold")
        for each in verdicts:
            if not (each.passed and failed):
                mark = "[green]✓[/]" if each.passed else "[red]✗[/]"
                what = to_do(home, each)
                do = f"\n[dim]→ {escape(what)}[/dim]" if what else ""
                rows.append((month_text(month), mark, each.asset, each.check, escape(each.said) + do))
    if rows:
        show_rows(("month", "", "of", "check", "says"), rows, {"says"}, out)
    out.print("\n".join(counts))
