"""How good deliveries are: in numbers, beside the months before, and for everybody who watches, on the delivery board."""

from collections.abc import Mapping

import dagster as dg

from vroeg_pipeline.deliveries.partner_month import DeliveryState
from vroeg_pipeline.deliveries.worked_on import note_judged
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.monthly import Figures, Month, bars, made, monthly, page_link, written
from vroeg_pipeline.quality.board_page import MONTHS_SHOWN, board_as_markdown, write_board
from vroeg_pipeline.quality.delivery_register import note_files, read_board
from vroeg_pipeline.quality.misread_names import know_misread_names

GROUP = "quality"


@monthly(
    made(
        "delivery_measures",
        "Great Expectations judges these numbers against each agreement; the verdicts are the checks of "
        "deliveries/‹partner›, their pages the Data Docs (docs/adr/0006).",
        reads=["validated_signals", "rejected_rows", "delivery_files"],
        group=GROUP,
    )
)
def delivery_measures(of: Month) -> Mapping[str, Figures]:
    """One row an accepted delivery."""
    know_misread_names(of.connection)
    filled = of.fill("delivery_measures")
    note_files(of.connection, of.installation, of.month)
    note_judged(of.home, of.month)
    return {"delivery_measures": {**filled["delivery_measures"], "signals per partner": _volumes(of)}}


def _volumes(of: Month) -> dg.MarkdownMetadataValue:
    """Rows per partner over the last twelve months as bars, each partner against its own highest month."""
    rows = of.connection.execute(
        """
        SELECT partner, month, row_count, max(row_count) OVER (PARTITION BY partner) AS highest
        FROM delivery_measures
        WHERE month > getvariable('month') - INTERVAL 12 MONTH AND month <= getvariable('month')
        ORDER BY partner, month
        """
    ).fetchall()
    return dg.MetadataValue.md(
        bars([(f"{partner} {month:%Y-%m}", count, highest) for partner, month, count, highest in rows])
    )


@monthly(
    written(
        "delivery_board",
        "Partners by months: on time, late, missing, refused, outdated, with moments and row counts; a succession is "
        "one line with a seam (DOMAIN §3, §4). A page in the outbox that needs nothing else; the same as vroeg "
        "status.",
        reads=["delivery_files", "delivery_measures"],
        group=GROUP,
        kinds=("html",),
    )
)
def delivery_board(of: Month) -> Mapping[str, Figures]:
    """The page of the last twelve months, and the states of the month."""
    board, _ = read_board(of.connection, of.installation, MONTHS_SHOWN)
    path = write_board(of.home, board)
    if of.month not in board.months:
        return {}
    states = [cell.state for line in board.lines for cell in line.cells[of.month]]
    return {
        "delivery_board": {
            "board": dg.MetadataValue.md(board_as_markdown(board)),
            "page": page_link(of.installation, path),
            "month": month_text(of.month),
            **{state.value: states.count(state) for state in DeliveryState if state in states},
        }
    }
