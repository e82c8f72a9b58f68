"""Our enumerations are those of the DDAS schema, to the letter: what teams choose must be accepted nationally."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from vroeg_pipeline.domain import agreements, ddas

ENUMERATIONS = [name for name in vars(ddas) if name.startswith("Enum")]


@pytest.mark.parametrize("name", ENUMERATIONS)
def test_enumerations_are_those_of_the_schema(ddas_schema: Path, name: str) -> None:
    schema = json.loads(ddas_schema.read_text(encoding="utf-8"))
    assert sorted(getattr(ddas, name)) == sorted(schema["$defs"][name]["enum"])


def test_partner_types_are_those_of_ddas() -> None:
    assert sorted(get_args(agreements.PartnerType)) == sorted(ddas.EnumSignaalpartner)
