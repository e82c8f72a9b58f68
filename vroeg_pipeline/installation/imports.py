"""What is imported only where something uses it: seconds that most commands do not need (docs/benchmarks.md)."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def import_when_used(name: str) -> None:
    """Puts off the import of a module until something asks it for anything.

    Great Expectations imports `scipy.stats` for three metrics that no suite of ours has; it is a quarter of the import.
    """
    if name not in sys.modules and (spec := importlib.util.find_spec(name)) and spec.loader:
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        parent, _, child = name.rpartition(".")
        setattr(sys.modules[parent], child, module)


@contextmanager
def kept_out(name: str) -> Iterator[None]:
    """For the block an optional package seems absent to whoever tries it, unless somebody brings it back.

    DuckDB imports pandas with its first parameter, to know a `NaT` when it sees one; a month that nothing changed in needs
    none of it.
    """
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        bring_back(name)


def bring_back(name: str) -> None:
    """The package can be imported again; nothing where it was never kept out."""
    if sys.modules.get(name, name) is None:
        del sys.modules[name]
