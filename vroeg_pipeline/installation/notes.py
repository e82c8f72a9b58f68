"""Notes beside the inbox, by month: what runs tell those who may not open the warehouse (docs/adr/0009).

One small JSON file a month and kind, replaced as a whole. A note that is gone or cannot be read counts as none.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from vroeg_pipeline.domain.months import is_month, month_text, parse_month
from vroeg_pipeline.installation.home import Home, private_folder, replacing


def read_note(home: Home, month: date, kind: str) -> dict[str, Any]:
    """The note of that kind; empty when there is none."""
    try:
        found = json.loads((home.taken_in / f"{month_text(month)}.{kind}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_note(home: Home, month: date, kind: str, note: dict[str, Any]) -> None:
    """Puts the note in place of an older one of that kind."""
    path = private_folder(home.taken_in) / f"{month_text(month)}.{kind}.json"
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(note), encoding="utf-8")


def months_with_note(home: Home, kind: str) -> set[date]:
    """The months that have a note of that kind."""
    suffix = f".{kind}.json"
    names = (path.name.removesuffix(suffix) for path in home.taken_in.glob(f"*{suffix}"))
    return {parse_month(name) for name in names if is_month(name)}
