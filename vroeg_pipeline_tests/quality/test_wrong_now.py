"""What is wrong now, on the board and in `vroeg checks`: newest month first, and what to do."""

from __future__ import annotations

import io
import re
from html import unescape
from pathlib import Path

from rich.console import Console

from vroeg_pipeline.cli.checks import show_checks
from vroeg_pipeline.installation.cooperation import Cooperation
from vroeg_pipeline.installation.notes import NotedVerdict, note_verdicts
from vroeg_pipeline.installation.town import ALONE
from vroeg_pipeline.quality.board import Board
from vroeg_pipeline.quality.board_page import board_page
from vroeg_pipeline.quality.checks import delivery_checks
from vroeg_pipeline.quality.wrong_now import TO_DO, to_do, wrong_now
from vroeg_pipeline_tests.kit.world import World, month

MONTHS = (month("2021-02"), month("2021-03"))


def test_each_check_of_a_delivery_says_what_to_do(world: World) -> None:
    world.agree("huur", delivery={"expected_rows": [1, 9]})
    (checks,) = delivery_checks(world.home.load_partners(), ALONE)
    assert {key.name for key in checks.check_keys} == {*TO_DO}


def test_the_board_and_the_command_say_the_same(world: World) -> None:
    for of in MONTHS:
        verdicts = [
            NotedVerdict("address_matches", "keys_are_unique", False, "two rows & more: load it again."),
            NotedVerdict("deliveries/huur", "delivered", of == MONTHS[0], "nothing came"),
            NotedVerdict("deliveries/huur", "on_time", True, "in time"),
        ]
        note_verdicts(world.home, of, {each.asset for each in verdicts}, verdicts)
    wrong = wrong_now(world.home, MONTHS)
    assert [(each.month, each.verdict.asset, bool(each.do)) for each in wrong] == [
        (MONTHS[1], "address_matches", False), (MONTHS[1], "deliveries/huur", True), (MONTHS[0], "address_matches", False),
    ]  # fmt: skip
    page = board_page(Board(MONTHS, (), world.now), wrong)
    shown = re.findall(r"<h3>(.*?)</h3>|<li><b>(.*?)</b>(.*?)</li>", page)
    assert [of or unescape(which) for of, which, _ in shown] == [
        "2021-03", "address_matches, keys_are_unique", "deliveries/huur, delivered",
        "2021-02", "address_matches, keys_are_unique",
    ]  # fmt: skip
    assert "two rows &amp; more" in page
    text = io.StringIO()
    show_checks(world.home, None, Console(file=text, width=300), failed=True)
    told = text.getvalue()
    assert told.count("address_matches") == 2
    assert "in time" not in told
    for said in (page, told):
        assert said.count(f"→ {TO_DO['delivered'].format(vroeg='vroeg')}") == 1


def test_what_to_do_is_typed_for_the_town(tmp_path: Path) -> None:
    home = Cooperation(tmp_path).home("haarlem")
    nothing_came = NotedVerdict("deliveries/huur", "delivered", False, "nothing came")
    assert to_do(home, nothing_came).endswith(" is in vroeg deliveries list")
    Cooperation(tmp_path).workspace.touch()
    assert to_do(home, nothing_came).endswith(" is in vroeg --town haarlem deliveries list")


def test_where_nothing_is_wrong_the_board_says_so(world: World) -> None:
    assert "every check of these months holds" in board_page(
        Board(MONTHS, (), world.now), wrong_now(world.home, MONTHS)
    )
