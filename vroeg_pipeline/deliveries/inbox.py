"""What lies in the inbox, and how its bytes get safely into the archive (DOMAIN §4).

Partners write here, so nothing in it is trusted: links are not followed, only regular files are opened, names are
never used to build a path outside the archive. What a file means is judged by `deliveries.judged_files`.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import BufferedReader
from pathlib import Path

from vroeg_pipeline.domain.agreements import OUTCOMES, RESERVED_PARTNERS
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import is_month, month_text, parse_month
from vroeg_pipeline.installation.home import Home, is_settled, private_folder, temporary_file
from vroeg_pipeline.installation.kept_files import kept_path

UNFINISHED_SUFFIXES = (".part", ".tmp", ".filepart")
# The reason for leaving a file alone that the next look may find whole.
UNFINISHED = "still being written"
WITHDRAWALS, CONFIRMATIONS = "withdrawals", "confirmations"
# Folder names in the archive of partners without an agreement are not to be trusted, so they share one.
UNKNOWN_PARTNERS = "_unknown"

_CHUNK = 1 << 20
# Categories of Unicode that a name is not stored with: control characters, what has no meaning, line and paragraph ends.
_WRITTEN_OUT = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
# A file this much over max_file_mb is not copied: a sparse file of a terabyte costs its sender nothing.
_ARCHIVE_FACTOR = 20


@dataclass(frozen=True)
class InboxFile:
    """A regular, finished file in a month's folder of a partner."""

    partner: str
    month: date
    path: Path
    size: int
    modified_ns: int

    @property
    def name(self) -> str:
        return printable(self.path.name)

    @property
    def received_at(self) -> datetime:
        """When it came: its modification time (DOMAIN §4), to the microsecond, in UTC."""
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.modified_ns // 1000)


@dataclass
class Listing:
    """What a look into the inbox found, what of it is still being written, and how much was left alone, by reason."""

    files: list[InboxFile] = field(default_factory=list)
    unfinished: list[InboxFile] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def printable(name: str) -> str:
    """A file name as text that can be stored: bytes that are no UTF-8, control characters and line ends are written out."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in _WRITTEN_OUT else c for c in text
    )


def list_month(inbox: Path, month: date, settle_seconds: float, now: datetime) -> Listing:
    """The deliveries of a month, of every partner folder, known or not; in the order of their names.

    `now` is an aware moment; a file changed less than `settle_seconds` before it is left alone.
    """
    listing = Listing()
    for partner in _partners(inbox, listing.skipped):
        for of_month, folder in _month_folders(partner, listing.skipped, month):
            _list_folder(folder, partner.name, of_month, settle_seconds, now, listing)
    return listing


def list_slips(inbox: Path, kind: str, month: date, settle_seconds: float, now: datetime) -> Listing:
    """The withdrawal or confirmation files (`kind`) of a month, of every partner folder (DOMAIN §10)."""
    listing = Listing()
    # What else lies in the folders above is told of by the listing of the deliveries.
    for partner in _partners(inbox, Counter()):
        for of_month, folder in _month_folders(partner, Counter(), month):
            if _is_folder(folder / kind):
                _list_folder(folder / kind, partner.name, of_month, settle_seconds, now, listing)
    return listing


def list_returned(inbox: Path, sender: str, settle_seconds: float, now: datetime, month: date | None = None) -> Listing:
    """What teams or the address desk (`sender`) sent back, of one month or of all (DOMAIN §13)."""
    listing = Listing()
    if _is_folder(inbox / sender):
        for of_month, folder in _month_folders(inbox / sender, listing.skipped, month):
            _list_folder(folder, sender, of_month, settle_seconds, now, listing)
    return listing


def months_in(inbox: Path) -> list[date]:
    """Every month for which a partner, or what teams return, has a folder in the inbox, oldest first."""
    senders = [*_partners(inbox, Counter()), *([inbox / OUTCOMES] if _is_folder(inbox / OUTCOMES) else [])]
    return sorted({month for sender in senders for month, _ in _month_folders(sender, Counter())})


def _partners(inbox: Path, skipped: Counter[str]) -> Iterator[Path]:
    """The folder of each partner, in the order of their names."""
    return (folder for folder in _folders(inbox, skipped) if folder.name not in RESERVED_PARTNERS)


def _month_folders(sender: Path, skipped: Counter[str], month: date | None = None) -> Iterator[tuple[date, Path]]:
    """The folders of all months of a sender, or that of one."""
    for folder in _folders(sender, skipped):
        if not is_month(folder.name):
            skipped["not in a month folder"] += 1
        elif month in (None, parse_month(folder.name)):
            yield parse_month(folder.name), folder


def _folders(parent: Path, skipped: Counter[str]) -> Iterator[Path]:
    for entry in _entries(parent, skipped):
        if entry.is_symlink():
            skipped["link"] += 1
        elif entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)
        else:
            skipped["not in a month folder"] += 1


def _entries(folder: Path, skipped: Counter[str]) -> list[os.DirEntry[str]]:
    try:
        return sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):  # there is none, or it was taken away in this moment
        return []
    except PermissionError:
        skipped["folder that may not be read"] += 1
        return []


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _list_folder(
    folder: Path, sender: str, month: date, settle_seconds: float, now: datetime, listing: Listing
) -> None:
    for entry in _entries(folder, listing.skipped):
        if entry.is_symlink():
            listing.skipped["link"] += 1
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in (WITHDRAWALS, CONFIRMATIONS):
                listing.skipped["folder in a month folder"] += 1
        elif not entry.is_file(follow_symlinks=False):
            listing.skipped["no regular file"] += 1
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # taken away since the folder was listed
                continue
            found = InboxFile(printable(sender), month, Path(entry.path), status.st_size, status.st_mtime_ns)
            if not entry.name.lower().endswith(UNFINISHED_SUFFIXES) and is_settled(status, settle_seconds, now):
                listing.files.append(found)
            else:
                listing.unfinished.append(found)
                listing.skipped[UNFINISHED] += 1


@dataclass(frozen=True)
class Archived:
    """A file's bytes in the archive. `path` is None where it was far too large to keep."""

    sha256: str
    path: Path | None


class NotTakenError(Exception):
    """The file cannot be taken in now; the text says why, without its name."""


def archive_file(home: Home, file: InboxFile, folder: str, max_file_mb: float) -> Archived:
    """Copies a file's bytes to `archive/<folder>/<YYYY-MM>/<sha256>`, owner-only, with its modification time.

    Bytes from which somebody was erased since do not come back: what was kept of them stays, and they leave the inbox.
    Bytes that are there already are left. Raises NotTakenError when it is no longer the regular file that was listed, or
    changed while it was read.
    """
    with _opened(file) as source:
        if file.size > max_file_mb * _ARCHIVE_FACTOR * 1024 * 1024:
            return Archived(_fingerprint_of_start(source.read(_CHUNK), file.size), None)
        month_folder = private_folder(_archive_of(home, folder, file.month))
        digest = hashlib.sha256()
        with temporary_file(month_folder) as temporary:
            with temporary.open("wb") as copy:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
                copy.flush()
                os.fsync(copy.fileno())
            _check_unchanged(source, file)
            kept = kept_path(month_folder / digest.hexdigest())
            if kept.exists():
                take_out_of_inbox(file)
                return Archived(digest.hexdigest(), kept)
            os.utime(temporary, ns=(file.modified_ns, file.modified_ns))
            kept = month_folder / digest.hexdigest()
            temporary.replace(kept)
    return Archived(digest.hexdigest(), kept)


def take_out_of_inbox(file: InboxFile) -> None:
    """Removes the file, as somebody in it was erased. Raises VroegError where its folder is not ours to change."""
    try:
        file.path.unlink(missing_ok=True)
    except OSError as error:
        what = f"a file with somebody who was erased cannot be removed ({error.strerror})"
        do = "let the service write in the inbox, or remove the files of this month that came before the request"
        raise VroegError(what, where=f"inbox, {month_text(file.month)}", do=do) from None


def take_bytes_out_of_inbox(files: Iterable[InboxFile], sha256: str, size: int) -> None:
    """Removes each of the files that has these bytes. Raises VroegError as `take_out_of_inbox` does."""
    for file in files:
        if file.size != size:
            continue
        # What was taken away or changed since it was listed is looked at when it is taken in.
        with suppress(NotTakenError):
            with _opened(file) as source:
                is_it = hashlib.file_digest(source, "sha256").hexdigest() == sha256
            if is_it:
                take_out_of_inbox(file)


def find_archived(home: Home, month: date, sha256: str, *folders: str) -> Path | None:
    """Where the archive has these bytes, or what was kept of them, in the first of the folders that has them."""
    paths = (_archive_of(home, folder, month) / sha256 for folder in folders)
    return next((path for each in paths for path in (kept_path(each), each) if path.is_file()), None)


def archive_files(
    home: Home, listing: Listing, folder_of: Callable[[InboxFile], str], max_file_mb: float
) -> Iterator[tuple[InboxFile, Archived]]:
    """Each file of the listing, archived in its folder; what cannot be taken in now joins what was left alone."""
    for file in listing.files:
        try:
            archived = archive_file(home, file, folder_of(file), max_file_mb)
        except NotTakenError as reason:
            listing.skipped[str(reason)] += 1
        else:
            yield file, archived


def _archive_of(home: Home, folder: str, month: date) -> Path:
    return home.archive / folder / month_text(month)


def content_of(file: InboxFile, max_file_mb: float) -> str:
    """What identifies a file's bytes, as `archive_file` does, without keeping them.

    Raises NotTakenError when it is no longer the regular file that was listed, or changed while it was read.
    """
    with _opened(file) as source:
        if file.size > max_file_mb * _ARCHIVE_FACTOR * 1024 * 1024:
            return _fingerprint_of_start(source.read(_CHUNK), file.size)
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        _check_unchanged(source, file)
    return digest


@contextmanager
def _opened(file: InboxFile) -> Iterator[BufferedReader]:
    """The file as it was listed: no link, no pipe that would be waited for, not another one of that name."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotTakenError(f"cannot be opened ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotTakenError("is no regular file")
        yield source


def _check_unchanged(source: BufferedReader, file: InboxFile) -> None:
    status = os.fstat(source.fileno())
    if (status.st_size, status.st_mtime_ns) != (file.size, file.modified_ns):
        raise NotTakenError("changed while it was read")


def _fingerprint_of_start(start: bytes, size: int) -> str:
    return hashlib.sha256(start + f"|{size}".encode()).hexdigest()
