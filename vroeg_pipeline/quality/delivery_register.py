"""The register of deliveries as the delivery board and the alerts need it, from the warehouse or from what runs noted.

What a state means stands in `deliveries.partner_month`, what is wrong in `alerts.problems`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import duckdb

from vroeg_pipeline.deliveries.partner_month import PartnerMonth
from vroeg_pipeline.deliveries.worked_on import months_worked_on
from vroeg_pipeline.domain.months import month_of, months_between
from vroeg_pipeline.installation.agreed import is_asleep
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import (
    ANNOUNCED,
    REGISTER,
    SILENCES,
    Announced,
    RegisteredFile,
    RegisterNote,
    Silences,
)
from vroeg_pipeline.quality.board import Board, make_board

FilesByPartner = Mapping[str, Sequence[RegisteredFile]]


def read_board(connection: duckdb.DuckDBPyConnection, installation: Installation, at_most: int) -> tuple[Board, int]:
    """The board of the last months, and in how many months folders without an agreement were there."""
    files = {
        (partner, month): of_partner
        for month, by_partner in registered(connection, None).items()
        for partner, of_partner in by_partner.items()
    }
    # A month in which nothing at all came was run too, and is what one looks for here.
    run = {month for _, month in files} | months_worked_on(installation.home)
    strangers = sum(1 for partner, _ in files if not installation.partners.is_known(partner))
    months = _months_shown(run, installation.now(), at_most)
    return _with_notes(make_board(installation.partners, files, months, installation.now()), installation), strangers


def noted_board(installation: Installation, at_most: int) -> Board:
    """The same board from what runs noted, without opening the warehouse."""
    run = REGISTER.months(installation.home)
    months = _months_shown(run, installation.now(), at_most)
    files = {
        (partner, month): of_partner
        for month in months
        for partner, of_partner in (noted_files(installation.home, month) or {}).items()
    }
    return _with_notes(make_board(installation.partners, files, months, installation.now()), installation)


def _with_notes(board: Board, installation: Installation) -> Board:
    noted = (SILENCES.read(installation.home) or Silences()).silences
    silences = tuple(silence for silence in noted if silence.is_in_force(board.made_at))
    return replace(board, silences=silences, leaving=(ANNOUNCED.read(installation.home) or Announced()).next)


def told_months(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> list[PartnerMonth]:
    """The partners that owe a delivery for the month, or sent one though nothing was owed yet, each with its files."""
    files = registered(connection, month).get(month, {})
    months = [PartnerMonth(a, month, files.get(a.partner, ())) for a in installation.partners.active(month)]
    return [of for of in months if of.is_told]


def _months_shown(run: set[date], now: datetime, at_most: int) -> list[date]:
    """The last months, up to the one that has begun; where nothing was ever run, none."""
    if not run:
        return []
    last = max(run) if is_asleep(run, now) else max(max(run), month_of(now))
    return months_between(min(run), last)[-at_most:]


def registered(
    connection: duckdb.DuckDBPyConnection, month: date | None
) -> Mapping[date, Mapping[str, list[RegisteredFile]]]:
    """All files of a month, or of every month, by month and partner, oldest first."""
    rows = connection.execute(
        """
        SELECT
            month, partner, status, refusal, received_at, reference_date_max, file.row_count,
            -- An earlier release counted no outdated rows by file, and had one file in a delivery.
            CASE
                WHEN status = 'accepted' THEN coalesce(outdated_count, round(share_outdated * file.row_count)::INTEGER)
            END,
            detail, coalesce(decision = 'addition' OR (adds AND decision IS DISTINCT FROM 'replacement'), false),
            references_lacking, references_before, detail_in_dutch, file.rejected_count
        FROM delivery_files AS file LEFT JOIN delivery_measures USING (month, partner)
        WHERE $month IS NULL OR month = $month
        ORDER BY received_at, file_name
        """,
        {"month": month},
    ).fetchall()
    files: dict[date, dict[str, list[RegisteredFile]]] = {}
    for of, partner, *facts in rows:
        files.setdefault(of, {}).setdefault(partner, []).append(RegisteredFile(*facts))
    return files


def note_files(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> None:
    """Notes what the register says of the month, once its deliveries are measured."""
    by_partner: dict[str, list[RegisteredFile]] = {}
    for partner, files in registered(connection, month).get(month, {}).items():
        # A folder without an agreement can have any name, also a person's (DOMAIN §12).
        known = partner if installation.partners.is_known(partner) else ""
        by_partner[known] = by_partner.get(known, []) + files
    REGISTER.write(
        installation.home, month, RegisterNote({partner: tuple(files) for partner, files in by_partner.items()})
    )


def noted_files(home: Home, month: date) -> FilesByPartner | None:
    """What was noted of the month, by partner ('' for those without an agreement); None when no run noted anything."""
    note = REGISTER.read(home, month)
    return note.files if note else None
