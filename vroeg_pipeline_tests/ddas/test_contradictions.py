"""Each contradiction is found in a file that is right but for that one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from vroeg_pipeline.ddas.contradictions import contradictions

ONE, TWO, REPEAT, THRESHOLD = ("1" * 32, "2" * 32, "3" * 32, "4" * 32)
CLIENT = {"postcode": "2021AB", "huisnummer": "12", "huisnummertoevoeging": "A"}


def signal(name: str, status: str = "Opgepakt", day: str = "2021-03-03") -> dict[str, Any]:
    return {
        "ID": name, "status": status, "signaaldatum": day, "ontstaansdatum": "2021-01-01", "client": dict(CLIENT),
    }  # fmt: skip


SIGNALS = [
    signal(ONE), signal(TWO, day="2021-03-20"), signal(REPEAT, "Niet opgepakt: herhaalde melding"),
    signal(THRESHOLD, "Niet opgepakt: onterecht signaal"),
]  # fmt: skip
CASE = {
    "matchingsdatum": "2021-03-20",
    "datumOpgepakt": "2021-03-09",
    "vroegsignalen": [{"ID": ONE}, {"ID": TWO}, {"ID": REPEAT}],
    "contactpogingen": [{"soort": "Brief", "datum": "2021-03-11"}],
}


def test_what_is_right_has_none() -> None:
    assert contradictions([*SIGNALS, CASE]) == {}
    alone = {
        "resultaat": "Niet opgepakt: herhaalde melding",
        "matchingsdatum": "2021-03-09",
        "vroegsignalen": [{"ID": REPEAT}],
    }
    assert contradictions([*SIGNALS[2:], alone]) == {}
    elsewhere = "Persoon is geen inwoner (meer) in de gemeente"
    assert (
        contradictions([signal(ONE, elsewhere), {**CASE, "resultaat": elsewhere, "vroegsignalen": [{"ID": ONE}]}]) == {}
    )


@pytest.mark.parametrize(
    ("of_signal", "of_case", "found"),
    [
        ({"status": "Nog niet opgepakt"}, {}, "a case holds a signal that is not taken up yet"),
        ({"status": "Niet opgepakt: andere reden"}, {}, "the status of a signal is not that of its case"),
        ({"ID": "pre_wonen-202103-0123456789ab-1"}, {}, "an ID says something"),
        ({"client": {**CLIENT, "huisnummertoevoeging": "KAMER"}}, {}, "a huisnummertoevoeging is too long"),
        ({"client": {**CLIENT, "huisnummer": "14"}}, {}, "a case holds signals of several doors"),
        ({"ontstaansdatum": "2021-03-04"}, {}, "a signal came before its arrear"),
        ({"ID": TWO}, {}, "a signal is told twice"),
        ({}, {"matchingsdatum": "2021-03-09"}, "a case was matched before its newest signal came"),
        ({}, {"datumOpgepakt": None}, "a case was taken up on no day"),
        ({}, {"datumOpgepakt": "2021-03-12"}, "a case was contacted before it was taken up"),
        ({}, {"resultaat": "Inwoner is overleden"}, "the status of a signal is not that of its case"),
        ({}, {"vroegsignalen": []}, "a case has no signal"),
        ({}, {"vroegsignalen": [{"ID": TWO}]}, "a signal was taken up in no case"),
        ({}, {"vroegsignalen": [*CASE["vroegsignalen"], {"ID": ONE}]}, "a signal is in two cases"),
        ({}, {"vroegsignalen": [*CASE["vroegsignalen"], {"ID": "5" * 32}]}, "a case holds a signal that is not told"),
    ],
)
def test_each_is_found(of_signal: dict[str, Any], of_case: dict[str, Any], found: str) -> None:
    signals = deepcopy(SIGNALS)
    signals[0] |= of_signal
    assert found in contradictions([*signals, CASE | of_case])
