"""An installation in one file, and back (docs/adr/0030).

A tar with everything of `VROEG_HOME` but what is made anew (Dagster's storage, what is temporary) and `hash.key`, which is
kept apart; encrypted with the key of the warehouse where that has one. Its last member lists the files with what their bytes
add up to, sealed with `hash.key`: what was cut or altered shows before anything takes the place of what is there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import (
    Home,
    clear_elsewhere,
    clear_leftovers,
    is_leftover,
    private_folder,
    replacing_elsewhere,
    temporary_folder,
)
from vroeg_pipeline.installation.log import locked, what_is_wrong_with
from vroeg_pipeline.installation.notes import BACK_UPS, LOG_SENT, SEALED, BackUp, BackUps
from vroeg_pipeline.installation.requests import all_requests
from vroeg_pipeline.installation.sealing import MAGIC, SealedReader, SealedWriter
from vroeg_pipeline.installation.secrets import HASH_KEY, hash_key
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource

_NAME = "vroeg_*.tar*"
_LIST = "back_up.json"
_CHUNK = 2**20
_ANOTHER = "take another back-up"


@dataclass(frozen=True)
class Unpacked:
    """What a back-up held: when it was made, how many files, and what is wrong with its log (None: it is whole)."""

    made_at: datetime
    files: int
    log_is_wrong: str | None


def back_up(
    home: Home, warehouse: WarehouseResource, folder: Path, now: datetime, is_taken: Callable[[os.stat_result], bool]
) -> tuple[BackUp, int]:
    """Writes all of the installation into a new file in the folder, and notes it; gives it and how many files of the inbox
    are not in it. Only by who holds the lock of the installation.

    `now` is aware. `is_taken`: whether a file of the inbox is, as partners write there meanwhile. Raises VroegError when
    nothing can be written there. A kill leaves no file of that name.
    """
    words = os.environ.get(ENCRYPTION_KEY, "")
    path = folder / f"vroeg_{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.tar{SEALED if words else ''}"
    clear_leftovers(home)
    clear_elsewhere(folder)
    with replacing_elsewhere(path, "give another folder") as temporary, _readable(path):
        with temporary.open("wb") as file, _sealed(file, words) as stream:
            left_out = _write(home, warehouse, stream, now, is_taken)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        size = temporary.stat().st_size
    _sync(folder)
    made = BackUp(now, str(path), size)
    noted = BACK_UPS.read(home) or BackUps()
    BACK_UPS.write(home, BackUps((*(each for each in noted.made if is_there(each)), made), noted.tested_at))
    return made, left_out


def is_there(each: BackUp) -> bool:
    """Whether the file can be seen from here."""
    with suppress(OSError):
        return Path(each.path).exists()
    return False


def newest_in(source: Path) -> Path:
    """The file itself, or the newest back-up of a folder. Raises VroegError when there is none."""
    if source.is_file():
        return source
    found = sorted(source.glob(_NAME)) if source.is_dir() else []
    if not found:
        raise VroegError("there is no back-up", where=source, do="give the folder of vroeg backup, or a file of it")
    return found[-1]


def restore(home: Home, source: Path, now: datetime, *, new_hash_key: bool) -> Unpacked:
    """Puts what the back-up holds in the place of all that the installation has, but its `hash.key`, Dagster's storage, what
    residents asked for, and its log where that is whole: those go on. Only by who holds the lock of the installation.

    Raises VroegError when the back-up is not whole or needs another key; then nothing was changed. A kill leaves all as it
    was, or `Home.restoring`, with which nothing works until this was done again.
    """
    private_folder(home.root)
    kept = _spared(home)
    for entry in home.root.iterdir():
        if entry not in kept and (entry.is_symlink() or entry.is_mount()):
            raise VroegError("is a link or a mount", where=entry, do="take it away; restore puts a folder there")
    noted, sent = BACK_UPS.read(home), None
    with temporary_folder(home.root) as staged:
        unpacked = unpack(home, source, staged, new_hash_key=new_hash_key)
        if any(home.log.glob("*.jsonl")) and what_is_wrong_with(home) is None:
            kept.add(home.log)
            sent = LOG_SENT.read(home)
            shutil.rmtree(staged / home.log.name, ignore_errors=True)
        if _requests_can_be_read(home):
            kept.add(home.requests)
        home.restoring.touch(mode=0o600)
        _sync(home.root)
        for entry in home.root.iterdir():
            if entry not in {*kept, staged}:
                _remove(entry)
        for entry in staged.iterdir():
            if home.root / entry.name not in kept:
                entry.rename(home.root / entry.name)
    made = BackUp(unpacked.made_at, str(source.resolve()), source.stat().st_size)
    noted = noted or BACK_UPS.read(home) or BackUps()
    BACK_UPS.write(home, BackUps((*(each for each in noted.made if each.path != made.path), made), now))
    if sent:
        LOG_SENT.write(home, sent)
    _sync(home.root)
    home.restoring.unlink()
    return unpacked


def _requests_can_be_read(home: Home) -> bool:
    with suppress(VroegError):
        return bool(all_requests(home))
    return False


def is_empty(home: Home) -> bool:
    """Whether there is no file that `restore` would remove, or one did not end."""
    if not home.root.exists() or home.restoring.exists():
        return True
    tops = [top for top in home.root.iterdir() if top not in _spared(home) and not is_leftover(top)]
    return all(path.is_dir() for top in tops for path in (top, *top.rglob("*")))


def unpack(home: Home, source: Path, into: Path, *, new_hash_key: bool) -> Unpacked:
    """Puts the files of the back-up into an empty folder, and looks whether all are as they were and the warehouse opens.

    `new_hash_key`: the key that the back-up was made with is lost, and its seal is not looked at. Raises VroegError with
    what is wrong.
    """
    key = _key_of(home)
    if key is None and not new_hash_key:
        do = f"put the one it was made with in {home.hash_key} or {HASH_KEY}; if it is lost: --new-hash-key"
        raise VroegError("hash.key is kept apart from a back-up, and is not here", where=home.root, do=do)
    with source.open("rb") as file, _readable(home.root):
        found = _read(_opened(file, source), into, source)
    content = _listed(found, into, source)
    seal = content.pop("seal", None)
    if not new_hash_key and not hmac.compare_digest(str(seal), _seal(key or b"", content)):
        do = "put the hash.key there that it was made with; if that is lost: --new-hash-key"
        raise VroegError("it was altered, or made with another hash.key", where=source, do=do)
    files: Mapping[str, Any] = content["files"]
    if wrong := [name for name, (digest, _) in files.items() if found.get(name) != digest]:
        raise VroegError(f"{len(wrong)} of its {len(files)} files are not as they were", where=source, do=_ANOTHER)
    # What changed while it was copied is not on the list.
    for name in found.keys() - files.keys():
        (into / name).unlink()
    for name, (_, modified) in files.items():
        os.utime(into / name, ns=(modified, modified))
    staged = Home(into)
    if staged.warehouse.exists():
        with WarehouseResource(home=str(into)).connect(read_only=True) as connection:
            connection.execute("SELECT count(*) FROM delivery_files").fetchall()
    if key is not None and not os.environ.get(HASH_KEY):
        shutil.copy2(home.hash_key, staged.hash_key)
    log_is_wrong = what_is_wrong_with(staged) if key is not None else "the key that it was made with is lost"
    return Unpacked(datetime.fromisoformat(content["made_at"]), len(files), log_is_wrong)


@contextmanager
def _readable(where: Path) -> Iterator[None]:
    """An error that names no file, as that of a full disk, as one that can be mended."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise VroegError(f"cannot be written ({error.strerror})", where=where, do="look how full the disk is") from None


def _key_of(home: Home) -> bytes | None:
    """The key, where there is one: none is made here."""
    return hash_key(home) if os.environ.get(HASH_KEY) or home.hash_key.exists() else None


def _spared(home: Home) -> set[Path]:
    """What is in no back-up, and what a restore lets stay."""
    return {
        home.dagster, home.root / "dagster", home.scratch, home.run_lock, home.hash_key, home.secrets, home.restoring,
    }  # fmt: skip


def _write(
    home: Home, warehouse: WarehouseResource, stream: Any, now: datetime, is_taken: Callable[[os.stat_result], bool]
) -> int:
    """Writes all files and the list of them; gives how many of the inbox were left out."""
    listed: dict[str, tuple[str, int]] = {}
    left_out = 0
    with tarfile.open(fileobj=stream, mode="w|", bufsize=_CHUNK, format=tarfile.PAX_FORMAT, dereference=True) as tar:
        # What is logged meanwhile would stand behind a head that does not know of it.
        with locked(home):
            for name, path in _walk(home.log):
                listed |= _add(tar, name, path)
        for top in sorted(home.root.iterdir()):
            if top in {*_spared(home), home.log, home.root / _LIST} or top.name.startswith(home.warehouse.name):
                continue
            of_inbox = top == home.inbox
            for name, path in _walk(top):
                added = _add(tar, name, path, is_taken if of_inbox else None)
                listed |= added
                left_out += of_inbox and not added and not path.is_dir()
        if warehouse.exists():
            with temporary_folder(home.scratch) as folder:
                warehouse.copy_to(folder / home.warehouse.name)
                listed |= _add(tar, home.warehouse.name, folder / home.warehouse.name)
        content = {"made_at": now.isoformat(), "files": listed}
        text = json.dumps({**content, "seal": _seal(hash_key(home), content)}).encode()
        info = tarfile.TarInfo(_LIST)
        info.size, info.mode = len(text), 0o600
        tar.addfile(info, BytesIO(text))
    return left_out


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    """What is in it and itself, each with its name in the back-up. Of links only the top itself is followed."""
    if is_leftover(top):
        return
    yield top.name, top.resolve()
    if not top.is_dir():
        return
    for folder, folders, files in os.walk(top, onerror=_stop):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not (here / name).is_symlink() and not is_leftover(here / name))
        for path in (here / name for name in (*folders, *sorted(files))):
            if not is_leftover(path):
                yield path.relative_to(top.parent).as_posix(), path


def _stop(error: OSError) -> None:
    """Without what may not be looked at a back-up would not be whole; what was taken away in this moment is gone."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _add(
    tar: tarfile.TarFile, name: str, path: Path, is_taken: Callable[[os.stat_result], bool] | None = None
) -> dict[str, tuple[str, int]]:
    """Adds a folder or file; of a file that is whole, the SHA-256 of its bytes and when it changed (ns), by its name.

    `is_taken`: of the inbox, where a file may change or go meanwhile. Raises VroegError for another that does.
    """
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
        if kind == stat.S_IFDIR:
            tar.addfile(_without_owner(tar.gettarinfo(path, name)))
        if kind != stat.S_IFREG:
            return {}
        # It may be no link a moment later either.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    except FileNotFoundError:
        return {}  # taken away in this moment
    with file:
        before = os.fstat(file.fileno())
        if is_taken is not None and not is_taken(before):
            return {}
        content = _Content(file)
        tar.addfile(_without_owner(tar.gettarinfo(None, name, file)), content)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
        return {name: (content.digest.hexdigest(), before.st_mtime_ns)}
    if is_taken is None:
        raise VroegError("changed while it was copied", where=path, do="run it again when nobody writes it")
    return {}


class _Content:
    """The bytes of a file as they are copied; a file that was cut meanwhile is filled up, as its length was told."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = 0, /) -> bytes:
        """So many bytes."""
        content = self._file.read(size).ljust(size, b"\0")
        self.digest.update(content)
        return content


def _without_owner(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def _seal(key: bytes, content: Mapping[str, Any]) -> str:
    return hmac.digest(key, json.dumps(content, sort_keys=True).encode(), "sha256").hex()


@contextmanager
def _sealed(file: BinaryIO, words: str) -> Iterator[Any]:
    if not words:
        yield file
        return
    stream = SealedWriter(file, words)
    yield stream
    stream.close()


def _opened(file: BinaryIO, source: Path) -> Any:
    words = os.environ.get(ENCRYPTION_KEY, "")
    is_sealed = file.read(len(MAGIC)) == MAGIC
    if is_sealed and not words:
        raise VroegError("is encrypted", where=source, do=f"set {ENCRYPTION_KEY} to the key that it was made with")
    if words and not is_sealed:
        do = f"unset {ENCRYPTION_KEY}; vroeg rekey encrypts what was restored"
        raise VroegError("is not encrypted, or no back-up", where=source, do=do)
    if is_sealed:
        return SealedReader(file, words, source)
    file.seek(0)
    return file


def _read(stream: Any, into: Path, source: Path) -> Mapping[str, str]:
    """Writes what the back-up holds into the folder; the SHA-256 of each file by its name."""
    found: dict[str, str] = {}
    folders: list[tuple[Path, int]] = []
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as tar:
            for member in tar:
                path = into / member.name
                if not PurePosixPath(member.name).is_absolute() and ".." not in PurePosixPath(member.name).parts:
                    if member.isdir():
                        path.mkdir(mode=0o700)
                        folders.append((path, member.mode))
                        continue
                    if member.isreg() and (content := tar.extractfile(member)) is not None:
                        found[member.name] = _copied(content, path)
                        path.chmod(member.mode & 0o777 | 0o600)
                        continue
                raise VroegError("holds what no back-up holds", where=source, do=_ANOTHER)
    except (tarfile.TarError, FileExistsError, FileNotFoundError, EOFError):
        raise VroegError("is no back-up, or was cut or altered", where=source, do=_ANOTHER) from None
    # The outer ones last, as they may be closed to us.
    for path, mode in reversed(folders):
        path.chmod(mode & 0o777 | 0o700)
    return found


def _copied(content: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _listed(found: Mapping[str, str], into: Path, source: Path) -> dict[str, Any]:
    if _LIST not in found:
        raise VroegError("was cut: the list of its files is missing", where=source, do=_ANOTHER)
    try:
        content = json.loads((into / _LIST).read_text(encoding="utf-8"))
        datetime.fromisoformat(content["made_at"])
        is_list = all([type(each) for each in sealed] == [str, int] for sealed in content["files"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        is_list = False
    if not is_list:
        raise VroegError("was altered: the list of its files cannot be read", where=source, do=_ANOTHER)
    return dict(content)


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
