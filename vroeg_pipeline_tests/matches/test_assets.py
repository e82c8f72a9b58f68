"""Matches (DOMAIN §7), repeats and recidivism (§8), as of each month."""

from __future__ import annotations

from datetime import date
from typing import Any

from vroeg_pipeline_tests.kit.world import World, row

A = "2021AB_1__"


def in_month(month: str, **changes: str) -> dict[str, str]:
    """A valid row for a month of 2021 (or another year, as `YYYY-MM`)."""
    year, number = month.split("-")
    return row(
        **{"house_number": "1", "reference_date": f"01-{number}-{year}", "arrears_since": "01-01-2020", **changes}
    )


def one(world: World, table: str, month: str, key: str = A) -> dict[str, Any]:
    (found,) = world.table(table, where=f"month = '{month}-01' AND address_key = '{key}'")
    return found


def test_matches_count_partners_not_signals(world: World) -> None:
    world.agree("huur_oud", valid_until="2021-03")
    world.agree("huur_midden", succeeds=["huur_oud"], valid_until="2021-03")
    world.agree("huur_nieuw", succeeds=["huur_midden"])
    world.agree("water", type="Water")
    world.agree("bank", type="Hypotheek")
    world.deliver("huur_oud", "2021-03", [in_month("2021-03"), in_month("2021-03", house_number="2")])
    world.deliver("huur_nieuw", "2021-03", [in_month("2021-03", amount_due="200,00")])
    world.deliver(
        "water", "2021-03",
        [in_month("2021-03", house_number="2", arrears_since="01-02-2020"), in_month("2021-03", house_number="3"),
         in_month("2021-03", house_number="3", customer_reference="K2", crisis="ja", warm_handover="ja")],
    )  # fmt: skip
    world.deliver("bank", "2021-03", [in_month("2021-03", house_number="4")])
    world.make("2021-03", upto="address_matches")
    family = one(world, "address_matches", "2021-03")
    assert (family["match_kind"], family["signal_count"], family["partner_count"]) == ("single", 2, 1)
    assert (family["partners"], family["partner_types"]) == (["huur_nieuw", "huur_oud"], ["Huur"])
    assert (str(family["total_amount"]), family["has_rent"]) == ("300.00", True)
    two = one(world, "address_matches", "2021-03", "2021AB_2__")
    assert (two["match_kind"], two["partner_count"], two["partner_types"]) == ("multiple", 2, ["Huur", "Water"])
    assert (two["longest_days"], two["earliest_arrears_since"]) == (425, date(2020, 1, 1))
    double = one(world, "address_matches", "2021-03", "2021AB_3__")
    assert (double["match_kind"], double["signal_count"], double["has_crisis"]) == ("single", 2, True)
    assert (double["warm_handover"], double["has_rent"]) == (True, False)
    assert one(world, "address_matches", "2021-03", "2021AB_4__")["has_rent"] is False
    world.settings(mortgage_is_housing=True)
    world.make("2021-03", upto="address_matches")
    assert one(world, "address_matches", "2021-03", "2021AB_4__")["has_rent"] is True


def test_held_signals_do_not_count(world: World) -> None:
    world.agree("huur")
    world.agree("water", type="Water")
    world.deliver(
        "huur", "2021-03", [in_month("2021-03"), in_month("2021-03", house_number="2", customer_reference="K2")]
    )
    world.deliver("water", "2021-03", [in_month("2021-03")])
    world.slip("huur", "2021-03", "withdrawals", "K1", "K2")
    world.make("2021-03", upto="address_matches")
    (match,) = world.table("address_matches")
    assert (match["address_key"], match["partners"], match["match_kind"]) == (A, ["water"], "single")


def test_recidivism_looks_back_and_never_ahead(world: World) -> None:
    world.agree("huur")
    world.settings(lookback_months=3)
    amounts = {"2020-10": "100", "2020-11": "200", "2021-01": "300", "2021-04": "400", "2021-08": "500"}
    for month, amount in amounts.items():
        world.deliver("huur", month, [in_month(month, amount_due=amount)])
    world.make("2020-10", "2021-08", upto="recidivism_history")
    columns = ("recidivism_kind", "first_reported_month", "last_reported_month", "times_reported", "months_since_last")
    found = {month: tuple(one(world, "recidivism_history", month)[c] for c in columns) for month in amounts}
    assert found == {
        "2020-10": ("new", None, None, 0, None),
        "2020-11": ("consecutive", date(2020, 10, 1), date(2020, 10, 1), 1, 1),
        "2021-01": ("returning", date(2020, 10, 1), date(2020, 11, 1), 2, 2),
        "2021-04": ("returning", date(2021, 1, 1), date(2021, 1, 1), 1, 3),
        "2021-08": ("new", None, None, 0, None),
    }
    before = world.table("recidivism_history")
    world.make("2020-11", upto="recidivism_history")
    assert world.table("recidivism_history") == before


def test_repeats(world: World) -> None:
    world.agree("huur")
    months = {
        "2021-01": "200",
        "2021-02": "200",
        "2021-03": "150",
        "2021-04": "199",
        "2021-05": "120",
        "2021-06": "121",
    }
    for month, amount in months.items():
        world.deliver("huur", month, [in_month(month, amount_due=amount)])
    world.make("2021-01", "2021-06", upto="prioritised_worklists")
    repeats = {r["signal_id"][5:11]: r["repeats_signal_id"][5:11] for r in world.table("repeat_signals")}
    # January is picked up; February to April repeat it. May is out of its reach and picked up; June asks for more.
    assert repeats == {"202102": "202101", "202103": "202101", "202104": "202101"}
    only = {str(h["month"])[:7]: h["only_repeats"] for h in world.table("recidivism_history")}
    assert only == {m: m in ("2021-02", "2021-03", "2021-04") for m in months}
    assert {str(e["month"])[:7] for e in world.table("prioritised_worklists")} == {"2021-01", "2021-05", "2021-06"}
    # Months of repeats alone do not count as reported.
    may = one(world, "recidivism_history", "2021-05")
    assert (may["recidivism_kind"], may["last_reported_month"], may["times_reported"]) == (
        "returning",
        date(2021, 1, 1),
        1,
    )
    assert one(world, "recidivism_history", "2021-02")["recidivism_kind"] == "consecutive"
    assert one(world, "address_matches", "2021-03")["signal_count"] == 1


def test_what_was_not_picked_up_is_not_repeated(world: World) -> None:
    world.agree("huur")
    world.register("2021AB,1,,", "2021AB,2,A,", "2021AB,2,B,")
    for month in ("2021-02", "2021-03"):
        world.deliver("huur", month, [in_month(month), in_month(month, customer_reference="K2", house_number="2")])
    world.slip("huur", "2021-02", "withdrawals", "K1")
    world.make("2021-02", "2021-03", upto="recidivism_history")
    assert world.table("repeat_signals") == []  # held, and needing review
    world.slip("huur", "2021-03", "withdrawals", "K1")
    (world.home.inbox / "huur/2021-02/withdrawals/lijst.csv").unlink()
    world.make("2021-02", "2021-03", upto="recidivism_history")
    assert world.table("repeat_signals") == []  # a held signal is never a repeat


def test_a_successor_repeats_its_predecessor_and_not_the_other_way(world: World) -> None:
    world.agree("oud", valid_until="2021-04")
    world.agree("nieuw", succeeds=["oud"])
    world.deliver(
        "oud", "2021-02", [in_month("2021-02"), in_month("2021-02", customer_reference="K2", house_number="2")]
    )
    world.deliver(
        "nieuw", "2021-02", [in_month("2021-02"), in_month("2021-02", customer_reference="K3", house_number="3")]
    )
    world.deliver(
        "nieuw", "2021-03", [in_month("2021-03"), in_month("2021-03", customer_reference="K2", house_number="2")]
    )
    world.deliver("oud", "2021-03", [in_month("2021-03", customer_reference="K3", house_number="3")])
    world.make("2021-02", "2021-03", upto="recidivism_history")
    own, theirs = (
        world.query(
            f"SELECT signal_id AS id FROM validated_signals WHERE partner = '{p}' AND month = '2021-02-01' AND {c}"
        )
        for p, c in (("nieuw", "customer_reference = 'K1'"), ("oud", "customer_reference = 'K2'"))
    )
    repeated = {r["repeats_signal_id"] for r in world.table("repeat_signals")}
    assert repeated == {own[0]["id"], theirs[0]["id"]}  # in one month its own goes before the predecessor's
    months = {k: one(world, "recidivism_history", "2021-03", f"2021AB_{k}__")["recidivism_kind"] for k in (1, 2, 3)}
    assert set(months.values()) == {"consecutive"}


def test_held_signals_say_nothing_of_the_occupant(world: World) -> None:
    world.agree("huur")
    world.agree("water", type="Water")
    world.deliver("huur", "2021-02", [in_month("2021-02", surname="Proef")])
    world.deliver("huur", "2021-03", [in_month("2021-03", surname="Proef", amount_due="200")])
    world.deliver("water", "2021-03", [in_month("2021-03", surname="Testma")])
    world.slip("huur", "2021-03", "withdrawals", "K1")
    world.make("2021-02", "2021-03", upto="recidivism_history")
    assert one(world, "recidivism_history", "2021-03")["possible_new_occupant"] is True
