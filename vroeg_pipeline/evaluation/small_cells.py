"""Small numbers of people in a table that others will read: which cells must not be shown.

A count of 1 to 4 is small: it may point at somebody. It is hidden where it stands, and so is what it could be computed
from: a total less the other cells, or the complement (8 of 10 were reached, so 2 were not). What counts as computable is
not judged by rules of thumb but by linear programming: as long as a reader who knows everything that is shown must
conclude that a small count is small, more is hidden (docs/adr/0019).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

SMALLEST_SHOWN = 5
# Of the linear programs.
_TOLERANCE = 1e-6

K = TypeVar("K", bound=Hashable)


@dataclass
class Counts(Generic[K]):
    """Counts with how they add up. `unprinted` ones are in no table, but can be computed from what is."""

    values: dict[K, int] = field(default_factory=dict)
    unprinted: set[K] = field(default_factory=set)
    sums: list[tuple[K, tuple[K, ...]]] = field(default_factory=list)

    def put(self, key: K, value: int, *, printed: bool = True) -> K:
        """Adds a count; gives its key."""
        self.values[key] = value
        if not printed:
            self.unprinted.add(key)
        return key

    def add_up(self, total: K, parts: Sequence[K]) -> None:
        """Says that the total is the sum of the parts. Raises ValueError when it is not."""
        if self.values[total] != sum(self.values[part] for part in parts):
            raise ValueError(f"{total} is not the sum of its parts")
        self.sums.append((total, tuple(parts)))

    def rest(self, total: K, parts: Sequence[K], rest: K) -> None:
        """Says that the parts are within the total; what is left of it can be computed though nobody prints it."""
        self.put(rest, self.values[total] - sum(self.values[part] for part in parts), printed=False)
        self.add_up(total, [*parts, rest])

    def hidden(self) -> frozenset[K]:
        """The printed cells that must not be shown."""
        return hidden_cells(self.values, self.sums, self.unprinted)


def hidden_cells(
    values: Mapping[K, int], sums: Sequence[tuple[K, Sequence[K]]], unprinted: Collection[K] = ()
) -> frozenset[K]:
    """The printed cells to hide. Zeros stay: nobody is behind them."""
    small = [key for key, value in values.items() if 0 < value < SMALLEST_SHOWN]
    table = _Table(values, [(total, *parts) for total, parts in sums], set(unprinted))
    table.unknown = set(unprinted) | set(small)
    first = frozenset(table.unknown)
    # Hiding more never makes a cell that is safe unsafe, so each is looked at once.
    for cell in small:
        while not table.is_safe(cell):
            table.unknown.add(table.best_to_hide(cell))
    # What was hidden on the way and turned out not to be needed, the most telling first.
    for cell in sorted(table.unknown - first, key=lambda key: (-values[key], str(key))):
        table.unknown.remove(cell)
        if not all(table.is_safe(other) for other in small):
            table.unknown.add(cell)
    return frozenset(table.unknown - set(unprinted))


class _Table(Generic[K]):
    def __init__(self, values: Mapping[K, int], sums: list[tuple[K, ...]], unprinted: set[K]) -> None:
        self._values, self._sums, self._unprinted = values, sums, unprinted
        self._sums_of: dict[K, list[int]] = {}
        for number, cells in enumerate(sums):
            for cell in cells:
                self._sums_of.setdefault(cell, []).append(number)
        self._known_safe: dict[tuple[K, frozenset[K]], bool] = {}
        self._readers: dict[frozenset[K], _Reader[K]] = {}
        self.unknown: set[K] = set()

    def _linked(self, cell: K) -> tuple[frozenset[K], list[int]]:
        """The unknown cells and the sums that what a reader can tell of this one depends on."""
        cells, sums, ahead = {cell}, dict[int, None](), [cell]
        while ahead:
            for number in self._sums_of.get(ahead.pop(), ()):
                sums[number] = None
                found = {other for other in self._sums[number] if other in self.unknown and other not in cells}
                cells |= found
                ahead += sorted(found, key=str)
        return frozenset(cells), list(sums)

    def is_safe(self, cell: K) -> bool:
        """Whether, by all that is shown, this small count could as well be no small one."""
        cells, sums = self._linked(cell)
        if not sums:
            return True
        if (cell, cells) not in self._known_safe:
            if cells not in self._readers:
                self._readers[cells] = _Reader(
                    {key: 0 if key in self._unprinted else 1 for key in sorted(cells, key=str)},
                    [self._equation(number, cells) for number in sums],
                )
            self._known_safe[cell, cells] = self._readers[cells].can_be(cell, SMALLEST_SHOWN)
        return self._known_safe[cell, cells]

    def _equation(self, number: int, unknown: frozenset[K]) -> tuple[dict[K, float], float]:
        """What a sum tells of the unknown: their signs in it, and what these come to together."""
        signs, right = dict[K, float](), 0.0
        for index, key in enumerate(self._sums[number]):
            sign = -1.0 if index == 0 else 1.0
            if key in unknown:
                signs[key] = signs.get(key, 0.0) + sign
            else:
                right -= sign * self._values[key]
        return signs, right

    def best_to_hide(self, cell: K) -> K:
        """The shown cell whose hiding protects this one at the least cost: a small part rather than a total."""
        sums = self._linked(cell)[1]
        totals = {self._sums[number][0] for number in sums}
        shown = {
            key for number in sums for key in self._sums[number] if key not in self.unknown and self._values[key] > 0
        }

        def cost(key: K) -> tuple[bool, bool, int, str]:
            near = any(key in self._sums[number] for number in self._sums_of.get(cell, ()))
            return key in totals, not near, self._values[key], str(key)

        return min(shown, key=cost)


class _Reader(Generic[K]):
    """Who knows what is shown: equations of unknown counts, and the least that each can be (a printed zero would have been
    shown).
    """

    def __init__(self, least: Mapping[K, float], equations: Iterable[tuple[Mapping[K, float], float]]) -> None:
        # Only who makes a report needs it.
        import highspy

        solver: Any = highspy.Highs
        self._solver, self._solved, self._no_limit = solver(), highspy.HighsModelStatus.kOptimal, highspy.kHighsInf
        self._solver.silent()
        self._least, self._place = least, {key: number for number, key in enumerate(least)}
        self._solver.addVars(len(least), list(least.values()), [self._no_limit] * len(least))
        self._solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        for signs, right in equations:
            self._solver.addRow(right, right, len(signs), [self._place[key] for key in signs], list(signs.values()))

    def can_be(self, cell: K, count: int) -> bool:
        """Whether a count that is lower could by all that is known be as high as this."""
        place, least = self._place[cell], self._least[cell]
        # With a limit there always is an answer, as the true counts fit.
        self._solver.changeColBounds(place, least, count)
        self._solver.changeColCost(place, 1.0)
        self._solver.run()
        status, highest = self._solver.getModelStatus(), self._solver.getObjectiveValue()
        self._solver.changeColCost(place, 0.0)
        self._solver.changeColBounds(place, least, self._no_limit)
        if status != self._solved:
            raise RuntimeError(f"the linear program ended with {status}")
        return bool(highest >= count - _TOLERANCE)
