"""What CBS is answered from: a small SQLite file a month, made of the month's delivery by every run, and read page by page.

The service never opens the warehouse. A case stands on the page of its signals, so cases of several signals are laid out
first and every page is filled up with signals that stand alone.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path

import duckdb

from vroeg_pipeline.ddas import v1_2 as ddas_v1_2
from vroeg_pipeline.ddas.file import ddas_name, ddas_paths, write_ddas
from vroeg_pipeline.deliveries.worked_on import worked_on
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import is_month, month_text, parse_month
from vroeg_pipeline.installation.home import Home, private_folder, replacing, temporary_file
from vroeg_pipeline.installation.installation import Installation
from vroeg_pipeline.installation.notes import DONE

_SUFFIX = ".sqlite"
_STAGING = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE signals (number INTEGER PRIMARY KEY, municipality TEXT, id TEXT UNIQUE, report INTEGER, line TEXT);
CREATE TABLE reports (number INTEGER PRIMARY KEY, line TEXT);
"""
# A row is a case with its signals, or a signal without a case; `size` is its number of signals.
_GROUPS = """
CREATE TABLE groups (number INTEGER PRIMARY KEY, municipality TEXT, size INTEGER, signals TEXT, report TEXT);
INSERT INTO groups (municipality, size, signals, report)
SELECT municipality, count(*), group_concat(line, ',' || char(10)), (SELECT line FROM reports WHERE number = report)
FROM (SELECT * FROM signals ORDER BY number)
GROUP BY municipality, coalesce(report, -number)
ORDER BY municipality, min(number);
DROP TABLE signals;
DROP TABLE reports;
CREATE INDEX sizes ON groups (size, number, municipality);
VACUUM;
"""


def deliver_month(connection: duckdb.DuckDBPyConnection, installation: Installation, month: date) -> Counter[str]:
    """Writes the month's delivery into its outbox, a file for each municipality where they are separate, and what CBS is
    answered from; gives what it adds up to.

    Raises VroegError as `write_ddas` does; then nothing was changed.
    """
    home = installation.home
    folder = private_folder(home.outbox_of(month))
    paths = ddas_paths(installation, folder, [month])
    apart = {code: path for code, path in paths.items() if code is not None}
    with replacing(paths[None]) if None in paths else temporary_file(home.scratch) as whole:
        written = write_ddas(connection, installation, [month], whole, apart)
        keep_answers(home, month, whole)
    # Of all municipalities together, or of one alone, from before the setting was changed.
    for path in folder.glob(f"{Path(ddas_name(installation, [month])).stem}*.json"):
        if path not in paths.values():
            path.unlink()
    return written


def keep_answers(home: Home, month: date, delivery: Path) -> None:
    """Replaces the month's answers by what its delivery file holds, whole or not at all, for the owner alone."""
    with replacing(_path(home, month)) as temporary, closing(sqlite3.connect(temporary)) as file:
        file.executescript(_STAGING)
        with delivery.open(encoding="utf-8") as lines:
            for municipality, text in ddas_v1_2.parts(lines):
                told = json.loads(text)
                if "ID" in told:
                    row = (municipality, told["ID"], text)
                    file.execute("INSERT INTO signals (municipality, id, line) VALUES (?, ?, ?)", row)
                else:
                    report = file.execute("INSERT INTO reports (line) VALUES (?)", (text,)).lastrowid
                    ids = [(report, signal["ID"]) for signal in told["vroegsignalen"]]
                    file.executemany("UPDATE signals SET report = ? WHERE id = ?", ids)
        file.commit()
        file.executescript(_GROUPS)


def withhold_answers(home: Home, month: date) -> None:
    """Says of a month that could not be delivered that there is no answer, so that none is taken for complete."""
    with replacing(_path(home, month)):
        pass


def months_kept(home: Home) -> list[date]:
    """The months of which there are answers, or of which they were withheld; oldest first."""
    names = (path.name.removesuffix(_SUFFIX) for path in home.ddas_answers.glob(f"*{_SUFFIX}"))
    return sorted(parse_month(name) for name in names if is_month(name))


def months_unanswered(home: Home) -> list[date]:
    """The months with worklists of which there are no answers, as they ran before runs kept any; oldest first."""
    made = (month for month in DONE.months(home) if worked_on(home, month).issued is not None)
    return sorted({*made} - {*months_kept(home)})


def months_behind(home: Home) -> list[date]:
    """The months whose answers are older than what the last run did with the month; oldest first."""
    return [
        month
        for month in months_kept(home)
        if (noted := DONE.path(home, month)).exists() and noted.stat().st_mtime > _path(home, month).stat().st_mtime
    ]


def _path(home: Home, month: date) -> Path:
    return private_folder(home.ddas_answers) / f"{month_text(month)}{_SUFFIX}"


@dataclass(frozen=True)
class Part:
    """What of an answer stands on one page: cases of several signals (from, up to), and signals that stand alone."""

    together: tuple[int, int]
    alone: tuple[int, int]


def laid_out(sizes: Sequence[int], alone: int, page_size: int, page: int) -> tuple[Part | None, int]:
    """What stands on a page (from 1; none beyond the end) and how many pages there are, at least one.

    `sizes`: signals of each case that has several; `alone`: signals that stand alone. A case that is larger than a page
    stands on one by itself, whole.
    """
    before = list(accumulate(sizes, initial=0))
    pages = first = single = 0
    found = None
    while first < len(sizes):
        last = max(first + 1, bisect_right(before, before[first] + page_size) - 1)
        taken = min(max(0, page_size - (before[last] - before[first])), alone - single)
        pages += 1
        if pages == page:
            found = Part((first, last), (single, single + taken))
        first, single = last, single + taken
    rest = single + max(0, page - pages - 1) * page_size
    if page > pages and rest < alone:
        found = Part((first, first), (rest, min(alone, rest + page_size)))
    return found, max(1, pages + -(-(alone - single) // page_size))


@dataclass(frozen=True)
class Page:
    """Signals and cases of one page by municipality, as JSON; and how many signals and pages there are in all."""

    rows: dict[str, tuple[list[str], list[str]]]
    signals: int
    cases: int
    total_signals: int
    total_pages: int


class Answers:
    """The answers of some months and municipalities, as they are when they are opened."""

    def __init__(self, files: Sequence[sqlite3.Connection], municipalities: Sequence[str]) -> None:
        self._files = files
        self._municipalities = list(municipalities)
        self._asked = f"municipality IN ({', '.join('?' * len(municipalities))})"
        self._sizes = [
            [size for (size,) in self._read(file, f"SELECT size {self._of('size > 1')} ORDER BY number")]
            for file in files
        ]
        self._alone = [self._read(file, f"SELECT count(*) {self._of('size = 1')}").fetchone()[0] for file in files]

    def page(self, number: int, size: int | None, most: int) -> Page:
        """The page of that number, of at most `size` signals, `most` where it is not given or larger than that."""
        sizes = [size for of_month in self._sizes for size in of_month]
        part, pages = laid_out(sizes, sum(self._alone), min(size or most, most), number)
        rows: dict[str, tuple[list[str], list[str]]] = {code: ([], []) for code in self._municipalities}
        signals = cases = 0
        for municipality, count, of_group, report in self._groups(part) if part else ():
            rows[municipality][0].append(of_group)
            signals += count
            if report is not None:
                rows[municipality][1].append(report)
                cases += 1
        return Page(rows, signals, cases, sum(sizes) + sum(self._alone), pages)

    def _groups(self, part: Part) -> Iterator[tuple[str, int, str, str | None]]:
        counts = ([len(sizes) for sizes in self._sizes], self._alone)
        for which, per_file, (first, last) in zip(
            ("size > 1", "size = 1"), counts, (part.together, part.alone), strict=True
        ):
            start = 0
            for file, count in zip(self._files, per_file, strict=True):
                low, high = max(first, start), min(last, start + count)
                if low < high:
                    numbers = f"SELECT number {self._of(which)} ORDER BY number LIMIT {high - low} OFFSET {low - start}"
                    yield from self._read(
                        file, f"SELECT municipality, size, signals, report FROM groups WHERE number IN ({numbers})"
                    )
                start += count

    def _of(self, which: str) -> str:
        return f"FROM groups WHERE {which} AND {self._asked}"

    def _read(self, file: sqlite3.Connection, query: str) -> sqlite3.Cursor:
        return file.execute(query, self._municipalities)


@contextmanager
def opened_answers(home: Home, months: Sequence[date], municipalities: Sequence[str]) -> Iterator[Answers]:
    """The answers of the months that are kept.

    Raises VroegError where those of a month were withheld, or were never kept.
    """
    if lacking := {*months} & {*months_unanswered(home)}:
        first = month_text(min(lacking))
        raise VroegError(f"{first} has no answers", do=f"{home.command} run --month {first}")
    with ExitStack() as stack:
        files = []
        for month in sorted({*months} & {*months_kept(home)}):
            path = _path(home, month)
            if not path.stat().st_size:
                raise VroegError(f"{month_text(month)} could not be delivered", do="look at that month's ddas_delivery")
            # Files are replaced, never written to: what is open stays as it was.
            uri = f"{path.as_uri()}?mode=ro&immutable=1"
            files.append(stack.enter_context(closing(sqlite3.connect(uri, uri=True))))
        yield Answers(files, municipalities)
