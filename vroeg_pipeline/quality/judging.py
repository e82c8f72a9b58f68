"""Great Expectations' verdicts on deliveries, from their measures. It never sees a person's data (DOMAIN §12).

The library takes seconds to import, so it is imported only in the functions that need it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.installation.notes import Finding
from vroeg_pipeline.quality.data_docs import Page, PageWriter
from vroeg_pipeline.quality.expectations import Expected, Measures, expected_of


@dataclass(frozen=True)
class Judgement:
    """What one named check says of one delivery, and where its page is. `findings`: the broken ones, else all."""

    partner: str
    month: date
    check: str
    passed: bool
    findings: tuple[Finding, ...]
    agreement: str
    page: Path


@dataclass(frozen=True)
class NotJudged:
    """A named check, or a part of it, that says nothing of one delivery, and why."""

    partner: str
    month: date
    check: str
    reason: str


@dataclass(frozen=True)
class Judged:
    """Everything that came out for some deliveries."""

    judgements: tuple[Judgement, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()


class JudgingError(Exception):
    """An expectation could not be evaluated: a mistake of ours, not of the data."""


def agreement_file(agreement: Agreement) -> str:
    """Where a partner's agreement stands, as people are told."""
    return f"agreements/{agreement.partner}.yaml"


def suite_of(agreement: Agreement, month: date, expected: Iterable[Expected]) -> Any:
    """Great Expectations' suite for one delivery under the agreement."""
    import great_expectations as gx
    from great_expectations.expectations.metadata_types import FailureSeverity

    return gx.ExpectationSuite(
        name=f"{agreement.partner} {month:%Y-%m}",
        meta={"agreement": agreement_file(agreement)},
        expectations=[
            # The frame has one row, so its maximum is the measure; unlike an expectation on all values, this one
            # says what was observed.
            gx.expectations.ExpectColumnMaxToBeBetween(
                column=bound.measure,
                min_value=bound.lowest,
                max_value=bound.highest,
                severity=FailureSeverity.WARNING,
                description=f"{bound.check}: {bound.rule} Expected: {bound.bounds}.",
                notes=bound.rule,
                meta={"check": bound.check, "agreement": agreement_file(agreement)},
            )
            for bound in expected
        ],
    )


def judge(deliveries: Sequence[Measures], agreements: Mapping[str, Agreement], docs: Path, scratch: Path) -> Judged:
    """Judges deliveries (rows of `delivery_measures`) against their agreements and writes a page for each in `docs`.

    What cannot be judged (no history yet, too few rows for a share) gives no judgement rather than a good one. A
    delivery whose agreement is gone is left out. Raises JudgingError when an expectation itself breaks.
    """
    deliveries = [measures for measures in deliveries if measures["partner"] in agreements]
    if not deliveries:
        return Judged()
    # Before the import: the library calls home unless it is told not to while it is loaded.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    import pandas as pd

    with _temporary_files_in(scratch):
        context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batches = context.data_sources.add_pandas("deliveries").add_dataframe_asset("measures")
    whole = batches.add_batch_definition_whole_dataframe("one delivery")
    writer = PageWriter(docs)
    judgements: list[Judgement] = []
    not_judged: list[NotJudged] = []
    for measures in deliveries:
        agreement = agreements[measures["partner"]]
        partner, month = agreement.partner, measures["month"]
        reasons = {bound: bound.why_not_judged(measures) for bound in expected_of(agreement)}
        left_out = [NotJudged(partner, month, bound.check, reason) for bound, reason in reasons.items() if reason]
        by_measure = {bound.measure: bound for bound, reason in reasons.items() if not reason}
        frame = pd.DataFrame([{measure: float(measures[measure]) for measure in by_measure}])
        result = whole.get_batch({"dataframe": frame}).validate(suite_of(agreement, month, by_measure.values()))
        findings = _findings(result, by_measure, measures, agreement)
        page = writer.write(
            Page(
                partner,
                month,
                agreement.name,
                agreement_file(agreement),
                measures,
                tuple(f"{left.check}: {left.reason}" for left in left_out),
            ),
            result,
        )
        not_judged += left_out
        judgements += [
            Judgement(partner, month, check, passed, found, agreement_file(agreement), page)
            for check, passed, found in _by_check(findings, by_measure)
        ]
    return Judged(tuple(judgements), tuple(not_judged))


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """An ephemeral context still makes a folder, which must not lie outside the installation (DOMAIN §13)."""
    before = tempfile.tempdir
    tempfile.tempdir = str(private_folder(folder))
    try:
        yield
    finally:
        tempfile.tempdir = before


def _findings(
    result: Any, by_measure: Mapping[str, Expected], measures: Measures, agreement: Agreement
) -> list[tuple[bool, Finding]]:
    findings = []
    for outcome in result.results:
        bound = by_measure[outcome.expectation_config.kwargs["column"]]
        if error := _raised(outcome.exception_info):
            raise JudgingError(
                f"{agreement.partner}, {measures['month']:%Y-%m}: the expectation on {bound.measure} "
                f"({bound.check}) could not be evaluated: {error}"
            )
        value = float(measures[bound.measure])
        finding = Finding(bound.measure, bound.shown(value), bound.bounds, bound.how_far_off(value))
        findings.append((bool(outcome.success), finding))
        # For the page: the notation of the bounds, where the library shows ten decimals of a share.
        outcome.result["observed_value"] = bound.shown(value)
    return findings


def _by_check(
    findings: Sequence[tuple[bool, Finding]], by_measure: Mapping[str, Expected]
) -> list[tuple[str, bool, tuple[Finding, ...]]]:
    by_check: dict[str, list[tuple[bool, Finding]]] = {}
    for success, finding in findings:
        by_check.setdefault(by_measure[finding.measure].check, []).append((success, finding))
    found = []
    for check, of_check in by_check.items():
        broken = tuple(finding for success, finding in of_check if not success)
        found.append((check, not broken, broken or tuple(finding for _, finding in of_check)))
    return found


def _raised(information: Mapping[str, Any]) -> str | None:
    """The first line of what an expectation raised, if it did."""
    # One record, or one per metric that broke.
    records = [information] if "raised_exception" in information else list(information.values())
    for record in records:
        if record["raised_exception"]:
            return (str(record["exception_message"]).strip().splitlines() or ["no reason given"])[0]
    return None
