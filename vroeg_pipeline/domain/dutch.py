"""Dutch that partners, teams and residents read."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def in_dutch(number: int, one: str, several: str) -> str:
    """A number with its word: 1 regel, 2 regels, 0 regels, 1.234 regels."""
    return f"{number:,} ".replace(",", ".") + (one if number == 1 else several)


def euro_text(amount: Decimal) -> str:
    """An amount as Dutch readers write it, whatever the settings of their computer: € 1.234,56."""
    return f"€ {amount:,.2f}".translate(str.maketrans(",.", ".,"))


def in_a_row(names: Sequence[str]) -> str:
    """Names as they are said: A, B en C."""
    return " en ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
