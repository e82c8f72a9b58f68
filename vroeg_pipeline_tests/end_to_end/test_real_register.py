"""Whole months on a real address register (BAG), delivered for by the sample world."""

from __future__ import annotations

from pathlib import Path

from vroeg_pipeline.sample.world import make_world
from vroeg_pipeline_tests.kit.world import World


def test_a_real_register_carries_whole_months(tmp_path: Path, real_register: Path) -> None:
    world = World(tmp_path / "home")
    for made_by_world in ("areas.csv", "municipalities.csv"):
        (world.home.reference / made_by_world).unlink()
    made = make_world(world.home, months=2, signals=300, register=real_register)
    world.make("2020-10", "2020-11", upto="prioritised_worklists")
    assert made.dwellings == 11_927
    (register,) = world.query(
        "SELECT count(*) AS n, count(DISTINCT address_key) AS keys FROM reference.address_register"
    )
    assert register["n"] == register["keys"] == 11_927 - 7  # seven keys occur twice
    statuses = {
        r["address_status"]: r["n"]
        for r in world.query("SELECT address_status, count(*) AS n FROM validated_signals GROUP BY ALL")
    }
    # This town has no suffixes with other spellings, so every address that is found is found exactly.
    uncertain = sum(statuses.get(status, 0) for status in ("unknown", "ambiguous"))
    assert statuses["exact"] > 15 * uncertain > 0
    assert set(statuses) <= {"exact", "repaired", "unknown", "ambiguous"}
    assert {r["municipality"] for r in world.table("validated_signals")} == {"0457"}
    assert {"wijkteam_noord", "wijkteam_zuid"} <= {r["worklist"] for r in world.table("prioritised_worklists")}
