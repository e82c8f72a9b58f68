"""Files, withdrawals, outcomes, other registers, decisions of the address desk and runs in any order: no attempt and no
result ever disappears (DOMAIN §10).
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vroeg_pipeline.address_desk.decisions import read_decisions
from vroeg_pipeline.addresses.lookup import define_address_macros
from vroeg_pipeline.addresses.register import load_register
from vroeg_pipeline.ddas.contradictions import contradictions
from vroeg_pipeline.ddas.file import write_ddas
from vroeg_pipeline.deliveries.intake import take_in
from vroeg_pipeline.deliveries.slips import load_slips
from vroeg_pipeline.domain.agreements import ADDRESS_DESK
from vroeg_pipeline.installation.secrets import hash_key, keyed_hash
from vroeg_pipeline.installation.statements import fetch_one, insert_rows
from vroeg_pipeline.matches.remembered import remember
from vroeg_pipeline.monthly import Month, months_at_work
from vroeg_pipeline.outcomes.intake import settle_outcomes, take_in_outcomes
from vroeg_pipeline.signals.row_verdicts import judge_delivered_rows, keep_former_addresses
from vroeg_pipeline.worklists.routing import set_routing
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.returned import as_csv, hand_in
from vroeg_pipeline_tests.kit.world import World, moment, month, row

MONTHS = ("2021-02", "2021-03")
PARTNERS = ("huur", "licht")
NUMBERS = (12, 14)
PAID = "Inwoner heeft zelf al betaald/betalingsregeling getroffen"

# What an address register may say: nothing, as there is none; the addresses as they are written; two dwellings at each.
REGISTERS = {"none": (), "as written": ("", ""), "two at each": ("HS", "BOV")}

Event = tuple[Any, ...]
# Of each number what the file says: nothing, a row, one with an objection, one below the threshold, a higher amount.
_ROWS = st.tuples(*(st.sampled_from(["", "100,00", "100,00", "objection", "10,00", "300,00"]) for _ in NUMBERS))
_PLACE = (st.sampled_from(MONTHS), st.sampled_from(PARTNERS))
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("delivered"), *_PLACE, st.booleans(), _ROWS),
        st.tuples(st.just("withdrawn"), *_PLACE, st.sampled_from(NUMBERS)),
        st.tuples(
            st.just("returned"), st.sampled_from(MONTHS), st.sampled_from(NUMBERS), st.integers(1, 2), st.booleans()
        ),
        st.tuples(st.just("register"), st.sampled_from(sorted(REGISTERS))),
        st.tuples(st.just("decided"), st.sampled_from(NUMBERS), st.sampled_from(["HS", "BOV"])),
        st.tuples(st.just("run"), st.lists(st.sampled_from(MONTHS), min_size=1, max_size=2, unique=True)),
    ),
    max_size=6,
)
# Without somebody who was contacted there is nothing to lose.
BEGUN = [
    ("delivered", MONTHS[1], PARTNERS[0], False, ("100,00", "100,00")), ("run", [MONTHS[1]]),
    ("returned", MONTHS[1], NUMBERS[0], 1, True), ("run", [MONTHS[1]]),
]  # fmt: skip


@dataclass
class Town:
    """A world in which something happens every day, and what its last run told."""

    world: World
    days: int = 0
    told: dict[str, Any] = field(default_factory=dict)

    def happens(self, event: Event) -> None:
        """One event, a day after the one before it."""
        kind, *of = event
        self.days += 1
        at = f"{moment('2021-04-01 10:00') + timedelta(days=self.days):%Y-%m-%d %H:%M}"
        if kind == "delivered":
            of_month, partner, adds, rows = of
            lines = [self.line(of_month, partner, *line) for line in zip(NUMBERS, rows, strict=True) if line[1]]
            name = f"{'spoed' if adds else 'levering'}_{self.days}.csv"
            self.world.deliver(partner, of_month, lines, name=name, received=at)
        elif kind == "withdrawn":
            of_month, partner, number = of
            name = f"in_{self.days}.csv"
            self.world.slip(partner, of_month, "withdrawals", f"{partner}{number}", name=name, received=at)
        elif kind == "returned":
            of_month, number, attempt, ended = of
            told = {"attempt": str(attempt), "contact_kind": "Telefoon", "contacted_on": f"28-{of_month[5:]}-2021"}
            told |= {"case_id": self.case_id(of_month, number), "end_result": PAID if ended else ""}
            hand_in(self.world, as_csv([told]), month=of_month, name=f"lijst_{self.days}.csv", received=at)
        elif kind == "register":
            (which,) = of
            suffixes = REGISTERS[which]
            self.world.register(*(f"2021AB,{number},,{suffix}" for number in NUMBERS for suffix in suffixes))
        elif kind == "decided":
            number, suffix = of
            self.decide(number, suffix, at)
        else:
            (months,) = of
            self.run(months)

    def line(self, of_month: str, partner: str, number: int, what: str) -> dict[str, str]:
        amount = "100,00" if what == "objection" else what
        return row(
            customer_reference=f"{partner}{number}", house_number=str(number), amount_due=amount,
            arrears_since="01-11-2020", reference_date=f"01-{of_month[5:]}-2021",
            objection="ja" if what == "objection" else "",
        )  # fmt: skip

    def case_id(self, of_month: str, number: int) -> str:
        """The Kenmerk of the number as it was issued last."""
        with self.world.warehouse.connect() as connection:
            self.world.installation.define_macros(connection)
            issued = (
                "SELECT arg_max(address_key, issued_at) FROM worklist_issues "
                "WHERE month = $1::DATE AND split_part(address_key, '_', 2) = $2 AND change = 'added'"
            )
            query = f"SELECT case_id_of($1::DATE, coalesce(({issued}), '2021AB_' || $2 || '__'))"
            return str(fetch_one(connection, query, [month(of_month), str(number)])[0])

    def decide(self, number: int, suffix: str, at: str) -> None:
        """The address desk says which door the writings of a number mean."""
        known = self.world.query(f"SELECT DISTINCT desk_id FROM validated_signals WHERE house_number = {number}")
        lines = [f"{each['desk_id']};2021AB {number} {suffix};Loket" for each in known]
        content = "\n".join(["Kenmerk (niet wijzigen);Besluit;Door", *lines]).encode()
        self.world.deliver(ADDRESS_DESK, MONTHS[0], content, name=f"besluit_{self.days}.csv", received=at)

    def run(self, months: Sequence[str]) -> None:
        """The months one after the other, in that order; then what is told of all of them."""
        warehouse, installation = self.world.warehouse, self.world.installation
        with warehouse.connect() as connection:
            installation.define_macros(connection)
            define_address_macros(connection, installation, today=True)
            load_register(connection, installation.home, installation.now())
            define_address_macros(connection, installation, today=True)
            read_decisions(connection, installation)
        with months_at_work(warehouse, installation, [month(each) for each in months]) as at_work:
            for of in at_work:
                _work(of)
        self.told = self.tables() | self.delivery()

    def tables(self) -> dict[str, Any]:
        attempts = self.world.query("SELECT month, case_id, attempt FROM contact_attempts")
        results = self.world.query("SELECT month, case_id FROM case_results")
        return {
            "attempts": {tuple(each.values()) for each in attempts},
            "results": {tuple(each.values()) for each in results},
        }

    def delivery(self) -> dict[str, Any]:
        """What CBS gets: attempts and results of each case by month and number, and the references of contacted ones."""
        path = self.world.root / "delivery.json"
        with self.world.warehouse.connect() as connection:
            write_ddas(connection, self.world.installation, [month(each) for each in MONTHS], path)
        leveringen = json.loads(path.read_text(encoding="utf-8"))["leveringen"]
        signals = [signal for levering in leveringen for signal in levering["vroegsignalen"]]
        cases = [case for levering in leveringen for case in levering["vroegsignaalzaken"]]
        assert contradictions([*signals, *cases]) == {}
        numbers = {signal["ID"]: signal["client"]["huisnummer"] for signal in signals}
        key = hash_key(self.world.home)
        known = self.world.query("SELECT month, signal_id, customer_reference FROM signal_statuses")
        references = {keyed_hash(key, each["signal_id"]): each["customer_reference"] for each in known}
        in_cases: Counter[tuple[str, ...]] = Counter()
        contacted = set()
        for case in cases:
            first, *others = [reference["ID"] for reference in case["vroegsignalen"]]
            place = (case["startdatumMatchingperiode"], numbers[first])
            in_cases[(*place, "attempts")] += len(case["contactpogingen"])
            in_cases[(*place, "results")] += "resultaat" in case and bool(case["contactpogingen"])
            if case["contactpogingen"]:
                contacted |= {(*place, references[each]) for each in (first, *others)}
        return {"in cases": +in_cases, "contacted": contacted}


def _work(of: Month) -> None:
    """What a run does with a month up to its outcomes, without Dagster."""
    take_in(of.connection, of.installation, of.month, lambda said: None)
    load_slips(of.connection, of.installation, of.month)
    define_address_macros(of.connection, of.installation)
    judge_delivered_rows(of.connection, of.home)
    keep_former_addresses(of.connection)
    of.fill("validated_signals", "rejected_rows")
    of.fill("address_matches")
    of.step("moved_addresses")
    remember(of.connection, of.installation)
    of.fill("repeat_signals", "recidivism_history")
    set_routing(of.connection, of.installation)
    of.fill("prioritised_worklists", "known_client_counts")
    insert_rows(of.connection, "worklist_issues", of.installation.statement("worklist_issues"))
    take_in_outcomes(of.connection, of.installation, of.month, lambda said: None)
    settle_outcomes(of.connection, of.installation, of.month)


def town(root: Path) -> Town:
    world = World(root)
    for partner, kind in zip(PARTNERS, ("Huur", "Energie"), strict=True):
        # Whatever comes late is not too old here.
        world.agree(partner, type=kind, delivery={"additions": "*spoed*", "max_age_days": 400})
    return Town(world)


@example([("withdrawn", MONTHS[1], PARTNERS[0], NUMBERS[0])])
@example([("delivered", MONTHS[1], PARTNERS[0], False, ("", "300,00"))])
@example([("delivered", MONTHS[1], PARTNERS[0], True, ("objection", ""))])
@example([("register", "two at each"), ("run", [MONTHS[1]]), ("decided", NUMBERS[0], "BOV")])
@settings(max_examples=examples(2, by_night=1_000))
@given(events=EVENTS)
def test_no_attempt_and_no_result_ever_disappears(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lived = town(Path(folder) / "home")
        for event in [*BEGUN, *events, ("run", list(MONTHS)), ("run", list(MONTHS))]:
            before = lived.told
            lived.happens(event)
            for what in ("attempts", "results", "contacted"):
                assert before.get(what, set()) <= lived.told.get(what, set()), what
            assert all(lived.told["in cases"][each] >= n for each, n in before.get("in cases", {}).items())
        # Made anew from inbox and archive, in the other order of months too.
        lived.world.lose_warehouse()
        rebuilt = Town(lived.world)
        rebuilt.run(list(reversed(MONTHS)))
        rebuilt.run(list(MONTHS))
        assert rebuilt.told["contacted"] >= lived.told["contacted"]
        assert all(rebuilt.told["in cases"][each] >= n for each, n in lived.told["in cases"].items())
