"""Every example of docs/agreements.md is an agreement, or a part of one."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from vroeg_pipeline.domain.agreements import DeliveryTerms, agreement_from
from vroeg_pipeline.domain.fields import DELIVERED_FIELDS, REQUIRED_FIELDS
from vroeg_pipeline.domain.layouts import FileForm, fields_of
from vroeg_pipeline.domain.senders import sender_from
from vroeg_pipeline.installation.home import CHECKOUT

PAGE = (CHECKOUT / "docs" / "agreements.md").read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
WHOLE = EXAMPLES[0]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_can_be_agreed(number: int) -> None:
    example = EXAMPLES[number]
    if "sender" in example:
        assert sender_from(example, "agreements/portaal.yaml", "portaal").partner_column == "Instantie"
        return
    columns, split = example.get("columns", {}), example.get("split", {})
    given = {*columns, *example.get("constants", {})} | {f for pattern in split.values() for f in fields_of(pattern)}
    if "days_in_arrears" in given:
        given.add("arrears_since")
    usual = {field: header for field, header in WHOLE["columns"].items() if field not in given}
    content = {**WHOLE, **example, "columns": {**usual, **columns}}
    agreement = agreement_from(content, "agreements/pre_wonen.yaml", "pre_wonen")
    assert {*agreement.headers, *agreement.constants} >= {*REQUIRED_FIELDS} - {"arrears_since"}


def test_the_page_has_every_option_and_field() -> None:
    for option in (
        *DeliveryTerms.model_fields,
        *FileForm.model_fields,
        *DELIVERED_FIELDS,
        "constants",
        "split",
        "ignored_columns",
    ):
        assert re.search(rf"\b{option}\b", PAGE), option
