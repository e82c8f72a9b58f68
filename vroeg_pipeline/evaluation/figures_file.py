"""`outbox/figures.duckdb`: what the evaluation shows, measures of deliveries and verdicts, for any tool that draws charts.

Nobody is in it: counts are those of the months' pages, and what is hidden there is hidden here. A file of its own, so that
who reads it never waits for a run, nor a run for them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from vroeg_pipeline.evaluation.figures import ALL, TEAMS, Evaluation, Key
from vroeg_pipeline.installation.extract import write_extract
from vroeg_pipeline.installation.home import private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import FIGURES, VERDICTS, FiguresNote, noted_verdicts
from vroeg_pipeline.installation.statements import sql, temporary_columns
from vroeg_pipeline.quality.wrong_now import to_do

FIGURES_FILE = "figures.duckdb"
# What is counted where a key names no measure.
_COUNTED = {"result": "reports", "days": "reports", "status": "signals", "type": "signals", "signals": "signals"}
_TABLES = {
    "evaluation": "SELECT * FROM shown_figures ORDER BY ALL",
    "deliveries": "SELECT month, partner, state, received_at FROM evaluation_deliveries ORDER BY ALL",
    "verdicts": "SELECT * FROM noted_verdicts ORDER BY ALL",
    "partners": "SELECT * FROM agreed_partners ORDER BY ALL",
}


def note_figures(installation: Installation, evaluation: Evaluation) -> None:
    """Keeps what the page of one month shows."""
    (month,) = evaluation.months
    rows = {_named(key): evaluation.shown(*key) for key in evaluation.counts if key not in evaluation.unprinted}
    # Of one month its own split by month says the same again.
    shown = tuple((*key, count) for key, count in rows.items() if key)
    FIGURES.write(installation.home, month, FiguresNote(shown))


def _named(key: Key) -> tuple[str, str, str] | None:
    """Subject, part of it (or empty) and what is counted; None for what another one says too."""
    subject, part, *measure = key
    if subject in (ALL, TEAMS):
        return subject, "", part
    if subject in ("month", "rows") or (subject == "signals" and measure != [ALL]):
        return None
    return subject, part, _COUNTED.get(subject) or measure[0]


def write_figures(connection: duckdb.DuckDBPyConnection, installation: Installation) -> Path:
    """Writes the file anew from all months that were evaluated, owner-only, in place of the older one; gives its path."""
    home = installation.home
    figures = [
        (month, *figure)
        for month in sorted(FIGURES.months(home))
        if (note := FIGURES.read(home, month))
        for figure in note.shown
    ]
    verdicts = [
        (month, each.asset, each.partner, each.check, each.passed, to_do(each) or None)
        for month in sorted(VERDICTS.months(home))
        for each in noted_verdicts(home, month)
    ]
    partners = [(a.partner, a.name, a.type) for a in installation.partners.agreements.values()]
    for table, columns, rows in (
        ("shown_figures", "month DATE, subject VARCHAR, part VARCHAR, figure VARCHAR, count BIGINT", figures),
        (
            "noted_verdicts",
            # Not what it says, as that can hold a small number.
            "month DATE, asset VARCHAR, partner VARCHAR, check_name VARCHAR, passed BOOLEAN, to_do VARCHAR",
            verdicts,
        ),
        ("agreed_partners", "partner VARCHAR, name VARCHAR, type VARCHAR", partners),
    ):
        names = [column.split(" ") for column in columns.split(", ")]
        values = list(zip(*rows, strict=True)) or [()] * len(names)
        given = {
            name: (kind, [f"{value}" if kind == "DATE" else value for value in column])
            for (name, kind), column in zip(names, values, strict=True)
        }
        temporary_columns(connection, table, given)
    path = private_folder(home.outbox) / FIGURES_FILE
    with replacing(path) as temporary:
        temporary.unlink()  # DuckDB makes a file of its own
        write_extract(connection, temporary, {**_TABLES, "measures": sql("figures_measures")})
    return path
