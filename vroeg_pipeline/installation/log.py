"""Who did what with data about persons (DOMAIN §14): `log/<YYYY-MM>.jsonl`, a line of JSON each, for the owner alone.

The fields are those of the Logboek Dataverwerkingen (spans of OpenTelemetry with `dpl.core.*`) and of BIO2 8.15: time,
action, object, result, origin, actor. Nothing of a person is in it (DOMAIN §12). Each line has the hash of the one before
and its own, made with the key of the installation, and `log/head.json` that of the last: what is altered or cut shows. That
there is a log stands in a note outside the folder.
"""

from __future__ import annotations

import hmac
import json
import os
import pwd
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home, private_folder, replacing, temporary_file
from vroeg_pipeline.installation.locking import alone
from vroeg_pipeline.installation.notes import DONE, LOG_BEGUN, LogBegun, LogPlace
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash

# Before the first line of all.
_NOTHING = "0" * 64
_LINES = "[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"
UNKNOWN_USER = "unknown user of the UI"
COMMAND_LINE, UI, NETWORK = "command line", "UI", "network"
# Of the Logboek Dataverwerkingen: which processing, whom it is about, and what kind of code that is.
ACTIVITY = "dpl.core.processing_activity_id"
SUBJECT, SUBJECT_TYPE = "dpl.core.data_subject_id", "HMAC-SHA-256 with hash.key"
# More than a line and the head take.
_ROOM = 4096
# What is done in one go has one trace.
_trace: ContextVar[str] = ContextVar("trace")


@dataclass(frozen=True)
class Done:
    """Something that was done: `action` (a command, `run`, `export`, …) with `object`, by `actor`, started from `origin`
    (command line, UI, sensor, schedule, network), and what came of it. `started` is aware; `details` name nobody.

    `subject`: whom it is about, where that is one person, in the same words each time; its `subject_id` alone is written.
    """

    action: str
    object: str
    result: str
    origin: str
    actor: str
    started: datetime
    details: Mapping[str, Any] | None = None
    subject: str | None = None


def subject_id(key: bytes, subject: str) -> str:
    """What stands for a person in the log, to find the lines about somebody: keyed, and another one than elsewhere."""
    return keyed_hash(key, f"log {subject}")


def account() -> str:
    """The login of this process; its number where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@contextmanager
def one_trace() -> Iterator[str]:
    """All that is logged in the block belongs together."""
    token = _trace.set(secrets.token_hex(16))
    try:
        yield _trace.get()
    finally:
        _trace.reset(token)


def is_traced() -> bool:
    """Whether this is part of a command."""
    return _trace.get(None) is not None


def log_done(home: Home, now: datetime, *done: Done) -> None:
    """Adds a line each, at the aware moment `now`.

    Raises OSError when it cannot be written, and VroegError when there is no key: then it must not happen either.
    """
    moment = now.astimezone(UTC)
    key = hash_key(home)
    with locked(home):
        head = _head(home, key)
        if not _is_sealed(home, key):
            if _all_files(home) or LOG_BEGUN.read(home):
                done = (_lost(now), *done)
            else:
                # A kill leaves no lines without a head.
                _keep_head(home, key, head)
        previous = head["last"]
        written = []
        for each in done:
            content = {**_span(each, moment, key), "previous": previous}
            previous = _seal(key, content)
            written.append(json.dumps({**content, "hash": previous}, ensure_ascii=False))
        # A clock that was set back begins no earlier file: the order of the lines is that of the files.
        path = max([home.log / f"{moment:%Y-%m}.jsonl", home.log / f"{head['begins']}.jsonl", *_all_files(home)[-1:]])
        path.touch(mode=0o600)
        _cut_half_line(path)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in written)
            file.flush()
            os.fsync(file.fileno())
        _keep_head(home, key, {**head, "last": previous, "lines": head["lines"] + len(written)})
        # After the head, or a kill would leave a log that counts as lost.
        if LOG_BEGUN.read(home) is None:
            LOG_BEGUN.write(home, LogBegun(moment))


def check_can_log(home: Home) -> None:
    """Raises OSError that names the log when no more can be written there, and VroegError when there is no key: what is to
    be logged must not happen then.
    """
    try:
        hash_key(home)
        with locked(home), temporary_file(home.log) as temporary:
            temporary.write_bytes(b" " * _ROOM)
            for path in _all_files(home)[-1:]:
                path.open("ab").close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(home.log)) from None


def read_log(home: Home) -> Iterator[Mapping[str, Any]]:
    """All lines, oldest first; one that is no JSON is left out, as `what_is_wrong_with` tells of it."""
    for path in _files(home):
        for line in _lines(path):
            if (content := _parsed(line)) is not None:
                yield content


def lines_after(home: Home, place: LogPlace) -> Iterator[tuple[LogPlace, Mapping[str, Any]]]:
    """The lines behind that place, each with the place behind it. One that is still being written waits, and one that was
    altered is left out, as `what_is_wrong_with` tells of it.
    """
    key = hash_key(home)
    for path in _files(home):
        if path.name < place.file:
            continue
        with path.open("rb") as file:
            # What is shorter than it was is another file, as a back-up brings one.
            at = place.at if path.name == place.file and place.at <= path.stat().st_size else 0
            file.seek(at)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                at += len(line)
                content = _parsed(line.decode(errors="replace")) or {}
                if content.pop("hash", "") == _seal(key, content):
                    yield LogPlace(path.name, at), content


def what_is_wrong_with(home: Home) -> str | None:
    """The first thing that shows that the log was altered or cut, naming file and line; None when it is whole."""
    if not (home.log / _HEAD).exists():
        if _files(home):
            return f"log/{_HEAD} is gone, which tells where the log ends"
        # The warehouse and notes of runs: those that are older than the note of the log.
        was_begun = LOG_BEGUN.read(home) or DONE.months(home) or home.warehouse.exists()
        return "log/ holds nothing, though months were run or commands logged" if was_begun else None
    key = hash_key(home)
    with locked(home):
        if not _is_sealed(home, key):
            return f"log/{_HEAD} was altered, or the key is another one"
        head = _head(home, key)
    previous, found = head["since"], 0
    for path in _files(home):
        for number, line in enumerate(_lines(path), 1):
            where = f"log/{path.name} line {number}"
            content = _parsed(line)
            if content is None:
                return f"{where} was altered: it is no line of a log"
            own = content.pop("hash", "")
            if own != _seal(key, content):
                return f"{where} was altered, or the key is another one"
            if content.get("action") == _LOST:
                return f"before {where} log/{_HEAD} was lost: lines may have been removed there"
            if content["previous"] != previous:
                return f"before {where} something was removed"
            previous, found = own, found + 1
    if found < head["lines"]:
        return f"at the end {head['lines'] - found} lines were removed"
    return f"log/{_HEAD} was altered" if previous != head["last"] else None


def remove_before(home: Home, month: str) -> int:
    """Removes the files of the months before `<YYYY-MM>`, whose term is over; gives their number. What is left is whole.

    The head says first where the log begins: what a kill leaves of earlier months is no part of it, and goes the next time.
    Where the head is lost nothing goes before a line says so.
    """
    if not (gone := [path for path in _all_files(home) if path.name < month]):
        return 0
    key = hash_key(home)
    with locked(home):
        if not _is_sealed(home, key):
            return 0
        head = _head(home, key)
        if month > head["begins"]:
            removed = [line for path in _files(home) if path in gone for line in _lines(path)]
            since = (_parsed(removed[-1]) or {}).get("hash", _NOTHING) if removed else head["since"]
            _keep_head(home, key, {**head, "lines": head["lines"] - len(removed), "since": since, "begins": month})
        for path in gone:
            path.unlink()
    return len(gone)


_HEAD = "head.json"
# The action of the line that says so.
_LOST = "log head lost"


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Nobody else adds to it in the block."""
    with alone(private_folder(home.log) / ".lock"):
        yield


def _all_files(home: Home) -> Sequence[Path]:
    return sorted(home.log.glob(_LINES))


def _files(home: Home) -> Sequence[Path]:
    """Those of the log: of the months from which on it is kept, oldest first."""
    begins = _noted(home).get("begins", "")
    return [path for path in _all_files(home) if path.name >= begins]


def _lines(path: Path) -> Sequence[str]:
    """Those that were written whole. Only a newline ends one: other ends of lines may stand in it."""
    return path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]


def _cut_half_line(path: Path) -> None:
    """What a full disk left of a line would make the next one none."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) and "previous" in content else None


def _seal(key: bytes, content: Mapping[str, Any]) -> str:
    return hmac.digest(key, json.dumps(content, sort_keys=True).encode(), "sha256").hex()


def _noted(home: Home) -> dict[str, Any]:
    """What stands in the head, whoever wrote it; nothing where it is no head."""
    try:
        noted = json.loads((home.log / _HEAD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) and isinstance(noted.get("begins", ""), str) else {}


def _is_sealed(home: Home, key: bytes) -> bool:
    noted = _noted(home)
    return bool(noted.pop("hash", None) == _seal(key, noted))


def _head(home: Home, key: bytes) -> dict[str, Any]:
    """The hash of the `last` line, the number of `lines`, the hash before the first (`since`), and from which month on the
    log is kept (`begins`); of a log that is still to begin too, and of what lines there are where the head is lost.

    A kill between the lines and the head leaves lines that follow on it: they count.
    """
    head: dict[str, Any] = {"last": _NOTHING, "lines": 0, "since": _NOTHING, "begins": ""}
    if not _is_sealed(home, key):
        if there := [_parsed(line) or {} for path in _all_files(home) for line in _lines(path)]:
            last, since = there[-1].get("hash", _NOTHING), there[0].get("previous", _NOTHING)
            head |= {"last": last, "lines": len(there), "since": since}
        return head
    head |= _noted(home)
    head.pop("hash", None)
    for content in _ahead(home, head["last"]):
        own = content.pop("hash", "")
        if content["previous"] == head["last"] and own == _seal(key, content):
            head["last"], head["lines"] = own, head["lines"] + 1
    return head


def _ahead(home: Home, last: str) -> Sequence[dict[str, Any]]:
    """The lines of the newest file behind the one with this hash; none where it is the last, as it nearly always is."""
    newest = _files(home)[-1:]
    text = _lines(newest[0]) if newest else []
    ahead: list[dict[str, Any]] = []
    for line in reversed(text):
        content = _parsed(line)
        if content is None or content.get("hash") == last:
            break
        ahead.append(content)
    return ahead[::-1]


def _keep_head(home: Home, key: bytes, head: Mapping[str, Any]) -> None:
    with replacing(home.log / _HEAD) as temporary:
        temporary.write_text(json.dumps({**head, "hash": _seal(key, head)}), encoding="utf-8")


def _lost(now: datetime) -> Done:
    return Done(_LOST, f"log/{_HEAD}", "failed: it was removed or altered", COMMAND_LINE, account(), now)


@cache
def _version() -> str:
    return metadata.version("vroeg-pipeline")


def _span(done: Done, moment: datetime, key: bytes) -> dict[str, Any]:
    attributes = {ACTIVITY: f"vroegsignalering/{re.sub('[^a-z0-9]+', '-', done.action.lower())}"}
    if done.subject:
        attributes[SUBJECT] = subject_id(key, done.subject)
        attributes[f"{SUBJECT}_type"] = SUBJECT_TYPE
    return {
        "trace_id": _trace.get(None) or secrets.token_hex(16),
        "span_id": secrets.token_hex(8),
        "name": done.action,
        "start_time": _text(done.started),
        "end_time": _text(moment),
        "status": "error" if done.result.startswith("failed") else "ok",
        "resource": {"service.name": "vroeg-pipeline", "service.version": _version()},
        "attributes": attributes,
        "time": _text(moment),
        "action": done.action,
        "object": done.object,
        "result": done.result,
        "origin": done.origin,
        "actor": done.actor,
        **({"details": dict(done.details)} if done.details else {}),
    }


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def lines_when_whole(home: Home) -> int:
    """The number of lines of a log that is whole. Raises VroegError that names the first line that is not."""
    if wrong := what_is_wrong_with(home):
        raise VroegError(wrong, where=home.log, do="find out who could write there, and keep a copy as it is")
    return sum(1 for _ in read_log(home))
