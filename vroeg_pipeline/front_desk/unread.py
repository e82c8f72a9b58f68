"""What lies in the inbox of a front desk and is read by nobody: told at each look, and not kept longer than its term.

What is noted of such a file names neither it nor its folder: both can be called after a person.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from vroeg_pipeline.deliveries.inbox import CONFIRMATIONS, WITHDRAWALS
from vroeg_pipeline.domain.months import amsterdam_day, is_month
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.notes import DESK, DeskLook, UnreadFile

NO_AGREEMENT = "of a sender without an agreement: add agreements/SENDER.yaml"
SLIPS = "with withdrawals or confirmations: each town takes its own"
NO_MONTH = "in no month's folder of a sender: move them to inbox/SENDER/YYYY-MM/"
UNFINISHED = "that are still being written, or no file: ask the sender"
# An upload may take its time.
_PATIENCE = timedelta(days=1)


def unread_files(
    home: Home, senders: Collection[str], read: Collection[Path], now: datetime
) -> tuple[DeskLook, dict[str, Path]]:
    """What is unread at the aware moment `now`, with what was noted before, and where each is; nothing is changed.

    `senders`: those with an agreement; `read`: the files that are taken in.
    """
    known = {file.key: file for file in (DESK.read(home) or DeskLook(now)).unread}
    found: dict[str, Path] = {}
    noted = [file for file in known.values() if file.gone_at]
    for path, key in _files(home.inbox):
        if path in read:
            continue
        found[key] = path
        file = known.get(key)
        if file is None or file.gone_at is None:
            noted.append(file or UnreadFile(key, _why(path.relative_to(home.inbox).parts, senders), now))
    return DeskLook(now, unread=tuple(noted)), found


def told(unread: Sequence[UnreadFile], now: datetime, wait_days: int) -> list[str]:
    """A line for each reason; what may still be on its way is not told yet."""
    lines = []
    for why in dict.fromkeys(file.why for file in unread):
        since = [file.since for file in unread if file.why == why and file.gone_at is None]
        since = [moment for moment in since if why != UNFINISHED or now - moment >= _PATIENCE]
        if since:
            lines.append(
                f"inbox: {len(since)} {'file' if len(since) == 1 else 'files'} {why}; the first was seen "
                f"{amsterdam_day(min(since)):%d-%m-%Y}, each is removed {wait_days} days after it was"
            )
    return lines


def remove_what_is_over(
    look: DeskLook, found: dict[str, Path], home: Home, wait_days: int, say: Callable[[str], None]
) -> tuple[DeskLook, int, list[str]]:
    """The look after those over their term were removed, how many they were, and what went wrong, a line each."""
    over = {
        file.key
        for file in look.unread
        if file.key in found and (file.gone_at or look.at - file.since >= timedelta(days=wait_days))
    }
    look = replace(
        look, unread=tuple(replace(f, gone_at=f.gone_at or look.at) if f.key in over else f for f in look.unread)
    )
    # Noted first: what was killed then is removed by the next look.
    DESK.write(home, look)
    problems = []
    for file in look.unread:
        if file.key not in over:
            continue
        try:
            found[file.key].unlink(missing_ok=True)
        except OSError as error:
            problems.append(f"inbox: a file {file.why}; it is over its term and cannot be removed ({error.strerror})")
        else:
            say(f"inbox: removed a file {file.why.partition(':')[0]}, {wait_days} days after it was seen")
    return look, len(over) - len(problems), problems


def _files(inbox: Path) -> Iterator[tuple[Path, str]]:
    """Each file below the inbox, links too and none followed, with what it is known by as long as nobody writes to it."""
    for folder, _, names in os.walk(inbox):
        for name in sorted(names):
            path = Path(folder, name)
            try:
                status = path.lstat()
            except FileNotFoundError:  # taken away in this moment
                continue
            of_it = f"|{status.st_size}|{status.st_mtime_ns}".encode()
            yield path, hashlib.sha256(os.fsencode(path.relative_to(inbox)) + of_it).hexdigest()


def _why(parts: Sequence[str], senders: Collection[str]) -> str:
    if len(parts) < 2 or (parts[0] in senders and (len(parts) < 3 or not is_month(parts[1]))):
        return NO_MONTH
    if parts[0] not in senders:
        return NO_AGREEMENT
    if len(parts) == 3:
        return UNFINISHED
    return SLIPS if parts[2] in (WITHDRAWALS, CONFIRMATIONS) else NO_MONTH
