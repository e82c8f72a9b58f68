"""The statements of matches, repeats and recidivism on a few rows (DOMAIN §7, §8)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from vroeg_pipeline.matches.assets import name_earlier_signals
from vroeg_pipeline_tests.kit.tables import Tables, key_of

FEBRUARY = "2021-02"


@pytest.mark.parametrize(
    ("partners", "kind", "count"),
    [
        (("huur",), "single", 1),
        (("huur", "huur"), "single", 1),
        (("huur", "water"), "multiple", 2),
        (("huur", "huur_twee"), "multiple", 2),
        (("huur", "water", "licht", "water"), "multiple", 3),
        (("oud", "midden"), "single", 1),
        (("oud", "nieuw"), "single", 1),  # transitive, also where who stands between reports nothing
        (("oud", "midden", "nieuw"), "single", 1),
        (("oud", "nieuw", "huur"), "multiple", 2),
    ],
)
def test_matches_count_different_partners(tables: Tables, partners: tuple[str, ...], kind: str, count: int) -> None:
    for partner in partners:
        tables.signal(partner)
    tables.matches()
    match = tables.rows("address_matches")[1]
    assert (match["match_kind"], match["partner_count"], match["signal_count"]) == (kind, count, len(partners))
    assert match["partners"] == sorted(set(partners))  # named as they delivered


LIGHT = {"on_light_track": True}


@pytest.mark.parametrize(
    ("signals", "kind", "count", "has_rent", "light"),
    [
        ([("huur", LIGHT)], "single", 1, False, 1),
        ([("huur", LIGHT), ("water", LIGHT)], "single", 2, False, 2),  # never a multiple
        ([("huur", LIGHT), ("water", {})], "single", 1, False, 1),
        ([("huur", {}), ("water", LIGHT), ("licht", LIGHT)], "single", 1, True, 2),
        ([("huur", {}), ("water", {}), ("licht", LIGHT)], "multiple", 2, True, 1),
        ([("huur", {}), ("huur", LIGHT)], "single", 1, True, 1),
        ([("huur", {}), ("water", {"on_light_track": None})], "multiple", 2, True, 0),  # from before the setting
    ],
)
def test_what_is_on_the_light_track_makes_no_multiple_and_no_rent(
    tables: Tables, signals: list[tuple[str, dict[str, Any]]], kind: str, count: int, has_rent: bool, light: int
) -> None:
    for partner, values in signals:
        tables.signal(partner, **values)
    tables.matches()
    match = tables.rows("address_matches")[1]
    assert (match["match_kind"], match["partner_count"], match["has_rent"]) == (kind, count, has_rent)
    assert (match["light_signal_count"], match["signal_count"]) == (light, len(signals))
    assert match["total_amount"] == 100 * len(signals)  # and is told with the others
    assert match["partners"] == sorted({partner for partner, _ in signals})


def test_a_total_that_does_not_fit_is_the_largest_that_does(tables: Tables) -> None:
    """Of one address, not of the month: somebody delivered numbers of customers as amounts."""
    for partner in ("huur", "water"):
        tables.signal(partner, amount_due="9876543210")
    tables.signal("huur", 2, amount_due="80")
    tables.matches()
    found = tables.rows("address_matches")
    assert (found[1]["total_amount"], found[2]["total_amount"]) == (Decimal("9999999999.99"), 80)


def test_a_match_sums_its_signals(tables: Tables) -> None:
    tables.signal("water", amount_due="100.10", days_in_arrears=40, warm_handover=True, received="2021-03-05 09:00")
    tables.signal("huur", amount_due="0.95", days_in_arrears=90, received="2021-03-04 00:10")
    tables.signal("huur", 2, crisis=True, needs_review=True, received="2021-03-06 09:00")
    tables.signal("huur_twee", 2, received="2021-03-04 23:50")
    tables.signal("huur", 1, FEBRUARY, amount_due=900, crisis=True)
    tables.matches()
    found = tables.rows("address_matches")
    assert set(found) == {1, 2}
    one, two = found[1], found[2]
    assert (one["total_amount"], one["longest_days"]) == (Decimal("101.05"), 90)
    assert one["earliest_arrears_since"] == date(2020, 12, 1)
    assert (one["partner_types"], two["partner_types"]) == (["Huur", "Water"], ["Huur"])
    assert (one["warm_handover"], one["has_crisis"], one["needs_review"]) == (True, False, False)
    assert (two["warm_handover"], two["has_crisis"], two["needs_review"]) == (False, True, True)
    # The Amsterdam day of the earliest delivery, and of the earliest with a crisis signal.
    assert (one["first_received_on"], one["first_crisis_received_on"]) == (date(2021, 3, 4), None)
    assert (two["first_received_on"], two["first_crisis_received_on"]) == (date(2021, 3, 4), date(2021, 3, 6))


@pytest.mark.parametrize(
    ("partner", "mortgage_is_housing", "has_rent"),
    [
        ("huur", False, True), ("bank", False, False), ("bank", True, True), ("water", True, False), ("licht", False, False),
    ],
)  # fmt: skip
def test_what_counts_as_rent(tables: Tables, partner: str, mortgage_is_housing: bool, has_rent: bool) -> None:
    tables.world.settings(mortgage_is_housing=mortgage_is_housing)
    tables.signal(partner)
    tables.matches()
    assert tables.rows("address_matches")[1]["has_rent"] is has_rent


@pytest.mark.parametrize("reason", ["withdrawn", "not_confirmed"])
def test_held_signals_do_not_count(tables: Tables, reason: str) -> None:
    tables.signal("huur", 1, crisis=True, held_reason=reason, received="2021-03-01 09:00")
    tables.signal("water", 1)
    tables.signal("huur", 2, held_reason=reason)
    tables.matches()
    found = tables.rows("address_matches")
    assert set(found) == {1}  # an address whose signals are all held is not reported
    assert (found[1]["partners"], found[1]["match_kind"], found[1]["has_rent"]) == (["water"], "single", False)
    assert (found[1]["has_crisis"], found[1]["first_received_on"]) == (False, date(2021, 3, 3))


@pytest.mark.parametrize(
    ("reported", "lookback", "kind", "first", "last", "times", "since"),
    [
        ([], 24, "new", None, None, 0, None),
        (["2021-02"], 24, "consecutive", "2021-02", "2021-02", 1, 1),
        (["2021-01"], 24, "returning", "2021-01", "2021-01", 1, 2),
        (["2020-06", "2021-02"], 24, "consecutive", "2020-06", "2021-02", 2, 1),
        (["2020-06", "2020-08", "2020-12"], 24, "returning", "2020-06", "2020-12", 3, 3),
        (["2019-03"], 24, "returning", "2019-03", "2019-03", 1, 24),  # the first month of the look-back
        (["2019-02"], 24, "new", None, None, 0, None),  # the month before it
        (["2019-02", "2019-04"], 24, "returning", "2019-04", "2019-04", 1, 23),
        (["2020-12"], 3, "returning", "2020-12", "2020-12", 1, 3),
        (["2020-11"], 3, "new", None, None, 0, None),
        (["2021-04"], 24, "new", None, None, 0, None),  # never ahead
        (["2021-02", "2021-04"], 24, "consecutive", "2021-02", "2021-02", 1, 1),
    ],
)
def test_recidivism(
    tables: Tables, reported: list[str], lookback: int, kind: str, first: str | None, last: str | None, times: int,
    since: int | None,
) -> None:  # fmt: skip
    tables.world.settings(lookback_months=lookback, repeat_months=1)
    # Each month another reference, so that none repeats another.
    for month in (*reported, "2021-03"):
        tables.signal(month=month, customer_reference=month)
    tables.recidivism(*reported, "2021-03")
    history = tables.rows("recidivism_history")[1]
    assert (history["recidivism_kind"], history["is_recidivist"]) == (kind, kind != "new")
    assert (history["times_reported"], history["months_since_last"]) == (times, since)
    found = [history[c] and f"{history[c]:%Y-%m}" for c in ("first_reported_month", "last_reported_month")]
    assert found == [first, last]
    assert history["possible_new_occupant"] is False
    assert history["only_repeats"] is False
    if "2021-04" not in reported:
        # The same when the signals of then are removed (DOMAIN §14).
        tables.forget()
        tables.recidivism("2021-03")
        assert tables.rows("recidivism_history") == {1: history}


def test_another_address_and_held_signals_make_no_recidivist(tables: Tables) -> None:
    tables.signal("huur", 2, FEBRUARY, customer_reference="K1")
    tables.signal("huur", 1, FEBRUARY, held_reason="withdrawn")
    tables.signal("water", 1)
    tables.recidivism(FEBRUARY, "2021-03")
    assert tables.rows("recidivism_history")[1]["recidivism_kind"] == "new"


def test_a_month_of_repeats_alone_does_not_count_as_reported(tables: Tables) -> None:
    months = ["2020-12", "2021-01", "2021-02", "2021-03"]
    for month in months:
        tables.signal(month=month)
        tables.signal("huur", 2, month)
    tables.signal("water", 2, FEBRUARY)
    tables.recidivism(*months)
    columns = ("recidivism_kind", "times_reported", "only_repeats")
    assert {
        month: [tuple(tables.rows("recidivism_history", month)[number][c] for c in columns) for number in (1, 2)]
        for month in months
    } == {
        "2020-12": [("new", 0, False), ("new", 0, False)],
        "2021-01": [("consecutive", 1, True), ("consecutive", 1, True)],
        # Water is no repeat, so this address is reported again; the other one is not.
        "2021-02": [("returning", 1, True), ("returning", 1, False)],
        "2021-03": [("returning", 1, True), ("consecutive", 2, True)],
    }
    assert tables.rows("address_matches")[1]["signal_count"] == 1  # they still count in the matches


@pytest.mark.parametrize(
    ("before", "now", "is_new"),
    [
        ([{"surname": "Proef"}], [{"surname": "Proef"}], False),
        ([{"surname": "Proef"}], [{"surname": "Testma"}], True),
        ([{"surname": "van der Proef"}], [{"surname": "PROEF", "prefix": "van der"}], False),
        ([{"surname": "Pröef"}], [{"surname": "proef"}], False),
        (
            [{"surname": "Proef", "birth_date": "1980-01-01"}],
            [{"surname": "Testma", "birth_date": "1980-01-01"}],
            False,
        ),
        ([{"surname": "Proef", "birth_date": "1980-01-01"}], [{"surname": "Testma", "birth_date": "1980-01-02"}], True),
        ([{"surname": "Proef"}], [{"surname": "Testma", "birth_date": "1980-01-01"}], True),
        ([{"surname": "Proef"}, {"surname": "Nep"}], [{"surname": "Testma"}, {"surname": "Nep"}], False),
        ([{"surname": "Proef"}, {"surname": "Nep", "held_reason": "withdrawn"}], [{"surname": "Nep"}], True),
        ([{"surname": "Proef"}], [{"surname": "Proef", "held_reason": "withdrawn"}, {"surname": "Nep"}], True),
        ([{"surname": "Proef", "month": "2020-06"}, {"surname": "Nep"}], [{"surname": "Proef"}], False),
        # Who lived there before the look-back is forgotten; who lives elsewhere says nothing.
        ([{"surname": "Proef", "month": "2019-02"}, {"surname": "Nep"}], [{"surname": "Proef"}], True),
        ([{"surname": "Proef", "number": 2}, {"surname": "Nep"}], [{"surname": "Proef"}], True),
    ],
)
def test_new_occupants(tables: Tables, before: list[dict[str, Any]], now: list[dict[str, Any]], is_new: bool) -> None:
    for place, values in enumerate(before):
        tables.signal(**{"month": FEBRUARY, "customer_reference": f"V{place}", **values})
    for place, values in enumerate(now):
        tables.signal(**{"customer_reference": f"N{place}", **values})
    tables.recidivism("2019-02", "2020-06", FEBRUARY, "2021-03")
    history = tables.rows("recidivism_history")[1]
    assert (history["is_recidivist"], history["possible_new_occupant"]) == (True, is_new)
    first = min(values.get("month", FEBRUARY) for values in before if values.get("number", 1) == 1)
    assert tables.rows("recidivism_history", first)[1]["possible_new_occupant"] is False
    tables.worklists()
    entry = tables.rows("prioritised_worklists")[1]
    assert entry["worklist"] == ("wijkteam_noord" if is_new else "budgetcoach")
    assert ("nieuwe bewoner" in entry["explanation"]) is is_new
    tables.forget()
    tables.recidivism("2021-03")
    assert tables.rows("recidivism_history") == {1: history}


@pytest.mark.parametrize(
    ("before", "now"), [("de Vries", "Vries, J.P. de"), ("Bakker-Jansen", "Bakker"), ("Smit e/o Mulder", "Mulder")]
)
def test_another_spelling_is_no_new_occupant(tables: Tables, before: str, now: str) -> None:
    tables.signal("huur", month=FEBRUARY, surname=before)
    tables.signal("licht", surname=now)
    tables.recidivism(FEBRUARY, "2021-03")
    assert tables.rows("recidivism_history")[1]["possible_new_occupant"] is False
    tables.worklists()
    assert tables.rows("prioritised_worklists")[1]["worklist"] == "budgetcoach"


def test_names_of_signals_that_an_earlier_version_kept_are_read_from_their_surname(tables: Tables) -> None:
    tables.signal("huur", month=FEBRUARY, surname="Smit e/o Mulder")
    tables.signal("huur", 2, month=FEBRUARY, surname="Smit e/o Mulder")
    tables.signal("licht", surname="Mulder")
    tables.signal("licht", 2, surname="Bakker")
    tables.recidivism(FEBRUARY)
    tables.connection.execute("ALTER TABLE validated_signals ALTER COLUMN surnames DROP NOT NULL")
    tables.connection.execute("UPDATE validated_signals SET surnames = NULL WHERE month < '2021-03-01'")
    of = tables.at("2021-03")
    of.fill("address_matches")
    name_earlier_signals(of)
    tables.recidivism("2021-03")
    found = tables.rows("recidivism_history")
    assert [found[number]["possible_new_occupant"] for number in (1, 2)] == [False, True]


REFERENCE = {"customer_reference": "K1"}


@pytest.mark.parametrize(
    ("past", "now", "is_repeat"),
    [
        ({}, {}, True),
        ({"month": "2020-12"}, {}, True),  # the first of the three months before
        ({"month": "2020-11"}, {}, False),
        ({"month": "2021-03"}, {}, False),
        ({"month": "2021-04"}, {}, False),
        ({"amount_due": "100.01"}, {}, True),
        ({}, {"amount_due": "100.01"}, False),  # a higher amount must be picked up again
        ({}, {"customer_reference": "K9"}, False),
        ({}, {"number": 2, **REFERENCE}, False),
        ({}, {"partner": "water"}, False),
        ({}, {"crisis": True}, True),
        ({}, {"surname": "Ander"}, True),
        ({"held_reason": "withdrawn"}, {}, False),
        ({"held_reason": "not_confirmed"}, {}, False),
        ({"needs_review": True}, {}, False),
        ({}, {"held_reason": "withdrawn"}, False),  # a held signal is never a repeat
        ({"partner": "oud"}, {"partner": "midden"}, True),
        ({"partner": "oud"}, {"partner": "nieuw"}, True),  # a predecessor of the predecessor
        ({"partner": "nieuw"}, {"partner": "oud"}, False),  # never a successor
        ({"partner": "midden"}, {"partner": "oud"}, False),
    ],
)
def test_what_makes_a_repeat(tables: Tables, past: dict[str, Any], now: dict[str, Any], is_repeat: bool) -> None:
    earlier = tables.signal(**{"month": FEBRUARY, **past})
    later = tables.signal(**now)
    tables.recidivism(*sorted({"2020-11", "2020-12", FEBRUARY, "2021-03"}))
    assert tables.repeats() == ({later: earlier} if is_repeat else {})


@pytest.mark.parametrize(("months", "repeats"), [(1, True), (0, False)])
def test_how_far_repeats_look_back_is_a_setting(tables: Tables, months: int, repeats: bool) -> None:
    tables.world.settings(repeat_months=months)
    tables.signal(month=FEBRUARY)
    tables.signal()
    tables.recidivism(FEBRUARY, "2021-03")
    assert bool(tables.repeats()) is repeats


def test_a_repeat_is_not_repeated(tables: Tables) -> None:
    """What was picked up is repeated until it is too long ago; then it is picked up again."""
    amounts = {"2021-01": 200, "2021-02": 200, "2021-03": 150, "2021-04": 199, "2021-05": 120, "2021-06": 121}
    ids = {month: tables.signal(month=month, amount_due=amount) for month, amount in amounts.items()}
    tables.recidivism(*amounts)
    assert tables.repeats() == {ids[month]: ids["2021-01"] for month in ("2021-02", "2021-03", "2021-04")}


def test_a_repeat_is_not_repeated_when_that_it_was_one_is_removed(tables: Tables) -> None:
    """DOMAIN §14: what was rejected or repeated goes before the signals do."""
    ids = {month: tables.signal(month=month) for month in ("2021-01", "2021-02", "2021-03")}
    tables.recidivism(*ids)
    assert tables.repeats() == {ids[month]: ids["2021-01"] for month in ("2021-02", "2021-03")}
    tables.forget(signals=False)
    tables.recidivism("2021-03")
    assert tables.repeats() == {ids["2021-03"]: ids["2021-01"]}


def test_the_latest_that_qualifies_is_repeated(tables: Tables) -> None:
    december = tables.signal("nieuw", 1, "2020-12", amount_due=300)
    january = tables.signal("midden", 1, "2021-01", amount_due=400)
    tables.signal("nieuw", 1, FEBRUARY, amount_due=500, held_reason="withdrawn")
    now = tables.signal("nieuw", amount_due=300)
    tables.signal("nieuw", 2, "2020-12")
    own, theirs, far = (tables.signal(partner, 2, "2021-01") for partner in ("nieuw", "midden", "oud"))
    nearest = tables.signal("midden", 3, FEBRUARY)
    tables.signal("oud", 3, FEBRUARY)
    two, three = tables.signal("nieuw", 2), tables.signal("nieuw", 3)
    tables.recidivism("2020-12", "2021-01", FEBRUARY, "2021-03")
    found = tables.repeats()
    assert found[now] == january != december  # a later month goes before its own partner
    # In January each of the three but the first repeats what came in December; only who is picked up is repeated.
    assert (own in found, theirs in found, far in found) == (True, False, False)
    assert found[two] == theirs  # in one month the nearer predecessor goes first
    assert found[three] == nearest


def test_in_one_month_the_own_signal_goes_before_a_predecessors(tables: Tables) -> None:
    tables.signal("oud", 1, FEBRUARY)
    own = tables.signal("nieuw", 1, FEBRUARY)
    tables.signal("midden", 1, FEBRUARY)
    now = tables.signal("nieuw")
    tables.recidivism(FEBRUARY, "2021-03")
    assert tables.repeats() == {now: own}


def test_every_month_gives_the_same_answer_again(tables: Tables) -> None:
    months = ["2020-12", "2021-01", "2021-02", "2021-03"]
    for month in months:
        tables.signal(month=month, amount_due=300 if month == "2021-02" else 200)
        tables.signal("water", 2, month, surname=f"Proef{month[-1]}", customer_reference=month)
    tables.recidivism(*months)
    before = [tables.query(f"FROM {table} ORDER BY ALL") for table in ("repeat_signals", "recidivism_history")]
    assert all(before)
    tables.recidivism("2021-01")
    tables.recidivism("2020-12")
    assert [tables.query(f"FROM {table} ORDER BY ALL") for table in ("repeat_signals", "recidivism_history")] == before
    assert tables.rows("recidivism_history")[1]["address_key"] == key_of(1)
