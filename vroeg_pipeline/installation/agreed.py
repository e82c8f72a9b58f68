"""What is agreed and set: the last that was right, and when each agreement was first seen (DOMAIN §4).

A daemon at work goes on with the last good agreements and settings while a file is wrong; nothing is owed for a deadline
that had passed when the agreement was first seen. Both are kept beside the inbox, by who loads the code location or
looks at the alerts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import add_months, month_of
from vroeg_pipeline.domain.partners import Partners, parse_partners
from vroeg_pipeline.domain.settings import Settings, parse_settings
from vroeg_pipeline.installation.home import Home, read_text
from vroeg_pipeline.installation.notes import AGREED, DONE, FIRST_SEEN, Agreed, FirstSeen

# An installation in which nothing was run for so long is no living one: nothing is owed to it today.
_ASLEEP_AFTER_MONTHS = 12


def read_agreed(home: Home) -> Agreed:
    """The files as they are.

    Raises VroegError when one cannot be read.
    """
    settings = read_text(home.settings) if home.settings.exists() else None
    return Agreed(home.agreement_texts(), settings)


def parse_agreed(agreed: Agreed) -> tuple[Partners, Settings]:
    """What the files say.

    Raises VroegError naming the file, the field and what was expected.
    """
    partners = parse_partners(agreed.agreements.items())
    settings = Settings() if agreed.settings is None else parse_settings(agreed.settings, "settings.yaml")
    return partners.under(settings.thresholds), settings


def last_good(home: Home) -> Agreed | None:
    """The files as they were when all of them were right last; None where that was never, or before this release."""
    kept = AGREED.read(home)
    if kept is None:
        return None
    try:
        parse_agreed(kept)
    except VroegError:
        return None  # this release asks more of them than the one that kept them
    return kept


def what_is_wrong(home: Home) -> str | None:
    """The first mistake in the agreements or settings as they are now, in one line; None where all are right."""
    try:
        parse_agreed(read_agreed(home))
    except VroegError as error:
        return str(error)
    return None


def keep_agreed(home: Home, agreed: Agreed, partners: Partners, now: datetime) -> None:
    """Keeps agreements and settings that are right, and the aware moment `now` for each agreement that is new."""
    if agreed != AGREED.read(home):
        AGREED.write(home, agreed)
    seen = FirstSeen(first_seen(home, now, partners))
    # Before there is an agreement nobody can say which were always there.
    if seen.partners and seen != FIRST_SEEN.read(home):
        FIRST_SEEN.write(home, seen)


def first_seen(home: Home, now: datetime, partners: Partners) -> Mapping[str, datetime | None]:
    """When each agreement was first seen, also of partners of which it is gone; None: it was always there.

    That are all that stood there when this was first kept, and those of a world that sleeps: its months are history.
    """
    kept = FIRST_SEEN.read(home)
    run = DONE.months(home)
    new = now if kept is not None and not is_asleep(run, now) else None
    return {**dict.fromkeys(partners.agreements, new), **(kept.partners if kept else {})}


def is_asleep(run: set[date], now: datetime) -> bool:
    """Whether nothing was run for the months around the aware moment `now`: a sample world or an archive."""
    return bool(run) and add_months(max(run), _ASLEEP_AFTER_MONTHS) <= month_of(now)
