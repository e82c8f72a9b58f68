"""The pipeline against an independent program in pandas that was written from DOMAIN alone, on random worlds.

Where the two differ, one of them has misread DOMAIN.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from vroeg_pipeline.ddas.contradictions import contradictions
from vroeg_pipeline_tests.kit.random_world import MONTHS, make_random_world
from vroeg_pipeline_tests.kit.world import LATER, World
from vroeg_pipeline_tests.yardsticks import pandas_month

# The parts of an address are the register's in the one and the partner's in the other; their key is compared.
NOT_COMPARED = {*pandas_month.TEXT_FIELDS, "signal_id", "repeats_signal_id"} - {"customer_reference"}


@pytest.mark.parametrize("seed", range(1, 7))
def test_both_give_the_same_tables(world: World, seed: int) -> None:
    decisions = make_random_world(world, seed)
    world.make(MONTHS[0], MONTHS[-1], upto="ddas_delivery")
    expected = pandas_month.run(world.root, list(MONTHS), LATER, decisions)
    found = {name: world.table(name) for name in pandas_month.TABLES}
    ours = {s["signal_id"]: signal_place(s) for s in found["validated_signals"]}
    theirs = {s["signal_id"]: signal_place(s) for s in expected["validated_signals"].to_dict("records")}
    assert len(ours) > 20
    for name, columns in pandas_month.TABLES.items():
        compared = [column for column in columns if column not in NOT_COMPARED]
        if name == "repeat_signals":
            rows = repeats(found[name], ours)
            assert rows == repeats(expected[name].to_dict("records"), theirs)
            continue
        rows = comparable(found[name], compared)
        wanted = comparable(expected[name].to_dict("records"), compared)
        assert [row for row in rows if row not in wanted] == [row for row in wanted if row not in rows], name
        assert len(rows) == len(wanted)
    # And what CBS gets of such a world does not contradict itself.
    files = sorted(world.home.outbox.rglob("ddas-*.json"))
    assert len(files) == len(MONTHS)
    for path in files:
        leveringen = json.loads(path.read_text(encoding="utf-8"))["leveringen"]
        signals = [signal for levering in leveringen for signal in levering["vroegsignalen"]]
        cases = [case for levering in leveringen for case in levering["vroegsignaalzaken"]]
        assert contradictions([*signals, *cases]) == {}, path.name


def signal_place(signal: Mapping[str, Any]) -> tuple[object, ...]:
    """What identifies a signal in both programs."""
    return signal["month"], signal["partner"], signal["file_sha256"], signal["row_number"]


def repeats(rows: list[Any], places: Mapping[str, tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The pairs of signals, in order."""
    return sorted((places[row["signal_id"]], places[row["repeats_signal_id"]]) for row in rows)


def comparable(rows: list[Any], columns: list[str]) -> list[tuple[object, ...]]:
    """Rows as sorted tuples of plain values."""
    return sorted((tuple(plain(row[column]) for column in columns) for row in rows), key=repr)


def plain(value: Any) -> object:
    """A value as both programs can write it; a missing one is None."""
    if isinstance(value, (list, tuple)):
        return tuple(value)
    if pd.isna(value):
        return None
    if hasattr(value, "tzinfo"):
        return pd.Timestamp(value).tz_convert("UTC").isoformat()
    return value.item() if hasattr(value, "item") else value
