"""The charts of the evaluation as SVG inside the page: drawn by matplotlib, with text that can be read aloud and searched.

A chart gets the same counts as the table beside it; what is hidden there (None) is left out here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

Series = tuple[str, Sequence[int | None]]

# Neighbours differ in grey too, and from the seventh on by hatching.
_COLOURS = ("#12395b", "#e0a458", "#4f86ab", "#cfdde6", "#7d5433", "#f3dfc1")
_HATCHES = ("", "////", "....", "xxxx")
_INK, _LINES = "#22313d", "#d9dfe4"
_WIDTH = 7.0


def stacked_months(name: str, said: str, months: Sequence[str], series: Sequence[Series], unit: str) -> str:
    """Bars a month, one series upon the other."""
    with _chart(2.7) as (figure, axes):
        below = [0] * len(months)
        for number, (label, values) in enumerate(series):
            heights = [value or 0 for value in values]
            axes.bar(months, heights, bottom=below, width=0.62, label=label, **_look(number))
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.set_ylim(0, max([*below, 1]) * 1.08)
        axes.set_ylabel(unit)
        axes.yaxis.grid(visible=True, color=_LINES, linewidth=0.8)
        axes.tick_params(length=0)
        if len(months) > 8:
            axes.tick_params(axis="x", rotation=45)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles[::-1], labels[::-1], loc="outside right upper", frameon=False, handlelength=1.2, handleheight=1.1
        )
        return _as_svg(figure, name, said)


def bars(name: str, said: str, rows: Sequence[str], series: Sequence[Series], *, percent: bool = False) -> str:
    """Horizontal bars, a group a row, each with its number behind it."""
    thickness = 0.72 / len(series)
    with _chart(0.5 + len(rows) * max(0.34, 0.2 * len(series))) as (figure, axes):
        highest = max((value for _, values in series for value in values if value), default=1)
        for number, (label, values) in enumerate(series):
            places = [row + (number - (len(series) - 1) / 2) * thickness for row in range(len(rows))]
            axes.barh(places, [value or 0 for value in values], thickness * 0.9, label=label, **_look(number))
            for place, value in zip(places, values, strict=True):
                text = "•" if value is None else f"{value}%" if percent else f"{value:,}".replace(",", ".")
                axes.text((value or 0) + highest * 0.012, place, text, va="center", fontsize=8.5, color=_INK)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlim(0, highest * 1.12)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_visible(True)
        if len(series) > 1:
            figure.legend(
                loc="outside upper right", ncols=len(series), frameon=False, handlelength=1.2, handleheight=1.1
            )
        return _as_svg(figure, name, said)


def _look(number: int) -> dict[str, Any]:
    again, place = divmod(number, len(_COLOURS))
    hatch = _HATCHES[again % len(_HATCHES)]
    return {"facecolor": _COLOURS[place], "hatch": hatch, "edgecolor": "#ffffff", "linewidth": 0.6}


@contextmanager
def _chart(height: float) -> Iterator[tuple[Any, Any]]:
    # Takes most of a second, and only who makes a report needs it.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": "vroeg", "font.size": 9.5, "font.family": "sans-serif",
        "text.color": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK, "hatch.linewidth": 0.7,
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set_color(_LINES)
        axes.set_axisbelow(True)
        yield figure, axes


def _as_svg(figure: Any, name: str, said: str) -> str:
    written = io.StringIO()
    figure.savefig(
        written, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    text = written.getvalue()
    text = text[text.index("<svg") :]
    # Several charts stand in one page: only names that are referred to stay, each with the chart's own in front.
    text = re.sub(r"<(metadata|style)\b.*?</\1>|<!--.*?-->", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{name}-", text)
    # The page has a font of its own; texts are anchored, so that another width does no harm.
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    size = re.search(r'viewBox="([^"]+)"', text)
    body = text[text.index(">") + 1 :]
    return (
        f'<svg role="img" aria-labelledby="{name}-title" viewBox="{size[1] if size else ""}">'
        f'<title id="{name}-title">{escape(said)}</title>{body}'
    )
