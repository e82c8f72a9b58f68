"""`vroeg checks`: what the checks said last, what does not hold first."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from vroeg_pipeline.cli.checks import show_checks
from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.installation.notes import NotedVerdict, note_verdicts
from vroeg_pipeline_tests.kit.world import World, month


def shown(world: World, *, failed: bool = False, months: int | None = None, width: int = 120) -> list[str]:
    text = io.StringIO()
    show_checks(world.home, months, Console(file=text, width=width), failed=failed)
    return [line.rstrip() for line in text.getvalue().splitlines()]


@pytest.fixture
def judged(world: World) -> World:
    for said_of, passed in (("2021-02", True), ("2021-03", False)):
        verdicts = [
            NotedVerdict("deliveries/huur", "delivered", passed, "on its way" if passed else "nothing came"),
            NotedVerdict("address_matches", "keys_are_unique", True, "holds"),
        ]
        note_verdicts(world.home, month(said_of), {each.asset for each in verdicts}, verdicts)
    return world


def test_the_newest_month_comes_first_and_what_does_not_hold_before_what_does(judged: World) -> None:
    rows = [line.split()[:4] for line in shown(judged) if {"✓", "✗"} & {*line}]
    assert rows == [
        ["2021-03", "✗", "deliveries/huur", "delivered"],
        ["2021-03", "✓", "address_matches", "keys_are_unique"],
        ["2021-02", "✓", "address_matches", "keys_are_unique"],
        ["2021-02", "✓", "deliveries/huur", "delivered"],
    ]
    assert shown(judged)[-2:] == ["2021-03: 1 of 2 do not hold", "2021-02: 0 of 2 do not hold"]


def test_what_failed_can_be_asked_alone(judged: World) -> None:
    found = shown(judged, failed=True)
    assert [line for line in found if "✗" in line or "✓" in line] == [found[1]]
    assert found[1].endswith("nothing came")
    assert shown(judged, months=1)[-1] == "2021-03: 1 of 2 do not hold"


def test_before_the_first_run_nothing_was_judged(world: World) -> None:
    with pytest.raises(VroegError, match="no check has judged anything yet; start with: vroeg run"):
        show_checks(world.home, None, Console(), failed=True)


@pytest.mark.parametrize("width", [60, 70, 80, 100])
def test_on_a_narrow_terminal_a_line_says_whole_of_which_partner_it_is(world: World, width: int) -> None:
    of, said = (
        "deliveries/woningcorporatie_zandvoort",
        "nothing that can be used came before the day on which it was due",
    )
    note_verdicts(world.home, month("2021-03"), {of}, [NotedVerdict(of, "replacement_is_whole", False, said)])
    lines = shown(world, width=width)
    assert max(map(len, lines)) <= width
    assert [line.split()[:3] for line in lines if "✗" in line] == [["2021-03", "✗", of]]
    words = " ".join(lines).split()
    assert {*said.split(), "replacement_is_whole", "decide"} <= {*words}
