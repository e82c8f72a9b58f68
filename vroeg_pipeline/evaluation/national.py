"""National figures, each with its year and source, from `national_figures.yaml`."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from functools import cache

import yaml
from pydantic import BaseModel, ConfigDict, Field


class NationalFigures(BaseModel):
    """What one source says of one year. `averages`: signals per 1,000 inhabitants a month, and shares; `totals`: counts, of
    which those in `more_than` are a lower bound.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    year: int
    source: str = Field(min_length=1)
    averages: dict[str, float] = Field(default_factory=dict)
    totals: dict[str, int] = Field(default_factory=dict)
    more_than: tuple[str, ...] = ()


@cache
def national_figures() -> Sequence[NationalFigures]:
    """All that is known, the oldest year first."""
    file = importlib.resources.files("vroeg_pipeline.evaluation") / "national_figures.yaml"
    found = [NationalFigures.model_validate(each) for each in yaml.safe_load(file.read_text(encoding="utf-8"))]
    return sorted(found, key=lambda each: each.year)
