"""Great Expectations' verdicts on deliveries, from their measures. It never sees a person's data (DOMAIN §12).

The library takes seconds to import, so it is imported only in the functions that need it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.quality.data_docs import write_page
from vroeg_pipeline.quality.expectations import FEWEST_ROWS, Expected, expected_of

Measures = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """What one named check says of one delivery, and where its page is."""

    partner: str
    month: date
    check: str
    passed: bool
    findings: tuple[str, ...]
    agreement: str
    page: Path


class JudgingError(Exception):
    """An expectation could not be evaluated: a mistake of ours, not of the data."""


def judge(deliveries: Sequence[Measures], agreements: Mapping[str, Agreement], docs: Path) -> list[Judgement]:
    """Judges deliveries (rows of `delivery_measures`) against their agreements and writes a page for each.

    What cannot be judged (no history yet, too few rows for a share) gives no judgement rather than a good one. Raises
    JudgingError when an expectation itself breaks.
    """
    if not deliveries:
        return []
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batches = context.data_sources.add_pandas("deliveries").add_dataframe_asset("measures")
    whole = batches.add_batch_definition_whole_dataframe("one delivery")
    judgements: list[Judgement] = []
    for measures in deliveries:
        agreement = agreements[measures["partner"]]
        judged = [expected for expected in expected_of(agreement) if _can_be_judged(expected, measures)]
        if not judged:
            continue
        suite = gx.ExpectationSuite(name=f"{agreement.partner} {measures['month']:%Y-%m}")
        for number, expected in enumerate(judged):
            suite.add_expectation(
                gx.expectations.ExpectColumnValuesToBeBetween(
                    column=expected.measure,
                    min_value=expected.lowest,
                    max_value=expected.highest,
                    notes=f"{expected.rule} ({expected.check})",
                    meta={"number": number},
                )
            )
        frame = pd.DataFrame([{expected.measure: float(measures[expected.measure]) for expected in judged}])
        result = whole.get_batch({"dataframe": frame}).validate(suite)
        page = docs / f"{measures['month']:%Y-%m}_{agreement.partner}.html"
        write_page(page, result, f"{agreement.name}, {measures['month']:%Y-%m}")
        judgements += _judgements(measures, agreement, judged, result, page)
    return judgements


def _can_be_judged(expected: Expected, measures: Measures) -> bool:
    if expected.is_share and measures["row_count"] < FEWEST_ROWS:
        return False
    return measures[expected.measure] is not None


def _judgements(
    measures: Measures, agreement: Agreement, judged: Sequence[Expected], result: Any, page: Path
) -> list[Judgement]:
    by_check: dict[str, list[tuple[bool, str]]] = {}
    for outcome in result.results:
        expected = judged[outcome.expectation_config.meta["number"]]
        if _raised(outcome.exception_info):
            raise JudgingError(f"{agreement.partner}: the expectation on {expected.measure} could not be evaluated")
        value = expected.shown(float(measures[expected.measure]))
        finding = f"{expected.measure} is {value}, expected {expected.bounds}"
        by_check.setdefault(expected.check, []).append((bool(outcome.success), finding))
    return [
        Judgement(
            agreement.partner,
            measures["month"],
            check,
            all(success for success, _ in found),
            tuple(finding for success, finding in found if not success) or tuple(finding for _, finding in found),
            f"agreements/{agreement.partner}.yaml",
            page,
        )
        for check, found in by_check.items()
    ]


def _raised(information: Mapping[str, Any]) -> bool:
    # One record, or one per metric that broke.
    records = [information] if "raised_exception" in information else list(information.values())
    return any(record["raised_exception"] for record in records)
