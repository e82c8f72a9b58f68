"""Back-ups on the command line (`vroeg backup`, `vroeg restore`): what was made, of when, and what is not in it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.installation import backup
from vroeg_pipeline.installation.dagster_home import CODE_LOCK, DAEMON_LOCK, code_socket
from vroeg_pipeline.installation.home import Home, is_settled, private_folder, temporary_folder
from vroeg_pipeline.installation.installation import Installation, current_moment
from vroeg_pipeline.installation.locking import answers, holder_of, run_lock
from vroeg_pipeline.installation.notes import BACK_UPS, BackUps
from vroeg_pipeline.installation.requests import Asked, all_requests
from vroeg_pipeline.installation.secrets import HASH_KEY
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource

# Nothing tells how long another may hold an installation that is not there yet.
_PATIENCE_SECONDS = 60


def back_up(home: Home, folder: Path, out: Console) -> None:
    """Writes a back-up into the folder, and prints what is to be known of it; waits for a run that is at work.

    Raises VroegError when there is no installation, or nothing can be written there.
    """
    if not home.root.is_dir():
        raise VroegError("there is no installation", where=home.root, do="check VROEG_HOME")
    if folder.resolve().is_relative_to(home.root):
        raise VroegError("lies in the installation itself", where=folder, do="give a folder on another disk")
    installation = Installation.load_or_last_good(home)
    settings, now = installation.settings, installation.now()
    largest = settings.max_file_mb * 2**20
    with run_lock(home.run_lock, "vroeg backup", out.print, settings.lock_timeout_minutes * 60):
        made, left_out = backup.back_up(
            home,
            WarehouseResource.of(installation, out.print),
            folder.resolve(),
            now,
            lambda status: status.st_size <= largest and is_settled(status, settings.settle_seconds, now),
        )
    out.print(f"{made.path}: {made.size / 2**20:,.1f} MiB, as of {moment_text(made.made_at)}")
    if left_out:
        out.print(f"Not in it: {left_out} files of the inbox that are still being written, or too large for any run")
    keys = [name for name in (HASH_KEY, ENCRYPTION_KEY) if os.environ.get(name)]
    keys = [*([] if HASH_KEY in keys else [home.hash_key.name]), *keys]
    keys += [home.secrets.name] if home.town and home.secrets.exists() else []
    out.print(f"Not in it: {' and '.join(keys)}, without which it cannot be restored whole; keep that elsewhere")


def restore(home: Home, source: Path, out: Console, *, overwrite: bool, new_hash_key: bool) -> None:
    """Puts a back-up in the place of what is there, and prints what is to be known of it.

    Raises VroegError when it is not whole, another key is needed, services are at work, or an installation is there and
    `overwrite` is not given; then all is as it was.
    """
    if home.town and answers(home.dagster / code_socket(home.town)):
        do = f"vroeg towns remove {home.town}, restore, and add it again"
        raise VroegError("its code server is at work", where=home.root, do=do)
    # The services of many towns may go on.
    for lock in () if home.town else (DAEMON_LOCK, CODE_LOCK):
        if holder := holder_of(home.dagster / lock):
            raise VroegError(f"{holder} is at work", where=home.root, do="stop the services first")
    if not overwrite and not backup.is_empty(home):
        do = "empty it but for hash.key, give another VROEG_HOME, or --overwrite"
        raise VroegError("there is an installation", where=home.root, do=do)
    private_folder(home.root)
    with run_lock(home.run_lock, "vroeg restore", out.print, _PATIENCE_SECONDS):
        unpacked = backup.restore(home, backup.newest_in(source), current_moment(), new_hash_key=new_hash_key)
    moment = moment_text(unpacked.made_at)
    out.print(f"Restored as of {moment}: {unpacked.files:,} files, in {home.root}")
    out.print(
        f"What came, was decided, told or issued after {moment} is not in it, and what was removed since is again:"
    )
    out.print("see docs/backup.md before you start the services")
    try:
        asked = [each for each in all_requests(home) if each.kind == Asked.ERASE and each.at > unpacked.made_at]
    except VroegError as error:
        out.print(str(error))
    else:
        if asked:
            numbers = ", ".join(str(each.number) for each in asked)
            out.print(f"Who was erased by these requests is there again: {numbers}; erase them again")
    if unpacked.log_is_wrong:
        out.print(f"Its log is not whole: {unpacked.log_is_wrong}")


def try_restoring(home: Home, source: Path, out: Console) -> None:
    """Unpacks a back-up, looks whether it could be restored, and notes that it could in an installation that is there;
    touches nothing else.

    Raises VroegError with what is wrong with it.
    """
    path = backup.newest_in(source)
    with temporary_folder(home.root) as folder:
        unpacked = backup.unpack(home, path, folder, new_hash_key=False)
    if home.agreements.is_dir():
        BACK_UPS.write(home, replace(BACK_UPS.read(home) or BackUps(), tested_at=current_moment()))
    out.print(f"{path} can be restored: {unpacked.files:,} files, as of {moment_text(unpacked.made_at)}")
    if unpacked.log_is_wrong:
        out.print(f"Its log is not whole: {unpacked.log_is_wrong}")
