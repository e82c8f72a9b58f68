"""The delivery board: every partner and month is in exactly one state."""

from __future__ import annotations

from datetime import date, datetime

import yaml

from vroeg_pipeline.domain.agreements import parse_agreement
from vroeg_pipeline.domain.partners import Partners
from vroeg_pipeline.installation.notes import RegisteredFile
from vroeg_pipeline.quality.board import make_board
from vroeg_pipeline_tests.kit.world import agreement, moment

ON_TIME, LATE = moment("2021-03-05 17:00"), moment("2021-03-05 17:01")
RECENT = date(2021, 3, 1)


def file(
    status: str, refusal: str | None = None, at: datetime = ON_TIME, read_on: date | None = RECENT
) -> RegisteredFile:
    return RegisteredFile(status, refusal, at, read_on)


def partners(**changes: dict[str, object]) -> Partners:
    return Partners.of(
        parse_agreement(yaml.safe_dump(agreement(name, **content)), "f", name) for name, content in changes.items()
    )


def test_a_succession_is_one_line_with_a_seam() -> None:
    found = partners(
        de_key={"valid_until": "2021-02"}, pre_wonen={"valid_from": "2021-02", "succeeds": ["de_key"]}, pwn={}
    )
    months = [date(2021, number, 1) for number in (1, 2, 3)]
    files = {("de_key", months[0]): [file("accepted")], ("pre_wonen", months[1]): [file("refused", "unreadable")]}
    board = make_board(found, files, months, moment("2021-04-01 12:00"))
    succession, other = board.lines
    assert succession.name == "De Key → Pre Wonen"
    assert other.name == "Pwn"
    states = [[(c.agreement.partner, c.state.value) for c in succession.cells[month]] for month in months]
    assert states == [
        [("de_key", "late")],
        [("de_key", "missing"), ("pre_wonen", "refused")],
        [("pre_wonen", "missing")],
    ]
    assert [succession.has_seam(month) for month in months] == [False, False, True]
    assert succession.cells[months[1]][1].refusals == ("unreadable",)
    assert succession.cells[months[0]][0].delivery is not None


def test_before_and_after_an_agreement_its_line_owes_nothing() -> None:
    found = partners(pwn={"valid_from": "2021-02", "valid_until": "2021-02"})
    months = [date(2021, number, 1) for number in (1, 2, 3)]
    (line,) = make_board(found, {}, months, moment("2021-02-01 12:00")).lines
    assert [line.cells[month][0].state.value for month in months] == ["not owed", "expected", "not owed"]
