"""What was contacted stays, in the statements alone: from when it counts, for which signals, and what the evaluation says of
it (DOMAIN §10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pytest

from vroeg_pipeline.evaluation.figures import set_evaluation
from vroeg_pipeline.installation.statements import sql, temporary_step, temporary_table
from vroeg_pipeline.outcomes.contacted import find_cases, find_left_rows
from vroeg_pipeline_tests.kit.tables import MARCH, Tables, key_of
from vroeg_pipeline_tests.kit.world import moment, month

TOLD = moment("2021-03-20 10:00")


def at(day: int) -> datetime:
    return moment(f"2021-03-{day:02} 10:00")


def was_contacted(tables: Tables, reference: str = "K1") -> None:
    """What has this reference was contacted before it left."""
    columns = ", ".join(each["column_name"] for each in tables.query("FROM (DESCRIBE contacted_signals)"))
    tables.connection.execute(
        f"INSERT INTO contacted_signals BY NAME SELECT {columns} FROM validated_signals WHERE customer_reference = ?",
        [reference],
    )


def kept(
    tables: Tables,
    *,
    told: Sequence[Any] = (TOLD,),
    withdrawn: Sequence[Any] = (),
    restricted: Sequence[Any] = (),
    confirmed: Sequence[str] | None = None,
    left: Sequence[Any] = (),
) -> list[tuple[str, str]]:
    """The references and addresses that stay of what stands in validated_signals, with the moments of what was told of the
    case at number 1 and of what happened to K1. `confirmed`: these are, of a partner that is asked for it. `left`: when it
    left by a replacement, each in a delivery before it.
    """
    connection, _ = tables.connection, tables.at(MARCH)
    temporary_table(
        connection, "told_cases", "case_id VARCHAR, told_at TIMESTAMPTZ", [(f"{n}", t) for n, t in enumerate(told)]
    )
    cases = [(f"{n}", key_of(1)) for n in range(len(told))]
    temporary_table(connection, "known_cases", "case_id VARCHAR, address_key VARCHAR", cases)
    slips = "partner VARCHAR, customer_reference VARCHAR, received_at TIMESTAMPTZ"
    temporary_table(connection, "withdrawals", slips, [("huur", "K1", each) for each in withdrawn])
    temporary_table(connection, "confirmations", slips, [("huur", each, TOLD) for each in confirmed or ()])
    temporary_table(
        connection, "agreement_terms", "partner VARCHAR, confirmation_asked BOOLEAN", [("huur", confirmed is not None)]
    )
    temporary_table(connection, "restrictions", "number INTEGER, asked_at TIMESTAMPTZ", list(enumerate(restricted)))
    signal = "SELECT signal_id FROM validated_signals WHERE customer_reference = 'K1'"
    temporary_step(connection, "requested", f"SELECT number, ({signal}) AS place FROM restrictions")
    temporary_step(connection, "left_rows", "SELECT *, NULL::TIMESTAMPTZ AS left_at FROM validated_signals LIMIT 0")
    for number, left_at in enumerate(left):
        connection.execute(
            "INSERT INTO left_rows BY NAME SELECT * REPLACE ('gone' AS signal_id, ? AS amount_due), ? AS left_at "
            "FROM validated_signals WHERE customer_reference = 'K1'",
            [number + 1, left_at],
        )
    if left:
        connection.execute("DELETE FROM validated_signals WHERE customer_reference = 'K1'")
    found = tables.query(sql("kept_signals"))
    assert {each["held_reason"] for each in found} <= {None}
    return sorted((each["customer_reference"], str(each["amount_due"])) for each in found)


STAYS = [("K1", "100.00")]


@pytest.mark.parametrize("reason", ["withdrawn", "restricted"])
@pytest.mark.parametrize(
    ("moments", "told", "stays"),
    [
        ([at(25)], [TOLD], STAYS),
        ([at(19)], [TOLD], []),
        ([TOLD], [TOLD], []),
        # The first of each counts.
        ([at(19), at(25)], [TOLD], []),
        ([at(25)], [TOLD, at(28)], STAYS),
    ],
    ids=["after contact", "before it", "at the moment", "said again after it", "told of again"],
)
def test_what_is_said_after_contact_takes_nothing_back(
    tables: Tables, reason: str, moments: Sequence[Any], told: Sequence[Any], stays: Sequence[Any]
) -> None:
    tables.signal(held_reason=reason)
    tables.signal(number=2, held_reason=reason)  # nobody was there
    tables.signal(number=1, customer_reference="K9")  # on the list still
    assert kept(tables, told=told, **{reason: moments}) == stays


@pytest.mark.parametrize(
    ("left", "stays"),
    [
        ([at(25)], [("K1", "1.00")]),
        ([at(19)], []),
        ([TOLD], []),
        ([at(25), at(28)], [("K1", "2.00")]),
        ([at(19), at(28)], [("K1", "2.00")]),
    ],
)
def test_what_left_by_another_delivery_after_contact_stays_as_it_was_last(
    tables: Tables, left: Sequence[Any], stays: Sequence[Any]
) -> None:
    tables.signal()
    assert kept(tables, left=left) == stays


def test_what_is_delivered_again_at_the_same_address_alone_stands_for_what_was_there(tables: Tables) -> None:
    tables.signal(customer_reference="K1")
    assert kept(tables, left=[at(25)]) == [("K1", "1.00")]
    for number, reference, stays in ((1, "K9", True), (2, "K1", True), (1, "K1", False)):
        tables.signal(number=number, customer_reference=reference)
        assert (len(tables.query(sql("kept_signals"))) == 1) is stays


@pytest.mark.parametrize(("confirmed", "stays"), [(["K1"], STAYS), (["K2"], []), (None, STAYS)])
def test_what_was_never_confirmed_was_for_no_team(
    tables: Tables, confirmed: Sequence[str] | None, stays: Sequence[Any]
) -> None:
    tables.signal(held_reason="withdrawn")
    assert kept(tables, withdrawn=[at(25)], confirmed=confirmed) == stays


@pytest.mark.parametrize(
    ("values", "file", "counts"),
    [
        ({"contact_kind": "Telefoon"}, {}, True),
        ({"end_result": "Inwoner is overleden"}, {}, True),
        ({"day_part": "Avond"}, {}, False),
        ({"contact_kind": "Telefoon", "reasons": ["Datum contact: ontbreekt"]}, {}, False),
        ({"contact_kind": "Telefoon", "is_told": False}, {}, False),
        ({"contact_kind": "Telefoon"}, {"status": "refused"}, False),
    ],
    ids=["contact", "result", "neither", "unreadable", "untold", "refused"],
)
def test_a_case_stays_from_the_first_file_that_tells_of_contact_or_a_result(
    tables: Tables, values: Mapping[str, Any], file: Mapping[str, Any], counts: bool
) -> None:
    tables.told(month=MARCH, file=1, **values)
    for column, value in file.items():
        tables.connection.execute(f"UPDATE outcome_files SET {column} = ?", [value])
    tables.told(month=MARCH, file=2, contact_kind="Brief")
    tables.at(MARCH)
    (case,) = tables.query(sql("told_cases"))
    assert case["told_at"] == moment("2021-03-28 11:00" if counts else "2021-03-28 12:00")


def test_a_case_is_known_once_by_the_list_on_which_it_stood_last(tables: Tables) -> None:
    """Of what was delivered and never issued, or left since, those cases alone that somebody tells of."""
    of = tables.at(MARCH)
    for number in (1, 2, 3):
        tables.signal(number=number)
    lists = [("budgetcoach", 1, "added", 9), ("budgetcoach", 2, "withdrawn", 15), ("wijkteam_noord", 1, "added", 15)]
    lists.append(("adresdesk", 2, "withdrawn", 28))
    for worklist, issue, change, day in lists:
        tables.connection.execute(
            "INSERT INTO worklist_issues VALUES (?, ?, ?, ?, ?, ?)",
            [of.month, worklist, issue, key_of(1), change, at(day)],
        )
    for number in (1, 2, 4):
        tables.told(number, MARCH, contact_kind="Telefoon")
    find_left_rows(tables.connection, of.installation, of.month)
    tables.connection.execute(
        "INSERT INTO left_rows BY NAME SELECT * REPLACE (? AS address_key) FROM validated_signals LIMIT 1", [key_of(4)]
    )
    assert find_cases(tables.connection, of.installation, of.month) == 0
    cases = tables.query("SELECT address_key, worklist FROM known_cases ORDER BY ALL")
    assert [tuple(case.values()) for case in cases] == [
        (key_of(1), "wijkteam_noord"),
        (key_of(2), "onbekend"),
        (key_of(4), "onbekend"),
    ]


def test_a_delivery_was_before_a_file_came_what_was_newest_then_with_all_that_add(tables: Tables) -> None:
    for name, day, status, adds in (
        ("oldest", 1, "superseded", False),
        ("former", 5, "superseded", False),
        ("asked", 6, "questioned", False),
        ("added", 7, "accepted", True),
        ("also added", 8, "accepted", True),
        ("came", 25, "superseded", False),
        ("later", 28, "accepted", False),
    ):
        tables.delivery(file_sha256=name, file_name=name, received_at=at(day), status=status, adds=adds)
    tables.delivery("water", file_sha256="of others", received_at=at(2))
    tables.at(MARCH)
    for name, value in (("partner", "huur"), ("came_at", at(25)), ("came_as", "came")):
        tables.connection.execute(f"SET VARIABLE {name} = ?", [value])
    files = tables.query(sql("former_files"))
    assert {(each["file_sha256"], each["status"]) for each in files} == {
        ("former", "accepted"), ("added", "accepted"), ("also added", "accepted"),
    }  # fmt: skip


def test_signals_may_have_left_by_what_replaced_or_objected_after_contact(tables: Tables) -> None:
    """By the other file from its arrival, by one that a person let replace from the last decision."""
    for name, day, values in (
        ("first", 3, {}),
        ("before contact", 15, {}),
        ("decided", 16, {"decision": "replacement"}),
        ("after it", 25, {}),
        ("adds", 26, {"adds": True}),
        ("adds again", 27, {"adds": True}),
        ("objects", 28, {"adds": True}),
    ):
        tables.delivery(file_sha256=name, file_name=name, received_at=at(day), **values)
    tables.delivery("water", received_at=at(25), file_name="first of its own")
    tables.rejected("objection", file_sha256="objects")
    tables.rejected("below_threshold", file_sha256="adds again")
    of = tables.at(MARCH)
    for day in (22, 24):
        tables.connection.execute(
            "INSERT INTO reference.delivery_decisions VALUES (?, 'huur', 'decided', 'replacement', 'T', 'r', ?)",
            [of.month, at(day)],
        )
    temporary_table(tables.connection, "told_cases", "case_id VARCHAR, told_at TIMESTAMPTZ", [("1", TOLD)])
    found = tables.query(sql("departures"))
    assert [(each["came_as"], each["left_at"]) for each in found] == [
        ("decided", at(24)), ("after it", at(25)), ("objects", at(28)),
    ]  # fmt: skip


def test_a_report_of_repeats_alone_is_none_of_those_that_stay(tables: Tables) -> None:
    temporary_step(
        tables.connection, "kept_reports", "FROM (VALUES (1, 'wijkteam_noord'), (2, NULL)) AS r(n, worklist)"
    )
    assert [each["n"] for each in tables.query(sql("contacted_reports"))] == [1]


def attempt(
    tables: Tables, number: int, contacted_on: date, kind: str = "Telefoon", reached: bool | None = None
) -> None:
    (count,) = tables.connection.execute("SELECT count(*) FROM contact_attempts").fetchone() or (0,)
    tables.connection.execute(
        "INSERT INTO contact_attempts VALUES ('2021-03-01', 'c', ?, 'wijkteam_noord', ?, ?, ?, ?, NULL, ?, 'f')",
        [key_of(number), count + 1, kind, reached, contacted_on, TOLD],
    )


def result(tables: Tables, number: int, end_result: str) -> None:
    tables.connection.execute(
        "INSERT INTO case_results VALUES ('2021-03-01', 'c', ?, 'wijkteam_noord', ?, NULL, ?, 'f')",
        [key_of(number), end_result, TOLD],
    )


def test_a_contact_a_result_or_an_issue_takes_up(tables: Tables) -> None:
    for number in (1, 2, 3, 4):
        tables.signal(number=number)
    attempt(tables, 1, date(2021, 3, 15))
    result(tables, 2, "Vervolghulp en/of verwijzing")
    tables.connection.execute(
        "INSERT INTO worklist_issues VALUES ('2021-03-01', 'wijkteam_noord', 1, ?, 'added', ?)", [key_of(3), TOLD]
    )
    found = tables.query("SELECT ddas_status, in_case FROM signal_statuses ORDER BY address_key")
    assert [tuple(each.values()) for each in found] == [*[("Opgepakt", True)] * 3, ("Nog niet opgepakt", False)]


@pytest.mark.parametrize(
    ("row", "is_told"),
    [
        ({}, False),
        ({"postcode": "2021AC"}, True),
        ({"house_number": 2}, True),
        ({"house_letter": "B"}, True),
        ({"house_number_addition": "2"}, True),
        ({"partner": "water"}, True),
        ({"customer_reference": "K2"}, True),
        ({"postcode": None, "house_number": None}, False),
        ({"file_sha256": "huur 2021-03"}, True),
        ({"file_sha256": "huur 2021-03", "row_number": 0}, False),
    ],
    ids=[
        "its own", "postcode", "number", "letter", "addition", "partner", "reference", "objection", "same file", "itself",
    ],
)  # fmt: skip
def test_of_rejected_rows_those_that_are_of_what_stays_are_not_told(
    tables: Tables, row: Mapping[str, Any], is_told: bool
) -> None:
    """K1 at number 1 stays, as it was contacted before it was withdrawn; then another row of its partner is rejected."""
    tables.signal(held_reason="withdrawn", row_number=0)
    was_contacted(tables)
    (signal,) = tables.query("FROM contacted_signals")
    own = {name: signal[name] for name in ("postcode", "house_number", "house_letter", "house_number_addition")}
    values = {**own, "customer_reference": "K1", "file_sha256": "later", "ddas_status": "s", **row}
    tables.rejected("below_threshold", **values)
    assert (tables.query("FROM signal_statuses WHERE address_key IS NULL") != []) is is_told


@pytest.mark.parametrize(("kind", "days"), [("Telefoon", 7), ("Administratief", None)])
def test_what_is_done_behind_a_desk_is_no_contact(tables: Tables, kind: str, days: int | None) -> None:
    tables.signal()
    attempt(tables, 1, date(2021, 3, 5), "Administratief", reached=True)
    attempt(tables, 1, date(2021, 3, 10), kind)
    (report,) = evaluated(tables)
    assert (report["first_contact_days"], report["attempted"], report["reached"]) == (days, days is not None, False)


def evaluated(tables: Tables, deadline: date | None = None) -> list[dict[str, Any]]:
    """The reports of the evaluation. `deadline`: that of the worklist, in place of its own."""
    tables.recidivism()
    tables.worklists()
    if deadline:
        tables.connection.execute("UPDATE prioritised_worklists SET deadline = ?", [deadline])
    of = tables.at(MARCH)
    set_evaluation(tables.connection, of.installation, of.month)
    of.fill("evaluation_reports")
    return tables.query("FROM evaluation_reports")


def earlier(tables: Tables, file: str, day: int, *references: str, status: str = "superseded", **values: Any) -> None:
    """A delivery of before, with these references."""
    of = {"file_sha256": file, **values}
    received = moment(f"{values.get('month', MARCH)}-{day:02} 10:00")
    tables.delivery(status=status, received_at=received, **of)
    for reference in references:
        tables.delivered(customer_reference=reference, **of)


CAME = "2021-03-20 10:00"


@pytest.mark.parametrize(
    ("contacted_on", "days"),
    [(date(2021, 3, 3), 0), (date(2021, 3, 15), 12), (date(2021, 3, 20), 17), (date(2021, 3, 21), 1)],
    ids=["on its day", "between", "on the day of the last", "after it"],
)
def test_days_count_from_the_first_delivery_up_to_the_day_of_the_last(
    tables: Tables, contacted_on: date, days: int
) -> None:
    """Nor do those count that were not accepted, of another partner, of another month, or with others alone."""
    earlier(tables, "refused", 1, "K1", status="questioned")
    earlier(tables, "others", 1, "K1", partner="water")
    earlier(tables, "february", 1, "K1", month="2021-02")
    earlier(tables, "somebody", 2, "K7")
    earlier(tables, "first", 3, "K1")
    earlier(tables, "second", 10, "K1")
    tables.delivery(received_at=moment(CAME))
    tables.signal(received=CAME)
    attempt(tables, 1, contacted_on)
    attempt(tables, 1, date(2021, 4, 9))
    (report,) = evaluated(tables)
    assert report["first_contact_days"] == days


def test_days_count_from_the_first_of_all_signals_of_the_address_that_are_not_held(tables: Tables) -> None:
    earlier(tables, "held", 1, "K3")
    earlier(tables, "first", 3, "K2")
    earlier(tables, "second", 10, "K1")
    for reference, held in (("K1", None), ("K2", None), ("K3", "withdrawn")):
        tables.signal(customer_reference=reference, received=CAME, held_reason=held)
    attempt(tables, 1, date(2021, 3, 15))
    (report,) = evaluated(tables)
    assert report["first_contact_days"] == 12


def test_days_count_from_what_stays_too(tables: Tables) -> None:
    earlier(tables, "first", 3, "K2")
    tables.signal(customer_reference="K2")
    was_contacted(tables, "K2")
    tables.connection.execute("DELETE FROM validated_signals")
    tables.signal(received=CAME)
    attempt(tables, 1, date(2021, 3, 15))
    (report,) = evaluated(tables)
    assert report["first_contact_days"] == 12


@pytest.mark.parametrize(
    ("contacted_on", "deadline", "in_time"),
    [
        (date(2021, 3, 31), date(2021, 5, 1), True),
        (date(2021, 4, 1), date(2021, 5, 1), False),
        (date(2021, 3, 15), date(2021, 3, 15), True),
        (date(2021, 3, 15), date(2021, 3, 14), False),
    ],
)
def test_in_time_is_within_the_days_from_the_first_delivery_and_by_the_deadline(
    tables: Tables, contacted_on: date, deadline: date, in_time: bool
) -> None:
    earlier(tables, "first", 3, "K1")
    tables.signal(received="2021-04-02 10:00")
    attempt(tables, 1, contacted_on)
    (report,) = evaluated(tables, deadline)
    assert report["in_time"] is in_time


def test_the_evaluation_counts_what_stays_with_its_tier(tables: Tables) -> None:
    """Number 1 lost a signal and 2 all of them: both count as they were when contacted. Number 3 is as it is on the list."""
    report = {
        "month": month(MARCH), "match_kind": "single", "signal_count": 1, "has_rent": True, "needs_review": False,
        "first_received_on": date(2021, 3, 3), "recidivism_kind": "new", "worklist": "wijkteam_noord", "tier": 2,
        "tier_name": "rent", "deadline": date(2021, 4, 1), "in_six_months": False,
    }  # fmt: skip
    for number in (1, 3):
        tables.signal("water", number, amount_due=600)
    tables.recidivism()
    tables.worklists()
    for number, kind in enumerate(("Brief", "Huisbezoek", "Telefoon"), 1):
        if number != 3:
            tables._insert("contacted_reports", {**report, "address_key": key_of(number)})
        attempt(tables, number, date(2021, 3, 15), kind)
    tables.at(MARCH).fill("evaluation_contacts")
    found = tables.query("SELECT contact_kind, tier, has_rent FROM evaluation_contacts ORDER BY ALL")
    assert [tuple(each.values()) for each in found] == [
        ("Brief", 2, True), ("Huisbezoek", 2, True), ("Telefoon", 4, False),
    ]  # fmt: skip


def test_a_signal_is_in_a_report_when_it_is_on_a_list_and_not_held_or_stays(tables: Tables) -> None:
    tables.signal(customer_reference="listed")
    tables.signal(customer_reference="held", held_reason="withdrawn")
    tables.signal(customer_reference="stays", held_reason="withdrawn", number=2)
    tables.signal(customer_reference="unlisted", number=3)
    was_contacted(tables, "stays")
    tables.entry(1, "wijkteam_noord", 1)
    of = tables.at(MARCH)
    of.fill("evaluation_signals")
    found = tables.query(
        "SELECT ddas_status, in_report, sum(signals)::INT FROM evaluation_signals GROUP BY ALL ORDER BY ALL"
    )
    assert [tuple(each.values()) for each in found] == [
        ("Niet opgepakt: andere reden", False, 1),
        ("Nog niet opgepakt", False, 1),
        ("Nog niet opgepakt", True, 2),
    ]
