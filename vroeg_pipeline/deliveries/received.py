"""Every file that ever came for a month: those in the inbox now, and those registered before that are there no more.

What a file means is judged by who takes it in: `deliveries.judged_files`, `outcomes.intake`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import duckdb

from vroeg_pipeline.deliveries.inbox import Listing, archive_files, find_archived
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.kept_files import kept_in

# (sender, sha256, name, received_at, size in bytes), as an earlier run registered it.
Registered = tuple[str, str, str, datetime, int]


@dataclass(frozen=True)
class ReceivedFile:
    """A file that `partner` sent for a month. `archived` is None where its bytes are no longer there, or too many."""

    month: date
    partner: str
    file_sha256: str
    file_name: str
    received_at: datetime
    size_bytes: int
    archived: Path | None


F = TypeVar("F", bound=ReceivedFile)


def kept_of_month(
    connection: duckdb.DuckDBPyConnection, home: Home, month: date, *folders: str
) -> Iterator[Registered]:
    """The files of which only a part is kept, in these folders of the archive: no inbox has them, nor a new warehouse."""
    for folder in folders:
        for _, file in kept_in(connection, home.archive / folder / month_text(month)):
            sender = file.about.get("partner", folder)
            yield sender, file.file_sha256, file.file_name, file.received_at, file.size_bytes


def files_of_month(
    installation: Installation,
    month: date,
    listing: Listing,
    registered: Iterable[Registered],
    folders_of: Callable[[str], tuple[str, ...]],
    make: Callable[[date, str, str, str, datetime, int, Path | None], F],
) -> list[F]:
    """Each file once, archived, by sender, moment and name. The same bytes of one sender are one file, with the moment and
    name with which they came first.

    `registered`: those that were seen before, and those of which only a part is kept. `folders_of`: where in the archive the
    bytes of a sender lie; new ones go to the first.
    """
    home, limit = installation.home, installation.settings.max_file_mb
    now_there = [
        make(month, item.partner, kept.sha256, item.name, item.received_at, item.size, kept.path)
        for item, kept in archive_files(home, listing, lambda item: folders_of(item.partner)[0], limit)
    ]
    before = [
        make(month, sender, sha256, name, moment, size, find_archived(home, month, sha256, *folders_of(sender)))
        for sender, sha256, name, moment, size in registered
    ]
    first: dict[tuple[str, str], F] = {}
    for file in sorted([*now_there, *before], key=lambda file: (file.partner, file.received_at, file.file_name)):
        first.setdefault((file.partner, file.file_sha256), file)
    return list(first.values())
