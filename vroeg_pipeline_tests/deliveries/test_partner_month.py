"""What became of a partner's month: every one is in exactly one state, and each fact about it has one place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
import yaml

from vroeg_pipeline.deliveries.partner_month import DeliveryState, PartnerMonth, is_in_time
from vroeg_pipeline.domain.agreements import parse_agreement
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline_tests.kit.world import agreement, moment

MARCH = date(2021, 3, 1)
AGREED = parse_agreement(yaml.safe_dump(agreement("pwn", valid_until="2021-03")), "f", "pwn")
ON_TIME, LATE = moment("2021-03-05 17:00"), moment("2021-03-05 17:01")
RECENT = date(2021, 3, 1)


def file(
    status: str,
    refusal: str | None = None,
    at: datetime = ON_TIME,
    read_on: date | None = RECENT,
    rows: tuple[int, int] = (20, 0),
) -> RegisteredFile:
    return RegisteredFile(status, refusal, at, read_on, *rows)


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ([file("accepted")], DeliveryState.ON_TIME),
        ([file("accepted", at=LATE)], DeliveryState.LATE),
        ([file("accepted", at=LATE), file("superseded")], DeliveryState.ON_TIME),
        ([file("accepted", read_on=None)], DeliveryState.ON_TIME),
        ([file("accepted", read_on=date(2021, 2, 18))], DeliveryState.OUTDATED),
        ([file("accepted", read_on=date(2021, 2, 19))], DeliveryState.ON_TIME),
        ([file("refused", "unreadable")], DeliveryState.REFUSED),
        ([file("refused", "stale_copy")], DeliveryState.OUTDATED),
        ([file("refused", "stale_copy"), file("refused", "unreadable")], DeliveryState.REFUSED),
        ([file("refused", "unreadable"), file("accepted")], DeliveryState.ON_TIME),
        ([], DeliveryState.MISSING),
    ],
)
def test_states_after_the_deadline(files: list[RegisteredFile], state: DeliveryState) -> None:
    assert PartnerMonth(AGREED, MARCH, files).state(moment("2021-03-20 12:00")) == state


def test_before_the_deadline_nothing_is_missing() -> None:
    assert PartnerMonth(AGREED, MARCH).state(ON_TIME) == DeliveryState.EXPECTED


def test_outside_the_agreement_nothing_is_owed() -> None:
    refused = [file("refused", "not_active")]
    assert PartnerMonth(AGREED, date(2021, 4, 1), refused).state(moment("2021-05-20 12:00")) == DeliveryState.NOT_OWED


def test_a_correction_after_the_deadline_makes_nobody_late() -> None:
    first, corrected = file("superseded"), file("accepted", at=LATE)
    of = PartnerMonth(AGREED, MARCH, [corrected, first])
    assert (of.first_usable, of.delivery, of.is_late) == (first, corrected, False)
    assert PartnerMonth(AGREED, MARCH, [corrected]).is_late


def test_missing_is_open_after_the_deadline_whatever_was_refused() -> None:
    of = PartnerMonth(AGREED, MARCH, [file("refused", "unreadable"), file("refused", "stale_copy")])
    assert (of.is_open, of.is_missing(ON_TIME), of.is_missing(LATE)) == (True, False, True)
    assert of.refusals == ("stale_copy", "unreadable")
    assert not PartnerMonth(AGREED, MARCH, [file("accepted", at=LATE)]).is_open
    assert not PartnerMonth(AGREED, date(2021, 4, 1)).is_open


def test_what_was_refused_before_a_usable_file_is_made_good() -> None:
    before, after = (
        file("refused", "unreadable", ON_TIME),
        file("refused", "missing_columns", moment("2021-03-08 12:00")),
    )
    assert PartnerMonth(AGREED, MARCH, [after, before, file("accepted", at=LATE)]).refused_since == [after]
    assert PartnerMonth(AGREED, MARCH, [after, before]).refused_since == [before, after]


@pytest.mark.parametrize(("rows", "outdated"), [((9, 9), False), ((10, 1), False), ((10, 2), True)])
def test_a_share_of_few_rows_says_nothing(rows: tuple[int, int], outdated: bool) -> None:
    of = PartnerMonth(AGREED, MARCH, [file("accepted", rows=rows)])
    assert (of.is_too_old, of.is_outdated, of.row_count) == (False, outdated, rows[0])


def test_the_age_of_a_delivery_runs_to_its_deadline() -> None:
    of = PartnerMonth(AGREED, MARCH, [file("accepted", read_on=date(2021, 2, 18))])
    assert (of.reference_date, of.reference_date_age, of.is_too_old) == (date(2021, 2, 18), 15, True)
    assert PartnerMonth(AGREED, MARCH).reference_date_age is None


def test_what_is_not_owed_is_never_late() -> None:
    assert [is_in_time(LATE, None), is_in_time(ON_TIME, ON_TIME), is_in_time(LATE, ON_TIME)] == [True, True, False]


# Files that add, and files in question ---------------------------------------------------------------------------------

IN_PARTS = parse_agreement(yaml.safe_dump(agreement("zk", delivery={"additions": "*"})), "f", "zk")
AFTER = moment("2021-03-20 12:00")


def adds(
    status: str = "accepted", refusal: str | None = None, at: datetime = ON_TIME, **changes: object
) -> RegisteredFile:
    return replace(file(status, refusal, at), is_addition=True, **changes)  # type: ignore[arg-type]


def test_what_adds_delivers_only_where_every_file_adds() -> None:
    supplement = PartnerMonth(AGREED, MARCH, [adds()])
    assert (supplement.state(AFTER), supplement.state(ON_TIME)) == (DeliveryState.MISSING, DeliveryState.EXPECTED)
    assert (supplement.is_open, supplement.row_count) == (True, 20)
    parts = PartnerMonth(IN_PARTS, MARCH, [adds(at=LATE), adds()])
    assert (parts.state(AFTER), parts.row_count) == (DeliveryState.ON_TIME, 40)
    assert PartnerMonth(IN_PARTS, MARCH, [adds(at=LATE)]).state(AFTER) == DeliveryState.LATE


def test_the_first_that_counts_as_delivered_is_late_or_on_time() -> None:
    assert PartnerMonth(AGREED, MARCH, [adds(), file("accepted", at=LATE)]).is_late
    assert not PartnerMonth(AGREED, MARCH, [adds(at=AFTER), file("accepted")]).is_late


def test_a_part_that_cannot_be_used_is_in_no_later_file() -> None:
    refused = adds("refused", "unreadable")
    assert PartnerMonth(IN_PARTS, MARCH, [refused, adds(at=LATE)]).refused_since == [refused]
    assert PartnerMonth(AGREED, MARCH, [refused, file("accepted", at=LATE)]).refused_since == [refused]
    decided = adds("refused", "refused_by_person")
    assert PartnerMonth(IN_PARTS, MARCH, [decided, adds(at=LATE)]).refused_since == []


def test_outdated_is_judged_of_all_files_together() -> None:
    of = PartnerMonth(IN_PARTS, MARCH, [adds(outdated_rows=4), adds(at=LATE, row_count=30)])
    assert (of.share_outdated, of.is_outdated) == (0.08, False)
    assert PartnerMonth(IN_PARTS, MARCH, [adds(outdated_rows=4), adds(at=LATE)]).is_outdated is False
    assert PartnerMonth(IN_PARTS, MARCH, [adds(outdated_rows=5), adds(at=LATE)]).is_outdated


def test_a_file_is_in_question_until_a_newer_one_took_the_place() -> None:
    questioned = file("questioned", at=LATE)
    assert PartnerMonth(AGREED, MARCH, [file("accepted"), questioned]).questioned == [questioned]
    assert PartnerMonth(AGREED, MARCH, [file("accepted"), questioned, adds(at=AFTER)]).questioned == [questioned]
    assert PartnerMonth(AGREED, MARCH, [file("superseded"), questioned, file("accepted", at=AFTER)]).questioned == []
