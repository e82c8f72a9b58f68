"""The alert book (`alerts.json`): what an older release wrote is read, and what is written is read as it was."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from vroeg_pipeline.alerts.book import AlertState, Waiting, read_alerts, write_alerts
from vroeg_pipeline.alerts.facts import Late, Missing, RunFailed, Solution, Stray
from vroeg_pipeline.alerts.plan import Book, Condition, Notice, OpenProblem, Phase
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.world import moment

MARCH, NOW = date(2021, 3, 1), moment("2021-03-09 10:00")
MISSING = Missing(name="Huur", contact="020", addressee="Huur", due="05-03-2021 17:00", refusals=("unreadable",))
RUN = RunFailed(job="month", run="0a", run_id="0a-1", months=("2021-03-01",), failed_at=1.5, step="signals")
LATE = Late(name="Huur", due="05-03-2021 17:00", received="06-03-2021 09:00", hours=16.0, rows=20)
STRAY = Condition(Stray(files=2), "", MARCH, "unknown_partner")
STATE = AlertState(
    Book(
        NOW,
        {
            c.key: OpenProblem(c, NOW, NOW)
            for c in (Condition(MISSING, "huur", MARCH), Condition(RUN, "month", MARCH, "2021-03-01"), STRAY)
        },
        frozenset({("late", "huur", "2021-03-01", "")}),
    ),
    {
        "coach/1": Waiting(
            (
                Notice(Phase.RAISED, Condition(LATE, "huur", MARCH), NOW, NOW),
                Notice(Phase.SOLVED, Condition(MISSING, "huur", MARCH), NOW, NOW, Solution("06-03-2021 09:00", 20)),
            ),
            2,
            NOW,
            NOW,
            "did not take the message",
        )
    },
)


def old_condition(kind: str, subject: str, occurrence: str, facts: dict[str, object]) -> dict[str, object]:
    """As the releases before typed facts wrote it: the kind beside the facts, and what solved it among them."""
    return {"kind": kind, "subject": subject, "month": "2021-03-01", "occurrence": occurrence, "facts": facts}


WHO = {"name": "Huur", "contact": "020", "addressee": "Huur"}
OLD_MISSING = {**WHO, "due": "05-03-2021 17:00", "refusals": ["unreadable"]}
OLD_LATE = {**WHO, "due": "05-03-2021 17:00", "received": "06-03-2021 09:00", "hours": 16.0, "rows": 20}
OLD_RUN = {
    "job": "month", "run": "0a", "run_id": "0a-1", "months": ["2021-03-01"], "failed_at": 1.5, "step": "signals"
}  # fmt: skip
AT = "2021-03-09T10:00:00+01:00"
OLD = {
    "begun": AT,
    "problems": [
        {"condition": condition, "since": AT, "told_at": AT}
        for condition in (
            old_condition("missing", "huur", "", OLD_MISSING),
            old_condition("run_failed", "month", "2021-03-01", OLD_RUN),
            old_condition("refused", "", "unknown_partner", {"refusal": "unknown_partner", "files": 2}),
        )
    ],
    "events": [["late", "huur", "2021-03-01", ""]],
    "waiting": {
        "coach/1": {
            "notices": [
                {"phase": "raised", "condition": old_condition("late", "huur", "", OLD_LATE), "at": AT, "since": AT},
                {
                    "phase": "solved",
                    "condition": old_condition(
                        "missing", "huur", "", {**OLD_MISSING, "solved_by": "06-03-2021 09:00", "rows": 20}
                    ),
                    "at": AT,
                    "since": AT,
                },
            ],
            "attempts": 2,
            "next_attempt": AT,
            "failing_since": AT,
            "reason": "did not take the message",
        }
    },
}


def test_what_an_older_release_wrote_is_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.alerts.write_text(json.dumps(OLD))
    assert read_alerts(home) == STATE


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_alerts(home) == AlertState()
    write_alerts(home, STATE)
    assert read_alerts(home) == STATE
    write_alerts(home, AlertState())
    assert read_alerts(home) == AlertState()


LACKING = {"condition": old_condition("missing", "huur", "", WHO), "since": AT, "told_at": AT}
DAMAGED = [
    [],
    {},
    None,
    "x",
    {**OLD, "problems": [3]},
    {**OLD, "problems": [LACKING]},
    {**OLD, "begun": "yesterday"},
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_book_is_an_error_and_not_an_empty_one(tmp_path: Path, content: object) -> None:
    home = Home(tmp_path)
    home.alerts.write_text(json.dumps(content))
    with pytest.raises(VroegError, match="is damaged"):
        read_alerts(home)
