"""The charts of the evaluation as SVG inside the page, with text that can be read aloud and searched.

A chart gets the same counts as the table beside it; what is no number there has no bar here. Lengths are in points
of a page of 504 wide; the page scales them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

# A count, or what stands in its place without a bar.
Value = int | str
Series = tuple[str, Sequence[Value]]

# Each stands out from the page (3:1, WCAG 1.4.11); neighbours differ in grey too, and from the seventh on by hatching.
_COLOURS = ("#12395b", "#c47e22", "#4c2f17", "#6c93b5", "#26401c", "#b5876a")
_HATCHES = ("", "M0 6L6 0", "M2 3H4", "M0 6L6 0M0 0L6 6")
_INK, _LINES = "#22313d", "#d9dfe4"
_WIDTH, _MARGIN = 504.0, 3.0
_TEXT, _NUMBER = 9.5, 8.5
_SWATCH, _LEGEND_LINE = 11.0, 14.0
# Months beside each other under a chart; more of them are written aslant.
_MOST_UPRIGHT = 8


def stacked_months(name: str, said: str, months: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """Bars a month, one series upon the other."""
    height = 194.0
    totals = [sum(_length(values[place]) for _, values in series) for place in range(len(months))]
    top = max([*totals, 1]) * 1.08
    ticks = list(_ticks(top))
    aslant = len(months) > _MOST_UPRIGHT
    left = _MARGIN + 2 * _TEXT + max(_width(_counted(tick)) for tick in ticks)
    right = _WIDTH - _MARGIN - _SWATCH - 16 - max((_width(label) for label, _ in series), default=0)
    floor = height - (0.75 * max(map(_width, months)) + 10 if aslant else 16)
    pitch, scale = (right - left) / len(months), (floor - 6) / top
    parts = [f'<path d="M{left:.1f} {floor - tick * scale:.1f}H{right:.1f}" stroke="{_LINES}"/>' for tick in ticks]
    parts += [_text(left - 4, floor - tick * scale, _counted(tick), "end") for tick in ticks]
    parts.append(
        f'<text transform="translate({_MARGIN + _TEXT:.1f} {floor / 2:.1f}) rotate(-90)" text-anchor="middle">'
        f"{escape(unit)}</text>"
    )
    below = [0] * len(months)
    for number, (_, values) in enumerate(series):
        for place, value in enumerate(values):
            x, low = left + (place + 0.19) * pitch, below[place]
            below[place] = low + _length(value)
            parts.append(
                _bar(name, number, x, floor - below[place] * scale, 0.62 * pitch, (below[place] - low) * scale)
            )
    for place, month in enumerate(months):
        x = left + (place + 0.5) * pitch
        parts.append(
            f'<text transform="translate({x + 3:.1f} {floor + 11:.1f}) rotate(-45)" text-anchor="end">{escape(month)}</text>'
            if aslant
            else _text(x, floor + 9, month, "middle")
        )
    for line, number in enumerate(reversed(range(len(series)))):
        parts += _legend(name, number, series[number][0], right + 14, 12 + line * _LEGEND_LINE)
    return _svg(name, said, height, len(series), parts)


def bars(name: str, said: str, rows: Sequence[str], series: Sequence[Series], *, percent: bool = False) -> str:
    """Horizontal bars, a group a row, each with its number behind it."""
    height = 36 + len(rows) * max(24.5, 14.4 * len(series))
    top = 2 * _LEGEND_LINE if len(series) > 1 else _MARGIN
    left = _MARGIN + 7 + max(map(_width, rows), default=0)
    highest = max((_length(value) for _, values in series for value in values), default=0) or 1
    pitch, scale = (height - top - _MARGIN) / max(len(rows), 1), (_WIDTH - _MARGIN - left) / (highest * 1.12)
    thickness = 0.72 / len(series) * pitch
    parts = [_text(left - 4, top + (row + 0.5) * pitch, label, "end") for row, label in enumerate(rows)]
    for number, (_, values) in enumerate(series):
        for row, value in enumerate(values):
            middle = top + (row + 0.5) * pitch + (number - (len(series) - 1) / 2) * thickness
            length = _length(value) * scale
            parts.append(_bar(name, number, left, middle - 0.45 * thickness, length, 0.9 * thickness))
            text = value if isinstance(value, str) else f"{value}%" if percent else _counted(value)
            parts.append(_text(left + length + highest * 0.012 * scale, middle, text, "start", _NUMBER))
    parts.append(f'<path d="M{left:.1f} {top:.1f}V{height - _MARGIN:.1f}" stroke="{_LINES}"/>')
    if len(series) > 1:
        x = _WIDTH - _MARGIN
        for number in reversed(range(len(series))):
            x -= _width(series[number][0]) + _SWATCH + 18
            parts += _legend(name, number, series[number][0], x, 12)
    return _svg(name, said, height, len(series), parts)


def _length(value: Value) -> int:
    return 0 if isinstance(value, str) else value


def _ticks(top: float) -> Iterator[int]:
    """Round numbers from 0 up to at most `top`, at most seven."""
    step = next(unit * 10**power for power in range(12) for unit in (1, 2, 5) if top / (unit * 10**power) < 7)
    yield from range(0, int(top) + 1, step)


def _counted(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def _width(text: str) -> float:
    """About how wide a text is in the page's font, rather too wide than too narrow."""
    return _TEXT * sum(
        0.3 if c in "iljtfr.,:;'-|() I" else 0.85 if c in "mwMW%" else 0.7 if c.isupper() else 0.56 for c in text
    )


def _text(x: float, y: float, text: str, anchor: str, size: float = _TEXT) -> str:
    # A third of the size lower, letters stand in the middle of the line.
    look = "" if size == _TEXT else f' font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y + size * 0.35:.1f}" text-anchor="{anchor}"{look}>{escape(text)}</text>'


def _bar(name: str, number: int, x: float, y: float, width: float, height: float) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} fill="{_fill(name, number)}" stroke="#fff" stroke-width=".6"/>'


def _legend(name: str, number: int, label: str, x: float, y: float) -> list[str]:
    return [_bar(name, number, x, y - 5, _SWATCH, 10), _text(x + _SWATCH + 5, y, label, "start")]


def _fill(name: str, number: int) -> str:
    return _COLOURS[number] if number < len(_COLOURS) else f"url(#{name}-{number})"


def _hatched(name: str, number: int) -> str:
    again, place = divmod(number, len(_COLOURS))
    return (
        f'<pattern id="{name}-{number}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect width="6" height="6" fill="{_COLOURS[place]}"/>'
        f'<path d="{_HATCHES[again % len(_HATCHES)]}" stroke="#fff" stroke-width=".9"/></pattern>'
    )


def _svg(name: str, said: str, height: float, series: int, parts: Sequence[str]) -> str:
    hatches = "".join(_hatched(name, number) for number in range(len(_COLOURS), series))
    return (
        f'<svg role="img" aria-labelledby="{name}-title" viewBox="0 0 {_WIDTH:g} {height:g}" font-size="{_TEXT}" '
        f'fill="{_INK}"><title id="{name}-title">{escape(said)}</title>'
        f"{f'<defs>{hatches}</defs>' if hatches else ''}{''.join(parts)}</svg>"
    )
