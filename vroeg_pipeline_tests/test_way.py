"""The page with the way of a row says what the definitions say."""

from __future__ import annotations

from vroeg_pipeline.definitions import CHECKS, STEPS
from vroeg_pipeline.installation.lineage import ORIGINS
from vroeg_pipeline_tests.kit.domain_page import linked
from vroeg_pipeline_tests.way import PAGE, origins, way


def test_the_way_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == way(), (
        "docs/way.md is not what the definitions say: make it anew, `make way`"
    )


def test_what_columns_are_made_of_is_current() -> None:
    assert ORIGINS.read_text(encoding="utf-8") == origins(), (
        f"{ORIGINS.name} is not what the statements say: make it anew, `make way`"
    )


def test_the_way_names_every_step_and_check() -> None:
    page = way()
    for step in STEPS:
        assert f"### {step.op.name}\n" in page
    for check in CHECKS:
        assert f"* `{check.name}`" in page
        assert linked(check.rule, "domain.md") in page
