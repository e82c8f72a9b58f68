"""The charts: bars as long as their counts, nothing of what is hidden, names that are the chart's own."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from vroeg_pipeline.evaluation.charts import bars, stacked_months
from vroeg_pipeline_tests.kit.browser import contrast

TYPES = [(f"soort {number} & meer", [10 * number, number + 3]) for number in range(8)]


def drawn(svg: str) -> Element:
    return fromstring(svg)


def rectangles(svg: str, fill: str) -> list[tuple[float, float]]:
    """Width and height of what has that colour, but for the legend and patterns."""
    found = [r for r in drawn(svg).findall("rect") if r.get("fill") == fill]
    return [(float(r.attrib["width"]), float(r.attrib["height"])) for r in found if float(r.attrib["width"]) != 11.0]


def texts(svg: str) -> list[str]:
    return [str(text.text) for text in drawn(svg).iter("text")]


def test_bars_are_as_long_as_their_counts() -> None:
    svg = bars("kort", "Zie de tabel.", ["Huur & meer", "CRISIS", "geen"], [("", [1200, 300, 0])])
    first, second, none = (width for width, _ in rectangles(svg, "#12395b"))
    assert abs(first - 4 * second) < 0.3
    assert none == 0
    assert texts(svg) == ["Huur & meer", "CRISIS", "geen", "1.200", "300", "0"]


def test_what_is_no_number_has_no_length() -> None:
    svg = bars("deel", "Zie de tabel.", ["a", "b"], [("bereikt", [40, "•"]), ("hulp", ["–", 10])], percent=True)
    assert [width > 0 for width, _ in rectangles(svg, "#12395b")] == [True, False]
    assert [text for text in texts(svg) if text in ("•", "–", "40%", "10%")] == ["40%", "•", "–", "10%"]
    assert {"bereikt", "hulp"} <= set(texts(svg))


def test_a_month_is_as_high_as_its_parts_together() -> None:
    svg = stacked_months(
        "maand", "Zie de tabel.", ["jan 21", "feb 21"], [("a", [30, 10]), ("b", ["•", 20])], "signalen"
    )
    (high, low), (hidden, upper) = ([h for _, h in rectangles(svg, fill)] for fill in ("#12395b", "#c47e22"))
    assert abs(high - 3 * low) < 0.3
    assert hidden == 0
    assert abs(upper - 2 * low) < 0.3
    assert {"0", "10", "20", "30", "jan 21", "feb 21", "signalen"} <= set(texts(svg))


def test_neighbours_stay_apart_beyond_six_series() -> None:
    svg = stacked_months("veel", "Zie de tabel.", ["jan 21", "feb 21"], TYPES, "signalen")
    fills = {rectangle.get("fill") for rectangle in drawn(svg).findall("rect")}
    assert len(fills) == 8
    referred = set(re.findall(r"url\(#([^)]+)\)", svg))
    assert referred == {"veel-6", "veel-7"} == {p.get("id") for p in drawn(svg).iter("pattern")}
    colours = [
        str(fill) for fill in dict.fromkeys(r.get("fill") for r in drawn(svg).findall("rect")) if "#v" not in str(fill)
    ]
    assert len(colours) == 6
    assert min(contrast(colour, "#ffffff") for colour in colours) >= 3
    assert min(contrast(colour, after) for colour, after in pairwise(colours)) >= 3


def test_all_is_within_the_picture() -> None:
    months = [f"mrt {year}" for year in range(20, 34)]
    for svg in (
        stacked_months("lang", "Zie de tabel.", months, [(name, [9] * 14) for name, _ in TYPES], "signalen"),
        bars("rijen", "Zie de tabel.", ["Een heel lang eindresultaat, met alles erop en eraan"], [("", [5])]),
    ):
        _, _, width, height = map(float, drawn(svg).attrib["viewBox"].split())
        for rectangle in drawn(svg).findall("rect"):
            x, y, w, h = (float(rectangle.attrib[side]) for side in ("x", "y", "width", "height"))
            assert x >= 0
            assert x + w <= width
            assert y >= 0
            assert y + h <= height
