"""How well addresses are resolved, and how fast: `python -m vroeg_pipeline_tests.bench.addresses`, part of `make bench`.

Every dwelling of a real register is written once in each class of error (`corruptions`), resolved, and compared with what
it was. With `--report` the tables are written as docs/address-accuracy.md has them.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import duckdb

from vroeg_pipeline.resources.address_files import open_register, resolve_file
from vroeg_pipeline_tests.bench.corruptions import (
    CLASSES,
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


def share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else "–"


def confusion(cases: Sequence[Case], findable: Findable) -> list[str]:
    """A line a class: how many records, what became of them, what of those that could be found."""
    lines = [
        "| class | records | exact | normalised | repaired | to review | right, automatic | wrong, automatic | can be found | of those found |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_kind[case.kind].append(case)
    for kind in CLASSES:
        of_kind = by_kind[kind]
        if not of_kind:
            continue
        status = Counter(case.status for case in of_kind)
        right = sum(case.automatic and case.right for case in of_kind)
        wrong = sum(case.automatic and not case.right for case in of_kind)
        possible = [case for case in of_kind if findable(case.kind, case.dwelling, case.written)]
        found = sum(case.automatic and case.right for case in possible)
        review = status["ambiguous"] + status["unknown"]
        lines.append(
            f"| {kind} | {len(of_kind):,} | {status['exact']:,} | {status['normalised']:,} | {status['repaired']:,} | {review:,} "
            f"| {right:,} | {wrong:,} | {len(possible):,} | {share(found, len(possible))} |"
        )
    return lines


def figures(
    cases: Sequence[Case], findable: Findable, dwellings: Sequence[Dwelling]
) -> list[tuple[str, str, str, bool]]:
    """(what, asked, measured, reached) of the figures that the issue asks for."""
    keys = {dwelling.key for dwelling in dwellings}
    number_right = [case for case in cases if case.kind not in NUMBER and case.automatic]
    harmless = [case for case in number_right if case.kind not in SUFFIX]
    automatic = [case for case in cases if case.automatic]
    # A number or suffix that another dwelling of the same postcode and street has cannot be told from that dwelling.
    told = [case for case in automatic if case.right or not _is_another(case, keys)]
    possible = [case for case in cases if findable(case.kind, case.dwelling, case.written)]
    formats = [case for case in cases if case.kind in FORMAT]
    swapped = [case for case in cases if case.kind == "suffix_swapped"]
    found = sum(case.automatic and case.right for case in possible)
    review = sum(not case.automatic for case in formats)
    merged = sum(case.automatic and case.right for case in swapped)
    meet, apart = pairs(cases)

    def right(part: Sequence[Case]) -> float:
        return sum(case.right for case in part) / len(part)

    return [
        ("automatic answers right, number and suffix as they are", "≥ 99.9%", f"{right(harmless):.3%}", right(harmless) >= 0.999),
        ("automatic answers right, number as it is, suffix missing or swapped too", "", f"{right(number_right):.3%}", True),
        ("automatic answers right over all, but what is written is another dwelling's address in full", "≥ 99.5%",
         f"{right(told):.3%}", right(told) >= 0.995),
        ("automatic answers right over all, also what no one can tell", "", f"{right(automatic):.3%}", True),
        ("found automatically of what can be found", "≥ 99%", f"{found / len(possible):.3%}", found / len(possible) >= 0.99),
        ("to review with errors of format alone", "≤ 2%", f"{review / len(formats):.3%}", review / len(formats) <= 0.02),
        ("suffix mix-ups merged", "none", f"{merged:,} of {len(swapped):,}", merged == 0),
        ("two spellings of one dwelling meet", "≥ 99%", f"{meet:.3%}", meet >= 0.99),
        ("two dwellings are one", "≤ 0.05%", f"{apart:.4%}", apart <= 0.0005),
    ]  # fmt: skip


def _is_another(case: Case, keys: set[str]) -> bool:
    """Whether what is written is in full the address of another dwelling, postcode and all."""
    return case.kind in (*NUMBER, *SUFFIX) and case.status == "exact" and case.key in keys


def pairs(cases: Sequence[Case], seed: int = 1) -> tuple[float, float]:
    """Of two partners that write one dwelling, how many meet; of two that write two, how many are taken for one.

    A spelling is a record of a class of format, street or town. The two dwellings are neighbours: next to each other by
    postcode, number and suffix. Addresses that meet at the desk only are not one.
    """
    rng = random.Random(seed)
    spellings: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.kind in (*FORMAT, *STREET, *TOWN):
            spellings[case.dwelling.key].append(case)
    order = sorted(spellings, key=lambda key: _place(spellings[key][0].dwelling))
    meet = total = one = 0
    for key, neighbour in zip(order, [*order[1:], order[0]], strict=True):
        for _ in range(10):
            left, right = rng.sample(spellings[key], 2)
            other = rng.choice(spellings[neighbour])
            total += 1
            meet += left.key == right.key
            one += left.key == other.key and left.automatic
    return meet / total, one / total


def _place(dwelling: Dwelling) -> tuple[str, int, str]:
    return dwelling.postcode, dwelling.number, dwelling.suffix


def speed(register: Path, records: Sequence[Written], size: int) -> Mapping[str, float]:
    """Seconds for so many records: the whole file, and against reading it and grouping by a ready-made key."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as maker:
        some, source, target = (Path(folder) / name for name in ("some.csv", "all.csv", "resolved.csv"))
        write_records(some, records)
        maker.execute(
            f"COPY (SELECT row_number() OVER () AS id, * EXCLUDE (id), hash(postcode, street, house_number) AS ready_made "
            f"FROM read_csv('{some}', all_varchar = true), range({size // len(records) + 1}) LIMIT {size}) TO '{source}' (HEADER)"
        )
        grouping = f"SELECT count(*) FROM (SELECT ready_made, count(*) FROM read_csv('{source}', all_varchar = true) GROUP BY 1)"
        measured = {"group": min(_timed(lambda: maker.execute(grouping).fetchall()) for _ in range(3))}
        with open_register(register) as connection:
            measured["resolve"] = (
                min(_timed(lambda: resolve_file(connection, source, Path("/dev/null"))) for _ in range(1))
                if False
                else min(_timed(lambda: resolve_file(connection, source, target)) for _ in range(3))
            )
        return measured


def _timed(work) -> float:  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--register", type=Path, default=REGISTER)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--wrong", action="store_true", help="show records that were answered wrong, and not found")
    options = parser.parse_args()
    dwellings = read_dwellings(options.register)
    findable = Findable(dwellings)
    cases = resolve(options.register, corrupted(dwellings, options.seed))
    print("\n".join(confusion(cases, findable)))
    for what, asked, measured, reached in figures(cases, findable, dwellings):
        print(f"| {what} | {asked} | {measured} | {'reached' if reached else '**not reached**'} |")
    if options.wrong:
        shown: Counter[tuple[str, bool]] = Counter()
        for case in cases:
            wrong = case.automatic and not case.right and case.kind not in (*NUMBER, *SUFFIX)
            missed = not case.automatic and findable(case.kind, case.dwelling, case.written)
            if wrong or missed:
                shown[case.kind, wrong] += 1
                if shown[case.kind, wrong] <= 6:
                    print(
                        "WRONG" if wrong else "missed",
                        case.kind,
                        case.dwelling.street,
                        astuple(case.written),
                        case.key,
                        case.status,
                    )
        print(shown)


if __name__ == "__main__":
    main()
