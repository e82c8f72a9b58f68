"""What a partner may learn, and that every rule has words (docs/feedback.md)."""

from __future__ import annotations

import re

import pytest

from vroeg_pipeline.domain.ddas import EnumSignaalstatus
from vroeg_pipeline.domain.reasons import REASONS_IN_DUTCH
from vroeg_pipeline.feedback.wording import OTHER_REASON, share, status_for_partner
from vroeg_pipeline.installation.statements import sql

MAY_LEARN = {
    "Niet opgepakt: herhaalde melding": "Niet opgepakt: herhaalde melding",
    "Niet opgepakt: onterecht signaal": "Niet opgepakt: onterecht signaal",
    "Persoon is geen inwoner (meer) in de gemeente": "Persoon is geen inwoner (meer) in de gemeente",
    "Inwoner is overleden": "Inwoner is overleden",
    "Inwoner al bekend bij schuldhulpverlening": OTHER_REASON,
    "Niet opgepakt: andere reden": OTHER_REASON,
    "Opgepakt": None,
    "Nog niet opgepakt": None,
}


@pytest.mark.parametrize("status", EnumSignaalstatus)
def test_who_learns_what(status: str) -> None:
    assert status_for_partner(status) == MAY_LEARN[status]


def test_a_status_that_is_new_to_us_tells_no_reason() -> None:
    assert status_for_partner("Inwoner zit in detentie") == OTHER_REASON


def test_every_rule_has_dutch_words() -> None:
    codes = re.findall(r"THEN \[?'([a-z_]+)'|^\s+THEN '([a-z_]+)'", sql("row_verdicts"), re.MULTILINE)
    assert sorted(REASONS_IN_DUTCH) == sorted({first or second for first, second in codes})


def test_shares_are_written_as_dutch_readers_do() -> None:
    assert [share(1, 8), share(0, 3), share(0, 0)] == ["12,5%", "0,0%", "–"]
