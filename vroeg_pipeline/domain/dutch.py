"""Dutch that partners, teams and residents read."""

from __future__ import annotations

from decimal import Decimal


def in_dutch(number: int, one: str, several: str) -> str:
    """A number with its word: 1 regel, 2 regels, 0 regels, 1.234 regels."""
    return f"{number:,} ".replace(",", ".") + (one if number == 1 else several)


def euro_text(amount: Decimal) -> str:
    """An amount as Dutch readers write it, whatever the settings of their computer: € 1.234,56."""
    return f"€ {amount:,.2f}".translate(str.maketrans(",.", ".,"))
