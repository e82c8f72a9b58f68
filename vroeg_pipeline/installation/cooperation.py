"""`VROEG_TOWNS`: the folder of many towns, each an installation of its own, that share one Dagster (docs/adr/0033).

`towns/NAME/` is a town's `VROEG_HOME`; `workspace.yaml` names those that are served; `dagster/` is Dagster's home.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.dagster_home import code_socket
from vroeg_pipeline.installation.home import TOWNS, WORKSPACE, Home, is_of_many, private_folder, read_text, replacing
from vroeg_pipeline.installation.secrets import HASH_KEY, hash_key
from vroeg_pipeline.installation.warehouse import ENCRYPTION_KEY

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
# How the keys of deliveries begin, which a town's own come after.
_TAKEN = "deliveries"
_MADE = "# Made by `vroeg towns`: the code locations, one a town, that webserver, daemon and code server share.\n"


@dataclass(frozen=True)
class Cooperation:
    """The paths of many towns. Making one touches nothing on disk."""

    root: Path

    @classmethod
    def from_environment(cls) -> Cooperation:
        """That of `VROEG_TOWNS`.

        Raises VroegError when it is not set.
        """
        if folder := os.environ.get("VROEG_TOWNS"):
            return cls(Path(folder).expanduser().resolve())
        raise VroegError("VROEG_TOWNS is not set", do="set it to the folder of all towns (docs/towns.md)")

    @property
    def dagster(self) -> Path:
        """Dagster's own home, unless `DAGSTER_HOME` says otherwise."""
        return Path(os.environ.get("DAGSTER_HOME") or self.root / "dagster")

    @property
    def workspace(self) -> Path:
        """Where webserver and daemon find the code server of each town."""
        return self.root / WORKSPACE

    def names(self) -> Sequence[str]:
        """The towns that are served.

        Raises VroegError when the folder is not there, as a mistyped one, or the workspace is none of ours.
        """
        if not self.root.is_dir():
            do = "check VROEG_TOWNS, or make it: vroeg towns add NAME"
            raise VroegError("there is no such folder", where=self.root, do=do)
        if not self.workspace.exists():
            return ()
        try:
            served = (yaml.safe_load(read_text(self.workspace)) or {}).get("load_from") or ()
            return sorted(each["grpc_server"]["location_name"] for each in served)
        except (yaml.YAMLError, AttributeError, KeyError, TypeError):
            raise VroegError("is no workspace of towns", where=self.workspace, do="put the former one back") from None

    def home(self, name: str) -> Home:
        """The installation of a town, served or not."""
        return Home(self.root / TOWNS / name)

    def homes(self) -> Sequence[Home]:
        """The installations of the towns that are served."""
        return [self.home(name) for name in self.names()]

    def home_of_served(self, name: str) -> Home:
        """The installation of a town that is served.

        Raises VroegError when there is none of that name.
        """
        if name not in self.names():
            known = ", ".join(self.names()) or "none yet"
            raise VroegError(f"there is no town {name!r}", where=self.root, do=f"give one of these: {known}")
        return self.home(name)

    def add(self, name: str) -> Home:
        """Makes a town's installation, with its own key, and has it served; one that is there is taken as it is.

        Raises VroegError when the name does not fit, or is served already.
        """
        if not is_name_of_town(name):
            what = f"{name!r} is no name for a town"
            raise VroegError(what, do=f"use small letters, digits and -, beginning with a letter; not {_TAKEN}")
        home = self.home(name)
        for folder in (self.root, home.root.parent):
            private_folder(folder)
        if name in self.names():
            raise VroegError(f"{name} is served already", where=self.root)
        home.make()
        for folder in (home.agreements, home.reference):
            private_folder(folder)
        hash_key(home)
        self._serve([*self.names(), name])
        return home

    def remove(self, name: str) -> Home:
        """Has the town served no more; its folder stays.

        Raises VroegError when there is none of that name.
        """
        home = self.home_of_served(name)
        self._serve([each for each in self.names() if each != name])
        return home

    def _serve(self, names: Sequence[str]) -> None:
        served = [
            {"grpc_server": {"socket": str(self.dagster / code_socket(name)), "location_name": name}}
            for name in sorted(names)
        ]
        with replacing(self.workspace) as temporary:
            temporary.write_text(_MADE + yaml.safe_dump({"load_from": served}), encoding="utf-8")


def is_name_of_town(name: str) -> bool:
    """Whether a town can be called so."""
    return bool(_NAME.fullmatch(name)) and name != _TAKEN


def homes_of_environment() -> Sequence[Home]:
    """The installations that a process of Dagster works for."""
    return Cooperation.from_environment().homes() if is_of_many() else [Home.from_environment()]


def check_no_key_is_shared() -> None:
    """Raises VroegError when the environment has a key that every town would then have."""
    for name in (HASH_KEY, ENCRYPTION_KEY):
        if os.environ.get(name):
            what = f"{name} is set for all towns, and each has its own"
            raise VroegError(what, do="put it in the file environment of the town that it is of")


def variables_of(home: Home) -> dict[str, str]:
    """What stands in the file `environment` of a town: NAME=value, a line each, as systemd reads one. Nothing for an
    installation by itself, which has the environment.

    Raises VroegError when others can read the file, or a line is none such.
    """
    path = home.secrets
    if not home.town or not path.exists():
        return {}
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise VroegError("can be read by others", where=path, do="chmod 600")
    found = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            name, is_given, value = line.partition("=")
            if not (is_given and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
                raise VroegError(f"line {number} is not NAME=value", where=path)
            found[name] = value
    return found


def enter(home: Home) -> None:
    """Makes this process one of the installation: `VROEG_HOME`, and the variables of a town."""
    os.environ.update(variables_of(home), VROEG_HOME=str(home.root))
