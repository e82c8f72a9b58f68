"""What a privacy officer wants to know of this installation, looked up in settings, agreements, definitions and folders.

Of files only whether they are there and who may read them, of tables only how much is kept too long: no resident is in it.
How it is told stands in `cli.dpia`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from vroeg_pipeline.addresses.register import register_source
from vroeg_pipeline.cli.doctor import LISTS_OF_NO_AREA, lists_of_areas
from vroeg_pipeline.domain.months import amsterdam_day
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.domain.retention import Kept, kept_from
from vroeg_pipeline.domain.settings import Settings
from vroeg_pipeline.installation import schema
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.log import what_is_wrong_with
from vroeg_pipeline.installation.notes import BACK_UPS, BackUps
from vroeg_pipeline.installation.secrets import HASH_KEY
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline.retention.removal import terms_of_names, terms_of_tables, what_is_due
from vroeg_pipeline.worklists.known_clients import known_clients_are_told

# Long enough for a moment's use by another tool.
_PATIENCE_MINUTES = 0.1


@dataclass(frozen=True)
class Table:
    """A table or view with personal data: the columns that are personal, and by which term its rows of a month go."""

    name: str
    meaning: str
    columns: Sequence[schema.Column]
    kept: Kept | None


@dataclass(frozen=True)
class Facts:
    """What was found at the aware moment `now`."""

    now: datetime
    folder: Path
    partners: Partners
    settings: Settings
    # The oldest month of which something is kept, by term.
    kept_from: Mapping[Kept, date]
    tables: Sequence[Table]
    worklists: Sequence[str]
    register: str | None
    has_known_clients: bool
    # None: there is no warehouse yet.
    is_encrypted: bool | None
    # What of the installation others than its owner can read, to its rights as ls shows them.
    open_to_others: Mapping[str, str]
    hash_key_in_environment: bool
    what_is_wrong_with_log: str | None
    back_ups: BackUps
    # Rows and files whose term is over; None: there is no warehouse to ask.
    over_term: int | None


def facts(installation: Installation) -> Facts:
    """Looks them up.

    Raises VroegError where the warehouse, the areas or the log cannot be read.
    """
    home, settings, now = installation.home, installation.settings, installation.now()
    day = amsterdam_day(now)
    is_encrypted, over_term = None, None
    resource = WarehouseResource.of(installation, patience_minutes=_PATIENCE_MINUTES)
    if resource.exists():
        with resource.connect(read_only=True) as connection:
            # A file opens with the key that is set, or without one.
            is_encrypted = resource.lake.encrypted if resource.lake else bool(os.environ.get(ENCRYPTION_KEY))
            over_term = sum(due.count for due in what_is_due(connection, installation, day))
    register = register_source(home)
    return Facts(
        now,
        home.root,
        installation.partners,
        settings,
        {kept: kept_from(day, kept, settings.retention, settings.lookback_months) for kept in Kept},
        personal_tables(),
        sorted({*lists_of_areas(home), *LISTS_OF_NO_AREA}),
        register.name if register else None,
        known_clients_are_told(home, settings),
        is_encrypted,
        _open_to_others(home),
        bool(os.environ.get(HASH_KEY)),
        what_is_wrong_with(home),
        BACK_UPS.read(home) or BackUps(),
        over_term,
    )


def personal_tables() -> Sequence[Table]:
    """Each table with a column that tells of a person or a door."""
    terms = {**terms_of_tables(), **terms_of_names()}
    found = []
    for part in schema.parts():
        columns = [column for column in part.columns if column.is_personal]
        if part.kind == "TABLE" and (columns or schema.PERSONAL in part.meaning):
            found.append(Table(part.name, part.meaning, columns, terms.get(part.name)))
    return found


def _open_to_others(home: Home) -> Mapping[str, str]:
    private = (
        home.inbox, home.archive, home.outbox, home.quality, home.scratch, home.taken_in, home.ddas_answers, home.log,
        home.dagster, home.warehouse, home.hash_key,
    )  # fmt: skip
    rights = {path.name: path.stat().st_mode for path in private if path.exists()}
    return {name: stat.filemode(mode) for name, mode in rights.items() if mode & 0o077}
