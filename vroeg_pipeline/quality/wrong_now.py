"""What is wrong now: the checks that do not hold, newest month first, and what to do about each.

By the verdicts that runs noted. `vroeg checks` and the delivery board show the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import NotedVerdict, noted_verdicts

# Of the checks of a delivery, where `{vroeg}` is how commands begin; what a check of a table says has it in its own words.
TO_DO = {
    "delivered": "call the partner; what came and cannot be used, and why, is in {vroeg} deliveries list",
    "replacement_is_whole": "decide what the file is: {vroeg} deliveries decide",
    "on_time": "nothing, it was used; who is late every month wants a call",
    "rows_as_agreed": "ask the partner whether all rows are in it, or mend expected_rows in the agreement",
    "rows_as_usual": "ask the partner whether something is missing or there twice",
    "amounts_as_usual": "ask the partner whether amounts are in another unit, or of other customers, than agreed",
    "days_as_usual": "ask the partner whether old debts were added, or dates are others than agreed",
    "few_outside_area": "ask the partner for the agreed towns alone, or mend municipalities in the agreement",
    "reference_date_is_recent": "ask the partner for a newer extract",
    "few_rows_rejected": "see rejected_rows.reasons, and ask the partner to mend what they say",
    "few_rows_outdated": "ask the partner for a newer extract; the old rows were rejected, not used",
    "few_doubles": "ask the partner why rows stand in its file twice",
    "addresses_found": "see the address desk; where one town or street lacks, load a newer address register",
    "columns_as_agreed": "ask the partner what changed, and mend the columns of the agreement, or its ignored_columns",
    "names_as_written": "ask the partner to export names as letters, not as HTML",
    "reminders_were_sent": "ask the partner whether reminders were sent: the law wants one first",
}


@dataclass(frozen=True)
class Wrong:
    """A verdict on a month that does not hold. `do`: what to do, where the verdict itself does not say it."""

    month: date
    verdict: NotedVerdict
    do: str


def wrong_now(home: Home, months: Iterable[date]) -> Sequence[Wrong]:
    """What does not hold in these months, newest first, and in each by what it is about."""
    return [
        Wrong(month, verdict, to_do(home, verdict))
        for month in sorted(months, reverse=True)
        for verdict in sorted(noted_verdicts(home, month), key=lambda each: (each.asset, each.check))
        if not verdict.passed
    ]


def to_do(home: Home, verdict: NotedVerdict) -> str:
    """What to do where it does not hold; empty where it holds or says so itself."""
    return TO_DO.get(verdict.check, "").format(vroeg=home.command) if verdict.partner and not verdict.passed else ""
