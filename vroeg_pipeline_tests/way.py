"""`make way`: writes docs/way.md, the one page with the way of a row from the inbox to the outbox, from the definitions.

Nothing about a step is written here: its rule, what it reads, its statements and its checks are asked of the code location,
its tests are the files of its room. A test compares the page with what this makes.
"""

from __future__ import annotations

import importlib
import json
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from vroeg_pipeline.definitions import OF_ALL_MONTHS, OF_NO_MONTH, STEPS, build_defs
from vroeg_pipeline.deliveries.assets import delivery_key
from vroeg_pipeline.installation.home import CHECKOUT
from vroeg_pipeline.installation.lineage import ORIGINS, read_origins
from vroeg_pipeline.installation.schema import parts
from vroeg_pipeline.installation.statements import has_statement
from vroeg_pipeline_tests.kit.domain_page import linked
from vroeg_pipeline_tests.kit.world import World

PAGE = CHECKOUT / "docs" / "way.md"
_CODE, _TESTS = CHECKOUT / "vroeg_pipeline", CHECKOUT / "vroeg_pipeline_tests"
# One partner stands for all.
_PARTNER = "partner"
_DELIVERIES = "deliveries/<partner>"
_OF_DELIVERIES = (
    "What a partner sends, one asset an agreement, filled by the intake. Its checks are judged in `quality/`, after "
    "`delivery_measures`."
)
_BY_HAND = "Kept by people; nothing here makes it."

_TOP = """\
# The way of a row

Made by `make way` from the definitions: do not edit. A test fails when it is not what they say.

A partner puts a file in the inbox. Its bytes go to the archive and are judged as a file; each of its rows becomes a signal
or a rejected row, never both and never neither. Signals that are not held back come together at an address; what earlier
months knew of that address makes it new, consecutive or returning. Then it gets a tier, a list, a rank and a deadline, and
the list goes out. What teams return comes in by the same inbox; what came of it goes to partners, CBS and the evaluation.

Below is each room in the order of the data, and in it each step: what it reads and makes, the rule in short, the SQL that
decides, what must hold afterwards. A check that *stops* keeps what comes after it in the run from being made. Every check of
a table is broken on purpose in [`test_table_checks.py`](../vroeg_pipeline_tests/test_table_checks.py). What the
rules are stands in [DOMAIN](domain.md); where it leaves room, it is read [like this](readings.md).
"""


@dataclass(frozen=True)
class Stop:
    """A section of the page: a step, or what stands before the steps."""

    name: str
    said: str
    specs: Sequence[dg.AssetSpec]
    room: str

    @property
    def makes(self) -> list[str]:
        """The names of its assets."""
        return [_name(spec.key) for spec in self.specs]

    @property
    def reads(self) -> list[str]:
        """What its assets read and it does not make itself."""
        read = {_name(dep.asset_key): None for spec in self.specs for dep in spec.deps}
        return [name for name in read if name not in self.makes]


def way() -> str:
    """The text of the page."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "home")
        world.agree(_PARTNER)
        defs = build_defs(world.installation)
    deliveries = Stop(_DELIVERIES, _OF_DELIVERIES, [_delivery_of(defs)], "deliveries")
    stops = [*(_stop(asset) for asset in OF_NO_MONTH), deliveries, *(_stop(step) for step in [*STEPS, *OF_ALL_MONTHS])]
    # The intake reads what the agreements of the installation name.
    reads = {stop.name: stop.reads for stop in stops} | {"delivery_files": [_DELIVERIES]}
    home = {made: stop.name for stop in stops for made in stop.makes}
    checks: dict[str, list[dg.AssetCheckSpec]] = {}
    for definition in defs.asset_checks or []:
        for check in definition.check_specs:
            checks.setdefault(home[_name(check.asset_key)], []).append(check)
    parts = [_TOP, _picture(stops, {n: list(dict.fromkeys(home[r] for r in read)) for n, read in reads.items()})]
    for room in _rooms():
        of_room = [stop for stop in stops if stop.room == room]
        if of_room:
            parts.append(_heading(room))
            parts += [_section(stop, reads[stop.name], home, checks.get(stop.name, [])) for stop in of_room]
    return linked("\n".join(parts), "domain.md")


def origins() -> str:
    """The text of the file by which columns are known to be made of others (`installation.lineage`)."""
    tables = [part.name for part in parts() if part.kind == "TABLE" and has_statement(part.name)]
    lines = [f'"{table}": {json.dumps(read_origins(table))}' for table in tables]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _delivery_of(defs: dg.Definitions) -> dg.AssetSpec:
    """Without what only its own agreement says."""
    (spec,) = (spec for spec in defs.resolve_all_asset_specs() if spec.key == delivery_key(_PARTNER))
    return spec.replace_attributes(description=(spec.description or "").split("\n\n")[-1])


def _rooms() -> list[str]:
    """In the order of the data, as the import contract has it."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return list(reversed(layers))


def _stop(asset: dg.AssetSpec | dg.AssetsDefinition) -> Stop:
    modules = {
        path.parent.name: importlib.import_module(f"vroeg_pipeline.{path.parent.name}.assets")
        for path in _CODE.glob("*/assets.py")
    }
    (room,) = (room for room, module in modules.items() if any(asset is thing for thing in vars(module).values()))
    if isinstance(asset, dg.AssetSpec):
        return Stop(_name(asset.key), _BY_HAND, [asset], room)
    return Stop(asset.op.name, str(asset.op.description), list(asset.specs), room)


def _name(key: dg.AssetKey) -> str:
    return _DELIVERIES if key == delivery_key(_PARTNER) else key.to_user_string()


def _picture(stops: Sequence[Stop], before: Mapping[str, Sequence[str]]) -> str:
    """The steps as Mermaid draws them; an arrow that another way round makes needless is left out."""

    def upstream(name: str) -> set[str]:
        return {name}.union(*(upstream(other) for other in before[name]))

    number = {stop.name: f"s{index}" for index, stop in enumerate(stops)}
    lines = ["```mermaid", "flowchart TD"]
    for stop in stops:
        label = "<br/>".join(stop.makes).replace("<partner>", "‹partner›")
        is_table = any("dagster/table_name" in spec.metadata for spec in stop.specs)
        lines.append(f'    {number[stop.name]}["{label}"]' if is_table else f'    {number[stop.name]}(["{label}"])')
    for stop in stops:
        for other in before[stop.name]:
            if not any(other in upstream(third) for third in before[stop.name] if third != other):
                lines.append(f"    {number[other]} --> {number[stop.name]}")
    return "\n".join([*lines, "```", "", "Boxes are tables of the warehouse, the others are files.", ""])


def _heading(room: str) -> str:
    meaning = " ".join((importlib.import_module(f"vroeg_pipeline.{room}").__doc__ or "").split())
    files = sorted([*(_TESTS / room).glob("test_*.py"), *(_TESTS / room).glob("*.yaml")])
    tests = ", ".join(f"[`{path.name}`](../{path.relative_to(CHECKOUT).as_posix()})" for path in files)
    return f"## {room}/\n\n{meaning} [Assets](../vroeg_pipeline/{room}/assets.py). Tested in {tests}.\n"


def _section(stop: Stop, reads: Sequence[str], home: Mapping[str, str], checks: Sequence[dg.AssetCheckSpec]) -> str:
    lines = [
        f"### {stop.name.replace('<', '‹').replace('>', '›')}",
        "",
        " ".join(stop.said.split("\n\n")[0].split()),
        "",
    ]
    if reads:
        lines += ["**Reads** " + ", ".join(_link(name, home[name]) for name in reads) + ".", ""]
    lines += ["**Makes**", ""] if "dagster/code_references" in stop.specs[0].metadata else []
    for spec in stop.specs:
        meaning = " ".join(_first_sentence(part) for part in (spec.description or "").split("\n\n"))
        lines.append(f"* {_code(_name(spec.key))}: {meaning}")
    lines.append("")
    statements = dict.fromkeys(file for spec in stop.specs for file in spec.metadata.get("statements", ()))
    if statements:
        lines += ["**By** " + ", ".join(f"[`{file}`](../vroeg_pipeline/{file})" for file in statements) + ".", ""]
    if checks:
        lines += ["**Must hold**", "", *(_check(check, several=len(stop.specs) > 1) for check in checks), ""]
    return "\n".join(lines)


def _check(check: dg.AssetCheckSpec, *, several: bool) -> str:
    of = f" of {_code(_name(check.asset_key))}" if several else ""
    stops = ", stops" if check.blocking else ""
    # What is expected of a delivery differs by agreement.
    rule = (check.description or "").split(" Expected:")[0]
    return f"* `{check.name}`{of}{stops}: {rule}"


def _first_sentence(text: str) -> str:
    """With the section of the contract that stands in what follows, where it names none itself."""
    text = " ".join(text.split())
    first = re.split(r"(?<=\.)\s+(?=[A-Z`(])", text)[0]
    reference = re.search(r"\([^()]*(?:DOMAIN|docs/)[^()]*\)", text)
    if reference and not re.search(r"DOMAIN|docs/", first):
        return f"{first.rstrip('.')} {reference[0]}."
    return first


def _link(name: str, section: str) -> str:
    anchor = re.sub(r"[^a-z0-9_-]", "", section.lower())
    return f"[{_code(name)}](#{anchor})"


def _code(name: str) -> str:
    return f"`{name}`"


if __name__ == "__main__":
    PAGE.write_text(way(), encoding="utf-8")
    ORIGINS.write_text(origins(), encoding="utf-8")
