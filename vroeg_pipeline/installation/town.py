"""Which town an installation is where many share one Dagster: the one place that tells its assets, runs and ticks from those
of others (docs/adr/0033). An installation by itself is no town, and everything is called as it always was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState

from vroeg_pipeline.installation.dagster_home import CODE_LOCATION, LOCATION_TAG, ONLY_REPOSITORY
from vroeg_pipeline.installation.home import Home

# By which a run tells its town: in the UI, in filters, and to the queue.
TOWN_TAG = "town"

Assets = Sequence[dg.AssetSpec | dg.AssetsDefinition]


def town_of(home: Home) -> Town:
    """The town of an installation."""
    return Town(home.town)


@dataclass(frozen=True)
class Town:
    """One of many, by name; no name where the installation is by itself."""

    name: str

    @classmethod
    def at(cls, location: str) -> Town:
        """The town of a code location."""
        return cls("" if location == CODE_LOCATION else location)

    @property
    def location(self) -> str:
        """How Dagster calls the code location."""
        return self.name or CODE_LOCATION

    @property
    def tags(self) -> dict[str, str]:
        """What each run of the town carries."""
        return {TOWN_TAG: self.name} if self.name else {}

    @property
    def tags_of_command_line(self) -> dict[str, str]:
        """What puts a run of the command line under the code location in the UI, as if it had been launched there."""
        return {LOCATION_TAG: f"{ONLY_REPOSITORY}@{self.location}", **self.tags}

    def key(self, key: dg.AssetKey | str) -> dg.AssetKey:
        """An asset as Dagster knows it, of the key that it has within the installation."""
        own = dg.AssetKey.from_coercible(key)
        return own.with_prefix(self.name) if self.name else own

    def check(self, key: dg.AssetCheckKey) -> dg.AssetCheckKey:
        """A check as Dagster knows it."""
        return key.replace_asset_key(self.key(key.asset_key))

    def assets(self, assets: Assets) -> Assets:
        """The assets with keys of the town, and what they are made of."""
        return [
            asset.with_attributes(asset_key_replacements=self._replacements([asset]))
            if isinstance(asset, dg.AssetsDefinition)
            else asset.replace_attributes(
                key=self.key(asset.key), deps=[dep._replace(asset_key=self.key(dep.asset_key)) for dep in asset.deps]
            )
            for asset in assets
        ] if self.name else assets  # fmt: skip

    def checks(self, checks: Sequence[dg.AssetChecksDefinition]) -> Sequence[dg.AssetChecksDefinition]:
        """The checks on keys of the town."""
        return [
            check.with_attributes(asset_key_replacements=self._replacements([check]))  # type: ignore[misc]
            for check in checks
        ] if self.name else checks  # fmt: skip

    def _replacements(self, assets: Iterable[dg.AssetsDefinition]) -> Mapping[dg.AssetKey, dg.AssetKey]:
        named = {
            key
            for asset in assets
            for key in (
                *asset.keys,
                *(dep.asset_key for spec in asset.specs for dep in spec.deps),
                *(key.asset_key for key in asset.check_keys),
                *asset.node_keys_by_input_name.values(),
            )
        }
        return {key: self.key(key) for key in named if key.path[0] != self.name}

    def runs(self, *, tags: Mapping[str, str] | None = None, **wanted: Any) -> dg.RunsFilter:
        """The runs of the town alone."""
        return dg.RunsFilter(tags={**(tags or {}), **self.tags}, **wanted)

    def instigators(self, instance: dg.DagsterInstance) -> list[InstigatorState]:
        """What Dagster notes of each sensor and schedule of the town, by name."""
        return sorted(
            (each for each in instance.all_instigator_state() if not self.name or location_of(each) == self.name),
            key=lambda each: each.instigator_name,
        )


# An installation by itself.
ALONE = Town("")


def location_of(state: InstigatorState) -> str:
    """The code location of a sensor or schedule."""
    return state.origin.repository_origin.code_location_origin.location_name


def towns_noted(instance: dg.DagsterInstance) -> set[str]:
    """The towns of which anything is noted in a Dagster that towns share."""
    tagged = {name for _, names in instance.get_run_tags([TOWN_TAG]) for name in names}
    watched = {location_of(state) for state in instance.all_instigator_state()}
    return tagged | watched | {key.path[0] for key in instance.all_asset_keys()}
