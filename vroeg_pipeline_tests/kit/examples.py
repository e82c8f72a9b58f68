"""How many examples a property is tried on: some in `make test`, the same ones each time; many others every night."""

from __future__ import annotations

import os

from hypothesis import settings

IN_A_NIGHT = 10_000
NIGHTLY = bool(os.environ.get("VROEG_TESTS_NIGHTLY"))


def examples(by_day: int, by_night: int = IN_A_NIGHT) -> int:
    """`by_day`, or ten thousand (`by_night` of what takes long) in the nightly profile (`make nightly`)."""
    return by_night if NIGHTLY else by_day


def use_profile() -> None:
    """By day a change is judged by what it changes, not by chance: the examples are the same each time."""
    settings.register_profile("day", derandomize=True, deadline=None)
    settings.register_profile("night", deadline=None, print_blob=True)
    settings.load_profile("night" if NIGHTLY else "day")
