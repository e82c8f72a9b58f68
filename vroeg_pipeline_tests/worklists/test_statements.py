"""The statements of worklists and their issues on a few rows (DOMAIN §9)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from vroeg_pipeline_tests.kit.tables import MARCH, Tables, key_of

FEBRUARY = "2021-02"
TEAM, LIGHT, COACH, DESK = "wijkteam_noord", "lichte_opvolging", "budgetcoach", "adresdesk"

RENT = {"has_rent": True}
CRISIS = {"has_crisis": True}


@pytest.mark.parametrize(
    ("address", "tier", "name", "action", "worklist"),
    [
        (CRISIS, 0, "crisis", "home_visit", TEAM),
        ({**CRISIS, **RENT, "partner_count": 3}, 0, "crisis", "home_visit", TEAM),
        ({**RENT, "partner_count": 2}, 1, "rent_enriched", "home_visit", TEAM),
        ({**RENT, "partner_count": 2, "partner_types": ["Huur"]}, 1, "rent_enriched", "home_visit", TEAM),
        (RENT, 2, "rent", "home_visit", TEAM),
        ({**RENT, "signal_count": 2, "total_amount": 900}, 2, "rent", "home_visit", TEAM),
        ({"partner_count": 2}, 3, "multiple", "phone", TEAM),
        ({"partner_count": 2, "total_amount": 900}, 3, "multiple", "phone", TEAM),
        ({"total_amount": "500.00"}, 4, "single_high", "phone", LIGHT),
        ({"total_amount": "499.99"}, 5, "single", "letter", LIGHT),
        ({"total_amount": "499.99", "longest_days": 900}, 5, "single", "letter", LIGHT),
    ],
)
def test_an_address_takes_the_first_tier_that_fits(
    tables: Tables, address: dict[str, Any], tier: int, name: str, action: str, worklist: str
) -> None:
    tables.address(**address)
    tables.worklists()
    entry = tables.rows("prioritised_worklists")[1]
    found = (entry["tier"], entry["tier_name"], entry["action"], entry["worklist"], entry["rank"])
    assert found == (tier, name, action, worklist, 1)
    assert entry["explanation"].strip()
    assert "\n" not in entry["explanation"]


TWO_LIGHT = {"signal_count": 2, "light_signal_count": 2, "partner_count": 2, "match_kind": "single"}


@pytest.mark.parametrize(
    ("address", "worklist", "tier", "said"),
    [
        ({"light_signal_count": 1}, LIGHT, 5, "; onder de drempel, daarom lichte opvolging"),
        (
            TWO_LIGHT,
            LIGHT,
            5,
            "2 partners (Water); 2 signalen; langste achterstand 60 dagen; totaal € 100,00; onder de drempel, daarom",
        ),
        ({**TWO_LIGHT, "before": FEBRUARY}, LIGHT, 5, "lichte opvolging; eerder gemeld in 1 maand"),  # not to the coach
        ({**TWO_LIGHT, "total_amount": 600}, LIGHT, 4, "; onder de drempel, daarom lichte opvolging"),
        ({"light_signal_count": 1, "needs_review": True}, DESK, 5, "; onder de drempel; adres"),
        (
            {**RENT, "signal_count": 2, "light_signal_count": 1},
            TEAM,
            2,
            "Huurachterstand; 1 partner boven de drempel (alle signalen: Water); 2 signalen; langste achterstand 60 dagen; "
            "totaal € 100,00; 1 signaal onder de drempel, dat niet meetelt voor de voorrang",
        ),
        (
            {**RENT, "signal_count": 4, "light_signal_count": 2, "partner_count": 2, "before": FEBRUARY},
            COACH,
            1,
            "2 signalen onder de drempel, die niet meetellen voor de voorrang; eerder gemeld",
        ),
    ],
)
def test_what_is_on_the_light_track_alone_is_on_the_list_of_single_signals(
    tables: Tables, address: dict[str, Any], worklist: str, tier: int, said: str
) -> None:
    tables.address(**address)
    tables.worklists()
    entry = tables.rows("prioritised_worklists")[1]
    assert (entry["worklist"], entry["tier"]) == (worklist, tier)
    assert said in entry["explanation"]


@pytest.mark.parametrize(("amount", "tier"), [("250.00", 4), ("249.99", 5)])
def test_what_is_a_high_amount_is_a_setting(tables: Tables, amount: str, tier: int) -> None:
    tables.world.settings(high_amount=250)
    tables.address(total_amount=amount)
    tables.worklists()
    assert tables.rows("prioritised_worklists")[1]["tier"] == tier


def test_order_within_a_list(tables: Tables) -> None:
    in_order: list[dict[str, Any]] = [
        {**CRISIS, "partner_count": 2},
        {**CRISIS, "longest_days": 900, "total_amount": 9000},
        {**RENT, "partner_count": 3},
        {**RENT, "partner_count": 2, "longest_days": 91},
        {**RENT, "partner_count": 2, "longest_days": 90, "total_amount": 9000},
        {**RENT, "longest_days": 61},
        {**RENT, "total_amount": "100.01"},
        {**RENT, "address_key": key_of(10)},  # 10 before 9: keys are text
        {**RENT, "address_key": key_of(9)},
        {"partner_count": 9, "longest_days": 900, "total_amount": 9000},
    ]
    numbers = [8, 7, 6, 5, 4, 3, 2, 10, 9, 1]
    for number, address in reversed(list(zip(numbers, in_order, strict=True))):
        tables.address(number, **address)
    tables.address(20, total_amount=900)
    tables.worklists()
    entries = tables.rows("prioritised_worklists")
    team = sorted((e["rank"], number) for number, e in entries.items() if e["worklist"] == TEAM)
    assert team == list(enumerate(numbers, 1))
    assert (entries[20]["worklist"], entries[20]["rank"]) == (LIGHT, 1)  # each list counts for itself


@pytest.mark.parametrize(
    ("address", "worklist", "action"),
    [
        ({"needs_review": True}, DESK, "check_address"),
        ({"needs_review": True, **CRISIS}, DESK, "check_address"),
        ({"needs_review": True, **RENT, "before": FEBRUARY}, DESK, "check_address"),
        ({"before": FEBRUARY}, COACH, "letter"),
        ({"before": FEBRUARY, "total_amount": 500}, COACH, "phone"),
        ({"before": FEBRUARY, **RENT}, COACH, "home_visit"),
        ({"before": FEBRUARY, **CRISIS}, COACH, "home_visit"),  # whatever the tier, crisis included
        ({"before": FEBRUARY, **RENT, "address_key": "2030AB_1__"}, COACH, "home_visit"),  # in no area
        ({"before": FEBRUARY, "possible_new_occupant": True, **RENT}, TEAM, "home_visit"),
        ({"before": FEBRUARY, "possible_new_occupant": True}, LIGHT, "letter"),
        ({**RENT, "address_key": "2042AB_1__"}, "wijkteam_zandvoort", "home_visit"),
        ({**RENT, "address_key": "2030AB_1__"}, DESK, "check_address"),
        ({**CRISIS, "address_key": "2030AB_1__"}, DESK, "check_address"),
        ({"partner_count": 2, "address_key": "2030AB_1__"}, DESK, "check_address"),
        ({"address_key": "2030AB_1__"}, LIGHT, "letter"),  # what no wijkteam should get needs no area
    ],
)
def test_routing(tables: Tables, address: dict[str, Any], worklist: str, action: str) -> None:
    tables.address(**address)
    tables.worklists()
    entry = tables.rows("prioritised_worklists")[1]
    assert (entry["worklist"], entry["action"]) == (worklist, action)


@pytest.mark.parametrize(
    ("postcode", "worklist"),
    [("2021AA", DESK), ("2021AB", "team_a"), ("2021AD", "team_a"), ("2021AF", "team_b"), ("2021AG", DESK)],
)
def test_the_ends_of_an_area_belong_to_it_and_the_first_area_wins(tables: Tables, postcode: str, worklist: str) -> None:
    tables.world.reference(
        "areas.csv", "postcode_from,postcode_to,worklist", "2021AB,2021AD,team_a", "2021AD,2021AF,team_b"
    )
    tables.address(**RENT, address_key=f"{postcode}_1__")
    tables.worklists()
    assert tables.rows("prioritised_worklists")[1]["worklist"] == worklist


@pytest.mark.parametrize(("buurt", "worklist"), [("BU03920101", "team_buurt"), ("BU03920102", TEAM), (None, TEAM)])
def test_a_buurt_goes_before_a_range_of_postcodes(tables: Tables, buurt: str | None, worklist: str) -> None:
    tables.world.reference(
        "areas.csv", "postcode_from,postcode_to,worklist,buurtcode", f"2021AA,2026ZZ,{TEAM},",
        ",,team_buurt,BU03920101",
    )  # fmt: skip
    tables.address(**RENT, buurtcode=buurt)
    tables.worklists()
    assert tables.rows("prioritised_worklists")[1]["worklist"] == worklist


def test_an_address_of_repeats_alone_is_on_no_list(tables: Tables) -> None:
    tables.address(1, **CRISIS, only_repeats=True)
    tables.address(2, **RENT)
    tables.worklists()
    entries = tables.rows("prioritised_worklists")
    assert set(entries) == {2}
    assert entries[2]["rank"] == 1


def test_capacity_holds_in_rank_order_for_every_list_it_names(tables: Tables) -> None:
    tables.world.settings(capacity={TEAM: 2, COACH: 1, LIGHT: 0, DESK: 0})
    tables.address(1, **RENT)
    tables.address(2, **RENT, total_amount=900)
    tables.address(3, **CRISIS)
    tables.address(4, partner_count=2)
    tables.address(5, **RENT, address_key="2042AB_5__")
    tables.address(11, **RENT, before=FEBRUARY)
    tables.address(12, **CRISIS, before=FEBRUARY)
    tables.address(13, before=FEBRUARY)
    tables.address(21, total_amount=900)
    tables.address(31, **CRISIS, needs_review=True)
    tables.worklists()
    found = {
        n: (e["worklist"], e["action"], e["over_capacity"]) for n, e in tables.rows("prioritised_worklists").items()
    }
    assert found == {
        3: (TEAM, "home_visit", False),
        2: (TEAM, "home_visit", False),
        1: (TEAM, "phone", True),
        4: (TEAM, "phone", False),  # no home visit, so not over
        5: ("wijkteam_zandvoort", "home_visit", False),  # without a setting there is no limit
        12: (COACH, "home_visit", False),
        11: (COACH, "phone", True),
        13: (COACH, "letter", False),
        21: (LIGHT, "phone", False),
        31: (DESK, "check_address", False),
    }


def test_capacity_holds_for_crisis_too(tables: Tables) -> None:
    tables.world.settings(capacity={TEAM: 1})
    tables.address(1, **CRISIS, total_amount=900)
    tables.address(2, **CRISIS)
    tables.worklists()
    entries = tables.rows("prioritised_worklists")
    assert [(entries[n]["action"], entries[n]["over_capacity"]) for n in (1, 2)] == [
        ("home_visit", False),
        ("phone", True),
    ]


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        ({"home_visits": True}, "home_visit"),
        ({"home_visits": False}, "phone"),
        ({"2021-03": {"home_visits": False}}, "phone"),
        ({"2021-02": {"home_visits": False}}, "home_visit"),  # months that are not named: allowed
    ],
)
def test_without_home_visits_people_are_phoned(tables: Tables, policy: dict[str, Any], action: str) -> None:
    tables.world.settings(contact_policy=policy, capacity={TEAM: 1})
    tables.address(1, **CRISIS)
    tables.address(2, **RENT, before=FEBRUARY)
    tables.address(3)
    tables.worklists()
    entries = tables.rows("prioritised_worklists")
    assert {n: (e["action"], e["over_capacity"]) for n, e in entries.items()} == {
        1: (action, False),
        2: (action, False),
        3: ("letter", False),
    }
    assert ("geen huisbezoeken deze maand" in entries[1]["explanation"]) is (action == "phone")


@pytest.mark.parametrize(
    ("address", "deadline"),
    [
        (RENT, date(2021, 4, 1)),  # 28 days after 4 March
        ({"needs_review": True}, date(2021, 4, 1)),
        (CRISIS, date(2021, 3, 9)),  # three working days after Thursday 4 March
        ({**CRISIS, "first_crisis_received_on": date(2021, 3, 5)}, date(2021, 3, 10)),  # a Friday; of the crisis alone
        ({**CRISIS, "first_crisis_received_on": date(2021, 3, 6)}, date(2021, 3, 10)),  # a Saturday
        # Good Friday 2 April is a working day, Easter Monday is none.
        ({**CRISIS, "first_crisis_received_on": date(2021, 4, 1)}, date(2021, 4, 7)),
    ],
)
def test_deadlines_of_first_contact(tables: Tables, address: dict[str, Any], deadline: date) -> None:
    tables.address(**{"first_received_on": date(2021, 3, 4), **address})
    tables.worklists()
    assert tables.rows("prioritised_worklists")[1]["deadline"] == deadline


def test_known_clients_are_flagged_and_not_removed(tables: Tables) -> None:
    tables.world.reference(
        "known_clients.csv", "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to",
        "2021AB,1,,,wijkteam", "2021 ab,1,,,schulddienst", "2021AB,1,,,wijkteam", "2021AB,2,,,", "2021AB,3,A,,wijkteam",
    )  # fmt: skip
    for number in (1, 2, 3):
        tables.address(number)
    tables.worklists()
    entries = tables.rows("prioritised_worklists")
    assert {n: e["known_to"] for n, e in entries.items()} == {1: "schulddienst, wijkteam", 2: None, 3: None}
    assert "bekend bij schulddienst, wijkteam" in entries[1]["explanation"]


def test_the_country_looks_six_months_back(tables: Tables) -> None:
    for number, since in ((1, 1), (2, 6), (3, 7)):
        tables.address(number, before="2020-07", months_since_last=since)
    tables.address(4)
    tables.worklists()
    tables.at(MARCH).step("reports")
    told = {number: report["in_six_months"] for number, report in tables.rows("reports").items()}
    assert told == {1: True, 2: True, 3: False, 4: False}


EX_CLIENT = "rondde eerder een traject schuldhulp af"


@pytest.mark.parametrize(
    ("address", "clients", "action", "said"),
    [
        ({}, ["w,afgerond"], "phone", f"bekend bij w; {EX_CLIENT}, daarom bellen"),
        ({}, ["w,afgerond", "schulddienst,lopend"], "phone", f"schulddienst, w; {EX_CLIENT}, daarom bellen"),
        ({}, [",afgerond"], "phone", f"{EX_CLIENT}, daarom bellen"),
        ({"before": "2020-12"}, ["w,AFGEROND"], "phone", f"{EX_CLIENT}, daarom bellen"),
        ({**RENT}, ["w,afgerond"], "home_visit", EX_CLIENT),
        ({"total_amount": 600}, ["w,afgerond"], "phone", EX_CLIENT),
        ({"needs_review": True}, ["w,afgerond"], "check_address", EX_CLIENT),
        ({}, ["w,lopend"], "letter", None),
        ({}, ["w,"], "letter", None),
    ],
)
def test_who_finished_debt_help_is_phoned_at_least(
    tables: Tables, address: dict[str, Any], clients: list[str], action: str, said: str | None
) -> None:
    tables.world.reference(
        "known_clients.csv", "postcode,huisnummer,huisletter,huisnummertoevoeging,known_to,status",
        *(f"2021AB,1,,,{client}" for client in clients),
    )  # fmt: skip
    tables.address(**address)
    tables.worklists()
    entry = tables.rows("prioritised_worklists")[1]
    assert entry["action"] == action
    assert (said or "") in entry["explanation"]
    assert ("schuldhulp af" in entry["explanation"]) is (said is not None)
    assert ("daarom bellen" in entry["explanation"]) is ("daarom bellen" in (said or ""))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            {**CRISIS, "partner_types": ["Energie"]},
            "Crisis: afsluiting of ontruiming aangekondigd; 1 partner (Energie)",
        ),
        (
            {**RENT, "partner_count": 2, "partner_types": ["Huur", "Water"], "signal_count": 3},
            "Huurachterstand en meer dan één partner; 2 partners (Huur, Water); 3 signalen; ",
        ),
        ({"longest_days": 1, "total_amount": "1234.50"}, "1 signaal; langste achterstand 1 dag; totaal € 1.234,50"),
        ({"warm_handover": True}, "warme overdracht aangeboden"),
        ({"before": "2020-12", "times_reported": 1}, "eerder gemeld in 1 maand, laatst 12-2020"),
        ({"before": "2020-12", "times_reported": 3}, "eerder gemeld in 3 maanden, laatst 12-2020"),
        (
            {"before": "2020-12", "possible_new_occupant": True},
            "mogelijk een nieuwe bewoner, daarom behandeld als nieuw adres",
        ),
        ({"is_repaired": True}, "vraag eerst naar de naam"),
        ({"needs_review": True}, "adres staat niet in het register, eerst uitzoeken"),
        ({"needs_review": True, "address_key": "2021AB_1_?_"}, "meer woningen mogelijk, eerst uitzoeken"),
        ({**RENT, "address_key": "2030AB_1__"}, "postcode valt buiten de gebieden van de wijkteams"),
    ],
)
def test_the_explanation_tells_why(tables: Tables, address: dict[str, Any], said: str) -> None:
    tables.address(**address)
    tables.worklists()
    assert said in tables.rows("prioritised_worklists")[1]["explanation"]


def issued(tables: Tables, month: str = MARCH) -> list[tuple[str, int, int, str]]:
    """List, issue, house number and change of every line that was issued for the month, in that order."""
    lines = tables.query(f"FROM worklist_issues WHERE month = '{month}-01'")
    return sorted(
        (line["worklist"], line["issue"], int(line["address_key"].split("_")[1]), line["change"]) for line in lines
    )


def test_only_what_changed_is_issued(tables: Tables) -> None:
    def lists(*entries: tuple[int, str, int]) -> list[tuple[str, int, int, str]]:
        """Issues a month with these (house number, list, rank); gives the new lines."""
        before = issued(tables)
        tables.connection.execute("DELETE FROM prioritised_worklists")
        for number, worklist, rank in entries:
            tables.entry(number, worklist, rank)
        tables.issue()
        return [line for line in issued(tables) if line not in before]

    first = [(LIGHT, 1, 3, "added"), (TEAM, 1, 1, "added"), (TEAM, 1, 2, "added")]
    assert lists((1, TEAM, 1), (2, TEAM, 2), (3, LIGHT, 1)) == first
    assert lists((1, TEAM, 1), (2, TEAM, 2), (3, LIGHT, 1)) == []
    assert lists((1, TEAM, 2), (2, TEAM, 1), (3, LIGHT, 1)) == []  # another rank alone is no issue
    # It moves: withdrawn there, added here. A list where nothing changed gets no issue.
    assert lists((1, TEAM, 1), (2, TEAM, 2), (3, TEAM, 3)) == [(LIGHT, 2, 3, "withdrawn"), (TEAM, 2, 3, "added")]
    assert lists((1, TEAM, 1), (3, TEAM, 2), (4, COACH, 1)) == [(COACH, 1, 4, "added"), (TEAM, 3, 2, "withdrawn")]
    assert lists((1, TEAM, 1), (2, TEAM, 2), (3, TEAM, 3), (4, COACH, 1)) == [(TEAM, 4, 2, "added")]
    assert lists() == [
        (COACH, 2, 4, "withdrawn"), (TEAM, 5, 1, "withdrawn"), (TEAM, 5, 2, "withdrawn"), (TEAM, 5, 3, "withdrawn"),
    ]  # fmt: skip
    assert lists() == []


def test_issues_are_numbered_per_month_and_list(tables: Tables) -> None:
    tables.entry(1, TEAM, 1, month=FEBRUARY)
    tables.issue(FEBRUARY)
    tables.entry(1, TEAM, 1)
    tables.entry(2, COACH, 1)
    tables.issue()
    tables.entry(2, TEAM, 2, month=FEBRUARY)
    tables.issue(FEBRUARY)
    assert issued(tables, FEBRUARY) == [(TEAM, 1, 1, "added"), (TEAM, 2, 2, "added")]
    assert issued(tables) == [(COACH, 1, 2, "added"), (TEAM, 1, 1, "added")]


@pytest.mark.parametrize(
    ("address", "reason", "attention"),
    [
        ({}, "Eén partner", None),
        ({"warm_handover": True}, "Eén partner", "warme overdracht aangeboden"),
        (
            {"before": FEBRUARY, "possible_new_occupant": True, "is_repaired": True},
            "eerder gemeld in 1 maand",
            "mogelijk een nieuwe bewoner, daarom behandeld als nieuw adres; adres hersteld: niet elke partner schreef het "
            "zo, vraag eerst naar de naam",
        ),
        ({"needs_review": True, "warm_handover": True}, "eerst uitzoeken", "warme overdracht aangeboden"),
    ],
)
def test_what_to_have_in_mind_stands_apart(
    tables: Tables, address: dict[str, Any], reason: str, attention: str | None
) -> None:
    tables.address(**address)
    tables.worklists()
    tables.issue()
    entry = tables.rows("prioritised_worklists")[1]
    assert entry["attention"] == attention
    assert (attention or "") in entry["explanation"]  # which is one line with everything (DOMAIN §12)
    (line,) = tables.lines(entry["worklist"])
    assert (line.attention, reason in line.explanation) == (attention or "", True)
    assert attention is None or attention not in line.explanation
    assert not line.explanation.endswith(";")


HELP = "Vervolghulp en/of verwijzing"
VISIT = {"contact_kind": "Huisbezoek", "reached": False, "contacted_on": date(2021, 2, 13)}


@pytest.mark.parametrize(
    ("address", "told", "last_time"),
    [
        ({}, [], ""),
        ({}, [VISIT], "13-02 huisbezoek, niet bereikt"),
        ({}, [{**VISIT, "reached": None}], "13-02 huisbezoek"),
        ({}, [{**VISIT, "month": "2020-12", "contacted_on": date(2020, 12, 9)}, VISIT], "13-02 huisbezoek, niet bereikt"),
        (
            {},
            [VISIT, {"attempt": 2, "contact_kind": "Telefoon", "reached": True, "contacted_on": date(2021, 2, 20),
                     "end_result": HELP}],
            f"20-02 telefoon, bereikt; in totaal 2 pogingen; {HELP}",
        ),
        ({}, [VISIT, {**VISIT, "reached": True, "file": 2}], "13-02 huisbezoek, bereikt"),  # the newest word counts
        ({}, [{"end_result": HELP}], f"melding van 02-2021: {HELP}"),
        ({}, [{**VISIT, "month": "2020-12", "contacted_on": date(2020, 12, 9)}], "09-12-2020 huisbezoek, niet bereikt"),
        ({}, [{**VISIT, "month": "2018-12"}], ""),  # before the look-back
        ({}, [{**VISIT, "month": MARCH}], "13-02 huisbezoek, niet bereikt"),  # another list had it this month
        ({}, [{**VISIT, "number": 2}], ""),
        ({}, [{**VISIT, "reasons": ["Datum contact: ontbreekt"]}], ""),
        ({"possible_new_occupant": True}, [VISIT], ""),  # it was somebody else
    ],
)  # fmt: skip
def test_what_came_of_the_last_contact(
    tables: Tables, address: dict[str, Any], told: list[dict[str, Any]], last_time: str
) -> None:
    tables.address(before=FEBRUARY, **address)
    for each in told:
        tables.told(**each)
    tables.worklists()
    tables.issue()
    (worklist,) = {entry["worklist"] for entry in tables.rows("prioritised_worklists").values()}
    assert [line.last_time for line in tables.lines(worklist)] == [last_time]


def test_contact_of_this_month_is_told_to_who_gets_an_address_after_it(tables: Tables) -> None:
    tables.address(before=FEBRUARY)
    tables.told(**VISIT)
    tables.told(month=MARCH, contact_kind="Brief", contacted_on=date(2021, 3, 12))
    tables.entry(1, TEAM, 1)
    tables.issue()
    # A month that is made anew, after its outcomes came, does not tell a team what it did later.
    assert [line.last_time for line in tables.lines(TEAM, issue=1)] == ["13-02 huisbezoek, niet bereikt"]
    tables.connection.execute("UPDATE worklist_issues SET issued_at = issued_at - INTERVAL 1 DAY")
    tables.connection.execute(f"UPDATE prioritised_worklists SET worklist = '{COACH}'")
    tables.issue()
    assert [line.last_time for line in tables.lines(COACH, issue=1)] == ["12-03 brief"]
    assert [line.last_time for line in tables.lines(TEAM, issue=2)] == [""]  # withdrawn


def test_a_list_as_it_stands_is_what_was_added_and_not_withdrawn(tables: Tables) -> None:
    for number in (1, 2):
        tables.entry(number, TEAM, number)
    tables.issue()
    tables.connection.execute(f"DELETE FROM prioritised_worklists WHERE address_key = '{key_of(2)}'")
    tables.entry(3, TEAM, 2)
    tables.issue()
    stands = [(line.change, line.rank, line.house_number) for line in tables.lines(TEAM)]
    assert stands == [("added", 1, "1"), ("added", 2, "3"), ("withdrawn", None, "2")]
    assert [line.house_number for line in tables.lines(TEAM, issue=2)] == ["3", "2"]
