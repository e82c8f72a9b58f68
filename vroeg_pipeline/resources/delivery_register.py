"""The register of deliveries as the delivery board needs it. What a state means stands in `domain.board`."""

from __future__ import annotations

from datetime import date

import duckdb

from vroeg_pipeline.domain.board import Board, RegisteredFile, make_board
from vroeg_pipeline.domain.months import months_between
from vroeg_pipeline.resources.arrivals import months_worked_on
from vroeg_pipeline.resources.installation import Installation


def read_board(connection: duckdb.DuckDBPyConnection, installation: Installation, at_most: int) -> tuple[Board, int]:
    """The board of the last months that were run, and in how many months folders without an agreement were there."""
    rows = connection.execute(
        """
        SELECT partner, month, status, refusal, received_at, reference_date_max, row_count
        FROM delivery_files ORDER BY received_at
        """
    ).fetchall()
    files: dict[tuple[str, date], list[RegisteredFile]] = {}
    for partner, month, *facts in rows:
        files.setdefault((partner, month), []).append(RegisteredFile(*facts))
    # A month in which nothing at all came was run too, and is what one looks for here.
    run = {month for _, month in files} | months_worked_on(installation.home)
    months = months_between(min(run), max(run))[-at_most:] if run else []
    strangers = sum(1 for partner, _ in files if partner not in installation.partners.agreements)
    return make_board(installation.partners, files, months, installation.now()), strangers
