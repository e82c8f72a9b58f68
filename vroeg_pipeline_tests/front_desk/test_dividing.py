"""A file for many towns: each row goes to one of them or is told back, each town sees its own, and nothing stays."""

from __future__ import annotations

import csv
import io
import os
from datetime import date, timedelta
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from vroeg_pipeline.cli.front_desk import print_agreement
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.settings import parse_settings
from vroeg_pipeline.front_desk.dividing import NOT_SERVED, UNTOLD, Outcome, divide, town_agreement
from vroeg_pipeline_tests.kit.command import vroeg
from vroeg_pipeline_tests.kit.examples import examples
from vroeg_pipeline_tests.kit.killed import killed_at_event
from vroeg_pipeline_tests.kit.world import World, as_csv, moment, row

MONTH = "2021-03"
# A postcode of each of the two towns, of one that is not served, of no known one, and none.
HAARLEM, ZANDVOORT, BLOEMENDAAL, ELSEWHERE, NONE = "2021AB", "2041AA", "2051AA", "9999ZZ", ""


@pytest.fixture
def desk(tmp_path: Path) -> World:
    """Divides for Haarlem and Zandvoort, which are installations of their own."""
    return front_desk(tmp_path)


def front_desk(root: Path) -> World:
    desk = World(root / "desk", moment(f"{MONTH}-04 10:00"))
    desk.agree("stroom")
    for town in ("haarlem", "zandvoort"):
        (root / town / "inbox").mkdir(parents=True)
    towns = {"haarlem": "0392", "zandvoort": "0473"}
    desk.settings(
        front_desk={
            "towns": {
                town: {"inbox": str(root / town / "inbox"), "municipalities": [code]} for town, code in towns.items()
            }
        }
    )
    return desk


def divided(desk: World) -> list[Outcome]:
    return list(divide(desk.installation))


def of_town(desk: World, town: str) -> list[list[str]]:
    """The references in each file that a town has, in the order of their moments and names."""
    files = sorted(
        (desk.root.parent / town / "inbox").rglob("*.csv"), key=lambda path: (path.stat().st_mtime, path.name)
    )
    rows = [list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), delimiter=";")) for path in files]
    return [[each["customer_reference"] for each in of_file] for of_file in rows]


def told_back(desk: World) -> list[tuple[str, str, str]]:
    found = [
        tuple(each)
        for path in sorted(desk.home.outbox.rglob("niet_bezorgd_*.csv"))
        for each in list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")), delimiter=";"))[1:]
    ]
    return [(number, reference, reason) for number, reference, reason in found]


def rows(*postcodes: str) -> list[dict[str, str]]:
    return [row(customer_reference=f"K{n}", postcode=code) for n, code in enumerate(postcodes, 1)]


def test_each_town_gets_its_own_rows_and_the_sender_hears_of_all_others(desk: World) -> None:
    delivered = desk.deliver("stroom", MONTH, rows(HAARLEM, ZANDVOORT, BLOEMENDAAL, ELSEWHERE, NONE, HAARLEM))
    (outcome,) = divided(desk)
    assert outcome.towns == {"haarlem": 2, "zandvoort": 1}
    assert outcome.told_back == {NOT_SERVED: 1, UNTOLD: 2}
    assert of_town(desk, "haarlem") == [["K1", "K6"]]
    assert of_town(desk, "zandvoort") == [["K2"]]
    assert told_back(desk) == [("3", "K3", NOT_SERVED), ("4", "K4", UNTOLD), ("5", "K5", UNTOLD)]
    (file,) = (desk.root.parent / "haarlem" / "inbox" / "stroom" / MONTH).iterdir()
    assert file.stat().st_mtime_ns == delivered.stat().st_mtime_ns
    assert file.stat().st_mode & 0o077 == 0
    assert not list(desk.home.archive.rglob("*.*"))
    assert divided(desk) == []


@settings(max_examples=examples(20, by_night=500), deadline=None)
@given(st.lists(st.sampled_from([HAARLEM, ZANDVOORT, BLOEMENDAAL, ELSEWHERE, NONE, "2041 aa", "x"]), max_size=30))
def test_rows_in_are_rows_out(tmp_path_factory: pytest.TempPathFactory, postcodes: list[str]) -> None:
    desk = front_desk(tmp_path_factory.mktemp("towns"))
    desk.deliver("stroom", MONTH, rows(*postcodes))
    (outcome,) = divided(desk)
    if not postcodes:
        assert (outcome.rows, outcome.towns) == (0, {})
        return
    references = [reference for town in ("haarlem", "zandvoort") for file in of_town(desk, town) for reference in file]
    references += [reference for _, reference, _ in told_back(desk)]
    assert sorted(references) == sorted(f"K{n}" for n in range(1, len(postcodes) + 1))
    assert outcome.rows == len(postcodes) == sum(outcome.towns.values()) + sum(outcome.told_back.values())


def test_nobody_of_one_town_is_in_any_byte_of_the_other_nor_here_after_the_term(desk: World) -> None:
    canaries = ("Kanariegeel", "REF-KANARIE", "0611122233", "kanarie@example.org")
    canary = dict(zip(("surname", "customer_reference", "phone", "email"), canaries, strict=True))
    desk.deliver("stroom", MONTH, [row(postcode=HAARLEM, **canary), row(postcode=BLOEMENDAAL, **canary), row()])
    divided(desk)

    def where() -> set[str]:
        found = [
            path.relative_to(desk.root.parent).parts[0]
            for path in desk.root.parent.rglob("*")
            if path.is_file() and any(word.encode() in path.read_bytes() for word in canaries)
        ]
        return set(found)

    assert where() == {"haarlem", "desk"}
    for path in desk.home.outbox.rglob("*.csv"):
        os.utime(path, (desk.now.timestamp(), desk.now.timestamp()))
    desk.now += timedelta(days=13)
    divided(desk)
    assert where() == {"haarlem", "desk"}
    desk.now += timedelta(days=1)
    divided(desk)
    assert where() == {"haarlem"}


def test_the_same_bytes_are_divided_once_and_a_correction_reaches_who_has_no_row_in_it_any_more(desk: World) -> None:
    desk.deliver("stroom", MONTH, rows(HAARLEM, ZANDVOORT))
    divided(desk)
    desk.deliver("stroom", MONTH, rows(HAARLEM, ZANDVOORT), name="nogmaals.csv")
    assert divided(desk) == []
    desk.deliver("stroom", MONTH, rows(HAARLEM), name="correctie.csv", received=f"{MONTH}-04 09:00")
    (outcome,) = divided(desk)
    assert outcome.towns == {"haarlem": 1, "zandvoort": 0}
    assert of_town(desk, "haarlem") == [["K1"], ["K1"]]
    assert of_town(desk, "zandvoort") == [["K2"], []]


def test_a_town_that_is_away_is_served_later_and_the_others_at_once(desk: World) -> None:
    inbox = desk.root.parent / "zandvoort" / "inbox"
    inbox.rmdir()
    delivered = desk.deliver("stroom", MONTH, rows(HAARLEM, ZANDVOORT, NONE))
    for _ in range(2):
        (outcome,) = divided(desk)
        (wrong,) = outcome.wrong
        assert wrong.startswith("zandvoort: ")
        assert "its inbox is not there; look whether its disk is" in wrong
        assert of_town(desk, "haarlem") == [["K1"]]
        desk.now += timedelta(days=20)
    assert delivered.exists()  # however long it takes
    inbox.mkdir()
    assert divided(desk)[0].wrong == ()
    assert (of_town(desk, "haarlem"), of_town(desk, "zandvoort")) == ([["K1"]], [["K2"]])
    assert len(told_back(desk)) == 1


def test_killed_anywhere_each_row_arrives_once(tmp_path: Path) -> None:
    def is_killed(event: int) -> bool:
        desk = front_desk(tmp_path / str(event))
        desk.deliver("stroom", MONTH, rows(HAARLEM, ZANDVOORT, NONE))
        desk.deliver("stroom", MONTH, rows(ZANDVOORT), name="tweede.csv", received=f"{MONTH}-03 11:00")
        killed = killed_at_event(event, partial(divided, desk))
        divided(desk)
        assert of_town(desk, "haarlem") == [["K1"], []]
        assert of_town(desk, "zandvoort") == [["K2"], ["K1"]]
        assert len(told_back(desk)) == 1
        assert divided(desk) == []
        left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name.endswith(".tmp")]
        assert all(path.stat().st_size == 0 or "inbox" in path.parts for path in left)
        return killed

    events = count() if examples(0, by_night=1) else range(0, 60, 3)
    assert sum(1 for _ in takewhile(bool, map(is_killed, events))) >= 10


def told_by(world: World) -> list[dict[str, Any]]:
    """What a town's own rules made of the rows, but for what tells of the file."""
    world.make(MONTH, upto="validated_signals")
    of_file = ("signal_id", "file_sha256", "row_number", "received_at", "first_received_at", "crisis_received_at")
    told = [*world.table("validated_signals"), *world.table("rejected_rows")]
    return sorted(({k: v for k, v in each.items() if k not in of_file} for each in told), key=str)


def test_a_town_judges_what_it_gets_as_it_would_judge_the_file_itself(tmp_path: Path) -> None:
    given_rows = [
        row(customer_reference="K1", amount_due="1.250,50"), row(customer_reference="K2", amount_due="veel"),
        row(customer_reference='K;"3\n', surname="Café 'n", house_number="12-II"), row(customer_reference="K4", postcode=""),
        row(customer_reference="K5", birth_date="01-02-1980", phone="'0612345678"),
    ]  # fmt: skip
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    names = [name.title() for name in row()]
    sheet.append(names)
    for each in given_rows:
        sheet.append([each.get(name.lower(), "") for name in names])
    typed = {"Customer_Reference": 77, "Amount_Due": 312.5, "Arrears_Since": date(2021, 1, 1), "Reminder_Sent": True}
    sheet.append([typed.get(name, row()[name.lower()]) for name in names])
    sheet.append([{**typed, "Surname": True, "Amount_Due": 99}.get(name, row()[name.lower()]) for name in names])
    workbook = io.BytesIO()
    book.save(workbook)
    for form, content in (("csv", as_csv(given_rows)), ("xlsx", workbook.getvalue())):
        alone = World(tmp_path / form / "alone")
        alone.agree("stroom", delivery={"format": form})
        alone.deliver("stroom", MONTH, content, name=f"levering.{form}")
        desk = front_desk(tmp_path / form)
        desk.agree("stroom", delivery={"format": form})
        desk.reference("municipalities.csv", "postcode4_from,postcode4_to,gemeentecode", "1000,9999,0392")
        given = content
        if form == "csv":  # the front desk can tell nothing of a row without a postcode
            given = as_csv([each for each in given_rows if each["postcode"]])
            alone.deliver("stroom", MONTH, given)
        desk.deliver("stroom", MONTH, given, name=f"levering.{form}")
        (outcome,) = divided(desk)
        town = World(tmp_path / form / "haarlem")
        layout = desk.installation.partners.agreements["stroom"]
        town.agree("stroom", **town_agreement(layout))
        without_postcode = [each for each in told_by(alone) if "missing_postcode" not in (each.get("reasons") or [])]
        expected = without_postcode if form == "xlsx" else told_by(alone)
        assert told_by(town) == expected, form
        assert outcome.towns == {"haarlem": len(expected)}


def test_a_sender_of_several_partners_is_divided_too(tmp_path: Path) -> None:
    desk = front_desk(tmp_path)
    desk.agree_sender("portaal", {"Huur BV": "huur"})
    desk.agree_delivered("huur", "portaal")
    header = [*(name.title() for name in row()), "Instantie"]
    lines = [
        [*row(postcode=code, customer_reference=f"K{n}").values(), "Huur BV"]
        for n, code in enumerate((HAARLEM, ZANDVOORT), 1)
    ]
    content = "\n".join(";".join(line) for line in [header, *lines]).encode()
    desk.deliver("portaal", MONTH, content)
    divided(desk)
    town = World(tmp_path / "haarlem")
    layout = desk.installation.partners.senders["portaal"]
    town.agree_sender("portaal", {"Huur BV": "huur"}, **town_agreement(layout))
    town.agree_delivered("huur", "portaal")
    town.make(MONTH, upto="validated_signals")
    assert [(each["partner"], each["customer_reference"]) for each in town.table("validated_signals")] == [
        ("huur", "K1")
    ]


def test_what_cannot_be_divided_is_said_and_goes_after_its_term(desk: World) -> None:
    desk.deliver("onbekend", MONTH, rows(HAARLEM))
    refused = desk.deliver("stroom", MONTH, b"a;b\n1;2\n")
    outcomes = {outcome.sender: outcome.wrong for outcome in divided(desk)}
    assert outcomes["a folder without an agreement"] == ("no sender of that name is agreed with",)
    assert outcomes["stroom"][0].startswith("missing_columns: ")
    assert refused.exists()
    desk.now += timedelta(days=30)
    divided(desk)
    assert not refused.exists()


def test_the_command_says_what_went_where_and_whom_nobody(desk: World) -> None:
    desk.deliver("stroom", MONTH, rows(HAARLEM, BLOEMENDAAL))
    done = vroeg(desk.root, "front-desk", "--dry-run", width=160)
    assert done.returncode == 0, done
    assert "haarlem 1" in done.stdout
    assert of_town(desk, "haarlem") == []
    done = vroeg(desk.root, "front-desk", width=160)
    assert (done.returncode, of_town(desk, "haarlem")) == (0, [["K1"]]), done
    log = "".join(path.read_text() for path in desk.home.log.glob("*.jsonl"))
    assert '"vroeg front-desk"' in log
    assert "K1" not in log + done.stdout
    assert vroeg(desk.root, "front-desk").stdout == "Nothing to divide\n"
    desk.deliver("stroom", MONTH, b"a;b\n1;2\n", name="fout.csv")
    done = vroeg(desk.root, "front-desk", width=160)
    assert done.returncode == 1
    assert "not divided whole: 1" in done.stderr


def test_it_prints_what_an_agreement_of_a_town_says(desk: World, capsys: pytest.CaptureFixture[str]) -> None:
    print_agreement(desk.home, "stroom", Console(width=200))
    content = yaml.safe_load(capsys.readouterr().out)
    assert content["delivery"]["format"] == "csv"
    assert content["columns"]["surname"] == "surname"
    with pytest.raises(VroegError, match="there is no agreement with 'water'; one of: stroom"):
        print_agreement(desk.home, "water", Console())


def test_a_municipality_is_of_one_town() -> None:
    town = "{inbox: /srv/%s, municipalities: ['0392']}"
    text = f"front_desk: {{towns: {{a: {town % 'a'}, b: {town % 'b'}}}}}"
    with pytest.raises(VroegError, match="0392 is of a and of b"):
        parse_settings(text, "settings.yaml")


def test_who_is_no_front_desk_says_so(world: World) -> None:
    with pytest.raises(VroegError, match="front_desk is not set"):
        divided(world)
