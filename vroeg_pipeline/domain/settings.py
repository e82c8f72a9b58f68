"""The settings of one installation, `settings.yaml`; what is left out has the default of DOMAIN."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field, model_validator

from vroeg_pipeline.domain.agreements import Month
from vroeg_pipeline.domain.months import is_month, month_text
from vroeg_pipeline.domain.reading import StrictModel, model_from, parse_yaml


class ContactPolicy(StrictModel):
    """What teams may do in a month; a lockdown, for example, forbids home visits."""

    home_visits: bool = True


class Settings(StrictModel):
    """Everything an installation may set. Amounts in euro, sizes in MiB, durations as the name says."""

    matching_working_day: int = Field(default=7, ge=1, le=23, description="working day on which worklists are made")
    lookback_months: int = Field(default=24, ge=1, le=240, description="months in which an earlier report counts")
    repeat_months: int = Field(default=3, ge=0, le=240, description="months in which the same arrear is a repeat")
    high_amount: Decimal = Field(default=Decimal("500.00"), ge=0, description="from here a single signal is phoned")
    settle_seconds: float = Field(default=10, ge=0, description="a file changed less than this ago is left alone")
    max_file_mb: float = Field(default=50, gt=0, description="a larger delivery is refused")
    mortgage_is_housing: bool = Field(default=False, description="Hypotheek counts as rent in the tiers")
    register_max_loss: float = Field(
        default=0.01, ge=0, le=1, description="share of its addresses that a new address register may have lost"
    )
    lock_timeout_minutes: float = Field(default=60, ge=0, description="how long a run waits for the warehouse")
    first_month: Month | None = Field(
        default=None, description="first month in the UI, when not the oldest agreement's"
    )
    contact_policy: dict[str, ContactPolicy] = Field(default_factory=dict, description="per month; '' is any other")
    capacity: dict[str, int] = Field(default_factory=dict, description="home visits per worklist and month")

    @model_validator(mode="before")
    @classmethod
    def _general_policy(cls, content: dict[str, Any]) -> dict[str, Any]:
        # `{home_visits: true}` and `{"2021-01": {home_visits: false}}` may both be written, also together (DOMAIN §13).
        policy = content.get("contact_policy")
        if not isinstance(policy, dict):
            return content
        general = {key: value for key, value in policy.items() if not is_month(str(key))}
        by_month = {str(key): value for key, value in policy.items() if is_month(str(key))}
        return {**content, "contact_policy": {**by_month, **({"": general} if general else {})}}

    @model_validator(mode="after")
    def _capacity_not_negative(self) -> Settings:
        for worklist, visits in self.capacity.items():
            if visits < 0:
                raise ValueError(f"capacity of '{worklist}' is below zero")
        return self

    def home_visits_allowed(self, month: date) -> bool:
        """Whether teams may visit in the month; months the policy does not name follow its general rule, or may."""
        policy = self.contact_policy.get(month_text(month)) or self.contact_policy.get("") or ContactPolicy()
        return policy.home_visits


def parse_settings(text: str, where: object) -> Settings:
    """The settings from their YAML text.

    Raises VroegError that names the file (`where`), the field and what was expected.
    """
    return model_from(Settings, parse_yaml(text, where), where)
