"""What is expected of a delivery, by its agreement and by habit (ARCHITECTURE decision 6).

Plain data: how it is judged stands in `quality.judging`. Bounds that an agreement does not set stand here, in one
place. They are wide on purpose: a warning every month is soon read by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vroeg_pipeline.deliveries.partner_month import FEWEST_ROWS, MOST_OUTDATED
from vroeg_pipeline.domain.agreements import Agreement

# A row of `delivery_measures`: numbers by column.
Measures = Mapping[str, Any]

MOST_REJECTED = 0.25
MOST_DOUBLES = 0.05
MOST_NEEDING_REVIEW = 0.10
# Above what is usual for the partner, and ever: where most rows lie outside the area it is rather the register that is
# wrong.
MOST_OUTSIDE_AREA_ABOVE_USUAL, MOST_OUTSIDE_AREA = 0.20, 0.50
LEAST_OF_USUAL, MOST_OF_USUAL = 0.5, 2.0
# In cents every arrear that may be sent is a hundred times the agreed threshold or more; so high a median is no other.
CENTS = 100
LEAST_MEDIAN_IN_CENTS = 5_000
# A ratio so near to a hundred, or a hundredth, is told as such.
_NEAR_CENTS = 50, 200

Unit = Literal["", "days", "share", "times", "euro"]


@dataclass(frozen=True)
class Expected:
    """A bound on one measure of a delivery, a column of `delivery_measures`.

    `check`: the asset check it belongs to; several may share one. `rows`: the measure that holds how many rows it
    rests on, where few rows say nothing. `empty`: why the measure may be empty.
    """

    check: str
    measure: str
    lowest: float | None
    highest: float | None
    rule: str
    unit: Unit = ""
    rows: str | None = None
    empty: str = "nothing to measure"

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        low = None if self.lowest is None else self._bound(self.lowest)
        high = None if self.highest is None else self._bound(self.highest)
        if low and high:
            return low if low == high else f"{low} to {high}"
        return f"at most {high}" if high else f"at least {low}"

    def _bound(self, value: float) -> str:
        return f"{value:.0%}" if self.unit == "share" else _with_unit(f"{value:g}", self.unit)

    def shown(self, value: float) -> str:
        """A measured value, in the notation of the bounds."""
        if self.unit == "share":
            return f"{value:.1%}"
        if self.unit == "euro":
            return _with_unit(f"{value:.0f}", self.unit)
        return _with_unit(f"{value:.2f}" if self.unit == "times" else f"{value:g}", self.unit)

    def how_far_off(self, value: float) -> str:
        """By how much a measured value lies outside the bounds; empty when it lies within."""
        if self.lowest is not None and value < self.lowest:
            if self._is_near_cents(value):
                return f"about {CENTS} times too low: euro read as cents?"
            return f"{self._distance(self.lowest - value)} too low"
        if self.highest is not None and value > self.highest:
            if self._is_near_cents(value):
                return f"about {CENTS} times too high: cents read as euro?"
            cents = ": cents read as euro?" if self.unit == "euro" else ""
            return f"{self._distance(value - self.highest)} too high{cents}"
        return ""

    def _is_near_cents(self, value: float) -> bool:
        low, high = _NEAR_CENTS
        return self.measure == "amount_to_usual" and (low <= value <= high or 1 / high <= value <= 1 / low)

    def _distance(self, distance: float) -> str:
        if self.unit == "share":
            return _with_unit(f"{100 * distance:.2g}", "percentage points")
        # What is just outside must not read as 0.
        return _with_unit(f"{distance:.2g}" if self.unit == "times" else f"{distance:g}", self.unit)

    def why_not_judged(self, measures: Measures) -> str | None:
        """Why this delivery cannot be judged on it; None when it can."""
        if measures[self.measure] is None:
            return self.empty
        if self.measure == "rows_to_usual":
            # Both few now and few in other months: 3 after 1 is no more than chance. None now is judged.
            ratio = float(measures["rows_to_usual"])
            largest = max(measures["row_count"], round(measures["row_count"] / ratio)) if ratio else FEWEST_ROWS
            return None if largest >= FEWEST_ROWS else f"fewer than {FEWEST_ROWS} rows, now and usually"
        # A hundred times the usual is no chance, however few the rows are.
        if self.rows and measures[self.rows] < FEWEST_ROWS and not self._is_near_cents(float(measures[self.measure])):
            kind = "rows" if self.rows == "row_count" else "signals"
            return f"only {measures[self.rows]} {kind}, fewer than {FEWEST_ROWS}"
        return None


def _with_unit(number: str, unit: str) -> str:
    if number == "1" and unit != "times":
        unit = unit.removesuffix("s")
    return f"{number} {unit}" if unit else number


def expected_of(agreement: Agreement) -> list[Expected]:
    """Everything expected of a delivery under the agreement."""
    terms = agreement.delivery
    usual = "the median of the six months before, predecessors included"
    most_euro = max(LEAST_MEDIAN_IN_CENTS, float(CENTS * terms.min_amount))
    expected = [
        Expected(
            "rows_as_usual", "rows_to_usual", LEAST_OF_USUAL, MOST_OF_USUAL,
            f"The number of rows compared with {usual}.", "times", "row_count", "no two earlier months to compare with",
        ),
        Expected(
            "amounts_as_usual", "amount_to_usual", LEAST_OF_USUAL, MOST_OF_USUAL,
            f"The median arrear compared with {usual}.", "times", "row_count",
            "no amounts, or no two earlier months to compare with",
        ),
        Expected(
            "amounts_as_usual", "median_amount", None, most_euro,
            f"The median arrear; in cents it would be {CENTS} times min_amount of the agreement or more.", "euro",
            empty="no amounts",
        ),
        Expected(
            "days_as_usual", "days_to_usual", LEAST_OF_USUAL, MOST_OF_USUAL,
            f"The median number of days in arrears of the signals compared with {usual}.", "times", "accepted_count",
            "no signals, or no two earlier months to compare with",
        ),
        Expected(
            "few_outside_area", "share_outside_area", None, MOST_OUTSIDE_AREA,
            "Share of the rows whose address lies outside the area (DOMAIN §5).", "share", "row_count", "no rows",
        ),
        Expected(
            "few_outside_area", "outside_area_above_usual", None, MOST_OUTSIDE_AREA_ABOVE_USUAL,
            f"How much larger that share is than {usual}.", "share", "row_count", "no rows",
        ),
        Expected(
            "reference_date_is_recent", "reference_date_age", None, terms.max_age_days,
            "Days from the latest reference date to the due date: max_age_days of the agreement.", "days",
            empty="no row has a reference date that can be read",
        ),
        Expected(
            "few_rows_rejected", "share_rejected", None, MOST_REJECTED,
            "Share of the rows that break a rule of DOMAIN §5.", "share", "row_count", "no rows",
        ),
        Expected(
            "few_rows_outdated", "share_outdated", None, MOST_OUTDATED,
            "Share of the rows that are outdated (DOMAIN §5).", "share", "row_count", "no rows",
        ),
        Expected(
            "few_doubles", "share_doubles", None, MOST_DOUBLES,
            "Share of the rows that stand in the delivery before (duplicate_in_delivery, DOMAIN §5).", "share",
            "row_count", "no rows",
        ),
        Expected(
            "addresses_found", "share_needs_review", None, MOST_NEEDING_REVIEW,
            "Share of the signals whose address is ambiguous or not in the register (DOMAIN §6).", "share",
            "accepted_count", "no signals, or no address register to find them in",
        ),
        Expected(
            "columns_as_agreed", "missing_columns", 0, 0, "Columns of the agreement that are missing from the file."
        ),
        Expected(
            "columns_as_agreed", "unexpected_columns", 0, 0, "Columns of the file that are not in the agreement."
        ),
        Expected(
            "names_as_written", "escaped_names", 0, 0,
            "Rows with an HTML entity (a letter as its name or number between & and ;) in a name of a person, street or "
            "town: teams would read it so.",
            empty="measured before names were",
        ),
        Expected(
            "names_as_written", "twice_encoded_names", 0, 0,
            "Rows with a letter in such a name that was put into UTF-8 twice (MÃ¼ller for Müller), or was lost (M�ller).",
            empty="measured before names were",
        ),
        Expected(
            "reminders_were_sent", "share_without_reminder", None, 0,
            "Share of the signals before which no reminder was sent: the law wants one first, but rejects none of them.",
            "share", empty="no signals, or the file does not say whether a reminder was sent",
        ),
    ]  # fmt: skip
    if terms.expected_rows:
        low, high = terms.expected_rows
        rule = "The number of data rows: expected_rows of the agreement."
        expected.insert(0, Expected("rows_as_agreed", "row_count", low, high, rule))
    return expected


def check_names(agreement: Agreement) -> list[str]:
    """The named checks of a partner's deliveries, in the order in which they are shown."""
    return list(dict.fromkeys(expected.check for expected in expected_of(agreement)))
