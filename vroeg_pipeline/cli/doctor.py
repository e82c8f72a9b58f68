"""Whether an installation is set up right (`vroeg doctor`): a sentence for each thing that it stands on.

`vroeg health` tells whether it works by itself now; this tells why it would not. Looks and tells; it changes nothing. Names
of parts, files and counts only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import metadata

import duckdb
from packaging.requirements import Requirement
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vroeg_pipeline.addresses.register import register_source
from vroeg_pipeline.alerts.sensor import recipients, without_address
from vroeg_pipeline.automation.health import HealthFinding, disk_finding
from vroeg_pipeline.cli.alerts import try_channels
from vroeg_pipeline.cli.health import findings as health_findings
from vroeg_pipeline.domain.agreements import list_of_no_town
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import moment_text
from vroeg_pipeline.domain.partners import parse_partners
from vroeg_pipeline.domain.reading import nearest
from vroeg_pipeline.installation.dagster_home import COORDINATOR
from vroeg_pipeline.installation.home import Home, read_text
from vroeg_pipeline.installation.installation import CLOCK, Installation, current_moment
from vroeg_pipeline.installation.lake import WHERE as LAKE_SETTING
from vroeg_pipeline.installation.lake import Lake
from vroeg_pipeline.installation.notes import CLOSED
from vroeg_pipeline.installation.warehouse import CATALOG, ENCRYPTION_KEY, WarehouseResource
from vroeg_pipeline.matches.remembered import LOST_KEY, key_check
from vroeg_pipeline.worklists.routing import load_areas

# Lists that no line of `reference/areas.csv` names (DOMAIN §9).
LISTS_OF_NO_AREA = ("budgetcoach", "lichte_opvolging", "adresdesk")
# Long enough for a moment's use by another tool.
_PATIENCE_MINUTES = 0.1


def show_diagnosis(home: Home, out: Console, *, send_test: bool = False) -> None:
    """Prints what was found; `send_test`: every channel of the alerts gets a trial message besides.

    Raises VroegError when something is not right, after printing all.
    """
    found = list(diagnosis(home))
    table = Table(box=None, pad_edge=False, show_header=False)
    for finding in found:
        table.add_row("[green]✓[/]" if finding.healthy else "[red]✗[/]", finding.part, escape(finding.said))
    out.print(table)
    if send_test:
        try_channels(home, out)
    if wrong := [finding.part for finding in found if not finding.healthy]:
        raise VroegError(f"not right: {', '.join(wrong)}", do="the lines above say why")


def diagnosis(home: Home) -> Iterator[HealthFinding]:
    """Each part in its turn; one that is wrong hides no other. Of a folder that is not there nothing more can be said."""
    for part, look in _PARTS.items():
        try:
            said = look(home)
        except (VroegError, OSError) as error:
            yield HealthFinding(part, False, str(error))
        else:
            yield HealthFinding(part, True, said)
        if look is _folder and not home.root.is_dir():
            return


def doubts(installation: Installation) -> list[str]:
    """What can be read and is probably not meant: names of nothing in agreements and settings, a line each.

    Raises VroegError when the areas cannot be read.
    """
    agreements = installation.partners.agreements
    found = [
        f"agreements/{agreement.partner}.yaml: succeeds '{name}', which has no agreement{_or_else(name, agreements)}"
        for agreement in agreements.values()
        for name in agreement.succeeds
        if name not in agreements
    ]
    settings = installation.settings
    named = [(f"capacity of '{name}'", name) for name in settings.capacity]
    for channel, of in settings.alerts.channels.items():
        named += [(f"alerts.channels.{channel}: worklist '{name}'", name) for name in of.worklists]
    if named:
        lists = {*lists_of_areas(installation.home), *LISTS_OF_NO_AREA}
        found += [
            f"settings.yaml: {said}, a list that no area has{_or_else(name, lists)}"
            for said, name in named
            if (list_of_no_town(name) if settings.separate_municipalities else name) not in lists
        ]
    dagster_settings = installation.home.dagster / "dagster.yaml"
    if settings.log.user_header and dagster_settings.exists() and COORDINATOR not in read_text(dagster_settings):
        found.append(f"settings.yaml: log.user_header is read by {COORDINATOR}, which dagster.yaml does not name")
    closed = CLOSED.read(installation.home)
    if closed and closed.key_check and closed.key_check != key_check(installation.home):
        found.append(LOST_KEY)
    return found


def _or_else(name: str, known: Iterable[str]) -> str:
    guess = nearest(name, known)
    return f"; did you mean '{guess}'?" if guess else ""


def lists_of_areas(home: Home) -> set[str]:
    """The lists that areas have."""
    with duckdb.connect() as connection:
        load_areas(connection, home)
        lists = connection.execute("SELECT worklist FROM areas UNION SELECT worklist FROM buurt_areas").fetchall()
    return {name for (name,) in lists}


def _versions(_: Home) -> str:
    """What is installed must be what this release asks for."""
    asked = [Requirement(line) for line in metadata.requires("vroeg-pipeline") or ()]
    for each in asked:
        if each.marker and not each.marker.evaluate({"extra": ""}):
            continue
        version = _installed(each.name)
        if version is None or not each.specifier.contains(version, prereleases=True):
            what = f"{each.name} {version or 'is not installed'}, asked is {each.specifier or 'any version'}"
            raise VroegError(what, do="install again, with constraints.txt")
    return ", ".join(f"{name} {_installed(name)}" for name in ("vroeg-pipeline", "dagster", "duckdb"))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _folder(home: Home) -> str:
    """What holds personal data is for its owner alone (DOMAIN §12), and can be written by this user."""
    if not home.root.is_dir():
        do = f"check VROEG_HOME, or make a world: {home.command} sample"
        raise VroegError("there is no such folder", where=home.root, do=do)
    private = (home.inbox, home.archive, home.outbox, home.quality, home.scratch, home.warehouse, home.hash_key)
    there = [path for path in private if path.exists()]
    if closed := [path.name for path in (home.root, *there) if not os.access(path, os.W_OK, effective_ids=True)]:
        raise VroegError(f"cannot be written: {', '.join(closed)}", where=home.root, do="give them to this user")
    if opened := [path.name for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077]:
        raise VroegError(f"can be read by others: {', '.join(opened)}", where=home.root, do="chmod -R go= them")
    return f"{home.root} can be written; what names people is its owner's alone"


def _disk(home: Home) -> str:
    found = disk_finding(home)
    if not found.healthy:
        raise VroegError(found.said, where=home.root, do="make room")
    return found.said


def _settings(home: Home) -> str:
    home.load_settings()
    return "settings.yaml can be read" if home.settings.exists() else "there is no settings.yaml: all defaults"


def _agreements(home: Home) -> str:
    """All that is wrong, not the first alone."""
    try:
        partners = home.load_partners()
    except VroegError as error:
        wrong = [str(error)]
        for name, text in home.agreement_texts().items():
            try:
                parse_partners([(name, text)])
            except VroegError as alone:
                # An agreement that leans on another one cannot be judged alone.
                wrong += [] if str(alone) in wrong or "delivered_by" in text else [str(alone)]
        raise VroegError("; ".join(wrong)) from None
    if not partners.agreements:
        raise VroegError("there are none", where=home.agreements, do=f"add one, or make a world: {home.command} sample")
    return f"{len(partners.agreements)} can be read"


def _names(home: Home) -> str:
    if strange := doubts(Installation.load(home)):
        raise VroegError("; ".join(strange))
    if not (teams := lists_of_areas(home)):
        raise VroegError(
            "no area has a team", where="reference/areas.csv", do="add them: all for a team goes to the desk"
        )
    return f"all that agreements and settings name is there; {len(teams)} teams have areas"


def _register(home: Home) -> str:
    if (source := register_source(home)) is None:
        raise VroegError("there is no address register", where=home.reference, do="add one: no address is checked now")
    return f"{source.kind}: {', '.join(path.name for path in source.files)}"


def _encryption(home: Home) -> str:
    """Whether the key opens the warehouse is seen where it is opened."""
    warehouse = WarehouseResource.of(Installation.load_or_last_good(home), patience_minutes=_PATIENCE_MINUTES)
    if warehouse.lake:
        return _lake(warehouse, warehouse.lake)
    if warehouse.exists():
        with warehouse.connect(read_only=True):
            pass
    if os.environ.get(ENCRYPTION_KEY):
        return f"{ENCRYPTION_KEY} is set; keep a copy of it elsewhere, as nothing else opens the warehouse"
    return f"{ENCRYPTION_KEY} is not set: who reads the disk reads the warehouse"


def _lake(warehouse: WarehouseResource, lake: Lake) -> str:
    if warehouse.exists():
        with warehouse.connect(read_only=True) as connection:
            if values := lake.values_in_catalogue(connection, CATALOG):
                do = "start vroeg retention, and see who can read the catalogue and its back-ups (docs/server.md)"
                raise VroegError(f"the catalogue holds {values:,} values of rows", where=LAKE_SETTING, do=do)
    if not lake.encrypted:
        return f"encrypted is false: who reads {lake.data} reads the warehouse"
    return f"who reads both {lake.data} and the catalogue reads the warehouse, and nobody else"


def _alerts(home: Home) -> str:
    installation = Installation.load(home)
    told = recipients(installation)
    if not told:
        raise VroegError(
            "nobody is told anything", where="settings.yaml", do="add channels under 'alerts' (README, Alerts)"
        )
    if deaf := without_address(installation):
        raise VroegError("; ".join(deaf))
    return f"{len(told)} are told; try them: {home.command} doctor --send-test"


def _clock(_: Home) -> str:
    moment = moment_text(current_moment())
    if os.environ.get(CLOCK):
        raise VroegError(f"it stands at {moment}", where=CLOCK, do="unset it in production")
    return f"it is {moment} in Amsterdam"


def _services(home: Home) -> str:
    found = health_findings(Installation.load_or_last_good(home))
    if unhealthy := [finding.part for finding in found if not finding.healthy]:
        raise VroegError(f"not healthy: {', '.join(unhealthy)}", do=f"see: {home.command} health")
    return "all that runs by itself does"


_PARTS: Mapping[str, Callable[[Home], str]] = {
    "versions": _versions,
    "folder": _folder,
    "disk": _disk,
    "settings": _settings,
    "agreements": _agreements,
    "names": _names,
    "register": _register,
    "encryption": _encryption,
    "alerts": _alerts,
    "clock": _clock,
    "services": _services,
}
