"""Our enumerations are those of the DDAS schema, to the letter: what teams choose must be accepted nationally."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from vroeg_pipeline.ddas import v1_2 as ddas_v1_2
from vroeg_pipeline.domain import ddas

ENUMERATIONS = [name for name in vars(ddas) if name.startswith("Enum")]


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_enumerations_are_those_of_the_schema(ddas_schema: Path, name: str) -> None:
    schema = json.loads(ddas_schema.read_text(encoding="utf-8"))
    assert sorted(getattr(ddas, name)) == sorted(schema["$defs"][name]["enum"])


def schema_objects(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The objects of the schema by the name of our model."""
    levering = schema["properties"]["leveringen"]["items"]
    signal = levering["properties"]["vroegsignalen"]["items"]
    case = levering["properties"]["vroegsignaalzaken"]["items"]
    organisation = levering["properties"]["aanleverendeOrganisatie"]
    return {
        "Uitwisselmodel": schema,
        "Levering": levering,
        "AanleverendeOrganisatie": organisation,
        "Contactpersoon": organisation["properties"]["contactpersonen"]["items"],
        "Vroegsignaal": signal,
        "Signaalpartner": signal["properties"]["signaalpartner"],
        "Client": signal["properties"]["client"],
        "Vroegsignaalzaak": case,
        "VroegsignaalReferentie": case["properties"]["vroegsignalen"]["items"],
        "Contactpoging": case["properties"]["contactpogingen"]["items"],
    }


def test_the_models_are_those_of_the_schema(ddas_schema: Path) -> None:
    for name, wanted in schema_objects(json.loads(ddas_schema.read_text(encoding="utf-8"))).items():
        model = getattr(ddas_v1_2, name)
        fields = {field.alias or key: field for key, field in model.model_fields.items()}
        assert sorted(fields) == sorted(wanted["properties"]), name
        required = sorted(key for key, field in fields.items() if field.is_required())
        assert required == sorted(wanted.get("required", [])), name


BSN = {"burgerservicenummer": "111222333"}
ADDRESS = {"postcode": "2021AB", "huisnummer": "1"}


@pytest.mark.parametrize(
    ("client", "good"),
    [
        (BSN, True),
        (ADDRESS, True),
        ({**ADDRESS, "geboortedatum": "1980-01-01", "huisnummertoevoeging": "A"}, True),
        ({**BSN, **ADDRESS}, False),
        ({**BSN, "geboortedatum": "1980-01-01"}, False),
        ({"burgerservicenummer": "12345678"}, False),
        ({"postcode": "2021AB"}, False),
        ({}, False),
    ],
)
def test_a_client_is_a_bsn_alone_or_an_address(ddas_schema: Path, client: dict[str, str], good: bool) -> None:
    whole = json.loads(ddas_schema.read_text(encoding="utf-8"))
    wanted = {**schema_objects(whole)["Client"], "$defs": whole["$defs"]}
    by_schema = jsonschema.Draft202012Validator(wanted).is_valid(client)
    try:
        ddas_v1_2.Client.model_validate(client)
        by_model = True
    except ValidationError:
        by_model = False
    assert (by_schema, by_model) == (good, good)
