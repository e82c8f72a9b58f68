"""What a run says while it waits or works long, marked so that a terminal can show it and leave the rest of the log."""

from __future__ import annotations

import logging

from vroeg_pipeline.installation.locking import Say

_SAID = "vroeg_progress"


def progress_in(log: logging.Logger) -> Say:
    """Says things in the log of a run as its progress."""
    return lambda said: log.info(said, extra={_SAID: said})


def progress_of(record: logging.LogRecord) -> str | None:
    """What the record says, where it is progress."""
    said: str | None = getattr(record, _SAID, None)
    return said
