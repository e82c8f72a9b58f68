"""Requests, runs, late files, retention in any order: rows add up, nobody else changes, nobody comes back (DOMAIN §14)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from vroeg_pipeline.domain.months import amsterdam_day
from vroeg_pipeline.installation.log import Done, log_done, what_is_wrong_with
from vroeg_pipeline.installation.requests import Asked, Request, next_number
from vroeg_pipeline.residents.asking import ask, lift
from vroeg_pipeline.residents.erasing import erase
from vroeg_pipeline.residents.finding import Wanted
from vroeg_pipeline.retention.removal import remove_due
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.world import World, moment, row
from vroeg_pipeline_tests.residents.test_erasing import files_with

MONTHS = ("2021-03", "2021-04", "2021-05")
PARTNERS = ("corporatie", "energie")
# Names at a door; two of them share one.
PEOPLE = {"Aalscholver": "1", "Boomklever": "1", "Citroenvink": "2", "Draaihals": "3", "Ekster-Fazant": "4"}
TERMS = {
    "lookback_months": 12,
    "repeat_months": 0,
    "aftercare_months": 0,
    "retention": {"files": 2, "rejected": 2, "signals": 3},
}


@dataclass
class Known:
    """What should be so by what was done: the files by month and partner with who is in each row, and who asked for what."""

    world: World
    files: list[tuple[str, str, list[str]]] = field(default_factory=list)
    judged: set[int] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    restricted: dict[str, int] = field(default_factory=dict)
    objected: dict[str, set[int]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    current: set[str] = field(default_factory=set)  # months that were run since the last request

    def deliver(self, month: str, partner: str, people: list[str]) -> None:
        """A file of the month; a second one of a partner adds to the first."""
        number = len(self.files)
        rows = [
            row(
                customer_reference=f"{partner}-{name}", surname=name, house_number=PEOPLE[name],
                email=f"{name}@example.org", reference_date=f"01-{month[5:]}-2021",
            )
            for name in people
        ]  # fmt: skip
        received = f"{month}-{3 + number % 20:02d} 10:{number:02d}"
        self.world.deliver(partner, month, rows, name=f"lijst{number}.csv", received=received)
        self.files.append((month, partner, people))

    def run(self, month: str) -> None:
        """Runs the month, and looks whether all is as it should be."""
        self.world.make(month, upto="worklist_issues")
        if month not in self.closed:
            self.judged |= {number for number, (of, _, _) in enumerate(self.files) if of == month}
            self.current.add(month)
        self.check()

    def check(self) -> None:
        """What the tables say of every file that was judged, against what was done."""
        accounts = (
            "SELECT month FROM delivery_files WHERE status = 'accepted' "
            "AND row_count IS DISTINCT FROM accepted_count + rejected_count + erased_count"
        )
        assert self.world.query(accounts) == []
        there = {
            (each["month"], each["customer_reference"]): (each["file"], each["held_reason"])
            for each in self.world.query(
                "SELECT strftime(s.month, '%Y-%m') AS month, customer_reference, held_reason, file_name AS file "
                "FROM validated_signals AS s INNER JOIN delivery_files USING (month, partner, file_sha256)"
            )
        }
        expected = {}
        for number, (month, partner, people) in enumerate(self.files):
            if number in self.judged:
                for name in people:
                    # An objection is to later files; of several files with somebody the newest counts.
                    if name not in self.erased and number in self.objected.get(name, {number}):
                        held = "restricted" if name in self.restricted else None
                        expected[month, f"{partner}-{name}"] = (f"lijst{number}.csv", held)
        months = self.current - self.closed
        assert {at: what for at, what in there.items() if at[0] in months} == {
            at: what for at, what in expected.items() if at[0] in months
        }
        not_seen = {f"lijst{number}.csv" for number in range(len(self.files)) if number not in self.judged}
        assert [path for path in files_with(self.world.root, *self.erased) if Path(path).name not in not_seen] == []
        assert what_is_wrong_with(self.world.home) is None

    def request(self, kind: Asked, name: str) -> None:
        """One of the people asks for it."""
        world, warehouse = self.world, self.world.warehouse
        self.current.clear()
        wanted = Wanted(postcode="2021AB", number=PEOPLE[name], surname=name)
        request = Request(next_number(world.home), kind, "Tester", "gevraagd", world.now, "", ())
        if kind == Asked.ERASE:
            erase(warehouse, world.installation, wanted, request)
            self.erased.add(name)
        else:
            ask(warehouse, world.installation, wanted, request)
        if kind == Asked.RESTRICT:
            self.restricted[name] = request.number
        elif kind == Asked.OBJECT:
            self.objected.setdefault(name, set(self.judged))
        log_done(world.home, world.now, Done(f"subject {kind}", f"request {request.number}", "done", "", "", world.now))

    def lift(self, name: str) -> None:
        """The restriction of one of them ends."""
        self.current.clear()
        lift(self.world.installation, self.restricted.pop(name), "Tester", "klaar")

    def age(self, months: int) -> None:
        """Time goes by, and what has a term is removed."""
        world = self.world
        world.now += timedelta(days=30 * months)
        remove_due(world.warehouse, world.installation, amsterdam_day(world.now))
        closed = world.query(
            "SELECT DISTINCT strftime(month, '%Y-%m') AS month FROM reference.removals WHERE kept <> 'erased'"
        )
        self.closed |= {each["month"] for each in closed}


@pytest.mark.parametrize("seed", range(examples(2, by_night=200)))
def test_in_any_order_rows_add_up_and_nobody_comes_back(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = World(tmp_path / "home", now=moment("2021-05-25 12:00"))
    for partner in PARTNERS:
        world.agree(partner, delivery={"additions": "*"})
    world.settings(**TERMS)
    known = Known(world)
    for month in MONTHS:
        for partner in PARTNERS:
            known.deliver(month, partner, chance.sample(list(PEOPLE), 4))
    known.run(MONTHS[0])
    for _ in range(6):
        done = chance.choice(("run", "run", "late", Asked.ERASE, Asked.RESTRICT, Asked.OBJECT, "lift", "age"))
        name = chance.choice(list(PEOPLE))
        if done == "late" and MONTHS[-1] not in known.closed:
            known.deliver(chance.choice(MONTHS), chance.choice(PARTNERS), chance.sample(list(PEOPLE), 3))
        elif done == "lift" and name in known.restricted:
            known.lift(name)
        elif done == "age" and not known.closed:
            known.age(chance.choice((1, 2)))
        elif isinstance(done, Asked) and name not in known.erased:
            known.request(done, name)
        open_months = [month for month in MONTHS if month not in known.closed]
        if done == "run":
            known.run(chance.choice(open_months))
    for month in (month for month in MONTHS if month not in known.closed):
        known.run(month)
    assert files_with(world.root, *known.erased) == []
    left = set(PEOPLE) - known.erased
    assert files_with(world.root, *left) != []
