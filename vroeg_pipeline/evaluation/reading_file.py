"""`outbox/reading.duckdb`: what the evaluation shows, buurten, measures of deliveries and verdicts, for any tool that draws
charts.

Nobody is in it: counts are those of the months' pages, and what is hidden there is hidden here. A file of its own, so that
who reads it never waits for a run, nor a run for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from vroeg_pipeline.evaluation.figures import ALL, TEAMS, Evaluation, Key
from vroeg_pipeline.evaluation.small_cells import SMALLEST_SHOWN, Counts
from vroeg_pipeline.installation.closed import noted_closed
from vroeg_pipeline.installation.extract import write_extract
from vroeg_pipeline.installation.home import private_folder, replacing
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.lake import Lake, publish
from vroeg_pipeline.installation.notes import FIGURES, VERDICTS, FiguresNote, Notes, noted_verdicts
from vroeg_pipeline.installation.statements import sql, temporary_columns
from vroeg_pipeline.quality.wrong_now import to_do

_BUURT, _UNKNOWN = "buurt", "onbekend"
# What is counted where a key names no measure.
_COUNTED = {"result": "reports", "days": "reports", "status": "signals", "type": "signals", "signals": "signals"}
_TABLES = {
    "evaluation": f"SELECT * FROM shown_figures WHERE subject <> '{_BUURT}' ORDER BY ALL",
    "buurten": f"""
        SELECT month, part AS buurtcode, count AS reports FROM shown_figures WHERE subject = '{_BUURT}' ORDER BY ALL
    """,
    "deliveries": "SELECT month, partner, state, received_at FROM evaluation_deliveries ORDER BY ALL",
    "verdicts": "SELECT * FROM noted_verdicts ORDER BY ALL",
    "partners": "SELECT * FROM agreed_partners ORDER BY ALL",
}


def reading_name(municipality: str | None = None) -> str:
    """The name of the file; of one municipality, where they are separate."""
    return "_".join(filter(None, ("reading", municipality))) + ".duckdb"


def _notes(municipality: str | None) -> Notes[FiguresNote]:
    return Notes(f"figures_{municipality}", FiguresNote) if municipality else FIGURES


def note_figures(connection: duckdb.DuckDBPyConnection, installation: Installation, evaluation: Evaluation) -> None:
    """Keeps what the page of one month shows, and its reports by buurt."""
    (month,) = evaluation.months
    rows = {_named(key): evaluation.shown(*key) for key in evaluation.counts if key not in evaluation.unprinted}
    # Of one month its own split by month says the same again.
    shown = [(*key, count) for key, count in rows.items() if key]
    found = connection.execute(sql("reading_buurten")).fetchall()
    buurten = shown_buurten(dict(found), evaluation.counts[ALL, "reports"])
    shown += [(_BUURT, buurt, "reports", count) for buurt, count in buurten.items()]
    _notes(evaluation.municipality).write(installation.home, month, FiguresNote(tuple(shown)))


def shown_buurten(reports: Mapping[str, int], total: int) -> dict[str, int | None]:
    """The reports of a month by buurt, None where that is hidden: small, or by which a small one could be computed from the
    `total` that its page shows. Nothing of them where only hiding the total could help.
    """
    if not reports:
        return {}
    counts: Counts[str] = Counts()
    counts.put(ALL, total, printed=total >= SMALLEST_SHOWN)
    parts = [counts.put(buurt, number) for buurt, number in reports.items()]
    counts.add_up(ALL, [*parts, counts.put(_UNKNOWN, total - sum(reports.values()))])
    hidden = counts.hidden()
    if ALL in hidden:
        return {}
    return {buurt: None if buurt in hidden else count for buurt, count in counts.values.items() if buurt != ALL}


def _named(key: Key) -> tuple[str, str, str] | None:
    """Subject, part of it (or empty) and what is counted; None for what another one says too."""
    subject, part, *measure = key
    if subject in (ALL, TEAMS):
        return subject, "", part
    if subject in ("month", "rows") or (subject == "signals" and measure != [ALL]):
        return None
    return subject, part, _COUNTED.get(subject) or measure[0]


def write_reading(
    connection: duckdb.DuckDBPyConnection, installation: Installation, municipality: str | None = None
) -> Path:
    """Writes the file anew from all months that were evaluated, owner-only, in place of the older one; gives its path.

    That of one municipality has no measures, as a delivery is measured as a whole.
    """
    home, notes = installation.home, _notes(municipality)
    months, closed = sorted(notes.months(home)), noted_closed(home)
    figures = [(month, *figure) for month in months if (note := notes.read(home, month)) for figure in note.shown]
    verdicts = [
        (month, each.asset, each.partner, each.check, each.passed, to_do(home, each) or None)
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
        ("evaluated_months", "month DATE, is_closed BOOLEAN", [(month, month in closed) for month in months]),
        ("agreed_partners", "partner VARCHAR, name VARCHAR, type VARCHAR", partners),
    ):
        names = [column.split(" ") for column in columns.split(", ")]
        values = list(zip(*rows, strict=True)) or [()] * len(names)
        given = {
            name: (kind, [f"{value}" if kind == "DATE" else value for value in column])
            for (name, kind), column in zip(names, values, strict=True)
        }
        temporary_columns(connection, table, given)
    path = private_folder(home.outbox) / reading_name(municipality)
    with replacing(path) as temporary:
        temporary.unlink()  # DuckDB makes a file of its own
        made = {"months": sql("reading_months")}
        if municipality is None:
            made["measures"] = sql("reading_measures")
        else:
            own = "coalesce(partner, '') = '' OR partner IN (SELECT partner FROM agreed_partners)"
            made |= {name: f"FROM ({_TABLES[name]}) WHERE {own}" for name in ("deliveries", "verdicts")}
        tables = {**_TABLES, **made}
        write_extract(connection, temporary, tables)
    if lake := Lake.of(installation.settings):
        publish(connection, lake, path, path.stem, tables)
    return path
