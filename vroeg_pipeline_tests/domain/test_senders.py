"""Who sends one file for several partners (DOMAIN §4): whole agreements for each, and what a mistake says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from vroeg_pipeline.domain.errors import VroegError
from vroeg_pipeline.domain.partners import Partners, parse_partners
from vroeg_pipeline_tests.kit.world import agreement, delivered_agreement, sender_agreement


def parsed(*, sender: dict[str, Any] | None = None, **partners: dict[str, Any]) -> Partners:
    """A portal for `huur` and `water`; `partners`: changes to their files, or whole ones of others."""
    contents: dict[str, Any] = {
        "portaal": sender_agreement("portaal", {"Huur BV": "huur", "Waterbedrijf": "water"}, **(sender or {})),
        "huur": delivered_agreement("huur", "portaal", **partners.pop("huur", {})),
        "water": delivered_agreement("water", "portaal", type="Water", **partners.pop("water", {})),
        **partners,
    }
    return parse_partners((name, yaml.safe_dump(content)) for name, content in contents.items())


def test_a_partner_has_the_form_of_the_senders_file_and_its_own_bounds() -> None:
    form = {"format": "xlsx", "decimal": ".", "date_format": ["%Y-%m-%d"], "sheet": "Signalen"}
    found = parsed(sender={"delivery": form}, huur={"delivery": {"min_amount": 50, "due_working_day": 8}})
    huur, water = found.agreements["huur"], found.agreements["water"]
    for each in (huur, water):
        assert each.delivery.model_dump(mode="json", include=set(form)) == form
        assert each.columns == found.senders["portaal"].columns
        assert each.delivered_by == "portaal"
    assert (huur.delivery.min_amount, huur.delivery.due_working_day) == (50, 8)
    assert (water.delivery.min_amount, water.delivery.due_working_day) == (75, 5)
    assert set(found.agreements) == {"huur", "water"}
    assert found.delivered_in("portaal") == {"huur", "water"}
    assert found.delivered_in("huur") == {"huur"}
    assert found.is_known("portaal")
    assert not found.is_known("vreemd")


@pytest.mark.parametrize(
    ("written", "partner"),
    [
        ("Huur BV", "huur"),
        ("  huur\u00a0bv ", "huur"),
        ("WATERBEDRIJF\u200b", "water"),
        ("Huur", None),
        ("", None),
    ],
)
def test_names_are_compared_as_headers_are(written: str, partner: str | None) -> None:
    assert parsed().senders["portaal"].partner_of(written) == partner


@pytest.mark.parametrize(
    ("changes", "where", "said"),
    [
        ({"huur": {"delivered_by": "portal"}}, "huur", "there is no sender 'portal', did you mean 'portaal'?"),
        ({"huur": {"delivered_by": ["portaal"]}}, "huur", "field 'delivered_by': there is no sender"),
        ({"huur": {"delivery": {"format": "csv"}}}, "huur", "field 'delivery.format' is the form of the file, which"),
        ({"huur": {"delivery": {"decimal": "."}}}, "huur", "field 'delivery.decimal' is the form of the file, which"),
        ({"huur": {"columns": {}}}, "huur", "field 'columns' is the form of the file, which stands in agreements/p"),
        ({"huur": {"delivery": ["min_days"]}}, "huur", "field 'delivery': 'field: value' lines are expected"),
        (
            {"huur": {"delivery": {"min_dags": 3}}},
            "huur",
            "field 'delivery.min_dags' is not known, did you mean 'min_d",
        ),
        ({"huur": {"delivery": {"max_days": 3}}}, "huur", "max_days (3) is below min_days (30)"),
        ({"huur": {"succeeds": ["portaal"]}}, "huur", "field 'succeeds': 'portaal' is a sender, not a partner"),
        (
            {"licht": delivered_agreement("licht", "portaal")},
            "licht",
            "field 'delivered_by': no name in the files of 'portaal' means 'licht'",
        ),
        ({"sender": {"partners": {"Huur BV": "huur"}}}, "water", "no name in the files of 'portaal' means 'water'"),
        (
            {"sender": {"partners": {"Huur BV": "huur", "W": "water", "L": "licht"}}},
            "portaal",
            "field 'partners': 'licht' has no agreement",
        ),
        (
            {"sender": {"partners": {"H": "huur", "W": "water", "L": "licht"}}, "licht": agreement("licht")},
            "portaal",
            "field 'partners': 'licht' is not delivered by this sender",
        ),
        (
            {"sender": {"partners": {"H": "huur", "W": "water", "P": "portaal"}}},
            "portaal",
            "field 'partners': 'portaal' is a sender, not a partner",
        ),
        (
            {"sender": {"partners": {"Huur BV": "huur", "huur  bv": "water"}}},
            "portaal",
            "field 'partners': 'Huur BV' and 'huur  bv' are the same name",
        ),
        ({"sender": {"partners": {"Huur BV": "huur", " ": "water"}}}, "portaal", "field 'partners': a name is empty"),
        ({"sender": {"partners": {}}}, "portaal", "field 'partners'"),
        ({"sender": {"partner_column": None}}, "portaal", "field 'partner_column'"),
        ({"sender": {"partner_column": " "}}, "portaal", "field 'partner_column'"),
        ({"sender": {"sender": "portal"}}, "portaal", "field 'sender': 'portaal' is expected, as the file is named"),
        ({"sender": {"sender": "adresdesk"}}, "portaal", "field 'sender': 'adresdesk' is reserved"),
        ({"sender": {"type": "Huur"}}, "portaal", "field 'type' belongs in the agreement of each partner"),
        ({"sender": {"partner": "portaal"}}, "portaal", "field 'partner' belongs in the agreement of each partner"),
        (
            {"sender": {"delivery": {"min_amount": 5}}},
            "portaal",
            "field 'delivery.min_amount' belongs in the agreement of",
        ),
        ({"sender": {"delivery": {"format": "doc"}}}, "portaal", "field 'delivery.format'"),
        ({"sender": {"columns": {"surname": "Naam"}}}, "portaal", "field 'columns': the required customer_reference"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_field(changes: dict[str, Any], where: str, said: str) -> None:
    with pytest.raises(VroegError) as error:
        parsed(**changes)
    assert str(error.value).startswith(f"agreements/{where}.yaml: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
