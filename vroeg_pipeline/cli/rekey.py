"""Another encryption key of the warehouse (`vroeg rekey`): from one to another, from none to one and back (DOMAIN §12)."""

from __future__ import annotations

import os

from rich.console import Console

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.lake import WHERE as LAKE_SETTING
from vroeg_pipeline.installation.locking import run_lock
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY, WarehouseResource

OLD_KEY = "VROEG_OLD_ENCRYPTION_KEY"


def rekey(home: Home, out: Console) -> None:
    """Writes the warehouse anew with the key of `VROEG_ENCRYPTION_KEY`, and without one where that is not set; it is opened
    with that of `VROEG_OLD_ENCRYPTION_KEY`. A kill leaves the old file or the new one; a second time does no harm.

    Raises VroegError when neither key opens it, there is none yet, or another run holds the installation too long.
    """
    warehouse = WarehouseResource.of(Installation.load_or_last_good(home), out.print)
    if warehouse.lake:
        do = f"nothing: a DuckLake has a key of its own for each file; {ENCRYPTION_KEY} is that of a file alone"
        raise VroegError("the tables are a DuckLake", where=LAKE_SETTING, do=do)
    new, old = os.environ.get(ENCRYPTION_KEY, ""), os.environ.get(OLD_KEY, "")
    with run_lock(home.run_lock, "vroeg rekey", out.print, warehouse.lock_timeout_minutes * 60):
        if _opens(warehouse):
            out.print("The warehouse has that key already" if new else "The warehouse is not encrypted already")
            return
        try:
            _use(old)
            if not _opens(warehouse):
                what = f"neither {ENCRYPTION_KEY} nor {OLD_KEY} opens it"
                raise VroegError(what, where=home.warehouse, do=f"put the key that it has in {OLD_KEY}")
            warehouse.rewrite(key=new)
        finally:
            _use(new)
    out.print("The warehouse is encrypted with the new key" if new else "The warehouse is not encrypted any more")
    out.print(
        "Give the services the same environment, and start them again; back-ups keep the key that they were made with"
    )


def _use(key: str) -> None:
    if key:
        os.environ[ENCRYPTION_KEY] = key
    else:
        os.environ.pop(ENCRYPTION_KEY, None)


def _opens(warehouse: WarehouseResource) -> bool:
    try:
        with warehouse.connect(read_only=True):
            return True
    except VroegError as error:
        if "encrypt" in str(error):
            return False
        raise
