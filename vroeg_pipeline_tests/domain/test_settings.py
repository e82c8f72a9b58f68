"""The settings of an installation (DOMAIN §13)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
import yaml

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.partners import parse_partners
from vroeg_pipeline.domain.settings import parse_settings
from vroeg_pipeline_tests.kit.world import agreement

JANUARY, MARCH = date(2021, 1, 1), date(2021, 3, 1)


def test_an_empty_file_has_the_defaults_of_the_domain() -> None:
    settings = parse_settings("", "settings.yaml")
    assert (settings.matching_working_day, settings.lookback_months, settings.repeat_months) == (7, 24, 3)
    assert (settings.high_amount, settings.max_file_mb) == (Decimal("500.00"), 50)
    assert not settings.mortgage_is_housing
    assert settings.capacity == {}
    assert settings.home_visits_allowed(MARCH)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pages: {lookback_months: 3}", "field 'pages.lookback_months' is not known"),
        ("pages: {prt: 3}", "field 'pages.prt' is not known, did you mean 'port'?"),
        ("port: 3", "field 'port' is not known"),
        ("thresholds: {Huur: {min_amont: 3}}", "field 'thresholds.Huur.min_amont' is not known, did you mean 'min_amount'?"),
        ("contact_policy: {home_visit: true}", "'contact_policy.home_visit' is not known, did you mean 'home_visits'?"),
        ("warehouse: {catalogue: 'postgres:a=b', data: /x, shema: a}", "shema' is not known, did you mean 'schema'?"),
    ],
)  # fmt: skip
def test_what_was_meant_is_looked_for_where_it_stands(text: str, said: str) -> None:
    with pytest.raises(VroegError) as error:
        parse_settings(text, "settings.yaml")
    assert str(error.value).endswith(said)


def test_thresholds_of_the_town_go_before_those_agreed() -> None:
    terms = {"format": "csv", "min_amount": 200, "min_days": 31, "max_days": 100}
    agreements = [(name, agreement(name, type=kind, delivery=terms)) for name, kind in (("a", "Huur"), ("b", "Zorg"))]
    partners = parse_partners((name, yaml.safe_dump(content)) for name, content in agreements)
    settings = parse_settings("thresholds: {Huur: {min_amount: 50.5}}", "settings.yaml")
    found = {a.partner: a.delivery for a in partners.under(settings.thresholds).agreements.values()}
    assert (found["a"].min_amount, found["a"].min_days) == (Decimal("50.5"), 31)  # lower too, and days as agreed
    assert (found["b"].min_amount, found["b"].min_days) == (200, 31)
    settings = parse_settings("thresholds: {Zorg: {min_days: 101}}", "settings.yaml")
    with pytest.raises(VroegError, match=r"^settings.yaml: field 'thresholds.Zorg.min_days': 101 .* agreements/b"):
        partners.under(settings.thresholds)


@pytest.mark.parametrize(
    ("policy", "january", "march"),
    [
        ("{home_visits: false}", False, False),
        ('{"2021-01": {home_visits: false}}', False, True),
        ('{home_visits: false, "2021-03": {home_visits: true}}', False, True),
        ("{2021-01: {home_visits: false}}", False, True),
    ],
)
def test_contact_policy_in_general_and_by_month(policy: str, january: bool, march: bool) -> None:
    settings = parse_settings(f"contact_policy: {policy}", "settings.yaml")
    assert settings.home_visits_allowed(JANUARY) is january
    assert settings.home_visits_allowed(MARCH) is march


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lookback_month: 12", "field 'lookback_month' is not known, did you mean 'lookback_months'"),
        ("repeat_months: -1", "field 'repeat_months'"),
        ("capacity: {wijkteam_noord: -3}", "capacity of 'wijkteam_noord' is below zero"),
        ("capacity: {wijkteam_noord: veel}", "field 'capacity.wijkteam_noord'"),
        ("high_amount: veel", "field 'high_amount'"),
        ("lookback_months: true", "field 'lookback_months': should be a number, not yes or no"),
        ("high_amount: yes", "field 'high_amount': should be a number, not yes or no"),
        ("capacity: {wijkteam_noord: true}", "field 'capacity': should be a number, not yes or no"),
        ("ddas: {municipalities: {0473: {organisation: G}}}", "a municipality code of four digits in quotes"),
        ('ddas: {municipalities: {"0392": {}}}', "field 'ddas.municipalities.0392.organisation' is missing"),
        ('ddas: {municipalities: {"0392": {organisation: G, contacts: [{email: geen}]}}}', "contacts.0.email"),
        ("owner: team data", "field 'owner': an e-mail address is expected, or team: and a name without spaces"),
        ('ddas: {version: "1.3"}', "field 'ddas.version'"),
        ("retention: {signals: 2}", "settings.yaml: retention.signals is 2, and repeat_months needs 3 months of them"),
        ("retention: {signals: 5}", "retention.signals is 5, and aftercare_months needs 6 months of them"),
        ("{lookback_months: 30, retention: {history: 29}}", "retention.history is 29, and lookback_months needs 30"),
        ("retention: {files: 0}", "field 'retention.files'"),
        ("thresholds: {Energy: {min_amount: 100}}", "field 'thresholds.Energy': input should be 'Huur', 'Energie'"),
        ("thresholds: {Huur: {min_amount: -1}}", "field 'thresholds.Huur.min_amount'"),
        ("thresholds: {Huur: {max_days: 9}}", "field 'thresholds.Huur.max_days' is not known"),
        ("below_threshold: letter", "field 'below_threshold': input should be 'reject' or 'light_track'"),
    ],
)
def test_a_mistake_is_one_line(text: str, said: str) -> None:
    with pytest.raises(VroegError) as error:
        parse_settings(text, "settings.yaml")
    assert said in str(error.value)
    assert str(error.value).startswith("settings.yaml: ")
