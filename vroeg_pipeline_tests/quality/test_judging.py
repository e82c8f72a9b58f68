"""Great Expectations on deliveries: each named check holds, breaks, or says nothing; by how much; without people."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from vroeg_pipeline.domain.agreements import Agreement, parse_agreement
from vroeg_pipeline.installation.home import private_folder
from vroeg_pipeline.quality.data_docs import remove_pages, write_index
from vroeg_pipeline.quality.expectations import check_names
from vroeg_pipeline.quality.judging import Judged, JudgingError, judge
from vroeg_pipeline_tests.kit.browser import barriers
from vroeg_pipeline_tests.kit.world import agreement as agreement_content

MARCH = date(2021, 3, 1)

ORDINARY: dict[str, Any] = {
    "month": MARCH,
    "partner": "huur",
    "row_count": 100,
    "accepted_count": 90,
    "rejected_count": 10,
    "share_rejected": 0.1,
    "share_outdated": 0.0,
    "share_doubles": 0.0,
    "share_needs_review": 0.02,
    "reference_date_age": 5,
    "missing_columns": 0,
    "unexpected_columns": 0,
    "median_amount": Decimal("240.00"),
    "rows_to_usual": 1.1,
    "amount_to_usual": 0.9,
    "median_days": 60.0,
    "days_to_usual": 1.2,
    "share_outside_area": 0.05,
    "outside_area_above_usual": 0.05,
    "escaped_names": 0,
    "twice_encoded_names": 0,
    "share_without_reminder": 0.0,
}


@pytest.fixture(scope="module")
def agreements() -> Mapping[str, Agreement]:
    import yaml

    content = agreement_content("huur", name="Huur & <Zonen>", delivery={"expected_rows": [20, 400]})
    return {"huur": parse_agreement(yaml.safe_dump(content), "agreements/huur.yaml", "huur")}


def judged(agreements: Mapping[str, Agreement], folder: Path, **changes: Any) -> Judged:
    return judge([{**ORDINARY, **changes}], agreements, folder / "docs", folder / "scratch")


def test_an_ordinary_delivery_passes_everything(agreements: Mapping[str, Agreement], tmp_path: Path) -> None:
    found = judged(agreements, tmp_path)
    assert {j.check for j in found.judgements} == set(check_names(agreements["huur"]))
    assert [j for j in found.judgements if not j.passed] == []
    assert found.not_judged == ()


BROKEN = [
    ({"row_count": 19}, "rows_as_agreed", "row_count is 19, expected 20 to 400 (1 too low)"),
    ({"row_count": 401}, "rows_as_agreed", "row_count is 401, expected 20 to 400 (1 too high)"),
    ({"rows_to_usual": 0.49}, "rows_as_usual", "rows_to_usual is 0.49 times, expected 0.5 times to 2 times"),
    ({"rows_to_usual": 2.01}, "rows_as_usual", "too high"),
    ({"amount_to_usual": 2.5}, "amounts_as_usual", "0.5 times too high"),
    ({"amount_to_usual": 97.1}, "amounts_as_usual", "(about 100 times too high: cents read as euro?)"),
    ({"amount_to_usual": 0.0104}, "amounts_as_usual", "about 100 times too low: euro read as cents?"),
    ({"amount_to_usual": 0.0}, "amounts_as_usual", "0.5 times too low"),
    (
        {"median_amount": Decimal("22050.00"), "amount_to_usual": None},
        "amounts_as_usual",
        "22050 euro, expected at most 7500 euro (14550 euro too high: cents read as euro?)",
    ),
    ({"days_to_usual": 2.4}, "days_as_usual", "days_to_usual is 2.40 times"),
    ({"outside_area_above_usual": 0.21}, "few_outside_area", "21.0%, expected at most 20%"),
    ({"share_outside_area": 0.51}, "few_outside_area", "51.0%, expected at most 50%"),
    ({"reference_date_age": 15}, "reference_date_is_recent", "15 days, expected at most 14 days (1 day too high)"),
    ({"share_rejected": 0.26}, "few_rows_rejected", "26.0%, expected at most 25% (1 percentage point too high)"),
    ({"share_outdated": 0.11}, "few_rows_outdated", "11.0%"),
    ({"share_doubles": 0.06}, "few_doubles", "6.0%"),
    ({"share_needs_review": 0.11}, "addresses_found", "11.0%"),
    ({"missing_columns": 1}, "columns_as_agreed", "missing_columns is 1, expected 0"),
    ({"escaped_names": 3}, "names_as_written", "escaped_names is 3, expected 0 (3 too high)"),
    ({"twice_encoded_names": 1}, "names_as_written", "twice_encoded_names is 1, expected 0 (1 too high)"),
    ({"share_without_reminder": 0.004}, "reminders_were_sent", "0.4%, expected at most 0%"),
    ({"unexpected_columns": 2}, "columns_as_agreed", "unexpected_columns is 2, expected 0"),
]


@pytest.mark.parametrize(("changes", "check", "said"), BROKEN)
def test_what_is_out_of_bounds_is_said_with_by_how_much(
    agreements: Mapping[str, Agreement], tmp_path: Path, changes: dict[str, Any], check: str, said: str
) -> None:
    found = judged(agreements, tmp_path, **changes)
    (failed,) = [j for j in found.judgements if not j.passed]
    assert failed.check == check
    assert said in "; ".join(str(finding) for finding in failed.findings)
    assert failed.agreement == "agreements/huur.yaml"


@pytest.mark.parametrize("changes", [{"row_count": 20}, {"rows_to_usual": 0.5}, {"share_rejected": 0.25}])
def test_a_bound_itself_is_within(agreements: Mapping[str, Agreement], tmp_path: Path, changes: dict[str, Any]) -> None:
    assert all(j.passed for j in judged(agreements, tmp_path, **changes).judgements)


def test_what_cannot_be_judged_is_not_called_good(agreements: Mapping[str, Agreement], tmp_path: Path) -> None:
    unknown = ("rows_to_usual", "amount_to_usual", "median_amount", "days_to_usual", "reference_date_age")
    found = judged(agreements, tmp_path, **dict.fromkeys(unknown))
    unjudged = {"rows_as_usual", "amounts_as_usual", "days_as_usual", "reference_date_is_recent"}
    assert {n.check for n in found.not_judged} == unjudged
    assert unjudged.isdisjoint(j.check for j in found.judgements)
    few = judged(agreements, tmp_path, row_count=5, accepted_count=4, share_rejected=0.6)
    assert "few_rows_rejected" in {n.check for n in few.not_judged}
    few = judged(agreements, tmp_path, row_count=5, accepted_count=4, amount_to_usual=20)
    assert "amounts_as_usual" in {n.check for n in few.not_judged}


@pytest.mark.parametrize(
    "changes", [{"amount_to_usual": 103.0}, {"amount_to_usual": 0.01}, {"median_amount": Decimal(22_050)}]
)
def test_cents_are_seen_in_a_few_rows_too(
    agreements: Mapping[str, Agreement], tmp_path: Path, changes: dict[str, Any]
) -> None:
    few = judged(agreements, tmp_path, row_count=2, accepted_count=2, **changes)
    (failed,) = [j for j in few.judgements if not j.passed and j.check != "rows_as_agreed"]
    assert failed.check == "amounts_as_usual"
    assert "cents" in str(failed.findings[0])


def test_a_delivery_of_nothing_is_judged_on_its_volume(agreements: Mapping[str, Agreement], tmp_path: Path) -> None:
    shares = dict.fromkeys(
        ("share_rejected", "share_outdated", "share_doubles", "share_needs_review", "reference_date_age",
         "median_amount", "amount_to_usual", "days_to_usual", "share_outside_area", "outside_area_above_usual")
    )  # fmt: skip
    found = judged(agreements, tmp_path, row_count=0, accepted_count=0, rejected_count=0, rows_to_usual=0.0, **shares)
    assert {j.check for j in found.judgements if not j.passed} == {"rows_as_agreed", "rows_as_usual"}


def test_an_expectation_that_raises_is_told_as_such(
    agreements: Mapping[str, Agreement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.execution_engine import PandasExecutionEngine

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the engine is broken")

    monkeypatch.setattr(PandasExecutionEngine, "get_domain_records", broken)
    monkeypatch.setattr(PandasExecutionEngine, "resolve_metrics", broken)
    with pytest.raises(JudgingError, match="could not be evaluated"):
        judged(agreements, tmp_path)


def test_the_page_stands_alone_and_holds_no_person(agreements: Mapping[str, Agreement], tmp_path: Path) -> None:
    found = judged(agreements, tmp_path, share_rejected=0.4, rows_to_usual=None, surname="Achternaamzebra")
    (page,) = {j.page for j in found.judgements}
    text = page.read_text(encoding="utf-8")
    assert page.name == "2021-03_huur.html"
    assert page.stat().st_mode & 0o077 == 0
    assert "Huur &amp; &lt;Zonen&gt;" in text
    assert "40.0%" in text
    assert "rows_as_usual: no two earlier months" in text
    assert "zebra" not in text
    assert re.findall(r"(?:src|href)=[\"'](?!index\.html)[^\"']*", text) == []
    assert "<script" not in text
    assert "@import" not in text


def test_the_index_shows_what_failed_and_forgets_what_is_gone(
    agreements: Mapping[str, Agreement], tmp_path: Path
) -> None:
    measures = [
        {**ORDINARY, "month": date(2021, 2, 1)},
        {**ORDINARY, "share_rejected": 0.4, "missing_columns": 1},
    ]
    docs = tmp_path / "docs"
    found = judge(measures, agreements, docs, tmp_path / "scratch")
    index = write_index(docs).read_text(encoding="utf-8")
    assert barriers(docs / "index.html", docs / "2021-03_huur.html") == {}
    assert index.index("2021-03") < index.index("2021-02")
    assert "✗ 2" in index
    remove_pages(docs, [MARCH], keep=set())
    assert {page.name for page in docs.glob("*_*.html")} == {"2021-02_huur.html"}
    assert {j.page.name for j in found.judgements} == {"2021-02_huur.html", "2021-03_huur.html"}


@contextmanager
def no_library() -> Iterator[None]:
    """Whoever imports Great Expectations within fails."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "great_expectations", None)
        yield


def test_what_did_not_change_keeps_its_verdicts_and_page(agreements: Mapping[str, Agreement], tmp_path: Path) -> None:
    changes = {"share_rejected": 0.4, "rows_to_usual": None}
    fresh = judged(agreements, tmp_path, **changes)
    (page,) = {j.page for j in fresh.judgements}
    written = page.read_bytes()
    with no_library():
        assert judged(agreements, tmp_path, **changes) == fresh
    assert page.read_bytes() == written
    elsewhere = judged(agreements, tmp_path / "elsewhere", **changes)
    assert [replace(j, page=page) for j in elsewhere.judgements] == list(fresh.judgements)
    assert (tmp_path / "elsewhere" / "docs" / page.name).read_bytes() == written


def _with_another_bound(agreement: Agreement) -> Agreement:
    return agreement.model_copy(update={"delivery": agreement.delivery.model_copy(update={"expected_rows": (20, 90)})})


@pytest.mark.parametrize(
    "change",
    [
        "measures", "agreement", "name", "page touched", "page gone", "verdicts gone", "verdicts damaged",
        "library", "folder moved",
    ],
)  # fmt: skip
def test_what_changed_is_judged_again(
    agreements: Mapping[str, Agreement],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    first = judged(agreements, tmp_path)
    (page,) = {j.page for j in first.judgements}
    kept, written = page.with_suffix(".json"), page.read_bytes()
    with no_library():
        assert judged(agreements, tmp_path) == first
    now, measures, home = agreements, dict[str, Any](), tmp_path
    if change == "measures":
        measures = {"median_amount": Decimal("240.01")}
    elif change == "agreement":
        now = {"huur": _with_another_bound(agreements["huur"])}
    elif change == "name":
        now = {"huur": agreements["huur"].model_copy(update={"name": "Huren"})}
    elif change == "page touched":
        page.write_bytes(written + b" ")
    elif change == "page gone":
        page.unlink()
    elif change == "verdicts gone":
        kept.unlink()
    elif change == "verdicts damaged":
        kept.write_text(kept.read_text(encoding="utf-8")[:-5], encoding="utf-8")
    elif change == "library":
        monkeypatch.setattr("importlib.metadata.version", lambda _: "1.99")
    else:
        home = tmp_path / "moved"
        (tmp_path / "docs").rename(private_folder(home) / "docs")
    with no_library(), pytest.raises(ImportError):
        judged(now, home, **measures)
    again = judged(now, home, **measures)
    (page,) = {j.page for j in again.judgements}
    if change == "agreement":
        assert [j.check for j in again.judgements if not j.passed] == ["rows_as_agreed"]
    elif change == "measures":
        assert "240.01" in page.read_text(encoding="utf-8")
    elif change == "name":
        assert "Huren" in page.read_text(encoding="utf-8")
    else:
        assert page.read_bytes() == written


def test_judging_takes_no_statistics_library() -> None:
    """That import is put off, and done when something asks for it."""
    said = subprocess.run(
        [
            sys.executable, "-c",
            "import sys; from vroeg_pipeline.installation.imports import import_when_used as later; later('scipy.stats')\n"
            "import great_expectations\n"
            "assert 'scipy.stats._stats_py' not in sys.modules\n"
            "from scipy import stats\n"
            "print(round(float(stats.entropy([0.5, 0.5])), 3), 'scipy.stats._stats_py' in sys.modules)",
        ],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert said.stdout.split() == ["0.693", "True"]


def test_nothing_is_left_in_the_temporary_folders(
    agreements: Mapping[str, Agreement], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(system))
    judged(agreements, tmp_path)
    assert list(system.iterdir()) == []
