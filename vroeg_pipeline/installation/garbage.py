"""Python's search for garbage in cycles, made rare while a run is at work.

A run makes some millions of small objects that stay (what is imported, Dagster's definitions and events) and hardly any
cycles; looking through them again and again took a fifth of a small month's processor seconds (docs/benchmarks.md).
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects more than there are, between two looks at the young ones; 700 is Python's own.
_RARELY = 200_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Leaves what is there alone, and looks seldom at what comes. Blocks can stand in each other."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
