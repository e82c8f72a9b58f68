"""What the month came to: deliveries, signals, reports, contacts and results, as tables and as a page without persons."""

from collections.abc import Mapping, Sequence

import dagster as dg

from vroeg_pipeline.evaluation.figures import ALL, TABLES, evaluation_apart, read_evaluation, set_evaluation
from vroeg_pipeline.evaluation.page import page_name, write_evaluation
from vroeg_pipeline.evaluation.reading_file import note_figures, reading_name, write_reading
from vroeg_pipeline.feedback.one_municipality import seen_by
from vroeg_pipeline.monthly import Figures, Month, made, monthly, page_link, written

GROUP = "evaluation"


@monthly(
    made(
        "evaluation_deliveries",
        "The states are those of the delivery board (DOMAIN §3, §4).",
        reads=["delivery_files", "rejected_rows", "delivery_measures"],
        group=GROUP,
    ),
    made(
        "evaluation_signals",
        "A signal is not a report: a share of the one is none of the other (DOMAIN §2, docs/adr/0019).",
        reads=[
            "validated_signals",
            "rejected_rows",
            "repeat_signals",
            "recidivism_history",
            "prioritised_worklists",
            "worklist_issues",
            "contact_attempts",
            "contacted_signals",
            "case_results",
        ],
        group=GROUP,
    ),
    made(
        "evaluation_reports",
        "All shares of reports come from it; what counts as help is a setting (DOMAIN §2, docs/adr/0019).",
        reads=[
            "delivery_files",
            "validated_signals",
            "address_matches",
            "recidivism_history",
            "prioritised_worklists",
            "contact_attempts",
            "case_results",
            "contacted_signals",
            "contacted_reports",
        ],
        statements=["reports", "evaluation_reports"],
        group=GROUP,
    ),
    made(
        "evaluation_contacts",
        "Several attempts may be of one report (DOMAIN §2, docs/adr/0019).",
        reads=["address_matches", "prioritised_worklists", "contact_attempts", "contacted_reports"],
        group=GROUP,
    ),
)
def evaluation(of: Month) -> Mapping[str, Figures]:
    """The tables, filled together."""
    set_evaluation(of.connection, of.installation, of.month)
    return of.fill(*TABLES)


@monthly(
    written(
        "evaluation_page",
        "The month in Dutch, on one page that needs nothing else: outbox/‹YYYY-MM›/evaluatie_‹YYYY-MM›.html. Small "
        "numbers of people are hidden, also where they could be computed (DOMAIN §12, docs/adr/0019). Any other "
        "period: vroeg evaluate. With it outbox/reading.duckdb, to read: what the pages of all months show, buurten, "
        "measures of deliveries, and verdicts (docs/questions.md).",
        reads=[*TABLES, "delivery_measures", "prioritised_worklists", "address_matches", "worklist_issues"],
        group=GROUP,
        kinds=("html", "duckdb"),
        statements=["reading_buurten", "reading_months", "reading_measures"],
    ),
    last=True,
)
def evaluation_page(of: Month) -> Mapping[str, Figures]:
    """The page of the month."""
    if of.installation.settings.separate_municipalities:
        return {"evaluation_page": {"pages": ", ".join(_write_apart(of))}}
    evaluation = read_evaluation(of.connection, of.installation, [of.month])
    path = of.outbox / page_name([of.month])
    write_evaluation(path, evaluation)
    note_figures(of.connection, of.installation, evaluation)
    reading = write_reading(of.connection, of.installation)
    _remove_others(of, [None])
    shown = {name: evaluation.shown(ALL, name) for name in ("reports", "reached", "help")}
    hidden = "hidden: a small number"
    return {
        "evaluation_page": {
            "page": page_link(of.installation, path),
            "for reading": dg.MetadataValue.path(reading.relative_to(of.home.root).as_posix()),
            **{name: hidden if count is None else count for name, count in shown.items()},
        }
    }


def _write_apart(of: Month) -> list[str]:
    """The page and the file for readers of each municipality; gives the names of the pages."""
    written = []
    for municipality in of.installation.municipalities:
        evaluation = evaluation_apart(of.connection, of.installation, [of.month], municipality)
        path = of.outbox / page_name([of.month], municipality)
        write_evaluation(path, evaluation)
        with seen_by(of.connection, of.installation, municipality) as own:
            note_figures(of.connection, own, evaluation)
            write_reading(of.connection, own, municipality)
        written.append(path.name)
    _remove_others(of, of.installation.municipalities)
    return written


def _remove_others(of: Month, municipalities: Sequence[str | None]) -> None:
    """Removes what is of all municipalities together, or of one alone, from before the setting was changed."""
    pages = {page_name([of.month], municipality) for municipality in municipalities}
    for path in of.outbox.glob(f"{page_name([of.month]).removesuffix('.html')}*.html"):
        if path.name not in pages:
            path.unlink()
    files = {reading_name(municipality) for municipality in municipalities}
    for path in of.home.outbox.glob("reading*.duckdb"):
        if path.name not in files:
            path.unlink()
