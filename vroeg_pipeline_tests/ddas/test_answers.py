"""The answers that CBS gets, page by page: every signal once, each case beside its signals, no page too large."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vroeg_pipeline.ddas import v1_2
from vroeg_pipeline.ddas.answers import (
    laid_out,
    months_kept,
    opened_answers,
    withhold_answers,
)
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.months import last_day_of
from vroeg_pipeline.installation.home import Home
from vroeg_pipeline_tests.kit.cbs import NOW, SETTINGS, keep

MAX = 50_000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


JANUARY, FEBRUARY, MARCH = (date(2021, month, 1) for month in (1, 2, 3))


def test_all_pages_together_are_all_signals_and_each_case_stands_by_its_signals(home: Home) -> None:
    kept = [
        *keep(home, JANUARY, [2, 1, 3], alone=4),
        *keep(home, FEBRUARY, [1, 1], alone=0, municipality="0473"),
        *keep(home, MARCH, [2, 2], alone=3),
    ]
    told: list[str] = []
    with opened_answers(home, [JANUARY, FEBRUARY, MARCH], ["0392", "0473"]) as answers:
        pages = [answers.page(number, 4, MAX) for number in range(1, 7)]
    for page in pages:
        text = "".join(v1_2.message(SETTINGS, JANUARY, last_day_of(MARCH), NOW, page.rows))
        leveringen = json.loads(text)["leveringen"]
        assert [levering["gemeentecode"] for levering in leveringen] == ["0392", "0473"]
        signals = [s["ID"] for levering in leveringen for s in levering["vroegsignalen"]]
        of_cases = [
            s["ID"] for levering in leveringen for c in levering["vroegsignaalzaken"] for s in c["vroegsignalen"]
        ]
        assert {*of_cases} <= {*signals}
        assert len(signals) == page.signals <= 4
        told += signals
    assert sorted(told) == sorted(kept)
    assert [page.signals for page in pages] == [4, 4, 4, 4, 3, 0]
    assert {(page.total_signals, page.total_pages) for page in pages} == {(19, 5)}
    assert sum(page.cases for page in pages) == 7


def test_what_is_asked_of_one_municipality_is_of_that_one_alone(home: Home) -> None:
    keep(home, JANUARY, [2], alone=1)
    of_other = keep(home, FEBRUARY, [1, 2], alone=0, municipality="0473")
    with opened_answers(home, [JANUARY, FEBRUARY], ["0473"]) as answers:
        page = answers.page(1, None, MAX)
    assert list(page.rows) == ["0473"]
    assert page.total_signals == page.signals == len(of_other)
    with opened_answers(home, [JANUARY], ["0473"]) as answers:
        page = answers.page(1, None, MAX)
    assert (page.signals, page.total_signals, page.total_pages) == (0, 0, 1)


def test_a_page_is_never_larger_than_the_standard_allows(home: Home) -> None:
    keep(home, JANUARY, [], alone=5)
    with opened_answers(home, [JANUARY], ["0392"]) as answers:
        assert answers.page(1, 1_000_000, 3).signals == 3
        assert answers.page(1, None, 3).signals == 3
        assert answers.page(2, None, 3).signals == 2


def test_answers_are_for_their_owner_and_replaced_as_a_whole(home: Home) -> None:
    keep(home, MARCH, [2], alone=0)
    with opened_answers(home, [MARCH], ["0392"]) as answers:
        keep(home, MARCH, [], alone=1)
        # Who is being answered is answered from what there was.
        assert answers.page(1, None, MAX).signals == 2
    with opened_answers(home, [MARCH], ["0392"]) as answers:
        assert answers.page(1, None, MAX).signals == 1
    (file,) = home.ddas_answers.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert home.ddas_answers.stat().st_mode & 0o077 == 0
    assert months_kept(home) == [MARCH]


def test_a_month_that_could_not_be_delivered_is_not_taken_for_an_empty_one(home: Home) -> None:
    keep(home, JANUARY, [], alone=1)
    withhold_answers(home, JANUARY)
    with (
        pytest.raises(VroegError, match="2021-01 could not be delivered"),
        opened_answers(home, [JANUARY, FEBRUARY], ["0392"]),
    ):
        pass


@given(
    sizes=st.lists(st.integers(2, 5), max_size=30),
    alone=st.integers(0, 40),
    page_size=st.integers(1, 12),
)
def test_every_layout_has_each_group_once_and_full_pages(sizes: list[int], alone: int, page_size: int) -> None:
    _, pages = laid_out(sizes, alone, page_size, 1)
    cases: list[int] = []
    singles: list[int] = []
    for number in range(1, pages + 1):
        part, total = laid_out(sizes, alone, page_size, number)
        assert total == pages
        if part is None:
            assert (pages, sizes, alone) == (1, [], 0)
            continue
        here = list(range(*part.together))
        signals = sum(sizes[at] for at in here) + part.alone[1] - part.alone[0]
        assert signals <= page_size or (len(here), part.alone[0]) == (1, part.alone[1])
        assert signals
        # A page is only left with room when no signal that stands alone is left for it.
        assert signals >= page_size or part.alone[1] == alone
        cases += here
        singles += range(*part.alone)
    assert cases == list(range(len(sizes)))
    assert singles == list(range(alone))
    assert laid_out(sizes, alone, page_size, pages + 1) == (None, pages)
