"""How well addresses are resolved, and how fast: `python -m vroeg_pipeline_tests.bench.addresses`, part of `make bench`.

Every dwelling of a real register is written once in each class of error (`corruptions`), resolved, and compared with what
it was. It prints the tables of docs/address-accuracy.md.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import duckdb

from vroeg_pipeline.addresses.files import ANSWER, open_register, read_lines, resolve_file
from vroeg_pipeline.addresses.resolver import resolve_addresses
from vroeg_pipeline_tests.bench.corruptions import (
    FORMAT,
    NUMBER,
    STREET,
    SUFFIX,
    TOWN,
    Dwelling,
    Written,
    corrupted,
    read_dwellings,
)

REGISTER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "bag" / "weesp-2021-10.csv"
COLUMNS = ("id", *(field.name for field in fields(Written)))
AUTOMATIC = ("exact", "normalised", "repaired")


@dataclass(frozen=True)
class Case:
    """One record: what it is, how it was written, and what came out."""

    kind: str
    dwelling: Dwelling
    written: Written
    key: str
    status: str
    stage: str

    @property
    def automatic(self) -> bool:
        return self.status in AUTOMATIC

    @property
    def right(self) -> bool:
        return self.key == self.dwelling.key


class Findable:
    """What could be found at all, told from the register alone.

    A record can be found when its number and suffix are its dwelling's, and what else it says does not fit another
    dwelling as well: its postcode has no other dwelling with that number and suffix, nor stands in the same street
    (then the number may be the mistake); without a postcode its street has one such dwelling.
    """

    def __init__(self, dwellings: Sequence[Dwelling]) -> None:
        self._at_postcode = {(d.postcode, d.number, d.suffix) for d in dwellings}
        self._streets = {(d.postcode, d.street) for d in dwellings}
        self._in_street = Counter((d.street, d.number, d.suffix, digits) for d in dwellings
                                  for digits in ("", d.postcode[:4]))  # fmt: skip

    def __call__(self, kind: str, dwelling: Dwelling, written: Written) -> bool:
        if kind in (*NUMBER, *SUFFIX):
            return False
        postcode = written.postcode.replace(" ", "").upper()
        if postcode == dwelling.postcode:
            return True
        if (postcode, dwelling.number, dwelling.suffix) in self._at_postcode:
            return False
        if (postcode, dwelling.street) in self._streets:
            return False
        digits = postcode if len(postcode) == 4 else ""
        return self._in_street[dwelling.street, dwelling.number, dwelling.suffix, digits] == 1


def resolve(register: Path, records: Iterable[tuple[str, Dwelling, Written]]) -> list[Case]:
    """The records with what the resolver makes of them, by way of files as `vroeg addresses resolve` does."""
    kept = list(records)
    with tempfile.TemporaryDirectory() as folder, open_register(register) as connection:
        source, target = Path(folder) / "written.csv", Path(folder) / "resolved.csv"
        write_records(source, (written for _, _, written in kept))
        resolve_file(connection, source, target)
        with target.open(encoding="utf-8", newline="") as file:
            answers = list(csv.DictReader(file))
    return [
        Case(*record, answer["address_key"], answer["address_status"], answer["stage"])
        for record, answer in zip(kept, answers, strict=True)
    ]


def write_records(path: Path, records: Iterable[Written]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((number, *astuple(written)) for number, written in enumerate(records))


def share(part: int, whole: int, digits: int = 2) -> str:
    """A part as a percentage, rounded down so that nothing is all but what is."""
    return f"{part * 10 ** (digits + 2) // whole / 10**digits:.{digits}f}%" if whole else "–"


def confusion(cases: Sequence[Case], findable: Findable) -> list[str]:
    """A line a class: how many records, what became of them, and of those that could be found how many were."""
    lines = [
        "| class | records | exact | normalised | repaired | to review | automatic, wrong | can be found | of those found |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(case)
    for kind, of_kind in by_kind.items():
        status = Counter(case.status for case in of_kind)
        wrong = sum(case.automatic and not case.right for case in of_kind)
        possible = [case for case in of_kind if findable(case.kind, case.dwelling, case.written)]
        found = sum(case.automatic and case.right for case in possible)
        review = status["ambiguous"] + status["unknown"]
        cells = [len(of_kind), *(status[name] for name in AUTOMATIC), review, wrong, len(possible)]
        lines.append(f"| {kind} | {' | '.join(f'{cell:,}' for cell in cells)} | {share(found, len(possible))} |")
    return lines


@dataclass(frozen=True)
class Figure:
    """A share that the issue asks for. `most` where it may not be more, else it may not be less."""

    what: str
    part: int
    whole: int
    asked: float | None = None
    most: bool = False

    def line(self) -> str:
        measured = self.part / self.whole
        verdict = ""
        if self.asked is not None:
            reached = measured <= self.asked if self.most else measured >= self.asked
            verdict = "reached" if reached else "**not reached**"
        asked = "–" if self.asked is None else f"{'≤' if self.most else '≥'} {self.asked:.4%}".replace("00%", "%")
        return f"| {self.what} | {asked} | {share(self.part, self.whole, 3)} ({self.part:,} of {self.whole:,}) | {verdict} |"


def figures(cases: Sequence[Case], findable: Findable) -> list[Figure]:
    """What the issue asks for, and beside it what a kinder way of counting hides."""
    automatic = [case for case in cases if case.automatic]
    number_right = [case for case in automatic if case.kind not in NUMBER]
    all_right = [case for case in number_right if case.kind not in SUFFIX]
    # What is written is another dwelling's address to the letter: nothing in the record can tell.
    untold = [case for case in automatic if case.kind in (*NUMBER, *SUFFIX) and case.status == "exact"]
    possible = [case for case in cases if findable(case.kind, case.dwelling, case.written)]
    formats = [case for case in cases if case.kind in FORMAT]
    swapped = [case for case in cases if case.kind == "suffix_swapped"]
    meet, one, pairs_tried = pairs(cases)

    def right(some: Sequence[Case]) -> int:
        return sum(case.right for case in some)

    return [
        Figure("automatic answers right, number and suffix as they are", right(all_right), len(all_right), 0.999),
        Figure("… number as it is, suffix missing or swapped too", right(number_right), len(number_right)),
        Figure("automatic answers right over all classes, but what is another dwelling's address to the letter",
               right(automatic), len(automatic) - len(untold), 0.995),
        Figure("… with those, each class as often as any", right(automatic), len(automatic)),
        Figure("found automatically of what can be found", right([c for c in possible if c.automatic]), len(possible), 0.99),
        Figure("sent to review with errors of format alone",
               sum(not c.automatic for c in formats), len(formats), 0.02, most=True),
        Figure("suffix mix-ups merged", sum(c.automatic and c.right for c in swapped), len(swapped), 0, most=True),
        Figure("two spellings of one dwelling meet", meet, pairs_tried, 0.99),
        Figure("two neighbouring dwellings are one", one, pairs_tried, 0.0005, most=True),
    ]  # fmt: skip


def pairs(cases: Sequence[Case], seed: int = 1) -> tuple[int, int, int]:
    """How many pairs of spellings meet when they are of one dwelling, and when they are of two; and how many there are.

    A spelling is a record of a class of format, street or town. The two dwellings are neighbours: next to each other by
    postcode, number and suffix. Addresses that meet at the desk only are not one.
    """
    rng = random.Random(seed)
    spellings: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.kind in (*FORMAT, *STREET, *TOWN):
            spellings[case.dwelling.key].append(case)
    order = sorted(spellings, key=lambda key: _place(spellings[key][0].dwelling))
    meet = one = tried = 0
    for key, neighbour in zip(order, [*order[1:], order[0]], strict=True):
        for _ in range(10):
            left, right = rng.sample(spellings[key], 2)
            other = rng.choice(spellings[neighbour])
            tried += 1
            meet += left.key == right.key
            one += left.key == other.key and left.automatic
    return meet, one, tried


def _place(dwelling: Dwelling) -> tuple[str, int, str]:
    return dwelling.postcode, dwelling.number, dwelling.suffix


def speed(register: Path, records: Sequence[Written], size: int) -> list[float]:
    """Seconds for so many records: reading them and grouping by a ready-made key, the same with the key to be found, and
    the whole file to a file. The best of five, as machines are shared.
    """
    with tempfile.TemporaryDirectory() as folder:
        some, source, target = (Path(folder) / name for name in ("some.csv", "all.csv", "resolved.csv"))
        write_records(some, records)
        csv_of = "read_csv('{}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
        with duckdb.connect() as connection:
            connection.execute(
                "COPY (SELECT row_number() OVER () AS id, * EXCLUDE (id), postcode || '_' || house_number AS ready_made "
                f"FROM {csv_of.format(some)}, range({size // len(records) + 1}) LIMIT {size}) TO '{source}' (HEADER)"
            )
        grouped = "SELECT count(*) FROM (SELECT {}, count(*) FROM {} GROUP BY ALL)"

        def by_found_key(connection: duckdb.DuckDBPyConnection) -> None:
            read_lines(connection, source)
            resolve_addresses(connection, "input_lines")
            connection.execute(grouped.format("address_key", f"({ANSWER})")).fetchall()

        with open_register(register) as connection:
            return [
                _best(lambda: connection.execute(grouped.format("ready_made", csv_of.format(source))).fetchall()),
                _best(lambda: by_found_key(connection)),
                _best(lambda: resolve_file(connection, source, target)),
            ]


def _best(work: Callable[[], object]) -> float:
    def timed() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return min(timed() for _ in range(5))


def speeds(register: Path, dwellings: Sequence[Dwelling], size: int) -> list[str]:
    """The speed on addresses as they are registered, and on all classes of error mixed."""
    exact = [dwelling.written() for dwelling in dwellings]
    seeds = range(1, size // (len(dwellings) * 15) + 2)
    mixed = [written for seed in seeds for _, _, written in corrupted(dwellings, seed)][:size]
    lines = [
        f"| {size:,} records | group by ready-made key | resolve and group | ÷ | to a file | records a second |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, records in (("as registered", exact), ("all classes mixed", mixed)):
        group, resolved, to_file = speed(register, records, size)
        lines.append(
            f"| {name} | {group:.2f} s | {resolved:.2f} s | {resolved / group:.1f} | {to_file:.2f} s "
            f"| {size / to_file:,.0f} |"
        )
    return lines


def rivals(register: Path, dwellings: Sequence[Dwelling], findable: Findable, python: str, size: int) -> list[str]:
    """The same records by the resolver and by its rivals, which run in an interpreter that has them.

    A rival gives a weight to each answer. It is shown with every answer taken, and from the weight on at which as many are
    right as we ask for: it is so told what is right, the resolver is not.
    """
    records = list(corrupted(dwellings, seed=1))
    random.Random(1).shuffle(records)
    records = records[:size]
    started = time.perf_counter()
    cases = resolve(register, records)
    seconds = time.perf_counter() - started
    possible = sum(findable(*record) for record in records)

    def line(name: str, answers: Mapping[int, str], took: float) -> str:
        judged = [(record, answers.get(place)) for place, record in enumerate(records)]
        given = [record[1].key == key for record, key in judged if key and record[0] not in (*NUMBER, *SUFFIX)]
        found = sum(record[1].key == key for record, key in judged if findable(*record))
        swaps = sum(record[1].key == key for record, key in judged if record[0] == "suffix_swapped")
        return f"| {name} | {share(sum(given), len(given), 3)} | {share(found, possible)} | {swaps:,} | {took:.1f} s |"

    lines = [
        f"| {size:,} records | right, number and suffix as they are | found of what can be | suffix mix-ups merged | time |",
        "|---|--:|--:|--:|--:|",
        line("this resolver", {place: case.key for place, case in enumerate(cases) if case.automatic}, seconds),
    ]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "written.csv"
        write_records(source, (written for _, _, written in records))
        for name in ("splink", "uk_address_matcher"):
            target = Path(folder) / f"{name}.csv"
            script = Path(__file__).with_name("address_rivals.py")
            done = subprocess.run(
                [python, script, name, register, source, target], capture_output=True, text=True, check=False
            )
            if done.returncode:
                lines.append(f"| {name} | not measured: {(done.stderr.strip().splitlines() or ['?'])[-1]} | | | |")
                continue
            took = float(done.stdout.strip().splitlines()[-1])
            with target.open(encoding="utf-8", newline="") as file:
                answers = [(float(a["weight"]), int(a["id"]), a["address_key"]) for a in csv.DictReader(file)]
            sure = _surest(answers, records)
            lines.append(line(f"{name}, all answers", {place: key for _, place, key in answers}, took))
            lines.append(line(f"{name}, best weight", {place: key for _, place, key in sure}, took))
    return lines


def _surest(
    answers: Sequence[tuple[float, int, str]], records: Sequence[tuple[str, Dwelling, Written]]
) -> Sequence[tuple[float, int, str]]:
    """The most answers, by weight, of which 99.9% are right where number and suffix are as they are."""
    ordered = sorted(answers, reverse=True)
    right = given = most = 0
    for place, (weight, record, key) in enumerate(ordered, start=1):
        kind, dwelling, _ = records[record]
        if kind not in (*NUMBER, *SUFFIX):
            given += 1
            right += dwelling.key == key
        last_of_weight = place == len(ordered) or ordered[place][0] < weight
        if last_of_weight and right >= 0.999 * given:
            most = place
    return ordered[:most]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--register", type=Path, default=REGISTER)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1_000_000, help="records of the speed measurement; 0 leaves it out")
    parser.add_argument("--rivals", metavar="PYTHON", help="an interpreter with splink and uk_address_matcher")
    parser.add_argument(
        "--mistakes", type=int, default=0, help="show so many records a class that were wrong or not found"
    )
    options = parser.parse_args(words)
    if not options.register.exists():
        print(f"Addresses are not measured: there is no {options.register}")
        return
    print(f"{platform.platform()}, {os.cpu_count()} cores, seed {options.seed}\n")
    dwellings = read_dwellings(options.register)
    findable = Findable(dwellings)
    cases = resolve(options.register, corrupted(dwellings, options.seed))
    print("\n".join(confusion(cases, findable)))
    print("\n| figure | asked | measured | |\n|---|--:|--:|---|")
    print("\n".join(figure.line() for figure in figures(cases, findable)))
    show_mistakes(cases, findable, options.mistakes)
    if options.size:
        print("\n" + "\n".join(speeds(options.register, dwellings, options.size)))
    if options.rivals:
        print("\n" + "\n".join(rivals(options.register, dwellings, findable, options.rivals, 20_000)))
    else:
        print("\nThe rivals are not measured: give --rivals an interpreter with splink and uk_address_matcher")


def show_mistakes(cases: Sequence[Case], findable: Findable, most: int) -> None:
    """Some records of each class that were answered wrong, or not found though they could be."""
    shown: Counter[str] = Counter()
    for case in cases:
        wrong = case.automatic and not case.right
        missed = not case.automatic and findable(case.kind, case.dwelling, case.written)
        if (wrong or missed) and shown[case.kind] < most:
            shown[case.kind] += 1
            print("wrong " if wrong else "missed", case.kind, case.dwelling, case.written, case.key, case.status)


if __name__ == "__main__":
    main()
