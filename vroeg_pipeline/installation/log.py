"""Who asked for what: a file a month in `log/`, a line of JSON a call, without anything of a person (DOMAIN §12)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vroeg_pipeline.installation.home import Home, private_folder


def log_call(home: Home, what: str, now: datetime, line: Mapping[str, Any]) -> None:
    """Adds a line, behind the aware moment `now` in UTC, to `log/<what>-<YYYY-MM>.jsonl`, for the owner alone.

    Raises OSError when it cannot be written: then it must not happen either.
    """
    moment = now.astimezone(UTC)
    path = private_folder(home.log) / f"{what}-{moment:%Y-%m}.jsonl"
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps({'time': f'{moment:%Y-%m-%dT%H:%M:%SZ}', **line})}\n")
