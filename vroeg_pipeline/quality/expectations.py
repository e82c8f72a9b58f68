"""What is expected of a delivery, by its agreement and by habit (ARCHITECTURE decision 6).

Plain data: how it is judged stands in `quality.judging`. Bounds that an agreement does not set stand here, in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

from vroeg_pipeline.domain.agreements import Agreement

# Shares of a handful of rows say nothing, so they are not judged below this.
FEWEST_ROWS = 10
MOST_REJECTED = 0.25
MOST_OUTDATED = 0.10
MOST_DOUBLES = 0.05
MOST_NEEDING_REVIEW = 0.10
LEAST_OF_USUAL, MOST_OF_USUAL = 0.5, 2.0


@dataclass(frozen=True)
class Expected:
    """A bound on one measure of a delivery. `check`: the asset check it belongs to; several may share one."""

    check: str
    measure: str
    lowest: float | None
    highest: float | None
    rule: str
    is_share: bool = False

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        form = "{:.0%}" if self.is_share else "{:g}"
        low = None if self.lowest is None else form.format(self.lowest)
        high = None if self.highest is None else form.format(self.highest)
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f"at most {high}" if high else f"at least {low}"

    def shown(self, value: float) -> str:
        """A measured value in the notation of the bounds."""
        return f"{value:.1%}" if self.is_share else f"{value:g}"


def expected_of(agreement: Agreement) -> list[Expected]:
    """Everything expected of a delivery under the agreement."""
    terms = agreement.delivery
    usual = f"{LEAST_OF_USUAL:g} to {MOST_OF_USUAL:g} times the median of the six months before"
    expected = [
        Expected("rows_as_usual", "rows_to_usual", LEAST_OF_USUAL, MOST_OF_USUAL, f"The number of rows is {usual}."),
        Expected("amounts_as_usual", "amount_to_usual", LEAST_OF_USUAL, MOST_OF_USUAL, f"The median arrear is {usual}."),
        Expected(
            "reference_date_is_recent", "reference_date_age", None, terms.max_age_days,
            "The latest reference date is not older than max_age_days before the due date.",
        ),
        Expected(
            "few_rows_rejected", "share_rejected", None, MOST_REJECTED, "Few rows break a rule of DOMAIN §5.", True
        ),
        Expected("few_rows_outdated", "share_outdated", None, MOST_OUTDATED, "Few rows are outdated.", True),
        Expected("few_doubles", "share_doubles", None, MOST_DOUBLES, "Few rows stand in the delivery twice.", True),
        Expected(
            "addresses_found", "share_needs_review", None, MOST_NEEDING_REVIEW,
            "Few addresses are ambiguous or not in the register.", True,
        ),
        Expected("columns_as_agreed", "missing_columns", 0, 0, "No agreed column is missing."),
        Expected("columns_as_agreed", "unexpected_columns", 0, 0, "No column came that was not agreed."),
    ]  # fmt: skip
    if terms.expected_rows:
        low, high = terms.expected_rows
        expected.insert(
            0, Expected("rows_as_agreed", "row_count", low, high, "The number of rows is within expected_rows.")
        )
    return expected


def check_names(agreement: Agreement) -> list[str]:
    """The named checks of a partner's deliveries, in the order in which they are shown."""
    return list(dict.fromkeys(expected.check for expected in expected_of(agreement)))
