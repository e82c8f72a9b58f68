"""Dutch that partners, teams and residents read."""

from __future__ import annotations


def in_dutch(number: int, one: str, several: str) -> str:
    """A number with its word: 1 regel, 2 regels, 0 regels, 1.234 regels."""
    return f"{number:,} ".replace(",", ".") + (one if number == 1 else several)
