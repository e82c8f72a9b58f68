"""The address desk: what it is asked, what its decisions do, and that nothing undoes them (DOMAIN §6)."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import openpyxl
import pytest

from vroeg_pipeline.address_desk.desk_file import DeskLine, write_desk_file
from vroeg_pipeline.retention.removal import remove_due
from vroeg_pipeline_tests.kit.bag import extract
from vroeg_pipeline_tests.kit.returned import as_csv, case_ids, hand_in
from vroeg_pipeline_tests.kit.world import REGISTER_HEADER, World, moment, row
from vroeg_pipeline_tests.worklists.test_worklist_file import printed, scale_on_paper

HEADER_ROW = 4

# Of one house with two doors, and its neighbours.
ZW, RD, PLAIN = "2021AB,12,,ZW", "2021AB,12,,RD", "2021AB,14,,"


def bag(*dwellings: str) -> list[str]:
    """Lines of a register: `serial,postcode,number,letter,addition` and perhaps `,street`."""
    lines = []
    for dwelling in dwellings:
        serial, postcode, number, letter, addition, street = [*dwelling.split(","), "Teststraat"][:6]
        lines.append(f"039220{int(serial):010d},{street},{number},{letter},{addition},{postcode},Haarlem,0392")
    return [REGISTER_HEADER, *lines]


@pytest.fixture
def town(world: World) -> World:
    """Two partners, and a house with an upper and a lower dwelling."""
    world.agree("huur")
    world.agree("stroom", type="Energie")
    world.register(ZW, RD, PLAIN)
    return world


def decide(world: World, month: str, *lines: tuple[str, ...], name: str = "besluiten.csv", received: str = "") -> None:
    """Decisions as the desk sends them back: (desk_id, Besluit, Door)."""
    content = "\n".join(";".join(line) for line in (("Kenmerk (niet wijzigen)", "Besluit", "Door"), *lines))
    world.deliver("adresdesk", month, content.encode(), name=name, received=received or f"{month}-10 10:00")


def check_passed(result: dg.ExecuteInProcessResult, name: str) -> bool:
    (found,) = [e.passed for e in result.get_asset_check_evaluations() if e.check_name == name]
    return found


def desk_list(world: World, month: str = "2021-03") -> tuple[openpyxl.Workbook, list[dict[str, Any]]]:
    """The list of the desk as it went out, and its lines by header."""
    (path,) = (world.home.outbox / month).glob("*adresdesk*.xlsx")  # one file, not two
    assert path.stat().st_mode & 0o077 == 0
    book = openpyxl.load_workbook(path)
    header, *lines = [[cell.value for cell in line] for line in book["Adresdesk"].iter_rows(min_row=HEADER_ROW)]
    return book, [dict(zip(header, line, strict=True)) for line in lines]


def choices(world: World, line: int = 1) -> list[str]:
    """What the cell of a line proposes."""
    sheet = desk_list(world)[0]["Adresdesk"]
    (offered,) = [
        rule.formula1
        for rule in sheet.data_validations.dataValidation
        if any(area.min_row <= HEADER_ROW + line <= area.max_row for area in rule.sqref.ranges)
    ]
    return str(offered).strip('"').split(",")


def signals(world: World, month: str = "2021-03") -> list[dict[str, Any]]:
    return world.table("validated_signals", "signal_id", f"month = '{month}-01'")


def test_an_address_without_its_suffix_is_asked_with_both_doors(town: World) -> None:
    far = row(customer_reference="K9", postcode="2031AA", phone="0612345678")
    town.deliver("huur", "2021-03", [row(house_number="12", crisis="ja", phone="06-12345678"), far])
    town.register(ZW, RD, PLAIN, "2031AA,12,,")
    town.make("2021-03", upto=("address_desk", "worklist_files"))
    (line,) = town.table("address_desk")
    assert line["reason"] == "suffix_missing"
    assert [c["address"] for c in line["candidates"]] == ["2021AB 12-RD", "2021AB 12-ZW"]
    book, (told,) = desk_list(town)
    assert book["Adresdesk"]["A1"].value == "Adresdesk – maart 2021"
    assert str(book["Adresdesk"]["A2"].value).startswith(
        "1 schrijfwijze om uit te zoeken, waarvan 1 met CRISIS; 1 adres zonder wijkteam, op het blad Zonder wijkteam."
    )
    assert "2021AB 12-ZW" in told["Mogelijke adressen"]
    assert told["Kenmerk (niet wijzigen)"] == line["desk_id"]
    assert told["Wat is er"].startswith("CRISIS. ")
    assert f"{told['Uiterlijk']:%d-%m-%Y}" == "08-03-2021"  # three working days after it came
    assert (told["Telefoon"], told["Bedrag"]) == ("06-12345678", "€ 100,00")
    assert book["Adresdesk"].cell(HEADER_ROW + 1, 6).hyperlink.target == "tel:0612345678"
    # Who is certain, and lies in no area, is for the desk too.
    elsewhere = [[cell.value for cell in line] for line in book["Zonder wijkteam"].iter_rows(min_row=HEADER_ROW)]
    assert [(line[3], line[5]) for line in elsewhere[1:]] == [("Teststraat 12\n2031 AA Haarlem", "0612345678")]
    assert "postcode valt buiten de gebieden" in elsewhere[1][6]


def test_a_decision_brings_the_signal_to_its_door_in_this_month_and_the_next(town: World) -> None:
    for month in ("2021-03", "2021-04"):
        days = {"arrears_since": f"01-01-{month[:4]}", "reference_date": f"01-{month[5:]}-2021"}
        town.deliver("huur", month, [row(house_number="12", **days)])
    town.make("2021-03", upto=("address_desk", "worklist_issues"))
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "2021 AB 12 rood", "AB"))
    result = town.run("2021-03", "2021-04", upto=("address_desk", "worklist_issues"))
    for month in ("2021-03", "2021-04"):
        (signal,) = signals(town, month)
        assert (signal["address_key"], signal["address_status"], signal["needs_review"], signal["address_stage"]) == (
            "2021AB_12__RD", "repaired", False, "desk",
        )  # fmt: skip
    assert town.table("address_desk") == []
    assert check_passed(result, "decisions_could_be_used")
    (kept,) = town.table("reference.address_overrides")
    assert (kept["decided_by"], kept["address_key"]) == ("AB", "2021AB_12__RD")
    issued = town.table("worklist_issues", "issue, change, address_key", "worklist = 'adresdesk'")
    assert [(i["issue"], i["change"]) for i in issued] == [(1, "added"), (2, "withdrawn")]


def test_a_decision_holds_for_that_household_alone(town: World) -> None:
    town.deliver(
        "huur", "2021-03", [row(house_number="12"), row(customer_reference="K2", surname="Ander", house_number="12")]
    )
    town.deliver("stroom", "2021-03", [row(house_number="12", surname="van Testman")])
    town.make("2021-03", upto="address_desk")
    desk = {s["surname"]: s["desk_id"] for s in signals(town)}
    assert desk["Testman"] == desk["van Testman"] != desk["Ander"]
    decide(town, "2021-03", (desk["Testman"], "2021AB 12-ZW", "AB"))
    town.make("2021-03", upto="address_desk")
    assert {s["surname"]: s["address_key"] for s in signals(town)} == {
        "Testman": "2021AB_12__ZW", "van Testman": "2021AB_12__ZW", "Ander": "2021AB_12_?_",
    }  # fmt: skip


def test_a_sign_in_a_register_stops_no_month(world: World) -> None:
    door = "039220000000000{0},Kerkstraat,20,,{1},2021AB,Haarlem,0392"
    world.reference("addresses.csv", REGISTER_HEADER, door.format(1, '"A"""'), door.format(2, "B\\"))
    world.agree("huur")
    world.deliver("huur", "2021-03", [row(house_number="20")])
    world.make("2021-03", upto="address_desk")
    assert len(world.table("address_desk")) == 1


def test_a_decision_on_a_writing_that_names_another_door_holds_for_no_other(world: World) -> None:
    """Of the same household: who is opposite 7 by one partner lives at 7 by another."""
    door = "039220000000000{0},Kerkstraat,{1},,,2021AB,Haarlem,0392"
    doors = enumerate((7, 9, 27, 28), 1)
    lines = [door.format(n, number) for n, number in doors]
    world.reference("addresses.csv", REGISTER_HEADER, *lines)
    world.agree("huur")
    world.agree("stroom", type="Energie")
    told = {"t/o 7": ("7", "Kerkstraat", "2021AB 9"), "28": ("28", "Kerkstraat 27", "2021AB 27")}
    unsure = [
        row(customer_reference=f"K{of}", house_number=of, street=street, surname=f"Naam{'ab'[n]}")
        for n, (of, (_, street, _)) in enumerate(told.items())
    ]
    sure = [
        row(customer_reference=f"E{of}", house_number=of, street="Kerkstraat", surname=f"Naam{'ab'[n]}")
        for n, (of, _, _) in enumerate(told.values())
    ]
    world.deliver("huur", "2021-03", unsure)
    world.make("2021-03", upto="address_desk")
    desk = {s["customer_reference"]: s["desk_id"] for s in signals(world)}
    decide(world, "2021-03", *((desk[f"K{of}"], at, "AB") for of, (_, _, at) in told.items()))
    world.deliver("stroom", "2021-03", sure)
    world.make("2021-03", upto="address_desk")
    found = {s["customer_reference"]: (s["address_key"], s["address_status"]) for s in signals(world)}
    assert {reference: key for reference, (key, _) in found.items() if reference[0] == "K"} == {
        "Kt/o 7": "2021AB_9__", "K28": "2021AB_27__",
    }  # fmt: skip
    assert (found["E7"], found["E28"]) == (("2021AB_7__", "exact"), ("2021AB_28__", "exact"))


def test_an_address_that_is_right_as_written_needs_no_review_any_more(town: World) -> None:
    town.deliver("huur", "2021-03", [row(house_number="99")])
    town.make("2021-03", upto=("address_desk", "prioritised_worklists"))
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "Klopt zoals geschreven", "AB"))
    town.make("2021-03", upto=("address_desk", "prioritised_worklists"))
    (signal,) = signals(town)
    assert (signal["address_key"], signal["address_status"], signal["needs_review"]) == (
        "2021AB_99__",
        "unknown",
        False,
    )
    (entry,) = town.table("prioritised_worklists")
    assert entry["worklist"] == "wijkteam_noord"


def asked_of_a_customer_at(world: World, before: str, now: str) -> dict[str, Any]:
    """What the desk is asked of a customer who is reported at a number in March and at another in April."""
    for month, number in (("2021-03", before), ("2021-04", now)):
        days = {"arrears_since": "01-01-2021", "reference_date": f"01-{month[5:]}-2021"}
        world.deliver("huur", month, [row(house_number=number, **days)])
    world.make("2021-03", "2021-04", upto="address_desk")
    (asked,) = world.table("address_desk")
    return asked


def decided_as_written(world: World, **written: str) -> None:
    """What the desk is asked about an address is right as it was written."""
    world.deliver("huur", "2021-03", [row(**written)])
    world.make("2021-03", upto="address_desk")
    (asked,) = world.table("address_desk")
    decide(world, "2021-03", (asked["desk_id"], "Klopt zoals geschreven", "AB"))
    world.make("2021-03", upto="address_desk")
    assert world.table("address_desk") == []


@pytest.mark.parametrize(
    ("postcode", "number", "key", "later", "found"),
    [
        ("2021AC", "22B", "2021AC_22_B_", "2021AB,22,B,", "2021AB 22B"),
        ("2021AB", "15 H", "2021AB_15_H_", "2021AB,15,,HS", "2021AB 15-HS"),
    ],
)
def test_what_is_right_as_written_stays_there_and_the_desk_hears_of_a_register_that_says_otherwise(
    town: World, postcode: str, number: str, key: str, later: str, found: str
) -> None:
    decided_as_written(town, postcode=postcode, house_number=number)
    town.register(ZW, RD, PLAIN, later)
    town.make("2021-03", upto="address_desk")
    (signal,) = signals(town)
    assert (signal["address_key"], signal["address_status"], signal["needs_review"]) == (key, "unknown", False)
    assert signal["postcode"] == postcode
    (asked,) = town.table("address_desk")
    assert asked["reason"] == "register_says_otherwise"
    assert [c["address"] for c in asked["candidates"]] == [found]


def test_a_door_that_the_register_knows_by_a_group_stays_where_the_desk_says_that_it_is_right(town: World) -> None:
    """It was only pointed out: the customer was at another number before."""
    town.register(ZW, RD, PLAIN, "2021AB,15,,II")
    asked = asked_of_a_customer_at(town, "14", "15 2hoog")
    decide(town, "2021-04", (asked["desk_id"], "Klopt zoals geschreven", "AB"))
    town.make("2021-04", upto="address_desk")
    (signal,) = signals(town, "2021-04")
    assert signal["address_key"] == "2021AB_15__II"
    assert town.table("address_desk") == []


@pytest.mark.parametrize("later", ["2021AB,15,B,", "2021AB,15,,B"])
def test_what_is_right_as_written_is_exact_once_the_register_has_it(town: World, later: str) -> None:
    decided_as_written(town, house_number="15b")
    town.register(ZW, RD, PLAIN, later)
    town.make("2021-03", upto="address_desk")
    (signal,) = signals(town)
    assert (signal["address_key"], signal["address_status"]) == (later.replace(",", "_"), "exact")
    assert town.table("address_desk") == []


@pytest.mark.parametrize(
    "written",
    [
        {"house_number": "t/o 14"},
        {"house_number": "14", "street": "Teststraat 12"},
        {"house_number": "14 A", "house_number_addition": "2"},
        {"house_number": "14", "house_number_addition": "#N/A"},
    ],
)
def test_what_names_another_door_or_two_or_none_is_not_right_as_written(town: World, written: dict[str, str]) -> None:
    town.deliver("huur", "2021-03", [row(**written)])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    assert "Klopt zoals geschreven" not in choices(town)
    decide(town, "2021-03", (asked["desk_id"], "Klopt zoals geschreven", "AB"))
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    assert asked["refusal"].startswith("zoals het er staat")
    # One that was taken in before this was known is none either.
    with town.warehouse.connect() as connection:
        connection.execute("UPDATE reference.address_decisions SET refusal = NULL")
    town.make("2021-03", upto="address_desk")
    (signal,) = signals(town)
    assert (signal["address_key"], signal["needs_review"]) == ("2021AB_14_?_", True)


def test_what_cannot_be_found_stays_on_the_list_with_the_decision(town: World) -> None:
    town.deliver("huur", "2021-03", [row(house_number="99")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "niet te vinden", "AB"))
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    assert asked["earlier_decision"] == "not_found"
    assert signals(town)[0]["needs_review"]


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (("{}", "2021AB 12", "AB"), "register"),
        (("{}", "2021AB 12-ZW", ""), "Door"),
        (("geen kenmerk", "2021AB 12-ZW", "AB"), "kenmerk"),
    ],
)
def test_a_decision_that_cannot_be_used_changes_nothing_and_is_kept(
    town: World, decision: tuple[str, ...], said: str
) -> None:
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", tuple(text.format(asked["desk_id"]) for text in decision))
    result = town.run("2021-03", upto="address_desk")
    assert signals(town)[0]["address_key"] == "2021AB_12_?_"
    (kept,) = town.table("reference.address_decisions", where="row_number > 0")
    assert said in kept["refusal"]
    (asked,) = town.table("address_desk")
    assert (asked["refusal"] == kept["refusal"]) is (decision[0] == "{}")
    assert not check_passed(result, "decisions_could_be_used")
    # It comes back with what was written, to be mended there.
    _, (line,) = desk_list(town)
    is_ours = decision[0] == "{}"
    assert (line["Besluit"], line["Door"]) == ((decision[1], decision[2] or None) if is_ours else (None, None))
    assert (f"Vorig besluit ({decision[1]}) niet verwerkt" in line["Wat is er"]) is is_ours


def test_every_refused_decision_comes_back_with_what_was_written_and_why(town: World) -> None:
    """On an address that is settled too, beside one that holds in the same file, and with the reason of its own row."""
    names = ("Bakker", "Mol", "Smit", "Visser")
    town.deliver("huur", "2021-03", [row(customer_reference=name, surname=name, house_number="12") for name in names])
    town.make("2021-03", upto="address_desk")
    desk = {signal["surname"]: signal["desk_id"] for signal in signals(town)}
    decide(
        town, "2021-03",
        (desk["Bakker"], "2021AB 12-RD", "AB"),
        (desk["Mol"], "2021AB 99", "AB"), (desk["Mol"], "2021AB 12-RD", ""),
        (desk["Smit"], "2021AB 12-ZW", "AB"), (desk["Smit"], "2021AB 98", "AB"),
        (desk["Visser"], "2021AB 97", "AB"), (desk["Visser"], "Niet te vinden", "AB"),
    )  # fmt: skip
    decide(town, "2021-03", (desk["Bakker"], "2021AB 12-ZW", ""), name="later.csv", received="2021-03-11 10:00")
    town.make("2021-03", upto="address_desk")
    nobody, nowhere = "wie heeft dit besloten? Vul Door in", "dit adres staat niet in het register"
    told = {line["Bewoner(s)"]: line for line in desk_list(town)[1]}
    for name, written, why in (
        ("Bakker", "2021AB 12-ZW", nobody), ("Mol", "2021AB 12-RD", nobody), ("Smit", "2021AB 98", nowhere),
        ("Visser", "2021AB 97", nowhere),
    ):  # fmt: skip
        assert told[name]["Besluit"] == written
        assert f"Vorig besluit ({written}) niet verwerkt: {why}" in told[name]["Wat is er"]
    settled = {signal["surname"]: signal["address_key"] for signal in signals(town)}
    assert (settled["Bakker"], settled["Smit"]) == ("2021AB_12__RD", "2021AB_12__ZW")
    # Until the desk says something else of it, that it takes it back too.
    lines = [(desk["Bakker"], "2021AB 12-ZW", "AB"), *((desk[n], "Eerder besluit intrekken", "AB") for n in names[1:])]
    decide(town, "2021-03", *lines, name="last.csv", received="2021-03-12 10:00")
    town.make("2021-03", upto="address_desk")
    assert [line["refusal"] for line in town.table("address_desk")] == [None] * 3


def test_what_has_no_line_on_the_list_comes_back_on_a_sheet_of_its_own(town: World) -> None:
    """A file that could not be read, and a decision on a Kenmerk that is not ours; nothing else is asked."""
    town.deliver("huur", "2021-03", [row(house_number="14")])
    decide(town, "2021-03", ("12-mrt", "2021AB 12-RD", "AB"))
    town.deliver("adresdesk", "2021-03", b"x", name="foto.jpg", received="2021-03-11 10:00")
    town.make("2021-03", upto="address_desk")
    book, lines = desk_list(town)
    assert lines == []
    header, *told = [[cell.value for cell in line] for line in book["Niet verwerkt"].iter_rows(min_row=HEADER_ROW)]
    assert header == ["Ontvangen", "Kenmerk", "Uw besluit", "Door", "Toelichting", "Waarom niet verwerkt"]
    assert [[f"{line[0]:%d-%m-%Y}", *line[1:]] for line in told] == [
        ["10-03-2021", "12-mrt", "2021AB 12-RD", "AB", "", "dit kenmerk staat niet op onze lijst"],
        ["11-03-2021", "", "het hele bestand", "", "", "alleen .xlsx en .csv worden gelezen"],
    ]  # fmt: skip
    # Another month does not hear of it, nor this one any more once a file could be read.
    town.make("2021-04", upto="address_desk")
    assert not list((town.home.outbox / "2021-04").glob("*adresdesk*"))
    # With a decision on the same row, which says nothing of another Kenmerk.
    (signal,) = signals(town)
    decide(town, "2021-03", (signal["desk_id"], "2021AB 14", "AB"), name="goed.csv", received="2021-03-12 10:00")
    town.make("2021-03", upto="address_desk")
    told = [line[1].value for line in desk_list(town)[0]["Niet verwerkt"].iter_rows(min_row=HEADER_ROW + 1)]
    assert told == ["12-mrt"]


def test_a_decision_that_could_be_used_answers_no_later_one_that_cannot(town: World) -> None:
    """Also of a signal that its partner has taken away since, so that there is no line to tell it on."""
    town.deliver("huur", "2021-03", [row(house_number="12"), row(customer_reference="K2", house_number="14")])
    town.make("2021-03", upto="address_desk")
    (kenmerk,) = (signal["desk_id"] for signal in signals(town) if signal["house_number"] == 12)
    decide(town, "2021-03", (kenmerk, "2021AB 12-RD", "AB"))
    decide(town, "2021-03", (kenmerk, "2021AB 99", "AB"), name="later.csv", received="2021-03-11 10:00")
    town.deliver("huur", "2021-03", [row(customer_reference="K2", house_number="14")], received="2021-03-12 10:00")
    town.make("2021-03", upto="address_desk")
    book, lines = desk_list(town)
    assert lines == []
    told = [[cell.value for cell in line][1:3] for line in book["Niet verwerkt"].iter_rows(min_row=HEADER_ROW + 1)]
    assert told == [[kenmerk, "2021AB 99"]]


def test_the_last_decision_counts_and_can_be_withdrawn(town: World) -> None:
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    for day, (decision, key) in enumerate(
        (
            ("2021AB 12-ZW", "2021AB_12__ZW"),
            ("2021AB 12-RD", "2021AB_12__RD"),
            ("Eerder besluit intrekken", "2021AB_12_?_"),
        ),
        10,
    ):
        decide(town, "2021-03", (asked["desk_id"], decision, "AB"), name=f"{day}.csv", received=f"2021-03-{day} 10:00")
        town.make("2021-03", upto="address_desk")
        assert signals(town)[0]["address_key"] == key


def test_a_new_register_does_not_undo_a_decision_but_the_desk_hears_of_it(town: World) -> None:
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "2021AB 12-RD", "AB"))
    town.register(ZW, RD, PLAIN, "2021AB,12,,")
    town.settings(register_max_loss=1)
    town.make("2021-03", upto="address_desk")
    (signal,) = signals(town)
    assert (signal["address_key"], signal["resolver_key"]) == ("2021AB_12__RD", "2021AB_12__")
    (asked,) = town.table("address_desk")
    assert asked["reason"] == "register_says_otherwise"
    town.register(ZW, PLAIN)
    town.make("2021-03", upto="address_desk")
    assert signals(town)[0]["address_key"] == "2021AB_12__RD"
    assert [line["reason"] for line in town.table("address_desk")] == ["decision_not_in_register"]


def test_a_register_without_identifications_has_the_address_of_a_decision(town: World) -> None:
    lines = [f",Kerkstraat,12,,{door},2021AB,Haarlem,0392" for door in ("RD", "ZW")]
    town.reference("addresses.csv", REGISTER_HEADER, *lines)
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "2021AB 12-RD", "AB"))
    town.make("2021-03", upto="address_desk")
    assert signals(town)[0]["address_key"] == "2021AB_12__RD"
    assert town.table("address_desk") == []


def test_a_decision_follows_an_address_that_is_renumbered(town: World) -> None:
    town.reference("addresses.csv", *bag("1,2021AB,12,,ZW", "2,2021AB,12,,RD"))
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    decide(town, "2021-03", (asked["desk_id"], "2021AB 12-RD", "AB"))
    town.make("2021-03", upto="address_desk")
    town.reference("addresses.csv", *bag("1,2021AB,12,,ZW", "2,2021AB,16,,"))
    town.make("2021-03", upto="address_desk")
    assert signals(town)[0]["address_key"] == "2021AB_16__"


def test_a_list_that_excel_saved_is_read(town: World) -> None:
    town.deliver("huur", "2021-03", [row(house_number="12")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    text = f"Kenmerk (niet wijzigen);Besluit;Door\r\n{asked['desk_id']};2021AB 12-RD;Zoë\r\n"
    town.deliver("adresdesk", "2021-03", text.encode("cp1252"), name="excel.csv", received="2021-03-10 10:00")
    town.make("2021-03", upto="address_desk")
    assert [kept["decided_by"] for kept in town.table("reference.address_decisions", "row_number")] == [None, "Zoë"]
    assert signals(town)[0]["address_key"] == "2021AB_12__RD"


def test_a_file_that_cannot_be_read_is_told(town: World) -> None:
    town.deliver("adresdesk", "2021-03", b"Dit is geen lijst", name="besluiten.xlsx")
    town.deliver("adresdesk", "2021-03", b"Besluit;Door\n", name="kolommen.csv")
    town.deliver("adresdesk", "2021-03", b"x", name="foto.jpg")
    town.deliver("huur", "2021-03", [row()])
    result = town.run("2021-03", upto="address_desk")
    assert not check_passed(result, "decisions_could_be_used")
    refusals = {kept["refusal"] for kept in town.table("reference.address_decisions")}
    assert refusals == {
        "het bestand is geen Excel-werkmap; open het in Excel, sla het op en stuur het opnieuw",
        "de kolommen Kenmerk (niet wijzigen), Besluit en Door zijn nodig, zoals op onze lijst",
        "alleen .xlsx en .csv worden gelezen",
    }


@pytest.mark.parametrize("is_old", [False, True])
def test_the_list_itself_can_be_sent_back(town: World, is_old: bool) -> None:
    town.deliver("huur", "2021-03", [row(house_number="12"), row(customer_reference="K2", house_number="99")])
    town.make("2021-03", upto="address_desk")
    book, _ = desk_list(town)
    sheet = book["Adresdesk"]
    if is_old:
        sheet.delete_rows(1, HEADER_ROW - 1)  # as lists were until now
    header = 1 if is_old else HEADER_ROW
    columns = {str(cell.value): cell.column for cell in sheet[header]}
    for number in range(header + 1, sheet.max_row + 1):
        if "2021AB 12-RD" in str(sheet.cell(number, columns["Mogelijke adressen"]).value):
            sheet.cell(number, columns["Besluit"], "2021AB 12-RD")
            sheet.cell(number, columns["Door"], "AB")
    content = io.BytesIO()
    book.save(content)
    town.deliver("adresdesk", "2021-03", content.getvalue(), name="terug.xlsx")
    town.make("2021-03", upto="address_desk")
    assert sorted(s["address_key"] for s in signals(town)) == ["2021AB_12__RD", "2021AB_99__"]


@pytest.mark.parametrize(("chosen", "key"), [("2021AB 16A", "2021AB_16_A_"), ("2021AB 16-A", "2021AB_16__A")])
def test_of_two_doors_that_read_alike_the_chosen_one_is_meant(town: World, chosen: str, key: str) -> None:
    town.register(ZW, RD, PLAIN, "2021AB,16,A,", "2021AB,16,,A")
    town.deliver("huur", "2021-03", [row(house_number="16a")])
    town.make("2021-03", upto="address_desk")
    (asked,) = town.table("address_desk")
    assert chosen in choices(town)
    decide(town, "2021-03", (asked["desk_id"], chosen, "AB"))
    town.make("2021-03", upto="address_desk")
    assert signals(town)[0]["address_key"] == key
    assert town.table("address_desk") == []


def test_a_choice_means_what_it_meant_in_the_month_of_the_list(world: World) -> None:
    """Both doors have another number by today, and another house has theirs."""
    made = extract()
    for serial, addition in ((1, "RD"), (2, "ZW")):
        made.number(f"039220000000000{serial}", "2021AB", 12, addition=addition, until="2021-04-01")
        made.number(f"039220000000000{serial}", "2021XZ", 8, addition=addition, since="2021-04-01")
    made.number("0392200000000003", "2021AB", 12, addition="RD", since="2021-06-01")
    made.write(world.home.reference)
    world.agree("huur")
    for month in ("2021-03", "2021-04"):
        days = {"arrears_since": "01-01-2021", "reference_date": f"01-{month[5:]}-2021"}
        world.deliver("huur", month, [row(house_number="12", **days)])
    world.make("2021-03", upto="address_desk")
    (asked,) = world.table("address_desk")
    decide(world, "2021-03", (asked["desk_id"], "2021AB 12-RD", "AB"))
    world.make("2021-03", "2021-04", upto="address_desk")
    assert [signals(world, month)[0]["address_key"] for month in ("2021-03", "2021-04")] == [
        "2021AB_12__RD", "2021XZ_8__RD",
    ]  # fmt: skip


# What only looks wrong -----------------------------------------------------------------------------------------------


def test_a_customer_at_another_number_than_last_month_is_pointed_out_and_not_merged(town: World) -> None:
    town.register(ZW, RD, PLAIN, "2021AB,41,,")
    asked = asked_of_a_customer_at(town, "14", "41")
    assert (asked["reason"], asked["address_key"]) == ("customer_at_another_number", "2021AB_41__")
    assert [c["address"] for c in asked["candidates"]] == ["2021AB 14"]
    assert {m["address_key"] for m in town.table("address_matches", where="month = '2021-04-01'")} == {"2021AB_41__"}


def test_one_person_at_two_numbers_side_by_side_is_pointed_out_and_not_merged(town: World) -> None:
    town.register(ZW, RD, PLAIN, "2021AB,16,,", "2021AB,20,,")
    born = {"birth_date": "01-02-1980"}
    town.deliver(
        "huur", "2021-03", [row(house_number="14", **born), row(customer_reference="K9", house_number="20", **born)]
    )
    town.deliver("stroom", "2021-03", [row(house_number="16", **born)])
    town.make("2021-03", upto="address_desk")
    asked = town.table("address_desk", "address_key")
    assert [(a["reason"], a["address_key"]) for a in asked] == [
        ("person_next_door", "2021AB_14__"), ("person_next_door", "2021AB_16__"),
    ]  # fmt: skip
    assert len(town.table("address_matches")) == 3


def test_other_people_next_door_are_nobodys_business(town: World) -> None:
    town.register(ZW, RD, PLAIN, "2021AB,16,,")
    town.deliver("huur", "2021-03", [row(house_number="14", birth_date="01-02-1980")])
    town.deliver("stroom", "2021-03", [row(house_number="16", birth_date="02-02-1980")])
    town.make("2021-03", upto="address_desk")
    assert town.table("address_desk") == []


# Identity that lasts ---------------------------------------------------------------------------------------------------


def moved_town(world: World, before: list[str], after: list[str], number: str, then: str) -> None:
    """March at one number of one register, April at another of the next."""
    world.agree("huur")
    for month, lines, written in (("2021-03", before, number), ("2021-04", after, then)):
        world.reference("addresses.csv", *lines)
        world.settings(register_max_loss=1)
        days = {"arrears_since": "01-01-2021", "reference_date": f"01-{month[5:]}-2021"}
        postcode, house_number = written.split(" ")
        world.deliver("huur", month, [row(postcode=postcode, house_number=house_number, **days)])
        world.make(month, upto="recidivism_history")


def assert_april_is_the_same_without_the_signals_of_march(world: World) -> None:
    """Of March keyed hashes stay (DOMAIN §14). Without repeats and aftercare, which would need the signals themselves."""

    def april() -> list[dict[str, Any]]:
        world.make("2021-04", upto="recidivism_history")
        return world.table("recidivism_history", where="month = '2021-04-01'")

    world.settings(repeat_months=0, aftercare_months=0, retention={"files": 1, "rejected": 1, "signals": 1})
    before = april()
    world.now = moment("2021-05-15 12:00")
    remove_due(world.warehouse, world.installation, date(2021, 5, 15))
    assert world.table("validated_signals", where="month = '2021-03-01'") == []
    with world.warehouse.connect() as connection:
        connection.execute("DELETE FROM recidivism_history WHERE month = '2021-04-01'")
    assert april() == before != []


@pytest.mark.parametrize("present", ["1,2021AB,16,,", "1,2022CD,12,,,Nieuwe Naamstraat"])
def test_history_follows_an_address_that_is_renumbered_or_gets_another_postcode(world: World, present: str) -> None:
    _, postcode, number, *_ = present.split(",")
    moved_town(world, bag("1,2021AB,12,,"), bag(present), "2021AB 12", f"{postcode} {number}")
    (april,) = world.table("recidivism_history", where="month = '2021-04-01'")
    assert (april["recidivism_kind"], april["possible_new_occupant"], april["times_reported"]) == (
        "consecutive",
        False,
        1,
    )
    assert len(world.table("repeat_signals")) == 1
    assert_april_is_the_same_without_the_signals_of_march(world)


def test_another_dwelling_that_got_the_old_number_has_no_history(world: World) -> None:
    moved_town(
        world, bag("1,2021AB,12,,", "2,2021AB,14,,"), bag("1,2021AB,16,,", "2,2021AB,12,,"), "2021AB 12", "2021AB 12"
    )
    (april,) = world.table("recidivism_history", where="month = '2021-04-01'")
    assert april["recidivism_kind"] == "new"
    assert_april_is_the_same_without_the_signals_of_march(world)


def test_numbers_that_somebody_made_up_identify_nothing(world: World) -> None:
    before, after = bag("1,2021AB,12,,"), bag("1,2021AB,16,,", "2,2021AB,12,,")
    made_up = [[line.replace("0392200", "0392990") for line in lines] for lines in (before, after)]
    moved_town(world, made_up[0], made_up[1], "2021AB 12", "2021AB 12")
    (april,) = world.table("recidivism_history", where="month = '2021-04-01'")
    assert april["recidivism_kind"] == "consecutive"
    assert_april_is_the_same_without_the_signals_of_march(world)


def test_one_extract_carries_an_address_through_another_postcode_and_a_merged_municipality(world: World) -> None:
    made = extract()
    made.number("0392200000000001", "2021AB", 12, until="2021-04-01")
    made.number("0392200000000001", "2022CD", 7, since="2021-04-01")
    made.dwelling("0392010000000001", "0392200000000001")
    made.relation("c1", "0392", since="2010-01-01", until="2021-04-01").relation("c1", "0473", since="2021-04-01")
    made.write(world.home.reference)
    world.agree("huur")
    for month, postcode, number in (("2021-03", "2021AB", "12"), ("2021-04", "2022CD", "7")):
        days = {"arrears_since": "01-01-2021", "reference_date": f"01-{month[5:]}-2021"}
        world.deliver("huur", month, [row(postcode=postcode, house_number=number, **days)])
    world.make("2021-03", "2021-04", upto="recidivism_history")
    march, april = (signals(world, month)[0] for month in ("2021-03", "2021-04"))
    assert [s["address_status"] for s in (march, april)] == ["exact", "exact"]
    assert [s["municipality"] for s in (march, april)] == ["0392", "0473"]
    (history,) = world.table("recidivism_history", where="month = '2021-04-01'")
    assert history["recidivism_kind"] == "consecutive"
    assert len(world.table("repeat_signals")) == 1


def test_two_partners_at_the_main_and_the_side_address_meet_at_one_door(world: World) -> None:
    made = extract().number("0392200000000001", "2021AB", 12).number("0392200000000002", "2021AB", 14)
    made.dwelling("0392010000000001", "0392200000000001", side=["0392200000000002"]).write(world.home.reference)
    world.agree("huur")
    world.agree("stroom", type="Energie")
    world.deliver("huur", "2021-03", [row(house_number="12")])
    world.deliver("stroom", "2021-03", [row(house_number="14")])
    world.make("2021-03", upto="address_matches")
    (match,) = world.table("address_matches")
    assert (match["address_key"], match["match_kind"]) == ("2021AB_12__", "multiple")
    assert [s["side_address_key"] for s in signals(world)] == [None, "2021AB_14__"]


def test_aftercare_follows_an_address_that_is_renumbered(world: World) -> None:
    world.agree("huur")
    world.settings(register_max_loss=1)
    world.reference("addresses.csv", *bag("1,2021AB,12,,"))
    march = {"arrears_since": "01-01-2021", "reference_date": "01-03-2021"}
    world.deliver("huur", "2021-03", [row(house_number="12", **march)])
    world.make("2021-03", upto="worklist_files")
    case_id = case_ids(world)[12]
    hand_in(world, as_csv([{"case_id": case_id, "end_result": "Vervolghulp en/of verwijzing"}]), name="lijst.csv")
    world.make("2021-03", upto="worklist_files")
    world.reference("addresses.csv", *bag("1,2021AB,16,,"))
    april = {"arrears_since": "01-01-2021", "reference_date": "01-04-2021", "amount_due": "300,00"}
    world.deliver("huur", "2021-04", [row(house_number="16", **april)])
    world.make("2021-04", upto="worklist_files")
    (entry,) = world.table("prioritised_worklists", where="month = '2021-04-01'")
    assert (entry["address_key"], entry["aftercare"]) == ("2021AB_16__", True)
    # Also where it got another key in the month in which it was helped.
    world.reference("addresses.csv", *bag("2,2021AB,12,,HS", "3,2021AB,12,,BOV"))
    later = [row(house_number="12", **april)]
    world.deliver("huur", "2021-04", later, name="later.csv", received="2021-04-04 10:00")
    world.make("2021-03", "2021-04", upto="worklist_files")
    (entry,) = world.table("prioritised_worklists", where="month = '2021-04-01'")
    assert (entry["address_key"], entry["aftercare"]) == ("2021AB_12_?_", True)


def test_on_paper_no_name_or_street_of_its_list_is_broken_in_a_word(tmp_path: Path) -> None:
    words = ("Achterkrommenieuwerkersewegen", "Razafindrakotomanana", "Woningbouwvereniging", "Nieuwerkerksetussenweg")
    written, resident, partner, street = words
    line = DeskLine(
        "kenmerk", "suffix_missing", [partner], False, Decimal("1234.56"), f"{written} 12", f"A. {resident}",
        [{"address": "2021 AB 12-A", "street": street, "found_by": "postcode"}], None, None, None, False,
        date(2021, 3, 31), "", None, None, None,
    )  # fmt: skip
    path = tmp_path / "adresdesk.xlsx"
    write_desk_file(path, date(2021, 3, 1), [line], [], [], tmp_path / "scratch")
    assert scale_on_paper(openpyxl.load_workbook(path)["Adresdesk"]) * 10 >= 8
    assert set(words) <= set(printed(path).split())


# Areas by buurt -----------------------------------------------------------------------------------------------------


def test_a_buurt_tells_the_wijkteam_before_a_postcode_does(town: World) -> None:
    areas = ("2021AA,2026ZZ,wijkteam_noord,", ",,wijkteam_oost,BU03920101")
    town.reference("areas.csv", "postcode_from,postcode_to,worklist,buurtcode", *areas)
    town.reference("buurten.csv", "postcode,huisnummer,buurtcode", "2021AB,14,BU03920101")
    town.register(ZW, RD, PLAIN, "2021AB,16,,")
    town.deliver("huur", "2021-03", [row(house_number="14"), row(customer_reference="K2", house_number="16")])
    town.make("2021-03", upto="prioritised_worklists")
    found = {e["address_key"]: e["worklist"] for e in town.table("prioritised_worklists")}
    assert found == {"2021AB_14__": "wijkteam_oost", "2021AB_16__": "wijkteam_noord"}
