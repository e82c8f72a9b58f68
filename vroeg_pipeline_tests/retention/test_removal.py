"""What is removed, when, and that nobody misses it (DOMAIN §14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml

from vroeg_pipeline.cli.doctor import doubts
from vroeg_pipeline.ddas.file import ddas_name
from vroeg_pipeline.domain.months import parse_month
from vroeg_pipeline.domain.retention import Kept, Retention, kept_from
from vroeg_pipeline.installation.notes import CLOSED
from vroeg_pipeline.installation.schema import monthly_tables
from vroeg_pipeline.matches.remembered import LOST_KEY
from vroeg_pipeline.retention.removal import Removed, remove_due, remove_rows, terms_of_tables, what_is_due
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.killed import killed_at_event, killed_at_random
from vroeg_pipeline_tests.kit.random_world import MONTHS, make_random_world
from vroeg_pipeline_tests.kit.tables import Tables
from vroeg_pipeline_tests.kit.world import WHOLE, World, moment, row
from vroeg_pipeline_tests.yardsticks import pandas_month

TIGHT = {
    "lookback_months": 24,
    "repeat_months": 1,
    "aftercare_months": 1,
    "retention": {"files": 1, "rejected": 1, "signals": 2},
}
# One in each field of a row; in the file, the tables and what goes out.
CANARIES = ("Kanariegeel", "0611122233", "kanarie@example.org", "REF-KANARIE", "Kanariestraat")


def removed_on(world: World, day: str) -> Removed:
    """What that day removes."""
    world.now = moment(f"{day} 12:00")
    return remove_due(world.warehouse, world.installation, date.fromisoformat(day))


def of_month(world: World, month: str) -> Mapping[str, Any]:
    return {table: world.table(table, where=f"month = '{month}-01'") for table in pandas_month.TABLES}


def months_of(world: World, table: str) -> list[str]:
    found = world.query(f"SELECT DISTINCT month::VARCHAR AS month FROM {table} ORDER BY 1")
    return [str(each["month"])[:7] for each in found]


def files_with(root: Path, words: tuple[str, ...]) -> list[str]:
    """The files that hold one of the words anywhere in their bytes, or in their name."""
    found = []
    for path in (path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes() + path.name.encode()
        if any(word.encode() in content for word in words):
            found.append(path.relative_to(root).as_posix())
    return sorted(found)


def test_a_month_that_remains_is_the_same_without_the_removed_ones(world: World) -> None:
    make_random_world(world, 4)
    known = yaml.safe_load(world.home.settings.read_text()) if world.home.settings.exists() else {}
    world.settings(**(known | TIGHT))
    world.make(MONTHS[0], MONTHS[-1], upto=WHOLE)
    before = of_month(world, MONTHS[-1])
    closed_before = of_month(world, MONTHS[2])
    assert any(each["is_recidivist"] for each in before["recidivism_history"])
    assert removed_on(world, "2021-05-10").rewritten
    assert months_of(world, "validated_signals") == ["2021-03", "2021-04"]
    assert months_of(world, "reported_history") == ["2021-01", "2021-02"]
    assert doubts(world.installation) == []
    # The third is closed, so that what is left of it stays as it is.
    world.make(MONTHS[2], MONTHS[-1], upto=WHOLE)
    after, closed_after = of_month(world, MONTHS[-1]), of_month(world, MONTHS[2])
    for table, rows in before.items():
        assert after[table] == rows, table
    gone = ("rejected_rows", "repeat_signals")
    for table, rows in closed_before.items():
        left = closed_after[table]
        if table == "delivery_files":
            assert [{**each, "file_name": "", "partner": ""} for each in rows] == [
                {**each, "partner": ""} for each in left
            ]
        else:
            assert left == ([] if table in gone else rows), table
    # Without the key nobody is known again, and that is said.
    world.home.hash_key.write_text("ab" * 32, encoding="ascii")
    assert doubts(world.installation) == [LOST_KEY]
    assert any(
        each["last_reported_month"] < date(2021, 3, 1) for each in before["recidivism_history"] if each["is_recidivist"]
    )
    world.make(MONTHS[-1], upto="recidivism_history")
    known = of_month(world, MONTHS[-1])["recidivism_history"]
    assert all(each["first_reported_month"] >= date(2021, 3, 1) for each in known if each["is_recidivist"])


def canary(name: str, **changes: str) -> dict[str, str]:
    return row(
        surname=name,
        phone=CANARIES[1],
        email=CANARIES[2],
        customer_reference=CANARIES[3],
        street=CANARIES[4],
        **changes,
    )


def test_nothing_is_left_in_any_byte_and_others_stay(world: World) -> None:
    world.agree("corporatie")
    world.settings(**TIGHT)
    bad = canary(CANARIES[0], house_number="77", amount_due="geen")
    world.deliver("corporatie", "2021-01", [canary(CANARIES[0]), bad], name=f"{CANARIES[0]}.csv")
    world.deliver(CANARIES[0], "2021-01", b"a;b\n", name="x.csv")
    other = row(surname="Blijvers", customer_reference="R-2", phone="0699988877")
    world.deliver("corporatie", "2021-04", [other])
    world.run("2021-01", "2021-04")
    lay_in = {path.split("/")[0] for path in files_with(world.root, CANARIES)}
    assert lay_in == {"archive", "inbox", "taken_in", world.store.name}
    assert not [word for word in (*CANARIES, "Blijvers") if word in world.catalogue()]
    assert (world.home.outbox / "2021-01").exists()
    mode = world.store.stat().st_mode
    with world.warehouse.connect() as connection:
        due = what_is_due(connection, world.installation, date(2021, 5, 10))
    assert {(each.where, each.month) for each in due} >= {
        (t, date(2021, 1, 1)) for t in ("inbox", "ddas", "raw.delivery_rows")
    }
    assert max(each.month for each in due) < date(2021, 4, 1)
    removed = removed_on(world, "2021-05-10")
    assert removed.due == due
    assert removed.rewritten
    assert files_with(world.root, CANARIES) == []
    assert not (world.home.outbox / "2021-01").exists()
    assert {path.split("/")[0] for path in files_with(world.root, ("Blijvers",))} >= {
        "archive",
        "inbox",
        world.store.name,
    }
    assert world.store.stat().st_mode == mode
    assert world.query("SELECT count(*) AS files FROM delivery_files WHERE month = '2021-01-01'") == [{"files": 2}]
    assert CLOSED.read(world.home).months == tuple(map(parse_month, ("2021-01", "2021-02", "2021-03")))  # type: ignore[union-attr]
    # A second time there is nothing, and what came since for a closed month is kept, and not worked on.
    assert removed_on(world, "2021-05-10") == Removed([], rewritten=False)
    late = world.deliver("corporatie", "2021-01", [canary(CANARIES[0])], received="2021-05-11 10:00")
    counts = world.query("SELECT month, row_count FROM delivery_files ORDER BY ALL")
    world.run("2021-01")
    assert world.query("SELECT month, row_count FROM delivery_files ORDER BY ALL") == counts
    assert not removed_on(world, "2021-06-30").due or late.exists()
    assert late.exists()
    removed_on(world, "2021-07-01")
    assert not late.exists()


def test_every_table_with_persons_has_a_term() -> None:
    terms = terms_of_tables()
    named = {table for table, is_personal in monthly_tables().items() if is_personal}
    assert named - set(terms) == {"delivery_files", "outcome_files"}
    # What is left for ever names nobody.
    assert set(monthly_tables()) - set(terms) - {"delivery_files", "outcome_files"} == {
        "delivery_measures", "evaluation_contacts", "evaluation_deliveries", "evaluation_reports", "evaluation_signals",
        "known_client_counts", "reference.delivery_decisions", "reference.removals",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "day", "oldest"),
    [
        (Kept.FILES, "2021-07-31", "2021-01"),
        (Kept.FILES, "2021-08-01", "2021-02"),
        (Kept.SIGNALS, "2022-07-31", "2021-01"),
        (Kept.SIGNALS, "2022-08-01", "2021-02"),
        # 24 months, and as long as a month that can be run looks back to it.
        (Kept.HISTORY, "2023-07-31", "2021-01"),
        (Kept.HISTORY, "2023-08-01", "2021-02"),
    ],
)
def test_terms_count_from_the_end_of_the_month(kept: Kept, day: str, oldest: str) -> None:
    assert kept_from(date.fromisoformat(day), kept, Retention(), 24) == parse_month(oldest)


def test_a_decision_of_the_address_desk_stays_while_a_run_replays_it(tables: Tables) -> None:
    decided = "VALUES ('f', 1, ?, 'as_written', TIMESTAMPTZ '2021-01-10 10:00:00+01')"
    columns = "file_sha256, row_number, desk_id, decision, decided_at"
    for desk_id in ("replayed", "no more"):
        tables.connection.execute(f"INSERT INTO reference.address_decisions ({columns}) {decided}", [desk_id])
    tables.signal(month="2021-01", desk_id="no more")
    tables.signal(month="2021-03", desk_id="replayed")
    left, counts = [], []
    # The signals of January go on the first of August of the next year, those of March on the first of October.
    for day in ("2022-07-31", "2022-08-01", "2022-09-30", "2022-10-01"):
        removed = date.fromisoformat(day)
        due = what_is_due(tables.connection, tables.world.installation, removed)
        remove_rows(tables.connection, tables.world.installation, removed, [])
        decisions = tables.query("SELECT desk_id FROM reference.address_decisions ORDER BY 1")
        left.append([each["desk_id"] for each in decisions])
        counts.append(sum(each.count for each in due if each.where == "reference.address_decisions"))
    assert left == [["no more", "replayed"], ["replayed"], ["replayed"], []]
    assert counts == [0, 1, 0, 1]


def test_killed_at_any_moment_a_second_time_ends_in_the_same(world: World, tmp_path: Path) -> None:
    world.agree("corporatie")
    world.settings(**TIGHT)
    world.deliver("corporatie", "2021-03", [canary(CANARIES[0])])
    world.deliver(CANARIES[0], "2021-03", b"a;b\n")  # a folder without an agreement, of which notes have the name
    world.make("2021-03", upto="worklist_files")
    kept = world.copied(tmp_path / "kept")
    removed_on(world, "2021-09-10")
    tables = [*terms_of_tables(), "delivery_files", "outcome_files"]

    def there() -> Mapping[str, Any]:
        with world.warehouse.connect(read_only=True) as connection:
            assert connection.execute("SELECT bool_and(is_rewritten) FROM reference.removals").fetchone() == (True,)
            return {table: connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in tables}

    wanted = there()

    def is_killed(at: Callable[[Callable[[], object]], bool]) -> bool:
        world.put_back(kept)
        killed = at(partial(removed_on, world, "2021-09-10"))
        removed_on(world, "2021-09-10")
        assert files_with(world.root, CANARIES) == []
        assert not list(world.root.glob(".*"))
        assert there() == wanted
        return killed

    events = range(0, 400, examples(5, by_night=1))
    assert sum(1 for _ in takewhile(bool, (is_killed(partial(killed_at_event, event)) for event in events))) >= 3
    assert sum(is_killed(partial(killed_at_random, number, 0.5)) for number in range(examples(3, by_night=20))) >= 1


@pytest.mark.parametrize("folder", ["inbox", "archive"])
def test_a_link_is_not_followed_to_what_lies_elsewhere(world: World, tmp_path: Path, folder: str) -> None:
    world.make("2021-01", upto="resolved_addresses")
    elsewhere = tmp_path / "elsewhere" / "2021-01" / "a.csv"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("a;b\n")
    (world.root / folder).mkdir(exist_ok=True)
    (world.root / folder / "gelinkt").symlink_to(tmp_path / "elsewhere")
    assert folder not in {each.where for each in removed_on(world, "2021-12-10").due}
    assert elsewhere.exists()


def test_a_file_for_cbs_of_several_months_goes_with_the_oldest_of_them(world: World) -> None:
    world.make("2021-01", upto="resolved_addresses")
    of_both = ddas_name(world.installation, [date(2021, 1, 1), date(2021, 2, 1)])
    of_one = ddas_name(world.installation, [date(2021, 2, 1), date(2021, 3, 1)], "0392")
    world.home.outbox.mkdir(exist_ok=True)
    for name in (of_both, of_one, "verwerking.html"):
        (world.home.outbox / name).write_text("{}")
    with world.warehouse.connect() as connection:
        assert what_is_due(connection, world.installation, date(2021, 7, 31)) == []
        due = what_is_due(connection, world.installation, date(2021, 8, 1))
    assert [(each.month, each.kept, each.where, each.count) for each in due] == [
        (date(2021, 1, 1), "files", "outbox", 1)
    ]
    left = []
    for day in ("2021-07-31", "2021-08-01", "2021-09-01"):
        removed_on(world, day)
        left.append(sorted(path.name for path in world.home.outbox.glob("*")))
    assert left == [[of_both, of_one, "verwerking.html"], [of_one, "verwerking.html"], ["verwerking.html"]]
