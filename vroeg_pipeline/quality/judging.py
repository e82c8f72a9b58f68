"""Great Expectations' verdicts on deliveries, from their measures. It never sees a person's data (DOMAIN §12).

The library takes seconds to import, so it is imported only where a delivery, its agreement or what judges changed since
it was judged; else the verdicts kept beside its page are those (docs/adr/0021).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vroeg_pipeline.domain.agreements import Agreement
from vroeg_pipeline.installation.home import replacing, temporary_folder
from vroeg_pipeline.installation.imports import bring_back, import_when_used
from vroeg_pipeline.installation.notes import Finding
from vroeg_pipeline.quality import data_docs, expectations
from vroeg_pipeline.quality.data_docs import Page, PageWriter, kept_beside, page_name
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

    A delivery of which nothing changed since it was judged, its page included, keeps its verdicts. What cannot be judged
    (no history yet, too few rows for a share) gives no judgement rather than a good one. A delivery whose agreement is
    gone is left out. Raises JudgingError when an expectation itself breaks.
    """
    judges = _Judges(docs, scratch)
    judgements: list[Judgement] = []
    not_judged: list[NotJudged] = []
    for measures in deliveries:
        if agreement := agreements.get(measures["partner"]):
            page = docs / page_name(agreement.partner, measures["month"])
            of = _fingerprint(measures, agreement, page)
            judged = _kept(page, of) or _keep(page, of, judges.judge(measures, agreement))
            judgements += judged.judgements
            not_judged += judged.not_judged
    return Judged(tuple(judgements), tuple(not_judged))


@dataclass(frozen=True)
class _Kept:
    """The verdicts on a delivery: what was judged and the page that was written, as hashes."""

    of: str
    page: str
    judged: Judged


_KEPT = TypeAdapter(_Kept)


def _fingerprint(measures: Measures, agreement: Agreement, page: Path) -> str:
    """Of everything that verdicts and page are made from, and of what makes them."""
    made_from = [measures, agreement.name, [asdict(bound) for bound in expected_of(agreement)], page, _judged_by()]
    return hashlib.sha256(json.dumps(made_from, default=str, sort_keys=True).encode()).hexdigest()


def _judged_by() -> list[str]:
    """The version of the library, and our own modules as they are now."""
    ours = [Path(str(module.__file__)) for module in (sys.modules[__name__], expectations, data_docs)]
    return [importlib.metadata.version("great-expectations"), *(_hash_of(path) for path in ours)]


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _kept(page: Path, of: str) -> Judged | None:
    """The verdicts kept beside a page, if they are of just that, and nobody touched the page."""
    try:
        kept = _KEPT.validate_json(kept_beside(page).read_bytes())
        return kept.judged if (kept.of, kept.page) == (of, _hash_of(page)) else None
    except (OSError, ValidationError):
        return None


def _keep(page: Path, of: str, judged: Judged) -> Judged:
    with replacing(kept_beside(page)) as temporary:
        temporary.write_bytes(_KEPT.dump_json(_Kept(of, _hash_of(page), judged)))
    return judged


class _Judges:
    """Great Expectations, imported and made ready for the first delivery that it has to judge."""

    def __init__(self, docs: Path, scratch: Path) -> None:
        self._docs = docs
        self._scratch = scratch

    @cached_property
    def _whole(self) -> Any:
        """The definition of a batch: one delivery."""
        # Before the import: the library calls home unless it is told not to while it is loaded.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        bring_back("pandas")
        import_when_used("scipy.stats")
        import great_expectations as gx

        with _temporary_files_in(self._scratch):
            context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        batches = context.data_sources.add_pandas("deliveries").add_dataframe_asset("measures")
        return batches.add_batch_definition_whole_dataframe("one delivery")

    @cached_property
    def _writer(self) -> PageWriter:
        return PageWriter(self._docs)

    def judge(self, measures: Measures, agreement: Agreement) -> Judged:
        """Judges one delivery and writes its page."""
        whole = self._whole
        import pandas as pd

        partner, month = agreement.partner, measures["month"]
        reasons = {bound: bound.why_not_judged(measures) for bound in expected_of(agreement)}
        left_out = tuple(NotJudged(partner, month, bound.check, reason) for bound, reason in reasons.items() if reason)
        by_measure = {bound.measure: bound for bound, reason in reasons.items() if not reason}
        frame = pd.DataFrame([{measure: float(measures[measure]) for measure in by_measure}])
        result = whole.get_batch({"dataframe": frame}).validate(suite_of(agreement, month, by_measure.values()))
        findings = _findings(result, by_measure, measures, agreement)
        file = agreement_file(agreement)
        notes = tuple(f"{left.check}: {left.reason}" for left in left_out)
        page = self._writer.write(Page(partner, month, agreement.name, file, measures, notes), result)
        judgements = tuple(
            Judgement(partner, month, check, passed, found, file, page)
            for check, passed, found in _by_check(findings, by_measure)
        )
        return Judged(judgements, left_out)


@contextmanager
def _temporary_files_in(scratch: Path) -> Iterator[None]:
    """An ephemeral context still makes a folder, which must not lie outside the installation (DOMAIN §13)."""
    before = tempfile.tempdir
    with temporary_folder(scratch) as folder:
        tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before


def _findings(
    result: Any, by_measure: Mapping[str, Expected], measures: Measures, agreement: Agreement
) -> list[tuple[bool, Finding]]:
    findings = []
    for of_bound in result.results:
        bound = by_measure[of_bound.expectation_config.kwargs["column"]]
        if error := _raised(of_bound.exception_info):
            raise JudgingError(
                f"{agreement.partner}, {measures['month']:%Y-%m}: the expectation on {bound.measure} "
                f"({bound.check}) could not be evaluated: {error}"
            )
        value = float(measures[bound.measure])
        finding = Finding(bound.measure, bound.shown(value), bound.bounds, bound.how_far_off(value))
        findings.append((bool(of_bound.success), finding))
        # For the page: the notation of the bounds, where the library shows ten decimals of a share.
        of_bound.result["observed_value"] = bound.shown(value)
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
