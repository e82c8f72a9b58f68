"""`VROEG_HOME`: the one folder of an installation, its parts and their permissions (DOMAIN §12, §13).

What is written in the files is read by `domain`; what lies in the inbox is looked at by `deliveries.inbox`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import month_text
from vroeg_pipeline.domain.partners import Partners, parse_partners
from vroeg_pipeline.domain.settings import Settings, parse_settings

# In the folder of a cooperation: its towns, and the file by which Dagster finds them.
TOWNS, WORKSPACE = "towns", "workspace.yaml"
CHECKOUT = Path(__file__).resolve().parents[2]
# Everything temporary says in its name which process made it: its number, when that began, and on which machine.
_TEMPORARY = ".tmp"
# With the write-ahead logs that DuckDB keeps beside it.
_LEFTOVERS = (f".*{_TEMPORARY}", f".*{_TEMPORARY}.wal*")
_MADE_BY = re.compile(r"\.(\d+)-(\d*)(?:@([0-9a-f]{8}))?-")
# Of what does not say so (releases before this one), and of another machine, whose processes nobody knows here.
_NOBODYS_SECONDS = 24 * 3600


def is_of_many() -> bool:
    """Whether the environment names many towns (`VROEG_TOWNS`), and none of them."""
    return bool(os.environ.get("VROEG_TOWNS")) and not os.environ.get("VROEG_HOME")


def command_of(town: str) -> str:
    """How commands begin where people are told what to type: those of a town among others, or (empty) by itself."""
    return f"vroeg --town {town}" if town else "vroeg"


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, a byte order mark taken off.

    Raises VroegError when the file cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise VroegError("is not UTF-8 text", where=path, do="save it as UTF-8") from None
    except OSError as error:
        raise VroegError(f"cannot be read ({error.strerror})", where=path, do="check that it is there") from None


@dataclass(frozen=True)
class Home:
    """The paths of one installation. Making one touches nothing on disk."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """`VROEG_HOME`, or `data/` in the checkout.

        Raises VroegError where the environment names many towns and none of them.
        """
        if is_of_many():
            raise VroegError("which town?", do="give it: vroeg --town NAME …")
        return cls(Path(os.environ.get("VROEG_HOME") or CHECKOUT / "data").expanduser().resolve())

    @property
    def agreements(self) -> Path:
        return self.root / "agreements"

    @property
    def settings(self) -> Path:
        return self.root / "settings.yaml"

    @property
    def reference(self) -> Path:
        return self.root / "reference"

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def quality(self) -> Path:
        """The quality reports (Data Docs)."""
        return self.root / "quality"

    @property
    def taken_in(self) -> Path:
        """Notes of what runs have worked on and what was agreed last; may be removed, then the months in the inbox are run
        again, and every agreement counts as always there. What people decided of files (`*.decided.json`) is a copy of
        what the warehouse has: keep it where that is lost.
        """
        return self.root / "taken_in"

    @property
    def alerts(self) -> Path:
        """What was told and what waits to be told."""
        return self.root / "alerts.json"

    @property
    def ddas_answers(self) -> Path:
        """What CBS is answered from, a file a month; made anew by every run of the month."""
        return self.root / "ddas"

    @property
    def log(self) -> Path:
        """Who asked for what, as JSON Lines."""
        return self.root / "log"

    @property
    def scratch(self) -> Path:
        """Where files lie while they are worked on; empty between runs."""
        return self.root / "tmp"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def hash_key(self) -> Path:
        """The key of keyed hashes, unless the environment has it (`installation.secrets`)."""
        return self.root / "hash.key"

    @property
    def secrets(self) -> Path:
        """The variables of one town of many, its keys among them; in no back-up (`installation.cooperation`)."""
        return self.root / "environment"

    @property
    def restoring(self) -> Path:
        """There while a back-up takes the place of what was there; else that did not end, and nothing may work here."""
        return self.root / "restore.unfinished"

    @property
    def requests(self) -> Path:
        """What residents asked for, by keyed hashes (`installation.requests`); never to be lost."""
        return self.root / "requests.json"

    @property
    def sample(self) -> Path:
        """The files of the inbox that are made up, by their hashes (`vroeg sample`); there in a sample world alone."""
        return self.root / "sample.json"

    @property
    def run_lock(self) -> Path:
        """Held by the run that is at work."""
        return self.root / "warehouse.lock"

    @property
    def cooperation(self) -> Path | None:
        """The folder of the cooperation that this is one town of (`vroeg towns`); None for a town by itself."""
        folder = self.root.parent.parent
        return folder if self.root.parent.name == TOWNS and (folder / WORKSPACE).exists() else None

    @property
    def town(self) -> str:
        """Its name among others, empty for a town by itself."""
        return self.root.name if self.cooperation else ""

    @property
    def command(self) -> str:
        """How its commands begin, where people are told what to type."""
        return command_of(self.town)

    @property
    def dagster(self) -> Path:
        """Dagster's own storage, which the towns of a cooperation share, unless `DAGSTER_HOME` says otherwise."""
        return Path(os.environ.get("DAGSTER_HOME") or (self.cooperation or self.root) / "dagster")

    def agreement_texts(self) -> dict[str, str]:
        """The files of the agreements, by name without .yaml.

        Raises VroegError when one cannot be read.
        """
        stray = [path for path in self.agreements.glob("*") if re.search(r"(?i)\.ya?ml$", path.name)]
        if stray := sorted(path for path in stray if path.suffix != ".yaml"):
            raise VroegError("an agreement's name ends in .yaml", where=stray[0], do="rename it")
        return {path.stem: read_text(path) for path in sorted(self.agreements.glob("*.yaml"))}

    def load_partners(self) -> Partners:
        """All agreements.

        Raises VroegError naming the file, the field and what was expected.
        """
        return parse_partners(self.agreement_texts().items())

    def load_settings(self) -> Settings:
        """The settings; the defaults where the file is absent.

        Raises VroegError naming the file, the field and what was expected.
        """
        return parse_settings(read_text(self.settings), "settings.yaml") if self.settings.exists() else Settings()

    def outbox_of(self, month: date) -> Path:
        return self.outbox / month_text(month)

    def make(self) -> None:
        """Makes the folders that hold personal data, owner-only; closes them where they stood open."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (self.inbox, self.archive, self.outbox, self.quality, self.scratch):
            private_folder(folder)


def check_restored(home: Home) -> None:
    """Raises VroegError where a restore was killed half way."""
    if home.restoring.exists():
        raise VroegError("a restore did not end", where=home.root, do=f"run it again: {home.command} restore DIR")


def is_settled(status: os.stat_result, settle_seconds: float, now: datetime) -> bool:
    """Whether a file that others write did not change for so long at the aware moment."""
    age = now.timestamp() - status.st_mtime
    if age < 0:
        # A sender with a wrong clock may date a file in the future; when it was put here is our own clock's word.
        age = now.timestamp() - status.st_ctime
    return settle_seconds <= 0 or age >= settle_seconds


def private_folder(folder: Path) -> Path:
    """The folder, made where absent, for the owner alone (0700)."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_mode & 0o077:
        with suppress(PermissionError):  # an inbox that belongs to the SFTP service keeps its owner's permissions
            folder.chmod(0o700)
    return folder


def _maker() -> str:
    """How the name of everything temporary begins that this process makes."""
    return f".{os.getpid()}-{_started(os.getpid())}@{_machine()}-"


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _started(process: int) -> str:
    """When a living process began, in ticks since the machine did, so that no clock matters; '' where nobody can tell."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    return ""


def _is_at_work(process: int, started: str) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, as somebody else's
    return _started(process) == started


def temporary_path(folder: Path) -> Path:
    """A name in the folder for something temporary that another program makes there, and removes when all goes well."""
    return folder / f"{_maker()}{secrets.token_hex(4)}{_TEMPORARY}"


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """An empty file in the folder for the owner alone (0600), removed at the end of the block if still there."""
    handle, name = tempfile.mkstemp(dir=private_folder(folder), prefix=_maker(), suffix=_TEMPORARY)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path | None = None) -> Iterator[Path]:
    """A folder for the owner alone (0700), removed with all that is in it at the end of the block; in that of the machine
    for what is temporary where no other is named, and then what killed processes left there goes first.
    """
    if folder is None:
        folder = Path(tempfile.gettempdir())
        _clear(folder.glob(f".*-vroeg{_TEMPORARY}"))
        suffix = f"-vroeg{_TEMPORARY}"
    else:
        private_folder(folder)
        suffix = _TEMPORARY
    with tempfile.TemporaryDirectory(dir=folder, prefix=_maker(), suffix=suffix, ignore_cleanup_errors=True) as made:
        yield Path(made)


def folders_in(parent: Path, pattern: str = "*") -> Iterator[Path]:
    """The folders below that match; no link on the way to one is followed (DOMAIN §4)."""
    real = parent.resolve()
    return (
        each for each in parent.glob(pattern) if each.is_dir() and each.resolve() == real / each.relative_to(parent)
    )


def is_leftover(path: Path) -> bool:
    """Whether it is named as what is temporary, or as what DuckDB keeps beside that."""
    return any(path.match(name) for name in _LEFTOVERS)


def clear_leftovers(home: Home, *, of_all_machines: bool = False) -> None:
    """Removes what killed processes left half written; what belongs to one that lives stays. The inbox is not ours.

    Of another machine that shares the folder it is removed after a day, as its processes are not known here;
    `of_all_machines`: at once, by who holds the lock of the installation and must leave nobody in any byte.
    """
    if not home.root.is_dir():
        return
    for folder in home.root.iterdir():
        if folder.is_dir() and not folder.is_symlink() and folder not in (home.inbox, home.dagster):
            _clear(filter(is_leftover, folder.glob(f"**/.*{_TEMPORARY}*")), of_all_machines=of_all_machines)
    # Of the folders of Dagster only the first is written to by us.
    for folder in (home.root, home.dagster):
        _clear(filter(is_leftover, folder.glob(f".*{_TEMPORARY}*")), of_all_machines=of_all_machines)
    # What releases before this one left there has any name.
    with suppress(FileNotFoundError):
        _clear(home.scratch.iterdir(), of_all_machines=of_all_machines)


def clear_elsewhere(folder: Path) -> None:
    """Removes what killed processes left half written a day ago in a folder where other machines may write as well: whether
    theirs are at work cannot be known here.
    """
    found = folder.glob(f".*{_TEMPORARY}")
    _clear((path for path in found if _MADE_BY.match(path.name)), at_once=False)


def _clear(found: Iterable[Path], *, at_once: bool = True, of_all_machines: bool = False) -> None:
    for path in list(found):
        try:
            made = _MADE_BY.match(path.name)
            is_old = time.time() - path.lstat().st_ctime > _NOBODYS_SECONDS
            is_ours = made is not None and made[3] in (None, _machine())
            is_at_work = made is not None and is_ours and _is_at_work(int(made[1]), made[2])
            if is_at_work or not (is_old or (at_once and made and (is_ours or of_all_machines))):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except (FileNotFoundError, PermissionError):
            continue  # another process removed it, or it is that of another user


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` (0600) that takes its place when the block ends well, else is removed.

    Readers see the old content or the new, never half of it; a killed process leaves the old.
    """
    with temporary_file(path.parent) as temporary:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)


@contextmanager
def replacing_elsewhere(target: Path, do: str = "give another --output") -> Iterator[Path]:
    """The same for a file where a command was told to write it: the folder's permissions are not ours to change.

    Raises VroegError when nothing can be written there, which says what to `do`.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_maker(), suffix=_TEMPORARY)
    except OSError as error:
        raise VroegError(f"cannot be written ({error.strerror})", where=target, do=do) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
